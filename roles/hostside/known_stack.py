"""Known failures of what lies below an engine: driver, CUDA, compilers, Python packages."""

from __future__ import annotations

from known import LMDEPLOY, PYTHON, VLLM, Known

_REINSTALL = (
    "remove the stack's folder below /opt/metalserve/stacks and run deploy/main.py, if somebody "
    "changed it; else its lock mixes what does not belong together: lock again under a new name"
)

ROWS = (
    Known(
        says=("The NVIDIA driver on your system is too old",),
        cause="the driver is older than the CUDA of this stack",
        remedy="raise HostSpec.driver, or choose a stack for the driver that is there; the "
        "stack's driver names the oldest",
        source="FunASR#2973, verl-omni#133",
        engines=PYTHON,
    ),
    Known(
        says=(
            "provided PTX was compiled with an unsupported toolchain",
            "device kernel image is invalid",
        ),
        cause="the driver cannot compile kernels that were made with a newer CUDA",
        remedy="raise HostSpec.driver to one that comes with the stack's CUDA or a newer one",
        source="vllm#31700, vllm#37140",
        engines=PYTHON,
    ),
    Known(
        says=("Error 802: system not yet initialized",),
        cause="the host has NVSwitches, and the fabric manager of the driver's version does not "
        "run",
        remedy="systemctl status nvidia-fabricmanager; name it in the driver's fabric_manager",
        source="pytorch#35710, gpustack#4154, ollama#12136",
    ),
    Known(
        says=(
            *("Error 803: …forward compat", "Error 803: …not supported"),
            *("Error 804: …forward compat", "Error 804: …not supported"),
            "unsupported display driver / cuda driver combination",
        ),
        cause="libraries for forward compatibility are loaded on a card that does not take them",
        remedy="take cuda-compat out of LD_LIBRARY_PATH and of /etc/ld.so.conf.d",
        source="vLLM source; the words not verified on a host",
    ),
    Known(
        says=("Driver/library version mismatch", "NVML_ERROR_LIB_RM_VERSION_MISMATCH"),
        cause="the driver was changed, and its old kernel module is still loaded",
        remedy="reboot the host",
        source="NVML, error 18",
    ),
    Known(
        says=("Failed to infer device type",),
        cause="the server sees no accelerator",
        remedy="nvidia-smi has to answer there; deploy/preflight.py tells what is missing",
        source="vLLM source",
        engines=VLLM,
    ),
    Known(
        says=("cuda is not available.", "PyTorch is not available."),
        cause="the server sees no accelerator",
        remedy="nvidia-smi has to answer there; deploy/preflight.py tells what is missing",
        source="LMDeploy source",
        engines=LMDEPLOY,
    ),
    Known(
        says=("has no attribute all_special_tokens_extended",),
        cause="transformers 5 lies below a vLLM that does not know it (0.11 and older)",
        remedy="lock transformers below 5 in the stack: a new .in file, a new lock, a new name",
        source="Qwen3-VL#2058, verl#4337",
        engines=VLLM,
    ),
    Known(
        says=("fatal error: Python.h: No such file",),
        cause="kernels are compiled at start, and Python's header files are missing",
        remedy="add python3.X-dev of the stack's python to Stack.os_packages",
        source="vllm#27890",
        engines=PYTHON,
    ),
    Known(
        says=("Failed to find C compiler",),
        cause="kernels are compiled at start, and there is no C compiler",
        remedy="add gcc to Stack.os_packages",
        source="vllm#2997, vllm#15329",
        engines=PYTHON,
    ),
    Known(
        says=("No working C++ compiler found in torch._inductor",),
        cause="torch compiles kernels, with more than one rank on a CPU also where it is to be "
        "eager, and there is no C++ compiler",
        remedy="add g++ and python3.X-dev of the stack's python to Stack.os_packages, or set "
        "TORCHDYNAMO_DISABLE to 1 in environment",
        source="measured, vLLM 0.32 on CPUs of two hosts",
        engines=VLLM,
    ),
    Known(
        says=("Could not find nvcc", "nvcc: not found"),
        cause="FlashInfer compiles kernels at start, and there is no nvcc",
        remedy="set VLLM_USE_FLASHINFER_SAMPLER to 0 in environment, or install the CUDA toolkit "
        "and set CUDA_HOME there",
        source="vllm#49497, vllm#36077, flashinfer#1919",
        engines=VLLM,
    ),
    Known(
        says=(
            "libcudart.so.12: cannot open shared object",
            "libcudart.so.13: cannot open shared object",
        ),
        cause="torch and the engine were built for different CUDA",
        remedy=_REINSTALL,
        source="vllm#52300, vllm#36099, vllm#43435",
        engines=PYTHON,
    ),
    Known(
        says=("operator torchvision::nms does not exist",),
        cause="torchvision was built for another torch",
        remedy=_REINSTALL,
        source="measured, vLLM 0.32 on a CPU",
        engines=PYTHON,
    ),
)
