"""The commands of steps that are our own, run: models, a script that is kept, modes."""

import subprocess
import tarfile
from pathlib import Path

from tests.roles.ascend.hosts import MINDIE, MODELS, found, of, part, spec, stack, steps
from tests.roles.spec.nouns import Nouns


def _done(words: tuple[str, ...], **places: Path) -> subprocess.CompletedProcess[str]:
    filled = list(words)
    for old, new in places.items():
        filled = [str(new) if word == "{" + old + "}" else word for word in filled]
    return subprocess.run(filled, capture_output=True, text=True)


def test_models_are_there_whole_or_not_at_all(nouns: Nouns, tmp_path: Path) -> None:
    archive = tmp_path / "models.tar.gz"
    (tmp_path / "set_env.sh").write_text("")
    (tmp_path / "set_env.sh").chmod(0o440)
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(tmp_path / "set_env.sh", "./set_env.sh")
    planned = steps(spec(nouns, stack(nouns, "8.5.1", MODELS)), found(part()))["atb-models-3.0.0"]
    folder, named = tmp_path / "atb-models-3.0.0", tmp_path / "atb-models"
    words = (*planned.words[:-2], str(folder), str(named))
    (tmp_path / "atb-models-3.0.0.new").mkdir()
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(archive.read_bytes()[:50])
    assert _done(words, file=broken).returncode != 0
    assert not folder.exists()
    done = _done(words, file=archive)
    assert done.returncode == 0, done.stderr
    assert (folder / "set_env.sh").stat().st_mode & 0o777 == 0o444
    assert named.resolve() == folder
    # Whose it was before it stays; a second time is harmless.
    other = (*planned.words[:-2], str(tmp_path / "atb-models-3.1.0"), str(named))
    for again in (words, other):
        assert _done(again, file=archive).returncode == 0
    assert named.resolve() == folder


def test_script_of_an_old_toolkit_is_kept(nouns: Nouns, tmp_path: Path) -> None:
    planned = steps(spec(nouns, stack(nouns, "8.2.RC1")), found(part()))["toolkit-8.2.RC1"]
    shared, kept = tmp_path / "set_env.sh", tmp_path / "ours/toolkit-8.2.RC1.set_env.sh"
    installer = tmp_path / "installer.run"
    words = (*planned.words[:4], str(shared), str(kept), *planned.words[6:])
    installer.write_text(f'echo "$@" >{shared}; exit 1\n')
    assert _done(words, file=installer).returncode == 1
    assert not kept.exists()
    installer.write_text(f'echo "$@" >{shared}\n')
    assert _done(words, file=installer).returncode == 0
    assert kept.read_text() == "--full --quiet --nox11 --install-for-all\n"


def test_modes_of_mindie(nouns: Nouns, tmp_path: Path) -> None:
    """As its documentation has them, for a group; what a version does not have is no fault."""
    folder = tmp_path / "mindie/3.0.0"
    service = folder / "mindie-service"
    files = {
        "bin/mindieservice_daemon": 0o550, "lib/libx.so": 0o440, "lib/grpc/liby.so": 0o440,
        "conf/config.json": 0o640, "security/key": 0o700, "scripts/http.py": 0o550,
    }  # fmt: skip
    for name in files:
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text("")
    there = part(**of("8.5.1"))
    planned = steps(spec(nouns, stack(nouns, "8.5.1", MINDIE)), found(there))["mindie-modes-3.0.0"]
    words = (*planned.words[:3], str(folder), "daemon")
    for _ in range(2):
        done = _done(words)
        assert done.returncode == 0, done.stderr
    folders = {
        ".": 0o750,
        "logs": None,
        "conf": 0o750,
        "bin": 0o550,
        "lib": 0o550,
        "lib/grpc": 0o550,
    }
    for name, mode in {**files, **folders}.items():
        if mode is not None:
            status = (service / name).stat()
            assert (name, oct(status.st_mode & 0o777)) == (name, oct(mode))
            assert (service / name).group() == "daemon"
    assert (folder.parent.stat().st_mode & 0o777, folder.parent.group()) == (0o750, "daemon")
