"""What a host needs of its platform, and what is wrong with one on which nothing is left to do."""

from typing import Any

import pytest

from roles import cuda
from roles.platform import PlatformError, Step, plan
from roles.platform.plan import Need
from roles.spec import (
    Accelerator,
    AscendHdk,
    ContainerToolkit,
    CudaDriver,
    DriverPackages,
    HostFolder,
    HostSpec,
    Installer,
    InstallerKind,
)
from tests.roles import devices
from tests.roles.faked import bare, seen
from tests.roles.spec.nouns import HASH, Nouns

V = "580.159.04"
DRIVER = CudaDriver(version=V, source=DriverPackages(names=("nvidia-open",)))
DUE = {"boot_id": bare()["system"]["boot_id"], "why": "driver takes effect with a reboot"}


def _found(**fields: Any) -> dict[str, Any]:
    return bare() | fields


def _step(**fields: Any) -> Step:
    right: dict[str, Any] = {"name": "driver", "words": ("true",), "timeout_s": 1.0}
    return Step(**right | fields)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The steps that the role of the accelerator plans."""
    steps: list[Step] = []
    monkeypatch.setattr(cuda, "steps", lambda spec, found: tuple(steps))
    return steps


def test_asked(nouns: Nouns) -> None:
    """Of a host whose driver is not ours nothing is asked."""
    assert not plan.asked(nouns.chat())
    assert plan.asked(nouns.host(driver=DRIVER))
    assert plan.asked(nouns.host(containers=ContainerToolkit(version="1.18.0")))


def test_cpu_needs_nothing(nouns: Nouns) -> None:
    assert plan.planned(HostSpec(accelerator=Accelerator.CPU), bare()) == ()


def test_steps_of_the_accelerator(nouns: Nouns, planned: list[Step]) -> None:
    planned.append(_step())
    spec = nouns.host(driver=DRIVER)
    assert plan.planned(spec, bare()) == (_step(),)
    assert plan.needed(spec, bare()) == Need(steps=(_step(),))


@pytest.mark.parametrize(
    ("platform", "reboot"),
    [
        ({"began": {}, "reboot": None}, None),
        ({"began": {}, "reboot": DUE}, DUE["why"]),
        ({"began": {}, "reboot": {**DUE, "boot_id": "of an earlier boot"}}, None),
    ],
)
def test_reboot_that_is_due(
    platform: Any, reboot: str | None, nouns: Nouns, planned: list[Step]
) -> None:
    """It comes first: what is installed shows only after it."""
    planned.append(_step())
    need = plan.needed(nouns.host(driver=DRIVER), _found(platform=platform))
    assert need == Need(steps=() if reboot else (_step(),), reboot=reboot)


def test_job_at_work(nouns: Nouns, planned: list[Step]) -> None:
    """In the middle of it nothing else can be told, so that nothing is looked at."""
    planned.append(_step())
    found = _found(jobs=["platform"], platform={"began": {"driver": {}}, "reboot": DUE})
    need = plan.needed(nouns.host(driver=DRIVER), found)
    assert need == Need(at_work=True)
    assert need.disturbs


def test_marker_that_nobody_plans_again(nouns: Nouns, planned: list[Step]) -> None:
    found = _found(platform={"began": {"driver-570": {}}, "reboot": None})
    need = plan.needed(nouns.host(driver=DRIVER), found)
    assert (need.nothing, need.disturbs, need.words) == (False, False, "driver-570")


def test_instances_that_have_to_serve(nouns: Nouns, planned: list[Step]) -> None:
    found = _found(instances={"chat": seen(active=False), "draw": seen()})
    spec = nouns.host(driver=DRIVER)
    need = plan.needed(spec, found, serving=("chat", "draw"))
    assert need == Need(down=("chat",))
    assert need.words == "start chat"
    assert plan.needed(spec, found).nothing
    assert plan.serving(found) == ("draw",)


@pytest.mark.parametrize("part", ["system", "accelerators", "platform"])
def test_host_of_which_a_part_is_not_known(part: str, nouns: Nouns) -> None:
    found = _found(**{part: None}, faults={part: "OSError: no"})
    with pytest.raises(PlatformError) as error:
        plan.needed(nouns.host(driver=DRIVER), found)
    assert str(error.value) == f"its {part} is not known: {found['faults']}; nothing was changed"


@pytest.mark.parametrize(
    ("fields", "disturbs"),
    [({}, False), ({"stops": True}, True), ({"always_reboot": True}, True),
     ({"reboot": ("Reboot needed",)}, True)],
)  # fmt: skip
def test_what_disturbs(fields: Any, disturbs: bool) -> None:
    assert Need(steps=(_step(), _step(**fields))).disturbs is disturbs


def test_words() -> None:
    need = Need(steps=(_step(), _step(name="hold")), reboot="why", down=("chat",))
    assert need.words == "driver, hold, reboot (why), start chat"


def test_drains(nouns: Nouns) -> None:
    """An instance that no spec has any more is given as long as the most patient."""
    spec = nouns.host(
        nouns.instance(drain_within_s=10),
        nouns.instance(name="draw", port=8001, devices=(1,), drain_within_s=40),
    )
    found = _found(instances={"chat": seen(), "draw": seen(), "old": seen()})
    assert plan.drains(spec, found) == {"chat": 10.0, "draw": 40.0, "old": 40.0}


def _faults(spec: HostSpec, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return list(plan.faults(spec, before=before, after=after))


def _cuda(*cards: Any, **fields: Any) -> dict[str, Any]:
    gpus = fields.pop("gpus", [devices.gpu(0), devices.gpu(1)])
    part = {"pci": list(cards), "cuda": devices.cuda(*gpus, **fields), "ascend": None}
    return _found(accelerators=part)


TWO = (devices.card(), devices.card(slot="0000:07:00.0"))
SWITCH = devices.card(slot="0000:81:00.0", what="NVSwitch")
LENT = devices.card(slot="0000:08:00.0", driver="vfio-pci")
MISMATCH = {"code": 18, "name": "lib-rm-version-mismatch", "text": "…"}


@pytest.mark.parametrize(
    ("after", "faults"),
    [
        (_cuda(*TWO), []),
        # What is no GPU of ours has no device to show.
        (_cuda(*TWO, SWITCH, LENT), []),
        (
            _cuda(*TWO, driver="570.133.20"),
            [f"driver 570.133.20 is loaded, {V} is wanted"],
        ),
        (
            _cuda(*TWO, gpus=[], driver=None, error=MISMATCH),
            [f"driver none is loaded, {V} is wanted", "the driver shows 0 devices, 2 are there"],
        ),
        (
            _cuda(TWO[0], gpus=[devices.gpu(0)]),
            ["1 cards are on the PCI bus, 2 were there before",
             "the driver shows 1 devices, 2 are there"],
        ),
        (_cuda(*TWO, gpus=[devices.gpu(0)]), ["the driver shows 1 devices, 2 are there"]),
    ],
)  # fmt: skip
def test_faults(after: dict[str, Any], faults: list[str], nouns: Nouns) -> None:
    assert _faults(nouns.host(driver=DRIVER), bare(), after) == faults


def test_faults_of_an_ascend_host(nouns: Nouns) -> None:
    hdk = AscendHdk(
        driver=_installer(InstallerKind.HDK_DRIVER), firmware=_installer(InstallerKind.HDK_FIRMWARE)
    )
    spec = HostSpec(
        accelerator=Accelerator.ASCEND, driver=hdk, installers=HostFolder(path="/mnt/huawei")
    )
    card = devices.card(vendor="0x19e5", device="0xd802", what="Ascend 910B")
    npus = [devices.npu(0), devices.npu(1)]
    right: dict[str, Any] = {"pci": [card, card], "cuda": None, "ascend": devices.ascend(*npus)}
    before, after = _found(accelerators=right), _found(accelerators=right)
    assert _faults(spec, before, after) == []
    assert plan.ready_words(spec, after) == "driver 25.5.1 is as pinned, 2 devices"
    lost = {**right, "ascend": devices.ascend(npus[0])}
    assert _faults(spec, before, _found(accelerators=lost)) == [
        "the driver shows 1 devices, 2 are there"
    ]


def _installer(kind: InstallerKind) -> Installer:
    files = {
        InstallerKind.HDK_DRIVER: "Ascend-hdk-910b-npu-driver_25.5.1_linux-aarch64.run",
        InstallerKind.HDK_FIRMWARE: "Ascend-hdk-910b-npu-firmware_7.8.0.5.216.run",
    }
    return Installer(file=files[kind], sha256=HASH)


def test_driver_that_is_not_ours_is_not_judged(nouns: Nouns) -> None:
    spec = nouns.host(containers=ContainerToolkit(version="1.18.0"))
    assert _faults(spec, bare(), _cuda(driver="1.0")) == []
    assert plan.ready_words(spec, bare()) == "toolkits are as pinned"


def test_step_as_it_is_told(nouns: Nouns) -> None:
    """Plain JSON, with the place of the installer on the host."""
    installer = _installer(InstallerKind.HDK_DRIVER)
    step = _step(words=("sh", "{file}"), installer=installer, writes=(("/etc/a", "b"),))
    assert step.to_json(path="/opt/x.run") == {
        "name": "driver",
        "words": ("sh", "{file}"),
        "timeout_s": 1.0,
        "installer": {"file": installer.file, "sha256": HASH, "path": "/opt/x.run"},
        "success": (),
        "already": (),
        "codes": (0,),
        "reboot": (),
        "tells": (),
        "always_reboot": False,
        "stops": False,
        "environment": (),
        "cwd": "/",
        "writes": (("/etc/a", "b"),),
    }
    assert _step().to_json()["installer"] is None
