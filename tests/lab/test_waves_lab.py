"""A release comes to three hosts wave by wave, or to none after the first that it fails on."""

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from roles.lab import Lab, LabHost
from tests.lab import fixtures
from tests.lab.site import Site, current, transaction
from tests.lab.test_release import misbehaving
from tests.lab.waiting import AT_MOST_S, comes

pytestmark = pytest.mark.lab

BAD = misbehaving(answer="I am wrong")


@pytest.fixture(scope="module")
def site(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three hosts that serve; ``lab`` says whether there can be any."""
    own = Lab(f"{lab.name}wv")
    try:
        own.up(3)
        made = fixtures.site(own.hosts, tmp_path_factory.mktemp("waves"), wheels)
        made.want(*_all(1))
        done = made.run("main")
        assert done.code == 0, done.said
        # Nothing is interrupted, so that nobody waits for anybody.
        assert "wave 1" not in done.said
        yield made
    finally:
        own.destroy()


def _one(seed: int) -> str:
    return f"(_instance(extra=('--seed', '{seed}')),)"


def _all(seed: int) -> list[str]:
    return [_one(seed)] * 3


def _took(host: LabHost) -> tuple[str, str]:
    """Return when the last activation began and ended."""
    record = transaction(host)
    return record["began"], record["ended"]


def test_one_after_the_other(site: Site) -> None:
    """The canary first, and never two at a time: two of the three have to serve."""
    first, *others = site.hosts
    before = current(first)
    site.want(*_all(2))
    planned = site.run("upgrade", "--dry")
    assert planned.code == 0, planned.said
    assert "canary" in planned.said
    assert {current(host) for host in site.hosts} == {before}

    done = site.run("upgrade")
    assert done.code == 0, done.said
    (after,) = {current(host) for host in site.hosts}
    assert after != before
    times = sorted(_took(host) for host in site.hosts)
    assert times[0] == _took(first)
    assert all(ended <= began for (_, ended), (began, _) in pairwise(times))
    steps = [step["name"] for step in done.report["results"]["operations"] if step["success"]]
    assert [name.partition(": ")[0] for name in steps[-2:]] == [
        "deploy/activate.py | Activate | Activate wave 1 of 2, canary",
        "deploy/activate.py | Activate | Activate wave 2 of 2, the rest",
    ]

    back = site.run("rollback")
    assert back.code == 0, back.said
    assert {current(host) for host in site.hosts} == {before}
    assert all(site.answers(host) for host in others)


def test_bad_release_stops_at_the_canary(site: Site) -> None:
    before = {host.name: (current(host), transaction(host)) for host in site.hosts[1:]}
    serving = current(site.hosts[0])
    site.want(BAD, BAD, BAD)
    failed = site.run("upgrade")
    assert failed.code == 1
    canary = site.hosts[0].name
    why = f"not begun: 1 host failed ({canary}: in wave 1, chat did not come to standin-0.32-"
    assert failed.said.count(why) == 2, failed.said
    assert "and what served before serves), the budget is 0" in failed.said
    assert current(site.hosts[0]) == serving
    assert site.answers(site.hosts[0])
    for host in site.hosts[1:]:
        assert (current(host), transaction(host)) == before[host.name]


def test_back_when_the_rest_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary was well, the second is not: the canary goes back, the third is not begun."""
    serving = current(site.hosts[0])
    untouched = transaction(site.hosts[2])
    monkeypatch.setattr(site, "fleet", "Fleet(shares=(70, 100), on_refusal='back')")
    site.want(_one(3), BAD, _one(3))
    failed = site.run("upgrade")
    assert failed.code == 1
    assert f"not begun: 1 host failed ({site.hosts[1].name}: in wave 2" in failed.said, failed.said
    assert {current(host) for host in site.hosts} == {serving}
    assert transaction(site.hosts[0])["outcome"] == "committed"
    assert transaction(site.hosts[2]) == untouched
    assert all(site.answers(host) for host in site.hosts)


def test_pause_and_resume(site: Site) -> None:
    """What has it is not touched again."""
    first, *others = site.hosts
    before = current(first)
    site.want(*_all(4))
    paused = site.run("upgrade", "--data", "until=canary")
    assert paused.code == 0, paused.said
    assert "paused before wave 2 of 2, as you asked; run again to go on" in paused.said
    assert current(first) != before
    assert {current(host) for host in others} == {before}
    canary = transaction(first)

    done = site.run("upgrade")
    assert done.code == 0, done.said
    assert transaction(first) == canary
    assert {current(host) for host in site.hosts} == {current(first)}


def test_stops_serving_after_its_wave(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was well, and is asked again before the next wave."""
    first, *others = site.hosts
    before = current(first)
    monkeypatch.setattr(site, "fleet", "Fleet(settle_s=15)")
    site.want(*_all(6))
    with site.start("upgrade") as process:
        assert comes(lambda: current(first) != before)
        assert comes(lambda: transaction(first)["outcome"] == "committed")
        first.run("systemctl stop metalserve-vllm@chat")
        out, err = process.communicate(timeout=AT_MOST_S)
    assert process.returncode == 1
    assert f"{first.name}: in wave 1, {current(first)} no longer serves" in out + err
    assert {current(host) for host in others} == {before}
    first.run("systemctl start metalserve-vllm@chat")


def test_control_machine_dies_between_waves(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept there: another run sees where this one was."""
    first, *others = site.hosts
    before, kept = current(first), {current(host) for host in others}
    monkeypatch.setattr(site, "fleet", "Fleet(settle_s=60)")
    site.want(*_all(5))
    with site.start("upgrade") as process:
        assert comes(lambda: current(first) != before)
        assert comes(lambda: transaction(first)["outcome"] == "committed")
        os.killpg(process.pid, signal.SIGKILL)
    assert {current(host) for host in others} == kept
    canary = transaction(first)

    monkeypatch.setattr(site, "fleet", "Fleet(settle_s=1)")
    site.want(*_all(5))
    done = site.run("upgrade")
    assert done.code == 0, done.said
    assert transaction(first) == canary
    assert {current(host) for host in site.hosts} == {current(first)}
