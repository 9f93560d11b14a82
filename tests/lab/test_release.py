"""Upgrades, rollbacks, and releases that turn out bad: one of the two always serves."""

import json

import pytest

from tests.lab.site import Site, current, transaction

pytestmark = pytest.mark.lab

UPGRADED = "(_instance(extra=('--seed', '1')),)"


def misbehaving(**wishes: object) -> str:
    """Return an instance whose stand-in engine misbehaves as wished."""
    overrides = json.dumps({"standin": wishes})
    return f"(_instance(extra=('--hf-overrides', {overrides!r})),)"


def test_upgrade_and_rollback(site: Site) -> None:
    host = site.hosts[0]
    first = current(host)
    site.want(UPGRADED)
    done = site.run("main")
    assert done.code == 0, done.said
    second = current(host)
    assert second != first
    assert site.answers(host)

    back = site.run("rollback", "--limit", host.name)
    assert back.code == 0, back.said
    assert current(host) == first
    assert site.answers(host)

    # Rolling back the rollback works.
    again = site.run("rollback", "--limit", host.name)
    assert again.code == 0, again.said
    assert current(host) == second
    assert site.answers(host)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            "(_instance(extra=('--hf-overrides', '{\"architectures\": [\"Nobody\"]}')),)",
            ["did not become ready", "architectures ['Nobody'] are not supported"],
        ),
        (misbehaving(answer="I am wrong"), ["answers wrong", "answered 'I am wrong', expected"]),
        (misbehaving(hang=True), ["no completion within 15 s"]),
        (
            misbehaving(die_at_start="CUDA out of memory"),
            ["lower max_model_len, max_num_seqs or images", "known from: vLLM source"],
        ),
        (misbehaving(crash_after_s=0.5, answer_s=2), ["did not become ready", "is gone"]),
    ],
    ids=["unknown model", "wrong answer", "hang", "dies at start", "crash"],
)
def test_bad_release_leaves_the_old_one_serving(
    site: Site, monkeypatch: pytest.MonkeyPatch, wanted: str, said: list[str]
) -> None:
    host = site.hosts[0]
    site.want("(_instance(extra=('--seed', '2')),)")
    done = site.run("main")
    assert done.code == 0, done.said
    before = current(host)

    if "hang" in wanted:
        monkeypatch.setattr(site, "ready_within_s", 15)
    site.want(wanted)
    failed = site.run("main")
    assert failed.code == 1
    for words in said:
        assert words in failed.said
    assert f"state: {before} serves again and answers right" in failed.said
    assert current(host) == before
    assert site.answers(host)
    record = transaction(host)
    assert record["outcome"] == "rolled back"
    marked = host.run("ls /var/lib/metalserve/bad/chat").stdout
    assert f"{record['release']}.json" in marked


def test_first_release_that_fails_leaves_nothing(site: Site) -> None:
    host = site.hosts[1]
    site.want("(_instance(extra=('--seed', '2')),)", misbehaving(answer="no"))
    failed = site.run("main")
    assert failed.code == 1
    assert "state: no release served before, so nothing serves chat" in failed.said
    assert current(host) == ""
    assert host.run("systemctl is-active metalserve-vllm@chat").stdout.strip() == "inactive"
    # The other host is not held up by it.
    assert site.answers(site.hosts[0])

    site.want("(_instance(extra=('--seed', '2')),)", "(_instance(),)")
    done = site.run("main")
    assert done.code == 0, done.said
    assert site.answers(host)


def test_rollback_needs_a_release_to_go_back_to(site: Site) -> None:
    host = site.hosts[1]
    only = current(host)
    refused = site.run("rollback", "--limit", host.name)
    assert refused.code == 1
    assert f"chat has no release before {only}" in refused.said
    assert site.answers(host)


def test_rollback_passes_what_is_bad_and_goes_where_it_is_told(site: Site) -> None:
    """Over both hosts: the one that has nothing before stays, and is told."""
    host, other = site.hosts
    served = json.loads(host.run("cat /var/lib/metalserve/history/chat.json").stdout)
    now, before, first = [entry["release"] for entry in served[:3]]
    assert current(host) == now
    marked = f"/var/lib/metalserve/bad/chat/{before}.json"
    host.run(f'echo \'{{"why": "it was slow"}}\' > {marked}')
    back = site.run("rollback")
    assert back.code == 0, back.said
    assert f"[{host.name}] passed over: {before} is marked bad: it was slow" in back.said
    assert f"[{other.name}] stays as it is: chat has no release before" in back.said
    assert current(host) == first
    assert site.answers(host)

    gone = site.run("rollback", "--data", f"to={before}")
    assert gone.code == 1
    assert f"cannot go back: {before} is marked bad: it was slow" in gone.said
    named = site.run("rollback", "--data", f"to={now}", "--data", f"leave={first}")
    assert named.code == 0, named.said
    assert current(host) == now
    served = json.loads(host.run("cat /var/lib/metalserve/history/chat.json").stdout)
    assert [entry["release"] for entry in served[:3]] == [now, first, before]


def test_new_secret_is_an_activation(site: Site) -> None:
    host = site.hosts[0]
    site.environment = {"TEST_API_KEY": "sk-another-0123456789abcdef"}
    before = current(host)
    done = site.run("main", "--limit", host.name)
    assert done.code == 0, done.said
    assert current(host) == before
    ask = "curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer '"
    said = host.run(f"{ask}sk-another-0123456789abcdef http://127.0.0.1:8000/v1/models")
    assert said.stdout == "200"


def test_offline_reaches_the_engine_as_its_user(site: Site) -> None:
    """The stand-in has no engine without a server: its Python is asked for one, and says so."""
    host = site.hosts[0]
    asked = ("check", "--limit", host.name, "--data", "offline=text")
    beside = site.run(*asked)
    assert beside.code == 1
    assert "chat serves, and two engines have no room on its devices" in beside.said
    host.run("systemctl stop metalserve-vllm@chat")
    done = site.run(*asked)
    host.run("systemctl start metalserve-vllm@chat")
    assert done.code == 1
    assert "the engine did not answer" in done.said
    assert "No module named 'vllm.utils'" in done.said
    assert site.answers(host)
