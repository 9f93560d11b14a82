"""Makes the wheel of a stand-in, the same bytes from the same questions on any machine."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parent / "server"

# The earliest moment that a zip file can name.
MOMENT = (1980, 1, 1, 0, 0, 0)

_METADATA = """\
Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: stand-in of the {name} server, for tests of metalserve
Requires-Python: >=3.9
"""

_WHEEL = """\
Wheel-Version: 1.0
Generator: metalserve
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build(folder: Path, package: Path, questions: Path, version: str) -> Path:
    """
    Put a wheel into ``folder``, and ``lock.txt`` beside it.

    :param package: the stand-in, in a folder of its name
    :param questions: the table of right answers; the files it names lie in the folder that bears
        its name, ``questions.json`` having its files in ``questions``
    :return: the lock, for ``uv pip sync --require-hashes --no-index --find-links FOLDER LOCK``
    """
    files = {
        f"{within}/{source.relative_to(root).as_posix()}": source.read_bytes()
        for within, root in ((package.name, package), ("tests/standins/openai/server", SERVER))
        for source in root.rglob("*")
        if source.suffix in (".py", ".json")
    }
    files[f"{package.name}/standin/truth.json"] = truth(questions)
    wheel = pack(folder, package.name, version, files)
    lock = folder / "lock.txt"
    lock.write_text(pinned(wheel), encoding="utf-8")
    return lock


def pack(
    folder: Path, name: str, version: str, files: Mapping[str, bytes], *, scripts: str = ""
) -> Path:
    """
    Put a wheel of these files into ``folder``; one that begins as a script does may be run.

    :param scripts: the lines of ``console_scripts``
    """
    about = f"{name}-{version}.dist-info"
    files = dict(files)
    files[f"{about}/METADATA"] = _METADATA.format(name=name, version=version).encode()
    files[f"{about}/WHEEL"] = _WHEEL.encode()
    if scripts:
        files[f"{about}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n".encode()
    files[f"{about}/RECORD"] = _record(files, name=f"{about}/RECORD")

    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        for path in sorted(files, key=lambda path: (path.startswith(about), path)):
            entry = zipfile.ZipInfo(path, date_time=MOMENT)
            entry.external_attr = (0o100755 if files[path][:2] == b"#!" else 0o100644) << 16
            # Which zlib this machine has must not show, hence no compression.
            opened.writestr(entry, files[path])
    return wheel


def pinned(wheel: Path) -> str:
    """The line of a lock for a wheel."""
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def truth(questions: Path) -> bytes:
    """The table of right answers, by what is asked and the digest of what is shown."""
    answers: dict[tuple[str, str | None], str] = {}
    rows: list[dict[str, Any]] = json.loads(questions.read_text(encoding="utf-8"))
    for row in rows:
        shown = None
        if row.get("file"):
            content = (questions.with_suffix("") / row["file"]).read_bytes()
            shown = hashlib.sha256(content).hexdigest()
        key = (row["prompt"], shown)
        if answers.setdefault(key, row["expect"]) != row["expect"]:
            raise ValueError(f"{row['name']}: contradicts an earlier answer to the same question")
    table = [
        {"prompt": prompt, "sha256": shown, "expect": expect}
        for (prompt, shown), expect in answers.items()
    ]
    return json.dumps(table, indent=1, ensure_ascii=False).encode()


def _record(files: dict[str, bytes], *, name: str) -> bytes:
    lines = []
    for path, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}\n")
    return ("".join(lines) + f"{name},,\n").encode()
