"""
A package index on loopback: the simple API as PEP 503 (HTML) and PEP 691 (JSON) have it, over the
wheels of one folder; and wheels that are whole, of any name and platform.
"""

import hashlib
import json
import re
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_JSON = "application/vnd.pypi.simple.v1+json"


def wheel(
    folder: Path,
    package: str,
    version: str,
    tag: str,
    content: bytes = b"",
    needs: tuple[str, ...] = (),
) -> Path:
    """Make a wheel of one module, which may need other packages."""
    name = package.replace("-", "_")
    about = f"{name}-{version}.dist-info"
    made = folder / f"{name}-{version}-{tag}.whl"
    said = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    said += "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}.py": content,
        f"{about}/METADATA": said.encode(),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{about}/RECORD", "".join(f"{path},,\n" for path in files))
    return made


def sha256(file: Path) -> str:
    """Return the hash of a wheel."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Index:
    """
    The index, from ``with`` on.

    :param sized: whether it tells sizes, which is what HTML cannot
    """

    def __init__(self, folder: Path, *, sized: bool = True) -> None:
        self.folder, self.sized = folder, sized
        self.sent: Counter[str] = Counter()
        self._days: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/simple"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(
        self, package: str, version: str, *needs: str, day: str, tag: str = "py3-none-any"
    ) -> None:
        """Add a wheel, uploaded at noon of a day."""
        self._days[wheel(self.folder, package, version, tag, needs=needs).name] = day

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Return kind and content of what is at a path."""
        parts = path.strip("/").split("/")
        if parts[0] == "files" and (self.folder / parts[-1]).is_file():
            return "application/octet-stream", (self.folder / parts[-1]).read_bytes()
        files = [file for file in sorted(self.folder.glob("*.whl")) if _package(file) == parts[-1]]
        if parts[0] != "simple" or not files:
            return None
        if self.sized:
            return _JSON, self._json(parts[-1], files)
        links = (f'<a href="/files/{f.name}#sha256={sha256(f)}">{f.name}</a>' for f in files)
        return "text/html", f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()

    def _json(self, name: str, files: list[Path]) -> bytes:
        listed = [
            {
                "filename": file.name,
                "url": f"{self.origin}/files/{file.name}",
                "size": file.stat().st_size,
                "hashes": {"sha256": sha256(file)},
                **self._uploaded(file),
            }
            for file in files
        ]
        told = {"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": listed}
        return json.dumps(told).encode()

    def _uploaded(self, file: Path) -> dict[str, str]:
        day = self._days.get(file.name)
        return {"upload-time": f"{day}T12:00:00Z"} if day else {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                found = index.answer(self.path)
                if found is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", found[0])
                self.send_header("Content-Length", str(len(found[1])))
                self.end_headers()
                if self.command == "GET":
                    index.sent[Path(self.path).name] += len(found[1])
                    self.wfile.write(found[1])

            do_GET = do_HEAD = _do  # noqa: N815

            def log_message(self, format: str, *words: Any) -> None:  # noqa: A002
                """Say nothing."""

        return Handler


def _package(file: Path) -> str:
    return re.sub(r"[-_.]+", "-", file.name.split("-")[0]).lower()
