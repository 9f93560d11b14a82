"""The canary in the repository is whole, small, and asks questions worth asking."""

import hashlib
import json
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

CANARY = Path(__file__).parents[2] / "canary"
MODEL = CANARY / "model"
QUESTIONS: list[dict[str, Any]] = json.loads((CANARY / "questions.json").read_text())


def _listed() -> dict[str, tuple[str, int]]:
    listed = {}
    for line in (CANARY / "model.sha256").read_text().splitlines():
        digest, size, path = line.split("  ")
        listed[path] = (digest, int(size))
    return listed


def _json(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((MODEL / name).read_text())
    return content


def test_manifest_is_what_is_in_the_folder() -> None:
    found = {}
    for path in MODEL.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            name = path.relative_to(MODEL).as_posix()
            found[name] = (hashlib.sha256(content).hexdigest(), len(content))
    assert found == _listed()


def test_manifest_is_sorted() -> None:
    assert list(_listed()) == sorted(_listed())


def test_model_is_small() -> None:
    assert sum(size for _, size in _listed().values()) <= 5_000_000


def test_model_holds_no_code_and_no_pickles() -> None:
    allowed = {".json", ".jinja", ".safetensors"}
    assert {path.suffix for path in MODEL.rglob("*") if path.is_file()} <= allowed
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        assert "auto_map" not in _json(name)


def test_model_is_readable_by_every_user() -> None:
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in MODEL.rglob("*"))


def test_config_names_the_architecture_and_m_rope_in_both_spellings() -> None:
    config = _json("config.json")
    assert config["architectures"] == ["Qwen3VLForConditionalGeneration"]
    text = config["text_config"]
    sections = text["rope_parameters"]["mrope_section"]
    assert text["rope_scaling"]["mrope_section"] == sections
    assert sum(sections) * 2 == text["head_dim"]


def test_weights_are_as_long_as_their_header_says() -> None:
    path = MODEL / "model.safetensors"
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    assert max(one["data_offsets"][1] for one in header.values()) + 8 + length == len(content)
    assert {one["dtype"] for one in header.values()} == {"BF16"}


def test_tokenizer_has_a_token_for_every_byte() -> None:
    vocabulary = _json("tokenizer.json")["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(256))
    assert _json("tokenizer.json")["padding"] is None


def test_special_tokens_have_the_ids_that_the_config_names() -> None:
    added = {one["content"]: one["id"] for one in _json("tokenizer.json")["added_tokens"]}
    config = _json("config.json")
    assert added["<|image_pad|>"] == config["image_token_id"]
    assert added["<|video_pad|>"] == config["video_token_id"]
    assert added["<|vision_start|>"] == config["vision_start_token_id"]
    assert added["<|vision_end|>"] == config["vision_end_token_id"]
    assert max(added.values()) < config["text_config"]["vocab_size"]


def test_tokenizer_is_of_the_class_that_the_processor_takes() -> None:
    """The processor of transformers 4.57 takes no other from vLLM, which then does not start."""
    assert _json("tokenizer_config.json")["tokenizer_class"] == "Qwen2Tokenizer"


@pytest.mark.parametrize("name", ["preprocessor_config.json", "video_preprocessor_config.json"])
def test_processors_cut_the_patches_that_the_model_takes(name: str) -> None:
    vision, processor = _json("config.json")["vision_config"], _json(name)
    assert processor["patch_size"] == vision["patch_size"]
    assert processor["merge_size"] == vision["spatial_merge_size"]
    assert processor["temporal_patch_size"] == vision["temporal_patch_size"]


def test_template_speaks_of_every_medium() -> None:
    template = (MODEL / "chat_template.jinja").read_text()
    assert "<|image_pad|>" in template
    assert "<|video_pad|>" in template
    assert "add_generation_prompt" in template


@pytest.mark.parametrize(("kind", "least"), [("text", 8), ("image", 6), ("video", 3)])
def test_there_are_enough_questions(kind: str, least: int) -> None:
    assert len([one for one in QUESTIONS if one["kind"] == kind]) >= least


def test_questions_have_names_of_their_own() -> None:
    assert len({one["name"] for one in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("kind", ["image", "video"])
def test_an_answer_cannot_be_had_without_looking(kind: str) -> None:
    answers = defaultdict(set)
    for one in QUESTIONS:
        if one["kind"] == kind:
            answers[one["prompt"]].add(one["expect"])
    assert all(len(expected) >= 2 for expected in answers.values())


def test_one_picture_is_asked_more_than_one_thing() -> None:
    answers = defaultdict(set)
    for one in QUESTIONS:
        if one["kind"] == "image":
            answers[one["file"]].add(one["expect"])
    assert any(len(expected) >= 2 for expected in answers.values())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one["name"])
def test_question_is_whole(question: dict[str, Any]) -> None:
    assert {"name", "kind", "prompt", "expect"} <= set(question)
    assert question["expect"] == question["expect"].strip() != ""
    suffix = {"image": ".png", "video": ".mp4"}.get(question["kind"])
    assert ("file" in question) is (suffix is not None)
    if suffix is not None:
        path = CANARY / "questions" / question["file"]
        assert path.suffix == suffix
        assert 0 < path.stat().st_size <= 32 * 1024


def test_every_input_is_asked_about() -> None:
    asked = {one["file"] for one in QUESTIONS if "file" in one}
    assert {path.name for path in (CANARY / "questions").iterdir()} == asked
