"""Known failures of weights: damaged, incomplete, or not what the engine knows."""

from __future__ import annotations

from known import LMDEPLOY, OLLAMA, PYTHON, VLLM, Known

ROWS = (
    Known(
        says=("MetadataIncompleteBuffer", "HeaderTooLarge", "incomplete metadata"),
        cause="a weights file is truncated",
        remedy="hash every file again and mend what is wrong: deploy/verify_weights.py, then "
        "deploy/main.py",
        source="Qwen3-VL#264, airllm#137; measured, vLLM 0.32",
        engines=PYTHON,
    ),
    Known(
        says=("TextConfig' object has no attribute 'bos_token_id'",),
        cause="config.json does not say which token a prompt begins with",
        remedy="use weights whose text_config has bos_token_id: with transformers 5 LMDeploy reads "
        "it unasked",
        source="measured, LMDeploy 0.18 on an H100",
        engines=LMDEPLOY,
    ),
    Known(
        says=("Cannot find any model weights with",),
        cause="the weights have no file that the engine loads",
        remedy="pin the whole model: its manifest wants its *.safetensors",
        source="measured, vLLM 0.32",
        engines=VLLM,
    ),
    Known(
        says=(
            "scale_dtype\n…Extra inputs are not permitted",
            "zp_dtype\n…Extra inputs are not permitted",
        ),
        cause="config.json has scale_dtype and zp_dtype, which compressed-tensors before 0.13 "
        "does not know",
        remedy="use vLLM 0.14 or newer, or let the patch leave them out: python -m "
        "roles.weights.patch DIR --stack NAME says whether it applies",
        source="llm-compressor#2234, llm-compressor#2057",
        engines=VLLM,
    ),
    Known(
        says=("Extra inputs are not permitted",),
        cause="config.json holds keys that this engine does not know",
        remedy="use an engine version that knows them; the line before names the key",
        source="measured, vLLM 0.32",
        engines=PYTHON,
    ),
    Known(
        says=("model type …but Transformers does not recognize",),
        cause="this stack's transformers does not know the model",
        remedy="use a stack whose lock has one that does (qwen3_vl: 4.57 or newer)",
        source="vllm-ascend#3819",
        engines=PYTHON,
    ),
    Known(
        says=("Model architectures …are not supported for now",),
        cause="this vLLM does not know the model's architecture",
        remedy="use a stack whose vLLM knows it, or weights of another model",
        source="measured, vLLM 0.32",
        engines=VLLM,
    ),
    Known(
        says=(
            "is not a local folder",
            "is not a valid model identifier",
            "Repository Not Found",
            "401 Client Error",
            "GatedRepo",
        ),
        cause="the server asked a hub for a model: what it was told is no folder of this host",
        remedy="leave names of models and tokenizers out of extra: weights come by the inventory",
        source="transformers and huggingface_hub, as seed 004 met it",
        engines=PYTHON,
    ),
    Known(
        says=("unknown model architecture: ",),
        cause="this Ollama does not know the model's architecture",
        remedy="use a stack with an Ollama that does, or another model",
        source="ollama#18486, ollama#12984",
        engines=OLLAMA,
    ),
    Known(
        says=("object has no attribute 'vl_model'",),
        cause="lmdeploy lite cannot quantize this model",
        remedy="use the weights as they are, or a quantization made elsewhere",
        source="lmdeploy#4239",
        engines=LMDEPLOY,
    ),
)
