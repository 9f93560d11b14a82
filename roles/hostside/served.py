"""A running server, asked as its clients ask it."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from typing import Any, Dict, List, Tuple

import durable
import media
import places

# A server may send anything: nothing, half of it, JSON of another shape.
NO_ANSWER = (
    OSError,
    http.client.HTTPException,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class Server:
    """
    One server with the OpenAI API. ``key`` is empty when it is open.

    :param reader: the user that it runs as, where it has to read what is too long to be sent
    :param secure: by what it is asked over HTTPS; plain HTTP without
    """

    def __init__(
        self,
        address: str,
        port: int,
        model: str,
        key: str,
        reader: str | None = None,
        secure: ssl.SSLContext | None = None,
    ) -> None:
        self.address, self.port, self.model, self.key = address, port, model, key
        self.reader, self.secure = reader, secure

    def request(self, method: str, path: str, body: Any, within_s: float) -> Any:
        """Send a request and return the response, unread."""
        connection = self.connection(within_s)
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = "Bearer " + self.key
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        if connection.sock:
            # One request a connection: it ends when the response is read or given up.
            connection.sock.close()
        return response

    def connection(self, within_s: float) -> http.client.HTTPConnection:
        """Return a connection to it, not yet made."""
        if self.secure is None:
            return http.client.HTTPConnection(self.address, self.port, timeout=within_s)
        return http.client.HTTPSConnection(
            self.address, self.port, timeout=within_s, context=self.secure
        )

    def complete(self, content: Any, max_tokens: int, within_s: float) -> Tuple[int, str]:
        """Return the status and the answer, or the body of a refusal."""
        with media.sent(content, self.reader) as sent:
            body = self.body(sent, max_tokens)
            response = self.request("POST", "/v1/chat/completions", body, within_s)
            text = response.read().decode("utf-8", "replace")
        if response.status != 200:
            return response.status, text[:500]
        return 200, json.loads(text)["choices"][0]["message"]["content"] or ""

    def generate(
        self, content: List[Dict[str, Any]], max_tokens: int, within_s: float
    ) -> Tuple[int, str]:
        """Return the same by ``/generate``, as MindIE has it of vLLM; it says the text again."""
        with media.sent(content, self.reader) as sent:
            body = {
                "model": self.model,
                "prompt": [_flat(part) for part in sent],
                "max_tokens": max_tokens,
                "temperature": 0,
                "stream": False,
            }
            response = self.request("POST", "/generate", body, within_s)
            text = response.read().decode("utf-8", "replace")
        if response.status != 200:
            return response.status, text[:500]
        said, asked = json.loads(text)["text"][0], content[-1]["text"] + " "
        return 200, said[len(asked) :] if said.startswith(asked) else said

    def stream(self, content: Any, max_tokens: int, within_s: float) -> Tuple[int, str, float]:
        """Return the status, the answer put together, and when its first piece came."""
        deadline = time.monotonic() + within_s
        body = dict(self.body(content, max_tokens), stream=True)
        response = self.request("POST", "/v1/chat/completions", body, within_s)
        if response.status != 200:
            return response.status, response.read().decode("utf-8", "replace")[:500], 0.0
        said, first_at, ended = "", 0.0, False
        for raw in response:
            if time.monotonic() > deadline:
                raise TimeoutError("the answer was still being streamed")
            line = raw.decode("utf-8", "replace").strip()
            sent = line[len("data:") :].strip() if line.startswith("data:") else ""
            if sent == "[DONE]":
                ended = True
            if ended or not sent:
                continue
            chunk = json.loads(sent)
            if "error" in chunk:
                raise ValueError("the stream ended in an error: {}".format(sent[:500]))
            choices = chunk.get("choices") or [{}]
            piece = (choices[0].get("delta") or {}).get("content")
            if piece:
                first_at = first_at or time.monotonic()
                said += piece
        if not ended:
            raise ValueError("the stream broke off after {!r}".format(said))
        return 200, said, first_at

    def body(self, content: Any, max_tokens: int) -> Dict[str, Any]:
        """Return a request that is answered the same every time."""
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": max_tokens,
            "temperature": 0,
        }


def of(instance: str, release: str, plane: str = "") -> Server:
    """
    Return the server of an instance as a release of it is configured.

    :param plane: what it may have an address and a port of their own for: management, metrics
    :raises OSError: what it is asked by cannot be read
    """
    about = durable.read_json("{}/{}/release.json".format(places.releases(instance), release))
    there = about.get("planes", {}).get(plane, about)
    reader = places.user(instance) if about.get("engine") == "mindie" else None
    secure = _secure(about["https"]) if "https" in about else None
    key = _key(places.instance(instance) + "/secrets")
    return Server(there["address"], there["port"], about["model"], key, reader, secure)


def _key(secrets: str) -> str:
    try:
        with open(secrets + "/api-key") as file:
            return file.read().strip()
    except PermissionError:
        # A process of the server's own unit has it from systemd, as the server has.
        if "CREDENTIALS_DIRECTORY" not in os.environ:
            raise
    with open(os.environ["CREDENTIALS_DIRECTORY"] + "/api-key") as file:
        return file.read().strip()


def _secure(files: Dict[str, str]) -> ssl.SSLContext:
    """Return how a server is asked that wants to see a certificate; its own is of any name."""
    try:
        found = ssl.create_default_context(cafile=files["ca"])
        found.check_hostname = False
        found.load_cert_chain(files["certificate"], files["key"])
    except OSError as error:
        raise OSError(
            "{ca}, {certificate} and {key} are not what MindIE can be asked by ({0}); they should "
            "be an authority, a certificate and its key in PEM".format(error, **files)
        ) from error
    return found


def _flat(part: Dict[str, Any]) -> Dict[str, Any]:
    """Return a part of a question in the spelling of MindIE's own examples."""
    kind = part["type"]
    return part if kind == "text" else {"type": kind, kind: part[kind]["url"]}
