"""The stand-in of MindIE's server has the rules of the published source, in its words."""

import copy
from collections.abc import Iterable
from typing import Any

import pytest

from tests.standins.mindie import shipped
from tests.standins.mindie.daemon import fields, ranges

Document = dict[str, Any]


def _document() -> Document:
    """The shipped file, with values that break no rule."""
    found = copy.deepcopy(shipped.document("3.0.0"))
    found["ServerConfig"]["httpsEnabled"] = False
    return found


@pytest.mark.parametrize("version", shipped.VERSIONS)
def test_what_a_version_ships_has_its_types(version: str) -> None:
    found = shipped.document(version)
    back = found["BackendConfig"]
    deploy = back["ModelDeployConfig"]
    for section, wanted in (
        (found["ServerConfig"], fields.SERVER),
        (back, fields.BACKEND),
        (back["ScheduleConfig"], fields.SCHEDULE),
        (deploy, fields.DEPLOY),
        (deploy["ModelConfig"][0], fields.MODEL),
    ):
        assert fields.mistake(section, wanted, section) is None
    assert fields.devices(back) is None
    assert fields.truncation(deploy["truncation"], deploy["truncation"]) is None


def test_what_a_version_ships_has_its_ranges() -> None:
    found = _document()
    assert [*_all(found)] == []


def _all(found: Document) -> Iterable[str]:
    back = found["BackendConfig"]
    deploy = back["ModelDeployConfig"]
    for told in (
        ranges.schedule(back["ScheduleConfig"]),
        ranges.model(deploy["ModelConfig"][0], deploy),
        ranges.server(found["ServerConfig"]),
        ranges.backend(back),
        ranges.together(found),
    ):
        yield from (text for text, _ in told)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("port", "1025", "The type of param port should be int32_t, but got string"),
        ("port", True, "The type of param port should be int32_t, but got boolean"),
        ("port", 1025.0, "The type of param port should be int32_t, but got number"),
        ("port", 2**31, "The value of param port for int32_t is invalid."),
        ("maxLinkNum", -1, "The value of param maxLinkNum for uint32_t is invalid."),
        ("ipAddress", None, "The type of param ipAddress should be string, but got null"),
        ("httpsEnabled", 0, "The type of param httpsEnabled should be bool, but got number"),
        ("tlsCaFile", "ca.pem", "The type of param tlsCaFile should be array, but got string"),
    ],
)
def test_types(key: str, value: object, told: str) -> None:
    section = shipped.document("3.0.0")["ServerConfig"]
    assert fields.mistake(section | {key: value}, fields.SERVER, section) == told


def test_what_is_compulsory() -> None:
    section = shipped.document("3.0.0")["ServerConfig"]
    for key, told in (
        ("metricsPort", "[ParamChecker::CheckJsonParamType] metricsPort: missing compulsory field"),
        ("distDPServerEnabled", "type must be boolean, but is null: distDPServerEnabled"),
    ):
        without = {name: value for name, value in section.items() if name != key}
        assert told in str(fields.mistake(without, fields.SERVER, section))
        # What a version does not ship it did not know.
        assert fields.mistake(without, fields.SERVER, without) is None
    without = {name: value for name, value in section.items() if name != "managementPort"}
    assert fields.mistake(without, fields.SERVER, section) is None


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([0, 1, 2, 3], "The type of param in each npuDeviceIds set should be array, but is number"),
        ([["0", 1, 2, 3]], "Type of element in json array does not match integer"),
        ([[-1, 1, 2, 3]], "The values of npu_ids should not be less than 0, but got -1"),
        ([[0, 1, 2, 3], [4]], "The size of npuDeviceIds does not equal to modelInstanceNumber"),
        ([[0, 1]], "The size of npuDeviceIds (subset) does not equal to worldSize"),
        ([[0, 1, 1, 2]], None),
    ],
)
def test_chips(ids: object, told: str | None) -> None:
    back = shipped.document("3.0.0")["BackendConfig"] | {"npuDeviceIds": ids}
    assert fields.devices(back) == told


@pytest.mark.parametrize(
    ("value", "before", "told"),
    [
        (1, 0, None),
        (False, 0, None),
        (2, 0, "The type of param truncation should be bool, but got number"),
        (0, False, "The type of param truncation should be bool, but got number"),
    ],
)
def test_truncation_is_a_switch_and_later_a_number(
    value: object, before: object, told: str | None
) -> None:
    assert fields.truncation(value, before) == told


