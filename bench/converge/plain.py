"""The job as pyinfra's own pages have it: an operation a thing, and a check."""

from pyinfra import host
from pyinfra.operations import files, server, systemd

_instance, _templates = host.data.instance, host.data.templates
_root = f"/opt/bench/{_instance}"
_folder = f"{_root}/releases/{host.data.release}"

server.user(  # noqa: S604  # the user's shell
    name="User",
    user=f"bench-{_instance}",
    system=True,
    shell="/usr/sbin/nologin",
    home="/nonexistent",
    create_home=False,
    ensure_home=False,
)
for _path, _mode in (
    (_root, "755"),
    (f"{_root}/releases", "755"),
    (_folder, "755"),
    (f"{_root}/state", "700"),
):
    files.directory(name=f"Folder {_path}", path=_path, user="root", group="root", mode=_mode)
for _name, _mode in (("start", "755"), ("environment", "644"), ("release.json", "644")):
    files.template(
        name=f"Template {_name}",
        src=f"{_templates}/{_name}",
        dest=f"{_folder}/{_name}",
        user="root",
        group="root",
        mode=_mode,
        instance=_instance,
        listen=host.data.listen,
    )
files.put(
    name="Questions",
    src=f"{_templates}/questions.json",
    dest=f"{_folder}/questions.json",
    user="root",
    group="root",
    mode="644",
)
_units = [
    files.template(
        name=f"Unit {_name}",
        src=f"{_templates}/{_name}",
        dest=f"/etc/systemd/system/{_file}",
        user="root",
        group="root",
        mode="644",
        instance=_instance,
        listen=host.data.listen,
    )
    for _name, _file in (
        ("unit.service", f"bench-{_instance}.service"),
        ("recover.service", f"bench-{_instance}-recover.service"),
    )
]
files.link(name="Link", path=f"{_root}/current", target=_folder)
systemd.daemon_reload(name="Reload", _if=[lambda: any(unit.did_change() for unit in _units)])
systemd.service(name="Enabled", service=f"bench-{_instance}.service", enabled=True, running=None)
server.shell(name="Check", commands=[f"systemctl is-enabled bench-{_instance}.service"])
