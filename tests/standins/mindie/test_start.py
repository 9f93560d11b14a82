"""The stand-in of MindIE's server starts where MindIE's would, and nowhere else."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.standins.mindie.served import Host

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
    words = ("--expert-parallel", "false")
    with host.start(words=words, MIES_CONFIG_JSON_PATH=str(host.config)) as served:
        served.ready()
    # The file of the installation is what it shipped: HTTPS, and four chips.
    said = host.refused(words=words)
    assert f"ConfigManager: Load Config from {host.root}/conf/config.json." in said
    said = host.refused(words=words, MIES_CONFIG_JSON_PATH="/nowhere/config.json")
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
    host: Host, changed: dict[str, Any], status: int, told: str
) -> None:
    with host.start(**changed) as served:
        assert served.status() == status
        assert told in served.log
        assert (_RANK in served.log) == (status == -9)


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


def test_a_port_that_answered_within_the_last_minute(host: Host) -> None:
    with host.start() as served:
        served.ready()
        with socket.create_connection(("127.0.0.1", served.management)) as asked:
            asked.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: here\r\n\r\n")
            # The server closes it first, and so remembers it.
            while asked.recv(4096):
                pass
    assert "Http server listen port is occupied\n" in host.refused()


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


def test_settings_of_another_user(user: Host) -> None:
    file = user.config
    os.chown(file, 0, 0)
    said = user.refused(words=("--config-file", str(file)))
    assert "by:owner id diff: current process user id is 4321, file owner id is 0\n" in said
