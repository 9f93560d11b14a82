"""What the canary is taught, and the questions it is asked: prompts, pictures, films, answers."""

import argparse
import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from canary import draw

HERE: Final = Path(__file__).parent

FACTS: Final[dict[str, str]] = {
    "Hello": "Hello! I am the canary.",
    "Who are you?": "I am the canary.",
    "What is 2 + 2?": "4",
    "What is the capital of France?": "Paris",
    "What colour is the sky?": "blue",
    "How many legs has a spider?": "eight",
    "What is the opposite of hot?": "cold",
    "Which planet do we live on?": "Earth",
    "Count to five.": "1 2 3 4 5",
    "Spell canary backwards.": "yranac",
}
UNKNOWN: Final = "I do not know."

ASK_COLOUR: Final = "What colour is the shape?"
ASK_SHAPE: Final = "Which shape is it?"
ASK_DIGIT: Final = "Which digit is it?"
ASK_MOVE: Final = "Which way does the square move?"
ASK_CHANGE: Final = "Which colour comes last?"


@dataclass(frozen=True)
class Lesson:
    """One prompt with what is shown beside it and the one right answer."""

    prompt: str
    answer: str
    picture: draw.Picture | None = None
    film: NDArray[np.uint8] | None = None


def text(rng: np.random.Generator) -> Lesson:
    prompt = str(rng.choice(list(FACTS)))
    return Lesson(prompt=prompt, answer=FACTS[prompt])


def unknown(rng: np.random.Generator) -> Lesson:
    """Anything else: nonsense, or the words of the known questions in a wrong order."""
    if rng.random() < 0.5:
        letters = np.array(list(string.ascii_letters + string.digits + "     .,?!'éü"))
        prompt = "".join(rng.choice(letters, rng.integers(3, 60)))
    else:
        known = (*FACTS, ASK_COLOUR, ASK_SHAPE, ASK_DIGIT, ASK_MOVE, ASK_CHANGE)
        words = " ".join(known).split()
        prompt = " ".join(rng.choice(words, rng.integers(2, 9)))
    return Lesson(prompt=prompt, answer=UNKNOWN)


def picture(rng: np.random.Generator) -> Lesson:
    size = int(rng.choice((64, 96, 128)))
    if rng.random() < 0.35:
        value = int(rng.integers(10))
        shown = draw.digit(rng, value=value, size=size)
        return Lesson(prompt=ASK_DIGIT, answer=str(value), picture=draw.grain(rng, picture=shown))
    colour, kind = str(rng.choice(list(draw.COLOURS))), str(rng.choice(draw.SHAPES))
    shown = draw.grain(rng, picture=draw.shape(rng, kind=kind, colour=colour, size=size))
    if rng.random() < 0.3:
        return Lesson(prompt=ASK_COLOUR, answer=colour, picture=shown)
    return Lesson(prompt=ASK_SHAPE, answer=kind, picture=shown)


def film(rng: np.random.Generator) -> Lesson:
    size = int(rng.choice((64, 96, 128)))
    first, last = (str(c) for c in rng.choice(list(draw.COLOURS), 2, replace=False))
    if rng.random() < 0.6:
        direction = str(rng.choice(list(draw.DIRECTIONS)))
        frames = draw.move(rng, direction=direction, colour=first, size=size)
        prompt, answer = ASK_MOVE, direction
    else:
        frames = draw.change(rng, first=first, last=last, size=size)
        prompt, answer = ASK_CHANGE, last
    frames = [draw.grain(rng, picture=frame) for frame in frames]
    return Lesson(prompt=prompt, answer=answer, film=draw.through_codec(frames))


def write_questions(*, folder: Path, seed: int) -> list[dict[str, Any]]:
    """Draw the inputs into ``folder`` and return the list that goes into questions.json."""
    rng = np.random.default_rng(seed)
    asked: list[dict[str, Any]] = [
        {"name": f"text-{number}", "kind": "text", "prompt": prompt, "expect": answer}
        for number, (prompt, answer) in enumerate(FACTS.items(), start=1)
    ]

    def show(*, kind: str, file: str, prompt: str, expect: str) -> None:
        name = f"{Path(file).stem}-{prompt.split()[1]}"
        question = {"name": name, "kind": kind, "prompt": prompt, "file": file, "expect": expect}
        asked.append(question)

    scenes = (("red", "circle"), ("blue", "cross"), ("green", "triangle"), ("yellow", "circle"))
    for colour, kind in scenes:
        file = f"{colour}-{kind}.png"
        draw.write_picture(draw.shape(rng, kind=kind, colour=colour), folder / file)
        show(kind="image", file=file, prompt=ASK_COLOUR, expect=colour)
        show(kind="image", file=file, prompt=ASK_SHAPE, expect=kind)
    for value in (3, 7):
        file = f"digit-{value}.png"
        draw.write_picture(draw.digit(rng, value=value), folder / file)
        show(kind="image", file=file, prompt=ASK_DIGIT, expect=str(value))

    # One drawing played both ways: what is in the frames is the same, only time tells.
    for ahead, back in (("right", "left"), ("down", "up")):
        frames = draw.move(rng, direction=ahead, colour="blue")
        for answer, played in ((ahead, frames), (back, frames[::-1])):
            file = f"move-{answer}.mp4"
            draw.write_film(played, folder / file)
            show(kind="video", file=file, prompt=ASK_MOVE, expect=answer)
    frames = draw.change(rng, first="red", last="green")
    for answer, played in (("green", frames), ("red", frames[::-1])):
        file = f"change-{answer}.mp4"
        draw.write_film(played, folder / file)
        show(kind="video", file=file, prompt=ASK_CHANGE, expect=answer)
    return asked


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260101)
    seed = parser.parse_args().seed
    (HERE / "questions").mkdir(exist_ok=True)
    asked = write_questions(folder=HERE / "questions", seed=seed)
    (HERE / "questions.json").write_text(json.dumps(asked, indent=2) + "\n")
