"""
Makes MindIE's server for the two ways in which it comes: files of the run package, and wheels.

Both hold the same program, and what it is made of as one file in ``lib``, which the modes that
MindIE's documentation asks for leave readable.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.standins.mindie import shipped
from tests.standins.openai import wheel

VERSION = "3.0.0"
_HERE = Path(__file__).parent
_PACKAGE = _HERE / "package"
_READS = _HERE.parent / "ascend/mindie_reads.py"
_TORCH = "2.1.0"


def service(folder: Path, questions: Path, version: str = VERSION) -> Path:
    """
    Leave the files of ``mindie-service`` in a folder, for ``ascend.build.mindie(service=…)``.

    :param questions: as ``wheel.build`` wants them
    """
    for name, content in _files(questions, version).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if content[:2] == b"#!" else 0o640)
    return folder


def wheels(folder: Path, questions: Path, version: str = VERSION) -> Path:
    """
    Put the wheels of MindIE into a folder with those that they need, and ``lock.txt`` beside them.

    :return: the lock, for ``uv pip sync --require-hashes --no-index --find-links FOLDER LOCK``
    """
    server = {f"mindie_llm/{name}": text for name, text in _files(questions, version).items()}
    made = [
        wheel.pack(
            folder,
            "mindie_llm",
            version,
            server | _sources("mindie_llm"),
            scripts="mindie_llm_server = mindie_llm.server.main:main",
        ),
        wheel.pack(folder, "mindie_motor", version, _empty("mindie_motor")),
    ]
    return _lock(folder, [*made, *_beside(folder, version)])


def python(folder: Path, version: str = VERSION) -> Path:
    """Put the wheels into a folder that a run package wants in its Python, and their lock."""
    return _lock(folder, _beside(folder, version))


def _beside(folder: Path, version: str) -> list[Path]:
    models = {**_sources("atb_llm"), "atb_llm/lib/libatb_speed_torch.so": b"standin\n"}
    return [
        wheel.pack(folder, "atb_llm", version, models),
        wheel.pack(folder, "torch", _TORCH, _empty("torch") | {"torch/lib/libtorch.so": b"\n"}),
        wheel.pack(folder, "torch_npu", _TORCH, _empty("torch_npu")),
    ]


def _lock(folder: Path, made: list[Path]) -> Path:
    lock = folder / "lock.txt"
    lock.write_text("".join(map(wheel.pinned, sorted(made))), encoding="utf-8")
    return lock


def _empty(package: str) -> dict[str, bytes]:
    return {f"{package}/__init__.py": b'"""A stand-in."""\n'}


def _sources(package: str) -> dict[str, bytes]:
    found = sorted((_PACKAGE / package).rglob("*.py"))
    return {path.relative_to(_PACKAGE).as_posix(): path.read_bytes() for path in found}


def _files(questions: Path, version: str) -> dict[str, bytes]:
    programs = ("mindieservice_daemon", "mindie_llm_backend_connector")
    return {
        **{f"bin/{name}": (_PACKAGE / "bin" / name).read_bytes() for name in programs},
        "conf/config.json": shipped.config(version).encode(),
        "lib/libmindie_standin.zip": library(wheel.truth(questions), version),
        "lib/grpc/libgrpc.so": b"standin\n",
    }


def library(truth: bytes, version: str) -> bytes:
    """What the server and its ranks are made of, with the table of right answers."""
    about = {"version": version, "config": shipped.document(version)}
    files = {
        "mindie_standin/truth.json": truth,
        "mindie_standin/about.json": json.dumps(about).encode(),
        "tests/standins/ascend/mindie_reads.py": _READS.read_bytes(),
        **_tree("mindie_standin", _HERE / "daemon"),
        **_tree("tests/standins/openai/server", wheel.SERVER),
    }
    # Else a package of the host by the name of one of these would come first.
    folders = {str(parent) for path in files for parent in Path(path).parents} - {"."}
    return _zip({f"{folder}/__init__.py": b"" for folder in folders} | files)


def _tree(within: str, folder: Path) -> dict[str, bytes]:
    return {f"{within}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}


def _zip(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for path in sorted(files):
            opened.writestr(zipfile.ZipInfo(path, date_time=wheel.MOMENT), files[path])
    return made.getvalue()
