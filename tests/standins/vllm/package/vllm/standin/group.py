"""
Several hosts that serve one model: what vLLM 0.32's launcher was seen to do, and no better.

Each waits for the other without a word. A head that has lost a rank is healthy until it is asked
something; that request fails, and the head ends. A rank whose head is gone goes on waiting for it.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time

from tests.standins.openai.server.errors import StartError

from .. import __version__
from . import journal

_RETRY_S = 0.2


def refuse(wanted: argparse.Namespace) -> None:
    """Refuse numbers that do not go together, as ``create_engine_config`` does."""
    world = wanted.tensor_parallel_size * wanted.pipeline_parallel_size
    if wanted.nnodes == 1:
        if wanted.headless:
            raise StartError("ValueError: the stand-in is headless as one of several hosts alone")
        return
    if world % wanted.nnodes:
        raise StartError(
            f"ValueError: Invalid data-parallel launch options: `--nnodes {wanted.nnodes}` must "
            f"evenly divide the total world size ({world})."
        )
    if not 0 <= wanted.node_rank < wanted.nnodes:
        raise StartError(
            "ValueError: Invalid data-parallel launch options: `--node-rank` must be between 0 and "
            f"{wanted.nnodes - 1}; got `--node-rank {wanted.node_rank}`."
        )
    if bool(wanted.node_rank) is not wanted.headless:
        raise StartError("ValueError: the stand-in wants --headless of every rank but the head")


def _same(wanted: argparse.Namespace) -> dict[str, object]:
    """What every host has to have been told alike; the real one computes nonsense otherwise."""
    own = ("node_rank", "headless", "wishes", "model")
    told = {name: value for name, value in vars(wanted).items() if name not in own}
    return {"version": __version__, **told}


class Head:
    """Rank 0, which waits for all others on the master port."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        self._wanted = wanted
        self._ranks: dict[int, socket.socket] = {}
        self._lost = threading.Event()
        self._listening = socket.create_server((wanted.master_addr, wanted.master_port))

    def gather(self, stopping: threading.Event) -> None:
        """Wait until every rank is there, however long that takes."""
        self._listening.settimeout(_RETRY_S)
        while len(self._ranks) < self._wanted.nnodes - 1 and not stopping.is_set():
            try:
                joined, _ = self._listening.accept()
            except TimeoutError:
                continue
            hello = json.loads(joined.makefile().readline() or "{}")
            if hello.get("same") != json.loads(json.dumps(_same(self._wanted))):
                raise StartError("RuntimeError: a rank was started with other options (stand-in)")
            self._ranks[hello["rank"]] = joined
            threading.Thread(target=self._watch, args=(joined,), daemon=True).start()

    @property
    def lost(self) -> bool:
        """Whether a rank is gone, which nobody has noticed yet."""
        return self._lost.is_set()

    def _watch(self, joined: socket.socket) -> None:
        try:
            while joined.recv(64):
                pass
        except OSError:
            pass
        self._lost.set()


def compute(wanted: argparse.Namespace, stopping: threading.Event) -> None:
    """Be a rank: dial the head until it listens, then wait for it whatever becomes of it."""
    address = f"{wanted.master_addr}:{wanted.master_port}"
    journal.engine(
        f"Launching vLLM (v{__version__}) headless multiproc executor, with head node address "
        f"{address} for torch.distributed process group."
    )
    while not stopping.is_set():
        try:
            head = socket.create_connection((wanted.master_addr, wanted.master_port), _RETRY_S)
            break
        except OSError:
            time.sleep(_RETRY_S)
    else:
        return
    head.sendall(json.dumps({"rank": wanted.node_rank, "same": _same(wanted)}).encode() + b"\n")
    stopping.wait()
