"""Values that MindIE refuses, in its words."""

from typing import Any

import mindie_rules
import pytest

from tests.roles.mindie_files import MODEL, changed
from tests.standins.mindie import shipped

_DEPLOY, _SCHEDULE = "BackendConfig.ModelDeployConfig", "BackendConfig.ScheduleConfig"


@pytest.mark.parametrize("version", shipped.VERSIONS)
def test_shipped_files_are_right(version: str) -> None:
    assert mindie_rules.broken(shipped.document(version)) == []


@pytest.mark.parametrize(
    ("path", "called", "value", "least", "most"),
    [
        ("ServerConfig.port", "serverConfig.port", 80, 1024, 65535),
        ("ServerConfig.managementPort", "serverConfig.managementPort", 65536, 1024, 65535),
        ("ServerConfig.metricsPort", "serverConfig.metricsPort", 1023, 1024, 65535),
        ("ServerConfig.interCommPort", "serverConfig.interCommPort", 0, 1024, 65535),
        ("ServerConfig.maxLinkNum", "serverConfig.maxLinkNum", 4097, 1, 4096),
        ("ServerConfig.tokenTimeout", "serverConfig.tokenTimeout", 3601, 1, 3600),
        ("ServerConfig.e2eTimeout", "serverConfig.e2eTimeout", 0, 1, 65535),
        ("ServerConfig.maxRequestLength", "serverConfig.maxRequestLength", 101, 1, 100),
        ("ServerConfig.maxJsonDepth", "serverConfig.maxJsonDepth", 9, 10, 100),
        (
            "ServerConfig.HealthCheckConfig.npuUsageThreshold",
            "serverConfig.HealthCheckConfig.npuUsageThreshold",
            *(101, 0, 100),
        ),
        (
            "BackendConfig.tokenizerProcessNumber",
            "backendConfig.tokenizerProcessNumber",
            *(33, 1, 32),
        ),
        (
            "BackendConfig.multiNodesInferPort",
            "backendConfig.multiNodesInferPort",
            *(1000, 1024, 65535),
        ),
        (f"{_SCHEDULE}.cacheBlockSize", "scheduleParam.cacheBlockSize", 129, 1, 128),
        (f"{_SCHEDULE}.prefillTimeMsPerReq", "scheduleParam.prefillTimeMsPerReq", 1001, 0, 1000),
        (f"{_SCHEDULE}.decodeTimeMsPerReq", "scheduleParam.decodeTimeMsPerReq", 1001, 0, 1000),
        (f"{_SCHEDULE}.maxPrefillBatchSize", "scheduleParam.maxPrefillBatchSize", 201, 1, 200),
        (f"{_SCHEDULE}.maxBatchSize", "scheduleParam.maxBatchSize", 819201, 1, 819200),
        (f"{_SCHEDULE}.maxPrefillTokens", "scheduleParam.maxPrefillTokens", 4194305, 1, 4194304),
        (
            f"{_SCHEDULE}.maxQueueDelayMicroseconds",
            "scheduleParam.maxQueueDelayMicroseconds",
            *(499, 500, 1000000),
        ),
        (
            f"{_SCHEDULE}.maxFirstTokenWaitTime",
            "scheduleParam.maxFirstTokenWaitTime",
            *(3600001, 0, 3600000),
        ),
        (f"{_SCHEDULE}.stageSelectPolicy", "scheduleParam.stageSelectPolicy", 3, 0, 2),
        (f"{_SCHEDULE}.prefillExpectedTime", "scheduleParam.prefillExpectedTime", 0, 1, 10000),
        (f"{_SCHEDULE}.maxNumPartialPrefills", "scheduleParam.maxNumPartialPrefills", 65, 1, 64),
        (f"{_SCHEDULE}.maxLongPartialPrefills", "scheduleParam.maxLongPartialPrefills", 65, 1, 64),
    ],
)
def test_out_of_bounds(path: str, called: str, value: int, least: int, most: int) -> None:
    said = f"{called} [{value}] is out of bound [{most}]"
    if value < least:
        said = f"{called} [{value}] is less than [{least}]"
    right = f"should be {least} to {most}"
    assert mindie_rules.broken(changed({path: value})) == [(path, said, right)]
    assert mindie_rules.broken(changed({path: most})) == []


