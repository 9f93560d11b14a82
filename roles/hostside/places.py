"""Where things of ours lie on a host."""

ROOT = "/opt/metalserve"
STATE = "/var/lib/metalserve"
CACHE = "/var/cache/metalserve"
RUN = "/run/metalserve"
# Inside a container image: the packages that were put on top of it.
IN_IMAGE = "/opt/metalserve/packages"
UNITS = "/etc/systemd/system"
# How the names of our units, of instances' users and of their containers begin.
OURS = "metalserve-"
RECOVER_UNIT = "metalserve-recover.service"
# A job's, before its name.
JOB_UNIT = "metalserve-job-"
GATEWAY_RUN = "/run/metalserve-gateway"
GATEWAY_UNIT = "metalserve-gateway.service"
GATEWAY_PACKAGE = "haproxy"
AGENT_SOCKET, AGENT_UNIT = "metalserve-agent.socket", "metalserve-agent.service"
# No instance can have this name.
AGENT_USER = "metalserve_agent"
# Whose members read weights that an engine wants to be its user's own, or of its user's group.
GROUP = "metalserve"
# How the names of images that we made begin.
IMAGES = "metalserve/"
# By it apt keeps what we had it install at a pinned version.
PREFERENCES = "/etc/apt/preferences.d/metalserve-"
# Keeps nouveau from being loaded at boot.
NOUVEAU_OFF = "/etc/modprobe.d/metalserve-nouveau.conf"
AUDIT = "/var/log/metalserve/audit.jsonl"
# Where systemd can be asked, on hosts that have D-Bus.
BUS = "/run/dbus/system_bus_socket"


def stacks() -> str:
    """Folder of every installed stack."""
    return ROOT + "/stacks"


def tools() -> str:
    """Folder of the installer, a version each."""
    return ROOT + "/tools"


def package_cache() -> str:
    """Folder of downloaded packages, on the stacks' file system so that they can be linked."""
    return ROOT + "/cache/uv"


def releases(instance: str) -> str:
    """Folder of every release of an instance."""
    return ROOT + "/releases/" + instance


def instances() -> str:
    """Folder of every instance's links."""
    return ROOT + "/instances"


def instance(name: str) -> str:
    """Folder that holds the links ``current``, ``previous`` and ``secrets``."""
    return instances() + "/" + name


def user(instance: str) -> str:
    """The system user that an instance runs as."""
    return OURS + instance


def container_name(instance: str) -> str:
    """The container that an instance runs in, and the network that it alone is in."""
    return OURS + instance


def container(instance: str) -> str:
    """What runs an instance now, when that is a container."""
    return "{}/{}/container.json".format(RUN, instance)


def shown() -> str:
    """Folder of what a server is shown as a file, while it is asked."""
    return RUN + "/shown"


def agent() -> str:
    """Where gateways ask and how often; there where one does."""
    return STATE + "/agent.json"


def out() -> str:
    """Folder of who is out of rotation until the boot ends; an activation's own."""
    return RUN + "-out"


def bound(instance: str) -> str:
    """Which starts of other hosts a start of an instance over several belongs to."""
    return "{}-rank/{}/bound.json".format(RUN, instance)


def waits(instance: str) -> str:
    """Whom a start of an instance over several hosts waits for; there while it does."""
    return "{}-rank/{}/waits.json".format(RUN, instance)


def out_there(instance: str) -> str:
    """Why the other hosts of an instance have it out of rotation; there while one of them has."""
    return "{}-rank/{}/out.json".format(RUN, instance)


def parting(instance: str) -> str:
    """Which start of an instance over several hosts is about to be ended here, and why."""
    return "{}-parting/{}.json".format(RUN, instance)


def kept_out() -> str:
    """Folder of who is out of rotation until somebody says otherwise."""
    return STATE + "/out"


def gateway() -> str:
    """Folder of the gateway's configurations, and the link ``current``; root alone may read it."""
    return ROOT + "/gateway"


def checks(instance: str) -> str:
    """Folder of the questions of each release of an instance."""
    return STATE + "/checks/" + instance


def secrets(instance: str) -> str:
    """Folder of the generations of an instance's secrets; root alone may read it."""
    return STATE + "/secrets/" + instance


def bad(instance: str) -> str:
    """Folder of a note for each release of an instance that failed."""
    return STATE + "/bad/" + instance


def history(instance: str) -> str:
    """Which releases of an instance have served, what serves first."""
    return "{}/history/{}.json".format(STATE, instance)


def transactions() -> str:
    """Folder of the journal of each instance's last activation."""
    return STATE + "/transactions"


def transaction(instance: str) -> str:
    """Journal of an instance's last activation."""
    return transactions() + "/" + instance + ".json"


def job(name: str) -> str:
    """Folder of a job's plan, progress and result."""
    return STATE + "/jobs/" + name


def platform() -> str:
    """Folder of what is half done to drivers and toolkits, and of the reboot that they need."""
    return STATE + "/platform"


def began(step: str) -> str:
    """Marker of a step that began and has not succeeded yet."""
    return platform() + "/began/" + step + ".json"


def reboot() -> str:
    """Why the host is to be rebooted, and the boot that it was said in."""
    return platform() + "/reboot.json"


def paused() -> str:
    """Which instances were stopped for a step, and the boot in which they were."""
    return platform() + "/paused.json"


def step_log(step: str) -> str:
    """Everything that a step's command ever said."""
    return "{}/platform/{}.log".format(logs(), step)


def logs() -> str:
    """Folder of the audit log, and of what vendors' installers said."""
    return AUDIT.rsplit("/", 1)[0]


def installers() -> str:
    """Folder of vendors' files that came from the control machine; root alone may write it."""
    return ROOT + "/cache/installers"


def unpacking() -> str:
    """Folder that an installer unpacks itself into, there while it runs."""
    return ROOT + "/cache/unpacking"


def environments() -> str:
    """Folder of what the vendors' scripts set for each stack on Ascend."""
    return ROOT + "/ascend"


def shipped_settings(version: str) -> str:
    """The ``config.json`` of a MindIE as its package brought it."""
    return "{}/mindie-{}.config.json".format(environments(), version)


def mindie_packages(version: str) -> str:
    """Folder of what a MindIE's package installs with pip; its servers' Python finds it there."""
    return "{}/mindie-{}-python".format(environments(), version)


def settings_from(version: str) -> str:
    """Which older MindIE's settings, made by hand, are still to come to a newer one's."""
    return "{}/mindie-{}.from".format(environments(), version)


def receipts() -> str:
    """Folder of what each finished phase left behind."""
    return STATE + "/receipts"


def lock() -> str:
    """The deploy lock."""
    return STATE + "/lock.json"


def lock_guard() -> str:
    """What is locked for the moment in which the deploy lock is looked at and written."""
    return lock() + ".guard"


def cache(instance: str) -> str:
    """Folder of what the engine of an instance compiles, a release each."""
    return CACHE + "/" + instance


def receipt(phase: str) -> str:
    """What a finished phase left behind."""
    return "{}/{}.json".format(receipts(), phase)


def template(unit: str) -> str:
    """The template that a unit is an instance of."""
    return "{}/{}@.service".format(UNITS, unit.split("@")[0])


def wants(unit: str) -> str:
    """The link that starts a unit at boot."""
    return "{}/multi-user.target.wants/{}".format(UNITS, unit)


def benchmarks(instance: str) -> str:
    """Folder of what was measured of an instance last."""
    return STATE + "/benchmarks/" + instance
