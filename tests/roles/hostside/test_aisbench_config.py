"""AISBench's configuration: what the installed version ships, and our values behind it."""

from pathlib import Path
from typing import Any

import aisbench_config
import pytest

KEY = "sk-test-7f3kQz9Xw2LmVb8Rt5"
ASKED = {
    "host": "127.0.0.1", "port": 8000, "model": "canary", "key": KEY,
    "tokenizer": "/opt/metalserve/instances/chat/current/weights", "max_tokens": 16, "at_once": 2,
    "questions": "/run/questions.jsonl", "media": "base64", "image_type": "png",
    "suffix": " Shortly.",
}  # fmt: skip
# In the shape of 3.1.20260630, whose files import classes besides.
MODEL = """\
models = [
    dict(
        attr="service", type="VLLMCustomAPIChat", abbr="{abbr}", path="", model="", stream={stream},
        request_rate=0, retry=2, api_key="", host_ip="localhost", host_port=8080, url="",
        max_out_len=512, batch_size=1, trust_remote_code=False,
        generation_kwargs=dict(temperature=0.01, ignore_eos=False),
    )
]
"""
DATASET = """\
{name}_infer_cfg = dict(prompt_template=dict(template=dict(round=[
    dict(role="HUMAN", prompt_mm=dict(
        text=dict(type="text", text="{{question}} Answer!"),
        image=dict(type="image_url", image_url=dict(url="file://{{image}}")),
        video=dict(type="video_url", video_url=dict(url="file://{{video}}")),
        audio=dict(type="audio_url", audio_url=dict(url="file://{{audio}}")),
    ))
])))
{name}_datasets = [dict(abbr="{name}", path="ais_bench/x.jsonl", infer_cfg={name}_infer_cfg)]
"""


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """What an installation has of it."""
    configs = tmp_path / "venv/lib/python3.11/site-packages/ais_bench/benchmark/configs"
    for name, text in {
        "models/vllm_api/vllm_api_general_chat": MODEL.format(abbr="general", stream=False),
        "models/vllm_api/vllm_api_stream_chat": MODEL.format(abbr="stream", stream=True),
        "datasets/textvqa/textvqa_gen_base64": DATASET.format(name="textvqa"),
        "datasets/mm_custom/mm_custom_gen": DATASET.format(name="mm_custom"),
    }.items():
        path = configs / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def _read(tool: Path, kind: str, **asked: Any) -> tuple[Any, Any, Any]:
    """Return model, data set and what is shown with a question, as AISBench reads them."""
    task = aisbench_config.TASKS[kind]
    texts = aisbench_config.files(task, str(tool), ASKED | asked)
    assert list(texts) == [f"models/{task.model}.py", f"datasets/{task.dataset}.py"]
    found: dict[str, Any] = {}
    for text in texts.values():
        exec(text, found)  # noqa: S102  # as mmengine does
    (model,), (dataset,) = found["models"], found[f"{task.folder}_datasets"]
    return (
        model,
        dataset,
        dataset["infer_cfg"]["prompt_template"]["template"]["round"][0]["prompt_mm"],
    )


def test_accuracy(tool: Path) -> None:
    """Every key of ours is set, and every other is as it was shipped."""
    model, dataset, shown = _read(tool, "accuracy")
    assert model == {
        "attr": "service", "type": "VLLMCustomAPIChat", "abbr": "general",
        "path": "/opt/metalserve/instances/chat/current/weights", "model": "canary",
        "stream": False, "request_rate": 0, "retry": 2, "api_key": KEY, "host_ip": "127.0.0.1",
        "host_port": 8000, "url": "", "max_out_len": 16, "batch_size": 2,
        "trust_remote_code": False, "generation_kwargs": {"temperature": 0, "ignore_eos": False},
    }  # fmt: skip
    assert dataset["path"] == "/run/questions.jsonl"
    assert shown["text"] == {"type": "text", "text": "{question} Shortly."}
    assert shown["image"]["image_url"] == {"url": "data:image/png;base64,{image}"}


def test_performance(tool: Path) -> None:
    model, dataset, shown = _read(tool, "performance")
    assert (model["abbr"], model["stream"]) == ("stream", True)
    assert model["generation_kwargs"] == {"temperature": 0, "ignore_eos": True}
    assert (dataset["path"], dataset["mm_type"]) == ("/run/questions.jsonl", "base64")
    assert shown["image"]["image_url"] == {"url": "data:image/png;base64,{image}"}
    assert shown["video"]["video_url"] == {"url": "data:video/jpeg;base64,{video}"}
    assert shown["text"]["text"] == "{question} Answer!"


def test_files_by_their_paths(tool: Path) -> None:
    _, dataset, shown = _read(tool, "performance", media="path")
    assert dataset["mm_type"] == "path"
    assert shown["image"]["image_url"] == {"url": "file://{image}"}
    assert shown["video"]["video_url"] == {"url": "file://{video}"}


def test_version_without_such_a_file(tool: Path) -> None:
    task = aisbench_config.TASKS["accuracy"]._replace(dataset="textvqa_gen_other")
    with pytest.raises(aisbench_config.NotShippedError) as caught:
        aisbench_config.files(task, str(tool), ASKED)
    assert str(caught.value) == (
        "the installed AISBench has no datasets/textvqa/textvqa_gen_other.py"
    )
