"""Plans for the real shapes of Qwen3-VL, and hosts for them; each right but for what is given."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from roles.preflight import Reason, against
from roles.spec import (
    Accelerator,
    Accepted,
    Check,
    Engine,
    HostFolder,
    HostSpec,
    Installer,
    Instance,
    Kind,
    LmdeployOptions,
    Lock,
    MindieOptions,
    Stack,
    VllmOptions,
    Weights,
    WeightsFile,
)
from tests.roles import devices
from tests.roles.faked import bare

HERE = Path(__file__).parent
HASH = "0" * 64
Found = dict[str, Any]

# Parameters of each model, of 2 bytes each.
PARAMETERS = {
    "2b": 2_127_532_032,
    "4b": 4_437_815_808,
    "8b": 8_767_123_696,
    "32b": 33_357_390_064,
    "30b-a3b": 31_070_754_032,
}


class Plan(NamedTuple):
    """A host, what its probe says, the codes that refuse it, words that have to be told."""

    spec: HostSpec
    found: Found
    codes: set[str]
    words: tuple[str, ...]


_CHECKS = (
    Check(name="sum", kind=Kind.TEXT, prompt="2 + 2 =", expect="4"),
    Check(
        name="cross",
        kind=Kind.IMAGE,
        prompt="What is this?",
        expect="cross",
        file=HERE.parents[2] / "canary/questions/blue-cross.png",
    ),
)


def weights(size: str, *, shape: str | None = None, **fields: Any) -> Weights:
    """Return Qwen3-VL of a size, with its config.json or another one."""
    config = HERE / f"shapes/{shape or size}.json"
    sha256 = hashlib.sha256(config.read_bytes()).hexdigest()
    # The weights of a quantised one take half of their bytes.
    total = PARAMETERS[size] * (1 if shape else 2)
    files = [WeightsFile(path="config.json", size=config.stat().st_size, sha256=sha256)]
    files += [
        WeightsFile(path=f"model-0000{n}-of-00002.safetensors", size=total // 2, sha256=HASH)
        for n in (1, 2)
    ]
    right: dict[str, Any] = {
        "name": f"qwen3-vl-{shape or size}",
        "files": tuple(files),
        "sources": (HostFolder(path="/mnt/models/qwen3-vl"),),
        "config": config,
        "takes": (Kind.IMAGE,),
        "checks": _CHECKS,
    }
    return Weights(**right | fields)


def stack(engine: Engine, version: str, *, lock: str | None = None, **fields: Any) -> Stack:
    """Return a stack for CUDA or for Ascend, as its engine needs."""
    name = f"{engine}-{version}".lower()
    cuda = engine in (Engine.VLLM, Engine.LMDEPLOY)
    right: dict[str, Any] = {
        "name": name,
        "engine": engine,
        "accelerator": Accelerator.CUDA if cuda else Accelerator.ASCEND,
        "version": version,
        "python": "3.12" if cuda else "3.11",
        "command": ("-m", engine.replace("-", "_")),
        "lock": Lock(file=HERE / f"locks/{lock or name}.txt", arch="x86_64" if cuda else "aarch64"),
        "disk_gib": 8,
        "driver": "525.60.13" if cuda else None,
    }
    return Stack(**right | fields)


def lives_with(*advisories: str) -> tuple[Accepted, ...]:
    """Return advisories that a stack accepts."""
    reason = "clients are our own, behind a proxy"
    return tuple(Accepted(advisory=name, reason=reason) for name in advisories)


# Every critical one of vLLM.
CRITICAL = lives_with("CVE-2026-22778", "GHSA-94f4-hr76-p5j6")


def vllm(version: str = "0.33.0", **fields: Any) -> Stack:
    """Return a stack of vLLM; the newest has no advisory."""
    return stack(Engine.VLLM, version, **fields)


def options(**fields: Any) -> VllmOptions:
    """Return options of vLLM."""
    right: dict[str, Any] = {"max_model_len": 8192, "max_num_seqs": 1, "images": 1}
    return VllmOptions(**right | fields)


def instance(size: str = "8b", *, on: int = 1, **fields: Any) -> Instance:
    """Return an instance on the first ``on`` devices."""
    made = fields.pop("options", None) or options(tensor_parallel_size=on)
    right: dict[str, Any] = {
        "name": "chat",
        "stack": fields.get("stack") or vllm(),
        "weights": fields.get("weights") or weights(size),
        "options": made,
        "devices": tuple(range(on)),
        "port": 8000,
    }
    return Instance(**right | fields)


def host(*instances: Instance, **fields: Any) -> HostSpec:
    """Return a host for CUDA."""
    return HostSpec(**{"accelerator": Accelerator.CUDA, "instances": instances} | fields)


def one(size: str = "8b", **fields: Any) -> HostSpec:
    """Return a host for CUDA with one instance."""
    return host(instance(size, **fields))


def lmdeploy(version: str, size: str = "8b", *, on: int = 1, **fields: Any) -> HostSpec:
    """Return a host for CUDA with LMDeploy; ``fields`` are options."""
    made = LmdeployOptions(
        **{"session_len": 8192, "tp": on, "images": 1, "max_batch_size": 1} | fields
    )
    used = stack(Engine.LMDEPLOY, version)
    return host(instance(size, on=on, stack=used, options=made))


def installer(file: str) -> Installer:
    """Return a vendor's file."""
    return Installer(file=file, sha256=hashlib.sha256(file.encode()).hexdigest())


