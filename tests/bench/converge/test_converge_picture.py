"""The picture of what was measured."""

from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bench import kept
from bench.converge import picture


def made(tool: str, hosts: int, wall_s: float, **other: Any) -> dict[str, Any]:
    row = {"tool": tool, "run": "no-change", "hosts": hosts, "rtt_ms": 0, "wall_s": wall_s}
    return row | other


def test_picture(tmp_path: Path) -> None:
    file = tmp_path / "converge.json"
    assert picture.draw(file) is None
    rows = [
        made(tool, hosts, base * hosts, rtt_ms=rtt_ms)
        for tool, base in (("ssh-true", 0.1), ("metalserve", 0.11), ("ansible", 3.0))
        for hosts in (1, 8)
        for rtt_ms in (0, 40)
    ]
    results = kept.Results("converge", same=(*made("", 0, 0),)[:-1], folder=tmp_path)
    for row in (*rows, made("metalserve", 8, 9.0, run="serving")):
        results.keep(row)
    drawn = picture.draw(file)
    assert drawn == tmp_path / "converge.svg"
    tree = parsed(drawn.read_text())
    texts = [text.text for text in tree.findall(".//{*}text")]
    # A panel each; what is run in one alone is in no comparison.
    assert [text for text in texts if text and text.endswith(": seconds")] == [
        "Nothing to change: seconds",
        "Nothing to change, 40 ms away: seconds",
    ]
    assert texts.count("ansible 24") == texts.count("metalserve 0.88") == 2
    lines = tree.findall(".//{*}polyline")
    ours, floor, ansible = (float(line.get("points", "").split(",")[-1]) for line in lines[:3])
    # Higher is further up, where a picture counts from.
    assert ansible < ours < floor


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314  # our own


def test_names_have_room() -> None:
    rows = [made(tool, hosts, 1.0) for tool in picture.TOOLS for hosts in (1, 8)]
    tree = parsed(picture.svg(rows))
    names = [text for text in tree.findall(".//{*}text") if text.get("class") == "name"]
    places = sorted(float(name.get("y", "")) for name in names)
    assert len(places) == len(picture.TOOLS)
    assert all(after - before >= 12 for before, after in pairwise(places))
