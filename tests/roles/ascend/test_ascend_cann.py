"""From what a host has to the CANN of its stacks and what comes on top: which steps, how."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roles import ascend
from roles.platform import PlatformError
from tests.roles.ascend.hosts import (
    MINDIE,
    MODELS,
    file,
    found,
    hdk,
    names,
    of,
    part,
    spec,
    stack,
    steps,
)
from tests.roles.spec.nouns import Nouns

HOME = "/usr/local/Ascend"
SCRIPT = "/opt/metalserve/hostside/environment.py"
MODELS_FOLDER = f"{HOME}/atb-models-3.0.0-py3.11-torch2.1.0-abi0"
QUIET = ("--quiet", "--nox11", "--install-for-all")
MODELS_THERE = {"atb_models": [{"version": "3.0.0", "path": MODELS_FOLDER}]}


def _plan(words: tuple[str, ...]) -> Any:
    return json.loads(next(word for word in words if word.startswith("{") and word != "{file}"))


def test_mindie_on_cann(nouns: Nouns) -> None:
    """In the order in which each needs the one before, what is captured at the end."""
    wanted = stack(nouns, "8.5.1", MODELS, MINDIE)
    planned = steps(spec(nouns, wanted), found(part()))
    assert [*planned] == [
        "toolkit-8.5.1",
        "ops-910b-8.5.1",
        "nnal-8.5.1",
        "mindie-3.0.0",
        "atb-models-3.0.0",
        "mindie-modes-3.0.0",
        f"environment-{wanted.folder}",
    ]
    assert not any(step.stops or step.always_reboot or step.reboot for step in planned.values())
    assert planned["toolkit-8.5.1"].words == ("bash", "{file}", "--full", *QUIET)
    assert planned["toolkit-8.5.1"].timeout_s == 7200
    for name, flags in (
        ("ops-910b-8.5.1", ("--install", *QUIET)),
        ("nnal-8.5.1", ("--install", *QUIET)),
    ):
        python, script, how, plan, *command = planned[name].words
        assert (python, script, how) == ("/usr/bin/python3", SCRIPT, "run")
        assert command == ["bash", "{file}", *flags]
        assert json.loads(plan) == {
            "scripts": [{"files": [f"{HOME}/cann-8.5.1/set_env.sh"], "words": []}],
            "links": {
                f"{HOME}/cann": f"{HOME}/cann-8.5.1",
                f"{HOME}/ascend-toolkit/latest": f"{HOME}/cann-8.5.1",
            },
            "folders": [f"{HOME}/cann-8.5.1"],
        }


def test_settings_are_kept_as_mindie_brings_them(nouns: Nouns) -> None:
    """In the step that installs it: whatever is cut short, what was kept was nobody's edit."""
    planned = steps(spec(nouns, stack(nouns, "8.5.1", MODELS, MINDIE)), found(part()))
    python, script, how, _, *command = planned["mindie-3.0.0"].words
    assert (python, script, how) == ("/usr/bin/python3", SCRIPT, "run")
    assert command[:2] == ["bash", "-c"]
    assert planned["mindie-3.0.0"].environment == (
        ("PIP_TARGET", "/opt/metalserve/ascend/mindie-3.0.0-python"),
    )
    assert planned["nnal-8.5.1"].environment == ()
    assert command[3:] == [
        "{file}",
        "python3.12",
        f"{HOME}/mindie/3.0.0/mindie-service/conf/config.json",
        "/opt/metalserve/ascend/mindie-3.0.0.config.json",
        "/opt/metalserve/ascend/mindie-3.0.0.from",
        "",
    ]


@pytest.mark.parametrize("exits", [0, 1])
@pytest.mark.parametrize("older", ["", "2.3.0"])
def test_settings_are_kept_when_it_is_installed(
    nouns: Nouns, tmp_path: Path, exits: int, older: str
) -> None:
    """The command itself, with an installer that brings settings, or fails."""
    planned = steps(spec(nouns, stack(nouns, "8.5.1", MODELS, MINDIE)), found(part()))
    script = planned["mindie-3.0.0"].words[6]
    brings, file = tmp_path / "brought.json", tmp_path / "Ascend-mindie.run"
    file.write_text(f'[ "$*" = "--install --quiet" ] && echo {{}} > {brings}; exit {exits}\n')
    kept, waits = tmp_path / "ascend/kept.json", tmp_path / "ascend/from"
    packages = tmp_path / "packages"
    (packages / "of a try before").mkdir(parents=True)
    file.write_text(f"umask 077; mkdir $PIP_TARGET/one; {file.read_text()}")
    words = ["bash", "-c", script, str(file), "python3", *map(str, (brings, kept, waits)), older]
    done = subprocess.run(words, check=False, env={**os.environ, "PIP_TARGET": str(packages)})
    assert done.returncode == exits
    (one,) = packages.iterdir()
    assert (one.name, one.stat().st_mode & 0o777) == ("one", 0o755 if exits == 0 else 0o700)
    assert kept.exists() is (exits == 0)
    assert (waits.read_text() if waits.exists() else "") == (
        f"{older}\n" if older and not exits else ""
    )


