"""What hosts share is worked out once."""

from copy import copy

from roles.spec import Accelerator, HostSpec
from roles.spec.once import once


def test_worked_out_once_a_noun() -> None:
    asked: list[tuple[HostSpec, str]] = []

    @once
    def work(spec: HostSpec, root: str) -> int:
        asked.append((spec, root))
        return len(asked)

    one, equal = (HostSpec(accelerator=Accelerator.CPU) for _ in range(2))
    assert [work(one, "/a"), work(one, "/a"), work(one, "/b"), work(equal, "/a")] == [1, 1, 2, 3]
    assert [work(one, root="/a"), work(one, root="/a")] == [4, 4]


def test_noun_that_is_gone_lends_its_answer_to_no_other() -> None:
    @once
    def root(spec: HostSpec) -> str:
        return spec.weights_root

    for number in range(1000):
        wanted = f"/weights-{number}"
        assert root(HostSpec(accelerator=Accelerator.CPU, weights_root=wanted)) == wanted


def test_spec_that_pyinfra_copies_stays_the_same() -> None:
    spec = HostSpec(accelerator=Accelerator.CPU)
    assert copy(spec) is spec
