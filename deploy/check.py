"""Ask every instance its questions; ``--data offline=video`` asks engines without their servers."""

from pyinfra import host

from roles import check

kind = host.data.get("offline")
if kind:
    check.ask_offline(spec=host.data.spec, kind=str(kind))
else:
    check.ask(spec=host.data.spec)
