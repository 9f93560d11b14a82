"""MindIE in an inventory: its planes, its certificates, its keys, and what is wrong with them."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from roles.spec import (
    Accelerator,
    Agent,
    Client,
    Gateway,
    HostSpec,
    Instance,
    MindieHttps,
    MindieOptions,
    Secret,
    SpecError,
    inventory,
)
from tests.roles.preflight import plans

ANYWHERE = IPv4Address("10.0.0.7")


def _instance(options: MindieOptions | None = None, **fields: Any) -> Instance:
    (one,) = plans.mindie().instances
    right = {name: getattr(one, name) for name in Instance.model_fields}
    return Instance(**right | ({"options": options} if options else {}) | fields)


def _options(**fields: Any) -> MindieOptions:
    return MindieOptions(**{"npu_mem_size": 8, "images": 1} | fields)


def _told(instance: Instance) -> list[str]:
    return [str(fault) for fault in instance.faults()]


def test_right() -> None:
    assert _told(_instance()) == []
    assert _told(_instance(_options(https=MindieHttps()), address=ANYWHERE)) == []
    given = _options(
        config={"ServerConfig.tokenTimeout": 60, "ServerConfig.maxRequestLength": 100},
        environment={"NPU_MEMORY_FRACTION": "0.96"},
    )
    assert _told(_instance(given)) == []


def test_planes() -> None:
    assert _instance().ports == (8000, 8001, 8002)
    chosen = _options(management_port=1026, metrics_port=1027)
    assert _instance(chosen).ports == (8000, 1026, 1027)
    assert plans.instance().ports == (8000,)


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (
            lambda: _instance(api_key=Secret(env="KEY")),
            "api_key: names a secret, and MindIE asks nobody for one, "
            "should be None, with the server on 127.0.0.1, or give options/https",
        ),
        (
            lambda: _instance(address=ANYWHERE),
            "api_key: is None while the server listens on 10.0.0.7, "
            "listen on 127.0.0.1, or give options/https",
        ),
        (
            lambda: _instance(_options(https=MindieHttps()), api_key=Secret(env="KEY")),
            "api_key: names a secret, and MindIE asks nobody for one, "
            "should be None, with the server on 127.0.0.1, or give options/https",
        ),
        (
            lambda: _instance(port=65534),
            "port: is 65534, with management and metrics on 65535 and 65536, "
            "should be three different ports up to 65535",
        ),
        (
            lambda: _instance(_options(metrics_port=8001)),
            "port: is 8000, with management and metrics on 8001 and 8001, "
            "should be three different ports up to 65535",
        ),
        (
            lambda: _instance(_options(metrics_port=80)),
            "options/metrics_port: is 80, should be greater than or equal to 1024",
        ),
        (
            lambda: _instance(_options(environment={"MIES_CONTAINER_IP": "10.0.0.7"})),
            "options/environment: MIES_CONTAINER_IP is rendered from the spec, "
            "leave it out and set the field that says it",
        ),
        (
            lambda: _instance(_options(config={"ServerConfig.port": 1})),
            "options/config: ServerConfig.port is rendered from the spec, "
            "leave it out and set the field that says it",
        ),
        (
            lambda: _instance(_options(config={"BackendConfig.ScheduleConfig": {}})),
            "options/config: BackendConfig.ScheduleConfig is rendered from the spec, "
            "leave it out and set the field that says it",
        ),
        (
            lambda: _instance(_options(config={"BackendConfig.npuDeviceIds.0": [4]})),
            "options/config: BackendConfig.npuDeviceIds.0 is rendered from the spec, "
            "leave it out and set the field that says it",
        ),
        (
            lambda: _instance(_options(https=MindieHttps(tls_pk="/etc/ssl/key.pem"))),
            "options/https/tls_pk: is '/etc/ssl/key.pem', "
            "should be a path from MindIE's own folder, without ..",
        ),
        (
            lambda: _instance(_options(https=MindieHttps(tls_cert="security/../server.pem"))),
            "options/https/tls_cert: is 'security/../server.pem', "
            "should be a path from MindIE's own folder, without ..",
        ),
        (
            lambda: _instance(_options(https=MindieHttps(tls_ca_path="security/ca"))),
            "options/https/tls_ca_path: is 'security/ca', "
            "should be a folder from MindIE's own, without .. and with / at its end",
        ),
        (
            lambda: _instance(_options(https=MindieHttps(tls_ca_file=()))),
            "options/https/tls_ca_file: is (), should have at least 1 item",
        ),
    ],
)
def test_wrong(instance: Any, message: str) -> None:
    told = _told(instance())
    assert len(told) == 1
    assert told[0].startswith(message)


def test_a_key_without_a_section() -> None:
    """What was given may be a secret, and is not shown."""
    (told,) = _told(_instance(_options(config={"tokenTimeout": 1})))
    assert told.startswith("options/config/tokenTimeout/[key]: is a str, ")
    assert told.endswith("should be a path such as ServerConfig.tokenTimeout")


def _beside(port: int, **fields: Any) -> HostSpec:
    other = _instance(name="talk", devices=(1,), port=port, **fields)
    return plans.ascend(_instance(), other)


@pytest.mark.parametrize("port", [7999, 8001, 8002])
def test_two_instances_share_no_plane(port: int) -> None:
    (told, *_) = [str(fault) for fault in _beside(port).faults()]
    taken = max(port, 8000)
    assert told == (
        f"instances/talk: wants port {taken}, which instance 1 (chat) has, "
        "give each instance its own port"
    )
    assert _beside(8003).faults() == []


def test_gateway_has_no_certificate_to_show() -> None:
    behind = _instance(_options(https=MindieHttps()), address=ANYWHERE)
    clients = (Client(name="team-a", key=Secret(env="EDGE_KEY")),)
    gateway = Gateway(address=ANYWHERE, port=443, models=(behind.served_as,), clients=clients)
    hosts = {
        "gw": HostSpec(accelerator=Accelerator.CPU, gateway=gateway),
        "a2": plans.mindie().model_copy(update={"instances": (behind,), "agent": Agent()}),
    }
    with pytest.raises(SpecError) as caught:
        inventory(hosts)
    assert str(caught.value).splitlines()[1:] == [
        "  a2/instances/chat/options/https: wants a certificate of the gateway on gw, which has "
        "none to show, leave its model out of the gateway's"
    ]
