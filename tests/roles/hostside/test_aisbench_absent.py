"""Libraries that were left out of the lock, as AISBench and what it uses come upon them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HOSTSIDE = Path(__file__).parents[3] / "roles/hostside"
# What was seen to be asked by mmengine, transformers, datasets, scipy and AISBench itself.
ASKED = """\
import json, sys
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader
from func_timeout import FunctionTimedOut, func_timeout
import ais_bench.benchmark.datasets.textvqa
from ais_bench.benchmark.datasets.omnidocbench.omnidocbench import *
class Model(torch.nn.Module): ...
assert not torch.cuda.is_available() and not torch.backends.mps.is_available()
assert list(range(torch.cuda.device_count())) == []
assert not isinstance(1.0, Tensor) and issubclass(Model, object)
assert torch.__version__ == "0" and not hasattr(torch, "__all__")
print(ais_bench.benchmark.datasets.textvqa.REAL)
import no_such_library
"""


def test_what_is_asked_of_them(tmp_path: Path) -> None:
    """What was left out is nothing, what is there is itself, and what nobody knows is missing."""
    shutil.copyfile(HOSTSIDE / "aisbench_absent.py", tmp_path / "sitecustomize.py")
    package = tmp_path / "ais_bench/benchmark/datasets"
    package.mkdir(parents=True)
    (package / "textvqa.py").write_text("REAL = 'the real one'\n")
    # -S would leave out sitecustomize, so the environment's own packages are there too.
    ran = subprocess.run(
        [sys.executable, "-c", ASKED],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert ran.stdout == "the real one\n", ran.stderr
    assert ran.stderr.splitlines()[-1] == ("ModuleNotFoundError: No module named 'no_such_library'")


def test_it_is_harmless_by_its_own_name() -> None:
    import aisbench_absent

    assert not any(isinstance(one, aisbench_absent.LeftOut) for one in sys.meta_path)
