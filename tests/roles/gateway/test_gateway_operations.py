"""What a gateway's host is told, and when it is told nothing."""

import json
from collections.abc import Callable
from ipaddress import ip_address

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.context import ctx_host, ctx_state

from roles import gateway
from roles.gateway import operations
from roles.gateway.deploy import _serves
from roles.gateway.members import Known, keys, known
from roles.gateway.rendered import Configuration
from roles.spec import Accelerator, Agent, Client, Gateway, HostSpec, Secret
from tests.roles.faked import Told, bare, entry, on_host, seen, told
from tests.roles.spec.nouns import Nouns

KEY = "sesame-sesame-sesame"


@pytest.fixture
def spec(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> HostSpec:
    """A gateway beside the one instance that it is for."""
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    secret = Secret(env="GATEWAY_KEY")
    made = Gateway(
        address=ip_address("10.0.0.9"),
        port=443,
        models=("qwen3-8b",),
        clients=(Client(name="a", key=secret),),
    )
    return nouns.host(nouns.instance(api_key=secret), agent=Agent(), gateway=made)


def test_serving(spec: HostSpec) -> None:
    wanted = Configuration(name="@fake/gpu-1", known=Known({"@fake/gpu-1": spec}, {}))
    ((command, given),) = told(
        operations.serving_configuration, spec, bare(), wanted=wanted
    ).commands
    assert command == "/usr/bin/python3 /opt/metalserve/hostside/gateway.py serve"
    assert json.loads(str(given)) == wanted.serving(machine_id=bare()["system"]["machine_id"])
    # On the input, where nobody else can read it.
    assert KEY in str(given)


def test_package(spec: HostSpec) -> None:
    assert told(operations.held_package, spec, bare()).commands == [
        ("apt-mark hold haproxy", None),
        ("systemctl disable --now --quiet haproxy.service", None),
    ]


def test_held(spec: HostSpec) -> None:
    found = told(operations.held_gateway, spec, bare())
    assert (found.commands, found.noops) == ([], ["the gateway serves as it should"])


@pytest.mark.parametrize(
    ("drift", "unit", "serves"),
    [
        ([], gateway.UNIT, True),
        (["/opt/metalserve/gateway/current has another target"], gateway.UNIT, False),
        ([], None, False),
        ([], "nginx.service", False),
    ],
)
def test_serves(spec: HostSpec, drift: list[str], unit: str | None, serves: bool) -> None:
    """With a receipt that holds, and as long as it listens."""
    machine_id = bare()["system"]["machine_id"]
    made = Configuration(name="@fake/gpu-1", known=Known({"@fake/gpu-1": spec}, {}))
    digest = made.serving(machine_id=machine_id)["digest"]
    found = bare() | {"receipts": {"gateway": {"digest": digest, "drift": drift}}}
    found["ports"] = [{"port": 443, "pid": 2, "process": "haproxy", "unit": unit}]
    with on_host(spec, found) as host:
        assert known(host).specs == {"@fake/gpu-1": spec}
        assert _serves(host, made) is serves


def test_hosts_besides_the_limit_are_known(nouns: Nouns, spec: HostSpec) -> None:
    """None of them is connected to here, and their keys are the gateway's too."""
    other = nouns.instance(address="10.0.0.1", api_key=Secret(env="GATEWAY_KEY"))
    alone = HostSpec(accelerator=Accelerator.CPU, gateway=spec.gateway)
    hosts = {
        "@fake/gw": {"spec": alone},
        "@fake/gpu-2": {"spec": nouns.host(other, agent=Agent()), "ssh_hostname": "10.0.0.2"},
        "@fake/else": {},
    }
    state = State(Inventory(([*hosts.items()], {})), Config())
    gw, gpu, _ = state.inventory
    assert state.active_hosts == set()
    assert known(gw).reached_at == {"@fake/gw": "@fake/gw", "@fake/gpu-2": "10.0.0.2"}
    assert [path for path, _ in keys(gw)] == [
        "gateway/clients/a/key",
        "gateway/models/qwen3-8b (@fake/gpu-2/instances/chat)",
    ]
    assert list(keys(gpu)) == []


@pytest.fixture
def fleet(nouns: Nouns, spec: HostSpec) -> Callable[..., State]:
    """Two gateways, a host that serves, and one that serves something else."""
    one = nouns.instance(address="10.0.0.1", api_key=Secret(env="GATEWAY_KEY"))
    alone = HostSpec(accelerator=Accelerator.CPU, gateway=spec.gateway)
    specs = {
        "@fake/gw-1": alone,
        "@fake/gw-2": alone,
        "@fake/gpu-1": nouns.host(one, agent=Agent()),
        "@fake/gpu-2": nouns.host(nouns.instance(name="draw", model="else"), agent=Agent()),
    }

    def of(found: object = None, there: tuple[str, ...] = ()) -> State:
        fake = {"fake_responses": {"no probe": json.dumps(found)}, "fake_delay": 0}
        hosts = [(name, {"spec": wanted, **fake}) for name, wanted in specs.items()]
        state = State(Inventory((hosts, {"fake_delay_jitter": 0})), Config())
        state.active_hosts = {one for one in state.inventory if one.name in there}
        return state

    return of


def test_gateways_before_a_host(fleet: Callable[..., State]) -> None:
    found = {host.name.removeprefix("@fake/"): gateway.before(host) for host in fleet().inventory}
    both = ["@fake/gw-1", "@fake/gw-2"]
    assert found == {"gw-1": [], "gw-2": [], "gpu-1": both, "gpu-2": []}


def _known(state: State, found: object) -> Told:
    host = state.inventory.get_host("@fake/gpu-1")
    assert host is not None
    wanted: HostSpec = host.data.spec
    with ctx_state.use(state), ctx_host.use(host):
        return told(
            operations.known_instances, wanted, found, host=host,
            onto=wanted, gateways=gateway.before(host),
        )  # fmt: skip


@pytest.mark.parametrize("served", [[], [entry("one", ports=[8001, 8000])]])
def test_gateway_that_was_not_in_the_run(
    fleet: Callable[..., State], served: object, echoed: list[str]
) -> None:
    """It has to be told of an instance that is new, or has moved to another port."""
    found = bare() | {"instances": {"chat": seen(served=served)}}
    state = fleet(found, ("@fake/gpu-1", "@fake/gw-2"))
    ((name, given),) = _known(state, found).commands
    assert (name, given) == ("tell", {"instances": ["chat"], "unasked": ["@fake/gw-1"]})
    assert isinstance(given, dict)
    host = state.inventory.get_host("@fake/gpu-1")
    assert host is not None
    assert operations._tell(state, host, **given)
    assert echoed[-1].endswith(
        "chat: new here, and nobody looked whether @fake/gw-1 sends it requests, which was not in "
        "this run; deploy/gateway.py --limit @fake/gw-1 sees to it"
    )


@pytest.mark.parametrize(
    ("served", "there"),
    [
        ([entry("one", ports=[8000, 8001])], ("@fake/gpu-1",)),
        ([], ("@fake/gpu-1", "@fake/gw-1", "@fake/gw-2")),
    ],
)
def test_gateways_that_were_told(
    fleet: Callable[..., State], served: object, there: tuple[str, ...]
) -> None:
    """In an earlier run, or in this one."""
    found = bare() | {"instances": {"chat": seen(served=served)}}
    said = _known(fleet(found, there), found)
    assert said == Told(noops=["what gateways have to know of this host they were told"])
