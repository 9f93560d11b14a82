"""
NVIDIA's driver and container toolkit as packages, by the names of NVIDIA's repository for Debian
12 and by those of Ubuntu 22.04, as far as a host without a display needs them.

What apt, dpkg and systemd do about them is theirs. The packages' own: the module is built by DKMS
when it is configured; the daemons are started then, in vain if the driver cannot be loaded; nouveau
is blacklisted, which takes a reboot to matter. The fabric manager and what its package leaves
disabled are the same on both. Ubuntu has the branch in each name, so that a change of branch
replaces packages instead of upgrading them.
"""

from pathlib import Path

from tests.standins.hardware import deb, kernel
from tests.standins.hardware.deb import Content, Link, Package
from tests.standins.nvidia.build import FILES, FOLDER, SONAME, library

VERSIONS = ("570.133.20", "580.65.06", "580.95.05")
TOOLKITS = ("1.17.8", "1.18.0")
_CUDA = {"535": 12020, "550": 12040, "570": 12080, "575": 12090, "580": 13000, "590": 13010}
_BLACKLIST = "blacklist nouveau\noptions nouveau modeset=0\n"
_HOOK = "nvidia-container-runtime-hook"
_START = """\
#!/bin/sh
set -e
systemctl daemon-reload
systemctl enable {unit}
systemctl restart {unit} || true
"""
_STOP = """\
#!/bin/sh
set -e
if [ "$1" = remove ]; then
    systemctl disable --now {unit}
fi
"""


def cuda(version: str) -> int:
    """Return the CUDA that a driver's branch brings, as NVML says it."""
    return _CUDA[version.partition(".")[0]]


def repository(folder: Path, versions: tuple[str, ...] = VERSIONS) -> Path:
    """Leave Debian's packages in ``folder``, for each of these drivers and for every toolkit."""
    made = [package for version in versions for package in debian(version)]
    made += [package for version in TOOLKITS for package in toolkit(version)]
    return deb.repository(folder, [*made, *kernel.packages()])


def ubuntu_repository(folder: Path, versions: tuple[str, ...] = VERSIONS) -> Path:
    """Leave Ubuntu's packages in ``folder`` likewise."""
    made = [package for version in versions for package in ubuntu(version)]
    return deb.repository(folder, [*made, *kernel.packages()])


def debian(version: str) -> list[Package]:
    """Return the packages of NVIDIA's own repository."""
    full = f"{version}-1"

    def same(*names: str) -> str:
        return ", ".join(f"{name} (= {full})" for name in names)

    open_module, closed_module = "nvidia-kernel-open-dkms", "nvidia-kernel-dkms"
    support = f"dkms, {same('nvidia-kernel-support', 'firmware-nvidia-gsp')}"
    smi = same("libnvidia-ml1", "libcuda1", "nvidia-modprobe", "nvidia-persistenced")
    return [
        Package(
            name="nvidia-open",
            version=full,
            relations={"Depends": same(open_module, "nvidia-driver-cuda")},
        ),
        Package(
            name="cuda-drivers",
            version=full,
            relations={"Depends": same(closed_module, "nvidia-driver-cuda")},
        ),
        _module(open_module, full, {"Depends": support, "Conflicts": closed_module}),
        _module(closed_module, full, {"Depends": support, "Conflicts": open_module}),
        Package(
            name="nvidia-kernel-support",
            version=full,
            files={
                "/etc/modprobe.d/nvidia.conf": _BLACKLIST,
                "/usr/lib/nvidia/alternate-install-present": "Debian packages\n",
            },
        ),
        Package(name="firmware-nvidia-gsp", version=full),
        Package(name="libcuda1", version=full, relations={"Recommends": same(open_module)}),
        Package(name="libnvidia-ml1", version=full, files=libraries(version)),
        Package(name="nvidia-driver-cuda", version=full, files=_smi(), relations={"Depends": smi}),
        Package(name="nvidia-modprobe", version=full, files=_modprobe()),
        _persistenced("nvidia-persistenced", full, same("libnvidia-ml1", "nvidia-modprobe")),
        _fabric_manager("nvidia-fabricmanager", full),
    ]


def ubuntu(version: str) -> list[Package]:
    """Return the packages of Ubuntu's branch for servers, with the open module."""
    full, branch = f"{version}-0ubuntu0.22.04.1", version.partition(".")[0] + "-server"

    def same(*names: str) -> str:
        return ", ".join(f"{name} (= {full})" for name in names)

    def only(name: str) -> dict[str, str]:
        return {"Provides": name, "Conflicts": name, "Replaces": name}

    no_dkms, dkms = f"nvidia-headless-no-dkms-{branch}-open", f"nvidia-dkms-{branch}-open"
    compute, utils = f"libnvidia-compute-{branch}", f"nvidia-compute-utils-{branch}"
    common = f"nvidia-kernel-common-{branch}"
    return [
        Package(
            name=f"nvidia-headless-{branch}-open",
            version=full,
            relations={"Depends": same(no_dkms, dkms), **only("nvidia-headless")},
        ),
        Package(name=no_dkms, version=full, relations={"Depends": same(compute, utils, common)}),
        _module(dkms, full, {"Depends": f"dkms, {same(common)}", **only("nvidia-dkms-kernel")}),
        Package(
            name=common,
            version=full,
            files={"/usr/lib/modprobe.d/nvidia-graphics-drivers.conf": _BLACKLIST, **_modprobe()},
            relations=only("nvidia-kernel-common"),
        ),
        Package(
            name=compute, version=full, files=libraries(version), relations=only("libnvidia-ml1")
        ),
        _persistenced(utils, full, same(compute), only("nvidia-compute-utils")),
        Package(
            name=f"nvidia-utils-{branch}",
            version=full,
            files=_smi(),
            relations={"Depends": same(compute), **only("nvidia-utils")},
        ),
        _fabric_manager(f"nvidia-fabricmanager-{version.partition('.')[0]}", full),
    ]


