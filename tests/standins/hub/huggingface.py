"""Hugging Face's API: one revision's files, in both of its lists, and each of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.standins.hub.answer import Answer
from tests.standins.hub.repository import Repository, blob, large, sha256

if TYPE_CHECKING:
    from tests.standins.hub.hub import Hub

_REPO = r"(?P<repo>[^/]+/[^/]+)"
_INFO = re.compile(rf"/api/models/{_REPO}/revision/(?P<revision>[^/]+)")
# Asked by the client before a download, of programs that may run it; it does without.
_ASIDE = "/api/agent-harnesses"
_TREE = re.compile(rf"/api/models/{_REPO}/tree/(?P<revision>[^/]+)")
_FILE = re.compile(rf"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


def answer(hub: Hub, method: str, path: str, query: dict[str, str], headers: Any) -> Answer | None:
    """Return what is answered, ``None`` to a path that is not of this API."""
    if path == _ASIDE:
        return _error(404, None, "Not found")
    tree = _TREE.fullmatch(path)
    asked = _INFO.fullmatch(path) or tree or _FILE.fullmatch(path)
    if not asked or method not in ("GET", "HEAD"):
        return None
    if asked["repo"] in hub.renamed:
        place = path.replace(asked["repo"], hub.renamed[asked["repo"]], 1)
        return Answer(307, {"Location": place})
    repository = hub.repositories.get(asked["repo"])
    refused = _refused(repository, headers.get("Authorization"))
    if refused or repository is None:
        return refused
    commit = repository.resolve(unquote(asked["revision"]))
    if commit is None:
        return _error(404, "RevisionNotFound", f"Invalid rev id: {asked['revision']}")
    if tree:
        return _tree(hub, repository.commits[commit], query)
    if "path" in asked.groupdict():
        return _file(hub, repository, commit, unquote(asked["path"]))
    listed = [
        {"rfilename": name, **(_blob(content, name) if query.get("blobs") == "true" else {})}
        for name, content in sorted(repository.commits[commit].items())
    ]
    found = {
        "_id": "0" * 24,
        "id": repository.name,
        "modelId": repository.name,
        "sha": commit,
        "private": bool(repository.tokens),
        "gated": "manual" if repository.gated else False,
        "disabled": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": listed,
    }
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())


def _blob(content: bytes, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"size": len(content), "blobId": blob(content)}
    if large(name):
        # The blob is the pointer's then, and the hash of the file is told.
        found["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 135}
    return found


def _tree(hub: Hub, files: dict[str, bytes], query: dict[str, str]) -> Answer:
    """Answer as ``snapshot_download`` asks: of all folders at once."""
    if query != {"recursive": "true", "expand": "false"}:
        hub.mischief.faults.append(f"tree: {query} was asked")
        return _error(400, None, "Invalid query")
    listed: list[dict[str, Any]] = []
    for name, content in sorted(files.items()):
        one = {"type": "file", "path": name, "size": len(content), "oid": blob(content)}
        pointer = {"oid": sha256(content), "size": len(content), "pointerSize": 135}
        listed.append({**one, **({"lfs": pointer} if large(name) else {})})
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(listed).encode())


def _file(hub: Hub, repository: Repository, commit: str, path: str) -> Answer:
    files = repository.commits[commit]
    if path not in files:
        return _error(404, "EntryNotFound", "Entry not found")
    content = files[path]
    headers = {"X-Repo-Commit": commit}
    if not large(path):
        return Answer(200, {**headers, "ETag": f'"{blob(content)}"'}, content, path)
    linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{sha256(content)}"'}
    return Answer(302, {**headers, **linked, "Location": hub.signed(path, content)})


def _refused(repository: Repository | None, shown: str | None) -> Answer | None:
    known = repository.tokens if repository else ()
    if shown is not None and shown.removeprefix("Bearer ") not in known:
        return _error(401, None, "Invalid credentials in Authorization header")
    if repository is None or (repository.tokens and shown is None):
        # Whoever may not see a repository is told that there is none.
        return _error(401, "RepoNotFound", "Repository not found")
    if repository.gated:
        return _error(403, "GatedRepo", f"Access to model {repository.name} is restricted")
    return None


def _error(status: int, code: str | None, message: str) -> Answer:
    headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
    return Answer(status, headers, json.dumps({"error": message}).encode())
