"""What is served: settings, engine and counts, and whether it is still."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.standins.openai.server.desk import Desk
from tests.standins.openai.server.engine import Engine
from tests.standins.openai.server.mischief import Mischief
from tests.standins.openai.server.truth import Truth

from .metrics import Numbers


class Service:
    """One model, that is asked on several planes."""

    def __init__(self, document: dict[str, Any], mischief: Mischief) -> None:
        self.document = document
        self.section: dict[str, Any] = document["ServerConfig"]
        self.deploy: dict[str, Any] = document["BackendConfig"]["ModelDeployConfig"]
        self.schedule: dict[str, Any] = document["BackendConfig"]["ScheduleConfig"]
        (self.model,) = self.deploy["ModelConfig"]
        self.name: str = self.model["modelName"]
        self.folder = Path(self.model["modelWeightPath"])
        self.most_tokens: int = self.schedule["maxIterTimes"]
        self.request_mib: int = self.section.get("maxRequestLength", 40)
        self.hangs = mischief.hang
        self.healthy = threading.Event()
        self.stopped = threading.Event()
        self.numbers = Numbers()
        desk = Desk(self.schedule["maxBatchSize"])
        self.engine = Engine(mischief=mischief, desk=desk, truth=Truth(__package__))
