"""
Makes the vendor's packages, under the vendor's names, the same bytes from the same words.

They want what the real ones want, in the same order: users, tools, a compiler and the kernel's
headers, a reboot, an environment that was sourced. They say what the real ones say, colours
included, end with the same codes, and leave the same files, a few bytes each. What a script of
theirs could not be made to say for want of a source has a comment there.

That there are packages of Atlas 800I A2 (``910b``) for x86_64 is the lab's invention: those hosts
are aarch64 only.
"""

import gzip
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

from tests.standins.ascend import versions
from tests.standins.ascend.runfile import about, carried, write
from tests.standins.hardware.deb import Content, tar
from tests.standins.mindie import build as server
from tests.standins.openai import wheel as openai

_PCI = {"910b": "0xd802", "310p": "0xd500"}
_HDK = ("common.sh", "hdk.sh", "off.sh", "uninstall.sh")
_EULA = "END USER LICENSE AGREEMENT of a stand-in: it may be used for tests.\n"
_CONFIG = '{\n    "Version" : "1.0.0"\n}\n'
_DAEMON = "#!/bin/sh\necho 'Failed to init endpoint! The stand-in serves nothing.'\nexit 1\n"


class Hdk(NamedTuple):
    """Driver and firmware."""

    driver: Path
    firmware: Path


class Cann(NamedTuple):
    """The packages of one version of CANN; up to 8.3 ``ops`` are called kernels."""

    toolkit: Path
    ops: Path
    nnal: Path


def hdk(
    folder: Path,
    chip: str = "310p",
    driver: str = "25.0.rc1.1",
    firmware: str = "7.7.0.1.231",
    arch: str = "x86_64",
) -> Hdk:
    """Write driver and firmware for a family of chips, ``310p`` or ``910b``."""
    spelled = arch.replace("_", "-")
    of_driver = {
        "install.sh": carried("driver.sh")["driver.sh"],
        "version.info": versions.driver(driver, chip),
        "about.sh": about(
            label="Driver",
            version=driver,
            chip=chip,
            pci=_PCI[chip],
            arch=arch,
            arch_spelled=spelled,
            goes_with=versions.firmware_of(driver, chip),
        ),
        **carried(*_HDK, "npu_smi", "npu-smi", "hccn_tool", "upgrade-tool"),
    }
    of_firmware = {
        "install.sh": carried("firmware.sh")["firmware.sh"],
        "version.info": versions.firmware(firmware, chip),
        "about.sh": about(
            label="Firmware",
            version=firmware,
            chip=chip,
            pci=_PCI[chip],
            goes_with=versions.drivers_of(firmware, chip),
        ),
        **carried(*_HDK),
    }
    return Hdk(
        driver=write(
            folder / f"Ascend-hdk-{chip}-npu-driver_{driver}_linux-{spelled}.run",
            title="ASCEND DRIVER RUN PACKAGE",
            files=of_driver,
            checks_more=True,
        ),
        firmware=write(
            folder / f"Ascend-hdk-{chip}-npu-firmware_{firmware}.run",
            title=f"ASCEND-HDK-{chip.upper()}-NPU FIRMWARE RUN PACKAGE",
            files=of_firmware,
            checks_more=True,
        ),
    )


def cann(folder: Path, chip: str = "310p", version: str = "8.5.1", arch: str = "x86_64") -> Cann:
    """Write the toolkit, what it needs for a family of chips, and NNAL."""
    old = tuple(int(number) for number in version.split(".")[:2]) < (8, 5)
    ops, label = (f"kernels-{chip}", f"kernels_{chip}") if old else (f"{chip}-ops", f"ops_{chip}")
    parts = {"toolkit": "Toolkit", ops: label, "nnal": "nnal"}
    made = {}
    for package, name in parts.items():
        files = {
            "install.sh": carried("cann.sh")["cann.sh"],
            "about.sh": about(
                package=package,
                label=name,
                version=version,
                inner=versions.inner(version),
                chip=chip,
                arch=arch,
                old_layout="y" if old else "",
            ),
            "component.info": versions.component(version),
            "version.cfg": versions.configuration(version),
            "toolkit.info": versions.toolkit(version, arch),
            "version.info": versions.nnal(version, arch),
            "set_env.sh": carried(f"{package}_set_env.sh").popitem()[1] if package != ops else "",
            **carried("common.sh", "cann_uninstall.sh"),
        }
        made[package] = write(
            folder / f"Ascend-cann-{package}_{version}_linux-{arch}.run",
            title="ASCEND_RUN_PACKAGE",
            files=files,
        )
    return Cann(toolkit=made["toolkit"], ops=made[ops], nnal=made["nnal"])


