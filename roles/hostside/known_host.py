"""Known failures of the host: ports, disks, rights, limits, and devices that fail."""

from __future__ import annotations

from known import HINT, PYTHON, Known

# NVIDIA's catalogue: a reset or restart is due at once, or the device goes on
# (roles/preflight/tables/xids.yaml).
_FATAL = (46, 48, 62, 64, 79, 95, 109, 110, 119, 120, 136, 140, 143, 155, 156, 158)
_NOTED = (63, 74, 92, 94)

ROWS = (
    Known(
        says=tuple("NVRM: Xid (…): {},".format(xid) for xid in _FATAL),
        cause="a GPU failed",
        remedy="drain the host and reset the GPU or reboot; deploy/preflight.py tells which one "
        "and judges it afterwards",
        source="NVIDIA's catalogue of Xids, kernel log",
    ),
    Known(
        says=(
            "address already in use",
            "Errno 98",
            "Socket bind failed",
            "listen port is occupied",
        ),
        cause="another process has the port",
        remedy="find it with ss -ltnp, stop it or choose another port",
        source="vllm#7514, vllm#9737, vllm#43206; MindIE source",
    ),
    Known(
        says=("has ended what it started with this host", "has said nothing for … the server ends"),
        cause="another host that serves the instance with this one ended, or fell silent",
        remedy="look there: journalctl -u metalserve-vllm@INSTANCE; the hosts begin again together",
        source="our own rank.py",
        engines=("vllm",),
    ),
    Known(
        says=("No space left on device", "Errno 28"),
        cause="a disk is full",
        remedy="free space on the disk that the lines before name (df -h /var/cache /tmp /opt)",
        source="measured",
    ),
    Known(
        says=("Read-only file system", "Permission denied"),
        cause="the server wrote where its unit does not let it",
        remedy="point the variable that names that folder below /var/cache/metalserve/INSTANCE",
        source="measured",
        weight=HINT,
    ),
    Known(
        says=("Found ulimit of …failed to automatically increase", "Too many open files"),
        cause="the server may not open as many files as it wants",
        remedy="look what lowers LimitNOFILE, which our units set to 1048576: systemctl cat UNIT",
        source="vLLM source",
        engines=PYTHON,
        weight=HINT,
    ),
    Known(
        says=tuple("NVRM: Xid (…): {},".format(xid) for xid in _NOTED),
        cause="a GPU complained",
        remedy="deploy/preflight.py tells what it makes of it",
        source="NVIDIA's catalogue of Xids, kernel log",
        weight=HINT,
    ),
)
