"""What a host makes of weights for MindIE: compressed for its chips, given to its user."""

from typing import Any

import pytest

from roles import paths
from roles.spec import Compression, Instance, MindieOptions, Stack, Weights, WeightsFile
from roles.weights import Served, operations
from roles.weights.made import Made
from tests.roles.faked import bare, told
from tests.roles.preflight import plans

ROOT = "/srv/metalserve/weights"
SMALL = ("quant_model_description_w8a8s.json", "chat_template.json", "preprocessor_config.json",
         "video_preprocessor_config.json")  # fmt: skip


def quantised(**fields: Any) -> Weights:
    """Return Qwen3-VL-8B of W8A8S, as it is downloaded."""
    plain = plans.weights("8b", shape="8b-w8a8s")
    more = tuple(WeightsFile(path=path, size=100, sha256=plans.HASH) for path in SMALL)
    return plans.weights("8b", shape="8b-w8a8s", files=(*plain.files, *more), **fields)


def on_duo(version: str = "3.0.0", torch: str = "2.1.0") -> Stack:
    """Return MindIE for an Atlas 300I DUO, with its models."""
    models = f"Ascend-mindie-atb-models_{version}_linux-aarch64_py311_torch{torch}-abi0.tar.gz"
    installers = (*plans.cann("8.5.1", chip="310p"), plans.installer(models))
    return plans.mindie_stack(version, installers=installers, lock="mindie-3.0.0-slim")


def instance(world_size: int = 2, **fields: Any) -> Instance:
    """Return an instance whose weights are compressed."""
    right: dict[str, Any] = {
        "stack": on_duo(),
        "weights": quantised(),
        "options": MindieOptions(world_size=world_size, npu_mem_size=8, images=1),
        "compression": Compression.W8A8SC,
        "api_key": None,
    }
    return plans.instance(on=world_size, **right | fields)


def _made(**fields: Any) -> dict[str, Made]:
    return {one.script: one for one in Served(instance(**fields), ROOT).made}


def test_one_after_the_other() -> None:
    served = Served(instance(), ROOT)
    patched, compressed, owned = served.made
    assert [one.script for one in served.made] == ["patch", "compress", "own"]
    assert patched.plan["original"] == served.pinned.folder
    assert compressed.plan["original"] == patched.folder
    assert owned.plan["original"] == compressed.folder
    assert served.folder == owned.folder
    folders = {served.pinned.folder, *(one.folder for one in served.made)}
    assert len(folders) == 4
    assert all(folder.startswith(served.pinned.folder) for folder in folders)
    assert compressed.title == "Compress qwen3-vl-8b-w8a8s for 2 chips with mindie-3.0.0"
    assert owned.title == "Give qwen3-vl-8b-w8a8s to chat"


def test_command() -> None:
    """As it stands in the vendor's documentation, but for who starts Python."""
    plan = _made()["compress"].plan
    assert plan["words"] == [
        "-m", "torch.distributed.run", "--nproc_per_node", "2",
        "-m", "examples.convert.model_slim.sparse_compressor", "--multiprocess_num", "4",
    ]  # fmt: skip
    stack = on_duo()
    assert plan["python"] == f"{paths.stack(stack)}/venv/bin/python"
    assert plan["environment"] == paths.environment(stack)
    assert (plan["world_size"], plan["devices"], plan["quantize"]) == (2, [0, 1], "w8a8sc")
    assert plan["copied"] == list(SMALL[1:])


@pytest.mark.parametrize(
    "changed",
    [
        {"world_size": 1},
        {"stack": on_duo(torch="2.9.0")},
        {"weights": quantised(name="another")},
        {"weights": plans.weights("8b", shape="8b-w8a8s")},
    ],
    ids=["world size", "stack", "name", "manifest"],
)
def test_another_input_is_another_folder(changed: dict[str, Any]) -> None:
    assert _made(**changed)["compress"].folder != _made()["compress"].folder


def test_two_instances_share_what_is_compressed() -> None:
    first, second = _made(), _made(name="talk", port=8001)
    for script in ("patch", "compress"):
        assert first[script].folder == second[script].folder
        assert first[script].receipt == second[script].receipt
    assert first["own"].folder != second["own"].folder
    assert second["own"].plan["user"] == "metalserve-talk"
    assert second["own"].plan["group"] == "metalserve"


def test_files_of_what_is_compressed_are_known_on_the_host_alone() -> None:
    made = _made()
    phase = made["compress"].receipt[0]
    assert made["compress"].hashed["kept"] == made["own"].hashed["kept"] == phase
    assert made["own"].plan["kept"] == phase
    assert "files" not in made["own"].plan


def test_every_model_of_mindie_is_its_users_own() -> None:
    made = _made(compression=None)
    assert [*made] == ["patch", "own"]
    assert made["own"].plan["original"] == made["patch"].folder
    assert made["own"].plan["files"] == [file.path for file in quantised().files]
    assert made["own"].hashed["files"] == made["patch"].hashed["files"]
    assert Served(plans.instance(), ROOT).made == ()


def test_made_again_with_what_it_shares_files_with() -> None:
    """Compressing shares none: what is fetched again is the same, and so is what was made of it."""
    pinned = Served(instance(), ROOT).pinned.receipt
    plain, compressed = _made(compression=None), _made()
    assert plain["patch"].of == (pinned,)
    assert plain["own"].of == (plain["patch"].receipt, pinned)
    assert compressed["compress"].of == ()
    assert compressed["own"].of == (compressed["compress"].receipt,)


def _later(held: list[tuple[str, str]]) -> int:
    spec = plans.ascend(instance(), instance(name="talk", port=8001))
    receipts = {phase: {"digest": digest, "drift": ()} for phase, digest in held}
    found = bare() | {"receipts": receipts}
    said = told(operations.model_files, spec, found, weights=quantised(), onto=spec)
    _, job = said.commands[-1]
    assert isinstance(job, dict)
    return int(job["plan"]["later"])


def test_fetch_knows_what_is_made_afterwards() -> None:
    made = _made()
    patch, own = made["patch"].needs, made["own"].needs
    shards = sum(file.size for file in quantised().files if file.path.endswith(".safetensors"))
    assert made["compress"].needs == shards
    # Two instances: one compressed model, and each its own small files.
    assert _later([]) == patch + shards + 2 * own
    assert _later([made["compress"].receipt]) == patch + 2 * own
