"""Two hosts serve one instance: on the same release, whichever of them dies, and whenever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roles.lab import Lab, LabHost
from tests.lab import fixtures
from tests.lab.group_site import SERVED, Group, states
from tests.lab.site import KEY, current, transaction
from tests.lab.waiting import AT_MOST_S, comes

pytestmark = pytest.mark.lab

SLOW_S = 4
# A request that its client has not sent whole is in flight, too.
SLOW_CLIENT = f"""python3 - <<'END'
import http.client, json, time
body = json.dumps({{"model": "canary", "messages": [{{"role": "user", "content": "Hello"}}]}})
asked = http.client.HTTPConnection("127.0.0.1", 8000)
asked.putrequest("POST", "/v1/chat/completions")
for key, value in {{"Content-Type": "application/json", "Content-Length": str(len(body)),
                   "Authorization": "Bearer {KEY}"}}.items():
    asked.putheader(key, value)
asked.endheaders()
for letter in body:
    time.sleep(8 / len(body))
    asked.send(letter.encode())
print(asked.getresponse().status)
END"""
# What a driver's steps do before the first and after the last.
PAUSE = """cd /opt/metalserve/hostside && python3 -c '
import pause
paused = pause.Pause({"chat": 60.0}, ["chat"], print)
paused.begin()
print(paused.end())'"""


@pytest.fixture(scope="module")
def group(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Group:
    """Both hosts, which serve the first release together."""
    lab.up(2)
    plain = fixtures.site(lab.hosts, tmp_path_factory.mktemp("group"), wheels)
    stack = SERVED.format(lock=str(wheels / "lock.txt"))
    made = Group(
        plain.hosts,
        plain.folder,
        stack=stack,
        packages=plain.packages,
        ready_within_s=300,
    )
    made.serve(1)
    done = made.run("main")
    assert done.code == 0, done.said
    assert "28 of 28 answers right" in done.said
    return made


def both(group: Group) -> str:
    """Return the release that both hosts are on and serve, once they have come together."""
    head, rank = group.hosts
    assert comes(lambda: states(group.hosts) == ["active", "active"]), _told(group)
    assert current(head) == current(rank)
    assert group.answers(head)
    return current(head)


def _told(group: Group) -> str:
    asked = "journalctl -u 'metalserve-*' -o short-precise --no-pager -n 60"
    return "\n\n".join(host.run(asked).stdout for host in group.hosts)


def lose(group: Group, host: LabHost, at: Callable[[], bool], seed: int) -> None:
    """Take the power from a host in the middle of an activation, and give it back."""
    group.serve(seed, start_s=SLOW_S)
    with group.start("main") as run:
        assert comes(at), _told(group)
        host.crash()
        host.start()
        run.communicate(timeout=AT_MOST_S)
    assert run.returncode == 1
    assert comes(lambda: all(transaction(one)["outcome"] for one in group.hosts))


def steps(host: LabHost) -> list[str]:
    """Return how far the activation that is at work came."""
    last = transaction(host)
    return [step["step"] for step in last["steps"]] if last["outcome"] is None else []


def test_both_serve(group: Group) -> None:
    head, rank = group.hosts
    both(group)
    assert "--headless" not in head.run("ps -eo args").stdout
    assert "--node-rank 1 --headless" in rank.run("ps -eo args").stdout
    # Nobody asks it, so that it was told no key.
    assert rank.run("cat /opt/metalserve/instances/chat/secrets/api-key").stdout == ""
    assert head.run("cat /opt/metalserve/instances/chat/secrets/api-key").stdout == KEY
    again = group.run("main")
    assert again.code == 0, again.said
    assert [done for done in again.report["results"]["operations"] if done["success"]] == []
    asked = group.run("check")
    assert asked.code == 0, asked.said


def test_upgrade_and_back(group: Group) -> None:
    before = both(group)
    group.serve(2)
    done = group.run("main")
    assert done.code == 0, done.said
    after = both(group)
    assert after != before
    back = group.run("rollback")
    assert back.code == 0, back.said
    assert both(group) == before


def test_bad_release_goes_back_on_both(group: Group) -> None:
    before = both(group)
    group.serve(3, answer="no")
    failed = group.run("main")
    assert failed.code == 1
    assert "answers wrong" in failed.said
    assert f"state: {before} serves again and answers right" in failed.said
    assert f"state: {before} is current again and begins with its head" in failed.said
    assert both(group) == before
    bad = {host.run("ls /var/lib/metalserve/bad/chat").stdout for host in group.hosts}
    assert len(bad) == 1
    assert bad != {""}


def test_one_host_alone_is_refused(group: Group) -> None:
    before = both(group)
    group.serve(4)
    head, rank = group.hosts
    failed = group.run("main", "--limit", rank.name)
    assert failed.code == 1
    assert f"chat is served together with {head.name}, not in this run or failed" in failed.said
    assert both(group) == before


def test_rank_that_stands_still_lets_its_head_end(group: Group) -> None:
    """As for another driver: what is in flight is answered, and both begin again together."""
    before = both(group)
    head, rank = group.hosts
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(head.run, SLOW_CLIENT, timeout_s=60)
        assert comes(lambda: "ESTAB" in head.run("ss -tn 'sport = :8000'").stdout)
        paused = rank.run(PAUSE, timeout_s=AT_MOST_S)
        assert asked.result().stdout == "200\n", asked.result().stderr
    assert paused.stdout.endswith("\n{'chat': ''}\n"), paused.stdout + paused.stderr
    assert f"chat: waiting until the head on {head.address} has ended" in paused.stdout
    assert both(group) == before


def test_quarantine_of_a_rank(group: Group) -> None:
    """Gateways ask the head alone, so that it tells them."""
    both(group)
    head, rank = group.hosts
    shown = "python3 /opt/metalserve/hostside/rotation.py show"
    out = f"chat is out of rotation: {rank.address}: a fan is loud\n"
    done = group.run("quarantine", "--limit", rank.name, "--data", "why=a fan is loud")
    assert done.code == 0, done.said
    assert comes(lambda: head.run(shown).stdout == out)
    done = group.run("quarantine", "--limit", rank.name, "--data", "quarantine=end")
    assert done.code == 0, done.said
    assert comes(lambda: head.run(shown).stdout == "")


def test_rank_is_lost_while_serving(group: Group) -> None:
    """The engine would not notice before it is asked; the hosts do."""
    before = both(group)
    head, rank = group.hosts
    rank.crash()
    assert comes(lambda: states([head]) != ["active"])
    waits = f"waiting to begin together: {rank.address} does not say how far it is"
    assert comes(lambda: waits in group.run("check", "--limit", head.name).said)
    rank.start()
    assert both(group) == before
    assert "has said nothing for 60 s; the server ends" in _told(group)


def test_power_of_the_rank_is_lost(group: Group) -> None:
    before = both(group)
    head, rank = group.hosts
    lose(group, rank, lambda: "restart" in steps(rank), seed=5)
    assert both(group) == before
    last = transaction(head)
    assert last["outcome"] == "rolled back"
    assert (
        f"{rank.address} no longer follows: it was cut short, and is on {before} again"
        in (last["why"])
    )


def test_power_of_the_head_is_lost(group: Group) -> None:
    before = both(group)
    head, rank = group.hosts
    lose(group, head, lambda: "restart" in steps(rank), seed=6)
    assert both(group) == before
    assert transaction(head)["outcome"] == "restored at boot"
    assert transaction(rank)["outcome"] == "rolled back"
