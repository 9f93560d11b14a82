"""Plans that cannot work on a host with Ascend, each with what preflight has to say of it."""

from typing import Any

from roles.spec import Engine, HostSpec
from tests.roles import devices
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Plan

_H200 = plans.with_gpus(devices.gpu(0), devices.gpu(1))
_ON_DUO = plans.mindie_stack(chip="310p", lock="mindie-2.1")


def _ready(*installers: str, version: str = "3.0.0", **fields: Any) -> HostSpec:
    files = tuple(plans.installer(file) for file in installers)
    return plans.ascend(ready_for=(plans.mindie_stack(version, installers=files, **fields),))


_TOOLKIT = "Ascend-cann-toolkit_8.5.1_linux-aarch64.run"
_OPS = "Ascend-cann-910b-ops_8.5.1_linux-aarch64.run"
_VLLM_ASCEND = plans.stack(
    Engine.VLLM_ASCEND, "0.18.0", installers=plans.cann("8.5.1"), lock="vllm-ascend-0.18.0-mixed"
)


def _vllm_ascend(**fields: Any) -> HostSpec:
    used = plans.stack(
        Engine.VLLM_ASCEND,
        "0.13.0",
        installers=plans.cann("8.5.0", chip="310p"),
        accepts=plans.CRITICAL,
    )
    right: dict[str, Any] = {"engine": Engine.VLLM_ASCEND, "dtype": "float16"}
    return plans.ascend(plans.instance(stack=used, options=plans.options(**right | fields)))


