"""A tool's row has the medians of its turns, and its ratio to curl is of a turn."""

from typing import Any, cast

from bench.spent import Spent
from bench.weights.fetch import Brought, Client, Curl, Ours, row
from bench.weights.site import shards


def brought(wall_s: float, job_s: float | None = None) -> Brought:
    """Return what came of bringing a model once."""
    return Brought(Spent(wall_s, wall_s / 2, 10.4, wall_s / 4, 20.6, "said"), job_s)


def tool(kind: type[Any]) -> Any:
    """Return a tool that is never run."""
    return object.__new__(kind)


def test_row_of_several_turns() -> None:
    turns = [
        {("curl", "first"): brought(10), ("metalserve", "first"): brought(12, 9.96)},
        {("curl", "first"): brought(20), ("metalserve", "first"): brought(22, 20.04)},
        {("curl", "first"): brought(10), ("metalserve", "first"): brought(13, 11)},
    ]
    found = row(tool(Ours), "first", turns)
    assert found == {
        "part": "fetch",
        "tool": "metalserve",
        "run": "first",
        "hosts": 1,
        "wall_s": 13,
        "ratio": 1.2,
        "job_s": 11,
        "cpu_s": 6.5,
        "peak_mib": 10,
        "host_cpu_s": 3.2,
        "host_peak_mib": 21,
        "verified": "sha256",
        "walls_s": [12, 22, 13],
        "jobs_s": [10.0, 20.0, 11],
    }


def test_row_of_no_change() -> None:
    turns = [{("curl", "first"): brought(10), ("huggingface_hub", "no-change"): brought(1)}]
    found = row(tool(Client), "no-change", turns)
    # Nothing was brought that could be verified, and there is no job.
    assert (found["ratio"], found["verified"], found["job_s"]) == (0.1, None, None)


def test_what_curl_is_told() -> None:
    curl = cast(Curl, tool(Curl))
    curl.hub = cast(Any, type("Hub", (), {"url": "http://10.87.1.1:9"}))
    curl.commit = "c0ffee"
    words = curl.command.split()
    assert words[:4] == ["curl", "-sfL", "--parallel", "--parallel-max"]
    below = "http://10.87.1.1:9/acme/large/resolve/c0ffee"
    assert [word for word in words if word.startswith("http")] == [
        f"{below}/{name}" for name in shards()
    ]


def test_shards() -> None:
    assert shards()[3] == "model-00004-of-00004.safetensors"
    assert shards(3) == ["model-00003-of-00004.safetensors"]
