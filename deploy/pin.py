"""Pin a hub's revision: ``--data weights=NAME --data from=huggingface:OWNER/REPO@main``."""

from pyinfra import host

from roles import hub

hub.pin(data=host.data.dict())
