"""A host as the probe saw it: what is wrong, what nobody knows, what is worth a look."""

from ipaddress import ip_address
from typing import Any

import pytest

from roles import engine, lock
from roles.release import Release
from roles.spec import Agent, Gateway, HostSpec
from roles.status import devices, hosts, instances, state
from roles.status.state import State
from tests.roles import devices as devices_
from tests.roles.faked import bare, entry, seen
from tests.roles.preflight import plans
from tests.roles.status import fleets

_UNIT = "metalserve-vllm@chat.service"
SPEC = plans.one()
WANTED = Release(spec=SPEC, instance=SPEC.instances[0]).name
DONE = {
    "release": WANTED, "outcome": "committed", "began": "2026-11-24T21:40:00Z",
    "ended": "2026-11-24T21:40:51Z", "why": "",
}  # fmt: skip


def _instance(jobs: tuple[str, ...] = (), **changed: Any) -> dict[str, Any]:
    found = bare() | {"jobs": list(jobs)}
    found["instances"] = {"chat": seen(**{"current": WANTED, "transaction": DONE} | changed)}
    (one,) = instances.of("gpu-1", SPEC, found)
    return one


def _said(one: dict[str, Any]) -> tuple[State, list[str]]:
    return one["state"], [*one["wrong"], *one["unknown"], *one["look"]]


def test_serves_what_is_wanted() -> None:
    one = _instance()
    assert _said(one) == (State.WELL, [])
    assert (one["release"], one["wanted"], one["serves"]) == (WANTED, WANTED, True)
    assert one["since"] == "2026-11-24T21:40:51Z"


@pytest.mark.parametrize(
    ("changed", "state_", "said"),
    [
        (
            {"active": False, "state": "failed"},
            State.WRONG,
            f"{_UNIT} is not up (failed): journalctl -eu {_UNIT} tells why, deploy/main.py starts "
            "it",
        ),
        (
            {"active": False, "waits": "10.0.0.2 is inactive, not about to start"},
            State.WRONG,
            f"{_UNIT} waits to begin together: 10.0.0.2 is inactive, not about to start",
        ),
        ({"current": "other"}, State.LOOK, f"the inventory wants {WANTED}"),
        ({"out": ["a fan is loud"]}, State.LOOK, "in quarantine: a fan is loud"),
        (
            {"transaction": DONE | {"outcome": None, "release": "new"}},
            State.WRONG,
            "an activation of new was cut short; the next one, or a boot, ends it",
        ),
        (
            {"transaction": DONE | {"outcome": "broken", "why": "it did not become ready"}},
            State.WRONG,
            f"the activation of {WANTED} ended with 'broken': it did not become ready",
        ),
        (
            {"transaction": DONE | {"outcome": "nothing serves", "why": "1 of 3 wrong"}},
            State.WRONG,
            f"the activation of {WANTED} ended with 'nothing serves': 1 of 3 wrong",
        ),
        (
            {"transaction": DONE | {"outcome": "rolled back", "release": "new", "why": "no"}},
            State.LOOK,
            "the activation of new ended with 'rolled back': no",
        ),
    ],
)
def test_state_of_an_instance(changed: dict[str, Any], state_: State, said: str) -> None:
    assert _said(_instance(**changed)) == (state_, [said])


def test_one_that_is_being_switched_is_not_called_down() -> None:
    at_work = DONE | {"outcome": None, "release": "new"}
    one = _instance(("activate-chat",), active=False, transaction=at_work)
    said = "an activation of new is at work since 2026-11-24T21:40:00Z"
    assert _said(one) == (State.LOOK, [said])
    assert one["serves"] is False


@pytest.mark.parametrize("last", [DONE | {"release": "new"}, DONE | {"outcome": "rolled back"}])
def test_since_by_the_journal_is_known_only_of_what_was_last_left_there(
    last: dict[str, Any],
) -> None:
    assert _instance(transaction=last)["since"] is None


def test_since_is_known_whatever_was_tried_afterwards() -> None:
    last = DONE | {"release": "new", "outcome": "rolled back", "why": "no"}
    served = [entry(WANTED, since="2026-11-20T08:00:00Z")]
    assert _instance(transaction=last, served=served)["since"] == "2026-11-20T08:00:00Z"


@pytest.mark.parametrize("found", [{}, {"chat": seen(current=None, active=False)}])
def test_wanted_and_not_there(found: dict[str, Any]) -> None:
    (one,) = instances.of("gpu-1", SPEC, bare() | {"instances": found})
    assert _said(one) == (State.WRONG, [f"nothing is there, {WANTED} is wanted"])
    assert (one["serves"], one["release"]) == (False, None)


