"""Which weights a run brings: found once, however many hosts go through them."""

from pyinfra.api import Config, Inventory, State

from roles.spec import HostSpec
from roles.weights import deploy
from tests.roles.spec.nouns import Nouns


class _Asked(HostSpec):
    """A spec that counts who looks at it."""

    def __copy__(self) -> "_Asked":
        _looks.append(self)
        return self


_looks: list[HostSpec] = []


def test_found_once_a_run(nouns: Nouns) -> None:
    chat = nouns.chat()
    spec = _Asked(accelerator=chat.accelerator, instances=chat.instances)
    hosts = [(f"@fake/gpu-{number}", {"spec": spec}) for number in range(1000)]
    state = State(Inventory((hosts, {})), Config())
    for host in state.inventory:
        state.activate_host(host)
    _looks.clear()
    found = [deploy._of_all_hosts(host.state) for host in state.inventory]
    assert len(_looks) == 1000
    assert all(one == [chat.instances[0].weights] for one in found)
