"""A package index on loopback: tiny wheels, and when each was uploaded."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_JSON = "application/vnd.pypi.simple.v1+json"


class Index:
    """What it has; ``put`` gives it more."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self._about: dict[str, bytes] = {}
        self._listed: dict[str, list[dict[str, object]]] = {}

    def put(
        self, name: str, version: str, *needs: str, day: str, tag: str = "py3-none-any"
    ) -> None:
        """Add a wheel, uploaded at noon of a day."""
        file = f"{name}-{version}-{tag}.whl"
        content = _wheel(name, version, needs, tag)
        self.files[file] = content
        self._about[file] = _metadata(name, version, needs).encode()
        row = {
            "filename": file,
            "url": f"/files/{file}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "upload-time": f"{day}T12:00:00Z",
            "core-metadata": True,
        }
        self._listed.setdefault(name, []).append(row)

    def sha256(self, file: str) -> str:
        """Return the digest of a wheel."""
        return hashlib.sha256(self.files[file]).hexdigest()

    def page(self, path: str) -> tuple[str, bytes] | None:
        """Return what lies at a path, and its kind."""
        kind, _, name = path.strip("/").partition("/")
        if kind == "files" and name.removesuffix(".metadata") in self._about:
            return "text/plain", self._about[name.removesuffix(".metadata")]
        if kind == "simple" and name in self._listed:
            found = {"meta": {"api-version": "1.1"}, "name": name, "files": self._listed[name]}
            return _JSON, json.dumps(found).encode()
        return None


@contextmanager
def served() -> Iterator[Index]:
    """Serve an empty index."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = index.page(self.path)
            self.send_response(200 if page else 404)
            kind, content = page or ("text/plain", b"no such page")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()


def _metadata(name: str, version: str, needs: tuple[str, ...]) -> str:
    wanted = "".join(f"Requires-Dist: {need}\n" for need in needs)
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wanted}"


def _wheel(name: str, version: str, needs: tuple[str, ...], tag: str) -> bytes:
    about = f"{name}-{version}.dist-info"
    files = {
        f"{about}/METADATA": _metadata(name, version, needs),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{about}/RECORD": "",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for file, text in files.items():
            opened.writestr(file, text)
    return content.getvalue()
