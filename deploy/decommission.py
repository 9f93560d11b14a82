"""Take everything of ours off hosts: ``--limit HOST``; ``--data weights=erase`` those, too."""

from pyinfra import host

from roles import decommission

decommission.decommission(spec=host.data.spec, data=host.data.dict())
