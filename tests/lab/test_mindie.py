"""
MindIE as an engine that a host starts, asks, stops, upgrades and rolls back.

Cards, vendor's packages and the server are stand-ins; users, units, files, modes, shared memory,
processes, signals and the loss of power are real.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab
from tests.lab import fixtures
from tests.lab.mindie_site import HOME, UNIT, WHEELS, Site, shared
from tests.lab.site import changes, current, transaction
from tests.lab.waiting import AT_MOST_S, comes
from tests.standins.ascend import npu
from tests.standins.hardware import deb, kernel
from tests.standins.mindie import knobs
from tests.standins.mindie.authority import Authority
from tests.standins.nvidia.host import install_repository

pytestmark = pytest.mark.lab

OLD, NEW = {"version": "2.3.0", "model": "text"}, {"version": "3.0.0", "model": "text"}
CANARY: dict[str, str] = {}
CHAT = UNIT.format("chat")


HTTPS = {
    "options": """https=MindieHttps(
    tls_cert="tls/talk/server.pem", tls_pk="tls/talk/server.key", tls_ca_path="tls/talk/",
    tls_crl_path="tls/talk/",
    client=MindieClient(certificate="/etc/mindie/client.pem", key="/etc/mindie/client.key",
                        ca="/etc/mindie/ca.pem"),
),"""
}


@pytest.fixture(scope="module")
def site(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A fresh host with two cards of two chips."""
    own = Lab(f"{lab.name}mindie")
    try:
        own.up(1)
        made = Site(own.hosts, tmp_path_factory.mktemp("mindie"), "ascend")
        fixtures.keep_ended(made.host, 0)
        npu.plug(made.host, npu.duo(2))
        tools = [*kernel.packages(), *npu.packages()]
        install_repository(made.host, deb.repository(made.folder / "tools", tools))
        made.prepare_files(wheels)
        yield made
    finally:
        own.destroy()


def run(site: Site, deploy: str = "main") -> str:
    """Run a deploy, which has to succeed, and return what it said."""
    done = site.run(deploy=deploy)
    assert done.code == 0, done.said
    return done.said


def steps(site: Site) -> list[str]:
    """Return the steps that the last activation has come to."""
    return [step["step"] for step in transaction(site.host)["steps"]]


def answers(site: Site, name: str = "chat") -> dict[str, bool]:
    """Ask an instance its questions; which were answered right."""
    said = site.host.run(f"python3 /opt/metalserve/hostside/ask.py {name}", timeout_s=AT_MOST_S)
    report = json.loads(said.stdout)
    return {answer["check"]: answer["passed"] for answer in report}


def test_older_mindie_from_a_bare_host_to_serving(site: Site) -> None:
    site.serves(chat=OLD)
    run(site, "prepare")
    said = run(site)
    assert "mindie-2.3.0-" in said
    assert current(site.host).startswith("mindie-2.3.0-")
    assert answers(site) == {"sum": True}
    served = site.served()
    assert (served["ServerConfig"]["port"], served["ServerConfig"]["tlsPkPwd"]) == (
        8000, "security/pass/key_pwd.txt",
    )  # fmt: skip
    # Its own settings are as they came, and its copy is as MindIE wants it.
    assert json.loads(site.settings("2.3.0").read_text())["ServerConfig"]["port"] == 1025
    copy = site.host.run("stat -c '%U %a' /var/cache/metalserve/chat/*/work/conf/config.json")
    assert copy.stdout == "metalserve-chat 640\n"


def test_servers_python_has_all_of_it(site: Site) -> None:
    """MindIE's programs are the system's Python's: it finds what pip installed, and the stack's."""
    python = "runuser -u metalserve-chat -- /usr/bin/python3.11 -c 'import mindie_llm, torch'"
    said = site.host.run(
        f"server=$(pgrep -P $(systemctl show -P MainPID {CHAT})) && "
        f'xargs -0 -a /proc/$server/environ sh -c "exec env -i \\"\\$@\\" {python}" sh'
    )
    assert said.returncode == 0, said.stderr