def toolkit(version: str) -> list[Package]:
    """Return the packages of the container toolkit; from 1.18 on it writes CDI files itself."""
    full = f"{version}-1"
    files: dict[str, Content] = {
        "/usr/bin/nvidia-ctk": program("nvidia-ctk").replace("@VERSION@", version)
    }
    scripts = {}
    if tuple(map(int, version.split("."))) >= (1, 18):
        for unit in ("nvidia-cdi-refresh.service", "nvidia-cdi-refresh.path"):
            files[f"/etc/systemd/system/{unit}"] = program(unit)
        units = "nvidia-cdi-refresh.path nvidia-cdi-refresh.service"
        scripts = {"postinst": _START.format(unit=units), "prerm": _STOP.format(unit=units)}
    base, tools = "nvidia-container-toolkit-base", "libnvidia-container-tools"
    return [
        Package(
            name="nvidia-container-toolkit",
            version=full,
            files={f"/usr/bin/{_HOOK}": program(_HOOK)},
            relations={"Depends": f"{base} (= {full}), {tools} (= {full})"},
        ),
        Package(name=base, version=full, files=files, scripts=scripts),
        Package(
            name=tools, version=full, relations={"Depends": f"libnvidia-container1 (= {full})"}
        ),
        Package(name="libnvidia-container1", version=full),
    ]


def libraries(version: str) -> dict[str, Content]:
    """Return the management library and its names."""
    own = f"libnvidia-ml.so.{version}"
    return {f"{FOLDER}/{own}": library(), f"{FOLDER}/{SONAME}": Link(own)}


def module(version: str, license_: str) -> str:
    """Return the file of the kernel's part."""
    return f"version={version}\nlicense={license_}\ncuda={cuda(version)}\n"


def program(name: str) -> str:
    """Return a program's text."""
    return (FILES / "programs" / name).read_text()


def _smi() -> dict[str, Content]:
    return {"/usr/bin/nvidia-smi": program("nvidia-smi")}


def modprobe() -> str:
    """Return the program that loads the module for whoever asks the library."""
    return "#!/bin/sh\nexec /usr/sbin/modprobe nvidia\n"


def _modprobe() -> dict[str, Content]:
    return {"/usr/bin/nvidia-modprobe": modprobe()}


def _module(name: str, full: str, relations: dict[str, str]) -> Package:
    version = full.partition("-")[0]
    text = module(version, "Dual MIT/GPL" if "open" in name else "NVIDIA")
    lines = "".join(f"module.{line}\n" for line in text.splitlines())
    return Package(
        name=name,
        version=full,
        files={f"/usr/src/nvidia-{version}/dkms.conf": f"modules=nvidia\n{lines}"},
        relations=relations,
        scripts={
            "postinst": f"#!/bin/sh\nset -e\n/usr/lib/dkms/common.postinst nvidia {version}\n",
            "prerm": f"#!/bin/sh\nset -e\ndkms remove -m nvidia -v {version} --all || true\n",
        },
    )


def _persistenced(
    name: str, full: str, depends: str, others: dict[str, str] | None = None
) -> Package:
    return _daemon(
        name, full, "nvidia-persistenced", _START, {"Depends": depends, **(others or {})}
    )


def _fabric_manager(name: str, full: str) -> Package:
    # Whether to enable it is left to who knows that there are NVSwitches.
    reload = "#!/bin/sh\nset -e\nsystemctl daemon-reload\n"
    relations = {"Provides": "nvidia-fabricmanager"} if name != "nvidia-fabricmanager" else {}
    return _daemon(name, full, "nvidia-fabricmanager", reload, relations)


def _daemon(name: str, full: str, unit: str, postinst: str, relations: dict[str, str]) -> Package:
    executable = {"nvidia-fabricmanager": "nv-fabricmanager"}.get(unit, unit)
    version = full.partition("-")[0]
    return Package(
        name=name,
        version=full,
        files={
            f"/usr/bin/{executable}": program(executable).replace("@VERSION@", version),
            f"/lib/systemd/system/{unit}.service": program(f"{unit}.service"),
        },
        relations=relations,
        scripts={"postinst": postinst.format(unit=unit), "prerm": _STOP.format(unit=unit)},
    )
