"""
Files over HTTP, a range at a time: from a hub, its mirror, or any server's folder.

A range has at most ``CHUNK`` bytes, so that however a job ends, no more than that of a file is sent
twice. What was redirected elsewhere, as hubs do to their stores, goes without the token.
"""

from __future__ import annotations

import email.utils
import http.client
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Iterator, Tuple

import pace
import patience
import sources

CHUNK = 64 * 1024 * 1024
_BLOCK = 256 * 1024
_SILENT_S = 30.0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """To the stores of a hub, without what only the hub may see."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        # Python 3.8 does not know 308.
        new = super().redirect_request(req, fp, 307 if code == 308 else code, msg, headers, newurl)
        if new is not None and _origin(newurl) != _origin(req.full_url):
            for name in ("Authorization", "Cookie"):
                new.remove_header(name)
        return new

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


class Http:
    """
    The files below one URL, each at its path, or at what it has as ``at``.

    :param headers: what shows who asks
    :param proxy: URL of the proxy that everything goes through
    """

    writes = False

    def __init__(
        self,
        source: Dict[str, str],
        *,
        headers: Dict[str, str],
        proxy: str | None,
        bound: pace.Pace,
        asked: patience.Patience,
    ) -> None:
        self.name, self.url, self.headers = source["name"], source["url"], headers
        self.pace, self.patience = bound, asked
        self.opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {}),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            _Redirects(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            self.opener.add_handler(handler)

    def where(self, file: Any) -> str:
        """Return where a file is, as operators read it."""
        return self.url + str(file.get("at", file["path"]))

    def blocks(self, file: Any, offset: int) -> Iterator[bytes]:
        """
        Yield a file's bytes from ``offset`` to its end, asking again for what does not come.

        :raises MissingError: it is not there, or has another size
        :raises UnusableError: the source refuses, or nothing came for too long
        """
        yield from self.patience.blocks(lambda at: self.asked(file, at), file, offset)

    def asked(self, file: Any, offset: int) -> Iterator[bytes]:
        """Yield the next chunk's bytes, as fast as they may come."""
        try:
            for block in self.range(file, offset):
                self.pace.spend(len(block))
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise patience.AgainError(str(error) or type(error).__name__) from error

    def range(self, file: Any, offset: int) -> Iterator[bytes]:
        """Yield the next chunk's bytes."""
        last = min(offset + CHUNK, file["size"]) - 1
        asked = urllib.request.Request(self.where(file), headers=dict(self.headers))  # noqa: S310
        asked.add_header("Range", "bytes={}-{}".format(offset, last))
        asked.add_header("Accept-Encoding", "identity")
        asked.add_header("User-Agent", "metalserve")
        try:
            answer = self.opener.open(asked, timeout=_SILENT_S)
        except urllib.error.HTTPError as error:
            with error:
                raise self.refused(error, file) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise sources.UnusableError(
                    "its certificate is not right: {}".format(error)
                ) from error
            raise patience.AgainError("cannot be reached ({})".format(error.reason)) from error
        with answer:
            skip, left = self.given(answer, file, offset, last)
            while left:
                block = answer.read1(min(_BLOCK, left))
                if not block:
                    raise patience.AgainError("the connection ended early")
                left -= len(block)
                block, skip = block[skip:], max(0, skip - len(block))
                if block:
                    yield block

    def given(self, answer: Any, file: Any, offset: int, last: int) -> Tuple[int, int]:
        """Return how many bytes come that are there already, and how many come in all."""
        if answer.status == 200:
            # A server without ranges sends the whole file.
            length = answer.headers.get("Content-Length")
            if length is not None:
                sources.other_size(self.where(file), int(length), file)
            return offset, file["size"]
        said = answer.headers.get("Content-Range") or ""
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", said)
        if answer.status != 206 or not found:
            raise patience.AgainError("answers {} with range {!r}".format(answer.status, said))
        sources.other_size(self.where(file), int(found[3]), file)
        if (int(found[1]), int(found[2])) != (offset, last):
            raise patience.AgainError("sends bytes {}, {}-{} were asked".format(said, offset, last))
        return 0, last - offset + 1

    def refused(self, error: urllib.error.HTTPError, file: Any) -> Exception:
        """Return what an answer that is no file means."""
        code, where = error.code, self.where(file)
        if code in (404, 410):
            kind = error.headers.get("X-Error-Code") or ""
            if kind in ("RepoNotFound", "RevisionNotFound"):
                return sources.UnusableError("has no such repository or commit ({})".format(kind))
            return sources.MissingError("{} is not there ({})".format(where, code))
        if code == 416:
            size = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
            return sources.MissingError(
                "{} has {} bytes, the manifest says {}; the source is another revision or "
                "incomplete".format(where, size[1] if size else "fewer", file["size"])
            )
        if _origin(error.url or where) != _origin(where) and code < 429:
            # A signed URL that came too late: the hub signs another.
            return patience.AgainError("its store answers {}".format(code))
        if code in (401, 403):
            return sources.UnusableError(self.forbidden(code))
        if code in (408, 425, 429) or code >= 500:
            return patience.AgainError("answers {}".format(code), _seconds(error.headers))
        return sources.UnusableError("answers {} to {}".format(code, where))

    def forbidden(self, code: int) -> str:
        """Return what is to be done about a token."""
        if not self.headers:
            return "asks for a token ({}): give the source one that may read it".format(code)
        if code == 401:
            return "does not know the token (401): it was revoked, or is another hub's"
        return (
            "does not let the token read it (403): a gated repository's terms have to be "
            "accepted by the token's owner, on its page"
        )


def _origin(url: str) -> Tuple[str, str | None, int | None]:
    found = urllib.parse.urlsplit(url)
    usual = {"http": 80, "https": 443}.get(found.scheme)
    return found.scheme, found.hostname, found.port or usual


def _seconds(headers: Any) -> float:
    """Return what Retry-After says: seconds, or a time, which is one of the server's clock."""
    after, now = headers.get("Retry-After"), headers.get("Date")
    if not after:
        return 0.0
    if after.strip().isdigit():
        return float(after)
    try:
        since = email.utils.parsedate_to_datetime(now).timestamp() if now else time.time()
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - since)
    except (TypeError, ValueError):
        return 0.0
