"""The settings, read and judged in MindIE's order: ``config_manager_impl.cpp``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.standins.ascend import mindie_reads
from tests.standins.openai.server.errors import StartError

from . import certificates, config_file, fields, installation, journal, layout, ranges

Document = dict[str, Any]


def load(file: Path) -> Document:
    """Return settings that all rules are kept by; every word of why not is said."""
    try:
        document = config_file.read(file)
        _types(document)
        _values(document)
    except StartError as failure:
        journal.say(f"ConfigManager init exception: {failure}")
        raise
    if "EnableDynamicAdjustTimeoutConfig" not in document:
        journal.say(
            "The configName EnableDynamicAdjustTimeoutConfig is not found, using default value "
            "false. If you need to customize this configuration item, please add it to the config "
            "file."
        )
    journal.say("[ConfigManager::InitConfigManager] Successfully init config manager")
    return document


def _types(document: Document) -> None:
    shipped = installation.ABOUT["config"]
    _section(document, "ServerConfig", fields.SERVER, shipped["ServerConfig"])
    back = _section(document, "BackendConfig", fields.BACKEND, shipped["BackendConfig"])
    _stop(fields.devices(back), "BackendConfig")
    known = shipped["BackendConfig"]
    _section(back, "ScheduleConfig", fields.SCHEDULE, known["ScheduleConfig"])
    known = known["ModelDeployConfig"]
    deploy = _section(back, "ModelDeployConfig", fields.DEPLOY, known)
    if "truncation" in deploy:
        _stop(fields.truncation(deploy["truncation"], known["truncation"]), "ModelDeployConfig")
    if not isinstance(deploy.get("ModelConfig"), list):
        _stop("The type of ModelConfig should be array.", "ModelDeployConfig")
    for model in deploy["ModelConfig"]:
        told = fields.mistake(model, fields.MODEL, known["ModelConfig"][0])
        _stop(told, "ModelDeployConfig")
    if back["ScheduleConfig"]["templateType"] == "Standard" and len(deploy["ModelConfig"]) != 1:
        _stop("There should be one modelParam for Standard templateType.", "ModelDeployConfig")


def _section(within: Document, name: str, wanted: dict[str, str], shipped: Document) -> Document:
    found = within.get(name)
    if not isinstance(found, dict):
        _stop(f"the section {name} is not there", name)
    _stop(fields.mistake(found or {}, wanted, shipped), name)
    return found or {}


def _stop(told: str | None, section: str) -> None:
    if told:
        journal.log(told)
        raise StartError(f"Failed to initialize {section} from JSON.")


def _values(document: Document) -> None:
    """The folder's settings come first: without them no other value is looked at."""
    ours, back = document["ServerConfig"], document["BackendConfig"]
    deploy = back["ModelDeployConfig"]
    (model,) = deploy["ModelConfig"]
    folder = Path(model["modelWeightPath"])
    told = [(text, False) for text in _unreadable(folder / "config.json", 0o640)]
    if not told:
        told += ranges.schedule(back["ScheduleConfig"])
        told += ranges.model(model, deploy)
        told += [(text, False) for text in _unreadable(folder, 0o750)]
        told += ranges.server(ours)
        if ours["httpsEnabled"]:
            secured = layout.secured(ours)
            told += [(text, True) for text in certificates.refusals(ours, secured)]
        told += ranges.backend(back)
        told += ranges.together(document)
    for text, printed in told:
        (journal.say if printed else journal.log)(text)
    if told:
        raise StartError("[ConfigManager] Checking Config Failed")


def _unreadable(path: Path, most: int) -> Iterator[str]:
    if os.environ.get("MINDIE_CHECK_INPUTFILES_PERMISSION") == "0" and path.exists():
        return
    told = mindie_reads.server(path, most)
    if told:
        yield told
    elif path.is_file():
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            yield f"Failed to parse json file: {path}, {error}"
