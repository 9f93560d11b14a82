"""Known failures of MindIE, and of what lies below engines on Ascend."""

from __future__ import annotations

from known import MINDIE, Known

_PLUGIN = ("vllm-ascend",)
_ASCEND = (*_PLUGIN, *MINDIE)
_SOURCE, _FAQ = "MindIE source", "MindIE FAQ"

ROWS = (
    Known(
        says=("NPU out of memory",),
        cause="weights, activations and cache exceed the device's memory",
        remedy="lower npu_mem_size, max_seq_len or max_prefill_tokens, or use more chips",
        source=_FAQ,
        engines=MINDIE,
    ),
    Known(
        says=("Check path: …failed, by:owner id diff",),
        cause="a file of MindIE's belongs to another user than the server runs as",
        remedy="give the file that the line names to that user; even root has to own it",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("Check path: …failed, by: Check Other group permission failed",),
        cause="a file of MindIE's may be read or written by more people than MindIE allows",
        remedy="give it mode 640 or less: config.json of the server and of the weights, ranktable",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("Path permission exceeds maximum allowed",),
        cause="the weights may be read by more people than MindIE allows",
        remedy="give folders mode 750 and files 640, owned by the server's user",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("missing compulsory field", "Json file is invalid. Please check json format"),
        cause="MindIE's config.json lacks a key, or is no JSON",
        remedy="edit the one that was installed key by key, and never ship another version's",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("The value of maxPrefillTokens should not be less than maxInputTokenLen",),
        cause="a prompt may be longer than one prefill step takes",
        remedy="raise max_prefill_tokens to max_input_token_len",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=(
            "The size of npuDeviceIds does not equal to modelInstanceNumber",
            "The size of npuDeviceIds (subset) does not equal to worldSize",
            "npuDeviceID does not allow repetitive element",
        ),
        cause="the devices in config.json are not as many as the model is shared by",
        remedy="give devices, each once, as many as world_size",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("] is out of bound [", "] is less than ["),
        cause="a number in config.json is out of its bounds",
        remedy="correct the option that the line names; the bound stands behind it",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("This device does not support bfloat16.Please change",),
        cause="the device does not compute in bfloat16 (Atlas 300I DUO)",
        remedy='set dtype="float16", and let the weights\' config.json be patched to it',
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("Failed to get vocab size from tokenizer wrapper",),
        cause="the tokenizer cannot be read: files are missing, or their modes are wrong",
        remedy="hash every file again and mend what is wrong: deploy/verify_weights.py, then "
        "deploy/main.py; folders 750, files 640",
        source=_FAQ,
        engines=MINDIE,
    ),
    Known(
        says=("Max retries exceeded with url",),
        cause="the tokenizer was sought on the internet: it is not where the weights are",
        remedy="look at the path of the weights, and whether the manifest has its tokenizer",
        source=_FAQ,
        engines=MINDIE,
    ),
    Known(
        says=("No module named 'atb_llm",),
        cause="ATB models are not in the server's environment, or for another ABI",
        remedy="install the stack's ATB models again: deploy/main.py captures what they set",
        source=_FAQ + ", in Python's words",
        engines=MINDIE,
    ),
    Known(
        says=("libboost_thread.so.1.82.0: cannot open shared object",),
        cause="MindIE's set_env.sh is not in the server's environment",
        remedy="remove the stack's file below /opt/metalserve/ascend, then deploy/main.py",
        source=_FAQ,
        engines=MINDIE,
    ),
    Known(
        says=("cannot allocate memory in static TLS block",),
        cause="a library was loaded too late for its thread-local memory",
        remedy="name the library that the line names (libgomp) in LD_PRELOAD, in environment",
        source=_FAQ,
        engines=_ASCEND,
    ),
    Known(
        says=("does not match the installed version's device type",),
        cause="the plugin's wheel is built for another chip",
        remedy="lock one that is built for this one: SOC_VERSION=ascend310p1 for an Atlas 300I",
        source="vllm_ascend/utils.py",
        engines=_PLUGIN,
    ),
    Known(
        says=("ModelSlim Quantization Config Not Found",),
        cause="the weights lack quant_model_description.json, which --quantization ascend wants",
        remedy="leave the option out, or pin weights that msModelSlim made with that file",
        source="vllm_ascend/quantization",
        engines=_PLUGIN,
    ),
    Known(
        says=("only pre-sharded checkpoints are currently supported",),
        cause="the weights were not saved by rank, or for fewer chips",
        remedy="leave --load-format out, or compress for as many as tensor_parallel_size",
        source="vLLM's sharded_state_loader.py",
        engines=_PLUGIN,
    ),
    Known(
        says=("Failed to create tokenizer share memory",),
        cause="shared memory of a server before is in the way",
        remedy="the log says before the start what was left in /dev/shm, and who has it: end that",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("Shared memory available is not enough on the filesystem",),
        cause="what the server's processes share does not fit into /dev/shm",
        remedy="make /dev/shm larger (df -h /dev/shm), or remove what dead servers left there",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("Failed to set process group. errno is",),
        cause="MindIE is the first process of a container or of a unit, and cannot lead a group",
        remedy="start it as a child: a container with an init process, a unit by a release's start",
        source=_SOURCE,
        engines=MINDIE,
    ),
    Known(
        says=("dcmi module initialize failed. ret is -8005", "DrvMngGetConsoleLogLevel failed"),
        cause="the driver does not answer: it was changed without a reboot, or the user may not "
        "ask it",
        remedy="reboot the host; the server's user has to be in the group of the driver",
        source="notes from hosts (npu-smi)",
        engines=_ASCEND,
    ),
)
