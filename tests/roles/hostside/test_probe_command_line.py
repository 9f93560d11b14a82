"""What somebody sent is read on any machine: a checkout, a Python, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "roles" / "hostside" / "probe.py"

INFO = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 25.5.1                   Version: 25.5.1                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 3     910B4               | OK            | 91.4        36                0    / 0             |
| 0                         | 0000:82:00.0  | 0           0    / 0          2811 / 65536         |
+===========================+===============+====================================================+
"""
MAP = """\
NPU ID                         Chip ID                        Chip Logic ID                  Chip Name
3                              0                              5                              Ascend 910B4
3                              1                              -                              Mcu
"""  # noqa: E501
NVIDIA = """\
==============NVSMI LOG==============

Driver Version                            : 570.124.06
CUDA Version                              : 12.8

Attached GPUs                             : 1
GPU 00000000:3B:00.0
    Product Name                          : NVIDIA L40S
    FB Memory Usage
        Total                             : 46068 MiB
        Reserved                          : 598 MiB
        Used                              : 4 MiB
        Free                              : 45466 MiB
"""
LOG = "[ 4711.250000] NVRM: Xid (PCI:0000:3b:00): 79, pid=812, GPU has fallen off the bus.\n"


def _ran(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    # Neither packages nor variables: as on the machine of somebody who looks at a report.
    command = [sys.executable, "-S", "-E", str(SCRIPT), *words]
    return subprocess.run(command, input=given, capture_output=True, text=True, cwd="/", env={})


def _read(option: str, text: str, folder: Path) -> Any:
    """Return what is printed of a file, which is what is printed of the same as the input."""
    (folder / "sent").write_text(text)
    ran = _ran(option, str(folder / "sent"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert _ran(option, "-", given=text).stdout == ran.stdout
    return json.loads(ran.stdout)


def test_npu_smi_info(tmp_path: Path) -> None:
    found = _read("--npu-smi-info", INFO, tmp_path)
    assert (found["npu_smi"], found["unknown"]) == ("25.5.1", [])
    (npu,) = found["devices"]
    assert (npu["npu"], npu["kind"], npu["total_mib"]) == (3, "a2", 65536)


def test_npu_smi_map(tmp_path: Path) -> None:
    chip = {"npu": 3, "chip": 0, "logic": 5, "name": "Ascend 910B4"}
    assert chip in _read("--npu-smi-map", MAP, tmp_path)


def test_nvidia_smi(tmp_path: Path) -> None:
    found = _read("--nvidia-smi", NVIDIA, tmp_path)
    assert (found["driver"], found["cuda"]) == ("570.124.06", "12.8")
    (gpu,) = found["devices"]
    assert (gpu["name"], gpu["total_mib"], gpu["ecc"]) == ("NVIDIA L40S", 46068, None)


def test_kernel_log(tmp_path: Path) -> None:
    (found,) = _read("--kernel-log", LOG, tmp_path)
    assert (found["at_s"], found["xid"]) == (4711.25, 79)


def test_ascend_root(tmp_path: Path) -> None:
    driver = tmp_path / "usr/local/Ascend/driver/version.info"
    driver.parent.mkdir(parents=True)
    driver.write_text("Version=25.5.1\n")
    ran = _ran("--ascend-root", str(tmp_path))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["hdk"]["driver"] == "25.5.1"


@pytest.mark.parametrize(
    "option",
    ["--npu-smi-info", "--npu-smi-map", "--nvidia-smi", "--kernel-log", "--ascend-root"],
)
def test_nothing_to_read(option: str) -> None:
    ran = _ran(option, "/nowhere")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "probe.py: /nowhere: No such file or directory\n"


def test_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    ran = _ran("--kernel-log", str(tmp_path))
    assert (ran.returncode, ran.stderr) == (1, f"probe.py: {tmp_path}: Is a directory\n")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "sent").write_bytes(b"\xff\xfe" + LOG.encode())
    ran = _ran("--kernel-log", str(tmp_path / "sent"))
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("words", [(), ("--npu-smi-info",), ("{}", "--kernel-log", "-")])
def test_wrong_use(words: tuple[str, ...]) -> None:
    ran = _ran(*words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("usage: probe.py ")


def test_question_that_is_no_json() -> None:
    ran = _ran("{weights_root: /srv}")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("probe.py: {weights_root: /srv}: Expecting property name")
