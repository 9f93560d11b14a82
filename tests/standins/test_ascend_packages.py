"""Ascend's packages are refused, installed, cut off and mended as the real ones are."""

import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from roles.lab import LabHost
from roles.spec.installer import Installer, InstallerKind
from tests.standins.ascend import build, npu
from tests.standins.ascend.payload.npu_smi import __main__ as npu_smi
from tests.standins.ascend.payload.npu_smi.tables import Chip
from tests.standins.hardware import deb, kernel
from tests.standins.hardware.booted import booted
from tests.standins.hardware.plug import reboot

HOME = "/usr/local/Ascend"
SRV = "/srv/ascend"
DRIVER = f"{SRV}/Ascend-hdk-310p-npu-driver_25.0.rc1.1_linux-x86-64.run"
FIRMWARE = f"{SRV}/Ascend-hdk-310p-npu-firmware_7.7.0.1.231.run"
NEWER_DRIVER = f"{SRV}/Ascend-hdk-310p-npu-driver_25.5.1_linux-x86-64.run"
NEWER_FIRMWARE = f"{SRV}/Ascend-hdk-310p-npu-firmware_7.8.0.2.212.run"
TOOLKIT = f"{SRV}/Ascend-cann-toolkit_8.5.1_linux-x86_64.run"
OPS = f"{SRV}/Ascend-cann-310p-ops_8.5.1_linux-x86_64.run"
NNAL = f"{SRV}/Ascend-cann-nnal_8.5.1_linux-x86_64.run"
MINDIE = f"{SRV}/Ascend-mindie_3.0.0_linux-x86_64_abi0.run"
FULL = "--full --install-for-all --quiet"
QUIET = "--install --quiet"
NOT_YET = "dcmi module initialize failed. ret is -8005"
PAST_REBOOT = (
    "[INFO]\x1b[32mDriver package installed successfully! "
    "\x1b[0m\x1b[31mReboot needed for installation/upgrade to take effect! \x1b[0m"
)
AT_ONCE = "Driver package installed successfully! The new version takes effect immediately."

