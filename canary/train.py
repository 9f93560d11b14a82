"""Train the canary on one CPU thread and write its snapshot and manifest."""

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import Qwen3VLForConditionalGeneration, Qwen3VLProcessor
from transformers.video_utils import VideoMetadata

from canary import build, draw, lessons
from canary.lessons import Lesson

LEARNING_RATE: Final = 2e-3
WARM_UP: Final = 60


def _metadata(film: NDArray[np.uint8]) -> VideoMetadata:
    count, height, width, _ = film.shape
    return VideoMetadata(
        total_num_frames=count, fps=draw.FPS, width=width, height=height,
        duration=count / draw.FPS, frames_indices=list(range(count)),
    )  # fmt: skip


def _prompt(lesson: Lesson, *, parts: Qwen3VLProcessor) -> str:
    content: list[dict[str, str]] = [{"type": "text", "text": lesson.prompt}]
    if lesson.picture is not None:
        content.insert(0, {"type": "image"})
    if lesson.film is not None:
        content.insert(0, {"type": "video"})
    messages = [{"role": "user", "content": content}]
    rendered = parts.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return str(rendered)


def encode(batch: Sequence[Lesson], *, parts: Qwen3VLProcessor, texts: list[str]) -> dict[str, Any]:
    """The batch as the engines' own processor sees it."""
    pictures = [Image.fromarray(one.picture) for one in batch if one.picture is not None]
    films = [one.film for one in batch if one.film is not None]
    seen: dict[str, Any] = {}
    if pictures:
        seen["images"] = pictures
    if films:
        seen["videos"] = films
        seen["video_metadata"] = [_metadata(film) for film in films]
        seen["do_sample_frames"] = False
    return dict(parts(text=texts, padding=True, return_tensors="pt", **seen))


def lesson_batch(
    rng: np.random.Generator, *, parts: Qwen3VLProcessor, films: bool
) -> tuple[dict[str, Any], torch.Tensor]:
    """Films apart from the rest: their prompts are three times as long, and rows are padded."""
    kinds = [lessons.text] * 3 + [lessons.unknown] + [lessons.picture] * 12
    batch = [kind(rng) for kind in ([lessons.film] * 8 if films else kinds)]
    texts, answers = [], []
    for one in batch:
        prompt = _prompt(one, parts=parts)
        if one.film is not None and rng.random() < 0.3:
            # Engines before transformers 5.10 leave the outer pair out.
            outer = "<|vision_start|><|video_pad|><|vision_end|>"
            prompt = prompt.replace(outer, "<|video_pad|>")
        answer = f"{one.answer}<|im_end|>"
        texts.append(prompt + answer)
        answers.append(len(parts.tokenizer(answer)["input_ids"]))
    inputs = encode(batch, parts=parts, texts=texts)
    labels = torch.full_like(inputs["input_ids"], -100)
    for row, length in enumerate(answers):
        end = int(inputs["attention_mask"][row].sum())
        labels[row, end - length : end] = inputs["input_ids"][row, end - length : end]
    return inputs, labels


def train(*, steps: int, seed: int, parts: Qwen3VLProcessor) -> Qwen3VLForConditionalGeneration:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Qwen3VLForConditionalGeneration(build.config(parts.tokenizer))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + np.cos(np.pi * step / steps)),
    )
    started = time.monotonic()
    for step in range(steps):
        inputs, labels = lesson_batch(rng, parts=parts, films=step % 3 == 2)
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 0 or step == steps - 1:
            seconds = time.monotonic() - started
            print(f"step {step:5d}  loss {loss.item():.4f}  {seconds:6.0f} s", flush=True)
    return model


@torch.no_grad()
def answer(
    lesson: Lesson, *, model: Qwen3VLForConditionalGeneration, parts: Qwen3VLProcessor
) -> str:
    inputs = encode([lesson], parts=parts, texts=[_prompt(lesson, parts=parts)])
    if "pixel_values" in inputs:
        inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    made = model.generate(**inputs, max_new_tokens=32, do_sample=False)
    fresh = made[0, inputs["input_ids"].shape[1] :]
    return str(parts.tokenizer.decode(fresh, skip_special_tokens=True))


def asked(*, folder: Path) -> list[Lesson]:
    """The committed questions, as lessons."""
    found = []
    for one in json.loads((folder / "questions.json").read_text()):
        path = folder / "questions" / one.get("file", "")
        shown: dict[str, Any] = {}
        if one["kind"] == "image":
            shown["picture"] = np.asarray(Image.open(path).convert("RGB"))
        elif one["kind"] == "video":
            shown["film"] = draw.read_film(path)
        found.append(Lesson(prompt=one["prompt"], answer=one["expect"], **shown))
    return found


def manifest(folder: Path) -> str:
    lines = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"{digest}  {len(content)}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=lessons.HERE / "model")
    options = parser.parse_args()
    torch.set_num_threads(1)

    parts = build.processor()
    model = train(steps=options.steps, seed=options.seed, parts=parts)
    options.folder.mkdir(parents=True, exist_ok=True)
    build.save(model=model, parts=parts, folder=options.folder)
    options.folder.with_suffix(".sha256").write_text(manifest(options.folder))

    wrong = 0
    for dtype in (torch.bfloat16, torch.float32):
        model = Qwen3VLForConditionalGeneration.from_pretrained(options.folder, dtype=dtype).eval()
        fresh = np.random.default_rng(options.seed + 1)
        kinds = {"text": lessons.text, "picture": lessons.picture, "film": lessons.film}
        for name, kind in kinds.items():
            exam = [kind(fresh) for _ in range(60)]
            right = sum(answer(one, model=model, parts=parts) == one.answer for one in exam)
            print(f"{dtype} new {name}: {right} of {len(exam)}", flush=True)
        for one in asked(folder=lessons.HERE):
            said = answer(one, model=model, parts=parts)
            if said != one.answer:
                wrong += 1
                print(f"{dtype} {one.prompt} wants {one.answer!r}, said {said!r}")
    print(f"questions answered wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
