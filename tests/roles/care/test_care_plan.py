"""What a host is to hash, and what it is to keep."""

import pytest

from roles import lock, paths, weights
from roles.care import plan
from roles.release import Release
from roles.spec import Accelerator, Folder, HostSpec, Installer, Secret
from tests.roles.spec.nouns import HASH, Nouns
from tests.roles.weights.test_weights_served import _stack, _weights

ROOT = "/srv/metalserve/weights"


def _patched(n: Nouns) -> HostSpec:
    """Return a host with two instances of one model, one of which needs it patched."""
    model, old, new = _weights(n), _stack(n, "0.13.0", "0.12.2"), _stack(n, "0.14.0", "0.13.0")
    old = old.model_copy(update={"name": "old"})
    instances = [
        n.instance(name=name, stack=stack, weights=model, port=port, devices=(port - 8000,))
        for name, stack, port in (("a", old, 8000), ("b", new, 8001))
    ]
    return n.host(*instances)


def test_each_folder_is_hashed_once(nouns: Nouns) -> None:
    spec = _patched(nouns)
    model = spec.instances[0].weights
    (made,) = weights.Served(spec.instances[0], ROOT).made
    pinned, view = plan.hashed(spec)["folders"]
    assert pinned == {
        "name": "qwen3-8b",
        "folder": paths.weights(model, root=ROOT),
        "phase": weights.receipt(model, root=ROOT)[0],
        "files": [file.model_dump() for file in model.files],
    }
    assert (view["folder"], view["phase"]) == (made.folder, made.receipt[0])
    edit = made.plan["patched"]["config.json"]
    config, *others = view["files"]
    wanted = {"path": "config.json", "size": len(edit["text"]), "sha256": edit["after"]}
    assert config == wanted
    assert others == pinned["files"][1:]


def test_kept(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARE_KEY", "sk-7f3kQz9Xw2LmVb8Rt5")
    spec = nouns.chat(api_key=Secret(env="CARE_KEY"))
    (instance,) = spec.instances
    kept = plan.kept(spec, machine_id="m1")
    secrets = "/var/lib/metalserve/secrets/chat/"
    (generation,) = [path for path in kept["keep"] if path.startswith(secrets)]
    assert set(kept["keep"]) == {
        paths.stack(instance.stack),
        Release(spec=spec, instance=instance).folder,
        paths.weights(instance.weights, root=ROOT),
        generation,
    }
    assert len(generation) == len(secrets) + 12
    assert kept["spared"] == {}
    assert kept["weights_root"] == ROOT
    owner = lock.owner()
    assert (kept["who"], kept["run"]) == (owner["who"], owner["run"])


def test_views_are_kept_with_what_they_are_made_of(nouns: Nouns) -> None:
    spec = _patched(nouns)
    served = weights.Served(spec.instances[0], ROOT)
    keep = plan.kept(spec, machine_id="m1")["keep"]
    assert {served.folder, served.pinned.folder} <= set(keep)


def test_secret_that_is_not_here_spares_every_generation(nouns: Nouns) -> None:
    kept = plan.kept(nouns.chat(api_key=Secret(env="NO_SUCH_KEY")), machine_id="m1")
    assert kept["spared"] == {
        "/var/lib/metalserve/secrets/chat": "which one is wanted is not known: the environment "
        "variable NO_SUCH_KEY holds no secret on this machine"
    }


def test_stacks_and_installers_that_it_is_ready_for(nouns: Nouns) -> None:
    file = Installer(file="Ascend-cann-toolkit_8.5.1_linux-x86_64.run", sha256=HASH)
    stack = nouns.stack(accelerator=Accelerator.ASCEND, installers=(file,), driver=None)
    spec = HostSpec(
        accelerator=Accelerator.ASCEND, ready_for=(stack,), installers=Folder(path=nouns.folder)
    )
    assert plan.kept(spec, machine_id="m1")["keep"] == [
        f"/opt/metalserve/cache/installers/{HASH[:12]}-{file.file}",
        paths.stack(stack),
    ]


def test_archive_that_is_still_to_be_unpacked(nouns: Nouns) -> None:
    keep = plan.kept(nouns.host(nouns.ollama()), machine_id="m1")["keep"]
    assert f"/opt/metalserve/cache/installers/{HASH[:12]}-ollama-linux-amd64.tgz" in keep
