"""Damaged weights are found and mended; what nothing needs goes, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.site import Run, Site, changes, current

pytestmark = pytest.mark.lab

OLD = "0" * 12
UNNEEDED = (
    f"/opt/metalserve/releases/chat/standin-{OLD}",
    f"/opt/metalserve/stacks/standin-{OLD}",
    f"/opt/metalserve/hostside-{OLD}",
    f"/var/lib/metalserve/secrets/chat/{OLD}",
    f"/srv/metalserve/weights/qwen3/{OLD}-{OLD}",
)
LINKS = (
    f"/opt/metalserve/stacks/outside-{OLD}",
    "/srv/metalserve/weights/outside",
)
PRECIOUS = "/root/precious"


@pytest.fixture(scope="module")
def cared(make_site: Callable[..., Site]) -> Site:
    """A host that serves, with things that nothing needs, and links that lead out of ours."""
    made = make_site()
    made.want("(_instance(),)")
    done = _run(made, "main")
    assert done.code == 0, done.said
    made.hosts[0].run(
        f"mkdir -p {PRECIOUS}/{OLD}; echo kept > {PRECIOUS}/{OLD}/file;"
        + "".join(
            f"mkdir -p {path}; echo gone > {path}/file; ln -s {PRECIOUS} {path}/out;"
            for path in UNNEEDED
        )
        + "".join(f"ln -sfn {PRECIOUS} {link};" for link in LINKS)
    )
    return made


def _run(site: Site, deploy: str, *words: str) -> Run:
    return site.run(deploy, "--limit", site.hosts[0].name, *words)


def _there(site: Site, *paths: str) -> list[str]:
    return [path for path in paths if (Path(site.hosts[0].disk.root) / path[1:]).exists()]


def _safetensors(site: Site) -> str:
    found = site.hosts[0].run("find /srv/metalserve/weights/canary -name model.safetensors").stdout
    return found.strip()


def test_whole_weights_are_called_right(cared: Site) -> None:
    done = _run(cared, "verify_weights")
    assert done.code == 0, done.said
    assert "8 files in 1 folder are as pinned: 3 MiB hashed in" in done.said


def test_flipped_byte_is_named_and_mended(cared: Site) -> None:
    host, path = cared.hosts[0], _safetensors(cared)
    # Neither size nor time nor inode tells it, as when a disk forgets.
    host.run(
        f"touch -r {path} /root/time; printf X | dd of={path} bs=1 seek=5000 conv=notrunc;"
        f" touch -r /root/time {path}"
    )
    assert changes(_run(cared, "stage").report) == []
    done = _run(cared, "verify_weights")
    assert done.code == 1, done.said
    assert "1 file is wrong" in done.said
    assert f"{path}: found sha256" in done.said
    mended = _run(cared, "stage")
    assert mended.code == 0, mended.said
    assert "1 of 8 files" in mended.said
    done = _run(cared, "verify_weights")
    assert done.code == 0, done.said


def test_list_changes_nothing(cared: Site) -> None:
    done = _run(cared, "prune")
    assert done.code == 0, done.said
    assert changes(done.report) == []
    for path in UNNEEDED:
        assert f"  {path}\n" in done.said
    assert _there(cared, *UNNEEDED) == list(UNNEEDED)
    wished = _run(cared, "prune", "--data", "prune=yes", "--dry")
    assert f"  {UNNEEDED[0]}\n" in wished.said
    assert _there(cared, *UNNEEDED) == list(UNNEEDED)


def test_prune_deletes_what_nothing_needs_and_nothing_else(cared: Site) -> None:
    host, serving = cared.hosts[0], current(cared.hosts[0])
    done = _run(cared, "prune", "--data", "prune=yes")
    assert done.code == 0, done.said
    assert "5 deleted" in done.said
    assert f"left alone: {LINKS[0]}: is a link, which we never made" in done.said
    assert _there(cared, *UNNEEDED) == []
    assert host.run(f"cat {PRECIOUS}/{OLD}/file {LINKS[1]}/{OLD}/file").stdout == "kept\nkept\n"
    assert current(host) == serving
    assert "prune" in host.run("tail -n 1 /var/log/metalserve/audit.jsonl").stdout
    again = _run(cared, "prune", "--data", "prune=yes")
    assert changes(again.report) == []


def test_what_a_run_left_behind_is_whole(cared: Site) -> None:
    cared.hosts[0].run("systemctl restart metalserve-vllm@chat")
    done = _run(cared, "main")
    assert done.code == 0, done.said
    assert cared.answers(cared.hosts[0])
