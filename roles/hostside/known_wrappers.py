"""Lines that tell that an engine failed, and not of what: the cause stands before them."""

from __future__ import annotations

from known import LMDEPLOY, MINDIE, OLLAMA, VLLM, WRAPPER, Known

_BEFORE = "a part of the server failed; its own words stand before this line"
_READ = "read the log from its start: journalctl -e -u UNIT"

ROWS = (
    Known(
        says=(
            "Engine core initialization failed",
            "See stack trace (above) for the root cause",
            "WorkerProc initialization failed",
        ),
        cause=_BEFORE,
        remedy=_READ,
        source="vLLM source",
        engines=VLLM,
        weight=WRAPPER,
    ),
    Known(
        says=(
            "> check failed!",
            "Received custom termination signal from sub processing",
            "process exited before publishing RPC server port",
        ),
        cause=_BEFORE,
        remedy=_READ,
        source="LMDeploy source",
        engines=LMDEPLOY,
        weight=WRAPPER,
    ),
    Known(
        says=("llama runner process has terminated", "llama-server process has terminated"),
        cause=_BEFORE,
        remedy=_READ,
        source="ollama#18486",
        engines=OLLAMA,
        weight=WRAPPER,
    ),
    Known(
        says=("timed out waiting for llama runner to start",),
        cause="the model was not loaded within OLLAMA_LOAD_TIMEOUT (5 min unless set)",
        remedy="raise OLLAMA_LOAD_TIMEOUT; look whether the disk of the models is slow",
        source="ollama#8470, ollama#10969",
        engines=OLLAMA,
        weight=WRAPPER,
    ),
    Known(
        says=("Failed to init endpoint! Please check the service log or console output",),
        cause=_BEFORE,
        remedy="read the log from its start; elsewhere MindIE writes it to ~/mindie/log/debug",
        source="MindIE source",
        engines=MINDIE,
        weight=WRAPPER,
    ),
    Known(
        says=("LLMPythonModel initializes fail",),
        cause="MindIE's Python side failed, as with a package that is missing",
        remedy="read the log from its start; elsewhere MindIE writes it to ~/mindie/log/debug",
        source="MindIE FAQ",
        engines=MINDIE,
        weight=WRAPPER,
    ),
)
