"""An image has the name of its recipe, and goes when no lab lies on it."""

from pathlib import Path

import pytest

from roles.lab import image, places
from roles.lab.sources import Source

SOURCE = Source(uri="http://deb.example/debian", suite="sage", components=("main",))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(places, "IMAGES", tmp_path / "cache/images")
    return tmp_path / "cache"


def test_name_follows_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    name = image.name([SOURCE])
    assert image.name([SOURCE]) == name
    monkeypatch.setattr(image, "PACKAGES", (*image.PACKAGES, "haproxy"))
    assert image.name([SOURCE]) != name


def test_images_in_use_stay(cache: Path) -> None:
    for folder in ("images/old", "images/new", "uv"):
        (cache / folder).mkdir(parents=True)
    (cache / "images/old.log").touch()
    assert image.remove_unused(["new"]) == [
        f"{cache}/images/old is gone",
        f"{cache}/images/old.log is gone",
    ]
    assert sorted(path.name for path in cache.rglob("*")) == ["images", "new", "uv"]


def test_whole_cache_goes_with_the_last_lab(cache: Path) -> None:
    (cache / "images/new").mkdir(parents=True)
    assert image.remove_unused([]) == [f"{cache} is gone"]
    assert not cache.exists()
    assert image.remove_unused([]) == []
