"""What a run does with its verdicts: secrets are looked for, and instances moved, beforehand."""

from pathlib import Path
from typing import Any

import pytest

from roles.preflight import deploy
from roles.spec import HuggingFace, Rsync, Secret
from tests.roles import devices
from tests.roles.faked import bare, on_host
from tests.roles.preflight import plans


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALSERVE_API_KEY", "sesame-sesame-sesame")


def _failing_first() -> dict[str, Any]:
    broken = {"enabled": True, "pending": True, "uncorrected": 3}
    ecc = broken | {"uncorrected_lifetime": 3, "corrected_lifetime": 0}
    found = bare()
    found["accelerators"]["cuda"] = devices.cuda(devices.gpu(0, ecc=ecc), devices.gpu(1))
    return found


@pytest.mark.parametrize(("wish", "devices_"), [("move", (1,)), ("refuse", (0,))])
def test_what_comes_after_goes_by_where_an_instance_was_moved_to(
    wish: str, devices_: tuple[int, ...]
) -> None:
    spec = plans.one(failing_device=wish)
    with on_host(spec, _failing_first()) as host:
        reasons = deploy._reasons(host)
        (instance,) = host.data.spec.instances
    assert instance.devices == devices_
    refused = [reason.code for reason in reasons if reason.refuses]
    assert refused == ([] if wish == "move" else ["device-failing"])


def test_token_of_a_hub_is_looked_for_before_the_first_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A private repository without its token would stop the run when half is done."""
    token = Secret(env="TEST_HUB_TOKEN_OF_NOBODY")
    source = HuggingFace(repo="owner/model", revision="0" * 40, token=token)
    weights = plans.weights("8b").model_copy(update={"sources": (source,)})
    spec = plans.one(weights=weights)
    with on_host(spec, bare()) as host:
        (reason,) = [one for one in deploy._reasons(host) if one.code == "secret"]
    assert reason.path == "instances/chat/weights/sources/0/token"
    assert reason.found == (
        "the environment variable TEST_HUB_TOKEN_OF_NOBODY holds no secret on this machine"
    )


def test_key_of_a_depot_is_looked_for_before_the_first_change(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ssh-ed25519 AAAA, which is the public half\n")
    depot = Rsync(
        host="depot", user="models", path="/srv/models", host_key="ssh-ed25519 AAAA",
        key=Secret(file=tmp_path / "key"),
    )  # fmt: skip
    weights = plans.weights("8b").model_copy(update={"sources": (depot,)})
    spec = plans.one(weights=weights)
    with on_host(spec, bare()) as host:
        (reason,) = [one for one in deploy._reasons(host) if one.code == "secret"]
    assert (reason.path, reason.wanted) == (
        "instances/chat/weights/sources/0/key", "a private key without a passphrase",
    )  # fmt: skip
    assert (
        reason.found == f"the file {tmp_path}/key holds no private key that ssh-keygen -N '' wrote"
    )
