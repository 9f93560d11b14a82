"""The queries of npu-smi: lines of a key and a value."""

from .tables import Chip, used, wide


def line(key: str, value: object) -> str:
    """Return one line."""
    return f"\t{key:<31}: {value}"


def cards(chips: list[Chip]) -> dict[int, list[Chip]]:
    """Return the chips of each card."""
    found: dict[int, list[Chip]] = {}
    for chip in chips:
        found.setdefault(int(chip["npu"]), []).append(chip)
    return found


def mapping(chips: list[Chip]) -> str:
    """What ``npu-smi info -m`` prints."""
    columns = ["NPU ID", "Chip ID", "Chip Logic ID", "Chip Name"]
    rows = ["\t" + " ".join(f"{text:<30}" for text in columns)]
    for npu, group in cards(chips).items():
        for chip in group:
            numbers = " ".join(f"{chip[key]:<30}" for key in ("npu", "chip", "logic"))
            rows.append(f"\t{numbers} Ascend {chip['name']}")
        rows.append("\t" + " ".join(f"{text:<30}" for text in (npu, len(group), "-", "Mcu")))
    return "\n".join(rows)


def listing(chips: list[Chip]) -> str:
    """What ``npu-smi info -l`` prints."""
    found = cards(chips)
    rows = [line("Total Count", len(found))]
    for npu, group in found.items():
        rows += ["", line("NPU ID", npu), line("Chip Count", len(group))]
    return "\n".join(rows)


def common(chips: list[Chip], of: int) -> str:
    """What ``npu-smi info -t common`` prints."""
    group = cards(chips)[of]
    rows = [line("NPU ID", of), line("Chip Count", len(group))]
    for chip in group:
        rate = 100 * used(chip) // int(chip["total"])
        rows += [
            "",
            line("Chip ID", chip["chip"]),
            line("Memory Usage Rate(%)", rate if wide(group) else 0),
            line("HBM Usage Rate(%)", 0 if wide(group) else rate),
            line("Aicore Usage Rate(%)", chip["aicore"]),
            line("Aicore Freq(MHZ)", 1080 if wide(group) else 1650),
            line("Aicore curFreq(MHZ)", 1080 if wide(group) else 1650),
            line("Aicore Count", 8 if wide(group) else 20),
            line("Temperature(C)", chip["temperature"]),
            line("NPU Real-time Power(W)", chip["power"]),
        ]
    return "\n".join([*rows, "", line("Chip Name", "mcu"), line("Temperature(C)", 38)])


def usages(chips: list[Chip], of: int) -> str:
    """What ``npu-smi info -t usages`` prints: a chip's number comes last."""
    group = cards(chips)[of]
    rows = [line("NPU ID", of), line("Chip Count", len(group))]
    for chip in group:
        total, rate = int(chip["total"]), 100 * used(chip) // int(chip["total"])
        ddr, hbm = ((total, rate), (0, 0)) if wide(group) else ((0, 0), (total, rate))
        pages, all_pages = chip["hugepages"]
        rows += [
            "",
            line("DDR Capacity(MB)", ddr[0]),
            line("DDR Usage Rate(%)", ddr[1]),
            line("DDR Hugepages Total(page)", all_pages),
            line("DDR Hugepages Usage Rate(%)", 100 * pages // all_pages if all_pages else 0),
            line("HBM Capacity(MB)", hbm[0]),
            line("HBM Usage Rate(%)", hbm[1]),
            line("Aicore Usage Rate(%)", chip["aicore"]),
            line("Aicpu Usage Rate(%)", 0),
            line("Ctrlcpu Usage Rate(%)", 2),
            line("DDR Bandwidth Usage Rate(%)", 0),
            line("HBM Bandwidth Usage Rate(%)", 0),
            line("Chip ID", chip["chip"]),
        ]
    return "\n".join(rows)


def board(chips: list[Chip], of: int, chip: int, driver: str, firmware: str) -> str:
    """What ``npu-smi info -t board`` prints, of a card or, unless ``chip`` is -1, of a chip."""
    group = cards(chips)[of]
    one = group[max(chip, 0)]
    if chip >= 0:
        rows = {
            "NPU ID": of,
            "Chip ID": chip,
            "Chip Type": "Ascend",
            "Chip Name": one["name"],
            "Chip Version": "V1",
            "Board ID": "0x02",
            "PCIe Bus Info": one["slot"].upper(),
            "Firmware Version": firmware,
        }
    else:
        rows = {
            "NPU ID": of,
            "Software Version": driver,
            "Firmware Version": firmware,
            # What stands here when they do not go together is not known.
            "Compatibility": "OK",
            "Board ID": "0x02",
            "PCB ID": "A",
            "BOM ID": 1,
            "PCIe Bus Info": one["slot"].upper(),
            "Slot ID": 0,
            "Class ID": "NA",
            "PCI Vendor ID": "0x19E5",
            "PCI Device ID": "0xD500" if wide(group) else "0xD802",
            "Subsystem Vendor ID": "0x0200",
            "Subsystem Device ID": "0x0110" if wide(group) else "0x0100",
            "Chip Count": len(group),
        }
    return "\n".join(line(key, value) for key, value in rows.items())


def health(chip: Chip) -> str:
    """What ``npu-smi info -t health`` prints of a chip: a line for each fault but the first's."""
    codes, texts = chip["codes"], [f"stand-in fault {code}" for code in chip["codes"]]
    rows = [
        line("Health Status", chip["health"]),
        line("Error Code", " ".join(codes) or "NA"),
        line("Error Information", texts[0] if texts else "NA"),
    ]
    return "\n".join(rows + [line("", text) for text in texts[1:]])
