"""Shell scripts for a host: what does the job, what checks it, what undoes it by whomever done."""

from shlex import quote

from bench.converge.job import ROOT, Job

_END = "END OF A FILE"
_DO = r"""set -eu
umask 022
changed=0
new=$(mktemp)
trap 'rm -f "$new"' EXIT
folder() {
    [ "$(stat -c %F:%a:%U "$2" 2>/dev/null)" = "directory:$1:root" ] && return
    install -d -o root -g root -m "$1" "$2"
    changed=$((changed + 1))
}
file() {
    cat >"$new"
    if cmp -s "$new" "$2" && [ "$(stat -c %a:%U "$2")" = "$1:root" ]; then return; fi
    install -o root -g root -m "$1" "$new" "$2"
    changed=$((changed + 1))
}
link() {
    [ "$(readlink "$2")" = "$1" ] && return
    ln -sfn "$1" "$2"
    changed=$((changed + 1))
}
user() {
    id -u "$1" >/dev/null 2>&1 && return
    useradd --system --shell /usr/sbin/nologin --home-dir /nonexistent --no-create-home "$1"
    changed=$((changed + 1))
}
"""
_CHECK = r"""set -u
wrong=0
said() { [ "$2" = "$3" ] || { echo "$1: $2, $3 is right"; wrong=1; }; }
"""
# Left are what a first run finds: stack, weights, tools and packages.
UNDO = rf"""set -u
systemctl stop 'metalserve-vllm@*' metalserve-recover.service 2>/dev/null
systemctl reset-failed 'metalserve-*' 2>/dev/null
cd /etc/systemd/system
rm -rf metalserve-* bench-* multi-user.target.wants/metalserve-* multi-user.target.wants/bench-*
cd /opt/metalserve && rm -rf hostside hostside-* releases instances {ROOT}
cd /var/lib/metalserve && rm -rf checks secrets history transactions lock.json* jobs/activate-* \
    receipts/prepare.json receipts/stage-*
rm -rf /var/log/metalserve /var/cache/metalserve
for user in $(grep -oE '^(metalserve|bench)-[^:]*' /etc/passwd); do userdel "$user"; done
systemctl daemon-reload
"""


def doing(name: str, job: Job) -> str:
    """Return what does the job and says how much it changed."""
    lines = [_DO, f"user {quote(job.user)}\n"]
    lines += [f"folder {mode} {quote(path)}\n" for path, mode in job.folders.items()]
    lines.append("before=$changed\n")
    for path, file in job.files.items():
        lines.append(f"file {file.mode} {quote(path)} <<'{_END}'\n{file.text}{_END}\n")
    lines.append('[ "$changed" = "$before" ] || systemctl daemon-reload\n')
    lines += [f"link {quote(target)} {quote(path)}\n" for path, target in job.links.items()]
    lines.append(
        f"if ! systemctl is-enabled --quiet {quote(job.unit)}; then\n"
        f"    systemctl enable --quiet {quote(job.unit)}\n"
        "    changed=$((changed + 1))\n"
        "fi\n"
        f"systemctl is-enabled --quiet {quote(job.unit)}\n"
        f'echo "{name} changed=$changed"\n'
    )
    return "".join(lines)


def checking(*jobs: Job) -> str:
    """Return what says all that is not as it should be, and ends with 1 if there is such."""
    lines = [_CHECK]
    for job in jobs:
        for path, mode in job.folders.items():
            lines.append(_said(f"stat -c %F:%a:%U {quote(path)}", f"directory:{mode}:root"))
        for path, file in job.files.items():
            lines.append(_said(f"stat -c %F:%a:%U {quote(path)}", f"regular file:{file.mode}:root"))
            lines.append(_said(f"sha256sum <{quote(path)}", f"{file.digest}  -"))
        for path, target in job.links.items():
            lines.append(_said(f"readlink {quote(path)}", target))
        lines.append(_said(f"getent passwd {quote(job.user)} | cut -d: -f7", "/usr/sbin/nologin"))
        lines.append(_said(f"systemctl is-enabled {quote(job.unit)}", "enabled"))
    return "".join([*lines, 'exit "$wrong"\n'])


def _said(command: str, right: str) -> str:
    return f'said {quote(command)} "$({command} 2>&1)" {quote(right)}\n'
