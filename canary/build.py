"""The canary's parts before training: a byte-level tokenizer, a processor and an empty model."""

import json
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

CONTEXT: Final = 4096
PAD: Final = "<|endoftext|>"
STOP: Final = "<|im_end|>"
SPECIALS: Final = (
    PAD,
    "<|im_start|>",
    STOP,
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
SIDE: Final = 64
"""Pictures and frames are brought to about this many pixels a side: 2 by 2 visual tokens."""
FILM_FRAMES: Final = 8

TEMPLATE: Final = """\
{%- macro render(content) -%}
{%- if content is string -%}
{{- content -}}
{%- else -%}
{%- for part in content -%}
{%- if part.type == 'image' or part.type == 'image_url' or 'image' in part -%}
<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == 'video' or part.type == 'video_url' or 'video' in part -%}
<|vision_start|><|video_pad|><|vision_end|>
{%- elif 'text' in part -%}
{{- part.text -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ render(message.content) }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, so that any text is in the vocabulary."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    fast = Tokenizer(BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in SPECIALS])
    return PreTrainedTokenizerFast(
        tokenizer_object=fast,
        eos_token=STOP,
        pad_token=PAD,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def processor() -> Qwen3VLProcessor:
    pixels = SIDE * SIDE
    film_pixels = FILM_FRAMES * pixels
    parts: dict[str, Any] = {
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    return Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(
            size={"shortest_edge": pixels, "longest_edge": pixels}, **parts
        ),
        tokenizer=tokenizer(),
        video_processor=Qwen3VLVideoProcessor(
            # A small floor: with a larger one the per-frame cap would leave frames unscaled.
            size={"shortest_edge": pixels, "longest_edge": film_pixels},
            max_frames=2 * FILM_FRAMES,
            cap_pixels_per_frame=True,
            **parts,
        ),
        chat_template=TEMPLATE,
    )


def config(words: PreTrainedTokenizerFast) -> Qwen3VLConfig:
    """Small, but with eight attention heads of 64: what GPU kernels and tensor parallelism want."""
    ids = {word: words.convert_tokens_to_ids(word) for word in SPECIALS}
    return Qwen3VLConfig(
        text_config={
            "vocab_size": 64 * -(-len(words) // 64),
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 3,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "head_dim": 64,
            "max_position_embeddings": CONTEXT,
            # Nothing is put before a prompt; LMDeploy wants to read it all the same.
            "bos_token_id": ids[PAD],
            "eos_token_id": ids[STOP],
            "pad_token_id": ids[PAD],
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [12, 10, 10],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 4,
            "out_hidden_size": 128,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )


def save(*, model: Qwen3VLForConditionalGeneration, parts: Qwen3VLProcessor, folder: Path) -> None:
    """Write a snapshot that transformers 4.57 and 5 both read."""
    words = tokenizer()  # A fresh one: the one used in training remembers to pad.
    model.generation_config = GenerationConfig(
        do_sample=False,
        eos_token_id=words.convert_tokens_to_ids([STOP, PAD]),
        pad_token_id=words.pad_token_id,
    )
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="1GB")
    (folder / "model.safetensors").chmod(0o644)
    words.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    pixels = parts.image_processor.to_dict() | {
        "image_processor_type": "Qwen2VLImageProcessorFast",
        "processor_class": "Qwen3VLProcessor",
    }
    films = parts.video_processor.to_dict() | {"processor_class": "Qwen3VLProcessor"}
    _write(folder / "preprocessor_config.json", pixels)
    _write(folder / "video_preprocessor_config.json", films)

    # transformers 4.57 knows M-RoPE only by these two names, and without them switches it off.
    settings = json.loads((folder / "config.json").read_text())
    rope = dict(settings["text_config"]["rope_parameters"])
    settings["text_config"]["rope_theta"] = rope.pop("rope_theta")
    settings["text_config"]["rope_scaling"] = rope
    _write(folder / "config.json", settings)
    names = json.loads((folder / "tokenizer_config.json").read_text())
    # A list here, as transformers 5 writes it, is what 4.57 fails on; the model needs none.
    names.pop("extra_special_tokens", None)
    # The class of every Qwen3-VL: the processor of transformers 4.57 takes no other from vLLM.
    names["tokenizer_class"] = "Qwen2Tokenizer"
    _write(folder / "tokenizer_config.json", names)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, default=str) + "\n")
