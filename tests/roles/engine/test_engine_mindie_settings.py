"""An instance of MindIE becomes keys of the file that its version ships, and no others."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from roles.engine import mindie_settings
from roles.hostside import mindie_edit
from roles.spec import Instance, MindieHttps, MindieOptions
from roles.spec.model import model_from
from roles.spec.options.mindie import RENDERED
from tests.roles.mindie_files import ABSENT, MODEL, changed
from tests.roles.preflight import plans
from tests.standins.mindie import shipped

SHAPES = Path(__file__).parents[1] / "preflight/shapes"
DEPLOY, SCHEDULE = "BackendConfig.ModelDeployConfig", "BackendConfig.ScheduleConfig"


def _instance(**fields: Any) -> Instance:
    """An 8B on two chips, with a prompt as long as the seed's."""
    right: dict[str, Any] = {
        "max_seq_len": 12288,
        "max_input_token_len": 10240,
        "max_prefill_tokens": 10240,
        "max_prefill_batch_size": 4,
        "max_batch_size": 8,
        "npu_mem_size": None,
    }
    return plans.mindie(on=2, **right | fields).instances[0]


def _options(instance: Instance) -> MindieOptions:
    assert isinstance(instance.options, MindieOptions)
    return instance.options


def _wanted(**fields: Any) -> dict[str, Any]:
    instance = _instance(**fields)
    return mindie_settings.wanted_of(instance, _options(instance), "/srv/weights/qwen3-vl-8b")


WANTED = {
    "ServerConfig.ipAddress": "127.0.0.1",
    "ServerConfig.managementIpAddress": "127.0.0.1",
    "ServerConfig.port": 8000,
    "ServerConfig.managementPort": 8001,
    "ServerConfig.metricsPort": 8002,
    "ServerConfig.allowAllZeroIpListening": False,
    "ServerConfig.maxLinkNum": 300,
    "ServerConfig.httpsEnabled": False,
    "ServerConfig.interCommTLSEnabled": False,
    "BackendConfig.modelInstanceNumber": 1,
    "BackendConfig.npuDeviceIds": [[0, 1]],
    "BackendConfig.multiNodesInferEnabled": False,
    "BackendConfig.interNodeTLSEnabled": False,
    f"{DEPLOY}.maxSeqLen": 12288,
    f"{DEPLOY}.maxInputTokenLen": 10240,
    f"{DEPLOY}.truncation": False,
    f"{MODEL}.modelName": "qwen3-vl-8b",
    f"{MODEL}.modelWeightPath": "/srv/weights/qwen3-vl-8b",
    f"{MODEL}.worldSize": 2,
    f"{MODEL}.npuMemSize": 4,
    f"{MODEL}.trustRemoteCode": False,
    f"{SCHEDULE}.maxPrefillBatchSize": 4,
    f"{SCHEDULE}.maxPrefillTokens": 10240,
    f"{SCHEDULE}.maxBatchSize": 8,
    f"{SCHEDULE}.maxIterTimes": 512,
}


def test_wanted() -> None:
    assert _wanted() == WANTED


def test_chips_are_numbered_from_0() -> None:
    """Whichever they are: others are not shown to the server."""
    instance = _instance().model_copy(update={"devices": (6, 7)})
    asked = mindie_settings.wanted_of(instance, _options(instance), "/w")
    assert asked["BackendConfig.npuDeviceIds"] == [[0, 1]]


def test_certificates() -> None:
    https = MindieHttps(tls_cert="security/chat/server.pem", tls_pk="security/chat/key.pem")
    asked = _wanted(https=https)
    added = {path: value for path, value in asked.items() if path not in WANTED}
    assert asked["ServerConfig.httpsEnabled"] is True
    assert added == {
        "ServerConfig.tlsCaPath": "security/ca/",
        **{
            f"ServerConfig.{plane}{key}": value
            for plane in ("tls", "managementTls", "metricsTls")
            for key, value in {
                "CaFile": ["ca.pem"],
                "Cert": "security/chat/server.pem",
                "Pk": "security/chat/key.pem",
                "CrlPath": "security/certs/",
                "CrlFiles": [],
            }.items()
        },
    }
    assert {*asked} == {*RENDERED}


def test_any_address() -> None:
    asked = mindie_settings.wanted(
        MindieOptions(management_port=1100, metrics_port=1200),
        address="0.0.0.0",
        port=1025,
        model="chat",
        weights="/w",
        shape=None,
    )
    told = [asked[f"ServerConfig.{key}"] for key in ("ipAddress", "allowAllZeroIpListening")]
    assert told == ["0.0.0.0", True]
    planes = ("managementIpAddress", "managementPort", "metricsPort")
    assert [asked[f"ServerConfig.{key}"] for key in planes] == ["127.0.0.1", 1100, 1200]


@pytest.mark.parametrize(
    ("shape", "chips", "batch", "tokens", "gib"),
    [
        # The seed's 3 is for four prompts at once, not for the 50 that are shipped.
        ("8b", 2, 4, 10240, 3),
        ("8b", 2, 50, 10240, 36),
        ("8b", 1, 50, 2560, 18),
        # 2560 / 32 is 80, and a head has 128: without head_dim it would be 12.
        ("4b", 1, 50, 2560, 18),
        ("2b", 1, 1, 16, 1),
    ],
)
def test_cache_as_documented(shape: str, chips: int, batch: int, tokens: int, gib: int) -> None:
    model = model_from((SHAPES / f"{shape}.json").read_text())
    options = MindieOptions(world_size=chips, max_prefill_batch_size=batch, max_seq_len=tokens)
    assert options.documented(model) == options.cache_gib(model) == gib
    assert options.model_copy(update={"npu_mem_size": 7}).cache_gib(model) == 7
    assert options.cache_gib(model._replace(vision=False)) == -1
    assert options.cache_gib(None) == -1


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, value


