"""From many states of a host to its pinned driver: the steps of each, up to the next reboot."""

from typing import Any

import pytest

from roles import cuda
from roles.platform import PlatformError, Step
from roles.spec import (
    ContainerToolkit,
    CudaDriver,
    DriverPackages,
    DriverRunFile,
    Folder,
    HostSpec,
    Installer,
)
from tests.roles import devices
from tests.roles.faked import bare
from tests.roles.spec.nouns import HASH, Nouns

V, OLD = "580.95.05", "570.133.20"
KERNEL = "6.1.0-25-amd64"
NAMES = ("nvidia-driver-580-server", "nvidia-utils-580-server")
SWITCH = devices.card(slot="0000:81:00.0", device="0x22a3", what="NVSwitch", driver=None)
RUN_TOOLS = ["dkms", "gcc", "make"]
SERVICES = ["nvidia-hold", "nvidia-persistence"]
LOAD = ["nvidia-load", "nvidia-persistence"]
REPAIRS = ["dpkg-configure", "apt-repair"]

Found = dict[str, Any]


def packages(version: str | None, *, held: bool = True, whole: bool = True) -> Found:
    """Return what dpkg tells of a driver's packages and of a kernel's."""
    found: Found = {f"linux-image-{KERNEL}": {"version": "6.1.1-1", "held": held, "whole": True}}
    for name in NAMES if version else ():
        full = f"{version}-0ubuntu0.22.04.1"
        found[name] = {"version": full, "held": held, "whole": whole}
    return found


def fresh() -> Found:
    """Return a host as its OS came: nothing of NVIDIA's, no headers, nouveau not loaded."""
    found = bare()
    found["system"] = {**found["system"], "headers": False, "nouveau": False}
    cards = [devices.card(slot=f"0000:0{n}:00.0", driver=None) for n in (6, 7)]
    found["accelerators"] = {"pci": cards, "cuda": None, "ascend": None}
    found["platform"] = {
        "began": {},
        "reboot": None,
        "cuda": {
            "packages": packages(None, held=False),
            "library": None,
            "module": None,
            "loaded": None,
            "nouveau_off": False,
            "persistence": None,
            "cdi": None,
            "tools": ["update-initramfs"],
        },
    }
    return found


def ready(version: str = V) -> Found:
    """Return a host with a driver, all of it as it should be."""
    found = fresh()
    found["system"]["headers"] = True
    found["accelerators"]["pci"] = [devices.card(), devices.card(slot="0000:07:00.0")]
    gpus = [devices.gpu(n) for n in range(2)]
    found["accelerators"]["cuda"] = devices.cuda(*gpus, driver=version)
    found["platform"]["cuda"] |= {
        "packages": packages(version),
        "library": version,
        "module": version,
        "loaded": version,
        "nouveau_off": True,
        "persistence": "enabled",
        "tools": ["update-initramfs", "nvidia-persistenced", *RUN_TOOLS],
    }
    return found


def with_files(found: Found, **fields: Any) -> Found:
    """Return the host with other files."""
    found["platform"]["cuda"] |= fields
    return found


def silent(found: Found, code: int, name: str) -> Found:
    """Return the host whose driver answers with an error alone."""
    error = {"code": code, "name": name, "text": "…"}
    fields = {"driver": None, "cuda": None, "error": error}
    found["accelerators"]["cuda"] = devices.cuda(**fields)
    return found


def mismatch(found: Found) -> Found:
    """Return the host whose module is older than its library."""
    return silent(with_files(found, loaded=OLD), 18, "lib-rm-version-mismatch")


def not_loaded(found: Found) -> Found:
    """Return the host whose module is not in the kernel."""
    for card in found["accelerators"]["pci"]:
        card["driver"] = None
    return silent(with_files(found, loaded=None), 9, "driver-not-loaded")


def with_nouveau(found: Found) -> Found:
    """Return the host with the other driver loaded."""
    found["system"]["nouveau"] = True
    for card in found["accelerators"]["pci"]:
        card["driver"] = "nouveau"
    return found


def began(found: Found, *names: str) -> Found:
    """Return the host on which steps were cut short."""
    found["platform"]["began"] = {name: {"at": "…"} for name in names}
    return found


