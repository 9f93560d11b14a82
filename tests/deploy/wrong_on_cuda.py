"""Plans that cannot work on a host with CUDA, each with what preflight has to say of it."""

from typing import Any

from roles.spec import CudaDriver, DriverPackages, DriverRunFile, HostFolder, Stack
from tests.roles import devices
from tests.roles.faked import bare, seen
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found, Plan

_H200 = plans.with_gpus(devices.gpu(0), devices.gpu(1))
_RTX = plans.rtx3090s(1)


def _gpu(**fields: Any) -> Found:
    return plans.with_gpus(devices.gpu(0, **fields), devices.gpu(1))


def _busy(unit: str | None, name: str) -> Found:
    process = {"pid": 812, "name": name, "mib": 4096, "unit": unit}
    free = 24259 - 4096
    return plans.rtx3090s(1, free_mib=free, used_mib=4097, processes=[process])


def _old(version: str, **fields: Any) -> Stack:
    return plans.vllm(version, **{"accepts": plans.CRITICAL} | fields)


def _planned(version: str, *, fabric_manager: str | None = None) -> CudaDriver:
    names = ("nvidia-open",)
    return CudaDriver(
        version=version, source=DriverPackages(names=names, fabric_manager=fabric_manager)
    )


def _xid(number: int) -> list[Found]:
    return [{"at_s": 12.3, "slot": "0000:06:00", "xid": number, "text": "it says so"}]


def _switched(**cuda: Any) -> Found:
    found = plans.with_gpus(devices.gpu(0), devices.gpu(1), **cuda)
    found["accelerators"]["pci"] += [devices.card(what="NVSwitch")] * 4
    return found


def _manager(**fields: Any) -> Found:
    right = {"unit": "nvidia-fabricmanager.service", "active": True, "version": "580.159.04"}
    return right | fields


