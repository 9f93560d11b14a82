"""Apt's two formats are read alike, and say which hosts packages come from."""

from pathlib import Path

import pytest

from roles.lab import LabError, sources
from roles.lab.sources import Source

MAIN = Source(
    uri="http://deb.example/debian", suite="sage", components=("main",), signed_by="/keys/a.gpg"
)
FIXES = Source(
    uri="http://deb.example/security", suite="sage-security", components=("main", "contrib")
)

LIST = """\
# deb http://old.example/debian thyme main
deb [arch=amd64 signed-by=/keys/a.gpg] http://deb.example/debian sage main
deb-src http://deb.example/debian sage main
deb http://deb.example/security sage-security main contrib # fixes
"""

DEB822 = """\
Types: deb deb-src
# The archive as it was in May.
URIs: http://deb.example/debian
Suites: sage
Components: main
Signed-By: /keys/a.gpg

Types: deb
URIs: http://deb.example/security
Suites: sage-security
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sage
Components: main

Types: deb-src
URIs: http://deb.example/debian
Suites: sage
Components: main
"""


def test_both_formats_say_the_same() -> None:
    assert sources.parse_list(LIST) == [MAIN, FIXES]
    assert sources.parse_deb822(DEB822) == [MAIN, FIXES]


def test_only_servers_are_read_and_mirror_lists_looked_up(tmp_path: Path) -> None:
    (tmp_path / "mirrors").write_text(
        "http://near.example/debian/\tpriority:1\nhttp://far.example/"
    )
    (tmp_path / "sources.list").write_text(
        f"deb mirror+file:{tmp_path}/mirrors sage main\n"
        "deb cdrom:[sage]/ sage main\n"
        "deb file:/srv/debian sage main\n"
    )
    assert [source.uri for source in sources.read(tmp_path)] == ["http://near.example/debian/"]


def test_line_reads_back() -> None:
    for source in (MAIN, FIXES):
        assert sources.parse_list(source.line()) == [source]


def test_release_comes_first_and_strangers_do_not() -> None:
    stranger = Source(uri="http://other.example", suite="sage", components=("stable",))
    assert sources.of_release([stranger, FIXES, MAIN], "sage") == [MAIN, FIXES]


def test_release_without_a_source_is_refused() -> None:
    with pytest.raises(LabError, match="/etc/apt: no source offers thyme main over the network"):
        sources.of_release([MAIN, FIXES], "thyme")


def test_package_hosts_are_those_of_the_lock_and_of_apt() -> None:
    lock = 'source = { registry = "https://index.example/simple" }\nurl = "https://files.example:443/x"'
    assert sources.package_hosts(lock, [MAIN, FIXES]) == [
        "deb.example",
        "files.example",
        "index.example",
    ]
