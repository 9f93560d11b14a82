"""The stand-in of vLLM's plugin for Ascend starts where the plugin would, and nowhere else."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.standins.ascend import npu
from tests.standins.openai.served import CONFIG, PNG, checkpoint, install, shown, table
from tests.standins.vllm.served import Served
from tests.standins.vllm_ascend import build

FLOAT16 = ("--dtype", "float16")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    return install(folder, build.build(folder / "wheels", table(folder)))


class Host:
    """Chips, libraries and a model; what a server is started with."""

    def __init__(self, folder: Path, python: Path, chips: list[npu.Chip]) -> None:
        self.folder, self.python = folder, python
        self.nodes = folder / "dev"
        self.nodes.mkdir()
        for node in ("davinci_manager", *(f"davinci{chip.logic}" for chip in chips)):
            (self.nodes / node).touch()
        (folder / "npus.json").write_text(json.dumps({"devices": [asdict(c) for c in chips]}))
        for library in ("atb/lib/libatb.so", "driver/lib64/common/libc_sec.so"):
            (folder / library).parent.mkdir(parents=True)
            (folder / library).touch()
        self.model = checkpoint(folder / "model")
        parts = ("cann/lib64", "atb/lib", "driver/lib64", "driver/lib64/common")
        self.environment = {
            "STANDIN_ASCEND": str(folder),
            "STANDIN_DEV": str(self.nodes),
            "ASCEND_HOME_PATH": f"{folder}/cann",
            "ASCEND_RT_VISIBLE_DEVICES": "2,3",
            "LD_LIBRARY_PATH": ":".join(f"{folder}/{part}" for part in parts),
            # Of a CPU; it does not count here.
            "VLLM_CPU_KVCACHE_SPACE": "",
        }

    def served(self, *words: str, **environment: str) -> Served:
        given = self.environment | environment
        log = self.folder / "log"
        return Served(self.python, model=self.model, log=log, words=words, environment=given)

    def refused(self, *words: str, **environment: str) -> str:
        """Return what it says that does not get as far as serving."""
        with self.served(*words, **environment) as served:
            assert served.status() == 1, served.log
            return served.log


@pytest.fixture
def duo(tmp_path: Path, python: Path) -> Host:
    """Two cards of two chips."""
    return Host(tmp_path, python, npu.duo(2))


def test_it_serves_on_its_chips_alone(duo: Host) -> None:
    words = ("--limit-mm-per-prompt", '{"image": 1}', "--tensor-parallel-size", "2")
    with duo.served(*FLOAT16, *words) as served:
        served.ready()
        parts = [shown("image", PNG), {"type": "text", "text": "What?"}]
        assert served.said(parts) == "red"
        assert "Platform plugin ascend is activated" in served.log
        held = {path.resolve() for path in Path(f"/proc/{served.process.pid}/fd").iterdir()}
    nodes = {path.name for path in held if path.parent == duo.nodes}
    assert nodes == {"davinci_manager", "davinci2", "davinci3"}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ASCEND_HOME_PATH": ""}, "ImportError: libascendcl.so: cannot open shared object file"),
        ({"LD_LIBRARY_PATH": ""}, "ImportError: libascendcl.so: cannot open shared object file"),
        ({"ASCEND_RT_VISIBLE_DEVICES": "7"}, "[Error]: Invalid device ID."),
    ],
)
def test_environments_that_it_refuses(duo: Host, environment: dict[str, str], said: str) -> None:
    assert said in duo.refused(*FLOAT16, **environment)


@pytest.mark.parametrize("library", ["libatb.so", "libc_sec.so"])
def test_libraries_that_it_needs(duo: Host, library: str) -> None:
    """Of ATB, and of the driver's in ``common``, which no script of CANN's names."""
    (found,) = duo.folder.rglob(library)
    found.unlink()
    assert f"ImportError: {library}: cannot open shared object file" in duo.refused(*FLOAT16)


def test_more_chips_than_are_shown(duo: Host) -> None:
    said = duo.refused(*FLOAT16, "--tensor-parallel-size", "4")
    assert "[Error]: Invalid device ID." in said


def test_a_310p_has_no_bfloat16(duo: Host) -> None:
    assert "310P does not support bfloat16" in duo.refused("--dtype", "bfloat16")
    config = {**CONFIG, "text_config": {**CONFIG["text_config"], "dtype": "bfloat16"}}  # type: ignore[dict-item]
    (duo.model / "config.json").write_text(json.dumps(config))
    assert "310P does not support bfloat16" in duo.refused()


def test_another_chip_than_it_is_built_for(tmp_path: Path, python: Path) -> None:
    said = Host(tmp_path, python, npu.a2(4)).refused(*FLOAT16)
    assert (
        "AssertionError: Current device type: AscendDeviceType.A2 does not match the installed "
        "version's device type: AscendDeviceType._310P, please check your installation package."
    ) in said


def test_quantised_weights_have_a_description(duo: Host) -> None:
    words = (*FLOAT16, "--quantization", "ascend")
    said = duo.refused(*words)
    assert "ModelSlim Quantization Config Not Found" in said
    assert "quantization config file ('quant_model_description.json')" in said
    (duo.model / "quant_model_description.json").write_text("{}")
    with duo.served(*words) as served:
        served.ready()


def test_weights_saved_by_rank(duo: Host) -> None:
    words = (*FLOAT16, "--load_format", "sharded_state")
    assert "only pre-sharded checkpoints are currently supported!" in duo.refused(*words)
    shard = duo.model / "model.safetensors"
    shard.rename(shard.with_name("model-rank-0-part-0.safetensors"))
    with duo.served(*words) as served:
        served.ready()
    said = duo.refused(*words, "--tensor-parallel-size", "2")
    assert f"{duo.model}/model-rank-1-part-*.safetensors" in said
