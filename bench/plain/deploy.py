"""One fact a host, and the eight operations of a run of ours that changes nothing."""

from pyinfra import host

from bench.plain import operations

host.get_fact(operations.Answer)
operations.nothing(name="Prepared")
operations.nothing(name="Install the stack")
operations.nothing(name="Bring weights")
operations.nothing(name="Stage chat")
operations.nothing(name="Stage draw")
operations.nothing(name="Look for other instances")
operations.nothing(name="Activate chat")
operations.nothing(name="Activate draw")
