"""A site on a lab host with NPUs that serves with MindIE: its stand-in, and what it serves."""

import json
import shutil
import struct
from pathlib import Path
from random import Random
from typing import Any

from roles.lab import LabHost, places
from roles.weights import manifest
from tests.lab import ascend_site
from tests.lab.ascend_site import OLD, VENDOR
from tests.lab.platform_site import Site as PlatformSite
from tests.standins.ascend import build as ascend
from tests.standins.mindie import build

WHEELS, HOME = "/srv/mindie-wheels", "/usr/local/Ascend/mindie"
UNIT = "metalserve-mindie@{}.service"
# Which CANN each comes over.
CANN = {"2.3.0": "8.5.0", "3.0.0": "8.5.1"}
_STACK = """Stack(
    name="mindie-{version}", engine="mindie", accelerator="ascend", version="{version}",
    python="3.11", command=("mindieservice_daemon",), disk_gib=0.1,
    lock=Lock(file=Path({lock!r})), installers=({installers}),
)"""
# Devices and ports of each instance are its own; what it serves, and by which MindIE, is said.
_INSTANCE = """Instance(
    name="{name}", stack={stack}, weights={weights}, model="{name}", api_key=None,
    devices=({first}, {second}), port={port}, ready_within_s=300, drain_within_s=10,
    options=MindieOptions(world_size=2, max_prefill_batch_size=2, npu_mem_size=1,
                          images={media}, videos={media}, {options}),
    {checks}
)"""
_PLACES = {"chat": (0, 1, 8000), "talk": (2, 3, 8010)}
_TEXT = """Weights(
    name="qwen2", files=manifest(Path({manifest!r})), sources=(Folder(path=Path({folder!r})),),
    checks=(Check(name="sum", kind="text", prompt="What is 2 + 2?", expect="4"),),
)"""
_LARGE = """checks=(*canary.WEIGHTS.checks, Check(
        name="large", kind="image", prompt="What is on the large one?", expect="noise",
        match="exact", file=Path({file!r}),
    )),"""


