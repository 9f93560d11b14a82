"""The stand-in of MindIE's server starts where MindIE's would, and nowhere else."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.standins.ascend import npu
from tests.standins.mindie.served import Host, install

_RANK = "LLMPythonModel initializes fail: modelWrapper return status is error"


def test_what_it_says(host: Host) -> None:
    with host.start() as served:
        served.ready()
        said = served.log.splitlines()
        assert f"g_mainPid = {served.process.pid}" in said
        assert f"ConfigManager: Load Config from {host.folder / 'config.json'}." in said
        assert "Daemon start success!" in said
        assert os.getpgid(served.process.pid) == served.process.pid
    assert len([*(host.folder / "work").glob("kernel_meta_temp_*")]) == 1


def test_settings_are_found_in_this_order(host: Host) -> None:
    with host.start(
        words=("--expert-parallel", "false"), MIES_CONFIG_JSON_PATH=str(host.config)
    ) as served:
        served.ready()
    # The file of the installation is what it shipped: HTTPS, and four chips.
    said = host.refused(words=words)
    assert f"ConfigManager: Load Config from {host.root}/conf/config.json." in said
    said = host.refused(
        MIES_CONFIG_JSON_PATH="/nowhere/config.json", words=("--expert-parallel", "x")
    )
    assert "The input file: config.json is not a regular file or not exists\n" in said
    assert "ConfigManager: Get config path failed.\n" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--config", "x"), "Unrecognized command-line argument, expect [--config-file, "),
        (("--config-file",), "Missing value for key: --config-file"),
    ],
)
def test_words_it_refuses(host: Host, words: tuple[str, ...], told: str) -> None:
    with host.start(words=words) as served:
        assert served.status() == 255
        assert told in served.log


def test_a_leader_of_a_session_is_refused(host: Host) -> None:
    """As which systemd starts what it starts, and a container its first process."""
    with host.start(leads=True) as served:
        assert served.status() == 255
        assert "Failed to set process group. errno is 1\n" in served.log


@pytest.mark.parametrize("mode", [0o644, 0o700, 0o660])
def test_modes_of_the_settings(host: Host, mode: int) -> None:
    file = host.config
    file.chmod(mode)
    said = host.refused(words=("--config-file", str(file)))
    assert "Check path: config.json failed, by: Check O" in said
    assert f"Required permisssion is 640, but got permission is {mode:o}\n" in said


@pytest.mark.parametrize("mode", [0o440, 0o600])
def test_modes_of_the_settings_that_are_less(host: Host, mode: int) -> None:
    file = host.config
    file.chmod(mode)
    with host.start(words=("--config-file", str(file))) as served:
        served.ready()


def test_settings_that_are_a_link_empty_or_no_json(host: Host) -> None:
    link = host.folder / "link.json"
    link.symlink_to(host.config)
    assert "The file: link.json is a link.\n" in host.refused(words=("--config-file", str(link)))
    file = host.folder / "other.json"
    for text, told in (
        ("", "Input data size(0) out of range[1,4294967296]."),
        (
            '{"ServerConfig": {} # a comment\n}',
            "Json file is invalid. Please check json format! \n",
        ),
        ("{}", "ConfigManager init exception: Failed to initialize ServerConfig from JSON.\n"),
    ):
        file.write_text(text)
        file.chmod(0o640)
        assert told in host.refused(words=("--config-file", str(file)))


@pytest.mark.parametrize(
    ("path", "value", "told", "section"),
    [
        ("ServerConfig/port", "1025", "The type of param port should be int32_t", "ServerConfig"),
        ("BackendConfig/npuDeviceIds", [[0, 1]], "(subset) does not equal to", "BackendConfig"),
        ("BackendConfig/ScheduleConfig/maxBatchSize", ..., "missing comp", "ScheduleConfig"),
        ("BackendConfig/ModelDeployConfig/truncation", "no", "truncation", "ModelDeployConfig"),
    ],
)
def test_types_it_refuses(host: Host, path: str, value: object, told: str, section: str) -> None:
    host.change(path, value)
    said = host.refused()
    assert told in said
    assert f"ConfigManager init exception: Failed to initialize {section} from JSON.\n" in said


def test_values_it_refuses_all_at_once(host: Host) -> None:
    host.change("ServerConfig/port", 80)
    host.change("BackendConfig/ModelDeployConfig/maxInputTokenLen", 10240)
    host.change("BackendConfig/ModelDeployConfig/ModelConfig/0/backendType", "vllm")
    said = host.refused()
    assert "\nserverConfig.port [80] is less than [1024]\n" in said
    assert "\nThe value of maxPrefillTokens should not be less than maxInputTokenLen.\n" in said
    assert "[ERROR] [standin.py:1] : Backend type only supports atb, ms, torch.\n" in said
    assert "ConfigManager init exception: [ConfigManager] Checking Config Failed\n" in said


def test_what_is_in_the_log_alone(host: Host) -> None:
    host.change("BackendConfig/ModelDeployConfig/ModelConfig/0/backendType", "vllm")
    told = "Backend type only supports atb, ms, torch."
    assert told not in host.refused(MINDIE_LOG_TO_STDOUT="0")
    (log,) = (host.folder / "home/mindie/log/debug").iterdir()
    assert told in log.read_text()


@pytest.mark.parametrize(
    ("changed", "status", "told"),
    [
        ({"LD_LIBRARY_PATH": None}, 127, "libboost_thread.so.1.82.0: cannot open shared object"),
        ({"ASCEND_HOME_PATH": None}, 127, "libascendcl.so: cannot open shared object file"),
        ({"MINDIE_LLM_HOME_PATH": None}, -9, "No module named 'mindie_llm'"),
        ({"ATB_HOME_PATH": None}, -9, "libatb.so: cannot open shared object file"),
        ({"PYTHONPATH": None}, -9, "ModuleNotFoundError: No module named 'atb_llm'"),
        ({"ATB_SPEED_HOME_PATH": None}, -9, "env ATB_SPEED_HOME_PATH not exist, source set_env"),
    ],
)
def test_environments_it_refuses(
    host: Host, changed: dict[str, str | None], status: int, told: str
) -> None:
    with host.start(**changed) as served:
        assert served.status() == status
        assert told in served.log
        assert (_RANK in served.log) == (status == -9)


def test_a_model_that_is_not_there_or_not_whole(host: Host) -> None:
    shard = host.model / "model.safetensors"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert (
        "incomplete metadata, file not fully covered (MetadataIncompleteBuffer)\n" in host.refused()
    )
    shard.unlink()
    assert f"No local weights found in {host.model} with extension" in host.refused()
    (host.model / "config.json").write_text("{")
    assert "Failed to parse json file: " in host.refused()
    (host.model / "config.json").unlink()
    said = host.refused()
    assert f"Path not found: {host.model}/config.json\n" in said
    assert "ConfigManager init exception: [ConfigManager] Checking Config Failed\n" in said


def test_models_it_does_not_know(host: Host) -> None:
    host.config_json(architectures=["LlamaForCausalLM"], model_type="llama")
    assert "NotImplementedError: unsupported model type: llama\n" in host.refused()
    host.config_json(architectures=["Qwen3VLMoeForConditionalGeneration"], dtype="float32")
    assert "only supports float16 and bfloat16, but got float32\n" in host.refused()
    host.config_json(dtype="float16", text_config={"num_attention_heads": 3})
    host.change("BackendConfig/ModelDeployConfig/ModelConfig/0/worldSize", 2)
    host.change("BackendConfig/npuDeviceIds", [[0, 1]])
    assert "(got `num_heads`: 3 and `num_shards`: 2)\n" in host.refused()


def test_an_old_version_has_no_qwen3_vl(tmp_path: Path) -> None:
    (tmp_path / "installed").mkdir()
    host = Host(tmp_path / "host", install(tmp_path / "installed", "2.3.0"), version="2.3.0")
    assert "NotImplementedError: unsupported model type: qwen3_vl\n" in host.refused()


def test_numbers_that_a_chip_has_not(root: Path, tmp_path: Path) -> None:
    duo, a2 = (Host(tmp_path / name, root, chips=chips) for name, chips in (
        ("duo", npu.duo()), ("a2", npu.a2(1)),
    ))  # fmt: skip
    for host in (duo, a2):
        # The models read the number of the text's settings before the model's own.
        host.config_json(dtype="float16", text_config={"dtype": "bfloat16"})
    told = "NotImplementedError: This device does not support bfloat16.Please change the data type"
    assert told in duo.refused()
    with a2.start() as served:
        served.ready()


def test_quantized_weights(host: Host) -> None:
    (host.model / "quant_model_description_w8a8.json").write_text("{}")
    told = "ValueError: linear type not matched, please check `config.json` `quantize` parameter\n"
    assert told in host.refused()
    host.config_json(quantize="w8a8")
    with host.start() as served:
        served.ready()
    host.config_json(quantize="w8a8sc")
    said = host.refused()
    assert f"[Errno 2] No such file or directory: '{host.model}/part0-of-1'\n" in said
    (host.model / "part0-of-1").mkdir()
    (host.model / "model.safetensors").rename(host.model / "part0-of-1/model.safetensors")
    with host.start() as served:
        served.ready()


def test_chips_that_are_not_there(host: Host) -> None:
    told = "aclrtSetDevice, error code is 107001\n[Error]: Invalid device ID.\n"
    host.change("BackendConfig/npuDeviceIds", [[2]])
    assert told in host.refused()
    assert told in host.refused(ASCEND_RT_VISIBLE_DEVICES="0,1")
    (host.folder / "dev/davinci1").unlink()
    host.change("BackendConfig/npuDeviceIds", [[1]])
    assert told in host.refused()


def test_chips_are_renumbered(host: Host) -> None:
    with host.start(ASCEND_RT_VISIBLE_DEVICES="1") as served:
        served.ready()
        (line,) = (host.folder / "dev/davinci1").read_text().splitlines()
        said = json.loads(line)
        assert (said["logic"], said["name"], said["mib"]) == (1, "mindie_llm_backe", 1024)
        assert Path(f"/proc/{said['pid']}/comm").read_text() == "mindie_llm_back\n"
    assert (host.folder / "dev/davinci0").read_text() == ""


def test_memory_that_is_not_there(host: Host) -> None:
    path = "BackendConfig/ModelDeployConfig/ModelConfig/0/npuMemSize"
    host.change(path, 20)
    with host.start() as served:
        served.ready()
        said = host.refused()
        assert "RuntimeError: NPU out of memory. Tried to allocate 20.00 GiB (NPU 0; 32.00" in said
    host.change(path, -1)
    assert "RuntimeError: NPU out of memory. npuMemSize is -1" in host.refused()


def test_two_servers_of_one_installation(host: Host, root: Path, tmp_path: Path) -> None:
    other = Host(tmp_path / "other", root)
    with host.start() as first, other.start() as second:
        assert (first.ready().said("Hello"), second.ready().said("Hello")) == (
            "Hello! I am the canary.", "Hello! I am the canary.",
        )  # fmt: skip


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_port_that_is_taken(host: Host, which: int) -> None:
    with socket.socket() as taken:
        # Whatever address it is taken on.
        taken.bind(("127.0.0.3", host.ports[which]))
        taken.listen()
        said = host.refused()
    assert "Socket bind failed, bind_result is -1. Address already in use\n" in said
    assert "Management or Business or Metrics Http server listen port is occupied\n" in said


def test_shared_memory_that_is_in_the_way(host: Host) -> None:
    """The names have the number of the process in them, so an old piece is in the way rarely."""
    script = host.folder / "start"
    name = "llm_tokenizer_shared_memory_$$_1"
    script.write_text(f'#!/bin/sh\n: >"$STANDIN_SHM/{name}"\nexec "$0.real" "$@"\n')
    script.chmod(0o755)
    (host.folder / "start.real").symlink_to(host.root / "bin/mindieservice_daemon")
    said = host.refused(program=script)
    assert "Failed to open shared memory 17\n" in said
    assert "Failed to create tokenizer share memory, token index is 1, status value is -1" in said


def test_a_folder_that_it_cannot_write(user: Host) -> None:
    (user.folder / "work").chmod(0o555)
    said = user.refused()
    assert "PermissionError: [Errno 13] Permission denied: " in said
    assert "/work/kernel_meta_temp_" in said


def test_a_chip_that_is_another_groups(user: Host) -> None:
    os.chown(user.folder / "dev/davinci0", 0, 0)
    (user.folder / "dev/davinci0").chmod(0o660)
    assert "aclInit, error code is 507008\n" in user.refused()


def test_settings_of_another_user(user: Host) -> None:
    file = user.config
    os.chown(file, 0, 0)
    said = user.refused(words=("--config-file", str(file)))
    assert "by:owner id diff: current process user id is 4321, file owner id is 0\n" in said


def test_a_model_of_another_user_or_for_others(user: Host) -> None:
    for path, mode, told in (
        (user.model, 0o755, "exceeds maximum allowed: {}, actual=0755, limit=0750\n"),
        (user.model / "config.json", 0o644, "allowed: {}, actual=0644, limit=0640\n"),
    ):
        before = path.stat().st_mode
        path.chmod(mode)
        assert told.format(path) in user.refused()
        path.chmod(before)
    os.chown(user.model, 0, 4321)
    said = user.refused()
    told = f"path owner uid mismatch: path={user.model}, current_uid=4321, path_uid=0\n"
    assert told in said
    with user.start(MINDIE_CHECK_INPUTFILES_PERMISSION="0") as served:
        served.ready()
    # What the server was told not to ask, the models ask.
    os.chown(user.model / "model.safetensors", 0, 0)
    said = user.refused(MINDIE_CHECK_INPUTFILES_PERMISSION="0")
    assert "PermissionError: The current user does not have permission to access the path" in said
