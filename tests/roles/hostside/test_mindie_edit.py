"""A file of MindIE's is read as MindIE reads it, and edited key by key."""

import json
from typing import Any

import mindie_edit
import pytest

from tests.standins.mindie import shipped

_INVALID = '"Json file is invalid. Please check json format! "'


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', '\ufeff{"a": 1}', ' \r\n\t{"a": 1}', '{"a": 1}\n# a note', '{"a": 0, "a": 1}'],
)
def test_reads_what_mindie_reads(text: str) -> None:
    """A byte order mark, what is behind the object, a key twice, whose last one counts."""
    assert mindie_edit.parsed(text) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{\n  "port": 1025, # or 1040\n  "maxLinkNum": 300\n}',
            f"line 2: {_INVALID} of '\"port\": 1025, # or 1040', "
            "should be without the comment, which JSON does not have",
        ),
        (
            '{\n  "port": 1025 // or 1040\n}',
            f"line 2: {_INVALID} of '\"port\": 1025 // or 1040', "
            "should be without the comment, which JSON does not have",
        ),
        (
            '{\n  "port": 1025\uff0c\n  "maxLinkNum": 300\n}',
            f"line 2: {_INVALID} of '\"port\": 1025\uff0c', "
            'should have the signs , : and " of ASCII for the full-width ones',
        ),
        (
            '{\n  "port": 1025\n  "maxLinkNum": 300\n}',
            f"line 3: {_INVALID} of '\"maxLinkNum\": 300', should be JSON: Expecting ',' delimiter",
        ),
        ("", f"line 1: {_INVALID} of '', should be JSON: Expecting value"),
        (
            '{"port": NaN}',
            f"{_INVALID}, NaN stands for a value, should be a number or null",
        ),
        ("[]", "is no JSON object, should be the config.json that MindIE ships"),
    ],
)
def test_refuses_what_mindie_refuses(text: str, message: str) -> None:
    with pytest.raises(mindie_edit.EditError) as caught:
        mindie_edit.parsed(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("version", shipped.VERSIONS)
def test_a_file_of_each_version_comes_back(version: str) -> None:
    file = mindie_edit.parsed(shipped.config(version))
    same = mindie_edit.edited(file, {}, {})
    assert json.dumps(same.config) == json.dumps(shipped.document(version))
    assert (same.changed, same.left_out) == ([], [])


def test_changes_what_is_wanted_alone() -> None:
    file = {"A": {"one": 1, "hand": "made", "list": [{"two": 2}]}, "last": None}
    asked = {"A.one": 3, "A.list.0.two": [4], "last": None}
    edited = mindie_edit.edited(file, asked, {})
    assert json.dumps(edited.config) == json.dumps(
        {"A": {"one": 3, "hand": "made", "list": [{"two": [4]}]}, "last": None}
    )
    assert (edited.changed, edited.left_out) == (["A.one", "A.list.0.two"], [])
    assert file["A"]["one"] == 1  # type: ignore[index]


@pytest.mark.parametrize("path", ["A.none", "B.one", "A.list.1.two", "A.one.two", "A.list.two"])
def test_leaves_out_what_a_version_does_not_know(path: str) -> None:
    file = {"A": {"one": 1, "list": [{"two": 2}]}}
    assert mindie_edit.edited(file, {path: 3}, {}) == (file, [], [path])


def test_adds_what_was_given() -> None:
    file = {"A": {"one": 1, "list": [{"two": 2}]}}
    edited = mindie_edit.edited(file, {}, {"A.one": 1, "A.new": 2, "B.c.d": 3, "A.list.0.e": 4})
    assert edited.config == {
        "A": {"one": 1, "list": [{"two": 2, "e": 4}], "new": 2},
        "B": {"c": {"d": 3}},
    }
    assert edited.changed == ["A.new", "B.c.d", "A.list.0.e"]


@pytest.mark.parametrize(
    ("path", "where"),
    [("A.one.two", "A.one"), ("A.list.1.two", "A.list.1"), ("A.list.1", "A.list")],
)
def test_given_without_a_place(path: str, where: str) -> None:
    file: dict[str, Any] = {"A": {"one": 1, "list": [{"two": 2}]}}
    with pytest.raises(mindie_edit.EditError) as caught:
        mindie_edit.edited(file, {}, {path: 3})
    message = f"{path}: cannot be set, {where} is neither an object nor a list with it"
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("there", "value", "changed"),
    [(0, False, False), (False, 0, False), (1, True, True), (True, 1, True), (1, 1, False)],
)
def test_zero_is_false_and_one_is_not_true(there: Any, value: Any, changed: bool) -> None:
    """Of truncation 3.0.0 has numbers, where -1 is what was true before."""
    edited = mindie_edit.edited({"a": there}, {"a": value}, {})
    assert edited.changed == (["a"] if changed else [])
    assert edited.config["a"] is (value if changed else there)
