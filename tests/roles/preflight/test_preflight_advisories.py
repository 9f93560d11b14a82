"""Advisories and engines: what refuses, what is told, what is accepted."""

import pytest

from roles.preflight import Reason, against
from roles.spec import Accelerator, Engine, HostSpec, Stack
from tests.roles import devices
from tests.roles.faked import bare
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found, lives_with

H200 = plans.with_gpus(devices.gpu(0))


def _told(stack: Stack, **fields: Found) -> list[Reason]:
    spec = plans.host(ready_for=(stack,), **fields)
    return [reason for reason in against(spec, H200) if reason.code == "advisory"]


def test_critical_and_high() -> None:
    """A critical one is a reason of its own; the high ones are one line, with the fix of all."""
    told = [(reason.refuses, reason.path, str(reason)) for reason in _told(plans.vllm("0.20.2"))]
    assert told == [
        (
            True,
            "ready_for/vllm-0.20.2",
            "ready_for/vllm-0.20.2: found vllm 0.20.2 with CVE-2026-48746 (critical): a Host "
            "header gets past the API key, wanted 0.22.0 or newer; choose a newer stack, or name "
            "it in the stack's accepts with a reason [advisory]",
        ),
        (
            False,
            "ready_for/vllm-0.20.2",
            "ready_for/vllm-0.20.2: found vllm 0.20.2 with 5 of high severity: CVE-2026-55574, "
            "CVE-2026-55514, CVE-2026-54234, CVE-2026-90553, CVE-2026-93592, wanted 0.28.0 or "
            "newer; look whether they reach you [advisory]",
        ),
    ]


@pytest.mark.parametrize("name", ["CVE-2026-48746", "GHSA-94f4-hr76-p5j6"])
def test_accepted_by_either_name(name: str) -> None:
    told = _told(plans.vllm("0.20.2", accepts=lives_with(name)))
    assert [reason.refuses for reason in told] == [False]


def test_accepted_high_ones_are_not_told() -> None:
    accepts = lives_with("CVE-2026-90553", "GHSA-25q3-v2hm-8vpf")
    assert _told(plans.vllm("0.26.0", accepts=accepts)) == []
    (reason,) = _told(plans.vllm("0.26.0", accepts=accepts[:1]))
    assert reason.found == "vllm 0.26.0 with 1 of high severity: CVE-2026-93592"


@pytest.mark.parametrize(
    ("command", "hits"), [(("-m", "vllm"), False), (("-O", "-m", "vllm"), True)]
)
def test_harm_that_needs_a_word_of_the_command(command: tuple[str, ...], hits: bool) -> None:
    (reason,) = [one for one in _told(plans.vllm("0.20.2", command=command)) if not one.refuses]
    assert ("CVE-2026-41523" in reason.found) is hits


def test_remote_code_that_nobody_asked_for() -> None:
    """The spec refuses --trust-remote-code, so what needs it never does harm."""
    assert not any("GHSA-h3rc" in str(reason) for reason in _told(plans.vllm("0.26.0")))


def test_last_version_before_the_fix() -> None:
    for version, refuses in (("0.14.0", True), ("0.14.1", False)):
        told = _told(plans.vllm(version, lock="vllm-0.13.0"))
        assert any("CVE-2026-22778" in str(reason) for reason in told) is refuses


def test_no_version_is_known_to_be_fixed() -> None:
    (reason,) = _told(plans.stack(Engine.LMDEPLOY, "0.18.0"))
    assert (reason.found, reason.wanted, reason.refuses) == (
        "lmdeploy 0.18.0 with 1 of high severity: CVE-2026-33626",
        "a version in which it is fixed",
        False,
    )


def test_vllm_below_its_plugin() -> None:
    """The version of vLLM is in the lock."""
    stack = plans.stack(Engine.VLLM_ASCEND, "0.18.0", installers=plans.cann("8.5.1"))
    told = against(plans.ascend(ready_for=(stack,)), plans.a2(1))
    assert [reason.found.partition(" with")[0] for reason in told if reason.refuses] == [
        "vllm 0.18.0"
    ]


def _codes(spec: HostSpec, *, refuses: bool = True) -> list[str]:
    return [reason.code for reason in against(spec, H200) if reason.refuses is refuses]


def test_engine_that_cannot_be_started_yet() -> None:
    """The host can be made ready for it; an instance of it is what is refused."""
    (instance,) = plans.lmdeploy("0.18.0").instances
    stack = instance.stack.model_copy(update={"accelerator": Accelerator.CPU, "driver": None})
    cpu = instance.model_copy(update={"stack": stack, "devices": ()})
    spec = HostSpec(accelerator=Accelerator.CPU, instances=(cpu,))
    (engine,) = [reason for reason in against(spec, bare()) if reason.code == "engine"]
    assert (engine.found, engine.path) == ("lmdeploy on cpu", "instances/chat/stack")
    assert "ready_for" in engine.remedy
    assert engine.wanted.endswith(": what this release can start")
    for started in ("vllm on cuda or cpu, ", "lmdeploy on cuda, ", "vllm-ascend on ascend"):
        assert started in engine.wanted


@pytest.mark.parametrize(
    ("version", "codes"), [("0.10.1", ["model-engine"]), ("0.11.0", []), ("0.33.0", [])]
)
def test_first_engine_with_qwen3_vl(version: str, codes: list[str]) -> None:
    stack = plans.vllm(version, lock="vllm-0.11.0", accepts=plans.CRITICAL)
    told = _codes(plans.one(stack=stack))
    assert [code for code in told if code == "model-engine"] == codes


def test_context_of_the_model() -> None:
    """The largest that it was trained for; LMDeploy goes on beyond, so there it is a remark."""
    for length, codes in ((262144, []), (262145, ["context"])):
        assert _codes(plans.one(options=plans.options(max_model_len=length))) == codes
    beyond = plans.lmdeploy("0.18.0", session_len=262145)
    assert "context" not in _codes(beyond)
    assert "context" in _codes(beyond, refuses=False)


@pytest.mark.parametrize(("on", "right"), [(1, True), (2, True), (3, False), (6, False), (8, True)])
def test_heads_are_shared_out(on: int, right: bool) -> None:
    found = plans.with_gpus(*(devices.gpu(index) for index in range(on)))
    told = [reason.code for reason in against(plans.one("30b-a3b", on=on), found) if reason.refuses]
    assert told == ([] if right else ["tensor-parallel"])
