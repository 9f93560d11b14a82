#!/bin/sh
# Install, stage, start and ask the canary on this machine's GPU: serve.sh PLANS OUT, as root. See README.md.
#
# What systemd would do is done by hand, as far as the machine lets: the instance's user without any capability or way to
# gain one, and a file system that is read-only but for /tmp and the cache folder.
set -u
plans=$(realpath "$1") out=$2
opt=/opt/metalserve state=/var/lib/metalserve cache=/var/cache/metalserve/canary
mkdir -p "$out" $opt/instances/canary $state/jobs /var/log/metalserve
rm -rf $opt/hostside && cp -r "$plans/hostside" $opt/hostside
told() { python3 -c "import json, sys; print(json.load(open('$plans/about.json'))['$1'])"; }
job() {
    mkdir -p $state/jobs/$1 && cp "$plans/$1.json" $state/jobs/$1/plan.json
    began=$(date +%s%N)
    python3 $opt/hostside/$1.py $state/jobs/$1
    echo "$1: $((($(date +%s%N) - began) / 1000000)) ms"
    python3 -c "import json, sys; sys.exit(not json.load(open('$state/jobs/$1/result.json'))['ok'])" || exit 1
}

if ! python3 -c 'import ensurepip' 2>/dev/null; then
    echo "no ensurepip here: uv is unpacked from its wheel instead of installed by pip"
    mkdir -p "$(told uv)/bin" && python3 - "$(told uv)" <<'PYTHON'
import glob, json, os, sys, zipfile
(wheel,) = glob.glob("/srv/wheels/uv-*.whl")
with zipfile.ZipFile(wheel) as packed:
    (name,) = [name for name in packed.namelist() if name.endswith("scripts/uv")]
    with open(sys.argv[1] + "/bin/uv", "wb") as file:
        file.write(packed.read(name))
os.chmod(sys.argv[1] + "/bin/uv", 0o755)
json.dump({}, open(sys.argv[1] + "/complete.json", "w"))
PYTHON
fi
job install
# What was not carried is this machine's own: behind the packages of the lock, never before them.
python3 -c 'import torch, os; print(os.path.dirname(os.path.dirname(torch.__file__)))' \
    >"$(echo "$(told stack)"/venv/lib/python3*/site-packages)/machine.pth"
ln -sfn "$(cd "$(dirname "$0")/../.." && pwd)/canary/model" /srv/canary
job fetch
python3 $opt/hostside/stage.py <"$plans/stage.json" || exit 1
ln -sfn "$(told release)" $opt/instances/canary/current
ln -sfn "$(told secrets)" $opt/instances/canary/secrets
id metalserve-canary >/dev/null 2>&1 || useradd --system --shell /usr/sbin/nologin metalserve-canary
mkdir -p $cache /run/metalserve-credentials && chown metalserve-canary $cache
cp "$(told secrets)/api-key" /run/metalserve-credentials/api-key
chown -R metalserve-canary /run/metalserve-credentials && chmod -R go= /run/metalserve-credentials

serve() {
    # $1 names the run; the rest is put before the start script.
    name=$1
    shift
    cd $opt/instances/canary/current || exit 1
    began=$(date +%s%N)
    env -i PATH="$PATH" CACHE_DIRECTORY=$cache CREDENTIALS_DIRECTORY=/run/metalserve-credentials \
        sh -c 'set -a; . ./environment; set +a; exec "$@"' sh "$@" ./start >"$out/$name.log" 2>&1 &
    pid=$!
    MAINPID=$pid python3 $opt/hostside/ready.py canary
    ready=$?
    echo "$name: ready after $((($(date +%s%N) - began) / 1000000)) ms, exit code $ready"
    if [ $ready = 0 ]; then
        python3 $opt/hostside/ask.py canary >"$out/$name.json"
        echo "$name: asked, exit code $?"
        python3 - "$out/$name.json" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
for kind in dict.fromkeys(answer["kind"] for answer in report):
    found = [answer for answer in report if answer["kind"] == kind]
    right = sum(answer["passed"] for answer in found)
    times = sorted(answer["latency_s"] for answer in found)
    print(kind, right, "of", len(found), "right; first", found[0]["latency_s"], "s, median", times[len(times) // 2], "s")
PYTHON
        python3 $opt/hostside/metrics.py canary | tee "$out/$name.metrics.json"
        nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv,noheader
        ps -o user,pid,args -u metalserve-canary | cut -c1-150
        grep -E 'CapEff|NoNewPrivs|Uid' /proc/$pid/status
    else
        tail -40 "$out/$name.log"
        python3 $opt/hostside/failures.py --engine "$(told engine)" "$out/$name.log"
    fi
    kill $pid 2>/dev/null
    wait $pid
    echo "$name: ended with $?"
    sleep 2
    nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv,noheader
}

sandboxed="unshare --mount --propagation private sh -c '
    mount --bind / / && mount --bind $cache $cache && mount -t tmpfs tmpfs /tmp &&
    mount -o remount,bind,ro / &&
    exec setpriv --reuid metalserve-canary --regid metalserve-canary --clear-groups --no-new-privs \
        --bounding-set=-all --inh-caps=-all \"\$@\"' sh"
eval "serve sandboxed $sandboxed"
if [ $ready = 0 ]; then
    # Once more: what was compiled is there now.
    eval "serve again $sandboxed"
else
    eval "serve plain"
fi