def switched(found: Found, *, active: bool | None = None, version: str | None = V) -> Found:
    """Return the host with NVSwitches, and a fabric manager unless ``active`` is ``None``."""
    found["accelerators"]["pci"].append(dict(SWITCH))
    if active is not None:
        unit = {"unit": "nvidia-fabricmanager.service", "active": active, "version": version}
        found["accelerators"]["cuda"]["fabric_manager"] = unit
        full = {"version": f"{version}-1", "held": True, "whole": True}
        found["platform"]["cuda"]["packages"]["nvidia-fabricmanager-580"] = full
    return found


def from_packages(nouns: Nouns, version: str = V, **fields: Any) -> HostSpec:
    source = DriverPackages(names=NAMES, fabric_manager="nvidia-fabricmanager-580")
    return nouns.host(driver=CudaDriver(version=version, source=source), **fields)


def from_file(nouns: Nouns, version: str = V, **fields: Any) -> HostSpec:
    installer = Installer(file=f"NVIDIA-Linux-x86_64-{version}.run", sha256=HASH)
    source = DriverRunFile(installer=installer, fabric_manager="nvidia-fabricmanager-580")
    driver = CudaDriver(version=version, source=source)
    return nouns.host(driver=driver, installers=Folder(path=nouns.folder), **fields)


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.name for step in steps]


def one(steps: tuple[Step, ...], name: str) -> Step:
    (found,) = [step for step in steps if step.name == name]
    return found


def reboots(steps: tuple[Step, ...]) -> list[str]:
    return [step.name for step in steps if step.always_reboot]


PACKAGES: dict[str, tuple[Found, list[str], list[str]]] = {
    "fresh": (
        fresh(),
        [
            "apt-update", f"build-tools-{KERNEL}", "nouveau-off", f"nvidia-driver-{V}",
            "nvidia-hold", "nvidia-load", "nvidia-persistence",
        ],
        [],
    ),
    "fresh, nouveau loaded": (
        with_nouveau(fresh()),
        [
            "apt-update", f"build-tools-{KERNEL}", "nouveau-off", f"nvidia-driver-{V}", *SERVICES,
        ],
        ["nouveau-off"],
    ),
    "ready": (ready(), [], []),
    "older driver loaded": (
        ready(OLD),
        ["apt-update", f"nvidia-driver-{V}-download", f"nvidia-driver-{V}", "nvidia-hold"],
        [f"nvidia-driver-{V}"],
    ),
    "newer driver loaded": (
        ready("590.48.01"),
        ["apt-update", f"nvidia-driver-{V}-download", f"nvidia-driver-{V}", "nvidia-hold"],
        [f"nvidia-driver-{V}"],
    ),
    "installed, the old one still loaded": (
        mismatch(ready()), [f"nvidia-reload-{V}"], [f"nvidia-reload-{V}"],
    ),
    "installed, nothing loaded": (not_loaded(ready()), LOAD, []),
    "installed, no module for this kernel": (
        with_files(not_loaded(ready()), module=None), [f"nvidia-module-{V}", *LOAD], [],
    ),
    "loaded, nobody says from where": (with_files(ready(), module=None), [], []),
    "loaded, the next boot would load another": (
        with_files(ready(), module=OLD), [f"nvidia-module-{V}"], [],
    ),
    "installed, module of another version, old one loaded": (
        with_files(mismatch(ready()), module=OLD),
        [f"nvidia-module-{V}"],
        [f"nvidia-module-{V}"],
    ),
    "not held": (with_files(ready(), packages=packages(V, held=False)), ["nvidia-hold"], []),
    "daemon disabled": (with_files(ready(), persistence="disabled"), ["nvidia-persistence"], []),
    "daemon is the distribution's": (
        with_files(ready(), persistence=None), ["nvidia-persistence"], [],
    ),
    "driver cut short in apt": (
        began(not_loaded(with_files(ready(), packages=packages(V, whole=False))),
              f"nvidia-driver-{V}"),
        [*REPAIRS, "apt-update", f"nvidia-driver-{V}", "nvidia-hold", *LOAD],
        [],
    ),
    "driver cut short, all looks right": (
        began(ready(), f"nvidia-driver-{V}"),
        [*REPAIRS, "apt-update", f"nvidia-driver-{V}", "nvidia-hold"],
        [],
    ),
    "upgrade cut short": (
        began(mismatch(with_files(ready(), packages=packages(V, whole=False))),
              f"nvidia-driver-{V}"),
        [
            *REPAIRS, "apt-update",
            f"nvidia-driver-{V}-download", f"nvidia-driver-{V}", "nvidia-hold",
        ],
        [f"nvidia-driver-{V}"],
    ),
    "step of another plan cut short": (began(ready(), f"nvidia-driver-{OLD}"), REPAIRS, []),
    "somebody's package is broken, nothing is to do": (
        with_files(ready(), packages={
            **packages(V), "man-db": {"version": "1", "held": False, "whole": False},
        }),
        [],
        [],
    ),
    "somebody's package is broken": (
        with_files(not_loaded(ready()), packages={
            **packages(V), "man-db": {"version": "1", "held": False, "whole": False},
        }),
        [*REPAIRS, *LOAD],
        [],
    ),
    "fresh with NVSwitches": (
        switched(fresh()),
        [
            "apt-update", f"build-tools-{KERNEL}", "nouveau-off", f"nvidia-driver-{V}",
            "nvidia-hold", "nvidia-load", "nvidia-persistence", "nvidia-fabric-manager",
        ],
        [],
    ),
    "NVSwitches, ready": (switched(ready(), active=True), [], []),
    "NVSwitches, its daemon is down": (
        switched(ready(), active=False), ["nvidia-fabric-manager"], [],
    ),
    "NVSwitches, no fabric manager installed": (
        switched(ready()),
        ["apt-update", f"nvidia-driver-{V}", "nvidia-hold", "nvidia-fabric-manager"],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "steps", "restarts"), PACKAGES.values(), ids=PACKAGES)
