"""The driver and the wheels: what just fits, and what just does not."""

import pytest

from roles.preflight import against, wheel
from roles.preflight.gpu import driver_cuda
from roles.spec import Accelerator, CudaDriver, DriverPackages, Engine, HostSpec, Stack
from tests.roles import devices, faked
from tests.roles.preflight import plans
from tests.roles.preflight.plans import codes_of


@pytest.mark.parametrize(
    ("lock", "engine", "cuda"),
    [
        ("vllm-0.11.0", "0.11.0", "12.8"),
        ("vllm-0.33.0", "0.33.0", "13.0"),
        ("vllm-0.27.1", "0.27.1", "13.0"),
        ("vllm-0.11.0-cu118", "0.10.0", "11.8"),
        ("vllm-0.11.0-cu118", "0.11.0", "12.8"),
    ],
)
def test_built_for(lock: str, engine: str, cuda: str) -> None:
    """By the lock's own words, by torch's version, and by the engine's own libraries."""
    assert wheel.built_for(plans.vllm(engine, lock=lock)) == cuda


def test_built_for_two() -> None:
    """LMDeploy 0.18 has libraries of CUDA 12 beside a torch of CUDA 13: the newer decides."""
    assert wheel.built_for(plans.stack(Engine.LMDEPLOY, "0.18.0")) == "13.0"


@pytest.mark.parametrize(
    ("version", "driver", "codes"),
    [
        ("0.33.0", "580.65.06", []),
        ("0.33.0", "580", []),
        ("0.33.0", "579.99", ["driver"]),
        ("0.33.0", "610.57.04", []),
        ("0.18.1", "525.60.13", []),
        ("0.18.1", "525.60.12", ["driver"]),
        ("0.18.1", "580.159.04", []),
    ],
)
def test_any_minor_version_of_cuda(version: str, driver: str, codes: list[str]) -> None:
    stack = plans.vllm(version, accepts=plans.CRITICAL, driver="525.60.13")
    found = plans.with_gpus(devices.gpu(0), driver=driver, cuda="12.8")
    assert codes_of(plans.one(stack=stack), found) == codes


def test_a_planned_driver_counts() -> None:
    """Whatever is there now; what only a driver can show comes after the install."""
    driver = CudaDriver(version="580.65.06", source=DriverPackages(names=("nvidia-open",)))
    spec = plans.host(plans.instance(), driver=driver, may_reboot=True)
    for found in (
        plans.without_driver(nouveau=True),
        plans.with_gpus(devices.gpu(0), driver="470.256.02", cuda="11.4"),
    ):
        assert codes_of(spec, found) == []
    assert codes_of(spec, plans.without_driver(), refuses=False) == ["unseen"]


@pytest.mark.parametrize("code", [9, 18])
def test_a_planned_driver_mends_what_does_not_answer(code: int) -> None:
    """Whoever brings it knows what it takes, and asks for a reboot that is not allowed."""
    driver = CudaDriver(version="580.65.06", source=DriverPackages(names=("nvidia-open",)))
    error = {"code": code, "name": None, "text": "no"}
    found = plans.with_gpus(driver=None, cuda=None, error=error)
    assert codes_of(plans.host(plans.instance(), driver=driver), found) == []
    assert codes_of(plans.host(plans.instance()), found) == ["nvml"]


def test_a_planned_fabric_manager_counts() -> None:
    found = plans.with_gpus(devices.gpu(0))
    found["accelerators"]["pci"].append(devices.card(what="NVSwitch"))
    for fabric_manager, codes in ((None, ["fabric-manager"]), ("nvidia-fabricmanager", [])):
        source = DriverPackages(names=("nvidia-open",), fabric_manager=fabric_manager)
        driver = CudaDriver(version="580.159.04", source=source)
        assert codes_of(plans.host(plans.instance(), driver=driver), found) == codes


def test_pins_that_nobody_looked_at() -> None:
    """They are said to be unknown: never silence."""
    stack = plans.vllm("0.27.1", lock="vllm-0.27.1", python="3.12")
    told = against(plans.one(stack=stack), plans.with_gpus(devices.gpu(0)))
    (reason,) = [one for one in told if one.code == "not-in-table"]
    assert (reason.refuses, reason.found) == (False, "vllm 0.27.1")
    assert reason.wanted == "one of 0.11.0, 0.13.0, 0.18.1, 0.20.2, 0.26.0, 0.33.0"


@pytest.mark.parametrize(("glibc", "codes"), [("2.35", []), ("2.34", ["glibc"])])
def test_glibc(glibc: str, codes: list[str]) -> None:
    stack = plans.vllm("0.20.2", accepts=plans.CRITICAL)
    found = plans.with_gpus(devices.gpu(0), system={"glibc": glibc})
    assert codes_of(plans.one(stack=stack), found) == codes


