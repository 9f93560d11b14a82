"""LMDeploy: instance to start script, command line and environment."""

from roles import templates, versions
from roles.engine import compose
from roles.engine.file import File
from roles.spec import Image, Instance, LmdeployOptions

_LAUNCHER = "launch.py"
# The first version whose command line takes the executor, and that counts requests unasked.
_SINCE = "0.11.0"


def files(instance: Instance, options: LmdeployOptions) -> dict[str, File]:
    """Return what is rendered into a release, by name."""
    launcher = {_LAUNCHER: File(templates.render("engine/lmdeploy-launch.py.j2"), "0644")}
    if isinstance(instance.stack.lock, Image):
        # Which port of which address leads to it is the container's to say.
        found = words(instance, options, address="0.0.0.0")  # noqa: S104
        program = [_LAUNCHER, *instance.stack.command, compose.WEIGHTS, *found]
        return launcher | compose.files(instance, program, environment(instance, options))
    start = templates.render(
        "engine/lmdeploy-start.sh.j2",
        command=instance.stack.command,
        words=words(instance, options, address=str(instance.address)),
        python="stack/venv/bin/python",
        launcher=_LAUNCHER,
    )
    variables = _devices(instance) | environment(instance, options)
    text = templates.render("engine/environment.j2", variables=variables)
    return launcher | {"start": File(start, "0755"), "environment": File(text, "0644")}


def words(instance: Instance, options: LmdeployOptions, *, address: str) -> list[str]:
    """
    Return the command line after the weights' folder; the API key is not here, where everybody
    could read it.

    :param address: where it listens, as the server sees it
    """
    found = [
        "--server-name", address,
        "--server-port", str(instance.port),
        "--model-name", instance.served_as,
        "--backend", options.backend,
        "--dtype", options.dtype,
        "--session-len", str(options.session_len),
        "--max-batch-size", str(options.max_batch_size),
        "--cache-max-entry-count", str(options.cache_max_entry_count),
        "--tp", str(options.tp),
    ]  # fmt: skip
    if options.quant_policy:
        found += ["--quant-policy", str(options.quant_policy)]
    if options.model_format:
        found += ["--model-format", options.model_format]
    if options.eager_mode:
        found += ["--eager-mode"]
    if _old(instance):
        found += ["--enable-metrics"]
    elif options.backend == "pytorch":
        found += ["--distributed-executor-backend", options.executor]
    return [*found, *options.extra]


def environment(instance: Instance, options: LmdeployOptions) -> dict[str, str]:
    """Return the variables of the server's process, none of them secret."""
    found = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    if _old(instance):
        found["LMDEPLOY_EXECUTOR_BACKEND"] = options.executor
    return found | options.environment


def _devices(instance: Instance) -> dict[str, str]:
    """A container is shown no others."""
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, instance.devices)),
    }


def _old(instance: Instance) -> bool:
    return versions.older(instance.stack.version, _SINCE)