# As they were printed, of one card of each kind.
DUO = """\
+--------------------------------------------------------------------------------------------------------+
| npu-smi 25.5.1                                   Version: 25.5.1                                       |
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 1       310P3                 | OK              | NA           40                0     / 0             |
| 0       0                     | 0000:01:00.0    | 0            1400 / 44278                            |
+-------------------------------+-----------------+------------------------------------------------------+
| 1       310P3                 | OK              | NA           40                0     / 0             |
| 1       1                     | 0000:01:00.0    | 0            1401 / 43693                            |
+-------------------------------+-----------------+------------------------------------------------------+
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Chip                  | Process id      | Process name             | Process memory(MB)        |
+===============================+=================+======================================================+
| No running processes found in NPU 1                                                                    |
+===============================+=================+======================================================+"""  # noqa: E501
A2 = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.6                   Version: 23.0.6                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B4               | OK            | 87.2        40                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          28977/ 32768         |
+===========================+===============+====================================================+
+---------------------------+---------------+----------------------------------------------------+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| 0       0                 | 499213        | python                   | 26323                   |
+===========================+===============+====================================================+"""


def _packages(folder: Path) -> dict[str, Path]:
    made: list[Path] = []
    for chip in ("310p", "910b"):
        made += build.hdk(folder, chip)
    made += build.hdk(folder, driver="25.5.1", firmware="7.8.0.2.212")
    made += build.cann(folder, version="8.2.RC1") + build.cann(folder)
    made += build.cann(folder, arch="aarch64")
    made += [build.mindie(folder), build.mindie(folder, version="2.0.RC2", arch="aarch64")]
    made.append(build.atb_models(folder))
    return {path.name: path for path in made}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return _packages(tmp_path_factory.mktemp("ascend"))


def test_the_same_words_make_the_same_bytes(packages: Mapping[str, Path], tmp_path: Path) -> None:
    again = _packages(tmp_path)
    assert {name: path.read_bytes() for name, path in again.items()} == {
        name: path.read_bytes() for name, path in packages.items()
    }


def test_names_are_the_vendors(packages: Mapping[str, Path]) -> None:
    read = {Installer(file=name, sha256="0" * 64).about for name in packages}
    assert len(read) == len(packages)
    assert {package.kind for package in read} == set(InstallerKind) - {InstallerKind.NVIDIA_DRIVER}
    assert {package.abi for package in read} == {None, 0}


def _done(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, words)], text=True, capture_output=True, check=False)


@pytest.mark.parametrize("name", [TOOLKIT, NNAL, MINDIE])
def test_packages_know_themselves(packages: Mapping[str, Path], name: str, tmp_path: Path) -> None:
    made = packages[Path(name).name]
    assert _done("bash", made, "--check").returncode == 0
    assert "./install.sh" in _done(made, "--list").stdout
    assert "--extract" in _done(made, "--help").stdout
    assert _done(made, f"--extract={tmp_path / 'out'}", "--noexec").returncode == 0
    assert (tmp_path / "out/install.sh").is_file()

    whole = made.read_bytes()
    damaged = tmp_path / made.name
    damaged.write_bytes(whole[:-3000] + bytes([whole[-3000] ^ 1]) + whole[-2999:])
    for word in ("--check", "--install"):
        done = _done("bash", damaged, word)
        assert done.returncode == 2
        assert "Error in SHA256 checksums: " in done.stderr


def test_the_models_unpack_into_their_folder(packages: Mapping[str, Path]) -> None:
    name = "Ascend-mindie-atb-models_3.0.0_linux-x86_64_py311_torch2.1.0-abi0.tar.gz"
    with tarfile.open(packages[name]) as opened:
        assert {"set_env.sh", "version.info", "atb_llm-3.0.0-py3-none-any.whl"} <= {
            Path(member).name for member in opened.getnames()
        }


def _chips(chips: list[npu.Chip], **changed: object) -> list[Chip]:
    return [asdict(chip) | changed for chip in chips]


def _asked(words: str, chips: list[Chip], version: str = "25.5.1") -> str:
    return npu_smi.ask(["info", *words.split()], chips, version, version, "7.8.0.2.212")


def test_tables() -> None:
    assert _asked("", _chips(npu.duo())) == DUO
    process = {"pid": 499213, "name": "python", "mib": 26323}
    assert _asked("", _chips(npu.a2(1), processes=[process]), "23.0.6") == A2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-m", "\t1                              1                              1"
               "                              Ascend 310P3\n"),
        ("-m", "\t1                              2                              -"
               "                              Mcu"),
        ("-l", "\tTotal Count                    : 2\n\n\tNPU ID                         : 1\n"),
        ("-t health -i 1 -c 1", "\tHealth Status                  : OK\n"),
        ("-t board -i 2", "\tFirmware Version               : 7.8.0.2.212\n"),
        ("-t board -i 2 -c 1", "\tChip Name                      : 310P3\n"),
        ("-t usages -i 1", "\tDDR Capacity(MB)               : 44278\n"),
        ("-t common -i 1", "\tMemory Usage Rate(%)           : 3\n"),
    ],
)  # fmt: skip
def test_queries(words: str, said: str) -> None:
    assert said in _asked(words, _chips(npu.duo(2)))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-t health -i 3", "Invalid card id."),
        ("-t health -i 1 -c 2", "Error parameter of -c"),
        ("-t health", "Error parameter of -i"),
        ("-t weather -i 1", "Error parameter of -t"),
        ("--all", "Error parameter of -t"),
    ],
)
def test_queries_of_what_is_not_there(words: str, why: str) -> None:
    with pytest.raises(npu_smi.UsageError, match=why):
        _asked(words, _chips(npu.duo()))


@pytest.fixture(scope="module")
def hosts(
    packages: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[LabHost]]:
    """Hosts with a card, the vendor's files and the system's packages, and nothing installed."""
    tools = deb.repository(tmp_path_factory.mktemp("tools"), [*kernel.packages(), *npu.packages()])
    with booted("ascend", 3) as made:
        for host in made:
            for folder, files in ((SRV, packages.values()), ("/root", tools.glob("*.deb"))):
                target = Path(host.disk.root) / folder.lstrip("/")
                target.mkdir(exist_ok=True)
                for file in files:
                    (target / file.name).write_bytes(file.read_bytes())
            npu.plug(host, npu.duo())
        yield made


def _said(host: LabHost, command: str, code: int = 0) -> str:
    done = host.run(command)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.strip()


def _ready(host: LabHost) -> None:
    _said(host, "useradd -m HwHiAiUser && dpkg -i /root/*.deb")


def _cut_off(host: LabHost, command: str, point: str) -> None:
    """Take the host's power while an installer is at a point."""
    npu.pause(host, point, 60)
    _said(host, f"systemd-run -q bash -c '{command}'")
    until = time.monotonic() + 60
    while point not in npu.reached(host) and time.monotonic() < until:
        time.sleep(0.05)
    assert npu.reached(host)[-1] == point
    host.crash()
    host.start()


