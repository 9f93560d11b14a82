"""Plans that nothing is wrong with, and nothing remarkable."""

from inventories.stacks import vllm_0_32_cpu
from inventories.weights import canary
from roles.spec import (
    Accelerator,
    AscendHdk,
    CudaDriver,
    DriverPackages,
    Engine,
    HostSpec,
    Instance,
    VllmOptions,
)
from tests.roles import devices
from tests.roles.faked import bare, seen
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found

_H200 = plans.with_gpus(devices.gpu(0), devices.gpu(1))
_RTX = plans.rtx3090s(1)
_MANAGER = {"unit": "nvidia-fabricmanager.service", "active": True, "version": "580.159.04"}
_PLANNED = CudaDriver(version="580.159.04", source=DriverPackages(names=("nvidia-open",)))
_HELD = {"pid": 812, "name": "python3", "mib": 21000, "unit": "metalserve-vllm@chat.service"}

RIGHT: dict[str, tuple[HostSpec, Found]] = {
    "8b-with-8k-on-a-24-gb-card": (plans.one(), _RTX),
    "32b-with-8k-on-four-24-gb-cards": (plans.one("32b", on=4), plans.rtx3090s(4)),
    "4b-with-32k-on-a-24-gb-card": (
        plans.one("4b", options=plans.options(max_model_len=32768, max_num_seqs=2)),
        _RTX,
    ),
    "2b-for-eight-on-a-24-gb-card": (
        plans.one("2b", options=plans.options(max_num_seqs=8)),
        _RTX,
    ),
    "30b-a3b-on-an-h200": (
        plans.one("30b-a3b", options=plans.options(max_num_seqs=64)),
        _H200,
    ),
    "32b-over-eight-behind-nvswitches": (
        plans.one("32b", on=8),
        plans.with_gpus(*(devices.gpu(index) for index in range(8)), fabric_manager=_MANAGER),
    ),
    "as-it-serves": (
        plans.one(),
        plans.rtx3090s(1, free_mib=3259, used_mib=21001, processes=[_HELD])
        | {"instances": {"chat": seen()}},
    ),
    "nothing-to-serve-on-an-old-driver": (
        plans.host(),
        plans.with_gpus(devices.gpu(0), driver="470.256.02", cuda="11.4"),
    ),
    "the-planned-driver-is-there": (
        plans.host(plans.instance(), driver=_PLANNED),
        _H200,
    ),
    "mindie-on-an-a2": (plans.ascend(ready_for=(plans.mindie_stack(),)), plans.a2(8)),
    "mindie-on-duos": (
        plans.ascend(ready_for=(plans.mindie_stack(chip="310p", lock="mindie-2.1"),)),
        plans.duos(4),
    ),
    "vllm-ascend-on-an-a2": (
        plans.ascend(
            ready_for=(
                plans.stack(
                    Engine.VLLM_ASCEND,
                    "0.18.0",
                    installers=plans.cann("8.5.1"),
                    accepts=plans.CRITICAL
                    + plans.lives_with(
                        *("CVE-2026-5497", "CVE-2026-55574", "CVE-2026-55514"),
                        *("CVE-2026-54234", "CVE-2026-90553", "CVE-2026-93592"),
                    ),
                ),
            ),
            driver=AscendHdk(
                driver=plans.installer("Ascend-hdk-910b-npu-driver_25.5.1_linux-aarch64.run"),
                firmware=plans.installer("Ascend-hdk-910b-npu-firmware_7.8.0.5.216.run"),
            ),
        ),
        plans.a2(8),
    ),
    "canary-on-a-cpu": (
        HostSpec(
            accelerator=Accelerator.CPU,
            instances=(
                Instance(
                    name="chat",
                    stack=vllm_0_32_cpu.STACK,
                    weights=canary.WEIGHTS,
                    options=VllmOptions(max_model_len=1024, images=1, videos=1),
                    port=8000,
                ),
            ),
        ),
        bare(),
    ),
    "nothing-to-serve": (HostSpec(accelerator=Accelerator.ASCEND), bare()),
}
