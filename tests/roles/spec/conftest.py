"""What the tests of the spec share."""

from pathlib import Path

import pytest

from tests.roles.spec.nouns import Nouns


@pytest.fixture
def nouns(tmp_path: Path) -> Nouns:
    """Nouns that are right but for what a test asks."""
    return Nouns(folder=tmp_path)
