"""
NVIDIA's cards, and what is wrong with them.

A GPU's facts are lines of ``<index>.<fact>=<value>``, in a file of its host for good and in
``/run/standin-nvidia/state`` while the driver is loaded. The library answers from the second: a
fact that is not there is not supported by that GPU, and the value ``!999`` is NVML's error 999.

``error``           the whole GPU answers with this error: 15 lost, 16 reset required
``ecc``, ``ecc_pending``  0 or 1; loading the driver makes the second the first
``ecc_corrected``, ``ecc_uncorrected``, both with ``_lifetime`` too
``rows_correctable``, ``rows_uncorrectable``, ``rows_pending``, ``rows_failure``
``retired_single_bit``, ``retired_double_bit``, ``retired_pending``
``recovery``        0 none, 1 reset, 2 reboot, 3 drain P2P, 4 drain and reset
``throttle``        bits of NVML's reasons, as ``0x40`` for the hardware's thermal slowdown
``total_mib``, ``used_mib``, ``reserved_mib``, ``temperature``, ``power_mw``, ``persistence``,
``compute_mode``, ``nvlinks`` (``1,1,0``), ``processes`` (``12:1024,13:-``, MiB of each),
``fabric`` (1 not started, 2 in progress, 3 completed, as the fabric manager makes it),
``fabric_status``, ``fabric_health``,
``mig``, ``mig_pending``, ``mig_max``, ``mig0_uuid``, ``mig0_name``, ``mig0_total_mib``

None of it was compared with broken hardware.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from roles.lab import LabHost
from tests.standins.hardware import plug as hardware
from tests.standins.hardware.plug import Card
from tests.standins.nvidia.build import FILES

_FACTS = "/usr/lib/standin/nvidia/gpus"
_STATE = "/run/standin-nvidia/state"
Fact = str | int | None


@dataclass(frozen=True)
class Model:
    """
    A GPU as it is sold.

    :param facts: what differs from model to model; what is not among them it does not support
    """

    name: str
    device: str
    subdevice: str
    kind: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


_ECC = {
    "ecc": 1,
    "ecc_pending": 1,
    "ecc_corrected": 0,
    "ecc_uncorrected": 0,
    "ecc_corrected_lifetime": 0,
    "ecc_uncorrected_lifetime": 0,
}
_ROWS = {"rows_correctable": 0, "rows_uncorrectable": 0, "rows_pending": 0, "rows_failure": 0}
_RETIRED = {"retired_single_bit": 0, "retired_double_bit": 0, "retired_pending": 0}
_MIG = {"mig": 0, "mig_pending": 0, "mig_max": 7}


def _facts(major: int, minor: int, architecture: int, total_mib: int) -> dict[str, Fact]:
    return {
        "major": major,
        "minor_capability": minor,
        "architecture": architecture,
        "total_mib": total_mib,
        "used_mib": 4,
        "reserved_mib": 500,
        "persistence": 0,
        "compute_mode": 0,
        "throttle": 1,
        "recovery": 0,
        "temperature": 31,
        "power_mw": 60_000,
    }


H200 = Model(
    "NVIDIA H200", "0x2335", "0x18be", "0x030200",
    _facts(9, 0, 9, 143_771) | _ECC | _ROWS | _MIG | {"nvlinks": ",".join(["1"] * 18)},
)  # fmt: skip
A100 = Model(
    "NVIDIA A100-SXM4-80GB", "0x20b2", "0x1463", "0x030200",
    _facts(8, 0, 7, 81_920) | _ECC | _ROWS | _MIG | {"nvlinks": ",".join(["1"] * 12)},
)  # fmt: skip
L40S = Model("NVIDIA L40S", "0x26b9", "0x1851", "0x030200", _facts(8, 9, 8, 46_068) | _ECC | _ROWS)
RTX_4090D = Model(
    "NVIDIA GeForce RTX 4090 D", "0x2685", "0x16f4", "0x030000", _facts(8, 9, 8, 24_564)
)
V100 = Model(
    "Tesla V100-SXM2-32GB", "0x1db5", "0x1249", "0x030200",
    _facts(7, 0, 5, 32_768) | _ECC | _RETIRED,
)  # fmt: skip
_SWITCH = Card(
    slot="", vendor="0x10de", device="0x22a3", kind="0x068000",
    subvendor="0x10de", subdevice="0x1796",
)  # fmt: skip


def plug(host: LabHost, models: Sequence[Model], switches: int = 0) -> None:
    """Have these GPUs in a running host, in slots 01, 02 …, and NVSwitches from slot 81 on."""
    joined: dict[str, Fact] = {"fabric": 1} if switches else {}
    cards = [_card(model, number) for number, model in enumerate(models)]
    cards += [_moved(_SWITCH, f"0000:{0x81 + number:02x}:00.0") for number in range(switches)]
    lines = [f"count={len(models)}"]
    for index, model in enumerate(models):
        facts = {**_identity(host, index), "name": model.name, **model.facts, **joined}
        facts["pci"] = model.device + "10de"
        facts["pci_subsystem"] = model.subdevice + "10de"
        lines += [f"{index}.{key}={value}" for key, value in facts.items()]
    hardware.hook(host, FILES / "hooks")
    on_host = Path(host.disk.root) / _FACTS.lstrip("/")
    on_host.write_text("".join(f"{line}\n" for line in lines))
    hardware.plug(host, cards)


def break_gpu(host: LabHost, index: int, **facts: Fact) -> None:
    """Change facts of a GPU for good, whether or not its driver is loaded; ``None`` ends one."""
    _change(host, index, facts, _FACTS, _STATE)


def upset_gpu(host: LabHost, index: int, **facts: Fact) -> None:
    """Change facts of a GPU until the driver is loaded anew."""
    _change(host, index, facts, _STATE)


def xid(host: LabHost, index: int, number: int, text: str) -> None:
    """Have the driver complain of a GPU in the kernel's log."""
    hardware.kernel_says(host, f"NVRM: Xid (PCI:{_slot(index)[:-2]}): {number}, {text}")


def _change(host: LabHost, index: int, facts: Mapping[str, Fact], *files: str) -> None:
    words = [f"{index}.{key}" + ("" if v is None else f"={v}") for key, v in facts.items()]
    changes = " ".join(quote(word) for word in words)
    tool = "sh /usr/lib/standin/nvidia/fact.sh"
    done = host.run(" && ".join(f"{tool} {file} {changes}" for file in files))
    assert done.returncode == 0, done.stderr


def _card(model: Model, number: int) -> Card:
    return Card(
        slot=_slot(number),
        vendor="0x10de",
        device=model.device,
        kind=model.kind,
        subvendor="0x10de",
        subdevice=model.subdevice,
        numa=number % 2,
    )


def _slot(index: int) -> str:
    return f"0000:{index + 1:02x}:00.0"


def _moved(card: Card, slot: str) -> Card:
    return Card(**{**vars(card), "slot": slot})


def _identity(host: LabHost, index: int) -> dict[str, Fact]:
    name = hashlib.sha256(f"{host.name} {index}".encode()).hexdigest()
    uuid = "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:32]))
    return {
        "uuid": f"GPU-{uuid}",
        "serial": str(int(name[32:44], 16) % 10**13).zfill(13),
        "minor": index,
        "slot": _slot(index),
    }
