"""XIDs are found in every log that somebody may send, and nothing else is taken for one."""

import os
from pathlib import Path

import kernel_log
import pytest

SAMPLES = Path(__file__).parent / "samples" / "cuda"


def _fell(at_s: float | None) -> dict[str, object]:
    text = "pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
    return {"at_s": at_s, "slot": "0000:4e:00.0", "xid": 79, "text": text}


_LINE = (
    "NVRM: Xid (PCI:0000:4e:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
)


@pytest.mark.parametrize(
    ("before", "at_s"),
    [
        ("", None),
        ("[ 4711.250000] ", 4711.25),
        ("[4711111.250000] ", 4711111.25),
        ("[    0.000000] ", 0.0),
        ("[ 4711.250000][ T1203] ", 4711.25),
        ("<3>[ 4711.250000] ", 4711.25),
        ("[ 4711.250000] gpu-7 kernel: ", 4711.25),
        ("Nov 20 13:05:59 gpu-7 kernel: ", None),
        ("Nov 20 13:05:59 gpu-7 kernel: [ 4711.250000] ", 4711.25),
        ("2026-11-20T13:05:59.123456+00:00 gpu-7 kernel: ", None),
        ("[Fri Nov 20 13:05:59 2026] ", None),
        ("3,1201,4711250000,-;", 4711.25),
        ("6,1201,4711250000,c,caller=T17;", 4711.25),
    ],
)
def test_prefixes(before: str, at_s: float | None) -> None:
    assert kernel_log.parse(before + _LINE + "\n") == [_fell(at_s)]


@pytest.mark.parametrize(
    ("line", "slot", "xid", "text"),
    [
        ("NVRM: Xid (0000:03:00): 13, 0003 00000000 00008297", "0000:03:00.0", 13,
         "0003 00000000 00008297"),
        ("NVRM: Xid (PCI:0019:01:00): 149, pid=7, NETIR_LINK_EVT", "0019:01:00.0", 149,
         "pid=7, NETIR_LINK_EVT"),
        ("NVRM: Xid (PCI:0000:c1:00 GPU-I:05): 94, pid=7194, Contained: CE", "0000:c1:00.0", 94,
         "pid=7194, Contained: CE"),
        ("NVRM: Xid (PCI:0000:c1:00 GPU-I:05 GPU-CI:00): 94, Contained", "0000:c1:00.0", 94,
         "Contained"),
        ("NVRM: Xid (PCI:0000:c1:00.0): 48, DBE", "0000:c1:00.0", 48, "DBE"),
        ("NVRM: Xid (PCI:0000:C1:00): 16, ", "0000:c1:00.0", 16, ""),
    ],
)  # fmt: skip
def test_forms(line: str, slot: str, xid: int, text: str) -> None:
    found = {"at_s": 1.5, "slot": slot, "xid": xid, "text": text}
    assert kernel_log.parse(f"[    1.500000] {line}\n") == [found]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "NVRM: GPU at PCI:0000:4e:00: GPU-0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "NVRM: GPU 0000:4e:00.0: GPU has fallen off the bus.",
        "nvidia-nvswitch0: SXid (PCI:0000:81:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
        "NVRM: Xid (PCI:0000:4e:00): 7",
        "NVRM: Xid (somewhere): 79, GPU has fallen off the bus.",
        "pcieport 0000:4a:02.0: AER: Xid 79",
    ],
)
def test_what_is_no_xid(line: str) -> None:
    assert kernel_log.parse(f"[    1.500000] {line}\n") == []


def test_log_of_a_host() -> None:
    found = kernel_log.parse((SAMPLES / "kernel.log").read_text())
    assert [(one["at_s"], one["slot"], one["xid"]) for one in found] == [
        (88120.401155, "0000:4e:00.0", 31),
        (172904.118730, "0000:5f:00.0", 63),
        (172911.902114, "0000:5f:00.0", 94),
        (259301.554012, "0000:4e:00.0", 79),
    ]
    assert found[-1]["text"] == "pid=41207, name=VLLM::EngineCor, GPU has fallen off the bus."


def test_newest_fifty_in_order() -> None:
    lines = [f"[{n}.000000] NVRM: Xid (PCI:0000:4e:00): {n}, x\n" for n in range(1, 61)]
    assert [one["xid"] for one in kernel_log.parse("".join(lines))] == [*range(11, 61)]


def test_cut_anywhere() -> None:
    """No line that the cut does not go through says anything else than before."""
    text = (SAMPLES / "kernel.log").read_text()
    whole = kernel_log.parse(text)
    for end in range(len(text)):
        found = kernel_log.parse(text[:end])
        keys = ("at_s", "slot", "xid")
        for one, right in zip(found, whole, strict=False):
            assert [one[key] for key in keys] == [right[key] for key in keys]
            assert str(right["text"]).startswith(str(one["text"]))


def _tool(folder: Path, name: str, said: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{said}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tools that are the only ones."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_journal_is_read(tools: Path) -> None:
    _tool(
        tools,
        "journalctl",
        f'[ "$*" = "-k -b -o short-monotonic --no-pager -q" ] && echo "[ 1.5] h kernel: {_LINE}"',
    )
    assert kernel_log.read() == [_fell(1.5)]


@pytest.mark.parametrize("journal", ["exit 1", "true", "echo; exit 0", None])
def test_without_a_journal_the_ring_is_read(tools: Path, journal: str | None) -> None:
    if journal:
        _tool(tools, "journalctl", journal)
    _tool(tools, "dmesg", f'echo "[ 2.5] {_LINE}"')
    assert kernel_log.read() == [_fell(2.5)]


def test_log_without_xids_is_a_log(tools: Path) -> None:
    _tool(tools, "dmesg", 'echo "[    0.000000] Linux version 6.1.0"')
    assert kernel_log.read() == []


@pytest.mark.parametrize("said", ["echo dmesg: read kernel buffer failed >&2; exit 1", "", None])
def test_no_log_at_all_is_unknown(tools: Path, said: str | None) -> None:
    if said is not None:
        _tool(tools, "dmesg", said)
    assert kernel_log.read() is None


def test_tool_that_hangs(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tools}:{os.defpath}")
    monkeypatch.setattr(kernel_log, "_WITHIN_S", 0.3)
    _tool(tools, "journalctl", "exec sleep 30")
    _tool(tools, "dmesg", f'echo "[ 2.5] {_LINE}"')
    assert kernel_log.read() == [_fell(2.5)]
