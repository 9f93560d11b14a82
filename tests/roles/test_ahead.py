"""What specs alone tell is known by the time that hosts have answered."""

from typing import Any

import pytest

from roles import ahead, templates
from roles.base import layout
from roles.release import Release
from roles.spec import HostSpec
from tests.roles.spec.nouns import Nouns


def _rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    render = templates.render

    def counted(name: str, **values: Any) -> str:
        names.append(name)
        return render(name, **values)

    monkeypatch.setattr(templates, "render", counted)
    return names


def _asked(spec: HostSpec) -> tuple[str, list[str]]:
    releases = [Release(spec=spec, instance=instance) for instance in spec.instances]
    return layout.digest_of(spec), [release.name for release in releases]


def test_nothing_is_rendered_for_it_later(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, another = nouns.host(), nouns.host()
    rendered = _rendered(monkeypatch)
    ahead.work_out(spec)
    assert "base/metalserve-recover.service.j2" in rendered
    rendered.clear()
    told = _asked(spec)
    assert rendered == []
    assert told == _asked(another)


def test_host_without_a_spec_is_told_of_later() -> None:
    ahead.work_out(None)


def test_what_is_wrong_is_told_by_whoever_asks(
    nouns: Nouns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, **values: Any) -> str:
        raise ValueError(name)

    monkeypatch.setattr(templates, "render", broken)
    spec = nouns.host()
    ahead.work_out(spec)
    with pytest.raises(ValueError, match=r"metalserve-recover\.service"):
        layout.digest_of(spec)
