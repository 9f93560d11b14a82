"""The clock is judged by what the kernel says of it."""

import ctypes

import clock
import pytest

STEERED, UNSYNCHRONISED, IN_NANOSECONDS = 0x0001, 0x0040, 0x2000


@pytest.mark.parametrize(
    ("error_us", "status", "offset", "synchronised", "offset_s"),
    [
        (2500, STEERED | IN_NANOSECONDS, -12_345, True, -0.000012345),
        (2500, STEERED, 12, True, 0.000012),
        # chrony, which steers by itself and may leave the flag.
        (31_000, UNSYNCHRONISED, 0, True, None),
        (16_000_000, UNSYNCHRONISED, 0, False, None),
    ],
)
def test_clock(
    error_us: int, status: int, offset: int, synchronised: bool, offset_s: float | None
) -> None:
    found = clock.Timex(maxerror=error_us, status=status, offset=offset)
    assert clock.judged(found) == {"synchronised": synchronised, "offset_s": offset_s}


def test_kernel_fills_the_clock_where_it_is_read() -> None:
    """A tick is 10 ms, give or take the tenth that may be corrected, on every Linux."""
    found = clock.Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(found)) < 0:
        assert clock.read() == {"synchronised": None, "offset_s": None}
        return
    assert 9_000 <= found.tick <= 11_000
    assert clock.read() == clock.judged(found)
