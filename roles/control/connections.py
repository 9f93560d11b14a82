"""Connections as this machine counts them: an open file a host, for as long as the run lasts."""

import resource

from pyinfra.api import State
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.context import ctx_state

from roles.control.begun import when_begun

# What a run has open besides: its own output, modules and reports.
_OWN = 100


def allow_connections() -> None:
    """Have this run allowed as many as it will make, or end it before the first of them."""
    state: State = ctx_state.get()

    def counted() -> None:
        hosts = [host for host in state.inventory if state.is_host_in_limit(host)]
        reached = sum(isinstance(host.connector, SSHConnector) for host in hosts)
        # Each host that is served at once may be sent a file.
        allow(hosts=reached, beside=_OWN + state.config.PARALLEL)

    when_begun(state, counted)


def allow(*, hosts: int, beside: int) -> None:
    """
    Raise the limit of open files to what a run over ``hosts`` needs.

    :raises SystemExit: the hard limit is lower
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hosts + beside
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(
            f"open files: {hosts} hosts need {wanted} at once, this process may have {hard}; "
            f"raise its hard limit (ulimit -n {wanted}, or LimitNOFILE= of its unit), or run over "
            "some of the hosts at a time, with --limit"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
