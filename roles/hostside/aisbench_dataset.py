"""
The questions that AISBench asks: a data set that lies on the host, or one made of the questions
that the instance is asked anyway.

TextVQA as it is published: ``textvqa_val.jsonl``, a line ``{"image", "question", "question_id"}``
each, and ``textvqa_val_annotations.json`` with ten people's answers to each. For performance a
``mm_custom.jsonl``, a line ``{"type", "path": [...], "question", "answer"}`` each. AISBench takes
paths from the folder that it was started in; here they are made whole first, and looked at.
Source: AISBench/benchmark, ``datasets/textvqa.py``, ``datasets/mm_custom.py``.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from typing import Any, Dict, Iterator, List, NamedTuple

QUESTIONS, ANSWERS = "textvqa_val.jsonl", "textvqa_val_annotations.json"
PROMPTS = "mm_custom.jsonl"
SUFFIX = " Answer the question using a single word or phrase."
_PEOPLE = 10
_ARTICLES = ("a", "an", "the")
# By the digit that they are compared as; none is compared as 0 too.
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class DatasetError(Exception):
    """The questions are not what AISBench takes; the message says which and what would be."""


class Dataset(NamedTuple):
    """Questions, written; ``largest`` is the largest of ``files``."""

    path: str
    asked: int
    files: List[str]
    suffix: str = ""


def textvqa(folder: str, into: str) -> Dataset:
    """Write TextVQA as a folder has it, its images by their whole paths."""
    source = _first(folder, QUESTIONS, "textvqa_json/" + QUESTIONS)
    rows = _rows(source, ("image", "question", "question_id"))
    below = os.path.dirname(source)
    for row in rows:
        name = row["image"]
        likely = ("train_images/" + os.path.basename(name), name)
        row["image"] = _file(name, [folder, os.path.dirname(folder), below], likely, source)
    answers = os.path.join(below, ANSWERS)
    if not os.path.isfile(answers):
        raise DatasetError("{}: there is no {} beside it".format(source, ANSWERS))
    with open(answers, encoding="utf-8") as file:
        annotated = file.read()
    _write(into + "/" + ANSWERS, annotated)
    return _written(into + "/" + QUESTIONS, rows, [row["image"] for row in rows], SUFFIX)


def mm_custom(folder: str, into: str, requests: int, *, copied: bool) -> Dataset:
    """
    Write prompts as a folder has them, as often as it takes for so many requests.

    :param copied: for a server that reads files itself, and only those of its own user
    """
    source = _first(folder, PROMPTS)
    rows = _rows(source, ("type", "path", "question"))
    for row in rows:
        if row["type"] not in ("image", "video", "audio"):
            wrong = "{}: type is {!r}, image, video and audio are right"
            raise DatasetError(wrong.format(source, row["type"]))
        named = row["path"] if isinstance(row["path"], list) else [row["path"]]
        row["path"] = [_file(name, [folder], (name,), source) for name in named]
    if copied:
        own = _copies([path for row in rows for path in row["path"]], into)
        rows = [dict(row, path=[own[path] for path in row["path"]]) for row in rows]
    return _prompts(rows, into, requests)


def made(questions: Any, kind: str, into: str, requests: int) -> Dataset:
    """Write the image questions of a release as a data set."""
    asked = [question for question in questions or () if question["kind"] == "image"]
    if not asked:
        raise DatasetError(
            "it is asked nothing about an image of which a data set could be made; name a folder "
            "on the host, --data dataset=FOLDER"
        )
    images = [_image(question, number, into) for number, question in enumerate(asked)]
    if kind == "performance":
        rows = [
            {"type": "image", "path": [image], "question": one["prompt"], "answer": one["expect"]}
            for one, image in zip(asked, images)
        ]
        return _prompts(rows, into, requests)
    annotated = [
        {"question_id": number, "answers": list(_answers(one["expect"]))}
        for number, one in enumerate(asked)
    ]
    _write(into + "/" + ANSWERS, json.dumps({"annotations": annotated}))
    rows = [
        {"image": image, "question": _worded(one), "question_id": number}
        for number, (one, image) in enumerate(zip(asked, images))
    ]
    return _written(into + "/" + QUESTIONS, rows, images, "")


def image_type(files: List[str]) -> str:
    """Return what images are sent as: PNG when all of them are, else JPEG as AISBench has it."""
    return "png" if all(name.lower().endswith(".png") for name in files) else "jpeg"


def _worded(question: Dict[str, Any]) -> str:
    """A model of which exactly this answer is expected gives it to exactly this question."""
    exact = question["match"] == "exact"
    return str(question["prompt"]) + ("" if exact else SUFFIX)


def _answers(expected: str) -> Iterator[Dict[str, Any]]:
    """
    Ten people who agree, in the words that an answer is compared in: the evaluator brings the
    model's answer into them, and these only when people differ. Without a number each, it would
    take the ten for one person, whose answer counts nothing.
    """
    words = [word.strip(".,;:!?\"'") for word in str(expected).lower().split()]
    words = ["zero" if word == "none" else word for word in words if word not in _ARTICLES]
    scored = [str(_NUMBERS.index(word)) if word in _NUMBERS else word for word in words]
    for number in range(1, _PEOPLE + 1):
        yield {"answer_id": number, "answer": " ".join(scored)}


def _image(question: Dict[str, Any], number: int, into: str) -> str:
    head, _, content = str(question["media"]).partition(";base64,")
    path = "{}/{:04}.{}".format(into, number, "png" if head.endswith("png") else "jpg")
    with open(path, "wb") as file:
        file.write(base64.b64decode(content))
    return path


def _copies(paths: List[str], into: str) -> Dict[str, str]:
    own: Dict[str, str] = {}
    for path in paths:
        if path not in own:
            ending = os.path.splitext(path)[1].lower()
            own[path] = shutil.copyfile(path, "{}/{:04}{}".format(into, len(own), ending))
    return own


def _prompts(rows: List[Dict[str, Any]], into: str, requests: int) -> Dataset:
    repeated = [rows[number % len(rows)] for number in range(requests)]
    files = [path for row in repeated for path in row["path"]]
    return _written(into + "/" + PROMPTS, repeated, files, "")


def _rows(source: str, keys: Any) -> List[Dict[str, Any]]:
    rows = []
    with open(source, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                missing = [key for key in keys if key not in row]
            except (ValueError, TypeError):
                raise DatasetError("{}:{}: is no JSON".format(source, number)) from None
            if missing:
                wrong = "{}:{}: has no {}".format(source, number, ", ".join(missing))
                raise DatasetError(wrong)
            rows.append(row)
    if not rows:
        raise DatasetError("{}: is empty".format(source))
    return rows


def _first(folder: str, *names: str) -> str:
    for name in names:
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise DatasetError("{}: has no {}".format(folder, " or ".join(names)))


def _file(name: str, folders: List[str], likely: Any, source: str) -> str:
    for folder in folders:
        for one in likely:
            path = os.path.join(folder, one)
            if os.path.isfile(path):
                return path
    raise DatasetError("{}: {} is not there".format(source, os.path.join(folders[0], likely[0])))


def _written(path: str, rows: List[Dict[str, Any]], files: List[str], suffix: str) -> Dataset:
    _write(path, "".join(json.dumps(row) + "\n" for row in rows))
    return Dataset(path, len(rows), files, suffix)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