# What one instance changes in every file, and what besides by version.
CHANGED = [
    "ServerConfig.managementIpAddress",
    "ServerConfig.port",
    "ServerConfig.managementPort",
    "ServerConfig.metricsPort",
    "ServerConfig.maxLinkNum",
    "ServerConfig.httpsEnabled",
    "ServerConfig.interCommTLSEnabled",
    "BackendConfig.npuDeviceIds",
    "BackendConfig.interNodeTLSEnabled",
    f"{DEPLOY}.maxSeqLen",
    f"{DEPLOY}.maxInputTokenLen",
    f"{MODEL}.modelName",
    f"{MODEL}.modelWeightPath",
    f"{MODEL}.worldSize",
    f"{MODEL}.npuMemSize",
    f"{SCHEDULE}.maxPrefillBatchSize",
    f"{SCHEDULE}.maxPrefillTokens",
    f"{SCHEDULE}.maxBatchSize",
]
UNKNOWN = {
    "1.0.RC3": [
        "ServerConfig.metricsPort",
        "ServerConfig.allowAllZeroIpListening",
        "ServerConfig.interCommTLSEnabled",
        f"{MODEL}.trustRemoteCode",
    ],
    "1.0.0": [f"{MODEL}.trustRemoteCode"],
}
ALREADY = {"1.0.0": ["ServerConfig.interCommTLSEnabled"]}


@pytest.mark.parametrize("version", shipped.VERSIONS)
def test_the_same_instance_in_every_version(version: str) -> None:
    """Nothing else differs, nothing moves, and MindIE's rules hold."""
    file = mindie_edit.parsed(shipped.config(version))
    edited = mindie_edit.edited(file, WANTED, {})
    before, after = dict(_leaves(file)), dict(_leaves(edited.config))
    assert list(before) == list(after)
    left_out = UNKNOWN.get(version, [])
    same = [*left_out, *ALREADY.get(version, [])]
    differing = [path for path in before if json.dumps(before[path]) != json.dumps(after[path])]
    assert differing == [path for path in before if path in CHANGED and path not in same]
    assert {path: after[path] for path in differing} == {path: WANTED[path] for path in differing}
    assert sorted(edited.changed) == sorted(differing)
    assert edited.left_out == left_out
    assert mindie_settings.judged(edited.config, version) == []


def test_what_is_assumed_to_be_shipped_is_shipped() -> None:
    """Preflight judges before there is a file."""
    there = dict(_leaves(shipped.document("3.0.0")))
    assumed = dict(_leaves(mindie_settings._SHIPPED))
    assert assumed == {path: there[path] for path in assumed}
    assert not {*assumed} & {*RENDERED}


def _foreseen(**fields: Any) -> list[str]:
    instance = _instance(**fields)
    return [str(one) for one in mindie_settings.foreseen(instance, _options(instance))]


def test_foreseen() -> None:
    assert _foreseen() == []
    assert _foreseen(max_prefill_tokens=8192) == [
        'BackendConfig.ScheduleConfig.maxPrefillTokens: is 8192, MindIE says "The value of '
        'maxPrefillTokens should not be less than maxInputTokenLen.", should be 10240 or more'
    ]
    assert _foreseen(config={"ServerConfig.tokenTimeout": 3600, f"{MODEL}.dp": 1}) == []
    assert _foreseen(config={"ServerConfig.tokenTimeout": 3601, f"{MODEL}.dp": 0}) == [
        'ServerConfig.tokenTimeout: is 3601, MindIE says "serverConfig.tokenTimeout [3601] is out '
        'of bound [3600]", should be 1 to 3600',
        f'{MODEL}.dp: is 0, MindIE says "dp cannot be smaller than 1.", '
        "should be 1 or greater, or not be there",
    ]


def test_one_reason_a_key() -> None:
    """What MindIE would come to later is not told beside what it says first."""
    file = changed({"ServerConfig.maxLinkNum": -1, "ServerConfig.metricsPort": ABSENT})
    assert [str(one) for one in mindie_settings.judged(file)] == [
        'ServerConfig.metricsPort: is missing, MindIE says "[ParamChecker::CheckJsonParamType] '
        'metricsPort: missing compulsory field", should be there, as in the file that MindIE ships',
        'ServerConfig.maxLinkNum: is -1, MindIE says "The value of param maxLinkNum for uint32_t '
        'is invalid.", should be a whole number, 0 or greater',
    ]


def test_long_values_are_cut() -> None:
    (one,) = mindie_settings.judged(changed({"BackendConfig.backendName": "a" * 90}))
    assert one.holds == f'is "{"a" * 76}...'


def test_address_of_an_instance() -> None:
    instance = _instance().model_copy(update={"address": IPv4Address("127.0.0.9")})
    asked = mindie_settings.wanted_of(instance, _options(instance), "/w")
    assert asked["ServerConfig.ipAddress"] == "127.0.0.9"