@pytest.mark.parametrize(
    ("path", "value", "said", "right"),
    [
        (
            "BackendConfig.npuDeviceIds",
            [[0, 1]],
            "The size of npuDeviceIds (subset) does not equal to worldSize",
            "should have 4 numbers, as worldSize",
        ),
        (
            "BackendConfig.npuDeviceIds",
            [[0, 1, 2, 2]],
            "npuDeviceID does not allow repetitive element",
            "should name each chip once",
        ),
        (
            "BackendConfig.npuDeviceIds",
            [[0, 1, 2, 3], [4, 5, 6, 7]],
            "The size of npuDeviceIds does not equal to modelInstanceNumber",
            "should have 1 list(s), as modelInstanceNumber",
        ),
        (
            "BackendConfig.backendName",
            "MindIE",
            "The pattern of backendName is invalid.",
            "should be mindieservice_llm_engine, as it is shipped",
        ),
        (
            "BackendConfig.backendName",
            "a" * 51,
            "The length of backendName exceeds 50.",
            "should be mindieservice_llm_engine, as it is shipped",
        ),
        (
            "BackendConfig.kvPoolConfig.backend",
            "redis",
            "Unknow kv pool backend. "
            "And only [`unifiedcache`, `mooncake`, `memcache`, ``] is available!",
            "should be one of them",
        ),
        (
            "BackendConfig.kvPoolConfig.configPath",
            "a" * 501,
            "The length of kvPool Config Path exceeds 500.",
            "should be a shorter path",
        ),
        (
            f"{_DEPLOY}.ModelConfig",
            [],
            "There should be one modelParam for Standard templateType.",
            "should be a list of one object",
        ),
        (
            f"{_DEPLOY}.maxSeqLen",
            0,
            "The value of modelParam.maxSeqLen can not be 0.",
            "should be 1 or greater",
        ),
        (
            f"{_DEPLOY}.maxInputTokenLen",
            0,
            "The value of modelParam.maxInputTokenLen should be in [1, 4194304].",
            "should be 1 to 4194304",
        ),
        (
            f"{MODEL}.modelName",
            "Qwen/Qwen3-VL-8B",
            "The value of modelName must meet the following rules: The string length is [1, 256] "
            "and consists of a match of the type [a-zA-Z0-9_.-]. The first and last characters "
            "must be characters or digits.",
            "should be a name such as qwen3-vl",
        ),
        (
            f"{MODEL}.modelInstanceType",
            "Fast",
            "Model instance type is invalid. "
            "supported values: [AssistantModel,Standard,StandardMock,TargetModel]",
            "should be Standard",
        ),
        (
            f"{MODEL}.modelWeightPath",
            "/srv/qwen3 vl",
            "Path contains special characters: /srv/qwen3 vl",
            "should be a path of letters, digits, . _ / and -",
        ),
        (
            f"{MODEL}.modelWeightPath",
            "/srv/../etc",
            "Path contains special characters: /srv/../etc",
            "should be a path of letters, digits, . _ / and -",
        ),
        (
            f"{MODEL}.npuMemSize",
            0,
            "The value of 'npuMemSize' in ModelDeployConfig in config.json is 0 it should be "
            "within (0, 4294967295] or -1please set 'npuMemSize' in config.json within "
            "(0, 4294967295] or -1",
            "should be GiB a chip for the cache, or -1, which leaves it to MindIE",
        ),
        (
            f"{MODEL}.backendType",
            "vllm",
            "Backend type only supports atb, ms, torch.",
            "should be atb",
        ),
        (
            f"{MODEL}.dp",
            0,
            "dp cannot be smaller than 1.",
            "should be 1 or greater, or not be there",
        ),
        (
            f"{_SCHEDULE}.templateType",
            "Fast",
            "The templateType must be Standard or Mix, but is Fast",
            "should be Standard",
        ),
        (
            f"{_SCHEDULE}.templateName",
            "Standard",
            "The templateName must be Standard_LLM, but is Standard",
            "should be Standard_LLM",
        ),
        (
            f"{_SCHEDULE}.prefillPolicyType",
            4,
            "scheduleParam.prefillPolicyType [4] is outside the expected schedule policy range: "
            "0, 1, 2, 3",
            "should be 0 to 3",
        ),
        (
            f"{_SCHEDULE}.policyType",
            1,
            "The scheduleParam.policyType [1] is outside the expected range: 0 or 4~7.",
            "should be 0, or 4 to 7",
        ),
        (
            f"{_SCHEDULE}.maxN",
            201,
            "The maxN cannot be set greater than maxBatchSize, please set 'maxN' to be not "
            "greater than 'maxBatchSize' in config.json.",
            "should be 200 or less",
        ),
        (
            f"{_SCHEDULE}.maxIterTimes",
            0,
            "The value of ScheduleParam.maxIterTimes can not be 0.",
            "should be 1 or greater",
        ),
        (
            f"{_SCHEDULE}.maxPrefillTokens",
            2047,
            "The value of maxPrefillTokens should not be less than maxInputTokenLen.",
            "should be 2048 or more",
        ),
    ],
)
def test_broken(path: str, value: Any, said: str, right: str) -> None:
    assert mindie_rules.broken(changed({path: value})) == [(path, said, right)]


