"""Every injection, by what is hit."""

from tests.lab.faults import (
    clocks,
    control,
    disks,
    engines,
    gateways,
    hands,
    jobs,
    locks,
    power,
    waves,
)
from tests.lab.faults.injection import Injection

SECTIONS: dict[str, tuple[Injection, ...]] = {
    "Power": power.INJECTIONS,
    "Control machine and network": control.INJECTIONS,
    "Waves": waves.INJECTIONS,
    "The job and systemd": jobs.INJECTIONS,
    "The engine": engines.INJECTIONS,
    "Disks": disks.INJECTIONS,
    "Gateway and agent": gateways.INJECTIONS,
    "Locks, other runs, ports": locks.INJECTIONS,
    "Clocks": clocks.INJECTIONS,
    "Hands, and what a disk garbles": hands.INJECTIONS,
}
INJECTIONS = {one.name: one for section in SECTIONS.values() for one in section}
