"""``torchrun``: as many processes of a module, each with its rank; one that fails ends all."""

import argparse
import os
import subprocess
import sys
import time


def main() -> int:
    """Return 1 when a process failed."""
    parser = argparse.ArgumentParser(prog="torchrun", allow_abbrev=False)
    parser.add_argument("--nproc_per_node", "--nproc-per-node", type=int, default=1)
    parser.add_argument("--master_port", "--master-port", type=int, default=29500)
    parser.add_argument("-m", "--module", action="store_true")
    parser.add_argument("training_script")
    parser.add_argument("training_script_args", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    words = [sys.executable, "-u", *(["-m"] if asked.module else []), asked.training_script]
    shared = {"WORLD_SIZE": str(asked.nproc_per_node), "MASTER_ADDR": "127.0.0.1"}
    going = [
        subprocess.Popen(
            [*words, *asked.training_script_args],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(asked.nproc_per_node)
    ]
    while any(process.poll() is None for process in going):
        if any(process.poll() for process in going):
            for process in going:
                process.terminate()
        time.sleep(0.02)
    if any(process.returncode for process in going):
        print("torch.distributed.elastic.multiprocessing.errors.ChildFailedError:", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