def test_packages(found: Found, steps: list[str], restarts: list[str], nouns: Nouns) -> None:
    planned = cuda.steps(from_packages(nouns), found)
    assert names(planned) == steps
    assert reboots(planned) == restarts
    # What ends with a reboot, ends what serves.
    assert all(step.stops for step in planned if step.always_reboot)


RUN_FILES: dict[str, tuple[Found, list[str], list[str]]] = {
    "fresh": (
        fresh(),
        [
            "apt-update", f"build-tools-{KERNEL}", "nouveau-off", f"nvidia-driver-{V}",
            "nvidia-hold", "nvidia-load", "nvidia-persistence",
        ],
        [],
    ),
    "fresh, offline: tools are there": (
        {**with_files(fresh(), tools=[*RUN_TOOLS, "update-initramfs"]),
         "system": fresh()["system"] | {"headers": True}},
        ["nouveau-off", f"nvidia-driver-{V}", "nvidia-hold", "nvidia-load", "nvidia-persistence"],
        [],
    ),
    "fresh, nouveau loaded": (
        with_nouveau(fresh()),
        ["apt-update", f"build-tools-{KERNEL}", "nouveau-off", "nvidia-hold"],
        ["nouveau-off"],
    ),
    "ready": (with_files(ready(), packages=packages(None)), [], []),
    "older driver loaded": (
        with_files(ready(OLD), packages=packages(None)),
        [f"nvidia-driver-{V}"],
        [f"nvidia-driver-{V}"],
    ),
    "installed, the old one still loaded": (
        mismatch(with_files(ready(), packages=packages(None))),
        [f"nvidia-reload-{V}"],
        [f"nvidia-reload-{V}"],
    ),
    "cut short: files are there, the module is not": (
        began(not_loaded(with_files(ready(), packages=packages(None), module=None)),
              f"nvidia-driver-{V}"),
        [*REPAIRS, f"nvidia-driver-{V}", *LOAD],
        [],
    ),
    "NVSwitches": (
        switched(with_files(ready(), packages=packages(None))),
        ["apt-update", f"nvidia-fabric-manager-{V}", "nvidia-hold", "nvidia-fabric-manager"],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "steps", "restarts"), RUN_FILES.values(), ids=RUN_FILES)
def test_run_files(found: Found, steps: list[str], restarts: list[str], nouns: Nouns) -> None:
    planned = cuda.steps(from_file(nouns), found)
    assert names(planned) == steps
    assert reboots(planned) == restarts