@pytest.mark.parametrize("current", [None, "lost"])
def test_link_that_leads_nowhere(current: str | None) -> None:
    there = seen(current=current, unit=_UNIT, active=False, about=None)
    found = bare() | {"instances": {"chat": there}}
    (one,) = instances.of("gpu-1", SPEC, found)
    what = f"{current} is current and is not there" if current else "nothing is current"
    said = (
        f"{what}, and {_UNIT} runs what was: gateways send it nothing, and it does not start "
        "again; deploy/main.py mends it"
    )
    assert (one["state"], one["wrong"]) == (State.WRONG, [said])
    assert (one["serves"], one["since"]) == (False, None)
    (other,) = instances.of("gpu-1", plans.host(), found)
    assert _said(other) == (State.LOOK, ["it is not in the inventory"])


def test_engine_that_cannot_be_started_hides_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(instance: object) -> None:
        raise ValueError("mindie cannot be started by this release")

    monkeypatch.setattr(engine, "rendered", unknown)
    found = bare() | {"instances": {"chat": seen(current=WANTED, transaction=DONE)}}
    (one,) = instances.of("gpu-1", plans.one(), found)
    assert _said(one) == (State.LOOK, ["mindie cannot be started by this release"])
    assert (one["wanted"], one["serves"]) == (None, True)


def test_first_release_that_failed_says_why() -> None:
    last = DONE | {"outcome": "nothing serves", "why": "1 of 3 answers wrong"}
    found = {"chat": seen(current=None, active=False, transaction=last)}
    (one,) = instances.of("gpu-1", SPEC, bare() | {"instances": found})
    assert one["wrong"] == [
        f"nothing is there, {WANTED} is wanted",
        f"the activation of {WANTED} ended with 'nothing serves': 1 of 3 answers wrong",
    ]


def test_there_and_not_wanted() -> None:
    about = {"model": "qwen", "engine": "ollama", "address": "127.0.0.1", "port": 11434}
    found = bare() | {"instances": {"old": seen(about=about), "gone": seen(current=None)}}
    (one,) = instances.of("gpu-1", plans.host(), found)
    assert _said(one) == (State.LOOK, ["it is not in the inventory"])
    assert one["out"] == []
    assert (one["model"], one["engine"], one["endpoint"]) == ("qwen", "ollama", "127.0.0.1:11434")


def test_nobody_knows_what_a_silent_host_runs() -> None:
    host = hosts.silent("gpu-1", SPEC, "Could not connect (timed out)")
    assert (host["state"], host["answers"]) == (State.UNKNOWN, False)
    assert host["unknown"] == ["Could not connect (timed out)"]
    (one,) = host["instances"]
    assert _said(one) == (State.UNKNOWN, ["what it runs is not known"])
    assert (one["serves"], one["release"], one["wanted"]) == (None, None, WANTED)


def test_host_without_a_spec() -> None:
    host = hosts.silent("gpu-1", None, "the inventory gives it no spec")
    assert (host["state"], host["accelerator"]) == (State.UNKNOWN, None)


def test_part_that_failed_is_unknown_and_costs_no_other() -> None:
    found = bare() | {"faults": {"disks": "OSError: no"}, "disks": None}
    host = hosts.of("gpu-1", plans.host(), found)
    assert (host["state"], host["unknown"]) == (State.UNKNOWN, ["disks: OSError: no"])
    assert host["weights_free_mib"] is None
    assert len(host["devices"]) == 2


@pytest.mark.parametrize(
    ("part", "told", "said"),
    [
        (
            "platform",
            {"reboot": {"why": "driver 580.65.06", "boot_id": bare()["system"]["boot_id"]}},
            "a reboot is asked for: driver 580.65.06",
        ),
        ("platform", {"began": {"driver": {}}}, "driver began and did not succeed yet"),
        (
            "lock",
            lock.owner() | {"who": "bob@desk", "run": "r1"},
            "bob@desk (run r1) holds the deploy lock",
        ),
        (
            "lock",
            lock.owner() | {"who": "bob@desk", "run": "r1", "started": 1},
            "the deploy lock is left over from bob@desk (run r1), which is no more",
        ),
    ],
)
def test_worth_a_look(part: str, told: dict[str, Any], said: str) -> None:
    host = hosts.of("gpu-1", plans.host(), bare() | {part: (bare()[part] or {}) | told})
    assert (host["state"], host["look"]) == (State.LOOK, [said])


