"""What a gateway's log says of requests: whose each was, which server had it, how it ended."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.fleet.load import Asked

COMMAND = "journalctl --sync; journalctl -u metalserve-gateway -o short-unix --no-pager --since @{}"

# The client's clock and the gateway's are one; what lies between is a line's way to the journal.
_LATE_S = 2.0

_LINE = re.compile(
    r'^(?P<at>\d+\.\d+) .* client=(?P<client>\S+) "(?P<page>[^"]*)" (?P<status>-?\d+) \d+ bytes '
    r"from [^/ ]+/(?P<server>\S+) in \d+ ms \([^)]*\) (?P<end>\S{4}), "
)


@dataclass(frozen=True)
class Line:
    """A request as the gateway saw it; ``at`` is when it was over."""

    at: float
    client: str
    server: str
    status: int
    end: str

    @property
    def host(self) -> str:
        """The host that had it; ``<NOSRV>`` for none."""
        return self.server.partition(":")[0]

    @property
    def answered(self) -> bool:
        """Whether the server answered it whole."""
        return self.status == 200 and self.end == "----"


def lines(said: str) -> Iterator[Line]:
    """Yield the requests of a log; what else HAProxy says is passed over."""
    for line in said.splitlines():
        if found := _LINE.match(line):
            at, status = float(found["at"]), int(found["status"])
            yield Line(at, found["client"], found["server"], status, found["end"])


def line_of(asked: Asked, among: Iterable[Line]) -> Line | None:
    """
    Return what the gateways' logs say of a request, ``None`` when they are silent. HAProxy is of
    one whose server went away before it answered, on a connection that had an answer before: it
    closes that without a word, so that the client may ask again.
    """
    for line in among:
        # A client asks one thing at a time; the line of the next one that is answered is near, too.
        mine = line.client == asked.client and line.answered is asked.whole
        if mine and asked.began <= line.at <= asked.ended + _LATE_S:
            return line
    return None


def lost_with(
    host: str, died: float, failed: Iterable[Asked], among: Sequence[Line]
) -> list[Asked]:
    """
    Return those of the failed requests that were on their way when a host died, and were its own:
    by the log, or by none.
    """
    found = [(one, line_of(one, among)) for one in failed if one.began <= died <= one.ended]
    return [one for one, line in found if not one.whole and (not line or line.host == host)]


def told(asked: Asked, among: Iterable[Line]) -> str:
    """Return what is known of a request that failed."""
    how, line = "streamed" if asked.stream else "plain", line_of(asked, among)
    where = f"{line.host}, {line.status} {line.end}" if line else "no gateway tells of it"
    took = asked.ended - asked.began
    return f"a {how} request failed after {took:.1f} s ({where}): {asked.wrong}"
