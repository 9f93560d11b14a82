"""Where the lab keeps things on this machine."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

CACHE = Path("/var/cache/metalserve-lab")
IMAGES = CACHE / "images"
UV_CACHE = CACHE / "uv"

STATE = Path("/var/lib/metalserve-lab")

# Where every host sees the shared uv cache.
HOST_UV_CACHE = "/opt/metalserve/cache/uv"
