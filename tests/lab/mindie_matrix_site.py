"""A site for the matrix of Qwen3-VL: two lab hosts with MindIE, one an Atlas 800I A2, one a DUO."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.lab import LabHost, places
from roles.weights import FLOAT, manifest
from tests.lab import fixtures, platform_site
from tests.lab.ascend_site import VENDOR, pinned
from tests.lab.site import Run, connections
from tests.lab.waiting import AT_MOST_S
from tests.standins.ascend import build, npu
from tests.standins.mindie import build as mindie
from tests.standins.nvidia.host import install_repository
from tests.standins.openai import wheel

CANARY = places.REPOSITORY / "canary"
SHAPES = places.REPOSITORY / "tests/roles/preflight/shapes"
MODELS = "/srv/models"
CHIPS = 8
_HDK = ("25.5.1", "7.8.0.2.212")

INVENTORY = '''\
"""Two machines, each with as many of the matrix as it has chips for."""

from pathlib import Path

from inventories.weights import canary
from roles.spec import *

_connections = {connections!r}
# One question of each kind; the others are asked of the real canary elsewhere.
_checks = tuple(
    next(check for check in canary.WEIGHTS.checks if check.kind == kind)
    for kind in ("text", "image", "video")
)


def _weights(name):
    folder = Path({folder!r}) / name
    return Weights(
        name=name, files=manifest(folder.with_suffix(".sha256")),
        config=folder / "config.json", sources=(HostFolder(path="{models}/" + name),),
        takes=canary.WEIGHTS.takes, checks=_checks,
    )


def _instance(stack, name, weights, devices, port, dtype, compression):
    return Instance(
        name=name, stack=stack, weights=_weights(weights), devices=devices, port=port,
        compression=compression, model="canary", api_key=None, ready_within_s=300,
        options=MindieOptions(
            dtype=dtype, world_size=len(devices), npu_mem_size=1, max_prefill_batch_size=1,
            max_batch_size=4, images=1, videos=1,
        ),
    )


def _spec(stack, driver, firmware, instances):
    return HostSpec(
        accelerator="ascend", driver=AscendHdk(driver=driver, firmware=firmware),
        may_reboot=True, installers=HostFolder(path="{vendor}"), ready_for=(stack,),
        packages=Packages(folder={wheels!r}),
        instances=tuple(_instance(stack, *each) for each in instances),
    )


_stacks = {stacks}
_specs = {{
    name: _spec(*_stacks[name], instances) for name, instances in {instances!r}.items()
}}
(_hosts,) = inventory(_specs)
hosts = [(name, {{**spec, **_connections[name]}}) for name, spec in _hosts]
'''

STACK = """(Stack(
    name="mindie-3.0-{chip}", engine="mindie", accelerator="ascend", version="3.0.0",
    python="3.11", command=("mindieservice_daemon",), disk_gib=0.1,
    lock=Lock(file=Path({lock!r})), installers=({installers}),
), {driver}, {firmware})"""


@dataclass(frozen=True)
class Served:
    """What an instance serves on a machine; ``compressed`` is made of W8A8S there."""

    model: str
    quantization: str | None
    dtype: str
    on: int
    compressed: bool = False

    @property
    def weights(self) -> str:
        """The name of its weights."""
        kind = "w8a8s" if self.compressed else self.quantization
        parts = (self.model.lower(), kind, {"bfloat16": "bf16", "float16": "fp16"}[self.dtype])
        return "-".join(["qwen3-vl", *(part for part in parts if part)])

    @property
    def name(self) -> str:
        """Of the instance."""
        return f"q{self.model.lower()}-{self.quantization or self.dtype[:2]}-{self.on}"


@dataclass
class Site(platform_site.Site):
    """Both machines, and what they serve."""

    accelerator: str = "ascend"

    def dress(self, tools: Path, wheels: Path) -> None:
        """Have cards, their tools, wheels and vendor's files on both, and models for all."""
        self.lock = _wheels(self.folder / "wheels", wheels)
        self.stacks = {}
        for host, chips, chip in zip(
            self.hosts, (npu.a2(CHIPS), npu.duo(CHIPS // 2)), ("910b", "310p"), strict=True
        ):
            npu.plug(host, chips)
            install_repository(host, tools)
            shutil.copytree(self.lock.parent, _disk(host, fixtures.WHEELS), dirs_exist_ok=True)
            self.stacks[host.name] = self._stack(host, chip)

    def run(self, *words: str, deploy: str = "prepare") -> Run:
        """Run a deploy to its end, which restarts hosts the first time."""
        with self.start("-y", *words, deploy=deploy) as process:
            out, err = process.communicate(timeout=AT_MOST_S)
        return Run(process.returncode, out + err, platform_site.json_of(out))

    def _stack(self, host: LabHost, chip: str) -> str:
        """Put the vendor's files on a host, and return what is pinned of them."""
        vendor = _disk(host, VENDOR)
        vendor.mkdir(parents=True, exist_ok=True)
        server = mindie.service(self.folder / "service", CANARY / "questions.json")
        hdk = build.hdk(vendor, chip, driver=_HDK[0], firmware=_HDK[1])
        made = [*build.cann(vendor, chip), build.mindie(vendor, service=server)]
        made.append(build.atb_models(vendor))
        return STACK.format(
            chip=chip,
            lock=str(self.lock),
            installers=", ".join(map(pinned, made)),
            driver=pinned(hdk.driver),
            firmware=pinned(hdk.firmware),
        )

    def serve(self, wanted: Mapping[str, Sequence[Served]]) -> None:
        """Say what each host serves, by its name, on its chips in their order."""
        instances = {}
        for host in self.hosts:
            rows, first = [], 0
            for number, served in enumerate(wanted[host.name]):
                self._model(host, served)
                devices = tuple(range(first, first + served.on))
                compression = served.quantization if served.compressed else None
                port = 1025 + 10 * number
                rows.append((served.name, served.weights, devices, port, served.dtype, compression))
                first += served.on
            instances[host.name] = rows
        stacks = ", ".join(f"{name!r}: {text}" for name, text in self.stacks.items())
        text = INVENTORY.format(
            connections=connections(self.hosts),
            folder=str(self.folder / "models"),
            models=MODELS,
            vendor=VENDOR,
            wheels=fixtures.WHEELS,
            stacks=f"{{{stacks}}}",
            instances=instances,
        )
        self.inventory.write_text(text)

    def asked(self, host: LabHost, name: str) -> list[dict[str, Any]]:
        """Ask an instance its questions, on its host."""
        said = host.run(f"python3 /opt/metalserve/hostside/ask.py {name}", timeout_s=AT_MOST_S)
        return list(json.loads(said.stdout)) if said.stdout else []

    def _model(self, host: LabHost, served: Served) -> None:
        """Have the canary's files under a real model's ``config.json`` here and on a host."""
        folder = self.folder / "models" / served.weights
        if not folder.exists():
            shutil.copytree(CANARY / "model", folder)
            _shape(folder, served)
            listed = "\n".join(manifest.lines(folder))
            folder.with_suffix(".sha256").write_text(listed)
        shutil.copytree(folder, _disk(host, f"{MODELS}/{served.weights}"), dirs_exist_ok=True)


def _shape(folder: Path, served: Served) -> None:
    config = json.loads((SHAPES / f"{served.model.lower()}.json").read_text())
    config["text_config"]["dtype"] = served.dtype
    kind = "w8a8s" if served.compressed else served.quantization
    if kind:
        config["quantize"] = kind
        (folder / f"quant_model_description_{kind}.json").write_text("{}")
        for name in FLOAT:
            if not (folder / name).exists():
                (folder / name).write_text("{}")
    (folder / "config.json").write_text(json.dumps(config))


def _wheels(folder: Path, carried: Path) -> Path:
    """Make a folder of wheels for offline hosts; return the lock of MindIE's Python packages."""
    shutil.copytree(carried, folder)
    lock = mindie.python(folder)
    imported = {"msmodelslim/__init__.py": b'"""A stand-in, which the compressor imports."""\n'}
    made = wheel.pack(folder, "msmodelslim", "8.2.1", imported)
    lock.write_text(lock.read_text() + wheel.pinned(made))
    return lock


def _disk(host: LabHost, path: str) -> Path:
    return Path(host.disk.root) / path.lstrip("/")
