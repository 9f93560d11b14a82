"""The ranks of MindIE's stand-in load what MindIE's would, onto the chips that are there."""

import json
import os
from pathlib import Path

from tests.standins.ascend import npu
from tests.standins.mindie.served import Host, install


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
    host.move()
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


def test_a_chip_that_is_another_groups(user: Host) -> None:
    os.chown(user.folder / "dev/davinci0", 0, 0)
    (user.folder / "dev/davinci0").chmod(0o660)
    assert "aclInit, error code is 507008\n" in user.refused()


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
