"""What each host of the fleet should be, as pyinfra reads it; the bench says in a file which."""

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from bench import standin
from inventories.stacks import vllm_0_32_cpu
from inventories.weights import canary
from roles.spec import (
    Accelerator,
    Agent,
    Check,
    Client,
    Gateway,
    HostSpec,
    Instance,
    Packages,
    Secret,
    Stack,
    VllmOptions,
    inventory,
)

OLD, NEW, BAD = "old", "new", "bad"
"""What a fleet serves: new options of the same stack; the bad one's make answers wrong."""

INSTANCE, MODEL, PORT, KEY = "chat", "canary", 8443, "BENCH_SERVER_KEY"
WHEELS = "/srv/wheels"
# What an answer and a start of the stand-in take; they say nothing of an engine.
_ANSWER_S, _START_S = 0.5, 3

_AT_ONCE = {OLD: 4, NEW: 6, BAD: 6}
_FASTER = ("--distributed-executor-backend", "uni", "--skip-mm-profiling")
_WRONG = ("--hf-overrides", json.dumps({"text_config": {"rms_norm_eps": 1.0}}))


def client_key(name: str) -> str:
    """Return the variable that has the key of a client."""
    return f"BENCH_{name.upper().replace('-', '_')}_KEY"


def hosts(file: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the hosts that a file tells of, each with how it is reached."""
    told = json.loads(file.read_text())
    release, real = told["release"], told["real"]
    specs = {}
    for name in told["serving"]:
        stack = vllm_0_32_cpu.STACK if name == real else standin.stack(Path(told["lock"]))
        words = _real_words(release) if name == real else _standin_words(release)
        packages = Packages(proxy=told["proxy"]) if name == real else Packages(folder=WHEELS)
        specs[name] = HostSpec(
            accelerator=Accelerator.CPU,
            instances=(_instance(stack, words, at_once=_AT_ONCE[release]),),
            packages=packages,
            agent=Agent(),
        )
    for name in told["gateways"]:
        specs[name] = HostSpec(
            accelerator=Accelerator.CPU,
            packages=Packages(folder=WHEELS),
            gateway=_gateway(told["clients"]),
        )
    (listed,) = inventory(specs)
    return [(name, {**spec, **told["connections"][name]}) for name, spec in listed]


def _instance(stack: Stack, words: tuple[str, ...], *, at_once: int) -> Instance:
    return Instance(
        name=INSTANCE,
        stack=stack,
        weights=canary.WEIGHTS,
        address=IPv4Address("0.0.0.0"),  # noqa: S104  # the gateway is another host
        port=8000,
        model=MODEL,
        api_key=Secret(env=KEY),
        options=VllmOptions(
            dtype="float32",
            max_model_len=1024,
            max_num_seqs=at_once,
            images=1,
            videos=1,
            kv_cache_gib=1,
            enforce_eager=True,
            environment={"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
            extra=words,
        ),
        checks=_one_of_each(),
        ready_within_s=600,
        drain_within_s=30,
    )


def _one_of_each() -> tuple[Check, ...]:
    return tuple({check.kind: check for check in canary.WEIGHTS.checks}.values())


def _real_words(release: str) -> tuple[str, ...]:
    return (*_FASTER, *_WRONG) if release == BAD else _FASTER


def _standin_words(release: str) -> tuple[str, ...]:
    asked: dict[str, object] = {"answer_s": _ANSWER_S, "start_s": _START_S}
    if release == BAD:
        asked["answer"] = "fish"
    return ("--hf-overrides", json.dumps({"standin": asked}))


def _gateway(clients: list[str]) -> Gateway:
    return Gateway(
        address=IPv4Address("0.0.0.0"),  # noqa: S104  # the bench is another host
        port=PORT,
        models=(MODEL,),
        # One each, so that the gateway's log says whose request a server had.
        clients=tuple(Client(name=name, key=Secret(env=client_key(name))) for name in clients),
    )
