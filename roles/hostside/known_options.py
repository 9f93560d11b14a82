"""Known failures of what an engine was told: flags, values, and limits of the model."""

from __future__ import annotations

from known import HINT, LMDEPLOY, PYTHON, VLLM, Known

ROWS = (
    Known(
        says=("unrecognized arguments: ",),
        cause="the pinned engine does not know this flag",
        remedy="remove it from the instance's options, or spell it as this version does",
        source="measured, vLLM 0.32",
        engines=PYTHON,
    ),
    Known(
        says=("error: argument …: invalid ", "error: argument …: Value … cannot be converted to"),
        cause="the pinned engine does not accept this value",
        remedy="correct it in the instance's options; where JSON is wanted, JSON is to be written",
        source="measured, vLLM 0.32",
        engines=PYTHON,
    ),
    Known(
        says=("Quantization method specified in the model config (…) does not match",),
        cause="the options name another quantization than the weights have",
        remedy="leave --quantization out: the weights' config.json says it",
        source="measured, vLLM 0.32",
        engines=VLLM,
    ),
    Known(
        says=("Unknown quantization method",),
        cause="the pinned engine does not know this quantization",
        remedy="leave --quantization out, or use a stack that has it",
        source="vLLM source",
        engines=VLLM,
    ),
    Known(
        says=("User-specified max_model_len (…) is greater than the derived",),
        cause="the context is longer than the model was made for",
        remedy="lower max_model_len to the model's own, which the line names",
        source="measured, vLLM 0.32",
        engines=VLLM,
    ),
    Known(
        says=("\"cpu_gemm_wna16\" not implemented for 'Float'",),
        cause="weights of four bits are not computed in float32 on a CPU",
        remedy='leave dtype out, or set dtype="bfloat16"',
        source="measured, vLLM 0.32 on a CPU",
        engines=VLLM,
    ),
    Known(
        says=("Total number of attention heads … must be divisible by tensor parallel size",),
        cause="the model's attention heads cannot be shared by so many devices",
        remedy="set tensor_parallel_size, and devices, to a divisor of the number that it names",
        source="vLLM source",
        engines=VLLM,
    ),
    Known(
        says=("World size (…) is larger than the number of available GPUs",),
        cause="the server sees fewer devices than the model is to be shared by",
        remedy="give the instance devices that are there (nvidia-smi -L), and leave "
        "CUDA_VISIBLE_DEVICES out of environment",
        source="vLLM source",
        engines=VLLM,
    ),
    Known(
        says=("Bfloat16 is only supported on GPUs with compute capability of at least 8.0",),
        cause="the device is too old for bfloat16",
        remedy='set dtype="float16"',
        source="vLLM source",
        engines=VLLM,
    ),
    Known(
        says=("Device does not support bfloat16.",),
        cause="the device is too old for bfloat16",
        remedy='set dtype="float16"',
        source="LMDeploy source",
        engines=LMDEPLOY,
        weight=HINT,
    ),
    Known(
        says=("model_format=fp8 requires sm>=9.0",),
        cause="the device is too old for fp8 weights",
        remedy="use weights of another format, or a device of compute capability 9.0 or newer",
        source="LMDeploy source",
        engines=LMDEPLOY,
    ),
    Known(
        says=(
            'Does not support distributed_executor_backend="uni" and world_size!=1',
            'requires distributed_executor_backend="ray"',
            "uni executor only support world_size==1",
        ),
        cause="this executor cannot share the model in this way",
        remedy="let the executor be ray, or mp on one host, where tp is more than 1",
        source="LMDeploy source",
        engines=LMDEPLOY,
    ),
    Known(
        says=("not ready: the server does not take its own key",),
        cause="the server wants another key than the instance has",
        remedy="leave keys out of environment and extra: the instance's api_key is given to it",
        source="our own words (ready.py)",
    ),
)
