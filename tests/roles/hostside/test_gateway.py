"""A gateway gets another configuration, or goes on with the one that it has."""

import json
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gateway
import places
import ports
import pytest
import receipts
import service

_HAPROXY = """\
#!/bin/sh
grep -q nonsense "$3" || exit 0
echo "[NOTICE] (1) : haproxy version is 2.6.12"
echo "[ALERT] (1) : config : parsing [$3:1] : unknown keyword 'nonsense' in 'global' section"
exit 1
"""


@dataclass
class HAProxy:
    """One that is up or not, and whose processes take over or do not."""

    up: bool = False
    pid: int = 1
    takes_over: bool = True
    starts: bool = True
    states: str = "1\n# be_id be_name\n"
    calls: list[str] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)

    def run(self, words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        """Do what systemctl is told."""
        self.calls.append(" ".join(words[1:]))
        if words[1] == "reload" and self.takes_over:
            self.pid += 1
        return subprocess.CompletedProcess(words, 0, "")

    def start(self, unit: str, within_s: float, on_wait: Any) -> bool:
        """Be up, if that is possible."""
        self.calls.append(f"start {unit}")
        self.up = self.starts
        return self.starts

    def stop(self, unit: str) -> None:
        """Be down."""
        self.calls.append(f"stop {unit}")
        self.up = False

    def answer(self, listening: socket.socket) -> None:
        """Answer on the socket of its own."""
        while True:
            try:
                asked, _ = listening.accept()
            except OSError:
                return
            with asked:
                said = asked.recv(64).decode()
                answer = f"Name: HAProxy\nPid: {self.pid}\n" if "info" in said else self.states
                asked.sendall(answer.encode())


@pytest.fixture
def haproxy(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HAProxy]:
    """The program, its unit, and the socket that it is asked by."""
    made = HAProxy()
    program = tree / "haproxy"
    program.write_text(_HAPROXY)
    program.chmod(0o755)
    real = subprocess.run
    monkeypatch.setattr(gateway, "_HAPROXY", str(program))
    monkeypatch.setattr(gateway, "_TAKES_OVER_S", 0.3)
    monkeypatch.setattr(gateway, "_EVERY_S", 0.01)
    monkeypatch.setattr(
        "gateway.subprocess.run",
        lambda words, **how: (made.run if words[0] == "systemctl" else real)(words, **how),
    )
    monkeypatch.setattr(service, "active", lambda unit: made.up)
    monkeypatch.setattr(service, "start", made.start)
    monkeypatch.setattr(service, "stop", made.stop)
    monkeypatch.setattr(service, "log", lambda unit, since: made.journal)
    monkeypatch.setattr(ports, "listening", list)
    with tempfile.TemporaryDirectory() as run, socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.setattr(places, "GATEWAY_RUN", run)
        listening.bind(f"{run}/stats.sock")
        listening.listen()
        thread = threading.Thread(target=made.answer, args=(listening,), daemon=True)
        thread.start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _wanted(name: str, text: str = "global\n") -> dict[str, Any]:
    folder = f"{places.gateway()}/{name}"
    return {
        "name": name,
        "files": {"haproxy.cfg": text, "servers.map": "canary sesame\n"},
        "binds": [443, 29652],
        "digest": name,
        "managed": [folder, f"{folder}/haproxy.cfg"],
    }


def _links() -> dict[str, str]:
    folder = Path(places.gateway())
    return {path.name: path.readlink().name for path in folder.iterdir() if path.is_symlink()}


def test_first(haproxy: HAProxy) -> None:
    assert gateway.serve(_wanted("one")) == "started"
    assert _links() == {"current": "one"}
    assert haproxy.calls == [
        f"enable --quiet {places.GATEWAY_UNIT}",
        f"start {places.GATEWAY_UNIT}",
    ]
    folder = Path(places.gateway())
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, folder / "one")] == ["0o700"] * 2
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder / "one").iterdir()}
    assert modes == {"haproxy.cfg": 0o600, "servers.map": 0o600}


def test_another_is_taken_over_without_a_restart(haproxy: HAProxy) -> None:
    for name in ("one", "two", "three"):
        gateway.serve(_wanted(name))
    assert _links() == {"current": "three", "previous": "two"}
    assert not (Path(places.gateway()) / "one").exists()
    assert [call.split()[0] for call in haproxy.calls] == [
        *("enable", "start", "enable", "reload", "enable", "reload"),
    ]


