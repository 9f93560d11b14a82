"""An instance: one running server."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, IPvAnyAddress

from roles.spec import parser, store
from roles.spec.across import Across, unfit
from roles.spec.base import Fault, Spec, a, spelled
from roles.spec.benchmark import Benchmark
from roles.spec.check import Check, Kind
from roles.spec.compression import Compression
from roles.spec.options import MindieOptions, Options, VllmOptions
from roles.spec.secret import Secret
from roles.spec.stack import Accelerator, Engine, Stack
from roles.spec.weights import DESCRIPTION, Weights

# They ask nobody for a key.
_KEYLESS = {Engine.OLLAMA: "Ollama", Engine.MINDIE: "MindIE"}

# A user and a unit carry the name: metalserve-<name> has to stay within 31 characters.
InstanceName = Annotated[
    str,
    spelled(
        r"(?=.{1,20}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "should be up to 20 lower-case letters and digits, with - between them",
    ),
]

_ModelName = Annotated[
    str,
    spelled(r"([A-Za-z0-9][A-Za-z0-9._:/-]*)?", "should be a name such as qwen3-vl or qwen3:8b"),
]


class Instance(Spec):
    """
    One server: a stack and weights, on devices, behind a port.

    :param compression: what its host makes of the weights first, for as many chips as share them
    :param devices: indices of the accelerators it may use; none on a CPU
    :param across: the hosts that serve it together, each with these devices; one host without
    :param failing_device: when a device fails: ``refuse`` the plan, or ``move`` to a device of the
        same kind that no instance uses
    :param address: where it listens; anything but loopback needs an API key, or certificates
    :param model: the name that clients ask for; the weights' own name unless given
    :param api_key: what clients must show; ``None`` opens the server, on loopback only
    :param checks: questions asked before a release counts; the weights' own unless given
    :param benchmark: how it is measured, and what it has to reach
    :param ready_within_s: seconds from start to the first completion
    :param drain_within_s: seconds that requests in flight are waited for before a switch
    """

    name: InstanceName
    stack: Stack
    weights: Weights
    options: Options
    compression: Compression | None = None
    devices: tuple[int, ...] = ()
    across: Across | None = None
    failing_device: Literal["refuse", "move"] = "refuse"
    address: IPvAnyAddress = IPv4Address("127.0.0.1")
    port: int = Field(ge=1024, le=65535)
    model: _ModelName = ""
    api_key: Secret | None = Field(default=Secret(env="METALSERVE_API_KEY"), repr=False)
    checks: tuple[Check, ...] = ()
    benchmark: Benchmark | None = None
    ready_within_s: int = Field(default=1800, ge=10, le=14400)
    drain_within_s: int = Field(default=120, ge=0, le=3600)

    @property
    def keyless(self) -> str | None:
        """What its engine is called when it asks nobody for a key."""
        return _KEYLESS.get(self.stack.engine)

    @property
    def served_as(self) -> str:
        """The model name that clients ask for."""
        return self.model or self.weights.name

    @property
    def questions(self) -> tuple[Check, ...]:
        """What is asked before a release counts."""
        return self.checks or self.weights.checks

    @property
    def endpoint(self) -> str:
        """Address and port as URLs have them."""
        there = self.address
        return f"[{there}]:{self.port}" if there.version == 6 else f"{there}:{self.port}"

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that it listens on."""
        others = self.options.planes(self.port) if isinstance(self.options, MindieOptions) else ()
        return self.port, *others, *([self.across.port] if self.across else [])

    def rank(self, host: str) -> int:
        """Return which one of its hosts a host is: 0 answers requests, the others compute."""
        return (self.across and self.across.rank(host)) or 0

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        yield from self._engine()
        yield from self._ollama()
        yield from self._reachable()
        yield from self._planes()
        yield from self._devices()
        yield from unfit(self)
        yield from self._questions()

    def _engine(self) -> Iterator[Fault]:
        if self.options.engine is not self.stack.engine:
            yield Fault(
                path="options",
                wrong=f"is for {self.options.engine}, {self.stack.name} is {self.stack.engine}",
                right=f"give the options of {self.stack.engine}",
            )
            return
        if self.compression and not isinstance(self.options, MindieOptions):
            yield Fault(
                path="compression",
                wrong=f"is {self.compression} for {self.options.engine}",
                right=f"leave it out, {Engine.MINDIE} alone reads it",
            )
        # Not every engine takes further words.
        extra: tuple[str, ...] = getattr(self.options, "extra", ())
        if extra and (taken := parser.of(self.stack.engine, self.stack.version)):
            faults = [*taken.refusals(extra), *self._quantization(taken, extra)]
            yield from (fault.below("options") for fault in faults)

    def _quantization(self, taken: parser.Parser, extra: tuple[str, ...]) -> Iterator[Fault]:
        method = taken.given(extra).get("--quantization")
        if method is None or self.weights.faults():
            return
        model = self.weights.model
        if method == "ascend" and self.stack.engine is Engine.VLLM_ASCEND:
            # What a config.json says for MindIE it does not read.
            if not self.weights.described:
                yield Fault(
                    path="extra",
                    wrong=f"--quantization ascend is beside weights without {DESCRIPTION}",
                    right="leave it out, or pin weights that msModelSlim made",
                )
        elif model and model.quantization:
            yield Fault(
                path="extra",
                wrong=f"--quantization is beside a config.json that says {model.quantization}",
                right="leave it out, the engine reads it there",
            )

    def _ollama(self) -> Iterator[Fault]:
        """It reads a store of its own, that no other engine reads, and has no keys."""
        ollama = self.stack.engine is Engine.OLLAMA
        if self.weights.is_store is not ollama:
            yield Fault(
                path="weights",
                wrong=f"{self.weights.name} is {_kept(self.weights)}, "
                f"which {self.stack.engine} does not read",
                right=f"give {'a store of Ollama' if ollama else 'a snapshot'} of the same model",
            )
        elif ollama:
            paths = [file.path for file in self.weights.files]
            if store.manifest_of(self.served_as) not in paths:
                yield Fault(
                    path="model",
                    wrong=f"is {self.served_as}, which {self.weights.name} does not hold",
                    right=f"should be {' or '.join(store.models(paths))}",
                )

    def _reachable(self) -> Iterator[Fault]:
        """A server that asks for no key answers this host alone, or those with a certificate."""
        keyless = self.keyless
        certified = isinstance(self.options, MindieOptions) and self.options.https is not None
        otherwise = ", or give options/https" if self.stack.engine is Engine.MINDIE else ""
        if keyless and self.api_key is not None:
            yield Fault(
                path="api_key",
                wrong=f"names a secret, and {keyless} asks nobody for one",
                right=f"should be None, with the server on 127.0.0.1{otherwise}",
            )
        elif self.api_key is None and not self.address.is_loopback and not certified:
            yield Fault(
                path="api_key",
                wrong=f"is None while the server listens on {self.address}",
                right=f"{'' if keyless else 'name a secret, or '}listen on 127.0.0.1{otherwise}",
            )

    def _planes(self) -> Iterator[Fault]:
        if self.across is None and (
            max(self.ports) > 65535 or len(set(self.ports)) != len(self.ports)
        ):
            yield Fault(
                path="port",
                wrong=f"is {self.port}, with management and metrics on "
                f"{' and '.join(map(str, self.ports[1:]))}",
                right="should be three different ports up to 65535",
            )

    def _devices(self) -> Iterator[Fault]:
        counts = self.options.COUNTS_DEVICES
        wanted = len(self.devices)
        if isinstance(self.options, VllmOptions):
            # Over several hosts they are counted all together.
            wanted = wanted if self.across else self.options.workers
        elif counts:
            wanted = getattr(self.options, counts)
        if self.stack.accelerator is Accelerator.CPU:
            if self.devices:
                yield Fault(path="devices", wrong="is given to a cpu stack", right="leave it out")
            return
        if len(set(self.devices)) != len(self.devices) or any(d < 0 for d in self.devices):
            yield Fault(
                path="devices",
                wrong=f"is {list(self.devices)}",
                right="should be different indices, 0 or greater",
            )
        if not counts and not self.devices:
            yield Fault(path="devices", wrong="is empty", right="name one at least")
        elif len(self.devices) != wanted:
            yield Fault(
                path=f"options/{counts}",
                wrong=f"is {wanted} on {len(self.devices)} device(s)",
                right="should equal the number of devices",
            )

    def _questions(self) -> Iterator[Fault]:
        questions = self.questions
        kinds = {check.kind for check in questions}
        for kind in (Kind.TEXT, *self.weights.takes):
            if kind not in kinds:
                yield Fault(
                    path="checks",
                    wrong=f"asks no {kind} question, which {self.weights.name} can answer",
                    right="add one whose answer is known",
                )
        for kind, limit in ((Kind.IMAGE, "images"), (Kind.VIDEO, "videos")):
            if kind not in kinds:
                continue
            if kind not in self.weights.takes:
                yield Fault(
                    path="checks",
                    wrong=f"asks about {a(kind)}, which {self.weights.name} does not take",
                    right=f"drop the question, or add {kind} to the weights' takes",
                )
            elif self.stack.engine is Engine.OLLAMA and kind is Kind.VIDEO:
                yield Fault(
                    path="checks",
                    wrong="asks about a video, which Ollama does not take",
                    right="drop the question, and video from the weights' takes",
                )
            elif getattr(self.options, limit) < 1:
                yield Fault(
                    path=f"options/{limit}",
                    wrong=f"is 0 while a check sends {a(kind)}",
                    right="should be 1 or more",
                )
        names = [check.name for check in questions]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Fault(path=f"checks/{name}", wrong="is asked twice", right="name it once")


def _kept(weights: Weights) -> str:
    return "a store of Ollama" if weights.is_store else "a snapshot"
