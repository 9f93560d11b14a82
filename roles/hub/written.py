"""Pinned weights as files of an inventory. What was written once is never changed."""

import re
from datetime import date
from pathlib import Path

from roles.hub.asked import Asked
from roles.hub.listing import HubError
from roles.hub.pinned import Pinned
from roles.spec import HuggingFace, ModelScope, WeightsFile, manifest

_TEXT = '''\
"""
{repo}
at {commit}
of {hub}, which was {revision} on {today}.

Written by deploy/pin.py. Before an instance can use it, put into ``checks`` what is to be asked of
it, at least one question of each kind that it takes, as canary.py does; without, it is refused.
Once it was deployed, none of the three files is edited again: another revision gets another name.
"""

from pathlib import Path

from roles.spec import {nouns}, Weights, manifest

_HERE = Path(__file__)

WEIGHTS = Weights(
    name="{name}",
    files=manifest(_HERE.with_suffix(".sha256")),
    sources=(
        {source}(
            repo="{repo}",
            revision="{commit}",{more}
        ),
    ),
    config=_HERE.with_suffix(".config.json"),
    takes=({takes}),
    checks=(),
)
'''


def write(asked: Asked, pinned: Pinned, *, today: date) -> list[str]:
    """
    Leave the files of a pin in its folder; return a sentence for each that was written.

    :raises HubError: there is a manifest with other content under the same name
    """
    module = asked.folder / re.sub(r"[.-]", "_", asked.name)
    files = pinned.weights.files
    listed = module.with_suffix(".sha256")
    if listed.exists():
        differs = _differences(manifest(listed), files)
        if differs:
            told = "\n".join(f"  {line}" for line in differs)
            raise HubError(
                f"{listed} pins other files, and was left as it is; pin this revision under "
                f"another name\n{told}"
            )
    lines = [f"{file.sha256}  {file.size}  {file.path}\n" for file in files]
    wanted = {
        listed: "".join(lines),
        module.with_suffix(".config.json"): pinned.config,
        module.with_suffix(".py"): _text(asked, pinned, today),
    }
    said = []
    for path, text in wanted.items():
        if not path.exists():
            path.write_text(text)
            said.append(f"{path} is written")
    return said


def _differences(old: tuple[WeightsFile, ...], new: tuple[WeightsFile, ...]) -> list[str]:
    before, after = ({file.path: file for file in files} for files in (old, new))
    return [
        *(f"{path} is pinned, and not in this revision" for path in sorted(before.keys() - after)),
        *(f"{path} is not pinned, and in this revision" for path in sorted(after.keys() - before)),
        *(
            f"{path} is pinned with {before[path].size} bytes, sha256 {before[path].sha256[:12]}…; "
            f"this revision has {after[path].size} bytes, {after[path].sha256[:12]}…"
            for path in sorted(before.keys() & after)
            if before[path] != after[path]
        ),
    ]


def _text(asked: Asked, pinned: Pinned, today: date) -> str:
    (source,) = pinned.weights.sources
    if not isinstance(source, HuggingFace | ModelScope):
        raise TypeError(source)
    noun = type(source).__name__
    fields, nouns = [], [noun]
    if source.endpoint != type(source).model_fields["endpoint"].default:
        fields.append(f'endpoint="{source.endpoint}"')
    if source.token:
        fields.append(f"token={_secret(source.token.env, source.token.file)}")
        nouns.append("Secret")
    takes = [f"Kind.{kind.name}" for kind in pinned.weights.takes]
    return _TEXT.format(
        repo=source.repo,
        commit=source.revision,
        hub="Hugging Face" if isinstance(source, HuggingFace) else "ModelScope",
        revision=asked.revision,
        today=today.isoformat(),
        nouns=", ".join(sorted([*nouns, *(["Kind"] if takes else [])])),
        name=asked.name,
        source=noun,
        more="".join(f"\n            {field}," for field in fields),
        takes=", ".join(takes) + ("," if len(takes) == 1 else ""),
    )


def _secret(env: str | None, file: Path | None) -> str:
    return f'Secret(env="{env}")' if env else f'Secret(file=Path("{file}"))'
