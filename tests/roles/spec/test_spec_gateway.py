"""Gateways, what is behind them, and what is wrong between the two."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from roles.spec import (
    Accelerator,
    Agent,
    Client,
    Gateway,
    HostSpec,
    Secret,
    SpecError,
    behind,
    inventory,
)
from tests.roles.spec.nouns import Nouns

KEY = Secret(env="EDGE_KEY")


def _gateway(**fields: Any) -> HostSpec:
    right: dict[str, Any] = {
        "address": "10.0.0.9",
        "port": 443,
        "models": ("qwen3-8b",),
        "clients": (Client(name="team-a", key=KEY),),
    }
    return HostSpec(accelerator=Accelerator.CPU, gateway=Gateway(**right | fields))


def _serving(nouns: Nouns, **fields: Any) -> HostSpec:
    return nouns.host(nouns.instance(address="10.0.0.1", **fields), agent=Agent())


def test_right(nouns: Nouns) -> None:
    """On a host of its own, and beside an instance that listens on loopback."""
    inventory({"gw": _gateway(), "gpu-1": _serving(nouns), "gpu-2": _serving(nouns)})
    beside = _gateway().model_copy(
        update={"accelerator": "cuda", "instances": (nouns.instance(),), "agent": Agent()}
    )
    inventory({"gw": beside, "gpu-1": _serving(nouns)})


def test_behind(nouns: Nouns) -> None:
    """By what clients ask for, whichever instance and host it is."""
    other = nouns.instance(name="draw", model="draw", port=8001, devices=(1,))
    hosts = {
        "gw": _gateway(models=("qwen3-8b", "draw")),
        "gpu-1": nouns.host(nouns.instance(), other),
        "gpu-2": nouns.chat(name="text"),
        "gpu-3": nouns.chat(model="another"),
    }
    gateway = hosts["gw"].gateway
    assert gateway
    found = {
        model: [(one.host, one.instance.name) for one in members]
        for model, members in behind(gateway, hosts).items()
    }
    assert found == {
        "qwen3-8b": [("gpu-1", "chat"), ("gpu-2", "text")],
        "draw": [("gpu-1", "draw")],
    }


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"clients": ()},
            "gateway/clients: is empty while the gateway listens on 10.0.0.9, "
            "name a client, or listen on 127.0.0.1",
        ),
        (
            {"port": 29652},
            "gateway/own_port: is 29652, which clients have, "
            "give its health and metrics a port of their own",
        ),
        ({"models": ("qwen3-8b", "qwen3-8b")}, "gateway/models/qwen3-8b: is there twice, name it"),
        (
            {"clients": (Client(name="a", key=KEY), Client(name="a", key=KEY))},
            "gateway/clients/a: is there twice, name it once",
        ),
        (
            {"models": ("v1/x",)},
            "gateway/models/0: is 'v1/x', should be a name that clients ask for, such as "
            "qwen3-vl, and not begin with v1/",
        ),
        ({"models": ()}, "gateway/models: is (), should have at least 1 item"),
        ({"certificate": "tls.pem"}, "gateway/certificate: is 'tls.pem', should be an absolute"),
    ],
)
def test_wrong_gateway(nouns: Nouns, fields: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as caught:
        inventory({"gw": _gateway(**fields), "gpu-1": _serving(nouns)})
    assert f"  gw/{line}" in str(caught.value)


def test_secret_in_the_place_of_its_name_is_not_shown(nouns: Nouns) -> None:
    wrong = Client(name="a", key="sk-very-secret")  # type: ignore[arg-type]
    with pytest.raises(SpecError) as caught:
        inventory({"gw": _gateway(clients=(wrong,))})
    assert "gw/gateway/clients/a/key: is a str, should be" in str(caught.value)
    assert "sk-very-secret" not in str(caught.value)


def test_what_a_gateway_does_not_reach(nouns: Nouns, tmp_path: Path) -> None:
    """Every fault at once, each where it is to be corrected."""
    hosts = {
        "gw": _gateway(models=("qwen3-8b", "qwen4")),
        "gpu-1": nouns.chat(),
        "gpu-2": nouns.host(
            nouns.instance(address="10.0.0.2"), agent=Agent(address=ip_address("127.0.0.1"))
        ),
        "gpu-3": _serving(nouns, api_key=Secret(env="ANOTHER")),
    }
    with pytest.raises(SpecError) as caught:
        inventory(hosts)
    assert str(caught.value).splitlines()[1:] == [
        "  gpu-1/instances/chat/address: is 127.0.0.1, where the gateway on gw does not reach it, "
        "listen on an address of the host's network",
        "  gpu-1/agent: is missing while chat is behind the gateway on gw, "
        "give the host agent=Agent(), which tells gateways when not to send requests",
        "  gpu-2/agent/address: is 127.0.0.1, where the gateway on gw cannot ask it, "
        "listen on an address of the host's network",
        "  gpu-3/instances/chat/api_key: names another secret than gpu-1/instances/chat, behind "
        "the gateway on gw, give instances of one model behind a gateway the same",
        "  gw/gateway/models/qwen4: is served by no instance, should be one of qwen3-8b",
    ]


def test_engine_without_keys_is_reached_on_its_own_host_alone(nouns: Nouns) -> None:
    one = nouns.ollama()
    front = _gateway(models=(one.served_as,))
    own = nouns.host(one, agent=Agent())
    with pytest.raises(SpecError) as caught:
        inventory({"gw": front, "gpu-1": own})
    assert str(caught.value).splitlines()[1:] == [
        "  gpu-1/instances/chat/address: is 127.0.0.1, where Ollama has to be, as it asks nobody "
        "for a key, and where the gateway on gw does not reach it, give gpu-1 a gateway of its "
        f"own, for a model that no other host serves by that name, or leave {one.served_as} out "
        "of the gateway's models"
    ]
    inventory({"gpu-1": own.model_copy(update={"gateway": front.gateway})})


def test_ports_of_one_host(nouns: Nouns) -> None:
    spec = _gateway(port=29651).model_copy(update={"agent": Agent()})
    with pytest.raises(SpecError) as caught:
        inventory({"gw": spec})
    line = "gw/gateway: wants port 29651, which the host's agent has, give each its own port"
    assert line in str(caught.value)
    with pytest.raises(SpecError) as caught:
        inventory({"gpu-1": nouns.host(nouns.instance(port=29651), agent=Agent())})
    line = "gpu-1/instances/chat: wants port 29651, which the host's agent has, give each instance"
    assert line in str(caught.value)
