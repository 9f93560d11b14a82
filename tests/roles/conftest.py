"""What the tests of roles share."""

from pathlib import Path

import pytest

from tests.roles.spec.nouns import Nouns


@pytest.fixture
def nouns(tmp_path: Path) -> Nouns:
    """Nouns that are right but for what a test asks."""
    return Nouns(folder=tmp_path)


@pytest.fixture
def echoed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pyinfra would show to the operator, a line each."""
    said: list[str] = []
    monkeypatch.setattr("pyinfra.api.output._echo", lambda line="", **_: said.append(str(line)))
    return said
