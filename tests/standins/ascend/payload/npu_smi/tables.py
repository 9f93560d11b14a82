"""The tables of npu-smi, in the layouts of its two families of cards."""

import json
from pathlib import Path
from typing import Any

RUNNING = "/run/standin/ascend"

Chip = dict[str, Any]


def processes(chip: Chip) -> list[dict[str, Any]]:
    """What uses a chip: what a test says, and who says so itself as long as it lives."""
    said = [json.loads(path.read_text(encoding="utf-8")) for path in _notes()]
    node = Path(f"/dev/davinci{chip['logic']}")
    if node.is_file():
        # Where no device nodes can be made, the file that stands for one is written into.
        said += [json.loads(line) for line in node.read_text(encoding="utf-8").splitlines()]
    alive = [one for one in said if Path(f"/proc/{one['pid']}").exists()]
    return [*chip["processes"], *(one for one in alive if one["logic"] == chip["logic"])]


def _notes() -> list[Path]:
    return sorted(Path(RUNNING).glob("processes/*.json"))


def used(chip: Chip) -> int:
    """Memory in use, MiB."""
    return int(chip["used"]) + sum(int(process["mib"]) for process in processes(chip))


def wide(chips: list[Chip]) -> bool:
    """Say whether the table is that of the 310P family."""
    return any(chip["name"].startswith("310") for chip in chips)


def cells(*texts: str) -> str:
    """Return one row of a table."""
    return "|" + "|".join(texts) + "|"


def border(widths: list[int], mark: str) -> str:
    """Return what separates the rows of a table."""
    return "+" + "+".join(mark * width for width in widths) + "+"


def table(chips: list[Chip], tool: str, driver: str) -> str:
    """What ``npu-smi info`` prints."""
    widths = [31, 17, 54] if wide(chips) else [27, 15, 52]
    inside = sum(widths) + 2
    pad = 49 if wide(chips) else 33
    rows = [f"+{'-' * inside}+"]
    rows.append(f"| {'npu-smi ' + tool:<{pad}}{'Version: ' + driver:<{inside - pad - 1}}|")
    rows.append(border(widths, "-"))
    if wide(chips):
        rows += _wide_rows(chips, widths)
    else:
        rows += _narrow_rows(chips, widths)
    rows += _process_rows(chips, widths)
    return "\n".join(rows)


def _narrow_rows(chips: list[Chip], widths: list[int]) -> list[str]:
    head = [
        (" NPU   Name", " Health", " Power(W)    Temp(C)           Hugepages-Usage(page)"),
        (" Chip", " Bus-Id", " AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)"),
    ]
    rows = [cells(*(f"{t:<{w}}" for t, w in zip(texts, widths, strict=True))) for texts in head]
    rows.append(border(widths, "="))
    for chip in chips:
        pages, all_pages = chip["hugepages"]
        hbm = f"{used(chip):<5}/ {chip['total']:<14}"
        memory = f"{0:<5}/ {0:<11}"
        if chip["name"] == "910B":
            # The 910A generation has memory of its own beside the HBM.
            hbm, memory = f"{0:<5}/ {32768:<14}", f"{used(chip):<5}/ {chip['total']:<11}"
        rows.append(
            cells(
                f" {chip['npu']:<6}{chip['name']:<20}",
                f" {chip['health']:<14}",
                f" {chip['power']:<12}{chip['temperature']:<18}{pages:<5}/ {all_pages:<14}",
            )
        )
        rows.append(
            cells(
                f" {chip['chip']:<26}",
                f" {chip['slot'].upper():<14}",
                f" {chip['aicore']:<12}{memory}{hbm}",
            )
        )
        rows.append(border(widths, "="))
    return rows


def _wide_rows(chips: list[Chip], widths: list[int]) -> list[str]:
    head = [
        (" NPU     Name", " Health", " Power(W)     Temp(C)           Hugepages-Usage(page)"),
        (" Chip    Device", " Bus-Id", " AICore(%)    Memory-Usage(MB)"),
    ]
    rows = [cells(*(f"{t:<{w}}" for t, w in zip(texts, widths, strict=True))) for texts in head]
    rows.append(border(widths, "="))
    two = len({chip["npu"] for chip in chips}) < len(chips)
    for chip in chips:
        pages, all_pages = chip["hugepages"]
        rows.append(
            cells(
                f" {chip['npu']:<8}{chip['name']:<22}",
                f" {chip['health']:<16}",
                f" {chip['power']:<13}{chip['temperature']:<18}{pages:<6}/ {all_pages:<14}",
            )
        )
        rows.append(
            cells(
                f" {chip['chip']:<8}{chip['logic']:<22}",
                f" {chip['slot'].upper():<16}",
                f" {chip['aicore']:<13}{used(chip):<5}/ {chip['total']:<33}",
            )
        )
        rows.append(border(widths, "-" if two else "="))
    return rows


def _process_rows(chips: list[Chip], widths: list[int]) -> list[str]:
    first, second, third = widths
    rows = [
        border(widths, "-"),
        cells(
            f" {'NPU     Chip':<{first - 1}}",
            f" {'Process id':<{second - 1}}",
            f" {'Process name':<25}",
            f" {'Process memory(MB)':<{third - 28}}",
        ),
        border(widths, "="),
    ]
    for npu in dict.fromkeys(chip["npu"] for chip in chips):
        busy = [
            (chip, process) for chip in chips if chip["npu"] == npu for process in processes(chip)
        ]
        for chip, process in busy:
            rows.append(
                cells(
                    f" {chip['npu']:<8}{chip['chip']:<{first - 9}}",
                    f" {process['pid']:<{second - 1}}",
                    f" {process['name']:<25}",
                    f" {process['mib']:<{third - 28}}",
                )
            )
        if not busy:
            idle = f"No running processes found in NPU {npu}"
            rows.append(cells(f" {idle:<{sum(widths) + 1}}"))
        rows.append(border(widths, "="))
    return rows
