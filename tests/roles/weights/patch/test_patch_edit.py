"""Edits of a JSON document: done, undone, refused."""

import json

import pytest

from roles.weights.patch import Edit, Patch, PatchError, patched
from roles.weights.patch.edit import ABSENT, text

BEFORE = {"dtype": "bfloat16", "text_config": {"heads": 8, "old": None}}
EDITS = (
    Edit(path=("dtype",), old="bfloat16", new="float16"),
    Edit(path=("text_config", "old"), old=None, new=ABSENT),
    Edit(path=("text_config", "rope"), old=ABSENT, new={"theta": 1}),
)


def _patch(*edits: Edit) -> Patch:
    return Patch(name="test", reason="it is a test", edits=edits)


def test_done_and_undone() -> None:
    after = patched(BEFORE, _patch(*EDITS))
    assert after == {"dtype": "float16", "text_config": {"heads": 8, "rope": {"theta": 1}}}
    assert BEFORE["text_config"] == {"heads": 8, "old": None}
    back = _patch(*(edit.undone for edit in EDITS))
    assert patched(after, back) == BEFORE


def test_in_words() -> None:
    assert [str(edit) for edit in EDITS] == [
        'dtype: "bfloat16" becomes "float16"',
        "text_config.old: drop null",
        'text_config.rope: add {"theta": 1}',
    ]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            Edit(path=("dtype",), old="float32", new="float16"),
            "dtype holds 'bfloat16', the patch was made for 'float32'; "
            "use the file as the manifest pins it",
        ),
        (
            Edit(path=("gone",), old="a", new="b"),
            "gone holds absent, the patch was made for 'a'; use the file as the manifest pins it",
        ),
        (
            Edit(path=("dtype", "x"), old=ABSENT, new="b"),
            "dtype is no object, so that x cannot be set there",
        ),
        (
            Edit(path=("a", "b", "c"), old=ABSENT, new="d"),
            "a.b is no object, so that c cannot be set there",
        ),
    ],
)
def test_refused(edit: Edit, said: str) -> None:
    with pytest.raises(PatchError) as caught:
        patched(BEFORE, _patch(edit))
    assert str(caught.value) == said


def test_text() -> None:
    """As transformers writes it: two spaces, a line at the end, no escapes."""
    assert text({"a": {"b": "名"}}) == '{\n  "a": {\n    "b": "名"\n  }\n}\n'
    assert json.loads(text(BEFORE)) == BEFORE
