"""ModelScope's API: a revision's files, and each of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.standins.hub.answer import Answer
from tests.standins.hub.repository import Repository, large, sha256

if TYPE_CHECKING:
    from tests.standins.hub.hub import Hub

_REPO = r"/api/v1/models/(?P<repo>[^/]+/[^/]+)"
_LIST = re.compile(rf"{_REPO}/repo/files")
_FILE = re.compile(rf"{_REPO}/repo")


def answer(hub: Hub, method: str, path: str, query: dict[str, str], headers: Any) -> Answer | None:
    """Return what is answered, ``None`` to a path that is not of this API."""
    if path == "/api/v1/repos/internalAccelerationInfo":
        # The client asks whether it runs inside the hub's own cloud.
        return _json(200, {"InternalRegionQueryAddress": ""})
    asked = _LIST.fullmatch(path) or _FILE.fullmatch(path)
    if not asked or method not in ("GET", "HEAD") or "Revision" not in query:
        return None
    repository = hub.repositories.get(asked["repo"])
    if repository is None or not _may_read(repository, headers):
        # Not known how the hub tells a private repository from none: here it does not.
        return _json(404, None, code=10010205001, message="the model does not exist")
    commit = repository.resolve(query["Revision"])
    if commit is None:
        return _json(404, None, code=10010205001, message="the revision does not exist")
    files = repository.commits[commit]
    if asked.re is _LIST:
        listed = [_listed(repository, commit, name) for name in sorted(files)]
        folders = {name.rpartition("/")[0] for name in files if "/" in name}
        listed += [{"Path": name, "Name": name, "Type": "tree", "Size": 0} for name in folders]
        # The commit's id is left empty, as in answers that others have kept of the hub.
        last = {"Id": "", "ShortId": commit[:8], "CommittedDate": repository.when(commit)}
        return _json(200, {"Files": listed, "IsVisual": 0, "LatestCommitter": last})
    name = query.get("FilePath", "")
    if name not in files:
        return _json(404, None, code=10010202002, message="the file does not exist")
    content = files[name]
    if large(name):
        return Answer(302, {"Location": hub.signed(name, content)})
    return Answer(200, {"ETag": f'"{sha256(content)}"'}, content, name)


def _listed(repository: Repository, commit: str, name: str) -> dict[str, Any]:
    changed = repository.changed(commit, name)
    content = repository.commits[commit][name]
    return {
        "Path": name,
        "Name": name.rpartition("/")[2],
        "Type": "blob",
        "Size": len(content),
        "Sha256": sha256(content),
        "IsLFS": large(name),
        "Revision": changed,
        "CommittedDate": repository.when(changed),
    }


def _may_read(repository: Repository, headers: Any) -> bool:
    if not repository.tokens:
        return True
    shown = (headers.get("Authorization") or "").removeprefix("Bearer ")
    cookie = re.search(r"m_session_id=([^;]+)", headers.get("Cookie") or "")
    return shown in repository.tokens or bool(cookie and cookie[1] in repository.tokens)


def _json(status: int, data: Any, *, code: int = 200, message: str = "success") -> Answer:
    said = {"Code": code, "Data": data, "Message": message, "Success": code == 200}
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(said).encode())