@pytest.mark.lab
def test_drivers_want_their_order(hosts: list[LabHost]) -> None:
    host = hosts[0]

    def refused(why: str, command: str = f"bash {DRIVER} {FULL}") -> None:
        assert why in _said(host, command, 1)

    refused("ERR_NO:0x0091;ERR_DES:HwHiAiUser not exists! Please add HwHiAiUser")
    _said(host, "useradd -m HwHiAiUser")
    refused("[ERROR]The list of missing tools: lspci,ifconfig,")
    _said(host, "cd /root && dpkg -i pciutils_* net-tools_*")
    refused("Drv_dkms_env_check failed, details in : /var/log/ascend_seclog/ascend_install.log")
    _said(host, "cd /root && dpkg -i gcc_* make_* dkms_*")
    refused(
        "Do you want to try build driver after input kernel", f"bash {DRIVER} {FULL} </dev/null"
    )
    _said(host, "dpkg -i /root/*.deb")
    refused("The current installation package and environment is not match, please check.",
            f"bash {DRIVER.replace('310p', '910b')} {FULL}")  # fmt: skip
    refused("Driver package is not installed", f"bash {FIRMWARE} {FULL}")

    assert PAST_REBOOT in _said(host, f"bash {DRIVER} {FULL}", 2)
    assert _said(host, "npu-smi info", 1) == NOT_YET
    assert "Firmware package installed successfully! Reboot now or after driver installation" in (
        _said(host, f"bash {FIRMWARE} {FULL}", 2)
    )
    reboot(host)
    assert _said(host, "npu-smi info") == DUO.replace("25.5.1    ", "25.0.rc1.1")
    assert "Firmware Version               : 7.7.0.1.231" in _said(
        host, "npu-smi info -t board -i 1"
    )
    assert '"version":7.7.0.1.231}' in _said(
        host, f"{HOME}/driver/tools/upgrade-tool --device_index -1 --system_version"
    )

    # What is there is overwritten the other way round, and not below anybody who uses it.
    npu.occupy(host, 1, 1, pid=4321, name="python3", mib=10000)
    refused("The davinci nodes are occupied by some processes", f"bash {NEWER_DRIVER} {FULL}")
    npu.release(host)
    _said(host, f"bash {NEWER_FIRMWARE} --upgrade --quiet", 2)
    assert "Driver package upgraded successfully! " in (
        _said(host, f"bash {NEWER_DRIVER} --upgrade --quiet", 2)
    )
    assert _said(host, "npu-smi info", 1) == NOT_YET
    refused("the driver has to take effect by a reboot first", f"bash {NEWER_FIRMWARE} {FULL}")
    reboot(host)
    npu.break_npu(host, 1, 1, codes=["80E01801"])
    assert "Health Status                  : Alarm\n" in _said(
        host, "npu-smi info -t health -i 1 -c 1"
    )
    assert _said(host, f"{HOME}/driver/script/uninstall.sh").endswith(
        "Reboot needed for uninstallation to take effect! \x1b[0m"
    )
    reboot(host)
    assert host.run("npu-smi info").returncode == 127
    assert "drv_pcie_host" not in _said(host, "lsmod")


