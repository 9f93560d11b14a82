"""A site on a lab host with NPUs: which driver and CANN it should have, and who sees to it."""

import hashlib
from pathlib import Path

from tests.lab.platform_site import Site as PlatformSite
from tests.lab.waiting import comes
from tests.standins.ascend import build, npu

VENDOR, HOME = "/srv/vendor", "/usr/local/Ascend"
CAPTURED = "/opt/metalserve/ascend/*.environment"
# Which MindIE goes with which CANN; the older has kernels, and one folder with all before 8.5.
MINDIE = {"8.2.RC1": "2.1.RC1", "8.5.1": "3.0.0"}
OLD, NEW = ("25.0.rc1.1", "7.7.0.1.231"), ("25.5.1", "7.8.0.2.212")
STACK = """(Stack(
    name="mindie-{name}", engine="mindie", accelerator="ascend", version="{mindie}", python="3.11",
    command=("none",), disk_gib=1, lock=Lock(file=Path({lock!r})), installers=({installers}),
),)"""


class Site(PlatformSite):
    """A host with NPUs, what it should have, and who sees to it."""

    def has(self, hdk: tuple[str, str], *cann: str, serving: str = "") -> None:
        """
        Say which driver and firmware it should have, and which CANN, as an inventory does.

        :param serving: instances, as Python of a tuple; ``STACK`` in it is the first of the stacks
        """
        driver, firmware = build.hdk(self.vendor, driver=hdk[0], firmware=hdk[1])
        wanted = f"AscendHdk(driver={pinned(driver)}, firmware={pinned(firmware)})"
        lock = self.folder / "lock.txt"
        pins = ("torch==2.1.0", "torch-npu==2.1.0", "msmodelslim==8.2.1")
        lock.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
        stacks = "".join(self._stack(version, str(lock)) for version in cann)
        folder = f'HostFolder(path="{VENDOR}")'
        fields = {"may_reboot": True, "installers": folder, "ready_for": stacks or "()"}
        if serving:
            fields["instances"] = serving.replace("STACK", f"{stacks}[0]")
        self.want(wanted, **fields)

    def _stack(self, version: str, lock: str) -> str:
        made = [*build.cann(self.vendor, version=version)]
        mindie = MINDIE[version]
        made += [build.mindie(self.vendor, mindie), build.atb_models(self.vendor, mindie)]
        installers, name = ", ".join(map(pinned, made)), mindie.lower()
        return STACK.format(name=name, mindie=mindie, lock=lock, installers=installers)

    @property
    def vendor(self) -> Path:
        """The folder of the vendor's files, as this machine sees it."""
        folder = Path(self.host.disk.root) / VENDOR.lstrip("/")
        folder.mkdir(exist_ok=True)
        return folder

    def shows(self) -> str:
        """Return the driver that answers and how many chips it shows."""
        table = self.host.run("npu-smi info").stdout
        version = table.split("Version: ")[-1].split()[0] if "Version: " in table else "none"
        return f"{table.count('310P3')} {version}"

    def captured(self, stack: str = "") -> dict[str, str]:
        """Return what systemd reads of what was captured for a stack, beside what it sets."""
        file = self.host.run(f"ls {CAPTURED.replace('*', stack + '*')}").stdout.strip()
        shown = self.host.run(
            f"systemd-run --quiet --pipe --wait -p EnvironmentFile={file} env"
        ).stdout
        names = self.host.run(f"sed -n 's/=.*//p' {file}").stdout.split()
        variables = dict(line.split("=", 1) for line in shown.splitlines())
        return {name: variables[name] for name in names}

    def pause(self, point: str, seconds: float) -> None:
        """Have the next installer that comes to a point stay there."""
        self.host.run("rm -f /run/standin/ascend/points")
        npu.pause(self.host, point, seconds)

    def comes_to_point(self, point: str) -> None:
        """Wait until an installer is at the point where it stays."""
        came = comes(lambda: point in npu.reached(self.host))
        assert came, f"never came to {point}"


def pinned(file: Path) -> str:
    """Return a vendor's file as an inventory writes it."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f'Installer(file="{file.name}", sha256="{digest}")'