class Site(PlatformSite):
    """A host with two cards of two chips, what it serves, and who sees to it."""

    def prepare_files(self, wheels: Path) -> None:
        """Make the packages, models and questions that a test needs; ``wheels`` has the tools'."""
        self.questions = self._questions()
        carried = self.folder / "wheels"
        build.python(carried)
        for tool in wheels.glob("uv-*.whl"):
            shutil.copy(tool, carried)
        shutil.copytree(carried, self.on_disk(WHEELS))
        self._model()

    def serves(self, **instances: dict[str, str]) -> None:
        """Say what each instance is: its ``version``, ``model`` (text or canary), ``options``."""
        wanted = [self._instance(name, **fields) for name, fields in instances.items()]
        driver, firmware = ascend.hdk(self.vendor, driver=OLD[0], firmware=OLD[1])
        hdk = ", ".join(
            f"{part}={ascend_site.pinned(file)}"
            for part, file in (("driver", driver), ("firmware", firmware))
        )
        self.want(
            f"AscendHdk({hdk})",
            may_reboot=True,
            installers=f'HostFolder(path="{VENDOR}")',
            packages=f"Packages(folder={WHEELS!r})",
            instances=f"({', '.join(wanted)},)",
        )

    def _instance(
        self, name: str, version: str = "3.0.0", model: str = "canary", options: str = ""
    ) -> str:
        text = _TEXT.format(manifest=str(self.folder / "qwen2.sha256"), folder=str(self.model))
        first, second, port = _PLACES[name]
        large = _LARGE.format(file=str(self.questions.with_suffix("") / "large.png"))
        return _INSTANCE.format(
            name=name,
            stack=self.stack(version),
            weights="canary.WEIGHTS" if model == "canary" else text,
            first=first,
            second=second,
            port=port,
            media=int(model == "canary"),
            options=options,
            checks=large if model == "canary" else "",
        )

    def stack(self, version: str) -> str:
        """Return a stack of MindIE as an inventory writes it, its files in the vendor's folder."""
        service = self.folder / f"service-{version}"
        if not service.exists():
            build.service(service, self.questions, version)
        made = [
            *ascend.cann(self.vendor, version=CANN[version]),
            ascend.mindie(self.vendor, version, service=service),
            ascend.atb_models(self.vendor, version, questions=self.questions),
        ]
        return _STACK.format(
            version=version,
            lock=str(self.folder / "wheels/lock.txt"),
            installers=", ".join(map(ascend_site.pinned, made)),
        )

    def _questions(self) -> Path:
        """The canary's questions, and one about an image that is too large to be sent."""
        asked = json.loads((places.REPOSITORY / "canary/questions.json").read_text())
        file = self.folder / "questions.json"
        folder = file.with_suffix("")
        shutil.copytree(places.REPOSITORY / "canary/questions", folder)
        noise = Random(1).randbytes(4_000_000)  # noqa: S311
        (folder / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + noise)
        large = {"name": "large", "kind": "image", "prompt": "What is on the large one?"}
        asked.append({**large, "expect": "noise", "file": "large.png"})
        file.write_text(json.dumps(asked))
        return file

    def _model(self) -> None:
        """A model of text that MindIE served before it had Qwen3-VL."""
        self.model = self.folder / "qwen2"
        self.model.mkdir()
        config = {
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float16",
            "num_attention_heads": 8, "hidden_size": 128, "num_hidden_layers": 2,
            "num_key_value_heads": 2, "max_position_embeddings": 4096, "vocab_size": 320,
        }  # fmt: skip
        (self.model / "config.json").write_text(json.dumps(config))
        tensor = {"dtype": "F16", "shape": [500], "data_offsets": [0, 1000]}
        header = json.dumps({"w": tensor}).encode()
        shard = struct.pack("<Q", len(header)) + header + bytes(1000)
        (self.model / "model.safetensors").write_bytes(shard)
        for name in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
            (self.model / name).write_text(json.dumps({"chat_template": "{{ messages }}"}))
        (self.folder / "qwen2.sha256").write_text("\n".join(manifest.lines(self.model)))

    @property
    def vendor(self) -> Path:
        """The folder of the vendor's files, as this machine sees it."""
        folder = self.on_disk(VENDOR)
        folder.mkdir(exist_ok=True)
        return folder

    def on_disk(self, path: str) -> Path:
        """A path of the host as this machine sees it."""
        return Path(self.host.disk.root) / path.lstrip("/")

    def settings(self, version: str) -> Path:
        """The ``config.json`` that a MindIE came with, as this machine sees it."""
        return self.on_disk(f"{HOME}/{version}/mindie-service/conf/config.json")

    def edit(self, version: str, section: str, **keys: Any) -> None:
        """Have somebody edit it by hand."""
        file = self.settings(version)
        content = json.loads(file.read_text())
        content[section].update(keys)
        file.write_text(json.dumps(content, indent=4))

    def served(self, name: str = "chat") -> Any:
        """What the running server's own ``config.json`` holds."""
        found = f"/var/cache/metalserve/{name}/$(basename $(readlink -f {CURRENT.format(name)}))"
        return json.loads(self.host.run(f"cat {found}/work/conf/config.json").stdout)

    def log(self, name: str = "chat") -> str:
        """All that an instance's unit ever said."""
        return self.host.run(f"journalctl --sync; journalctl -o cat -u {UNIT.format(name)}").stdout


CURRENT = "/opt/metalserve/instances/{}/current"


def shared(host: LabHost) -> list[str]:
    """What MindIE has in shared memory, and whose it is."""
    asked = (
        "find /dev/shm \\( -name '*llm_backend_*' -o -name 'llm_tokenizer_*' \\) -printf '%u %f\\n'"
    )
    return sorted(host.run(asked).stdout.split("\n")[:-1])