def cann(version: str, *, chip: str = "910b", arch: str = "aarch64") -> tuple[Installer, ...]:
    """Return CANN's toolkit with its operators."""
    old = tuple(int(part) for part in version.split(".")[:2]) < (8, 5)
    operators = f"Ascend-cann-kernels-{chip}" if old else f"Ascend-cann-{chip}-ops"
    return (
        installer(f"Ascend-cann-toolkit_{version}_linux-{arch}.run"),
        installer(f"{operators}_{version}_linux-{arch}.run"),
    )


def mindie_stack(
    version: str = "3.0.0", *, over: str = "8.5.1", chip: str = "910b", **fields: Any
) -> Stack:
    """Return MindIE over CANN."""
    lock = "mindie-3.0.0" if version == "3.0.0" else "mindie-2.1"
    return stack(
        Engine.MINDIE, version, **{"lock": lock, "installers": cann(over, chip=chip)} | fields
    )


def mindie(
    size: str = "8b",
    *,
    on: int = 1,
    stack: Stack | None = None,
    weights_of: Weights | None = None,
    **fields: Any,
) -> HostSpec:
    """Return a host for Ascend with MindIE; ``fields`` are options."""
    right = {"world_size": on, "npu_mem_size": 8, "max_prefill_batch_size": 1, "images": 1}
    made = MindieOptions(**right | {"max_batch_size": 1} | fields)
    used = instance(
        size,
        on=on,
        stack=stack or mindie_stack(),
        options=made,
        weights=weights_of or weights(size),
        api_key=None,
    )
    return ascend(used)


def ascend(*instances: Instance, **fields: Any) -> HostSpec:
    """Return a host for Ascend."""
    right: dict[str, Any] = {
        "accelerator": Accelerator.ASCEND,
        "instances": instances,
        "installers": HostFolder(path="/mnt/installers"),
    }
    return HostSpec(**right | fields)


def rtx3090(index: int = 0, **fields: Any) -> Found:
    """Return a GeForce RTX 3090 as the probe tells of it."""
    right = {
        "name": "NVIDIA GeForce RTX 3090", "total_mib": 24576, "reserved_mib": 316,
        "free_mib": 24259, "used_mib": 1, "capability": "8.6", "ecc": None,
        "remapped_rows": None, "mig": None, "recovery": None,
        "unsupported": ["nvmlDeviceGetEccMode", "nvmlDeviceGetRemappedRows"],
    }  # fmt: skip
    return devices.gpu(index, **right | fields)


def with_gpus(*gpus: Found, system: Found | None = None, **cuda: Any) -> Found:
    """Return the probe of a host with these GPUs."""
    found = bare()
    found["system"] |= system or {}
    found["accelerators"]["cuda"] = devices.cuda(*gpus, **cuda)
    return found


def rtx3090s(count: int, **fields: Any) -> Found:
    """Return the probe of a host with as many RTX 3090."""
    return with_gpus(*(rtx3090(index, **fields) for index in range(count)))


def without_driver(**system: Any) -> Found:
    """Return the probe of a host with GPUs and no driver."""
    found = bare()
    found["system"] |= system
    found["accelerators"]["cuda"] = None
    return found


def duo(npu: int, chip: int = 0, **fields: Any) -> Found:
    """Return one chip of an Atlas 300I DUO of 96 GB."""
    right = {
        "chip": chip, "logic": 2 * npu + chip, "name": "310P3", "kind": "duo",
        "total_mib": 44278 - 585 * chip, "used_mib": 1448, "free_mib": 42245, "power_w": None,
    }  # fmt: skip
    return devices.npu(npu, **right | fields)


def with_npus(*npus: Found, system: Found | None = None, **ascend: Any) -> Found:
    """Return the probe of an Ascend host with these chips; openEuler on Arm."""
    found = bare()
    arm = {"arch": "aarch64", "os": {"id": "ubuntu", "version": "24.04"}, "glibc": "2.39"}
    found["system"] |= arm | (system or {})
    card = devices.card(vendor="0x19e5", device="0xd802", what="Ascend 910B", driver="devdrv")
    found["accelerators"] = {
        "pci": [card] * max(len(npus), 1),
        "cuda": None,
        "ascend": devices.ascend(*npus, **ascend),
    }
    return found


def a2(count: int, **fields: Any) -> Found:
    """Return the probe of an Atlas 800I A2."""
    return with_npus(*(devices.npu(index, **fields) for index in range(count)))


def duos(cards: int) -> Found:
    """Return the probe of a host with as many Atlas 300I DUO cards, on Ubuntu 22.04."""
    chips = [duo(card, chip) for card in range(cards) for chip in (0, 1)]
    return with_npus(*chips, system={"os": {"id": "ubuntu", "version": "22.04"}, "glibc": "2.35"})


def codes_of(spec: HostSpec, found: Found, *, refuses: bool = True) -> list[str]:
    """Return the codes of all that refuses a plan, or of its remarks."""
    return [reason.code for reason in against(spec, found) if reason.refuses is refuses]


def reasons_of(code: str, spec: HostSpec, found: Found) -> list[Reason]:
    """Return each reason of a code."""
    return [reason for reason in against(spec, found) if reason.code == code]
