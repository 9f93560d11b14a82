"""Growth is told of what grew while the rest stayed the same."""

from bench.scale.grown import grown
from bench.scale.runs import Measured


def _row(hosts: int, instances: int, cpu_s: float) -> Measured:
    return Measured(
        tool="metalserve",
        run="no-change",
        hosts=hosts,
        instances=instances,
        sharing="shared",
        wall_s=0.0,
        cpu_s=cpu_s,
        peak_mib=50.0 + hosts,
        open_files=0,
    )


def test_growth_up_to_a_hundred_and_of_all() -> None:
    rows = [_row(hosts, 2, 1.0 + hosts / 100) for hosts in (1, 10, 100)]
    beyond = _row(1000, 2, 12.0)
    to_hundred = (
        "metalserve, no-change, 2 instances, 1 to 100 hosts: 1.00 CPU s + 10.0 ms each (off by "
        "0%), 50 MiB + 1024 KiB each (off by 0%)"
    )
    assert list(grown(rows)) == [to_hundred]
    first, second = grown([*rows, beyond])
    assert first == to_hundred
    assert second.startswith("metalserve, no-change, 2 instances, 1 to 1000 hosts: 0.96 CPU s")


def test_growth_with_instances() -> None:
    rows = [_row(1, instances, 1.0 + instances / 1000) for instances in (1, 10, 100)]
    (told,) = grown([*rows, _row(2, 1, 1.0)])
    assert told.startswith(
        "metalserve, no-change, 1 hosts, 1 to 100 instances: 1.00 CPU s + 1.0 ms"
    )


def test_too_few() -> None:
    assert list(grown([_row(1, 2, 1.0), _row(10, 2, 1.1)])) == []
