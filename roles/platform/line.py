"""The connection to a host that reboots."""

from pyinfra.api import Host

from roles import job


def up(host: Host) -> bool:
    """Have a connection, made again if it has to be; say whether there is one."""
    if not job.lost(host):
        return True
    # It keeps its channel for files beyond the connection that it was on.
    host.connector.disconnect()
    return job.again(host)