def test_what_a_run_would_be_refused_for() -> None:
    taken = [{"port": 8000, "pid": 1, "process": "nginx", "unit": "nginx.service"}]
    host = hosts.of("gpu-1", SPEC, bare() | {"ports": taken})
    (said,) = host["look"]
    assert said.startswith("a run would be refused: instances/chat/port: found 8000 is held by ")


def _listening(*ports: dict[str, Any], spec: HostSpec) -> list[str]:
    found = bare() | {"ports": [{"pid": 1, "process": "x", "unit": None, **one} for one in ports]}
    host = hosts.of("gpu-1", spec, found)
    assert host["state"] is (State.WRONG if host["wrong"] else State.WELL)
    return list(host["wrong"])


def test_gateway_that_does_not_listen() -> None:
    made = Gateway(address=ip_address("127.0.0.1"), port=8443, models=("chat", "draw"))
    spec = plans.host(gateway=made)
    unit = "metalserve-gateway.service"
    assert _listening({"port": 8443, "unit": unit}, spec=spec) == []
    said = [
        f"{unit} does not listen on port 8443: clients reach no chat, draw there; "
        "deploy/gateway.py starts it"
    ]
    assert _listening(spec=spec) == said
    # What serves on its own port is nothing that clients know.
    assert _listening({"port": 29652, "unit": unit}, spec=spec) == said


def test_agent_that_does_not_listen() -> None:
    spec = plans.host(agent=Agent())
    assert _listening({"port": 29651}, spec=spec) == []
    assert _listening(spec=spec) == [
        "nobody answers gateways on port 29651: they go on with what they were told last; "
        "deploy/prepare.py has it answer again"
    ]


def test_drift() -> None:
    host = fleets.drifted("gpu-1")
    assert host["state"] is State.LOOK
    assert host["drift"] == {
        "prepare": ["/etc/systemd/system/metalserve-vllm@.service has another mode, sha256"]
    }


def test_failing_devices() -> None:
    host = fleets.failing("gpu-1")
    assert host["state"] is State.WRONG
    ill = [(one["number"], one["user"], one["wrong"]) for one in host["devices"] if one["wrong"]]
    assert ill == [
        (1, "chat", ["3 uncorrectable ECC error(s) since the driver was loaded"]),
        (5, None, ["Xid 79 in the kernel log of this boot (the GPU has fallen off the bus)"]),
    ]
    assert host["look"] == []


def test_device_that_did_not_answer_a_question_is_worth_a_look() -> None:
    gpu = devices_.gpu(0, unknown={"nvmlDeviceGetPowerUsage": "Timeout"}, power_w=None)
    host = hosts.of("gpu-1", plans.host(), plans.with_gpus(gpu))
    (one,) = host["devices"]
    assert (one["state"], one["power_w"]) == (State.LOOK, None)
    assert one["look"] == ["no answer to nvmlDeviceGetPowerUsage (Timeout)"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (plans.without_driver(), "nothing answers for cuda here; plugged in: 2"),
        (plans.with_gpus(error={"code": 9, "name": "driver", "text": "not loaded"}), "not loaded"),
        (plans.with_gpus(), "no device answered"),
    ],
)
def test_devices_that_nobody_sees_are_unknown(found: dict[str, Any], said: str) -> None:
    assert devices.unknown(plans.host(), found) == [said]
    assert hosts.of("gpu-1", plans.host(), found)["state"] is State.UNKNOWN


def test_chip_without_a_number_is_unknown() -> None:
    found = plans.with_npus(devices_.npu(0), devices_.npu(1, logic=None))
    assert devices.unknown(plans.ascend(), found) == ["1 device(s) did not tell their number"]
    assert [one["number"] for one in devices.of(plans.ascend(), found)] == [0]


def test_npus() -> None:
    broken = {"health": "Alarm", "health_detail": {"codes": ["0x81078603"], "text": ""}}
    found = plans.with_npus(devices_.npu(0), devices_.npu(1, **broken))
    host = hosts.of("npu-1", plans.ascend(), found)
    assert [one["health"] for one in host["devices"]] == ["OK", "Alarm"]
    assert host["devices"][1]["wrong"] == ["health Alarm (0x81078603)"]
    assert host["driver"] == "25.5.1, firmware 7.8.0.5.216"


def test_worst() -> None:
    assert state.worst([State.WELL, State.LOOK, State.UNKNOWN]) is State.UNKNOWN
    assert state.worst([State.UNKNOWN, State.WRONG]) is State.WRONG
    assert state.worst([]) is State.WELL
