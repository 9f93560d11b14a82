"""Make the locks of stacks: ``--data stack=NAME`` for one, ``--data renew=yes`` to change one."""

from pyinfra import host

from roles import locking

locking.lock(data=host.data.dict())