WRONG: dict[str, Plan] = {
    "driver-470": Plan(
        plans.one(), plans.with_gpus(devices.gpu(0), driver="470.256.02", cuda="11.4"),
        {"driver"}, ("driver 470.256.02", "580 or newer", "CUDA 13.0"),
    ),
    "driver-under-the-stacks-floor": Plan(
        plans.one(stack=plans.vllm(driver="585.10")), _H200,
        {"driver"}, ("580.159.04", "585.10 or newer for vllm-0.33.0"),
    ),
    "no-driver": Plan(
        plans.one(), plans.without_driver(),
        {"driver"}, ("found no driver", "CudaDriver"),
    ),
    "nouveau": Plan(
        plans.one(), plans.without_driver(nouveau=True),
        {"driver"}, ("nouveau is loaded",),
    ),
    "planned-driver-too-old": Plan(
        plans.host(plans.instance(), driver=_planned("570.195.03"), may_reboot=True), _H200,
        {"driver"}, ("driver/version", "driver 570.195.03", "580 or newer"),
    ),
    "headers-of-an-unknown-os": Plan(
        plans.host(driver=_planned("580.159.04")),
        plans.without_driver(headers=False, os={"id": "alpine", "version": "3.22"}),
        {"headers"}, ("no headers of the running kernel 6.1.0-25-amd64", "by hand"),
    ),
    "installer-for-another-arch": Plan(
        plans.host(
            driver=CudaDriver(
                version="580.159.04",
                source=DriverRunFile(
                    installer=plans.installer("NVIDIA-Linux-aarch64-580.159.04.run")
                ),
            ),
            installers=HostFolder(path="/mnt/installers"),
        ),
        _H200, {"installer-arch"}, ("NVIDIA-Linux-aarch64-580.159.04.run", "x86_64 on the host"),
    ),
    "library-of-another-version": Plan(
        plans.one(),
        plans.with_gpus(
            driver=None, cuda=None,
            error={"code": 18, "name": "lib-rm-version-mismatch", "text": "Version mismatch"},
        ),
        {"nvml"}, ("Version mismatch", "restart the machine"),
    ),
    "driver-not-loaded": Plan(
        plans.one(),
        plans.with_gpus(
            driver=None, cuda=None,
            error={"code": 9, "name": "driver-not-loaded", "text": "Driver Not Loaded"},
        ),
        {"nvml"}, ("Driver Not Loaded", "modprobe nvidia"),
    ),
    "nvswitch-without-fabric-manager": Plan(
        plans.one(), _switched(),
        {"fabric-manager"}, ("found none", "version 580.159.04", "NVSwitches"),
    ),
    "fabric-manager-of-another-version": Plan(
        plans.one(), _switched(fabric_manager=_manager(version="575.57.08")),
        {"fabric-manager"}, ("version 575.57.08",),
    ),
    "fabric-manager-stopped": Plan(
        plans.one(), _switched(fabric_manager=_manager(active=False)),
        {"fabric-manager"}, ("nvidia-fabricmanager.service, which does not run",),
    ),
    "no-gpu-at-all": Plan(
        plans.one(), plans.a2(8) | {"system": bare()["system"]},
        {"no-accelerator"}, ("8 × Ascend 910B", "an NVIDIA GPU"),
    ),
    "cu118": Plan(
        plans.one(stack=_old("0.11.0", lock="vllm-0.11.0-cu118")), _H200,
        {"torch"}, ("torch 2.7.1+cu118", "CUDA 11.8", "torch 2.8.0 for CUDA 12"),
    ),
    "python-without-a-wheel": Plan(
        plans.lmdeploy("0.12.2"), _H200,
        {"python-range"}, ("Python 3.12", "3.10, 3.11"),
    ),
    "python-too-new": Plan(
        plans.one(stack=_old("0.13.0", python="3.14")),
        plans.with_gpus(devices.gpu(0), system={"pythons": ["python3.14"]}),
        {"python-range"}, ("Python 3.14", "older than 3.14"),
    ),
    "glibc-of-an-old-os": Plan(
        plans.one(stack=_old("0.20.2")),
        plans.with_gpus(devices.gpu(0), system={"glibc": "2.31"}),
        {"glibc"}, ("glibc 2.31", "glibc 2.35 or newer"),
    ),
    "another-libc": Plan(
        plans.one(), plans.with_gpus(devices.gpu(0), system={"glibc": None}),
        {"glibc"}, ("another libc", "2.28"),
    ),
    "v100": Plan(
        plans.one(options=plans.options(dtype="float16")),
        _gpu(name="Tesla V100", capability="7.0"),
        {"capability"}, ("compute capability 7.0", "7.5, 8.0"),
    ),
    "bf16-on-a-t4": Plan(
        plans.one(options=plans.options(dtype="bfloat16")),
        _gpu(name="Tesla T4", capability="7.5"),
        {"bfloat16"}, ("options/dtype", "compute capability 7.5", "float16"),
    ),
    "rtx-5090-on-an-older-driver": Plan(
        plans.one(stack=_old("0.18.1")),
        plans.with_gpus(
            devices.gpu(0, name="NVIDIA GeForce RTX 5090", capability="12.0"),
            driver="565.57.01", cuda="12.7",
        ),
        {"ptx"}, ("CUDA 12.7", "CUDA 12.8 or newer"),
    ),
    "forward-compatibility-on-a-geforce": Plan(
        plans.one(
            "8b", options=plans.options(environment={"VLLM_ENABLE_CUDA_COMPATIBILITY": "1"})
        ),
        plans.with_gpus(plans.rtx3090(), driver="550.163.01", cuda="12.4"),
        {"driver", "forward-compatibility"}, ("data centre GPU", "550.163.01"),
    ),
    "device-that-is-not-there": Plan(
        plans.host(plans.instance(devices=(5,))), _H200,
        {"device-missing"}, ("devices 0, 1", "device 5"),
    ),
    "two-kinds-in-one": Plan(
        plans.one(on=2),
        plans.with_gpus(plans.rtx3090(0), plans.rtx3090(1, name="NVIDIA GeForce RTX 4090")),
        {"mixed-devices"}, ("RTX 3090", "RTX 4090"),
    ),
    "tp-3": Plan(
        plans.one(on=3), plans.with_gpus(*(devices.gpu(index) for index in range(3))),
        {"tensor-parallel"}, ("3 devices for 32 heads", "1, 2, 4, 8, 16, 32"),
    ),
    "mig": Plan(
        plans.one(), _gpu(mig={"enabled": True, "pending": True, "devices": []}),
        {"mig"}, ("MIG enabled on device 0", "nvidia-smi -i 0 -mig 0"),
    ),
    "compute-mode-prohibited": Plan(
        plans.one(), _gpu(compute_mode="prohibited"),
        {"compute-mode"}, ("prohibited", "-c DEFAULT"),
    ),
    "ollama-has-the-card": Plan(
        plans.one("2b", options=plans.options(gpu_memory_utilization=0.5)),
        _busy("ollama.service", "ollama"),
        {"device-busy"}, ("ollama.service (pid 812)", "4096 MiB"),
    ),
    "orphan-has-the-card": Plan(
        plans.one(), _busy(None, "VLLM::EngineCore"),
        {"device-busy", "memory-held"}, ("VLLM::EngineCore (pid 812)", "19.7 GiB free of 23.7"),
    ),
    "an-instance-that-nobody-wants-any-more": Plan(
        plans.one("2b", options=plans.options(gpu_memory_utilization=0.5)),
        _busy("metalserve-vllm@old.service", "python3")
        | {"instances": {"old": seen(unit="metalserve-vllm@old.service")}},
        {"device-busy"}, ("metalserve-vllm@old.service",),
    ),
    "32b-on-one-24-gb-card": Plan(
        plans.one("32b"), _RTX,
        {"memory"}, ("weights 62.1", "4 such devices would fit"),
    ),
    "32b-on-two-24-gb-cards": Plan(
        plans.one("32b", on=2), plans.rtx3090s(2),
        {"memory"}, ("weights 31.1", "4 such devices would fit"),
    ),
    "8b-with-32k-on-a-24-gb-card": Plan(
        plans.one(options=plans.options(max_model_len=32768)), _RTX,
        {"memory"}, ("cache 4.5 for one request of 32768 tokens", "max_model_len 8448"),
    ),
    "8b-with-half-of-a-24-gb-card": Plan(
        plans.one(options=plans.options(gpu_memory_utilization=0.5)), _RTX,
        {"memory"}, ("11.8 GiB, 0.5 of 23.7", "gpu_memory_utilization 0.9"),
    ),
    "longer-than-the-model": Plan(
        plans.one(options=plans.options(max_model_len=300000)), _H200,
        {"context"}, ("300000 tokens", "262144 or less"),
    ),
    "uncorrectable-ecc": Plan(
        plans.one(), _gpu(ecc=devices.gpu()["ecc"] | {"uncorrected": 2}),
        {"device-failing"}, ("2 uncorrectable ECC", "NVIDIA H200"),
    ),
    "row-that-was-not-remapped": Plan(
        plans.one(), _gpu(remapped_rows=devices.gpu()["remapped_rows"] | {"failure": True}),
        {"device-failing"}, ("could not be remapped",),
    ),
    "off-the-bus": Plan(
        plans.one(), plans.with_gpus(devices.gpu(0), xids=_xid(79)),
        {"device-failing"}, ("Xid 79", "fallen off the bus"),
    ),
    "waits-for-a-reset": Plan(
        plans.one(), _gpu(recovery="reset"),
        {"device-failing"}, ("recovery action reset", "failing_device"),
    ),
    "nowhere-to-move": Plan(
        plans.host(
            plans.instance(failing_device="move"),
            plans.instance(name="draw", devices=(1,), port=8001),
        ),
        _gpu(recovery="reboot"),
        {"device-failing"}, ("no healthy NVIDIA H200 is left",),
    ),
    "critical-advisory": Plan(
        plans.one(stack=plans.vllm("0.13.0")), _H200,
        {"advisory"}, ("CVE-2026-22778 (critical)", "CVE-2026-48746 (critical)", "0.22.0 or newer"),
    ),
    "one-of-two-advisories-accepted": Plan(
        plans.one(stack=plans.vllm("0.13.0", accepts=plans.CRITICAL[:1])), _H200,
        {"advisory"}, ("CVE-2026-48746 (critical)",),
    ),
    "lmdeploy-0.10.2": Plan(
        plans.lmdeploy("0.10.2"), _H200,
        {"model-engine"}, ("0.10.2, which has no Qwen3-VL", "0.11.0 or newer"),
    ),
    "turbomind": Plan(
        plans.lmdeploy("0.18.0", backend="turbomind"), _H200,
        {"model-engine"}, ("turbomind, which has no Qwen3-VL", "wanted pytorch"),
    ),
    "turbomind-on-a-card-it-has-no-code-for": Plan(
        plans.lmdeploy("0.12.3", backend="turbomind"),
        _gpu(name="NVIDIA GeForce RTX 5090", capability="12.0"),
        {"model-engine", "capability"}, ("compute capability 12.0",),
    ),
    "cache-of-8-bits": Plan(
        plans.lmdeploy("0.18.0", quant_policy=8), _H200,
        {"model-quantization"}, ("quant_policy 8",),
    ),
}  # fmt: skip
