"""What each host of the bench should be, as pyinfra reads it; the bench says in a file which."""

import json
from pathlib import Path
from typing import Any

from bench import standin
from inventories.weights import canary
from roles.spec import (
    Accelerator,
    HostSpec,
    Instance,
    Packages,
    Secret,
    VllmOptions,
    inventory,
)

INSTANCE, PORT, KEY = "chat", 8000, "BENCH_SERVER_KEY"
WHEELS = "/srv/wheels"


def hosts(file: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the hosts that a file tells of, each with how it is reached."""
    told = json.loads(file.read_text())
    # One spec for all, as an inventory's loop has it.
    (listed,) = inventory(dict.fromkeys(told["connections"], spec(Path(told["lock"]))))
    return [(name, {**known, **told["connections"][name]}) for name, known in listed]


def spec(lock: Path) -> HostSpec:
    """Return what each host should be: one instance of the stand-in."""
    instance = Instance(
        name=INSTANCE,
        stack=standin.stack(lock),
        weights=canary.WEIGHTS,
        port=PORT,
        model="canary",
        api_key=Secret(env=KEY),
        options=VllmOptions(
            dtype="float32",
            max_model_len=1024,
            max_num_seqs=4,
            images=1,
            videos=1,
            kv_cache_gib=1,
            enforce_eager=True,
        ),
    )
    return HostSpec(
        accelerator=Accelerator.CPU,
        instances=(instance,),
        packages=Packages(folder=WHEELS),
    )
