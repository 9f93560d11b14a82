"""Engines: which of them can be started, what they can serve, what their options may not be."""

import re
from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.engine import STARTED, foreseen
from roles.hostside import mindie_edit, mindie_keys
from roles.preflight import table
from roles.preflight.reason import Reason
from roles.spec import (
    HostSpec,
    Instance,
    Kind,
    LmdeployOptions,
    MindieOptions,
    parser,
)

# Before it, MindIE wants the password of a private key, kept by Huawei's KMC.
_PLAIN_KEYS = "3.0.0.beta.1"
_LARGEST_MIB = {Kind.IMAGE: 20, Kind.VIDEO: 512}


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against each instance's engine, whatever it runs on."""
    for instance in spec.instances:
        yield from _started(instance)
        yield from _serves(instance)
        yield from _words(instance)
        if isinstance(instance.options, LmdeployOptions):
            yield from _lmdeploy(instance, instance.options)
        if isinstance(instance.options, MindieOptions):
            yield from _mindie(instance, instance.options)


def vision_language(instance: Instance) -> bool:
    """Say whether an instance serves Qwen3-VL, by its ``config.json``."""
    model = instance.weights.model
    known: list[str] = table.read("models")["architectures"]
    return model is not None and model.architecture in known


def _started(instance: Instance) -> Iterator[Reason]:
    stack = instance.stack
    if stack.accelerator not in STARTED.get(stack.engine, ()):
        yield Reason(
            code="engine",
            path=f"instances/{instance.name}/stack",
            found=f"{stack.engine} on {stack.accelerator}",
            wanted=f"{_starts()}: what this release can start",
            remedy="put the stack into the host's ready_for: prepare.py makes the host ready for "
            "it; serving it comes with a later release",
        )


def _starts() -> str:
    return ", ".join(f"{engine} on {' or '.join(where)}" for engine, where in STARTED.items())


def _words(instance: Instance) -> Iterator[Reason]:
    """Further words of the command line were judged at load, where the version is known."""
    stack, extra = instance.stack, getattr(instance.options, "extra", ())
    if extra and parser.of(stack.engine, stack.version) is None:
        yield Reason(
            code="not-in-table",
            path=f"instances/{instance.name}/options/extra",
            found=f"{stack.engine} {stack.version}",
            wanted=f"one of {', '.join(parser.versions(stack.engine)) or 'another engine'}",
            remedy="whether it takes these words was not judged",
            refuses=False,
        )


def _serves(instance: Instance) -> Iterator[Reason]:
    """The first version of an engine that has the model's architecture."""
    since: str | None = table.read("models")["since"].get(instance.stack.engine.value)
    if since and vision_language(instance) and versions.older(instance.stack.version, since):
        yield Reason(
            code="model-engine",
            path=f"instances/{instance.name}/stack",
            found=f"{instance.stack.engine} {instance.stack.version}, which has no Qwen3-VL",
            wanted=f"{since} or newer",
            remedy="choose a newer stack",
        )


def _lmdeploy(instance: Instance, options: LmdeployOptions) -> Iterator[Reason]:
    """Of Qwen3-VL, LMDeploy has the PyTorch engine alone, and no quantised weights or cache."""
    if not vision_language(instance):
        return
    path = f"instances/{instance.name}/options"
    if options.backend == "turbomind":
        yield Reason(
            code="model-engine",
            path=f"{path}/backend",
            found="turbomind, which has no Qwen3-VL",
            wanted="pytorch",
            remedy="set it",
        )
    if options.quant_policy or options.model_format in ("awq", "gptq"):
        found = options.model_format or f"quant_policy {options.quant_policy}"
        yield Reason(
            code="model-quantization",
            path=path,
            found=f"{found} for Qwen3-VL",
            wanted="weights and cache of 16 bits, all that LMDeploy documents for it",
            remedy="leave it out",
        )


def _mindie(instance: Instance, options: MindieOptions) -> Iterator[Reason]:
    """Rules of MindIE's own start, in its own words, and of its documentation."""
    path, model = f"instances/{instance.name}", instance.weights.model
    try:
        broken = foreseen(instance, options)
    except mindie_edit.EditError as error:
        yield _rule(f"{path}/options/config", str(error), "a key below an object")
        return
    for one in broken:
        found = f'{one.path} that {one.holds}: "{one.said}"'
        yield _rule(f"{path}/{_field(one.path, options)}", found, one.right)
    if options.cache_gib(model) == -1 and (instance.weights.takes or (model and model.vision)):
        yield _rule(
            f"{path}/options/npu_mem_size",
            "npuMemSize -1 for a model with a vision tower, which it leaves no room",
            f"should be {options.documented(model)} by MindIE's formula"
            if model
            else "should be a size in GiB, or left out beside the weights' config",
        )
    if options.https and not options.https.client:
        yield Reason(
            code="https",
            path=f"{path}/options/https/client",
            found="no certificate to show",
            wanted="one of an authority that the server takes",
            remedy="give it, by files on the host: whether MindIE is ready, and answers right, is "
            "asked with it",
        )
    if options.https and mindie_keys.order(instance.stack.version) < mindie_keys.order(_PLAIN_KEYS):
        yield _rule(
            f"{path}/options/https",
            f"certificates for MindIE {instance.stack.version}, whose keys have passwords of KMC",
            f"should be left out, or MindIE {_PLAIN_KEYS} or newer",
        )
    yield from _too_large(instance)
    if options.max_input_token_len >= options.max_seq_len:
        yield Reason(
            code="mindie-options",
            path=f"{path}/options/max_input_token_len",
            found=f"maxInputTokenLen {options.max_input_token_len} "
            f"in a maxSeqLen of {options.max_seq_len}",
            wanted="room for an answer",
            remedy="a prompt of that length gets none: lower it, or raise max_seq_len",
            refuses=False,
        )


def _too_large(instance: Instance) -> Iterator[Reason]:
    """What MindIE refuses to be shown, however it is sent."""
    for check in instance.questions:
        size = check.file.stat().st_size if check.file else 0
        if size > _LARGEST_MIB.get(check.kind, 0) << 20:
            yield Reason(
                code="mindie-options",
                path=f"instances/{instance.name}/checks/{check.name}",
                found=f"{check.kind} of {size / (1 << 20):.1f} MiB",
                wanted=f"{_LARGEST_MIB[check.kind]} MiB at most, of which MindIE takes one",
                remedy="ask about a smaller one",
            )


def _field(key: str, options: MindieOptions) -> str:
    """Return the field of an instance that a key of MindIE's is made from."""
    name = key.rsplit(".", 1)[-1]
    field = re.sub("([A-Z])", r"_\1", name).lower()
    named = {"modelName": "model", "ipAddress": "address", "port": "port"}
    if key in options.config or name in named:
        return named.get(name, "options/config")
    if name.lower().startswith(("tls", "managementtls", "metricstls")):
        return "options/https"
    return f"options/{field}" if field in MindieOptions.model_fields else "options"


def _rule(path: str, found: str, right: str) -> Reason:
    wanted = right.removeprefix("should be ")
    return Reason("mindie-options", path, found, wanted, "MindIE refuses to start: change it")