def test_settings_made_by_hand_are_served(site: Site) -> None:
    """They are told as what changed, and laid out; the running server takes them when it starts."""
    site.edit("2.3.0", "ServerConfig", tokenTimeout=900, tlsPkPwd="security/pass/mine.txt")
    said = run(site)
    assert "drift in stage-chat: " in said
    assert "mindie/2.3.0/mindie-service/conf/config.json has another sha256" in said
    assert site.host.run(f"systemctl restart {CHAT}", timeout_s=AT_MOST_S).returncode == 0
    assert site.served()["ServerConfig"]["tokenTimeout"] == 900


def test_newer_mindie_keeps_them_and_so_does_the_way_back(site: Site) -> None:
    site.serves(chat=NEW)
    said = run(site)
    assert current(site.host).startswith("mindie-3.0.0-")
    assert "MindIE 3.0.0 carried over from 2.3.0: ServerConfig.tokenTimeout\n" in said
    assert "not carried over, it ships no such key: ServerConfig.tlsPkPwd\n" in said
    config = site.served()["ServerConfig"]
    assert (config["tokenTimeout"], "tlsPkPwd" in config) == (900, False)
    assert answers(site) == {"sum": True}
    run(site, "rollback")
    assert current(site.host).startswith("mindie-2.3.0-")
    assert site.served()["ServerConfig"]["tlsPkPwd"] == "security/pass/mine.txt"
    assert site.settings("2.3.0").read_text().count("900") == 1
    assert answers(site) == {"sum": True}


def test_qwen3_vl_by_text_image_and_video(site: Site) -> None:
    """By both ways in, and an image that is too large to be sent; on chips of its own each."""
    site.serves(chat=CANARY, talk=CANARY)
    run(site)
    assert all(answers(site, "talk").values())
    found = answers(site)
    assert [check for check, right in found.items() if not right] == []
    assert {"text-1", "large", "text-1-generate", "malformed"} < {*found}
    kinds = [check for check in found if check.endswith("-generate")]
    assert len(kinds) == 3
    assert site.host.run("ls -A /run/metalserve/shown").stdout == ""


def test_second_run_changes_nothing(site: Site) -> None:
    before = site.host.run(f"systemctl show -P ExecMainStartTimestamp {CHAT}").stdout
    done = site.run(deploy="main")
    assert done.code == 0, done.said
    assert changes(done.report) == []
    assert site.host.run(f"systemctl show -P ExecMainStartTimestamp {CHAT}").stdout == before


def test_requests_in_flight_are_counted(site: Site) -> None:
    told = json.loads(site.host.run("python3 /opt/metalserve/hostside/metrics.py chat").stdout)
    assert (told["running"], told["waiting"], told["finished"]) == (0, 0, None)


def test_stop_is_an_abort_and_no_failure(site: Site) -> None:
    assert site.host.run(f"systemctl stop {CHAT}").returncode == 0
    said = site.log().splitlines()[-8:]
    assert "Daemon is killing, please wait about 15 seconds..." in said
    assert said[-3:-1] == ["Aborted", f"{CHAT}: Deactivated successfully."]
    assert site.host.run("systemctl --failed --no-legend").stdout == ""


@pytest.mark.parametrize("kind", ["image", "video"])
def test_dialogue_without_the_server(site: Site, kind: str) -> None:
    """``chat`` was stopped: its chips are free for the models' own dialogue."""
    done = site.host.run(f"python3 /opt/metalserve/hostside/offline.py chat {kind}")
    assert done.returncode == 0, done.stdout + done.stderr
    (answer,) = json.loads(done.stdout)
    assert (answer["kind"], answer["passed"]) == (kind, True)


def test_leftovers_go_and_what_another_instance_has_stays(site: Site) -> None:
    """``chat`` was stopped, and its files in shared memory are there still."""
    left = [line for line in shared(site.host) if line.startswith("metalserve-chat ")]
    assert left
    talk = [line for line in shared(site.host) if line.startswith("metalserve-talk ")]
    assert talk
    assert site.host.run(f"systemctl start {CHAT}", timeout_s=AT_MOST_S).returncode == 0
    there = shared(site.host)
    assert [line for line in there if line.startswith("metalserve-talk ")] == talk
    assert set(left) & set(there) == set()
    said = site.log()
    assert f"removed {left[0].split()[1]}, " in said
    assert f"left /dev/shm/{talk[0].split()[1]}: it is talk's, which runs" in said
    assert all(answers(site, "talk").values())