def test_nothing_is_asked(nouns: Nouns) -> None:
    """Not even to know what is there."""
    assert cuda.steps(nouns.host(), bare()) == ()


def test_packages_are_installed_at_their_version(nouns: Nouns) -> None:
    """As are those that they need, by what apt prefers: it would take the newest of them."""
    step = one(cuda.steps(from_packages(nouns), switched(fresh())), f"nvidia-driver-{V}")
    assert step.words == (
        *("apt-get", "install", "-y", "-o", "DPkg::Lock::Timeout=600"),
        *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
        *("--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages"),
        *(f"nvidia-driver-580-server={V}*", f"nvidia-utils-580-server={V}*"),
        f"nvidia-fabricmanager-580={V}*",
    )
    assert step.environment == (("DEBIAN_FRONTEND", "noninteractive"),)
    assert step.writes == (
        (
            "/etc/apt/preferences.d/metalserve-nvidia-driver",
            f"Package: *nvidia* cuda* lib*\nPin: version {V}*\nPin-Priority: 1001\n",
        ),
    )
    assert not step.stops


def test_driver_and_kernel_are_held(nouns: Nouns) -> None:
    """With the headers that an earlier step of the plan brings."""
    step = one(cuda.steps(from_packages(nouns), switched(fresh())), "nvidia-hold")
    kernel = (f"linux-headers-{KERNEL}", f"linux-image-{KERNEL}")
    assert step.words == ("apt-mark", "hold", *NAMES, "nvidia-fabricmanager-580", *kernel)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        (["update-initramfs", "dracut"], ("update-initramfs", "-u")),
        (["dracut"], ("dracut", "--force")),
        ([], ("true",)),
    ],
)
def test_nouveau(tools: list[str], words: tuple[str, ...], nouns: Nouns) -> None:
    found = with_files(with_nouveau(fresh()), tools=tools)
    step = one(cuda.steps(from_packages(nouns), found), "nouveau-off")
    assert step.words == words
    assert step.writes == (
        (
            "/etc/modprobe.d/metalserve-nouveau.conf",
            "blacklist nouveau\noptions nouveau modeset=0\n",
        ),
    )
    assert (step.stops, step.always_reboot) == (True, True)


def test_nouveau_that_is_off_and_loaded(nouns: Nouns) -> None:
    """It came with what the kernel boots from, which has to be made anew."""
    found = with_files(with_nouveau(fresh()), nouveau_off=True)
    assert "nouveau-off" in names(cuda.steps(from_packages(nouns), found))


def test_run_file(nouns: Nouns) -> None:
    spec = from_file(nouns)
    step = one(cuda.steps(spec, fresh()), f"nvidia-driver-{V}")
    assert step.words == ("sh", "{file}", "--silent", "--no-questions", "--dkms")
    assert step.installer == spec.files[0]
    assert (step.stops, step.always_reboot) == (False, False)


@pytest.mark.parametrize("other", [OLD, "590.48.01"])
def test_run_file_over_a_driver_at_work(other: str, nouns: Nouns) -> None:
    """Upgrade and downgrade are the same: the installer takes the other one away."""
    found = with_files(ready(other), packages=packages(None))
    step = one(cuda.steps(from_file(nouns), found), f"nvidia-driver-{V}")
    assert step.words[-1] == "--allow-installation-with-running-driver"
    assert (step.stops, step.always_reboot) == (True, True)


def test_persistence_is_brought_back(nouns: Nouns) -> None:
    """The unit is ours: a distribution's own leaves it off."""
    found = ready()
    found["accelerators"]["cuda"]["devices"][1]["persistence"] = False
    (step,) = cuda.steps(from_packages(nouns), found)
    unit = "nvidia-persistenced.service"
    assert step.words == (
        "sh",
        "-c",
        f"systemctl daemon-reload && systemctl enable {unit} && systemctl restart {unit}",
    )
    ((path, text),) = step.writes
    assert path == f"/etc/systemd/system/{unit}"
    assert "ExecStart=/usr/bin/nvidia-persistenced --verbose\n" in text


