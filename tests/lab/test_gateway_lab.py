"""No request fails while hosts behind a gateway are upgraded, go back, or the gateway changes."""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.authority import credentials
from roles.lab import Lab
from tests.lab import fixtures
from tests.lab.gateway_site import EDGE, PORT, Site, told
from tests.lab.load import ANSWER, Load, streamed
from tests.lab.site import KEY, changes, current
from tests.lab.waiting import AT_MOST_S, comes

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def site(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hosts that serve, and the gateway; ``lab`` says whether there can be any."""
    own = Lab(f"{lab.name}gw")
    try:
        own.up(3)
        made = fixtures.site(own.hosts, tmp_path_factory.mktemp("gateway"), wheels)
        site = Site(hosts=own.hosts, folder=made.folder, stack=made.stack, packages=made.packages)
        site.environment["TEST_EDGE_KEY"] = EDGE
        site.serve(1, 1)
        done = site.run("main")
        assert done.code == 0, done.said
        yield site
    finally:
        own.destroy()


def _all_up(site: Site) -> bool:
    return set(site.in_rotation().values()) == {"UP"}


def test_second_run_changes_nothing(site: Site) -> None:
    before = site.worker
    done = site.run("main")
    assert (done.code, changes(done.report)) == (0, []), done.said
    assert site.worker == before


def test_clients(site: Site) -> None:
    """Right, wrong, too large, elsewhere."""
    assert comes(lambda: _all_up(site))
    assert site.target.wrong(stream=False) == ""
    assert site.target.wrong(stream=True) == ""
    status, came = site.target.ask(path="/canary/v1/chat/completions")
    assert (status, ANSWER.encode() in came) == (200, True)

    connection = http.client.HTTPConnection(site.gateway.address, PORT, timeout=AT_MOST_S)
    key = {"Authorization": f"Bearer {EDGE}"}
    for method, path, headers, wanted in (
        ("POST", "/v1/chat/completions", {}, (401, "invalid_api_key")),
        ("GET", "/v1/models", {"Authorization": f"Bearer {EDGE}x"}, (401, "invalid_api_key")),
        # Not even the key of the servers themselves.
        ("GET", "/v1/models", {"Authorization": f"Bearer {KEY}"}, (401, "invalid_api_key")),
        ("POST", "/v1/chat/completions", key | {"Content-Length": "67108865"}, (413, "too_large")),
        ("GET", "/metrics", key, (404, "not_found")),
        ("GET", "/v1/../metrics", key, (404, "not_found")),
    ):
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
        assert (response.status, error["code"]) == wanted, path
        connection.close()
    connection.request("GET", "/v1/models", headers=key)
    assert [one["id"] for one in json.loads(connection.getresponse().read())["data"]] == ["canary"]
    connection.close()


def test_keys_are_found_nowhere(site: Site) -> None:
    """But in files that root alone may read."""
    for key in (EDGE, KEY):
        assert site.gateway.run(f"ps axww | grep -F {key} | grep -v grep").stdout == ""
        assert site.gateway.run(f"journalctl --no-pager | grep -F {key}").stdout == ""
    places = "/etc /opt/metalserve/gateway /var/lib/metalserve /run/metalserve-gateway"
    found = site.gateway.run(f"grep -rlF {KEY} {places}").stdout.split()
    assert [path.rsplit("/", 1)[1] for path in found] == ["servers.map"]
    assert site.gateway.run(f"grep -rlF {EDGE} {places}").stdout == ""
    modes = site.gateway.run("stat -Lc '%U %a' /opt/metalserve/gateway{,/current{,/*}}").stdout
    assert set(modes.split("\n")[:-1]) == {"root 700", "root 600"}


def test_upgrade_and_rollback_under_load(site: Site) -> None:
    first, second = site.hosts[:2]
    assert comes(lambda: _all_up(site))
    before = current(first)
    heard: set[str] = set()
    over = threading.Event()

    def listen() -> None:
        while not over.wait(0.2):
            heard.add(told(first))

    listening = threading.Thread(target=listen)
    with Load(site.target) as load:
        listening.start()
        site.serve(2, 1)
        done = site.run("main", "--limit", first.name)
        assert done.code == 0, done.said
        assert current(first) != before
        assert "UP" in site.in_rotation().values()
        back = site.run("rollback", "--limit", first.name)
        assert back.code == 0, back.said
        assert current(first) == before
        time.sleep(2)
    over.set()
    listening.join()
    assert load.failed == []
    assert load.right > 50
    assert heard == {"up ready", "drain"}
    assert told(second) == "up ready"
    assert comes(lambda: _all_up(site))
    print(f"{load.right} requests, 0 failed, the slowest {load.slowest_s:.1f} s")


def test_another_configuration_cuts_nothing(site: Site) -> None:
    """One stream flows over a reload; others begin before, during and after."""
    worker, came = site.worker, b""
    with Load(site.target) as load:
        site.serve(1, 1, body_limit_mib=1)
        connection = http.client.HTTPConnection(site.gateway.address, PORT, timeout=AT_MOST_S)

        def stream() -> None:
            nonlocal came
            _, came = site.target.asked(connection, path="/v1/chat/completions", stream=True)
            connection.close()

        flowing = threading.Thread(target=stream)
        flowing.start()
        time.sleep(0.3)
        assert site.gateway.run("systemctl reload metalserve-gateway").returncode == 0
        flowing.join()
        assert streamed(came) == ANSWER
        done = site.run("gateway")
        assert done.code == 0, done.said
    assert load.failed == []
    assert site.worker != worker
    status, came = site.target.ask(messages=[{"role": "user", "content": "x" * (1 << 20)}])
    assert status == 413, came


def test_configuration_that_haproxy_refuses(site: Site) -> None:
    worker = site.worker
    site.serve(1, 1, certificate="/etc/ssl/private/nobody.pem")
    failed = site.run("gateway")
    assert failed.code == 1
    assert "HAProxy refuses the configuration; the one before serves on" in failed.said
    assert "/etc/ssl/private/nobody.pem" in failed.said
    assert site.worker == worker
    assert site.target.wrong(stream=True) == ""


def test_host_that_loses_power(site: Site) -> None:
    """What is in flight there is lost, soon; what comes is answered by the other."""
    site.serve(1, 1)
    assert site.run("gateway").code == 0
    assert comes(lambda: _all_up(site))
    dead = site.hosts[1]
    with Load(site.target) as load:
        time.sleep(2)
        # Nothing that would say goodbye for it is heard.
        dead.cut()
        dead.crash()
        assert comes(lambda: site.in_rotation().get(f"{dead.name}:chat") == "DOWN", every_s=0.5)
        time.sleep(2)
    dead.mend()
    # At most all six, whose requests were there or on their way; nobody waits for an hour.
    assert 0 < len(load.failed) <= load.clients, load.failed
    assert load.slowest_s < 300
    print(f"{load.right} right, the slowest {load.slowest_s:.1f} s, lost: {load.failed}")
    dead.start()
    assert comes(lambda: told(dead) == "up ready")
    assert comes(lambda: _all_up(site))


def test_certificate(site: Site) -> None:
    made = credentials()
    pem = made["certificate"] + made["key"]
    file = Path(site.gateway.disk.root) / "etc/ssl/private/gateway.pem"
    file.parent.mkdir(exist_ok=True)
    file.write_text(pem)
    file.chmod(0o600)
    site.serve(1, 1, certificate="/etc/ssl/private/gateway.pem")
    done = site.run("gateway")
    assert done.code == 0, done.said
    context = ssl.create_default_context(cadata=made["authority"])
    # It is for any name, and this is an address.
    context.check_hostname = False
    connection = http.client.HTTPSConnection(
        site.gateway.address, PORT, timeout=AT_MOST_S, context=context
    )
    status, came = site.target.asked(connection, path="/v1/chat/completions", stream=True)
    assert (status, streamed(came)) == (200, ANSWER)
    connection.close()
    # Plain HTTP is not spoken there any more.
    assert site.target.wrong(stream=False).startswith("RemoteDisconnected")


def test_taken_out_by_hand(site: Site) -> None:
    host = site.hosts[0]
    command = "python3 /opt/metalserve/hostside/rotation.py"
    said = host.run(f"{command} leave chat 'a fan is loud'")
    assert said.stdout == "chat is out of rotation; gateways notice within 2 s\n"
    assert told(host) == "drain"
    assert comes(lambda: site.in_rotation().get(f"{host.name}:chat") == "DRAIN")
    assert host.run(f"{command} show").stdout == "chat is out of rotation: a fan is loud\n"
    host.run(f"{command} join chat")
    assert comes(lambda: _all_up(site))
    host.run("systemctl stop metalserve-vllm@chat")
    assert told(host).startswith("down ready #its unit is inactive")
    host.run("systemctl start metalserve-vllm@chat")
    assert told(host) == "up ready"


@pytest.mark.parametrize("unit", ["metalserve-gateway", "metalserve-agent"])
def test_exposure(site: Site, unit: str) -> None:
    host = site.gateway if unit.endswith("gateway") else site.hosts[0]
    said = host.run(f"systemd-analyze security --no-pager {unit}.service | tail -n 1").stdout
    exposure = float(said.partition("exposure level for ")[2].split(": ")[1].split()[0])
    print(unit, exposure)
    assert exposure <= (3.5 if unit.endswith("gateway") else 2.0), said
