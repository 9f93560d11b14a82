"""
The lab: hosts on this machine, made by ``pyinfra @local deploy/lab.py``. The first one serves the
canary with the real engine, the others are prepared and idle.
"""

import json
from pathlib import Path

from inventories.stacks import vllm_0_32_cpu
from inventories.weights import canary
from roles.spec import (
    Accelerator,
    HostSpec,
    Instance,
    Packages,
    Secret,
    SpecError,
    VllmOptions,
    inventory,
)
from roles.spec.base import Fault

_STATE = Path("/var/lib/metalserve-lab/lab")

if not (_STATE / "hosts.json").is_file():
    raise SpecError(
        [
            Fault(
                path="lab",
                wrong="has no hosts",
                right="make them with: pyinfra @local deploy/lab.py",
            )
        ]
    )
_lab = json.loads((_STATE / "hosts.json").read_text())
_packages = Packages(proxy=_lab["proxy"])

_chat = Instance(
    name="chat",
    stack=vllm_0_32_cpu.STACK,
    weights=canary.WEIGHTS,
    port=8000,
    model="canary",
    # Made with the lab's other keys; on a real fleet a secret comes from a vault.
    api_key=Secret(file=_STATE / "api-key"),
    options=VllmOptions(
        dtype="float32",
        max_model_len=1024,
        max_num_seqs=4,
        images=1,
        videos=1,
        kv_cache_gib=1,
        enforce_eager=True,
        # One process less, and no dry run of the largest image: half the time to ready.
        environment={"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        extra=("--distributed-executor-backend", "uni", "--skip-mm-profiling"),
    ),
    ready_within_s=600,
)
_serving = HostSpec(accelerator=Accelerator.CPU, instances=(_chat,), packages=_packages)
_idle = HostSpec(accelerator=Accelerator.CPU, packages=_packages)

(_specs,) = inventory(
    {found["name"]: _idle if number else _serving for number, found in enumerate(_lab["hosts"])}
)
_connections = {
    found["name"]: {
        "ssh_hostname": found["address"],
        "ssh_user": "root",
        "ssh_key": _lab["key"],
        "ssh_known_hosts_file": _lab["known_hosts"],
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
    }
    for found in _lab["hosts"]
}

hosts = [(name, {**spec, **_connections[name]}) for name, spec in _specs]

if __name__ == "__main__":
    # What to try by hand, for the end of the demo.
    _address, _key = _lab["hosts"][0]["address"], _STATE / "api-key"
    print(
        f"""\
The server listens on loopback of {_lab["hosts"][0]["name"]} ({_address}) only. From here:

  ssh -i {_lab["key"]} -o UserKnownHostsFile={_lab["known_hosts"]} \\
    -fNL 8000:127.0.0.1:8000 root@{_address}
  curl -s http://127.0.0.1:8000/v1/chat/completions -H "Authorization: Bearer $(cat {_key})" \\
    -H 'Content-Type: application/json' \\
    -d '{{"model": "canary", "messages": [{{"role": "user", "content": "{canary.PROMPT}"}}]}}'

Stop the lab:             .venv/bin/pyinfra -y @local deploy/lab.py --data lab=down
Remove all that it made:  .venv/bin/pyinfra -y @local deploy/lab.py --data lab=destroy"""
    )
