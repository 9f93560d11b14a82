"""MindIE's settings, certificates and planes: its own rules, before a host is touched."""

from pathlib import Path

import pytest

from roles.preflight import against
from roles.spec import Check, Kind, MindieClient, MindieHttps
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found, codes_of, reasons_of


@pytest.mark.parametrize(
    ("fields", "refused", "remarks"),
    [
        ({"max_input_token_len": 8192, "max_seq_len": 8448}, [], []),
        ({"max_input_token_len": 8193, "max_seq_len": 8448}, ["mindie-options"], []),
        ({"max_input_token_len": 2560, "max_seq_len": 2560}, [], ["mindie-options"]),
        ({"max_prefill_batch_size": 2, "max_batch_size": 2}, [], []),
        ({"max_prefill_batch_size": 3, "max_batch_size": 2}, ["mindie-options"], []),
        ({"npu_mem_size": 0}, ["mindie-options"], []),
        ({"npu_mem_size": -1}, ["mindie-options"], []),
        ({"max_batch_size": 2001}, [], ["mindie-options", "concurrency"]),
    ],
)
def test_rules_of_mindie(fields: Found, refused: list[str], remarks: list[str]) -> None:
    spec = plans.mindie(on=2, stack=plans.mindie_stack(chip="310p", lock="mindie-2.1"), **fields)
    found = plans.duos(1)
    assert codes_of(spec, found) == refused
    assert codes_of(spec, found, refuses=False) == remarks


@pytest.mark.parametrize(
    ("fields", "field", "found", "wanted"),
    [
        (
            {"max_input_token_len": 10240, "max_seq_len": 12288},
            "options/max_prefill_tokens",
            "BackendConfig.ScheduleConfig.maxPrefillTokens that is 8192: "
            '"The value of maxPrefillTokens should not be less than maxInputTokenLen."',
            "10240 or more",
        ),
        (
            {"config": {"ServerConfig.e2eTimeout": 0}},
            "options/config",
            'ServerConfig.e2eTimeout that is 0: "serverConfig.e2eTimeout [0] is less than [1]"',
            "1 to 65535",
        ),
        (
            {"config": {"ServerConfig.tokenTimeout.s": 1}},
            "options/config",
            "ServerConfig.tokenTimeout.s: cannot be set, "
            "ServerConfig.tokenTimeout is neither an object nor a list with it",
            "a key below an object",
        ),
        (
            {"npu_mem_size": -1, "max_prefill_batch_size": 50, "max_batch_size": 50},
            "options/npu_mem_size",
            "npuMemSize -1 for a model with a vision tower, which it leaves no room",
            "9 by MindIE's formula",
        ),
    ],
)
def test_where_a_rule_of_mindie_is_broken(
    fields: Found, field: str, found: str, wanted: str
) -> None:
    (reason,) = reasons_of("mindie-options", plans.mindie(on=2, **fields), plans.a2(2))
    assert (reason.path, reason.found, reason.wanted) == (
        f"instances/chat/{field}",
        found,
        wanted,
    )


def test_certificates_with_passwords() -> None:
    """Their private keys were MindIE's to keep."""
    for version, refused in (("3.0.0alpha1", 1), ("3.0.0.beta.1", 0), ("3.0.0", 0)):
        stack = plans.mindie_stack(version)
        spec = plans.mindie(stack=stack, https=MindieHttps())
        told = reasons_of("mindie-options", spec, plans.a2(1))
        assert len(told) == refused
        for reason in told:
            assert reason.found.startswith(f"certificates for MindIE {version}, whose keys have")


def test_our_own_questions_show_a_certificate() -> None:
    (told,) = reasons_of("https", plans.mindie(https=MindieHttps()), plans.a2(1))
    assert (told.path, told.found, told.wanted) == (
        "instances/chat/options/https/client", "no certificate to show",
        "one of an authority that the server takes",
    )  # fmt: skip
    client = MindieClient(certificate="/etc/c.pem", key="/etc/c.key", ca="/etc/ca.pem")
    assert reasons_of("https", plans.mindie(https=MindieHttps(client=client)), plans.a2(1)) == []


@pytest.mark.parametrize(("mib", "refused"), [(20, False), (21, True)])
def test_image_that_is_too_large_for_mindie(tmp_path: Path, mib: int, refused: bool) -> None:
    file = tmp_path / "large.png"
    with file.open("wb") as opened:
        opened.truncate(mib << 20)
    large = Check(name="large", kind=Kind.IMAGE, prompt="What?", expect="noise", file=file)
    weights = plans.weights("8b")
    weights = weights.model_copy(update={"checks": (*weights.checks, large)})
    told = reasons_of("mindie-options", plans.mindie(weights_of=weights), plans.a2(1))
    assert [(reason.path, reason.found) for reason in told] == (
        [("instances/chat/checks/large", "image of 21.0 MiB")] if refused else []
    )


def test_text_may_let_mindie_choose() -> None:
    """A vision tower is what -1 leaves no room."""
    weights = plans.weights("8b").model_copy(update={"config": None, "takes": (), "checks": ()})
    (one,) = plans.mindie(npu_mem_size=-1, images=0).instances
    text = one.model_copy(update={"weights": weights, "checks": one.weights.checks[:1]})
    assert codes_of(plans.ascend(text), plans.a2(1)) == []


@pytest.mark.parametrize("port", [8000, 8001, 8002])
def test_port_of_each_plane_has_to_be_free(port: int) -> None:
    listener = {"port": port, "pid": 7, "process": "nginx", "unit": "nginx.service"}
    found = plans.a2(1) | {"ports": [listener]}
    (one,) = [reason for reason in against(plans.mindie(), found) if reason.code == "port"]
    assert one.found == f"{port} is held by nginx.service (pid 7)"