def test_waits_for_connections_that_have_ended(site: Site) -> None:
    """MindIE takes their ports for somebody else's, and does not start."""
    fixtures.keep_ended(site.host, 4096)
    assert all(answers(site).values())
    restarted = site.host.run(f"systemctl restart {CHAT}", timeout_s=AT_MOST_S)
    fixtures.keep_ended(site.host, 0)
    assert restarted.returncode == 0, site.log()
    (waited,) = re.findall(r"waited (\d+) s for connections that had ended", site.log())
    assert int(waited) > 0


def test_measured_with_aisbench(site: Site, aisbench_wheels: Path) -> None:
    """Its user alone reads the tokenizer; what is too large to send is told."""
    shutil.copytree(aisbench_wheels, site.on_disk(WHEELS), dirs_exist_ok=True)
    site.serves(talk=CANARY)
    with site.start("-y", deploy="accuracy") as process:
        said = "".join(process.communicate(timeout=AT_MOST_S))
    assert process.returncode == 0, said
    assert "accuracy 100.00 of 100, 10 of 10 questions answered" in said
    assert "talk's own questions, without 1 too large to send" in said
    site.serves(chat=CANARY, talk=CANARY)


def test_release_that_does_not_start_is_told_in_mindies_words(site: Site) -> None:
    before = current(site.host)
    knobs.misbehave(
        site.host, '"maxIterTimes":77', die_at_start="RuntimeError: NPU out of memory. Tried to"
    )
    site.serves(chat={"options": "max_iter_times=77"}, talk=CANARY)
    done = site.run(deploy="main")
    assert done.code == 1
    assert "it did not become ready" in done.said
    assert "cause: weights, activations and cache exceed the device's memory" in done.said
    assert "log: RuntimeError: NPU out of memory" in done.said
    assert f"state: {before} serves again and answers right" in done.said
    assert current(site.host) == before


def test_power_lost_while_activating(site: Site) -> None:
    before = current(site.host)
    knobs.misbehave(site.host, '"maxIterTimes":78', start_s=60)
    site.serves(chat={"options": "max_iter_times=78"}, talk=CANARY)
    began = transaction(site.host)["began"]
    with site.start("-y", deploy="main") as process:
        assert comes(lambda: transaction(site.host)["began"] > began)
        assert comes(lambda: "restart" in steps(site))
        site.host.crash()
        process.kill()
        process.communicate()
    site.host.start()
    assert comes(lambda: site.host.run(f"systemctl is-active {CHAT}").returncode == 0)
    assert (current(site.host), transaction(site.host)["outcome"]) == (before, "restored at boot")
    assert all(answers(site).values())


def test_https_with_certificates(site: Site) -> None:
    """The server's lie in MindIE's folder, its user's own; ours are root's alone."""
    authority = Authority()
    server, ours = f"{HOME}/3.0.0/mindie-service/tls/talk", "/etc/mindie"
    for folder, name in ((server, "server"), (ours, "client")):
        there = site.on_disk(folder)
        there.mkdir(parents=True)
        certificate, key = authority.pair(name)
        (there / f"{name}.pem").write_bytes(certificate)
        (there / f"{name}.key").write_bytes(key)
        (there / "ca.pem").write_bytes(authority.pem)
    site.host.run(
        f"chmod -R go= {ours} && chmod 400 {server}/* && chown -R metalserve-talk: {server} && "
        f"chgrp HwHiAiUser {server}/.. && chmod 750 {server}/.. {server}"
    )
    site.serves(chat=CANARY, talk=HTTPS)
    run(site)
    assert all(answers(site, "talk").values())
    told = json.loads(site.host.run("python3 /opt/metalserve/hostside/metrics.py talk").stdout)
    assert told["running"] == 0
    plain = site.host.run("curl -sS http://127.0.0.1:8010/v1/models")
    assert plain.returncode != 0