@pytest.mark.lab
def test_a_driver_that_was_cut_off_is_installed_again(hosts: list[LabHost]) -> None:
    host = hosts[1]
    _ready(host)
    version = f"head -n 1 {HOME}/driver/version.info"
    for point in ("driver-ko", "driver-version"):
        _cut_off(host, f"bash {DRIVER} {FULL}", point)
    # It says what it was to become, and is not.
    assert _said(host, version) == "Version=25.0.rc1.1"
    assert _said(host, "npu-smi info", 1) == NOT_YET
    _said(host, f"bash {DRIVER} {FULL}", 2)
    reboot(host)
    assert "Version: 25.0.rc1.1" in _said(host, "npu-smi info")

    _cut_off(host, f"bash {NEWER_DRIVER} {FULL}", "driver-copy")
    assert host.run(version).returncode
    npu.start_at_once(host)
    assert AT_ONCE in _said(host, f"bash {NEWER_DRIVER} {FULL}")
    assert "Version: 25.5.1" in _said(host, "npu-smi info")


@pytest.mark.lab
def test_what_serves_wants_its_order(hosts: list[LabHost]) -> None:
    host = hosts[2]
    sourced = f"source {HOME}/cann/set_env.sh"

    def refused(why: str, command: str) -> None:
        assert why in _said(host, f"{command} </dev/null", 1)

    refused("There is no python3.7,python3.8", f"bash {TOOLKIT} {QUIET}")
    _ready(host)
    refused("is not consistent with the current enviroment architecture x86_64.",
            f"bash {TOOLKIT.replace('x86_64', 'aarch64')} {QUIET}")  # fmt: skip
    refused("can not find toolkit 8.5.1", f"bash {OPS} {QUIET}")
    refused("Reject EULA, quit to install", f"bash {TOOLKIT} --install")
    _cut_off(host, f"bash {TOOLKIT} {QUIET}", "toolkit-links")
    assert host.run(sourced).returncode
    success = "Ascend-cann-toolkit_8.5.1_linux-x86_64 install success, installed in "
    assert success in _said(host, f"bash {TOOLKIT} {QUIET}")
    _said(host, f"bash {OPS} {QUIET}")

    refused("Check owner failed", f"bash {NNAL} {QUIET}")
    assert "Ascend-cann-nnal_8.5.1_linux-x86_64.run install success" in (
        _said(host, f"{sourced} && bash {NNAL} {QUIET}")
    )
    refused("please source cann set_env.sh first.", f"bash {MINDIE} {QUIET}")
    _cut_off(host, f"{sourced} && bash {MINDIE} {QUIET}", "mindie-latest")
    assert host.run(f"test -e {HOME}/mindie/latest").returncode
    _said(host, f"{sourced} && bash {MINDIE} {QUIET}")
    files = (
        f"{HOME}/ascend-toolkit/latest/x86_64-linux/ascend_toolkit_install.info",
        f"{HOME}/cann/x86_64-linux/ascend_toolkit_install.info",
        f"{HOME}/nnal/atb/latest/version.info",
        f"{HOME}/mindie/latest/version.info",
        f"{HOME}/mindie/latest/mindie-service/bin/mindieservice_daemon",
    )
    there = [file for file in files if not host.run(f"test -f {file}").returncode]
    assert there == list(files)

    # What sourcing it does to a host, and to whoever has words of its own.
    environment = (
        f"touch /dev/shm/of-others && set -- --nonsense && {sourced}"
        f" && source {HOME}/mindie/set_env.sh && ls /dev/shm && echo $MIES_INSTALL_PATH"
    )
    assert _said(host, environment).splitlines() == [
        "Usage: source set_env.sh --backend=<backend>",
        f"{HOME}/mindie/latest/mindie-service",
    ]


@pytest.mark.lab
def test_an_old_toolkit_is_asked_for_its_folder_once(hosts: list[LabHost]) -> None:
    host = hosts[2]
    old = TOOLKIT.replace("8.5.1", "8.2.RC1")
    _said(host, "dpkg -i /root/*.deb")
    _said(host, f"bash {old} {QUIET}")
    assert _said(host, f"cat {HOME}/ascend-toolkit/latest/toolkit/version.info").startswith(
        "Version=8.2.0.0.201\nversion_dir=8.2.RC1\n"
    )
    assert "'install-path' parameter are not supported." in (
        _said(host, f"bash {old} {QUIET} --install-path=/opt", 1)
    )
