"""Ask every instance its questions."""

from pyinfra import host

from roles import check

check.ask(spec=host.data.spec)