def test_mindie_is_installed_for_the_python_of_the_stack(nouns: Nouns, tmp_path: Path) -> None:
    """Its package asks python3 alone, which is an older or newer one on most systems."""
    planned = steps(spec(nouns, stack(nouns, "8.5.1", MODELS, MINDIE)), found(part()))
    script = planned["mindie-3.0.0"].words[6]
    tools, file = tmp_path / "tools", tmp_path / "Ascend-mindie.run"
    tools.mkdir()
    for name, minor in (("python3", 9), ("python3.11", 11)):
        (tools / name).write_text(f"#!/bin/sh\necho 3.{minor}\n")
        (tools / name).chmod(0o755)
    file.write_text("python3; readlink -f $(command -v python3)\n")
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "PIP_TARGET": str(tmp_path / "none")}
    environment["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()

    def said(python: str) -> tuple[int, str]:
        words = ["bash", "-c", script, str(file), python, str(tmp_path / "none"), "", "", ""]
        done = subprocess.run(words, check=False, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert said("python3.11") == (0, f"3.11\n{tools}/python3.11\n")
    assert said("python3.99") == (1, "this host has no python3.99, which the stack's lock is for\n")
    assert [*(tmp_path / "tmp").iterdir()] == []


SETTINGS = (
    "/usr/bin/python3", "/opt/metalserve/hostside/mindie_upgrade.py", "2.3.0", "3.0.0",
    f"{HOME}/mindie/2.3.0/mindie-service/conf/config.json",
    f"{HOME}/mindie/3.0.0/mindie-service/conf/config.json",
)  # fmt: skip


def _beside(nouns: Nouns, *mindie: str, **files: Any) -> dict[str, Any]:
    """Return the steps to 3.0.0 on a host with other versions of MindIE, and all else there."""
    there = [{"version": version, "path": "…"} for version in mindie]
    known = found(part(**of("8.5.1", mindie=there, **MODELS_THERE)), **files)
    return dict(steps(spec(nouns, stack(nouns, "8.5.1", MODELS, MINDIE)), known))


def test_settings_of_the_newest_older_mindie_come_once(nouns: Nouns) -> None:
    planned = _beside(nouns, "2.1.RC1", "2.3.0", "2.2.RC1", "3.0.1")
    assert [*planned][:3] == ["mindie-3.0.0", "mindie-settings-3.0.0", "mindie-modes-3.0.0"]
    assert planned["mindie-3.0.0"].words[-1] == "2.3.0"
    assert planned["mindie-settings-3.0.0"].words == SETTINGS
    assert planned["mindie-settings-3.0.0"].tells == (r"MindIE 3\.0\.0 ",)
    wanted = stack(nouns, "8.5.1", MODELS, MINDIE)
    assert _beside(nouns, "2.3.0", "3.0.0", environments=[wanted.folder]) == {}


def test_settings_that_were_cut_short_come_still(nouns: Nouns) -> None:
    wanted = stack(nouns, "8.5.1", MODELS, MINDIE)
    planned = _beside(
        nouns, "2.3.0", "3.0.0", environments=[wanted.folder], settings={"3.0.0": "2.3.0"}
    )
    assert {name: step.words for name, step in planned.items()} == {
        "mindie-settings-3.0.0": SETTINGS
    }


def test_older_mindie_takes_nothing_over_from_a_newer_one(nouns: Nouns) -> None:
    planned = _beside(nouns, "3.0.1")
    assert "mindie-settings-3.0.0" not in planned
    assert planned["mindie-3.0.0"].words[-1] == ""


def test_what_is_captured(nouns: Nouns) -> None:
    """All that its server needs, of its own versions, whatever links lead to by then."""
    wanted = stack(nouns, "8.5.1", MODELS, MINDIE)
    captured = steps(spec(nouns, wanted), found(part()))[f"environment-{wanted.folder}"]
    assert captured.words[:4] == (
        *("/usr/bin/python3", SCRIPT, "write"),
        f"/opt/metalserve/ascend/{wanted.folder}.environment",
    )
    plan = _plan(captured.words)
    assert [(one["files"], one["words"]) for one in plan["scripts"]] == [
        ([f"{HOME}/cann-8.5.1/set_env.sh"], []),
        ([f"{HOME}/nnal/atb/set_env.sh"], ["--cxx_abi=0"]),
        ([f"{MODELS_FOLDER}/set_env.sh"], []),
        ([f"{HOME}/mindie/set_env.sh"], []),
    ]
    assert plan["links"] == {
        f"{HOME}/cann": f"{HOME}/cann-8.5.1",
        f"{HOME}/ascend-toolkit/latest": f"{HOME}/cann-8.5.1",
        f"{HOME}/nnal/atb/latest": f"{HOME}/nnal/atb/8.5.1",
        f"{HOME}/mindie/latest": f"{HOME}/mindie/3.0.0",
    }
    assert plan["folders"] == [
        f"{HOME}/cann-8.5.1", f"{HOME}/nnal/atb/8.5.1", MODELS_FOLDER, f"{HOME}/mindie/3.0.0",
    ]  # fmt: skip


@pytest.mark.parametrize("cann", ["8.2.RC1", "8.3.RC2"])
def test_cann_before_8_5(nouns: Nouns, cann: str) -> None:
    """It has kernels, and one script of variables for all versions, of which each is kept."""
    wanted = stack(nouns, cann, chip="310p")
    planned = steps(spec(nouns, wanted), found(part()))
    assert [*planned] == [
        f"toolkit-{cann}", f"kernels-310p-{cann}", f"nnal-{cann}", f"environment-{wanted.folder}",
    ]  # fmt: skip
    kept = f"/opt/metalserve/ascend/toolkit-{cann}.set_env.sh"
    shared = f"{HOME}/ascend-toolkit/set_env.sh"
    assert planned[f"toolkit-{cann}"].words[3:] == ("{file}", shared, kept, *QUIET)
    plan = _plan(planned[f"kernels-310p-{cann}"].words)
    assert plan["scripts"] == [{"files": [kept, shared], "words": []}]
    assert plan["links"] == {f"{HOME}/ascend-toolkit/latest": f"{HOME}/ascend-toolkit/{cann}"}
    # Nobody says which ABI, so that ATB's own script chooses.
    assert _plan([*planned.values()][-1].words)["scripts"][-1]["words"] == []


def test_what_comes_before_8_5_itself_is_of_8_5(nouns: Nouns) -> None:
    planned = steps(spec(nouns, stack(nouns, "8.5.0.alpha001")), found(part()))
    assert planned["toolkit-8.5.0.alpha001"].words[:2] == ("bash", "{file}")


def test_ready(nouns: Nouns) -> None:
    wanted = stack(nouns, "8.5.1", MODELS, MINDIE)
    there = part(**of("8.5.1", mindie=[{"version": "3.0.0", "path": "…"}], **MODELS_THERE))
    assert names(spec(nouns, wanted), found(there, environments=[wanted.folder])) == []
    # Of ops nothing may be told; they were there when all was captured.
    there["ops"] = []
    assert names(spec(nouns, wanted), found(there, environments=[wanted.folder])) == []
    assert names(spec(nouns, wanted), found(there))[0] == "ops-910b-8.5.1"


def test_modes_come_again_before_what_is_captured(nouns: Nouns) -> None:
    """Whether they were all set is told by nothing else."""
    wanted = stack(nouns, "8.5.1", MINDIE)
    there = part(**of("8.5.1", mindie=[{"version": "3.0.0", "path": "…"}]))
    planned = steps(spec(nouns, wanted), found(there, "mindie-modes-3.0.0"))
    assert [*planned] == ["mindie-modes-3.0.0", f"environment-{wanted.folder}"]
    assert planned["mindie-modes-3.0.0"].words[3:] == (f"{HOME}/mindie/3.0.0", "HwHiAiUser")


def test_second_cann_beside_the_first(nouns: Nouns) -> None:
    """What is there is left alone, and so is what was captured of it; back is nothing to do."""
    first, second = stack(nouns, "8.2.RC1"), stack(nouns, "8.5.1")
    there = found(part(**of("8.2.RC1")), environments=[first.folder])
    assert names(spec(nouns, first, second), there) == [
        *("toolkit-8.5.1", "ops-910b-8.5.1", "nnal-8.5.1", f"environment-{second.folder}"),
    ]
    assert names(spec(nouns, first), there) == []


def test_other_models_of_the_same_version(nouns: Nouns) -> None:
    """They lie beside each other: what serves goes on with its own."""
    other = "Ascend-mindie-atb-models_3.0.0_linux-aarch64_py311_torch2.9.0-abi1.tar.gz"
    wanted = stack(nouns, "8.5.1", other)
    there = found(part(**of("8.5.1", **MODELS_THERE)), environments=[])
    planned = steps(spec(nouns, wanted), there)
    assert [*planned] == ["atb-models-3.0.0", f"environment-{wanted.folder}"]
    folder = f"{HOME}/atb-models-3.0.0-py3.11-torch2.9.0-abi1"
    assert planned["atb-models-3.0.0"].words[-2:] == (folder, f"{HOME}/atb-models")


def test_toolkit_that_two_stacks_share(nouns: Nouns) -> None:
    one = stack(nouns, "8.5.1", name="one")
    two = stack(nouns, "8.5.1", MINDIE, name="two")
    assert names(spec(nouns, one, two), found(part())) == [
        *("toolkit-8.5.1", "ops-910b-8.5.1", "nnal-8.5.1", f"environment-{one.folder}"),
        *("mindie-3.0.0", "mindie-modes-3.0.0", f"environment-{two.folder}"),
    ]


def test_stacks_that_want_different_files_in_one_folder(nouns: Nouns) -> None:
    one = stack(nouns, "8.5.1", MINDIE, name="one")
    installers = (*one.installers[:-1], file(MINDIE.replace("abi0", "abi1")))
    two = one.model_copy(update={"name": "two", "installers": installers})
    with pytest.raises(PlatformError, match=r"two stacks want different files as mindie-3\.0\.0"):
        ascend.steps(spec(nouns, one, two), found(part()))


@pytest.mark.parametrize(
    ("began", "again"),
    [
        ("toolkit-8.5.1", ["toolkit-8.5.1"]),
        ("ops-910b-8.5.1", ["ops-910b-8.5.1"]),
        ("nnal-8.5.1", ["nnal-8.5.1"]),
        ("mindie-3.0.0", ["mindie-3.0.0"]),
        ("atb-models-3.0.0", ["atb-models-3.0.0"]),
        ("environment-{}", []),
    ],
)
def test_what_was_cut_short_is_done_again(nouns: Nouns, began: str, again: list[str]) -> None:
    """Even if its files say that it is there, and of it no file was captured that counts."""
    wanted = stack(nouns, "8.5.1", MODELS, MINDIE)
    there = part(**of("8.5.1", mindie=[{"version": "3.0.0", "path": "…"}], **MODELS_THERE))
    told = found(there, began.format(wanted.folder), environments=[wanted.folder])
    planned = steps(spec(nouns, wanted), told)
    assert [*planned] == [*again, "mindie-modes-3.0.0", f"environment-{wanted.folder}"]
    # That it is installed already is no answer then.
    assert all(step.already == () for step in planned.values())


def test_driver_first(nouns: Nouns) -> None:
    """A driver may need a reboot, and CANN comes after it."""
    wanted = spec(nouns, stack(nouns, "8.5.1"), driver=hdk("25.2.0", "7.7.0.6.236"))
    assert names(wanted, found(part())) == ["hdk-firmware-7.7.0.6.236", "hdk-driver-25.2.0"]


def test_pip_for_the_toolkit(nouns: Nouns) -> None:
    wanted = spec(nouns, stack(nouns, "8.5.1"))
    assert names(wanted, found(part(), tools=["apt-get"]))[:2] == ["apt-update", "ascend-needs"]


def _says(nouns: Nouns, name: str, said: str, cann: str = "8.2.RC1") -> bool:
    planned = steps(spec(nouns, stack(nouns, cann, MINDIE)), found(part()))[name]
    return any(re.search(pattern, said) for pattern in (*planned.success, *planned.already))


def test_what_the_installers_say(nouns: Nouns) -> None:
    """Parts of a package say of themselves what the package says at its end."""
    part_of = "CANN-runtime-8.2.0.0.201-linux.aarch64.run --full --quiet --nox11 install success"
    whole = "Toolkit:  Ascend-cann-toolkit_8.2.RC1_linux-aarch64 install success, installed in /x."
    kernels = "Ascend-cann-kernels-910b_8.2.RC1_linux-aarch64 install success. The installation"
    assert not _says(nouns, "toolkit-8.2.RC1", part_of)
    assert _says(nouns, "toolkit-8.2.RC1", whole)
    assert _says(nouns, "toolkit-8.2.RC1", "the package is already installed")
    assert _says(nouns, "kernels-910b-8.2.RC1", kernels)
    assert _says(nouns, "mindie-3.0.0", "[INFO] mindie Install SUCCESS in /usr/local/Ascend/mindie")
    assert _says(nouns, "mindie-3.0.0", "[INFO] MindIE installation SUCCESS!")
    assert not _says(nouns, "mindie-3.0.0", "mindie-llm Install SUCCESS in /usr/local/Ascend")
    assert not _says(nouns, "mindie-3.0.0", "MindIE is already installed")


def test_what_nobody_has_seen_decides_by_its_exit_code(nouns: Nouns) -> None:
    planned = steps(spec(nouns, stack(nouns, "8.5.1")), found(part()))
    for name in ("toolkit-8.5.1", "ops-910b-8.5.1", "nnal-8.5.1"):
        assert (planned[name].success, planned[name].codes) == ((), (0,))
