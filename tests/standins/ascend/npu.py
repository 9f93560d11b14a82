"""
Ascend cards in a lab host: what sits in its slots, and what a test does to it.

Whoever uses a chip on the host says so in ``/run/standin/ascend/processes/<pid>.json``, as in
``{"pid": 12, "logic": 0, "name": "python3", "mib": 1024}``, or in a line of the chip's device node,
which is a file, and is believed while it lives.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from roles.lab import LabHost
from tests.standins.hardware import plug as hardware
from tests.standins.hardware.deb import Content, Package

HOOKS = Path(__file__).parent / "host"
_STATE = "var/lib/standin/ascend"
_DUO_MIB = {48: (21527, 21527), 96: (44278, 43693)}


@dataclass(frozen=True, kw_only=True)
class Chip:
    """
    One chip, in the words of npu-smi.

    :param total: MiB, of HBM where the card has it
    :param used: MiB, of nobody's
    """

    npu: int
    chip: int
    logic: int
    name: str
    slot: str
    total: int
    used: int
    power: str
    temperature: int = 40
    aicore: int = 0
    health: str = "OK"
    codes: tuple[str, ...] = ()
    hugepages: tuple[int, int] = (0, 0)
    link: bool = True
    processes: tuple[dict[str, Any], ...] = field(default=())


def duo(cards: int = 1, gib: int = 96) -> list[Chip]:
    """Atlas 300I DUO: two chips on a card. Its NPU's numbers are not in a row."""
    return [
        Chip(
            npu=(1, 2, 4, 5)[card % 4] + 32768 * (card // 4),
            chip=chip,
            logic=2 * card + chip,
            name="310P3",
            slot=f"0000:{card + 1:02x}:00.0",
            total=_DUO_MIB[gib][chip],
            used=1400 + 10 * card + chip,
            power="NA",
        )
        for card in range(cards)
        for chip in range(2)
    ]


def pro(cards: int = 1) -> list[Chip]:
    """Atlas 300I Pro: one chip on a card, whose number is its place on the bus."""
    return [
        Chip(
            npu=32 * card,
            chip=0,
            logic=card,
            name="310P3",
            slot=f"0000:{card + 1:02x}:00.0",
            total=21527,
            used=1844,
            power="NA",
        )
        for card in range(cards)
    ]


def a2(cards: int = 2, name: str = "910B4", gib: int = 32) -> list[Chip]:
    """Atlas 800I A2, or some of its cards, whose order on the bus is another."""
    slots = ("c1", "c2", "81", "82", "01", "02", "41", "42")
    return [
        Chip(
            npu=card,
            chip=0,
            logic=card,
            name=name,
            slot=f"0000:{slots[card]}:00.0",
            total=1024 * gib,
            used=2654,
            power="87.2",
        )
        for card in range(cards)
    ]


def plug(host: LabHost, chips: Sequence[Chip]) -> None:
    """Have the cards of these chips in a running host, and no others, as after a boot."""
    _write(host, [asdict(chip) for chip in chips])
    hardware.hook(host, HOOKS)
    duos = {chip.slot for chip in chips if chip.chip}
    hardware.plug(host, [_card(chip, chip.slot in duos) for chip in chips if not chip.chip])


def break_npu(
    host: LabHost,
    npu: int,
    chip: int = 0,
    *,
    health: str = "Alarm",
    codes: Sequence[str] = ("80E01801",),
) -> None:
    """Have a chip say that it is not well; ``health="OK", codes=()`` mends it."""
    _change(host, npu, chip, health=health, codes=list(codes))


def cut_link(host: LabHost, npu: int, *, link: bool = False) -> None:
    """Unplug the network of an A2's chip, or plug it in again."""
    _change(host, npu, 0, link=link)


def occupy(host: LabHost, npu: int, chip: int = 0, **process: Any) -> None:
    """Have processes on a chip, one more each time: ``pid``, ``name`` and ``mib``."""
    before = next(c for c in chips(host) if (c["npu"], c["chip"]) == (npu, chip))["processes"]
    _change(host, npu, chip, processes=[*before, process])


def release(host: LabHost) -> None:
    """Have no processes of ``occupy`` on any chip."""
    _write(host, [chip | {"processes": []} for chip in chips(host)])


def chips(host: LabHost) -> list[dict[str, Any]]:
    """Return what the host's file says."""
    return list(json.loads(_on(host, f"{_STATE}/npus.json").read_text())["devices"])


def start_at_once(host: LabHost) -> None:
    """Have a first driver take effect immediately from now on; else it takes a reboot."""
    _knob(host, "starts-at-once", "")


def pause(host: LabHost, point: str, seconds: float) -> None:
    """
    Have the next installer that gets to a point stay there.

    In this order: of the driver ``driver-uninstall`` (of what is overwritten), ``driver-copy``,
    ``driver-ko`` and, when version.info is new but not all is on disk, ``driver-version``; of the
    firmware ``firmware-flash``, when version.info is new already; of the toolkit
    ``toolkit-runtime``, ``toolkit-opp``, ``toolkit-toolkit`` and ``toolkit-links``; ``ops-copy``;
    ``nnal-copy``; of MindIE ``mindie-service``, ``mindie-llm`` and ``mindie-latest``.
    """
    _knob(host, f"pause-{point}", f"{seconds:g}")


def slow_compressor(host: LabHost, seconds: float) -> None:
    """Have the compressor take as long for each file, from now on."""
    _knob(host, "slow-compress", f"{seconds:g}")


def reached(host: LabHost) -> list[str]:
    """Return the points that installers got to since the host booted, in order."""
    return host.run("cat /run/standin/ascend/points").stdout.split()


def packages() -> list[Package]:
    """Tools that the vendor's installers want and a small system does not have."""
    lspci = (
        "#!/bin/sh\ncd /sys/bus/pci/devices || exit 0\nfor slot in *; do\n"
        '    vendor=$(cut -c 3- "$slot/vendor") device=$(cut -c 3- "$slot/device")\n'
        '    kind=$(cut -c 3-6 "$slot/class")\n'
        '    echo "${slot#0000:} Class $kind: Device $vendor:$device"\ndone\n'
    )
    stubs: dict[str, tuple[str, str, Content]] = {
        "pciutils": ("1:3.9.0-4+standin", "/usr/bin/lspci", lspci),
        "net-tools": ("2.10-0.1+standin", "/sbin/ifconfig", "#!/bin/sh\nexec ip address\n"),
        "python3-pip": ("23.0.1+standin", "/usr/bin/pip3", "#!/bin/sh\necho 'pip 23.0.1'\n"),
    }
    return [
        Package(name=name, version=version, files={path: content})
        for name, (version, path, content) in stubs.items()
    ]


def _card(chip: Chip, two: bool) -> hardware.Card:
    wide = chip.name.startswith("310")
    return hardware.Card(
        slot=chip.slot,
        vendor="0x19e5",
        device="0xd500" if wide else "0xd802",
        kind="0x120000",
        subvendor="0x0200",
        subdevice="0x0110" if two else "0x0100",
    )


def _change(host: LabHost, npu: int, chip: int, **changed: Any) -> None:
    wanted = (npu, chip)
    _write(host, [c | changed if (c["npu"], c["chip"]) == wanted else c for c in chips(host)])


def _write(host: LabHost, devices: Sequence[dict[str, Any]]) -> None:
    # A chip a line: shells read it too.
    lines = ",\n".join(json.dumps(device) for device in devices)
    _put(host, f"{_STATE}/npus.json", f'{{"devices": [\n{lines}\n]}}\n')


def _knob(host: LabHost, name: str, text: str) -> None:
    _put(host, f"{_STATE}/knobs/{name}", text)


def _put(host: LabHost, path: str, text: str) -> None:
    target = _on(host, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def _on(host: LabHost, path: str) -> Path:
    return Path(host.disk.root) / path
