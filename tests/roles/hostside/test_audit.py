"""Each change leaves a line that says who, what, when, with what result."""

import json
import re
from pathlib import Path

import audit
import places


def test_lines_follow_each_other(tree: Path) -> None:
    audit.note("ann@desk", "activate chat r1", "serves")
    audit.note("boot", "restore chat", "größer\nthan a line")
    first, second = (json.loads(line) for line in Path(places.AUDIT).read_text().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.pop("at"))
    assert first == {"who": "ann@desk", "what": "activate chat r1", "result": "serves"}
    assert second["result"] == "größer\nthan a line"
