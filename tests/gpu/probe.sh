#!/bin/sh
# Probe this machine and judge two plans for it: probe.sh OUT [FOLDER OF PYINFRA]. See README.md.
set -u
out=$1
bin=${2:-.venv/bin}
mkdir -p "$out"
"$bin/python" -c '
from roles.probe.facts import program
from roles.spec import Accelerator
print(program(Accelerator.CUDA), end="")' >"$out/program.py"
asked='{"weights_root": "/srv/metalserve/weights", "accelerator": "cuda"}'
for run in 1 2 3 4 5; do
    began=$(date +%s%N)
    python3 - "$asked" <"$out/program.py" >"$out/probe.json"
    echo "run $run: $((($(date +%s%N) - began) / 1000000)) ms"
done
wc -c "$out/program.py" "$out/probe.json"
for plan in fits too_new; do
    PYINFRA_PROGRESS=off "$bin/pyinfra" -y --data "reasons=$out/$plan.json" \
        "tests/gpu/$plan.py" deploy/preflight.py
    echo "$plan: exit code $?"
done