def test_glibc_of_the_lock() -> None:
    """A wheel beside the engine's may want a newer one; one that wants an older changes nothing."""
    right = plans.vllm("0.33.0")
    found = plans.with_gpus(devices.gpu(0), system={"glibc": "2.30"})
    told = {
        glibc: [
            reason.wanted
            for reason in against(plans.one(stack=_locked(right, glibc)), found)
            if reason.code == "glibc"
        ]
        for glibc in ("2.31", "2.17")
    }
    assert told == {"2.31": ["glibc 2.31 or newer for the lock of vllm-0.33.0"], "2.17": []}


def test_glibc_of_a_lock_for_cpus() -> None:
    """The table is of wheels for CUDA."""
    found = faked.bare()
    found["system"]["glibc"] = "2.27"
    told = {
        glibc: [reason.wanted for reason in against(_on_a_cpu(glibc), found)]
        for glibc in ("2.34", "2.27")
    }
    assert told == {"2.34": ["glibc 2.34 or newer for the lock of vllm-0.33.0"], "2.27": []}


def _on_a_cpu(glibc: str) -> HostSpec:
    stack = _locked(plans.vllm(accelerator=Accelerator.CPU, driver=None), glibc)
    return HostSpec(accelerator=Accelerator.CPU, ready_for=(stack,))


def _locked(stack: Stack, glibc: str) -> Stack:
    return stack.model_copy(update={"lock": stack.lock.model_copy(update={"glibc": glibc})})


@pytest.mark.parametrize(
    ("python", "codes"),
    [("3.10", ["python-range"]), ("3.11", []), ("3.14", []), ("3.15", ["python-range"])],
)
def test_python_of_the_wheels(python: str, codes: list[str]) -> None:
    found = plans.with_gpus(devices.gpu(0), system={"pythons": [f"python{python}"]})
    assert codes_of(plans.one(stack=plans.vllm(python=python)), found) == codes


@pytest.mark.parametrize(
    ("version", "lock", "codes"),
    [
        ("0.11.0", "vllm-0.11.0", []),
        ("0.11.0", "vllm-0.13.0", ["torch"]),
        ("0.11.0", "vllm-0.11.0-cu118", ["torch"]),
        ("0.33.0", "vllm-0.26.0", ["torch"]),
    ],
)
def test_torch_of_the_engine(version: str, lock: str, codes: list[str]) -> None:
    stack = plans.vllm(version, lock=lock, accepts=plans.CRITICAL)
    assert codes_of(plans.one(stack=stack), plans.with_gpus(devices.gpu(0))) == codes


def test_torch_has_an_upper_bound_alone() -> None:
    for version, lock, codes in (
        ("0.12.3", "lmdeploy-0.10.2", []),
        ("0.10.2", "lmdeploy-0.12.3", ["model-engine", "torch"]),
    ):
        stack = plans.stack(Engine.LMDEPLOY, version, lock=lock)
        spec = plans.lmdeploy(version)
        (one,) = spec.instances
        spec = plans.host(one.model_copy(update={"stack": stack}))
        assert codes_of(spec, plans.with_gpus(devices.gpu(0))) == codes


@pytest.mark.parametrize(
    ("capability", "codes"),
    [
        ("7.0", ["capability"]), ("7.5", []), ("8.0", []), ("8.6", []), ("8.7", []), ("9.0", []),
        ("10.0", []), ("10.3", []), ("11.0", ["capability"]), ("12.1", []),
    ],
)  # fmt: skip
def test_machine_code(capability: str, codes: list[str]) -> None:
    """It runs within its major version, on the same minor or a newer one."""
    spec = plans.one(options=plans.options(dtype="float16"))
    assert codes_of(spec, plans.with_gpus(devices.gpu(0, capability=capability))) == codes


def test_code_of_the_pytorch_engine_is_torchs() -> None:
    """LMDeploy's own is TurboMind's, which the PyTorch engine does not use."""
    found = plans.with_gpus(devices.gpu(0, capability="12.0"))
    assert codes_of(plans.lmdeploy("0.12.3"), found) == []


@pytest.mark.parametrize(
    ("capability", "driver", "cuda", "codes"),
    [
        ("12.0", "570.124.06", "12.8", []),
        ("12.0", "565.57.01", "12.7", ["ptx"]),
        ("9.0", "565.57.01", "12.7", []),
        ("12.0", "565.57.01", None, ["ptx"]),
        ("12.0", "570.124.06", None, []),
    ],
)
def test_what_the_driver_compiles(
    capability: str, driver: str, cuda: str | None, codes: list[str]
) -> None:
    stack = plans.vllm("0.18.1", accepts=plans.CRITICAL)
    found = plans.with_gpus(devices.gpu(0, capability=capability), driver=driver, cuda=cuda)
    assert codes_of(plans.one(stack=stack), found) == codes


