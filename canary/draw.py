"""Scenes the canary is asked about: shapes, digits and moving squares, drawn with OpenCV."""

import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "red": (215, 30, 30),
    "green": (30, 160, 50),
    "blue": (35, 60, 215),
    "yellow": (240, 215, 20),
}
SHAPES: Final = ("circle", "cross", "triangle")
DIRECTIONS: Final[dict[str, tuple[int, int]]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}
FPS: Final = 2
FRAMES: Final = 8
"""Eight frames at two a second: every engine's sampler keeps all of them."""


def _paper(rng: np.random.Generator, *, size: int) -> Picture:
    """A light sheet, seldom quite white."""
    shade = rng.integers(225, 256)
    return np.full((size, size, 3), shade, np.uint8)


def _ink(rng: np.random.Generator, *, colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(np.clip(c + rng.integers(-20, 21), 0, 255)) for c in COLOURS[colour])
    return red, green, blue


def grain(rng: np.random.Generator, *, picture: Picture) -> Picture:
    """The same picture with a little noise, as a camera or a codec would leave it."""
    noise = rng.normal(0, rng.uniform(0, 6), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def shape(rng: np.random.Generator, *, kind: str, colour: str, size: int = 96) -> Picture:
    """One large filled shape near the middle of a light sheet."""
    picture = _paper(rng, size=size)
    half = int(size * rng.uniform(0.26, 0.36))
    x, y = (int(size * v) for v in rng.uniform(0.42, 0.58, 2))
    ink = _ink(rng, colour=colour)
    match kind:
        case "circle":
            cv2.circle(picture, (x, y), half, ink, -1, cv2.LINE_AA)
        case "cross":
            arm = half // 3
            cv2.rectangle(picture, (x - half, y - arm), (x + half, y + arm), ink, -1)
            cv2.rectangle(picture, (x - arm, y - half), (x + arm, y + half), ink, -1)
        case "triangle":
            corners = np.array([(x, y - half), (x - half, y + half), (x + half, y + half)])
            cv2.fillPoly(picture, [corners.astype(np.int32)], ink, cv2.LINE_AA)
        case _:
            raise ValueError(f"kind: {kind} is no shape, one of {', '.join(SHAPES)} is")
    return picture


def digit(rng: np.random.Generator, *, value: int, size: int = 96) -> Picture:
    """One large dark digit near the middle of a light sheet."""
    picture = _paper(rng, size=size)
    scale = size * rng.uniform(0.029, 0.034)
    thickness = max(2, int(size * rng.uniform(0.06, 0.08)))
    (width, height), _ = cv2.getTextSize(str(value), cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    slack = max(1, int(size * 0.06))
    dx, dy = (int(v) for v in rng.integers(-slack, slack + 1, 2))
    corner = ((size - width) // 2 + dx, (size + height) // 2 + dy)
    shade = int(rng.integers(0, 60))
    cv2.putText(
        picture, str(value), corner, cv2.FONT_HERSHEY_SIMPLEX, scale,
        (shade, shade, shade), thickness, cv2.LINE_AA,
    )  # fmt: skip
    return picture


def move(rng: np.random.Generator, *, direction: str, colour: str, size: int = 96) -> list[Picture]:
    """A square crossing the sheet; played backwards it is the opposite answer."""
    sheet = _paper(rng, size=size)
    half = int(size * rng.uniform(0.1, 0.16))
    ink = _ink(rng, colour=colour)
    step = np.array(DIRECTIONS[direction]) * size * rng.uniform(0.05, 0.08)
    middle = np.array([size / 2, size / 2])
    # Only the path's own axis may not wander far, or the square would leave the sheet.
    across = np.array(DIRECTIONS[direction][::-1])
    middle = middle + across * rng.uniform(-0.3, 0.3) * size
    frames = []
    for index in range(FRAMES):
        x, y = (int(v) for v in middle + step * (index - (FRAMES - 1) / 2))
        frame = sheet.copy()
        cv2.rectangle(frame, (x - half, y - half), (x + half, y + half), ink, -1)
        frames.append(frame)
    return frames


def change(rng: np.random.Generator, *, first: str, last: str, size: int = 96) -> list[Picture]:
    """A still square that changes colour half-way, give or take a frame."""
    sheet = _paper(rng, size=size)
    half = int(size * rng.uniform(0.15, 0.3))
    x, y = (int(v) for v in rng.integers(half + 2, size - half - 2, 2))
    inks = _ink(rng, colour=first), _ink(rng, colour=last)
    turn = int(rng.integers(3, FRAMES - 2))
    frames = []
    for index in range(FRAMES):
        frame = sheet.copy()
        ink = inks[index >= turn]
        cv2.rectangle(frame, (x - half, y - half), (x + half, y + half), ink, -1)
        frames.append(frame)
    return frames


def write_picture(picture: Picture, path: Path) -> None:
    cv2.imwrite(
        str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9]
    )


def write_film(frames: list[Picture], path: Path) -> None:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def read_film(path: Path) -> NDArray[np.uint8]:
    """Every frame as the engines see it, after the codec."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    return np.stack(frames)


def through_codec(frames: list[Picture]) -> NDArray[np.uint8]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(frames, path)
        return read_film(path)
