"""
Stand-in of a registry that Docker pulls from: it has one image, asked for by its digest alone.

    python3 registry.py ARCHIVE NAME PORT

It prints the digest of the manifest and serves until it is killed. ``archive.save`` made ARCHIVE.
"""

import hashlib
import json
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
Pages = dict[str, tuple[str, bytes]]


def digest(content: bytes) -> str:
    """Return how a registry calls a content."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def pages(archive: str, name: str) -> tuple[str, Pages]:
    """Return the digest of the manifest, and each page with its kind."""
    with tarfile.open(archive) as opened:

        def read(member: str) -> bytes:
            file = opened.extractfile(member)
            return file.read() if file else b""

        about = json.loads(read("manifest.json"))[0]
        config, layers = read(about["Config"]), [read(name) for name in about["Layers"]]
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": len(config),
            "digest": digest(config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": len(layer),
                "digest": digest(layer),
            }
            for layer in layers
        ],
    }
    text = json.dumps(manifest).encode()
    found: Pages = {"/v2/": ("application/json", b"{}")}
    found[f"/v2/{name}/manifests/{digest(text)}"] = (_MANIFEST, text)
    for blob in (config, *layers):
        found[f"/v2/{name}/blobs/{digest(blob)}"] = ("application/octet-stream", blob)
    return digest(text), found


def main() -> None:
    """See the top of the file."""
    archive, name, port = sys.argv[1:]
    pinned, found = pages(archive, name)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            kind, content = found.get(self.path, ("application/json", b'{"errors": []}'))
            self.send_response(200 if self.path in found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            if "/manifests/" in self.path:
                self.send_header("Docker-Content-Digest", digest(content))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    print(pinned, flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