def test_cuda_of_a_planned_driver() -> None:
    driver = CudaDriver(version="575.57.08", source=DriverPackages(names=("nvidia-open",)))
    found = plans.with_gpus(devices.gpu(0))
    assert driver_cuda(plans.host(driver=driver), found) == "12.9"
    assert driver_cuda(plans.host(), found) == "13.0"


@pytest.mark.parametrize(
    ("dtype", "capability", "refused", "remarks"),
    [
        ("bfloat16", "8.0", [], []),
        ("bfloat16", "7.5", ["bfloat16"], []),
        ("auto", "7.5", [], ["bfloat16"]),
        ("float16", "7.5", [], []),
    ],
)
def test_bfloat16(dtype: str, capability: str, refused: list[str], remarks: list[str]) -> None:
    """``auto`` may become float16, as the engine's version has it: a remark."""
    spec = plans.one(options=plans.options(dtype=dtype))
    found = plans.with_gpus(devices.gpu(0, capability=capability))
    assert (codes_of(spec, found), codes_of(spec, found, refuses=False)) == (refused, remarks)


def test_forward_compatibility_on_a_data_centre_gpu() -> None:
    """It is believed, and told: the driver is too old without it."""
    environment = {"VLLM_ENABLE_CUDA_COMPATIBILITY": "1"}
    spec = plans.one(options=plans.options(environment=environment))
    found = plans.with_gpus(devices.gpu(0), driver="550.163.01", cuda="12.4")
    assert (codes_of(spec, found), codes_of(spec, found, refuses=False)) == ([], ["driver"])
    old = plans.vllm("0.18.0", lock="vllm-0.26.0", accepts=plans.CRITICAL)
    spec = plans.one(options=plans.options(environment=environment), stack=old)
    assert codes_of(spec, found) == ["driver", "forward-compatibility"]


def test_remarks_on_a_device() -> None:
    found = plans.with_gpus(devices.gpu(0, persistence=False), system={"shm_free_mib": 64})
    assert codes_of(plans.one(), found, refuses=False) == ["persistence"]
    found = plans.with_gpus(devices.gpu(0), devices.gpu(1), system={"shm_free_mib": 64})
    assert codes_of(plans.one(on=2), found, refuses=False) == ["shm"]
    assert codes_of(plans.one(on=2), found) == []


def test_pending_mig() -> None:
    mig = {"enabled": False, "pending": True, "devices": []}
    assert codes_of(plans.one(), plans.with_gpus(devices.gpu(0, mig=mig))) == ["mig"]


def test_own_process_is_nobody_else() -> None:
    """Of an instance of the spec; not of another unit, and not of one that is no unit."""
    (name, plan) = ("metalserve-vllm@chat.service", plans.one())
    process = {"pid": 7, "name": "python3", "mib": 600, "unit": name}
    found = plans.with_gpus(devices.gpu(0, processes=[process]))
    assert codes_of(plan, found) == ["device-busy"]
    found["instances"] = {"chat": {"unit": name}}
    assert codes_of(plan, found) == []


@pytest.mark.parametrize(
    ("mib", "refused", "remarks"),
    [(22, [], ["device-busy"]), (256, ["device-busy"], []), (None, ["device-busy"], [])],
)
def test_display_server(mib: int | None, refused: list[str], remarks: list[str]) -> None:
    """It may stay beside an instance that has what it needs."""
    process = {"pid": 725, "name": "/usr/lib/xorg/Xorg", "mib": mib, "unit": "gdm.service"}
    found = plans.with_gpus(devices.gpu(0, processes=[process]))
    assert codes_of(plans.one(), found) == refused
    assert codes_of(plans.one(), found, refuses=False) == remarks


def test_words_of_a_version_that_nobody_looked_at() -> None:
    options = plans.options(extra=("--seed", "1"))
    spec = plans.one(stack=plans.vllm("0.29.0", lock="vllm-0.27.1"), options=options)
    told = [one for one in against(spec, plans.with_gpus(devices.gpu(0))) if "extra" in one.path]
    assert [str(one) for one in told] == [
        "instances/chat/options/extra: found vllm 0.29.0, wanted one of 0.11.0, 0.13.0, 0.18.0, "
        "0.18.1, 0.20.2, 0.23.0, 0.26.0, 0.27.1, 0.32.0, 0.33.0; whether it takes these "
        "words was not judged [not-in-table]"
    ]
    assert not told[0].refuses
