"""
One member of a swarm, as libtorrent plays it: by TLS, with the hosts of its plan and nobody else.

No tracker, no distributed table, no discovery: members are told of each other. Each asks for its
own share of the pieces first, so that whoever has all gives each of them once.
"""

from __future__ import annotations

import base64
import os
import tempfile
import time
from typing import Any, Dict, List, NamedTuple

import jobs
import progress
import torrent

_CONNECT_EVERY_S = 2.0
_SETTLE_S = 10.0
_FIRST, _LATER = 7, 1
_BLOCK_ALL = 1

_SETTINGS = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "listen_system_port_fallback": False,
    "max_retry_port_bind": 0,
    # All are ours, and a host that restarts is back at once.
    "unchoke_slots_limit": -1,
    "connections_limit": 1000,
    "min_reconnect_time": 2,
    "peer_connect_timeout": 5,
    "max_failcount": 1000,
    # A short queue: what is not asked for yet may come from another host meanwhile.
    "request_queue_time": 1,
    "max_out_request_queue": 64,
    # Written, not mapped: on a full disk a map would end the process without a word.
    "disk_write_mode": 0,
}

# The group of RFC 7919, 2048 bits. libtorrent wants one, and elliptic curves are used instead.
_GROUP = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


class PeerError(jobs.JobError):
    """This host cannot take part in a swarm."""


class State(NamedTuple):
    """How far it is; ``whole`` are paths of complete files, ``sent`` bytes to others."""

    done: int
    total: int
    checking: bool
    connected: int
    sent: int
    whole: List[str]


class Peer:
    """One member; see the plan of ``swarm.py``."""

    def __init__(self, plan: Any, say: progress.Progress, shown: Dict[str, str]) -> None:
        self.plan, self.shown = plan, shown
        self.damaged: List[str] = []
        self.save, self.asked_at = "", 0.0
        self.lt = torrent.library(plan, say)
        limit = int((plan["limit_mib_s"] or 0) * 1024 * 1024)
        kinds = self.lt.alert.category_t
        settings = dict(
            _SETTINGS,
            listen_interfaces="{address}:{port}s".format(**plan),
            outgoing_interfaces=plan["address"],
            download_rate_limit=limit,
            upload_rate_limit=limit,
            alert_mask=kinds.error_notification | kinds.status_notification,
        )
        self.session = self.lt.session(settings)
        allowed = self.lt.ip_filter()
        allowed.add_rule("0.0.0.0", "255.255.255.255", _BLOCK_ALL)  # noqa: S104
        allowed.add_rule("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", _BLOCK_ALL)
        for address, _ in plan["peers"]:
            allowed.add_rule(address, address, 0)
        self.session.set_ip_filter(allowed)
        # Unless told, libtorrent bounds no address that is private, and those of fleets are.
        bounded = self.lt.ip_filter()
        bounded.add_rule("0.0.0.0", "255.255.255.255", 1 << self.session.global_peer_class_id)  # noqa: S104
        self.session.set_peer_class_filter(bounded)
        content = self.lt.bdecode(base64.b64decode(plan["torrent"]))
        # With it in there nobody takes part who cannot show a certificate of this run.
        content[b"info"][b"ssl-cert"] = shown["authority"].encode()
        self.about = self.lt.torrent_info(content)

    def give(self, save: str) -> None:
        """Offer files that are right, and write nothing below ``save``."""
        flags = self.lt.torrent_flags
        self._join(save, flags.seed_mode | flags.upload_mode)
        self.look()

    def take(self, save: str) -> None:
        """Bring files below ``save``, and offer what is there of them."""
        self._join(save, 0)
        which, of = self.plan["share"]
        self.torrent.prioritize_pieces(
            [_FIRST if n % of == which else _LATER for n in range(self.about.num_pieces())]
        )
        self.look()

    def look(self) -> State:
        """
        Return how far it is, and look for members that are not connected.

        :raises PeerError: libtorrent cannot listen, read or write
        """
        for alert in self.session.pop_alerts():
            if type(alert).__name__ in ("listen_failed_alert", "file_error_alert"):
                raise PeerError(self._fault(alert))
        status = self.torrent.status()
        members = self.torrent.get_peer_info()
        connected = {
            one.ip[0] for one in members if not one.flags & (one.connecting | one.handshake)
        }
        if time.monotonic() - self.asked_at > _CONNECT_EVERY_S:
            self.asked_at = time.monotonic()
            for address, port in self.plan["peers"]:
                if address not in connected:
                    self.torrent.connect_peer((address, port))
        states = self.lt.torrent_status.states
        checking = status.state in (states.checking_files, states.checking_resume_data)
        whole = [] if checking else self._whole()
        if self.plan["holds"] and not checking and not status.is_seeding:
            self.damaged = sorted(set(self._paths().values()) - set(whole))
        return State(
            done=status.total_wanted_done,
            total=status.total_wanted,
            checking=checking,
            connected=len(connected),
            sent=status.total_payload_upload,
            whole=whole,
        )

    def beginnings(self) -> Dict[str, int]:
        """Leave the swarm; return how many bytes from its beginning are right of each file."""
        files, length = self.about.files(), self.about.piece_length()
        found = {}
        for index, path in self._paths().items():
            piece, size, right = files.file_offset(index) // length, files.file_size(index), 0
            while right < size and self.torrent.have_piece(piece):
                piece, right = piece + 1, right + length
            found[path] = min(right, size)
        self.session.remove_torrent(self.torrent)
        self._wait_for("torrent_removed_alert")
        return found

    def _join(self, save: str, flags: Any) -> None:
        self.save = save
        params, known = self.lt.add_torrent_params(), self.lt.torrent_flags
        params.ti, params.save_path = self.about, save
        private = known.disable_dht | known.disable_lsd | known.disable_pex | known.paused
        params.flags = (params.flags & ~known.auto_managed) | private | flags
        self.torrent = self.session.add_torrent(params)
        with tempfile.TemporaryDirectory() as folder:
            texts = (self.shown["certificate"], self.shown["key"], _GROUP)
            paths = [os.path.join(folder, str(number)) for number in range(len(texts))]
            for path, text in zip(paths, texts):
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(text)
            self.torrent.set_ssl_certificate(*paths)
            # Asked after it, so that it is read before the files go.
            self.torrent.status()
        self.torrent.resume()

    def _paths(self) -> Dict[int, str]:
        """Return where each file lies, by its index; between them is padding."""
        files, padding = self.about.files(), int(self.lt.file_flags_t.flag_pad_file)
        return {
            index: "{}/{}".format(self.save, files.file_path(index))
            for index in range(files.num_files())
            if not int(files.file_flags(index)) & padding
        }

    def _whole(self) -> List[str]:
        done = self.torrent.file_progress(self.lt.file_progress_flags_t.piece_granularity)
        files = self.about.files()
        return [
            path for index, path in self._paths().items() if done[index] == files.file_size(index)
        ]

    def _fault(self, alert: Any) -> str:
        if type(alert).__name__ == "listen_failed_alert":
            return (
                "cannot listen on {address}:{port} ({0}); free the port, or give the host's spread "
                "another".format(alert.error.message(), **self.plan)
            )
        return str(alert.message())

    def _wait_for(self, kind: str) -> None:
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            if any(type(alert).__name__ == kind for alert in self.session.pop_alerts()):
                return
            time.sleep(0.05)