def test_world_of_no_chip() -> None:
    file = changed({f"{MODEL}.worldSize": 0, "BackendConfig.npuDeviceIds": [[]]})
    said = "The value of modelParam.worldSize can not be 0."
    right = "should be the number of chips that share the model"
    assert mindie_rules.broken(file) == [(f"{MODEL}.worldSize", said, right)]


def test_preempting_needs_memory_of_the_host() -> None:
    """And no more at once than are worked on."""
    file = changed({f"{_SCHEDULE}.maxPreemptCount": 201})
    assert mindie_rules.broken(file) == [
        (
            f"{_SCHEDULE}.maxPreemptCount",
            "The maxPreemptCount cannot be set greater than maxBatchsize, please set "
            "'maxPreemptCount' to be not greater than 'maxBatchsize' in config.json.",
            "should be 200 or less",
        ),
        (
            f"{MODEL}.cpuMemSize",
            "The value of modelParam.cpuMemSize can not be 0 when maxPreemptCount is not 0.",
            "should be 1 or greater",
        ),
    ]
    file = changed({f"{_SCHEDULE}.maxPreemptCount": 200, f"{MODEL}.cpuMemSize": 5})
    assert mindie_rules.broken(file) == []


@pytest.mark.parametrize(
    "changes",
    [
        {f"{_SCHEDULE}.templateType": "Mix", f"{_SCHEDULE}.maxPrefillTokens": 1},
        {f"{_SCHEDULE}.maxPrefillBatchSize": 0},
        {f"{MODEL}.npuMemSize": 8},
        {f"{MODEL}.modelName": "a"},
    ],
)
def test_right(changes: dict[str, Any]) -> None:
    """Mixed batches are no prefill, and 0 stands for maxBatchSize."""
    assert mindie_rules.broken(changed(changes)) == []


def test_other_kinds_are_passed_by() -> None:
    """They are told of as keys."""
    files: tuple[Any, ...] = ([], {}, {"ServerConfig": 1, "BackendConfig": []})
    for file in files:
        assert mindie_rules.broken(file) == []
    changes = {
        f"{_DEPLOY}.maxSeqLen": "0",
        "BackendConfig.npuDeviceIds": 4,
        "ServerConfig.port": "80",
    }
    assert mindie_rules.broken(changed(changes)) == []