def test_persistence_that_a_card_does_not_have(nouns: Nouns) -> None:
    found = ready()
    found["accelerators"]["cuda"]["devices"][1]["persistence"] = None
    assert cuda.steps(from_packages(nouns), found) == ()


def test_services_wait_for_the_reboot(nouns: Nouns) -> None:
    step = one(cuda.steps(from_packages(nouns), with_nouveau(fresh())), "nvidia-persistence")
    assert step.words[-1] == (
        "systemctl daemon-reload && systemctl enable nvidia-persistenced.service"
    )


@pytest.mark.parametrize(
    ("version", "cdi", "steps"),
    [
        (None, None, ["apt-update", "nvidia-container-toolkit-1.18.0", "nvidia-cdi"]),
        ("1.17.8-1", [V], ["apt-update", "nvidia-container-toolkit-1.18.0"]),
        ("1.18.0-1", None, ["nvidia-cdi"]),
        ("1.18.0-1", [OLD], ["nvidia-cdi"]),
        ("1.18.0-1", [V], []),
        # It names nothing that has a version in its name.
        ("1.18.0-1", [], []),
    ],
)
def test_containers(
    version: str | None, cdi: list[str] | None, steps: list[str], nouns: Nouns
) -> None:
    found = with_files(ready(), cdi=cdi)
    if version:
        kept = {"version": version, "held": False, "whole": True}
        found["platform"]["cuda"]["packages"]["nvidia-container-toolkit"] = kept
    spec = from_packages(nouns, containers=ContainerToolkit(version="1.18.0"))
    planned = cuda.steps(spec, found)
    assert names(planned) == steps
    if "nvidia-container-toolkit-1.18.0" in steps:
        step = one(planned, "nvidia-container-toolkit-1.18.0")
        assert step.words[-1] == "nvidia-container-toolkit=1.18.0*"
        assert step.writes == (
            (
                "/etc/apt/preferences.d/metalserve-nvidia-container-toolkit",
                "Package: nvidia-container-toolkit* libnvidia-container*\n"
                "Pin: version 1.18.0*\nPin-Priority: 1001\n",
            ),
        )


def test_containers_wait_for_their_driver(nouns: Nouns) -> None:
    spec = from_packages(nouns, containers=ContainerToolkit(version="1.18.0"))
    for found in (mismatch(ready()), ready(OLD)):
        assert "nvidia-cdi" not in names(cuda.steps(spec, found))


def test_containers_with_a_driver_that_is_not_ours(nouns: Nouns) -> None:
    spec = nouns.host(containers=ContainerToolkit(version="1.18.0"))
    found = with_files(ready(OLD), packages={})
    assert names(cuda.steps(spec, found)) == [
        "apt-update", "nvidia-container-toolkit-1.18.0", "nvidia-cdi",
    ]  # fmt: skip


