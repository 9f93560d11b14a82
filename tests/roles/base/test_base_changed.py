"""What ``--diff`` shows of a file, before it is written."""

import re

import pytest
from pyinfra.api import Host
from pyinfra.facts.files import FileContents

from roles.base import changed
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns

_UNIT = "/etc/systemd/system/a.service"


def _shown(
    nouns: Nouns, caplog: pytest.LogCaptureFixture, there: list[str] | None, *, asked: bool = True
) -> list[str]:
    def told(self: Host, fact: type, **about: str) -> list[str] | None:
        assert (fact, about) == (FileContents, {"path": _UNIT})
        return there

    with on_host(nouns.chat(), bare()) as host, pytest.MonkeyPatch.context() as patch:
        host.state.config.DIFF = asked
        patch.setattr(Host, "get_fact", told)
        with caplog.at_level("INFO", logger="pyinfra"):
            changed.show({_UNIT: "[Unit]\nAfter=b\n[Service]\n"})
    return [re.sub(r"\x1b\[\d*m", "", record.getMessage()) for record in caplog.records]


def test_line_that_is_another(nouns: Nouns, caplog: pytest.LogCaptureFixture) -> None:
    head, *lines = _shown(nouns, caplog, ["[Unit]", "After=c", "[Service]"])
    assert head.endswith(f"Will modify {_UNIT}")
    assert lines == [
        "  @@ -1,3 +1,3 @@",
        "    [Unit]",
        "  - After=c",
        "  + After=b",
        "    [Service]",
    ]


def test_file_that_is_not_there(nouns: Nouns, caplog: pytest.LogCaptureFixture) -> None:
    head, _, *lines = _shown(nouns, caplog, None)
    assert head.endswith(f"Will create {_UNIT}")
    assert lines == ["  + [Unit]", "  + After=b", "  + [Service]"]


def test_what_is_right(nouns: Nouns, caplog: pytest.LogCaptureFixture) -> None:
    assert _shown(nouns, caplog, ["[Unit]", "After=b", "[Service]"]) == []


def test_nobody_asked(nouns: Nouns, caplog: pytest.LogCaptureFixture) -> None:
    assert _shown(nouns, caplog, None, asked=False) == []