def test_refused_by_haproxy(haproxy: HAProxy) -> None:
    gateway.serve(_wanted("one"))
    calls = len(haproxy.calls)
    with pytest.raises(gateway.GatewayError) as caught:
        gateway.serve(_wanted("two", "nonsense\n"))
    first, line = str(caught.value).splitlines()
    assert first == "HAProxy refuses the configuration; the one before serves on"
    assert line.startswith("  [ALERT]")
    assert "unknown keyword 'nonsense'" in line
    assert len(haproxy.calls) == calls
    assert _links() == {"current": "one"}
    assert not (Path(places.gateway()) / "two").exists()


def test_port_of_somebody_else(haproxy: HAProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known before HAProxy tries, which would take no connection meanwhile."""
    found = {"port": 443, "pid": 7, "process": "nginx", "unit": "nginx.service"}
    monkeypatch.setattr(ports, "listening", lambda: [found])
    with pytest.raises(gateway.GatewayError) as caught:
        gateway.serve(_wanted("one"))
    assert str(caught.value) == "port 443 is held by nginx (pid 7); no gateway runs"
    assert (haproxy.calls, _links()) == ([], {})
    found["unit"] = places.GATEWAY_UNIT
    assert gateway.serve(_wanted("one")) == "started"


def test_process_that_does_not_take_over(haproxy: HAProxy) -> None:
    gateway.serve(_wanted("one"))
    haproxy.takes_over, haproxy.journal = False, ["[ALERT] cannot bind socket"]
    with pytest.raises(gateway.GatewayError) as caught:
        gateway.serve(_wanted("two"))
    assert str(caught.value).splitlines() == [
        "no process took over within 0 s; the one before serves on",
        "  [ALERT] cannot bind socket",
    ]
    assert _links() == {"current": "one"}
    assert not any(call.startswith("stop") for call in haproxy.calls)


def test_first_that_does_not_start(haproxy: HAProxy) -> None:
    haproxy.starts = False
    with pytest.raises(gateway.GatewayError, match=r"^HAProxy did not start; no gateway runs"):
        gateway.serve(_wanted("one"))
    assert _links() == {}
    assert haproxy.calls[-1] == f"stop {places.GATEWAY_UNIT}"


# As HAProxy 2.6.12 said it.
HEAD = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state \
srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
srv_check_port srv_check_addr srv_agent_addr srv_agent_port
"""
ROW = "3 canary {} {} 127.0.0.1 2 8 1 1 4 15 3 3 6 22 0 0 - {} - 0 0 - - {}\n"
SERVER = 'server {} 127.0.0.1:{} agent-port {} agent-inter 2s agent-send "chat\\n"\n'


def test_states_are_kept_for_who_takes_over(haproxy: HAProxy) -> None:
    """But of servers that move: HAProxy would go on with the ports that are in the states."""
    servers = [("a:chat", 8000, 29651), ("b:chat", 8001, 29651), ("c:chat", 8000, 29652)]
    gateway.serve(_wanted("one", "".join(SERVER.format(*server) for server in servers)))
    rows = [ROW.format(number, name, 8000, 29651) for number, (name, _, _) in enumerate(servers)]
    haproxy.states = HEAD + "".join(rows) + "\n"
    gateway.remember()
    kept = Path(places.GATEWAY_RUN, "servers.state")
    assert kept.read_text() == HEAD + rows[0] + "\n"
    # One that says nothing leaves what was known.
    haproxy.states = ""
    gateway.remember()
    assert kept.read_text().startswith(HEAD)


@pytest.mark.parametrize("text", ["global\n", "nonsense\n"])
def test_receipt_and_exit_code(
    haproxy: HAProxy, tree: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Only what serves leaves a receipt."""
    wanted = _wanted("one", text)
    given = tree / "given.json"
    given.write_text(json.dumps(wanted))
    monkeypatch.setattr("sys.argv", ["gateway.py", "serve"])
    with given.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        if text == "global\n":
            gateway.main()
            assert receipts.read_all()["gateway"] == {"digest": "one", "drift": []}
            return
        with pytest.raises(SystemExit, match=r"^the gateway was not changed: HAProxy refuses"):
            gateway.main()
    assert receipts.read_all() == {}
