"""A right inventory, small, whose every noun can be made wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.spec import (
    Accelerator,
    Archive,
    Check,
    Engine,
    Folder,
    HostFolder,
    HostSpec,
    Instance,
    Kind,
    Lock,
    OllamaOptions,
    Stack,
    VllmOptions,
    Weights,
    WeightsFile,
)

HASH = "0" * 64
LOCK = f"vllm==0.26.0 \\\n    --hash=sha256:{HASH}\n"


@dataclass(frozen=True)
class Nouns:
    """Makes nouns that are right but for what is given; files lie in ``folder``."""

    folder: Path

    def file(self, name: str, text: str = "") -> Path:
        """Return a file with ``text`` in it."""
        path = self.folder / name
        path.write_text(text)
        return path

    def lock(self, text: str = LOCK) -> Lock:
        """Return a lock."""
        return Lock(file=self.file("lock.txt", text))

    def stack(self, **fields: Any) -> Stack:
        """Return a stack for CUDA."""
        right: dict[str, Any] = {
            "name": "vllm-0.26-cuda",
            "engine": Engine.VLLM,
            "accelerator": Accelerator.CUDA,
            "version": "0.26.0",
            "python": "3.12",
            "command": ("-m", "vllm.entrypoints.openai.api_server"),
            "lock": fields.get("lock") or self.lock(),
            "disk_gib": 7.5,
            "driver": "580.65.06",
        }
        return Stack(**right | fields)

    def weights(self, *extra: str, **fields: Any) -> Weights:
        """Return weights that take text only, with ``extra`` files."""
        right: dict[str, Any] = {
            "name": "qwen3-8b",
            "files": tuple(
                WeightsFile(path=path, size=1, sha256=HASH) for path in ("config.json", *extra)
            ),
            "sources": (Folder(path=self.folder),),
            "checks": (self.check(),),
        }
        return Weights(**right | fields)

    def check(self, **fields: Any) -> Check:
        """Return a question about a sum."""
        return Check(
            **{"name": "sum", "kind": Kind.TEXT, "prompt": "2 + 2 =", "expect": "4"} | fields
        )

    def options(self, **fields: Any) -> VllmOptions:
        """Return options of vLLM."""
        return VllmOptions(**{"max_model_len": 4096} | fields)

    def instance(self, **fields: Any) -> Instance:
        """Return an instance on device 0."""
        right: dict[str, Any] = {
            "name": "chat",
            "stack": fields.get("stack") or self.stack(),
            "weights": fields.get("weights") or self.weights(),
            "options": self.options(),
            "devices": (0,),
            "port": 8000,
        }
        return Instance(**right | fields)

    def ollama_stack(self, *, accelerator: Accelerator = Accelerator.CUDA, **fields: Any) -> Stack:
        """Return a stack of Ollama; ``fields`` are of its archive."""
        right: dict[str, Any] = {
            "file": "ollama-linux-amd64.tgz",
            "size": 7,
            "sha256": HASH,
            "sources": (HostFolder(path="/mnt/vendor"),),
        }
        return Stack(
            name="ollama-0.33",
            engine=Engine.OLLAMA,
            accelerator=accelerator,
            version="0.33.0",
            command=("bin/ollama", "serve"),
            lock=Archive(**right | fields),
            disk_gib=4,
            driver="550.54.14" if accelerator is Accelerator.CUDA else None,
        )

    def store(self, *models: str, **fields: Any) -> Weights:
        """Return a store of Ollama with these models, by the paths of their manifests."""
        paths = models or ("registry.ollama.ai/library/qwen3/8b",)
        files = [WeightsFile(path=f"blobs/sha256-{HASH}", size=5_225_374_720, sha256=HASH)]
        files += [WeightsFile(path=f"manifests/{path}", size=1, sha256=HASH) for path in paths]
        right: dict[str, Any] = {
            "name": "qwen3-8b-q4",
            "files": tuple(files),
            "sources": (HostFolder(path="/mnt/ollama"),),
            "checks": (self.check(),),
        }
        return Weights(**right | fields)

    def ollama(self, **fields: Any) -> Instance:
        """Return an instance of Ollama on device 0."""
        right: dict[str, Any] = {
            "name": "chat",
            "stack": fields.get("stack") or self.ollama_stack(),
            "weights": fields.get("weights") or self.store(),
            "options": OllamaOptions(context_length=8192),
            "devices": (0,),
            "port": 8000,
            "model": "qwen3:8b",
            "api_key": None,
        }
        return Instance(**right | fields)

    def host(self, *instances: Instance, **fields: Any) -> HostSpec:
        """Return a host with CUDA."""
        return HostSpec(**{"accelerator": Accelerator.CUDA, "instances": instances} | fields)

    def chat(self, **fields: Any) -> HostSpec:
        """Return a host with CUDA and one instance."""
        return self.host(self.instance(**fields))
