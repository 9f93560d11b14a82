"""One instance over several hosts, each of which has the same one in its spec."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field, IPvAnyAddress

from roles.spec import parser
from roles.spec.base import Fault, Spec
from roles.spec.options import VllmOptions
from roles.spec.stack import Accelerator, Engine

if TYPE_CHECKING:
    from roles.spec.instance import Instance

_LAUNCHER = "--nnodes"


class Rank(Spec):
    """
    One host of several.

    :param host: its name in the inventory
    :param address: its own, in the network by which the hosts compute together
    """

    host: str = Field(min_length=1)
    address: IPvAnyAddress


class Across(Spec):
    """
    The hosts that serve one instance together, by the launcher of vLLM's own. What goes between
    them is neither asked for a key nor encrypted: the network has to be theirs alone.

    :param ranks: the hosts in their order; the first, the head, is the one that answers requests
    :param port: TCP, of the head, where the others find it; more ports are chosen as they come
    """

    ranks: tuple[Rank, ...] = Field(min_length=2)
    port: int = Field(default=29501, ge=1024, le=65535)

    @property
    def head(self) -> Rank:
        """The host that answers requests."""
        return self.ranks[0]

    def rank(self, host: str) -> int | None:
        """Return which one a host is, ``None`` when it is none of them."""
        return next((at for at, one in enumerate(self.ranks) if one.host == host), None)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        for what in ("host", "address"):
            named = [str(getattr(one, what)) for one in self.ranks]
            for twice in sorted({name for name in named if named.count(name) > 1}):
                yield Fault(path="ranks", wrong=f"has {what} {twice} twice", right="name it once")
        for one in self.ranks:
            there = one.address
            if there.is_loopback or there.is_unspecified or there.is_multicast:
                yield Fault(
                    path=f"ranks/{one.host}/address",
                    wrong=f"is {there}, where no other host reaches it",
                    right="give its own address in the network of the group",
                )
            elif there.version != self.head.address.version:
                yield Fault(
                    path=f"ranks/{one.host}/address",
                    wrong=f"is {there}, while the head has {self.head.address}",
                    right="give all of them addresses of one kind",
                )


def unfit(instance: "Instance") -> Iterator[Fault]:
    """What keeps an instance from being served by several hosts."""
    stack, across = instance.stack, instance.across
    if across is None:
        return
    if stack.engine is not Engine.VLLM:
        yield Fault(
            path="across",
            wrong=f"is given to {stack.engine}",
            right=f"leave it out: {Engine.VLLM} alone is served over several hosts",
        )
    elif stack.version not in (known := _launching()):
        yield Fault(
            path="across",
            wrong=f"is given to vLLM {stack.version}, of which no {_LAUNCHER} is known",
            right=f"should be one of {', '.join(known)}",
        )
    elif stack.command[-1] != "serve":
        yield Fault(
            path="across",
            wrong=f"is given to {stack.name}, started by {stack.command[-1]}",
            right="choose a stack that `serve` starts: no other command knows --headless",
        )
    if instance.failing_device != "refuse":
        yield Fault(
            path="failing_device",
            wrong=f"is {instance.failing_device} for an instance over several hosts",
            right="should be refuse, its hosts have the same devices",
        )
    if across.port == instance.port:
        yield Fault(
            path="across/port",
            wrong=f"is {across.port}, where the instance answers",
            right="give the hosts a port of their own",
        )
    if isinstance(instance.options, VllmOptions):
        hosts = len(across.ranks)
        each = 1 if stack.accelerator is Accelerator.CPU else len(instance.devices)
        wanted = instance.options.workers
        if wanted != hosts * each:
            yield Fault(
                path="options",
                wrong=f"has {wanted} parts, by tensor_parallel_size and pipeline_parallel_size, on "
                f"{hosts} hosts with {each} device(s) each",
                right=f"their product should be {hosts * each}",
            )


def _launching() -> list[str]:
    """Return the versions of vLLM that are known to have a launcher for several hosts."""
    known = {version: parser.of(Engine.VLLM, version) for version in parser.versions(Engine.VLLM)}
    return [version for version, taken in known.items() if taken and _LAUNCHER in taken.flags]