def mindie(
    folder: Path,
    version: str = "3.0.0",
    abi: int = 0,
    arch: str = "x86_64",
    service: Path | None = None,
) -> Path:
    """
    Write MindIE.

    :param service: a folder whose files become ``mindie-service``: a stand-in of the server in
        ``bin/mindieservice_daemon`` and its settings in ``conf/config.json``
    """
    brought = {"bin/mindieservice_daemon": _DAEMON.encode(), "conf/config.json": _CONFIG.encode()}
    if service:
        found = sorted(path for path in service.rglob("*") if path.is_file())
        brought |= {path.relative_to(service).as_posix(): path.read_bytes() for path in found}
    files: dict[str, str | bytes] = {
        "install.sh": carried("mindie.sh")["mindie.sh"],
        "about.sh": about(version=version, arch=arch),
        "version.info": versions.mindie(version, arch),
        "eula_en.txt": _EULA,
        **{f"service/{name}": content for name, content in brought.items()},
        **carried(
            "common.sh",
            "mindie_set_env.sh",
            "service_set_env.sh",
            "llm_set_env.sh",
            "mindie_uninstall.sh",
        ),
    }
    number = tuple(int(part) for part in version.split(".")[:2])
    suffix = f"_abi{abi}" if number >= (2, 1) else ""
    return write(
        folder / f"Ascend-mindie_{version}_linux-{arch}{suffix}.run",
        title="ASCEND MINDIE RUN PACKAGE",
        files=files,
    )


def atb_models(
    folder: Path,
    version: str = "3.0.0",
    python: str = "3.11",
    torch: str = "2.1.0",
    abi: int = 0,
    arch: str = "x86_64",
    questions: Path | None = None,
) -> Path:
    """
    Write the archive of the ATB models, which is unpacked into its folder as it is.

    :param questions: what the dialogue with a model knows the answers to; see ``wheel.build``
    """
    wheel = f"/atb_llm-{version}-py3-none-any.whl"
    files: dict[str, Content] = {
        "/set_env.sh": carried("atb_models_set_env.sh")["atb_models_set_env.sh"],
        "/version.info": versions.atb_models(version, arch),
        wheel: _wheel("atb_llm", version),
        **{f"/{name[len('models/') :]}": text for name, text in carried("models").items()},
        "/examples/run_pa.py": "raise SystemExit('a stand-in runs nothing')\n",
        "/lib/libatb_speed_torch.so": f"{version}\n",
    }
    if version.startswith("3."):
        # Before there was no Qwen3-VL, and no dialogue with it.
        truth = openai.truth(questions) if questions else b"[]"
        files["/lib/libmindie_standin.zip"] = server.library(truth, version)
        for name in ("run_pa.sh", "qwen3_vl.py"):
            text = carried(f"dialogue/{name}").popitem()[1]
            files[f"/examples/models/qwen3_vl/{name}"] = text
    name = f"{version}_linux-{arch}_py{python.replace('.', '')}_torch{torch}-abi{abi}"
    target = folder / f"Ascend-mindie-atb-models_{name}.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    # Which zlib this machine has must not show, hence no compression.
    target.write_bytes(gzip.compress(tar(files), compresslevel=0, mtime=0))
    return target


def _wheel(package: str, version: str) -> bytes:
    info = f"{package}-{version}.dist-info"
    files = {
        f"{package}/__init__.py": f'__version__ = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: standin\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name, text in files.items():
            opened.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), text)
    return made.getvalue()
