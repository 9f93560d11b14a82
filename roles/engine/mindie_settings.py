"""
MindIE's ``config.json`` of an instance: which keys it wants, and what MindIE would refuse.

Pure. The file itself is made on the host, from the one that the installed version ships
(``roles/hostside/mindie_edit.py``).
"""

import json
from typing import Any, NamedTuple

from roles.hostside import mindie_edit, mindie_keys, mindie_rules, mindie_server
from roles.spec import Instance, MindieHttps, MindieOptions, Model

_DEPLOY = "BackendConfig.ModelDeployConfig"
_MODEL = f"{_DEPLOY}.ModelConfig.0"
_SCHEDULE = "BackendConfig.ScheduleConfig"
_LOOPBACK = "127.0.0.1"
# MindIE's documentation recommends it; 1000 are shipped.
_LINKS = 300
# What MindIE 3.0.0 ships where its rules ask and no instance sets anything.
_SHIPPED: dict[str, Any] = {
    "ServerConfig": {
        "inferMode": "standard",
        "tokenTimeout": 600,
        "e2eTimeout": 600,
        "distDPServerEnabled": False,
    },
    "BackendConfig": {
        "backendName": "mindieservice_llm_engine",
        "tokenizerProcessNumber": 8,
        "multiNodesInferPort": 1120,
        "ModelDeployConfig": {"ModelConfig": [{"backendType": "atb", "cpuMemSize": 0}]},
        "ScheduleConfig": {
            "templateType": "Standard",
            "templateName": "Standard_LLM",
            "cacheBlockSize": 128,
            "prefillTimeMsPerReq": 150,
            "prefillPolicyType": 0,
            "decodeTimeMsPerReq": 50,
            "decodePolicyType": 0,
            "maxPreemptCount": 0,
            "supportSelectBatch": False,
            "maxQueueDelayMicroseconds": 5000,
        },
    },
}


class Broken(NamedTuple):
    """
    A rule of MindIE's that a file breaks.

    :param path: the key, from the top
    :param holds: what the file has there, as JSON
    :param said: how MindIE says it when it refuses to start
    """

    path: str
    holds: str
    said: str
    right: str

    def __str__(self) -> str:
        return f'{self.path}: {self.holds}, MindIE says "{self.said}", {self.right}'


def wanted(
    options: MindieOptions,
    *,
    address: str,
    port: int,
    model: str,
    weights: str,
    shape: Model | None,
) -> dict[str, Any]:
    """
    Return what each key that follows from an instance has to hold, by its path.

    Chips are numbered from 0: ``ASCEND_RT_VISIBLE_DEVICES`` shows the server its own alone. What
    the operator gave by path (``options.config``) is not among them.

    :param model: the name that clients ask for
    :param weights: the folder that MindIE reads
    :param shape: of the model, by which the cache is computed unless its size is given
    """
    management, metrics = options.planes(port)
    return {
        "ServerConfig.ipAddress": address,
        "ServerConfig.managementIpAddress": _LOOPBACK,
        "ServerConfig.port": port,
        "ServerConfig.managementPort": management,
        "ServerConfig.metricsPort": metrics,
        "ServerConfig.allowAllZeroIpListening": address in ("0.0.0.0", "::"),  # noqa: S104
        "ServerConfig.maxLinkNum": _LINKS,
        "ServerConfig.httpsEnabled": options.https is not None,
        **(_certificates(options.https) if options.https else {}),
        "ServerConfig.interCommTLSEnabled": False,
        "BackendConfig.modelInstanceNumber": 1,
        "BackendConfig.npuDeviceIds": [list(range(options.world_size))],
        "BackendConfig.multiNodesInferEnabled": False,
        "BackendConfig.interNodeTLSEnabled": False,
        f"{_DEPLOY}.maxSeqLen": options.max_seq_len,
        f"{_DEPLOY}.maxInputTokenLen": options.max_input_token_len,
        f"{_DEPLOY}.truncation": options.truncation,
        f"{_MODEL}.modelName": model,
        f"{_MODEL}.modelWeightPath": weights,
        f"{_MODEL}.worldSize": options.world_size,
        f"{_MODEL}.npuMemSize": options.cache_gib(shape),
        f"{_MODEL}.trustRemoteCode": False,
        f"{_SCHEDULE}.maxPrefillBatchSize": options.max_prefill_batch_size,
        f"{_SCHEDULE}.maxPrefillTokens": options.max_prefill_tokens,
        f"{_SCHEDULE}.maxBatchSize": options.max_batch_size,
        f"{_SCHEDULE}.maxIterTimes": options.max_iter_times,
    }


def wanted_of(instance: Instance, options: MindieOptions, weights: str) -> dict[str, Any]:
    """Return the same of an instance; ``weights``: the folder that MindIE reads."""
    return wanted(
        options,
        address=str(instance.address),
        port=instance.port,
        model=instance.served_as,
        weights=weights,
        shape=instance.weights.model,
    )


def judged(config: dict[str, Any], version: str | None = None) -> list[Broken]:
    """Return every rule that a file breaks, one a key; ``version``: MindIE's, if it is known."""
    found = [
        *mindie_keys.broken(config, version),
        *mindie_server.broken(config),
        *mindie_rules.broken(config),
    ]
    # What MindIE asks first is what it says.
    first = {path: (said, right) for path, said, right in reversed(found)}
    return [
        Broken(path, _holds(config, path), said, right)
        for path, (said, right) in reversed(first.items())
    ]


def foreseen(instance: Instance, options: MindieOptions) -> list[Broken]:
    """
    Return what MindIE would refuse of an instance, on top of what it ships.

    :raises mindie_edit.EditError: a key given by path has no place
    """
    asked = wanted_of(instance, options, "/weights") | options.config
    file = mindie_edit.edited(_SHIPPED, {}, asked).config
    return judged(file, instance.stack.version)


def _holds(config: Any, path: str) -> str:
    for part in path.split(".") if path else ():
        if isinstance(config, list) and part.isdigit() and int(part) < len(config):
            config = config[int(part)]
        elif isinstance(config, dict) and part in config:
            config = config[part]
        else:
            return "is missing"
    text = json.dumps(config, ensure_ascii=False)
    return f"is {text if len(text) <= 80 else text[:77] + '...'}"


def _certificates(https: MindieHttps) -> dict[str, Any]:
    """The same for each plane. Authorities of all lie in one folder."""
    found: dict[str, Any] = {"ServerConfig.tlsCaPath": https.tls_ca_path}
    for plane in ("tls", "managementTls", "metricsTls"):
        found |= {
            f"ServerConfig.{plane}CaFile": list(https.tls_ca_file),
            f"ServerConfig.{plane}Cert": https.tls_cert,
            f"ServerConfig.{plane}Pk": https.tls_pk,
            f"ServerConfig.{plane}CrlPath": https.tls_crl_path,
            f"ServerConfig.{plane}CrlFiles": list(https.tls_crl_files),
        }
    return found
