"""
What values MindIE's ``config.json`` may hold, with the words in which its own start refuses.

Read in MindIE-LLM (May 2026, the line of 3.0.0), ``src/config_manager``. Every broken rule is told;
a value of a wrong kind is passed over, it is ``mindie_keys``'s, and where the server listens is
``mindie_server``'s. Not judged: what layerwise disaggregation asks, which spans machines.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Tuple

# Where, how MindIE says it, what would be right.
Broken = Tuple[str, str, str]

_PORT = (1024, 65535)
_TOKENS = (1, 4194304)
_DEPLOY = "BackendConfig.ModelDeployConfig"
_SCHEDULE = "BackendConfig.ScheduleConfig"
_SECTIONS = {
    "serverConfig": "ServerConfig",
    "backendConfig": "BackendConfig",
    "scheduleParam": _SCHEDULE,
}
# Least and most, by the name that MindIE gives the key.
_BOUNDS = {
    "serverConfig.port": _PORT,
    "serverConfig.managementPort": _PORT,
    "serverConfig.metricsPort": _PORT,
    "serverConfig.interCommPort": _PORT,
    "serverConfig.maxLinkNum": (1, 4096),
    "serverConfig.tokenTimeout": (1, 3600),
    "serverConfig.e2eTimeout": (1, 65535),
    "serverConfig.maxRequestLength": (1, 100),
    "serverConfig.maxJsonDepth": (10, 100),
    "serverConfig.HealthCheckConfig.npuUsageThreshold": (0, 100),
    "backendConfig.modelInstanceNumber": (1, 10),
    "backendConfig.tokenizerProcessNumber": (1, 32),
    "backendConfig.multiNodesInferPort": _PORT,
    "scheduleParam.cacheBlockSize": (1, 128),
    "scheduleParam.decodeTimeMsPerReq": (0, 1000),
    "scheduleParam.prefillTimeMsPerReq": (0, 1000),
    "scheduleParam.maxBatchSize": (1, 819200),
    "scheduleParam.maxPrefillTokens": _TOKENS,
    "scheduleParam.maxQueueDelayMicroseconds": (500, 1000000),
    "scheduleParam.maxFirstTokenWaitTime": (0, 3600000),
    "scheduleParam.maxNumPartialPrefills": (1, 64),
    "scheduleParam.longPrefillTokenThreshold": (1, 8192),
    "scheduleParam.stageSelectPolicy": (0, 2),
    "scheduleParam.prefillExpectedTime": (1, 10000),
    "scheduleParam.decodeExpectedTime": (1, 10000),
    "scheduleParam.maxN": (1, 8192),
}
_MODEL_NAME = (
    "The value of modelName must meet the following rules: The string length is [1, 256] and "
    "consists of a match of the type [a-zA-Z0-9_.-]. The first and last characters must be "
    "characters or digits."
)
_MEMORY = (
    "The value of 'npuMemSize' in ModelDeployConfig in config.json is {} it should be within "
    "(0, 4294967295] or -1please set 'npuMemSize' in config.json within (0, 4294967295] or -1"
)
_OVER = (
    "The {0} cannot be set greater than {1}, please set '{0}' to be not greater than '{1}' in "
    "config.json."
)
_MODEL_KINDS = ("AssistantModel", "Standard", "StandardMock", "TargetModel")


def broken(config: Any) -> List[Broken]:
    """Return every rule that the values of a file break."""
    found: List[Broken] = []
    for judge in (_bounded, _devices, _backend, _models, _schedule, _together):
        found += judge(config)
    return found


def _at(config: Any, path: str) -> Any:
    """What stands at a path, ``None`` for what is not there."""
    for part in path.split("."):
        if isinstance(config, list):
            config = config[int(part)] if part.isdigit() and int(part) < len(config) else None
        else:
            config = config.get(part) if isinstance(config, dict) else None
    return config


def _number(config: Any, path: str, default: int = 0) -> int:
    value = _at(config, path)
    return value if type(value) is int else default


def _text(config: Any, path: str) -> str:
    value = _at(config, path)
    return value if isinstance(value, str) else ""


def _outside(path: str, called: str, value: int, least: int, most: int) -> Iterator[Broken]:
    right = "should be {} to {}".format(least, most)
    if value > most:
        yield path, "{} [{}] is out of bound [{}]".format(called, value, most), right
    elif value < least:
        yield path, "{} [{}] is less than [{}]".format(called, value, least), right


def _bounded(config: Any) -> Iterator[Broken]:
    for called, (least, most) in _BOUNDS.items():
        section, _, name = called.partition(".")
        path = "{}.{}".format(_SECTIONS[section], name)
        value = _at(config, path)
        if type(value) is int:
            yield from _outside(path, called, value, least, most)


def _devices(config: Any) -> Iterator[Broken]:
    path = "BackendConfig.npuDeviceIds"
    sets, shared = _at(config, path), _at(config, _DEPLOY + ".ModelConfig.0.worldSize")
    if not isinstance(sets, list):
        return
    wanted = _at(config, "BackendConfig.modelInstanceNumber")
    if type(wanted) is int and len(sets) != wanted:
        said = "The size of npuDeviceIds does not equal to modelInstanceNumber"
        yield path, said, "should have {} list(s), as modelInstanceNumber".format(wanted)
    for one in sets:
        if isinstance(one, list) and type(shared) is int and len(one) != shared:
            said = "The size of npuDeviceIds (subset) does not equal to worldSize"
            yield path, said, "should have {} numbers, as worldSize".format(shared)
        elif isinstance(one, list) and any(one.count(number) > 1 for number in one):
            said = "npuDeviceID does not allow repetitive element"
            yield path, said, "should name each chip once"


def _backend(config: Any) -> Iterator[Broken]:
    backend = _at(config, "BackendConfig")
    name, path = _at(backend, "backendName"), "BackendConfig.backendName"
    right = "should be mindieservice_llm_engine, as it is shipped"
    if isinstance(name, str) and len(name) > 50:
        yield path, "The length of backendName exceeds 50.", right
    elif isinstance(name, str) and not re.fullmatch("[a-z]+(_[a-z]+)*", name):
        yield path, "The pattern of backendName is invalid.", right
    pools = ("unifiedcache", "mooncake", "memcache", "")
    if _text(backend, "kvPoolConfig.backend") not in pools:
        said = "Unknow kv pool backend. And only [`{}`] is available!".format("`, `".join(pools))
        yield "BackendConfig.kvPoolConfig.backend", said, "should be one of them"
    if len(_text(backend, "kvPoolConfig.configPath")) > 500:
        said = "The length of kvPool Config Path exceeds 500."
        yield "BackendConfig.kvPoolConfig.configPath", said, "should be a shorter path"


def _models(config: Any) -> Iterator[Broken]:
    models = _at(config, _DEPLOY + ".ModelConfig")
    template = _at(config, _SCHEDULE + ".templateType")
    if isinstance(models, list) and template == "Standard" and len(models) != 1:
        said = "There should be one modelParam for Standard templateType."
        yield _DEPLOY + ".ModelConfig", said, "should be a list of one object"
    if _at(config, _DEPLOY + ".maxSeqLen") == 0:
        said = "The value of modelParam.maxSeqLen can not be 0."
        yield _DEPLOY + ".maxSeqLen", said, "should be 1 or greater"
    length = _number(config, _DEPLOY + ".maxInputTokenLen", 1)
    if not _TOKENS[0] <= length <= _TOKENS[1]:
        said = "The value of modelParam.maxInputTokenLen should be in [1, 4194304]."
        yield _DEPLOY + ".maxInputTokenLen", said, "should be 1 to 4194304"
    if isinstance(models, list):
        for index, model in enumerate(models):
            yield from _model("{}.ModelConfig.{}".format(_DEPLOY, index), model)


def _model(path: str, model: Any) -> Iterator[Broken]:
    name, kind = _at(model, "modelName"), _at(model, "modelInstanceType")
    if isinstance(name, str) and not re.fullmatch(r"(?![_.-])[\w.-]{1,256}(?<![_.-])", name, re.A):
        yield path + ".modelName", _MODEL_NAME, "should be a name such as qwen3-vl"
    if isinstance(kind, str) and kind not in _MODEL_KINDS:
        said = "Model instance type is invalid. supported values: [{}]"
        yield path + ".modelInstanceType", said.format(",".join(_MODEL_KINDS)), "should be Standard"
    weights = _at(model, "modelWeightPath")
    if isinstance(weights, str) and not re.fullmatch(r"(?!.*\.\.)[\w./-]+", weights, re.A):
        said = "Path contains special characters: {}".format(weights)
        yield path + ".modelWeightPath", said, "should be a path of letters, digits, . _ / and -"
    elif isinstance(weights, str) and len(weights) > 4096:
        said = "Path length exceeds maximum limit: 4096"
        yield path + ".modelWeightPath", said, "should be a shorter path"
    if _at(model, "worldSize") == 0:
        said = "The value of modelParam.worldSize can not be 0."
        yield path + ".worldSize", said, "should be the number of chips that share the model"
    memory = _number(model, "npuMemSize", 1)
    if memory == 0 or memory < -1:
        right = "should be GiB a chip for the cache, or -1, which leaves it to MindIE"
        yield path + ".npuMemSize", _MEMORY.format(memory), right
    backend = _at(model, "backendType")
    if isinstance(backend, str) and backend not in ("atb", "ms", "torch"):
        yield path + ".backendType", "Backend type only supports atb, ms, torch.", "should be atb"
    for name in ("dp", "sp", "cp"):
        if _number(model, name, 1) < 1:
            said = "{} cannot be smaller than 1.".format(name)
            yield "{}.{}".format(path, name), said, "should be 1 or greater, or not be there"


def _schedule(config: Any) -> Iterator[Broken]:
    section = _at(config, _SCHEDULE)
    kind, name = _at(section, "templateType"), _at(section, "templateName")
    if isinstance(kind, str) and kind not in ("Standard", "Mix"):
        said = "The templateType must be Standard or Mix, but is {}".format(kind)
        yield _SCHEDULE + ".templateType", said, "should be Standard"
    if isinstance(name, str) and name != "Standard_LLM":
        said = "The templateName must be Standard_LLM, but is {}".format(name)
        yield _SCHEDULE + ".templateName", said, "should be Standard_LLM"
    for key in ("prefillPolicyType", "decodePolicyType"):
        policy = _number(section, key)
        if not 0 <= policy <= 3:
            said = "scheduleParam.{} [{}] is outside the expected schedule policy range: 0, 1, 2, 3"
            yield "{}.{}".format(_SCHEDULE, key), said.format(key, policy), "should be 0 to 3"
    policy = _number(section, "policyType")
    if policy not in (0, 4, 5, 6, 7):
        said = "The scheduleParam.policyType [{}] is outside the expected range: 0 or 4~7."
        yield _SCHEDULE + ".policyType", said.format(policy), "should be 0, or 4 to 7"
    partial = _number(section, "maxNumPartialPrefills", 64)
    long = _number(section, "maxLongPartialPrefills", 8)
    path = _SCHEDULE + ".maxLongPartialPrefills"
    yield from _outside(path, "scheduleParam.maxLongPartialPrefills", long, 1, partial)


def _together(config: Any) -> Iterator[Broken]:
    section = _at(config, _SCHEDULE)
    most = _number(section, "maxBatchSize", 819200)
    # 0 stands for maxBatchSize.
    batch = _number(section, "maxPrefillBatchSize") or most
    path = _SCHEDULE + ".maxPrefillBatchSize"
    yield from _outside(path, "scheduleParam.maxPrefillBatchSize", batch, 1, most)
    for key, spelled in (("maxPreemptCount", "maxBatchsize"), ("maxN", "maxBatchSize")):
        if _number(section, key) > most:
            right = "should be {} or less".format(most)
            yield "{}.{}".format(_SCHEDULE, key), _OVER.format(key, spelled), right
    if _at(section, "maxIterTimes") == 0:
        said = "The value of ScheduleParam.maxIterTimes can not be 0."
        yield _SCHEDULE + ".maxIterTimes", said, "should be 1 or greater"
    path = _DEPLOY + ".ModelConfig.0.cpuMemSize"
    if _number(section, "maxPreemptCount") and _at(config, path) == 0:
        said = "The value of modelParam.cpuMemSize can not be 0 when maxPreemptCount is not 0."
        yield path, said, "should be 1 or greater"
    length = _number(config, _DEPLOY + ".maxInputTokenLen")
    tokens = _number(section, "maxPrefillTokens", length)
    if tokens < length and _at(section, "templateType") != "Mix":
        said = "The value of maxPrefillTokens should not be less than maxInputTokenLen."
        yield _SCHEDULE + ".maxPrefillTokens", said, "should be {} or more".format(length)
