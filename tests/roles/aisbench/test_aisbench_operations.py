"""AISBench on a host, and what its job is given of an instance."""

import hashlib
from typing import Any

import pytest

from roles import aisbench, engine
from roles.aisbench import operations, table
from roles.spec import Benchmark, HostSpec, Lock
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import Nouns

NAME = f"aisbench-{hashlib.sha256(aisbench.LOCK.read_bytes()).hexdigest()[:12]}"
FOLDER = f"/opt/metalserve/stacks/{NAME}"


def _measured(spec: HostSpec, kind: str, dataset: str | None = None) -> Told:
    (instance,) = spec.instances
    return told(
        operations.measured_instance, spec, bare(), instance=instance, kind=kind, dataset=dataset,
        onto=spec,
    )  # fmt: skip


def _plan(found: Told) -> Any:
    assert found.commands[0] == lock_taken()
    name, given = found.commands[1]
    assert name == "run"
    return given


def test_lock_is_whole() -> None:
    assert Lock(file=aisbench.LOCK).faults() == []
    pins = Lock(file=aisbench.LOCK).pins
    assert pins["ais-bench-benchmark"] == "3.1.20260630"
    assert "torch" not in pins
    assert pins["numpy"].startswith("1.")
    assert int(pins["pyarrow"].split(".")[0]) < 20


def test_installed(nouns: Nouns) -> None:
    found = told(
        operations.installed_aisbench, nouns.chat(), bare() | {"stacks": [NAME]}, onto=nouns.chat()
    )
    assert found == Told(commands=[], noops=[f"{NAME} is installed"])


def test_not_installed(nouns: Nouns) -> None:
    """As a stack is, with the Python that the host's stacks have anyway."""
    spec = nouns.chat()
    found = told(operations.installed_aisbench, spec, bare(), onto=spec)
    assert _plan(found) == {
        "name": f"install-{NAME}",
        "script": "install",
        "python": "/usr/bin/python3",
        "plan": {
            "name": NAME,
            "folder": FOLDER,
            "python": "3.12",
            "disk_gib": 0.7,
            "packages": {"index": None, "folder": None, "proxy": None},
            "lock": aisbench.LOCK.read_text(),
            "installer": engine.INSTALLER.read_text(),
        },
    }


@pytest.mark.parametrize(
    ("here", "taken"),
    [(["python3.9", "python3.10"], "3.10"), (["python3.13"], "3.12"), (None, "3.12")],
)
def test_python_of_the_host(nouns: Nouns, here: list[str] | None, taken: str) -> None:
    """One that it has; without any, the one that is then asked for."""
    spec, seen = nouns.chat(), bare()
    seen["system"]["pythons"] = here
    found = told(operations.installed_aisbench, spec, seen, onto=spec)
    assert _plan(found)["plan"]["python"] == taken


@pytest.mark.parametrize(("python", "taken"), [("3.10", "3.10"), ("3.13", "3.11")])
def test_python(nouns: Nouns, python: str, taken: str) -> None:
    """Not one that its numpy has no wheels for."""
    assert aisbench.python(nouns.chat(stack=nouns.stack(python=python))) == taken


def test_measured(nouns: Nouns) -> None:
    wanted = Benchmark(requests=9, at_once=3, max_tokens=64, within_s=600, prompts="/mnt/prompts")
    found = _measured(nouns.chat(benchmark=wanted), "performance")
    assert _plan(found) == {
        "name": "performance-chat",
        "script": "aisbench",
        "python": "/usr/bin/python3",
        "plan": {
            "name": "performance-chat",
            "instance": "chat",
            "kind": "performance",
            "tool": FOLDER,
            "dataset": "/mnt/prompts",
            "media": "base64",
            "groups": [],
            "requests": 9,
            "at_once": 3,
            "max_tokens": 64,
            "within_s": 600,
        },
    }
    name, given = found.commands[2]
    assert isinstance(given, dict)
    assert name == table.judged.__name__
    assert (given["instance"], given["kind"], given["wanted"]) == ("chat", "performance", wanted)
    assert given["command"].get_raw_value() == (
        "/usr/bin/python3 /opt/metalserve/hostside/aisbench.py chat performance"
    )


def test_data_set_of_the_run_comes_first(nouns: Nouns) -> None:
    spec = nouns.chat(benchmark=Benchmark(questions="/mnt/textvqa"))
    assert _plan(_measured(spec, "accuracy"))["plan"]["dataset"] == "/mnt/textvqa"
    assert _plan(_measured(spec, "accuracy", "/mnt/other"))["plan"]["dataset"] == "/mnt/other"
    assert _plan(_measured(nouns.chat(), "accuracy"))["plan"]["dataset"] is None


def test_data_set_that_is_no_path(nouns: Nouns) -> None:
    assert _measured(nouns.chat(), "accuracy", "sets/textvqa").commands == [
        (
            "refuse",
            {
                "reason": "chat: dataset is 'sets/textvqa', should be an absolute path of letters,"
                " digits, . _ and -"
            },
        )
    ]


def test_instance_that_cannot_be_measured(nouns: Nouns) -> None:
    reason = "chat: a store of Ollama has no tokenizer in it, which AISBench counts tokens with"
    found = _measured(nouns.host(nouns.ollama()), "accuracy")
    assert found.commands == [("refuse", {"reason": reason})]


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("accuracy_at_least", 101, "should be less than or equal to 100"),
        ("requests", 0, "should be greater than or equal to 1"),
        ("tokens_per_s_at_least", 0.0, "should be greater than 0"),
        ("questions", "textvqa", "should be an absolute path of letters, digits, . _ and -"),
    ],
)
def test_threshold_that_makes_no_sense(field: str, value: Any, right: str) -> None:
    (fault,) = Benchmark(**{field: value}).faults()
    assert str(fault) == f"{field}: is {value!r}, {right}"
