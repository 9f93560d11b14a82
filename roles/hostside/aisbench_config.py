"""
What AISBench reads: its own configuration files of the installed version, each with our values
set behind it.

They lie in a folder of the run, which ``--config-dir`` puts before the installed one; nothing below
``site-packages`` is changed. A key that we do not set keeps what the version ships. Sources:
AISBench/benchmark, ``cli/config_manager.py``, ``configs/models/vllm_api/*.py``,
``configs/datasets/{textvqa,mm_custom}/*.py``.
"""

from __future__ import annotations

import glob
from typing import Any, Dict, NamedTuple


class Task(NamedTuple):
    """What is run: AISBench's names for it, and where the installed files lie."""

    mode: str
    model: str
    dataset: str
    folder: str


TASKS = {
    "accuracy": Task("all", "vllm_api_general_chat", "textvqa_gen_base64", "textvqa"),
    "performance": Task("perf", "vllm_api_stream_chat", "mm_custom_gen", "mm_custom"),
}
_SHIPPED = "{}/venv/lib/python3*/site-packages/ais_bench/benchmark/configs/{}.py"
_MODEL = """
models[0].update({values!r})
models[0]["generation_kwargs"] = {generation!r}
"""
_TEXTVQA = """
textvqa_datasets[0]["path"] = {questions!r}
_shown = textvqa_infer_cfg["prompt_template"]["template"]["round"][0]["prompt_mm"]
_shown["image"]["image_url"]["url"] = {image!r}
_shown["text"]["text"] = {text!r}
"""
_MM_CUSTOM = """
mm_custom_datasets[0].update({{"path": {questions!r}, "mm_type": {media!r}}})
_shown = mm_custom_infer_cfg["prompt_template"]["template"]["round"][0]["prompt_mm"]
_shown["image"]["image_url"]["url"] = {image!r}
_shown["video"]["video_url"]["url"] = {video!r}
_shown["audio"]["audio_url"]["url"] = {audio!r}
"""


class NotShippedError(Exception):
    """The installed version has no such file; the message names it."""


def files(task: Task, tool: str, asked: Dict[str, Any]) -> Dict[str, str]:
    """
    Return the text of each file of the configuration, by its path below the folder.

    :param tool: folder that AISBench is installed in
    :param asked: ``host``, ``port``, ``model``, ``key``, ``tokenizer``, ``max_tokens``,
        ``at_once``; ``questions``, ``media`` and ``image_type`` of the data set; ``suffix`` that
        TextVQA's questions end in
    """
    models, datasets = "models/" + task.model, "datasets/" + task.dataset
    model = _shipped(tool, "models/vllm_api/" + task.model)
    dataset = _shipped(tool, "datasets/{}/{}".format(task.folder, task.dataset))
    return {
        models + ".py": model + _model(task, asked),
        datasets + ".py": dataset + _dataset(task, asked),
    }


def _model(task: Task, asked: Dict[str, Any]) -> str:
    values = {
        "path": asked["tokenizer"],
        "model": asked["model"],
        "api_key": asked["key"],
        "host_ip": asked["host"],
        "host_port": asked["port"],
        "max_out_len": asked["max_tokens"],
        "batch_size": asked["at_once"],
        "trust_remote_code": False,
    }
    # Measuring speed, every answer has the same length, so that runs can be compared.
    generation = {"temperature": 0, "ignore_eos": task.mode == "perf"}
    return _MODEL.format(values=values, generation=generation)


def _dataset(task: Task, asked: Dict[str, Any]) -> str:
    inline = "data:{}/{};base64,{{{}}}".format
    image = inline("image", asked["image_type"], "image")
    if task.folder == "textvqa":
        text = "{question}" + asked["suffix"]
        return _TEXTVQA.format(questions=asked["questions"], image=image, text=text)
    shown = {kind: "file://{" + kind + "}" for kind in ("image", "video", "audio")}
    if asked["media"] == "base64":
        # A video is sent as JPEGs of some of its frames.
        shown = {"image": image, "video": inline("video", "jpeg", "video")}
        shown["audio"] = inline("audio", "wav", "audio")
    return _MM_CUSTOM.format(questions=asked["questions"], media=asked["media"], **shown)


def _shipped(tool: str, name: str) -> str:
    pattern = _SHIPPED.format(glob.escape(tool), name)
    for path in glob.glob(pattern):
        with open(path, encoding="utf-8") as file:
            return file.read()
    raise NotShippedError("the installed AISBench has no {}.py".format(name))
