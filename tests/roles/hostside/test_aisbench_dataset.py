"""Data sets for AISBench: found on the host, or made of the questions of a release."""

import base64
import json
from pathlib import Path
from typing import Any

import aisbench_dataset
import pytest

PNG = b"\x89PNG\r\n\x1a\nred circle"
MEDIA = "data:image/png;base64," + base64.b64encode(PNG).decode()
COLOUR = {
    "name": "colour", "kind": "image", "prompt": "What colour is it?", "expect": "red",
    "match": "exact", "media": MEDIA,
}  # fmt: skip
COUNT = COLOUR | {
    "name": "count", "prompt": "How many are there?", "expect": "A Three.", "match": "contains",
    "media": MEDIA.replace("png", "jpeg"),
}  # fmt: skip
SUM = {"name": "sum", "kind": "text", "prompt": "2 + 2 =", "expect": "4", "media": ""}


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """The folder that data sets are written to."""
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """TextVQA as it is published, of one question."""
    folder = tmp_path / "textvqa"
    (folder / "textvqa_json").mkdir(parents=True)
    (folder / "train_images").mkdir()
    (folder / "train_images/003a.jpg").write_bytes(b"jpeg")
    row = {"image": "data/textvqa/train_images/003a.jpg", "question": "what?", "question_id": 7}
    (folder / "textvqa_json/textvqa_val.jsonl").write_text(json.dumps(row) + "\n\n")
    (folder / "textvqa_json/textvqa_val_annotations.json").write_text('{"annotations": []}')
    return folder


def _rows(path: str) -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_made_of_what_the_instance_is_asked(into: Path) -> None:
    """What has to be answered exactly is asked as it stands, everything else as TextVQA asks."""
    made = aisbench_dataset.made([SUM, COLOUR, COUNT], "accuracy", str(into), requests=9)
    assert (made.asked, made.suffix) == (2, "")
    assert made.files == [f"{into}/0000.png", f"{into}/0001.jpg"]
    assert (into / "0000.png").read_bytes() == PNG
    assert _rows(made.path) == [
        {"image": f"{into}/0000.png", "question": "What colour is it?", "question_id": 0},
        {
            "image": f"{into}/0001.jpg",
            "question": "How many are there? Answer the question using a single word or phrase.",
            "question_id": 1,
        },
    ]
    annotated = json.loads((into / "textvqa_val_annotations.json").read_text())["annotations"]
    assert [row["question_id"] for row in annotated] == [0, 1]
    assert annotated[0]["answers"] == [
        {"answer_id": number, "answer": "red"} for number in range(1, 11)
    ]
    assert {answer["answer"] for answer in annotated[1]["answers"]} == {"3"}


def test_made_to_be_sent_often(into: Path) -> None:
    made = aisbench_dataset.made([COLOUR, COUNT], "performance", str(into), requests=3)
    assert made.asked == 3
    rows = _rows(made.path)
    assert [row["path"] for row in rows] == [
        [f"{into}/0000.png"], [f"{into}/0001.jpg"], [f"{into}/0000.png"],
    ]  # fmt: skip
    assert rows[0] == {
        "type": "image", "path": [f"{into}/0000.png"], "question": "What colour is it?",
        "answer": "red",
    }  # fmt: skip


@pytest.mark.parametrize("questions", [None, [], [SUM]])
def test_nothing_to_make_it_of(into: Path, questions: Any) -> None:
    with pytest.raises(aisbench_dataset.DatasetError) as caught:
        aisbench_dataset.made(questions, "accuracy", str(into), requests=1)
    assert str(caught.value) == (
        "it is asked nothing about an image of which a data set could be made; name a folder on "
        "the host, --data dataset=FOLDER"
    )


@pytest.mark.parametrize("below", ["", "textvqa_json"])
def test_as_published(published: Path, into: Path, below: str) -> None:
    """Paths of whoever made it lead to the images here; the folder above will do as well."""
    found = aisbench_dataset.textvqa(str(published / below), str(into))
    assert found.suffix == " Answer the question using a single word or phrase."
    assert [Path(path).resolve() for path in found.files] == [published / "train_images/003a.jpg"]
    (row,) = _rows(found.path)
    assert (row["image"], row["question"], row["question_id"]) == (found.files[0], "what?", 7)
    assert (into / "textvqa_val_annotations.json").read_text() == '{"annotations": []}'


def test_published_that_is_not_whole(published: Path, into: Path) -> None:
    source = published / "textvqa_json/textvqa_val.jsonl"
    (published / "train_images/003a.jpg").unlink()
    assert _refusal("textvqa", published, into) == (
        f"{source}: {published}/train_images/003a.jpg is not there"
    )
    source.write_text('{"image": "a.jpg"}\n')
    assert _refusal("textvqa", published, into) == f"{source}:1: has no question, question_id"
    source.write_text("image\n")
    assert _refusal("textvqa", published, into) == f"{source}:1: is no JSON"
    source.write_text("\n")
    assert _refusal("textvqa", published, into) == f"{source}: is empty"
    source.unlink()
    assert _refusal("textvqa", published, into) == (
        f"{published}: has no textvqa_val.jsonl or textvqa_json/textvqa_val.jsonl"
    )


def test_published_without_answers(published: Path, into: Path) -> None:
    (published / "textvqa_json/textvqa_val_annotations.json").unlink()
    assert _refusal("textvqa", published, into) == (
        f"{published}/textvqa_json/textvqa_val.jsonl: there is no textvqa_val_annotations.json "
        "beside it"
    )


def test_prompts(tmp_path: Path, into: Path) -> None:
    source = tmp_path / "mm_custom.jsonl"
    (tmp_path / "a.mp4").write_bytes(b"mp4")
    source.write_text('{"type": "video", "path": "a.mp4", "question": "which?"}\n')
    found = aisbench_dataset.mm_custom(str(tmp_path), str(into), requests=2, copied=False)
    assert (
        _rows(found.path)
        == [{"type": "video", "path": [f"{tmp_path}/a.mp4"], "question": "which?"}] * 2
    )
    source.write_text('{"type": "film", "path": ["a.mp4"], "question": "which?"}\n')
    assert _refusal("mm_custom", tmp_path, into, 1) == (
        f"{source}: type is 'film', image, video and audio are right"
    )
    source.write_text('{"type": "video", "path": ["b.mp4"], "question": "which?"}\n')
    assert _refusal("mm_custom", tmp_path, into, 1) == f"{source}: {tmp_path}/b.mp4 is not there"


def test_prompts_for_a_server_that_reads_files_of_its_own_alone(tmp_path: Path, into: Path) -> None:
    (tmp_path / "a film.MP4").write_bytes(b"mp4")
    row = {"type": "video", "path": ["a film.MP4"], "question": "which?"}
    (tmp_path / "mm_custom.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    found = aisbench_dataset.mm_custom(str(tmp_path), str(into), 3, copied=True)
    assert found.files == [f"{into}/0000.mp4"] * 3
    assert (into / "0000.mp4").read_bytes() == b"mp4"


def test_type_that_images_are_sent_as() -> None:
    assert aisbench_dataset.image_type(["a.png", "b.PNG"]) == "png"
    assert aisbench_dataset.image_type(["a.png", "b.jpg"]) == "jpeg"


def _refusal(function: str, *given: Any) -> str:
    folder, into, *rest = given
    named = {"copied": False} if function == "mm_custom" else {}
    with pytest.raises(aisbench_dataset.DatasetError) as caught:
        getattr(aisbench_dataset, function)(str(folder), str(into), *rest, **named)
    return str(caught.value)