_SCHEDULE = "BackendConfig/ScheduleConfig"
_DEPLOY = "BackendConfig/ModelDeployConfig"
_MODEL = f"{_DEPLOY}/ModelConfig/0"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("ServerConfig/port", 1023, "serverConfig.port [1023] is less than [1024]"),
        (
            "ServerConfig/metricsPort",
            65536,
            "serverConfig.metricsPort [65536] is out of bound [65535]",
        ),
        ("ServerConfig/maxLinkNum", 4097, "serverConfig.maxLinkNum [4097] is out of bound [4096]"),
        ("ServerConfig/tokenTimeout", 0, "serverConfig.tokenTimeout [0] is less than [1]"),
        ("ServerConfig/inferMode", "fast", "The inferMode should be standard or dmi"),
        (
            "ServerConfig/ipAddress",
            "0.0.0.0",
            "ipAddress [0.0.0.0] is invalid, allowAllZeroIpListening is false",
        ),
        (
            "ServerConfig/ipAddress",
            "gpu-1",
            "ipAddress [gpu-1] is invalid, it should be an IP address",
        ),
        ("BackendConfig/backendName", "Engine", "The pattern of backendName is invalid."),
        (
            "BackendConfig/tokenizerProcessNumber",
            33,
            "backendConfig.tokenizerProcessNumber [33] is out of bound [32]",
        ),
        (
            "BackendConfig/npuDeviceIds",
            [[0, 1, 1, 2]],
            "npuDeviceID does not allow repetitive element",
        ),
        (
            "BackendConfig/multiNodesInferPort",
            1025,
            "Endpoint port cannot be equal to multiNodesInferPort.",
        ),
        (f"{_DEPLOY}/maxSeqLen", 0, "The value of modelParam.maxSeqLen can not be 0."),
        (
            f"{_DEPLOY}/maxInputTokenLen",
            10240,
            "The value of maxPrefillTokens should not be less than maxInputTokenLen.",
        ),
        (f"{_MODEL}/modelName", "qwen/3", "The value of modelName must meet the following rules: "),
        (
            f"{_MODEL}/modelName",
            "-qwen",
            "The first and last characters must be characters or digits.",
        ),
        (f"{_MODEL}/backendType", "vllm", "Backend type only supports atb, ms, torch."),
        (
            f"{_MODEL}/npuMemSize",
            0,
            "The value of 'npuMemSize' in ModelDeployConfig in config.json is 0 ",
        ),
        (
            f"{_MODEL}/modelInstanceType",
            "Best",
            "Model instance type is invalid. supported values: [",
        ),
        (f"{_MODEL}/dp", 0, "dp cannot be smaller than 1."),
        (
            f"{_SCHEDULE}/cacheBlockSize",
            129,
            "scheduleParam.cacheBlockSize [129] is out of bound [128]",
        ),
        (
            f"{_SCHEDULE}/decodePolicyType",
            4,
            "scheduleParam.decodePolicyType [4] is outside the expected schedule policy",
        ),
        (
            f"{_SCHEDULE}/maxPrefillBatchSize",
            201,
            "scheduleParam.maxPrefillBatchSize [201] is out of bound [200]",
        ),
        (
            f"{_SCHEDULE}/maxQueueDelayMicroseconds",
            499,
            "scheduleParam.maxQueueDelayMicroseconds [499] is less than [500]",
        ),
        (
            f"{_SCHEDULE}/maxPreemptCount",
            201,
            "The maxPreemptCount cannot be set greater than maxBatchsize",
        ),
        (
            f"{_SCHEDULE}/maxPreemptCount",
            1,
            "The value of modelParam.cpuMemSize can not be 0 when maxPreemptCount is not 0.",
        ),
        (f"{_SCHEDULE}/maxIterTimes", 0, "The value of ScheduleParam.maxIterTimes can not be 0."),
        (
            f"{_SCHEDULE}/templateType",
            "Both",
            "The templateType must be Standard or Mix, but is Both",
        ),
        (f"{_SCHEDULE}/templateName", "LLM", "The templateName must be Standard_LLM, but is LLM"),
    ],
)
def test_ranges(path: str, value: object, told: str) -> None:
    found = _document()
    *above, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    section: Any = found
    for part in above:
        section = section[part]
    section[last] = value
    assert told in "\n".join(_all(found))


def test_one_value_of_the_schedule_hides_the_next() -> None:
    section = _document()["BackendConfig"]["ScheduleConfig"]
    wrong = section | {"cacheBlockSize": 0, "maxBatchSize": 0, "templateName": "LLM"}
    assert [text for text, _ in ranges.schedule(wrong)] == [
        "scheduleParam.cacheBlockSize [0] is less than [1]",
        "The templateName must be Standard_LLM, but is LLM",
    ]


def test_no_batch_of_prefills_is_the_largest() -> None:
    section = _document()["BackendConfig"]["ScheduleConfig"]
    assert [*ranges.schedule(section | {"maxPrefillBatchSize": 0})] == []
