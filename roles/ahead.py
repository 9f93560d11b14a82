"""What a run works out of specs alone, which need not wait until hosts have answered."""

import contextlib

from roles import base
from roles.release import Release
from roles.spec import HostSpec


def work_out(spec: HostSpec | None) -> None:
    """Have what names a host's preparation and its releases known by the time that it is asked."""
    if spec is None:
        return
    # Whoever asks for it later says what is wrong.
    with contextlib.suppress(Exception):
        base.digest_of(spec)
        for instance in spec.instances:
            _ = Release(spec=spec, instance=instance).name
