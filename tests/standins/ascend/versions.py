"""What the vendor's files say of versions: the same keys, with short values."""

_INNER = "V100R001C00STANDIN"

# Which firmware a driver goes with. Where no driver of that version was seen, the range is that of
# the next one below, up to the firmware of its own HDK: 24.1.0 and 25.2.0.
_FIRMWARE = {
    "23.0.7": "[7.0.0,7.1.99]",
    "24.1.rc2.2": "[7.0.0,7.2.99]",
    "24.1.rc3": "[7.0.0,7.5.99]",
    "24.1.0": "[7.0.0,7.5.99]",
    "25.0.rc1.1": "[7.0.0,7.7.99]",
    "25.2.0": "[7.0.0,7.7.99]",
    "25.3.rc1": "[7.0.0,8.9.9]",
    "25.5.1": "[7.0.0,8.9.9]",
    "25.5.2": "[7.0.0,8.9.9]",
}
# Which drivers a firmware goes with; of 7.7.0.6.236, which is 25.2.0's, this was not seen.
_DRIVERS = {
    "7.1.0.11.220": "[23.0.rc3,23.0.rc3.],[23.0.0,23.0.0.]",
    "7.5.0.1.129": "[23.0.0,23.0.0.],[24.0,24.0.],[24.1,24.1.]",
    "7.7.0.1.231": "[23.0.0,23.0.0.],[24.0,24.0.],[24.1,24.1.],[25.0,25.0.]",
    "7.7.0.6.236": "[24.0,24.0.],[24.1,24.1.],[25.0,25.0.],[25.2,25.2.]",
    "7.8.0.2.212": "[24.1,24.1.],[25.0,25.0.],[25.2,25.2.],[25.3,25.3.]",
}
# A family of chips adds ranges to both.
_MORE_FIRMWARE = {"310p": "[6.4.0,6.4.99],"}
_MORE_DRIVERS = {"310p": "[23.0.rc2,23.0.rc2.],[23.0.rc3,23.0.rc3.],"}


def firmware_of(driver: str, chip: str) -> str:
    """Return ``compatible_version_fw`` of a driver."""
    return _MORE_FIRMWARE.get(chip, "") + _FIRMWARE[driver]


def drivers_of(firmware: str, chip: str) -> str:
    """Return ``compatible_version_drv`` of a firmware."""
    return _MORE_DRIVERS.get(chip, "") + _DRIVERS[firmware]


def driver(version: str, chip: str) -> str:
    """``driver/version.info``."""
    return (
        f"Version={version}\nascendhal_version=7.35.23\naicpu_version=1.0\ntdt_version=1.0\n"
        "log_version=1.0\nprof_version=2.0\ndvppkernels_version=1.1\ntsfw_version=1.0\n"
        f"Innerversion={_INNER}\ncompatible_version=[{_INNER}]\n"
        f"compatible_version_fw={firmware_of(version, chip)}\npackage_version={version}\n"
    )


def firmware(version: str, chip: str) -> str:
    """``firmware/version.info``."""
    return (
        f"Version={version}\nfirmware_version=1.0\npackage_version=standin\n"
        f"compatible_version_drv={drivers_of(version, chip)}\n"
    )


def inner(cann: str) -> str:
    """Return how CANN's parts number themselves."""
    major, minor, patch = cann.split(".")[:3]
    return f"{major}.{minor}.{patch if patch.isdigit() else 0}.0.201"


def toolkit(version: str, arch: str) -> str:
    """``ascend_toolkit_install.info``, whose path is filled in when it is installed."""
    return (
        f"package_name=Ascend-cann-toolkit\nversion={version}\ninnerversion={_INNER}\n"
        f"compatible_version=[{_INNER}]\narch={arch}\nos=linux\npath=@PATH@\n"
    )


def component(version: str) -> str:
    """``version.info`` of CANN's parts."""
    short = ".".join(version.split(".")[:2])
    return (
        f"Version={inner(version)}\nversion_dir={version}\ntimestamp=20250101_000000000\n"
        f'required_package_opp_version="{short}"\nrequired_package_runtime_version="{short}"\n'
    )


def configuration(version: str) -> str:
    """``version.cfg``, which is older than the rest."""
    parts = ("runtime", "compiler", "hccl", "opp", "toolkit")
    kinds = ("running", "upgrade", "installed")
    lines = [f"{p}_{k}_version=[{inner(version)}:{version}]\n" for k in kinds for p in parts]
    return "# version: 1.0\n" + "".join(lines)


def nnal(version: str, arch: str) -> str:
    """``version.info`` of ATB, whose lines begin with blanks."""
    return (
        f"    Ascend-cann-atb : {version}\n    Ascend-cann-atb Version : {version}.B001\n"
        f"    Platform : {arch}\n    branch : standin\n    commit id : {'0' * 40}\n"
    )


def mindie(version: str, arch: str) -> str:
    """``version.info`` of MindIE."""
    build = f"{version}.B001"
    return (
        f"Ascend-mindie : MindIE {build}\nmindie-rt: {build}\nmindie-torch: {build}\n"
        f"mindie-service: {build}\nmindie-llm: {build}\nmindie-sd:{build}\nPlatform : {arch}\n"
    )


def atb_models(version: str, arch: str) -> str:
    """``version.info`` of the ATB models."""
    return (
        "MindIE-ATB Tag/Branch : standin\nMindIE-ATB Version : \n"
        f"ATB-Models Version : {version}.B001\nCommit id : {'0' * 40}\nPlatform : {arch}\n"
        "Time: 2025-01-01 00:00:00 AM CST\n"
    )
