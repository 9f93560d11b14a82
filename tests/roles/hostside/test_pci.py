"""What is plugged in is told by its ids, with or without a driver."""

from pathlib import Path

import pci
import pytest


def _plug(root: Path, slot: str, ids: str, **files: str) -> None:
    """Write a card as sysfs has it; ``ids`` are vendor, device, class, then the subsystem's two."""
    card = root / slot
    card.mkdir()
    names = ("vendor", "device", "class", "subsystem_vendor", "subsystem_device")
    for name, value in [*zip(names, ids.split(), strict=False), *files.items()]:
        (card / name).write_text(f"{value}\n")


def test_gpu_with_its_driver(tmp_path: Path) -> None:
    _plug(tmp_path, "0000:4e:00.0", "0x10de 0x2330 0x030200 0x10de 0x16c1", numa_node="1")
    (tmp_path / "drivers/nvidia").mkdir(parents=True)
    (tmp_path / "0000:4e:00.0/driver").symlink_to("../drivers/nvidia")
    assert pci.read(str(tmp_path)) == [
        {
            "slot": "0000:4e:00.0",
            "vendor": "0x10de",
            "device": "0x2330",
            "subvendor": "0x10de",
            "subdevice": "0x16c1",
            "class": "0x030200",
            "driver": "nvidia",
            "numa": 1,
            "what": "NVIDIA GPU",
        }
    ]


@pytest.mark.parametrize(
    ("ids", "what"),
    [
        ("0x10de 0x2684 0x030000", "NVIDIA GPU"),
        ("0x10de 0x22a3 0x068000", "NVSwitch"),
        ("0x19e5 0xd802 0x120000 0x19e5 0x4000", "Ascend 910B"),
        ("0x19e5 0xd801 0x120000 0x0200 0x0100", "Ascend 910A"),
        ("0x19e5 0xd500 0x120000 0x0200 0x0110", "Atlas 300I DUO"),
        ("0x19e5 0xd500 0x120000 0x0200 0x0100", "Atlas 300I Pro"),
        ("0x19e5 0xd500 0x120000 0x0200 0x0999", "Ascend 310P"),
        ("0x19e5 0xd500 0x120000", "Ascend 310P"),
        ("0x19e5 0xd100 0x120000 0x0200 0x0100", "Ascend 310"),
        ("0x19e5 0xd999 0x120000", None),
        ("0x19e5 0x1711 0x030000", None),
        ("0x1a03 0x2000 0x030000", None),
        ("0x1002 0x74a1 0x120000", None),
        ("0x10de 0x1db4 0x038000", None),
    ],
)
def test_what_it_is(tmp_path: Path, ids: str, what: str | None) -> None:
    _plug(tmp_path, "0000:01:00.0", ids)
    (card,) = pci.read(str(tmp_path))
    assert card["what"] == what
    assert (card["driver"], card["numa"]) == (None, None)


@pytest.mark.parametrize(
    "ids",
    [
        "0x8086 0x0d58 0x020000",
        "0x8086 0x1234 0x068000",
        "0x10de 0x22ba 0x040300",
        "0x19e5 0x0222 0x020000",
    ],
)
def test_what_is_none_of_it(tmp_path: Path, ids: str) -> None:
    _plug(tmp_path, "0000:02:00.0", ids)
    assert pci.read(str(tmp_path)) == []


def test_order_and_oddities(tmp_path: Path) -> None:
    for slot in ("0000:c1:00.0", "0000:01:00.0", "10000:01:00.0"):
        _plug(tmp_path, slot, "0x10de 0x2330 0x030200", numa_node="-1")
    (tmp_path / "0000:99:00.0").mkdir()  # gone while it is looked at
    cards = pci.read(str(tmp_path))
    assert [card["slot"] for card in cards] == ["0000:01:00.0", "0000:c1:00.0", "10000:01:00.0"]
    assert [card["numa"] for card in cards] == [None] * 3


def test_machine_without_pci(tmp_path: Path) -> None:
    assert pci.read(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("00000000:4E:00.0", "0000:4e:00.0"),
        ("0000:4e:00", "0000:4e:00.0"),
        ("4e:00.1", "0000:4e:00.1"),
        ("00010000:01:00.0", "10000:01:00.0"),
        (" 0000:01:00.0\n", "0000:01:00.0"),
        ("", None),
        ("N/A", None),
        ("0000:4e", None),
        ("0000:4e:00.0, 1", None),
    ],
)
def test_slot_however_it_is_written(text: str, slot: str | None) -> None:
    assert pci.slot_of(text) == slot
