"""MindIE: instance to start script, environment, and what its ``config.json`` has to say."""

import json
from typing import Any

from roles import ascend, paths, templates
from roles.engine import mindie_settings
from roles.engine.file import File
from roles.hostside import places
from roles.spec import InstallerKind, Instance, MindieOptions, Stack

_LOOPBACK = "127.0.0.1"
_WEIGHTS = "BackendConfig.ModelDeployConfig.ModelConfig.0.modelWeightPath"


def files(instance: Instance, options: MindieOptions) -> dict[str, File]:
    """Return what is rendered into a release, by name."""
    stack = instance.stack
    is_run_package = stack.installer(InstallerKind.MINDIE)
    start = templates.render(
        "engine/mindie-start.sh.j2",
        version=stack.python,
        packages=places.mindie_packages(stack.version) if is_run_package else "",
        command=stack.command,
        driver=ascend.driver_libraries(),
    )
    variables = environment(instance, options)
    text = templates.render("engine/environment.j2", variables=variables)
    return {
        "start": File(start, "0755"),
        "environment": File(text, "0644"),
        "wanted.json": File(json.dumps(wanted(instance, options), indent=1) + "\n", "0644"),
    }


def wanted(instance: Instance, options: MindieOptions) -> dict[str, Any]:
    """
    Return what a host makes ``config.json`` of: the file that it edits, the keys that it sets where
    they are, those among them that hold what a link of the release leads to, and those that the
    operator gave.
    """
    keys = mindie_settings.wanted_of(instance, options, "")
    return {
        "version": instance.stack.version,
        "installed": installed(instance.stack),
        "keys": {path: value for path, value in keys.items() if path != _WEIGHTS},
        "links": {_WEIGHTS: "weights"},
        "given": options.config,
    }


def installed(stack: Stack) -> str:
    """Return the ``config.json`` that an installed MindIE came with."""
    if stack.installer(InstallerKind.MINDIE):
        return ascend.mindie_settings(stack.version)
    packages = f"{paths.stack(stack)}/venv/lib/python{stack.python}/site-packages"
    return f"{packages}/mindie_llm/conf/config.json"


def environment(instance: Instance, options: MindieOptions) -> dict[str, str]:
    """Return the variables of the server's process, none of them secret."""
    return {
        "ASCEND_RT_VISIBLE_DEVICES": ",".join(map(str, instance.devices)),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        # The journal keeps what it says, and its files would grow beside.
        "MINDIE_LOG_TO_STDOUT": "1",
        "MINDIE_LOG_TO_FILE": "0",
        # Without, /metrics is refused.
        "MIES_SERVICE_MONITOR_MODE": "1",
    } | options.environment


def planes(instance: Instance) -> dict[str, Any]:
    """
    Return where a server is asked about itself and by which certificate, as a release tells it;
    nothing of other engines, which are asked where they serve.
    """
    if not isinstance(instance.options, MindieOptions):
        return {}
    https, (management, metrics) = instance.options.https, instance.options.planes(instance.port)
    asked = {"https": https.client.model_dump()} if https and https.client else {}
    # Whoever reaches the plane of management can stop the server.
    return asked | {
        "planes": {
            "management": {"address": _LOOPBACK, "port": management},
            "metrics": {"address": _LOOPBACK, "port": metrics},
        }
    }
