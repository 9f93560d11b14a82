"""The stand-in refuses what a hub and its store refuse."""

import hashlib
import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.standins.hub import Hub, Repository

TOKEN = "hf_kX82LmWq04TzRbYv"
SHARD = bytes(range(200))
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with a private repository."""
    repository = Repository("acme/model", tokens=(TOKEN,))
    repository.commit({"config.json": b"{}", "model.safetensors": SHARD})
    with Hub(repository) as hub:
        yield hub


def _ask(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", f"{parts.path}?{parts.query}", headers=named)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), body


def test_store_takes_its_signature_and_nothing_else(hub: Hub) -> None:
    status, headers, _ = _ask(f"{hub.url}/acme/model/resolve/main/model.safetensors", **SHOWN)
    assert status == 302
    place = headers["Location"]
    assert place.startswith(hub.store)
    assert _ask(place)[::2] == (200, SHARD)
    assert _ask(place, Range="bytes=10-19")[::2] == (206, SHARD[10:20])
    assert _ask(place, Range="bytes=200-")[0] == 416
    assert _ask(place, **SHOWN)[0] == 400
    assert hub.mischief.faults == ["Authorization was shown to the store"]
    assert _ask(place.replace("until=", "until=9"))[0] == 403


@pytest.mark.parametrize(
    ("shown", "status"),
    [({}, 401), ({"Authorization": "Bearer hf_another"}, 401), (SHOWN, 200)],
)
def test_token(hub: Hub, shown: dict[str, str], status: int) -> None:
    assert _ask(f"{hub.url}/acme/model/resolve/main/config.json", **shown)[0] == status
    assert _ask(f"{hub.url}/api/models/acme/model/revision/main", **shown)[0] == status


def test_list_of_all_folders(hub: Hub) -> None:
    """As the client's ``snapshot_download`` asks for it, and in no other way."""
    tree = f"{hub.url}/api/models/acme/model/tree/main"
    status, _, body = _ask(f"{tree}?recursive=true&expand=false", **SHOWN)
    assert status == 200
    small, shard = json.loads(body)
    assert (small["path"], small["size"], "lfs" in small) == ("config.json", 2, False)
    assert shard["lfs"]["oid"] == hashlib.sha256(SHARD).hexdigest()
    assert _ask(f"{tree}?recursive=true&expand=false")[0] == 401
    assert hub.mischief.faults == []
    assert _ask(f"{tree}?expand=true", **SHOWN)[0] == 400
    assert hub.mischief.faults == ["tree: {'expand': 'true'} was asked"]


def test_cookie_is_modelscopes(hub: Hub) -> None:
    listed = f"{hub.url}/api/v1/models/acme/model/repo/files?Revision=main&Recursive=True"
    assert _ask(listed)[0] == 404
    assert _ask(listed, Cookie=f"m_session_id={TOKEN}")[0] == 200


def test_path_that_no_hub_has(hub: Hub) -> None:
    assert _ask(f"{hub.url}/models/acme")[0] == 404
    assert hub.mischief.faults == ["GET /models/acme?: there is no such path"]