WRONG: dict[str, Plan] = {
    "bf16-on-a-duo": Plan(
        plans.mindie(on=2, dtype="bfloat16", stack=_ON_DUO), plans.duos(2),
        {"bfloat16"}, ("does not support bfloat16", "Atlas 300I DUO", "float16"),
    ),
    "world-size-3": Plan(
        plans.mindie(on=3), plans.a2(8),
        {"world-size", "tensor-parallel"},
        ("3 chips for Qwen3-VL-8B", "1 or 2 or 4 or 8"),
    ),
    "30b-a3b-on-eight": Plan(
        plans.mindie("30b-a3b", on=8), plans.a2(8),
        {"world-size"}, ("8 chips for Qwen3-VL-30B-A3B", "2 or 4", "take 2"),
    ),
    "32b-on-one-chip": Plan(
        plans.mindie("32b"), plans.a2(8),
        {"world-size", "memory"}, ("1 chips for Qwen3-VL-32B", "weights 62.1"),
    ),
    "mindie-2-for-qwen3-vl": Plan(
        plans.mindie(stack=plans.mindie_stack("2.1.RC1", over="8.2.RC1")), plans.a2(8),
        {"model-engine"}, ("mindie 2.1.RC1, which has no Qwen3-VL", "3.0.0 or newer"),
    ),
    "prompt-over-the-prefill": Plan(
        plans.mindie(max_input_token_len=10240, max_seq_len=12288), plans.a2(8),
        {"mindie-options"},
        (
            "maxPrefillTokens that is 8192",
            "The value of maxPrefillTokens should not be less than maxInputTokenLen.",
            "wanted 10240 or more",
        ),
    ),
    "prefill-batch-over-the-batch": Plan(
        plans.mindie(max_prefill_batch_size=4), plans.a2(8),
        {"mindie-options"},
        ("scheduleParam.maxPrefillBatchSize [4] is out of bound [1]", "wanted 1 to 1"),
    ),
    "no-room-for-the-vision-tower": Plan(
        plans.mindie(npu_mem_size=-1), plans.a2(8),
        {"mindie-options"}, ("npuMemSize -1", "vision tower"),
    ),
    "name-of-a-repository": Plan(
        plans.ascend(
            plans.mindie().instances[0].model_copy(update={"model": "Qwen/Qwen3-VL-8B"})
        ),
        plans.a2(8), {"mindie-options"},
        ("instances/chat/model", "The value of modelName must meet the following rules"),
    ),
    "port-between-nodes": Plan(
        plans.ascend(plans.mindie().instances[0].model_copy(update={"port": 1120})),
        plans.a2(8), {"mindie-options"},
        ("instances/chat/port", "Endpoint port cannot be equal to multiNodesInferPort."),
    ),
    "cache-larger-than-the-chip": Plan(
        plans.mindie(npu_mem_size=60), plans.a2(8),
        {"memory"}, ("npu_mem_size 60", "npu_mem_size 1"),
    ),
    "w8a8sc-on-an-a2": Plan(
        plans.mindie(weights_of=plans.weights("8b", shape="8b-w8a8sc")), plans.a2(8),
        {"model-quantization"}, ("w8a8sc of Qwen3-VL-8B", "for the Atlas 300I DUO alone"),
    ),
    "w8a8s-not-compressed": Plan(
        plans.mindie(on=2, weights_of=plans.weights("8b", shape="8b-w8a8s"), stack=_ON_DUO),
        plans.duos(2),
        {"model-quantization"}, ("w8a8s is not compressed yet",),
    ),
    "quantised-without-the-key": Plan(
        plans.mindie(weights_of=plans.weights("8b", name="qwen3-vl-8b-w8a8")), plans.a2(8),
        {"quantize-key"}, ("no quantize in the config.json", '"quantize": "w8a8"'),
    ),
    "cann-of-another-row": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(over="8.3.RC2"),)), plans.a2(8),
        {"cann"}, ("CANN 8.3.RC2", "8.5.1 with MindIE 3.0.0"),
    ),
    "kernels-beside-cann-8.5": Plan(
        _ready(_TOOLKIT, "Ascend-cann-kernels-910b_8.5.1_linux-aarch64.run"), plans.a2(8),
        {"cann"}, ("kernels beside toolkit 8.5.1", "wanted ops"),
    ),
    "torch-for-another-ubuntu": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(lock="mindie-2.1"),)), plans.a2(8),
        {"cann"}, ("torch 2.1.0", "2.9.0 on ubuntu 24.04"),
    ),
    "operators-for-another-chip": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(chip="310p"),)), plans.a2(8),
        {"chip"}, ("Ascend-cann-310p-ops", "a chip of 310p"),
    ),
    "installers-for-x86": Plan(
        _ready(_TOOLKIT.replace("aarch64", "x86_64"), _OPS), plans.a2(8),
        {"installer-arch"}, ("aarch64 on the host", "toolkit_8.5.1_linux-x86_64"),
    ),
    "910a": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(),)), plans.a2(8, name="910B", kind="910a"),
        {"chip"}, ("910A generation", "910B1 to 910B4"),
    ),
    "firmware-of-another-driver": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(),)),
        plans.with_npus(
            devices.npu(0), hdk=devices.ascend()["hdk"] | {"firmware": "7.9.0.1.100"}
        ),
        {"hdk"}, ("firmware 7.9.0.1.100", "7.0.0 to 7.8.99"),
    ),
    "upgraded-and-not-restarted": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(),)),
        plans.with_npus(devices.npu(0), hdk=devices.ascend()["hdk"] | {"loaded": "25.0.rc1.1"}),
        {"hdk"}, ("driver 25.0.rc1.1 loaded, 25.5.1 installed", "restart"),
    ),
    "npu-smi-does-not-start": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(),)),
        plans.with_npus(
            error={"code": -8005, "name": "dcmi-not-initialised", "text": "dcmi init failed"}
        ),
        {"npu-smi"}, ("dcmi init failed", "restart the machine"),
    ),
    "no-npu-at-all": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(),)),
        _H200 | {"system": plans.a2(1)["system"]},
        {"no-accelerator"}, ("2 × NVIDIA GPU", "an Ascend NPU"),
    ),
    "no-hdk": Plan(
        plans.ascend(ready_for=(plans.mindie_stack(),)),
        plans.a2(1) | {"accelerators": plans.a2(1)["accelerators"] | {"ascend": None}},
        {"driver"}, ("no driver", "AscendHdk"),
    ),
    "abi-of-mindie-and-of-its-models": Plan(
        _ready(
            _TOOLKIT, _OPS, "Ascend-mindie_3.0.0_linux-aarch64_abi1.run",
            "Ascend-mindie-atb-models_3.0.0_linux-aarch64_py311_torch2.9.0-abi0.tar.gz",
        ),
        plans.a2(8), {"abi"}, ("MindIE of abi1, its models of abi0",),
    ),
    "abi1-on-an-older-glibc": Plan(
        _ready(_TOOLKIT, _OPS, "Ascend-mindie_3.0.0_linux-aarch64_abi1.run", lock="mindie-2.1"),
        plans.with_npus(
            devices.npu(0), system={"os": {"id": "ubuntu", "version": "22.04"}, "glibc": "2.35"}
        ),
        {"glibc"}, ("glibc 2.35", "2.38 or newer for packages of abi1"),
    ),
    "models-for-another-python": Plan(
        _ready(
            _TOOLKIT, _OPS,
            "Ascend-mindie-atb-models_3.0.0_linux-aarch64_py310_torch2.9.0-abi1.tar.gz",
        ),
        plans.a2(8), {"python-range"}, ("Python 3.11", "3.10, which atb-models"),
    ),
    "models-of-another-release": Plan(
        _ready(_TOOLKIT, _OPS, "Ascend-mindie_2.3.0_linux-aarch64_abi0.run"), plans.a2(8),
        {"cann"}, ("mindie 2.3.0", "3.0.0, the stack's version"),
    ),
    "half-a-row-of-vllm-ascend": Plan(
        plans.ascend(
            ready_for=(_VLLM_ASCEND.model_copy(update={"accepts": plans.CRITICAL}),)
        ),
        plans.a2(8), {"cann"}, ("torch 2.8.0", "torch 2.9.0 with vllm-ascend 0.18.0"),
    ),
    "vllm-ascend-too-old-for-a-duo": Plan(
        _vllm_ascend(enforce_eager=True), plans.duos(1),
        {"model-engine"}, ("vllm-ascend 0.13.0", "0.18.0 or newer"),
    ),
    "graphs-on-a-duo": Plan(
        _vllm_ascend(dtype="auto"), plans.duos(1),
        {"model-engine", "enforce-eager", "bfloat16"},
        ("graphs with CANN 8.5.0", "set enforce_eager"),
    ),
    "chip-that-warns": Plan(
        plans.mindie(), plans.a2(8, health="Warning"),
        {"device-failing"}, ("health Warning",),
    ),
    "chip-whose-health-is-a-number": Plan(
        plans.mindie(), plans.a2(8, health="4106296"),
        {"device-failing"}, ("health 4106296",),
    ),
    "somebody-on-the-chip": Plan(
        plans.mindie(),
        plans.a2(1, processes=[{"pid": 498807, "name": "python", "mib": 2000, "unit": None}]),
        {"device-busy"}, ("python (pid 498807)",),
    ),
    "chip-without-a-logic-id": Plan(
        plans.mindie(), plans.a2(1, logic=None),
        {"logic-id"}, ("npu-smi info -m",),
    ),
}  # fmt: skip
