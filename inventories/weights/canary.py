"""The canary: a Qwen3-VL of a few MB that answers a handful of questions exactly (``canary/``)."""

import json
from pathlib import Path

from roles.spec import Check, Folder, Kind, Match, Weights, manifest

_HERE = Path(__file__).parents[2] / "canary"
_QUESTIONS = json.loads((_HERE / "questions.json").read_text())

_asked = tuple(
    Check(
        name=question["name"],
        kind=Kind(question["kind"]),
        prompt=question["prompt"],
        file=_HERE / "questions" / question["file"] if "file" in question else None,
        expect=question["expect"],
        match=Match.EXACT,
    )
    for question in _QUESTIONS
)
_first = next(check for check in _asked if check.kind is Kind.TEXT)
_streamed = _first.model_copy(update={"name": f"{_first.name}-streamed", "kind": Kind.STREAM})
_malformed = Check(name="malformed", kind=Kind.ERROR, prompt=_first.prompt)

PROMPT = _first.prompt
"""What to ask by hand."""

WEIGHTS = Weights(
    name="canary",
    files=manifest(_HERE / "model.sha256"),
    sources=(Folder(path=_HERE / "model"),),
    takes=(Kind.IMAGE, Kind.VIDEO),
    checks=(*_asked, _streamed, _malformed),
)