REFUSED: dict[str, tuple[str, Found, str]] = {
    "no GPU": (
        "packages",
        {**fresh(), "accelerators": {"pci": [], "cuda": None, "ascend": None}},
        "no NVIDIA GPU is plugged in, so no driver is put there; see lspci",
    ),
    "nothing is known": (
        "packages",
        {**fresh(), "platform": {"began": {}, "reboot": None}},
        "what is installed of NVIDIA's driver is not known (unasked), so nothing was changed; the "
        "probe has to tell it",
    ),
    "packages on another OS": (
        "packages",
        {**with_files(fresh(), packages=None),
         "system": fresh()["system"] | {"os": {"id": "rocky", "version": "9.4"}}},
        "packages are pinned, and they are installed on Debian and Ubuntu alone; give "
        f"NVIDIA-Linux-x86_64-{V}.run as a DriverRunFile",
    ),
    "nothing to build with on another OS": (
        "file",
        {**with_files(fresh(), packages=None),
         "system": fresh()["system"] | {"os": {"id": "rocky", "version": "9.4"}}},
        f"dkms, gcc, make, linux-headers-{KERNEL} for kernel {KERNEL} are not there, and packages "
        "are installed on Debian and Ubuntu alone; install them by hand, elsewhere the headers are "
        "in kernel-devel",
    ),
    "packages over the vendor's own": (
        "packages",
        with_files(ready(OLD), packages=packages(None)),
        f"driver {OLD} was installed by NVIDIA's own installer, and packages would overwrite its "
        "files; remove it with nvidia-uninstall and reboot, or give a DriverRunFile",
    ),
    "the vendor's own over packages": (
        "file",
        ready(OLD),
        f"driver {OLD} was installed from packages (nvidia-driver-580-server, "
        "nvidia-utils-580-server), and NVIDIA's own installer would overwrite their files; remove "
        "them with apt-get purge --allow-change-held-packages, or give DriverPackages",
    ),
    "an old file over a driver at work": (
        "old file",
        with_files(ready(OLD), packages=packages(None)),
        "the installer of driver 535.230.02 does not replace a driver that is at work, and one "
        "is; run nvidia-uninstall and reboot, then run again",
    ),
    "NVSwitches without a manager": (
        "no manager",
        switched(fresh()),
        "NVSwitches are plugged in, and the driver names no fabric manager; name its package, as "
        "nvidia-fabricmanager-580",
    ),
    "a driver that does not answer": (
        "packages",
        silent(ready(), 15, "gpu-is-lost"),
        f"driver {V} is in place and does not answer (gpu-is-lost: …); nothing was changed; see "
        "dmesg on the host, a card may be lost, or a restart be needed",
    ),
    "a driver without its library": (
        "packages",
        {**ready(), "accelerators": {**ready()["accelerators"], "cuda": None}},
        f"driver {V} is in place and does not answer (libnvidia-ml.so.1 is not there); nothing "
        "was changed; see dmesg on the host, a card may be lost, or a restart be needed",
    ),
    "no daemon": (
        "packages",
        with_files(ready(), tools=RUN_TOOLS),
        f"driver {V} is there without nvidia-persistenced; add its package to the driver's names",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "found", "why"), REFUSED.values(), ids=REFUSED)
def test_refused(source: str, found: Found, why: str, nouns: Nouns) -> None:
    no_manager = CudaDriver(version=V, source=DriverPackages(names=NAMES))
    specs = {
        "packages": from_packages(nouns),
        "file": from_file(nouns),
        "old file": from_file(nouns, "535.230.02"),
        "no manager": nouns.host(driver=no_manager),
    }
    with pytest.raises(PlatformError) as error:
        cuda.steps(specs[source], found)
    assert str(error.value) == why


def test_containers_on_another_os(nouns: Nouns) -> None:
    found = with_files(ready(), packages=None)
    found["system"] = found["system"] | {"os": {"id": "rocky", "version": "9.4"}}
    spec = from_file(nouns, containers=ContainerToolkit(version="1.18.0"))
    with pytest.raises(PlatformError, match=r"nvidia-container-toolkit 1\.18\.0 is installed on"):
        cuda.steps(spec, found)


def test_steps_are_harmless_twice(nouns: Nouns) -> None:
    """The names are the markers' and the logs', so that they have to be plain."""
    for found in (fresh(), with_nouveau(fresh()), switched(fresh())):
        for spec in (from_packages(nouns), from_file(nouns)):
            planned = cuda.steps(spec, found)
            assert len(set(names(planned))) == len(planned)
            assert all(set(step.name) <= set(ALPHABET) for step in planned)


ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789.-"


def test_what_is_downloaded_stops_nothing(nouns: Nouns) -> None:
    """A version that is not there, or another apt's lock, is met while everything serves."""
    steps = {step.name: step for step in cuda.steps(from_packages(nouns), ready(OLD))}
    first, then = steps[f"nvidia-driver-{V}-download"], steps[f"nvidia-driver-{V}"]
    assert (first.stops, first.always_reboot) == (False, False)
    assert (then.stops, then.always_reboot) == (True, True)
    assert first.words == ("apt-get", "install", "--download-only", *then.words[2:])
    assert first.writes == then.writes


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        # What does not build is replaced by the step that installs.
        (began(mismatch(with_files(ready(), packages=packages(V, whole=False))), "x"), (0, 100)),
        (began(ready(), "x"), (0,)),
    ],
)
def test_repair_that_fails(found: Found, codes: tuple[int, ...], nouns: Nouns) -> None:
    steps = {step.name: step for step in cuda.steps(from_packages(nouns), found)}
    assert steps["apt-repair"].codes == codes
