"""``README`` of a bundle: what is in it, what is not, how it is carried and used."""

from collections.abc import Sequence

from roles import base, templates
from roles.bundle.wants import Plan, stacks
from roles.hostside import words
from roles.spec import HostSpec


def text(
    inventory: str, hosts: Sequence[HostSpec], plans: Sequence[Plan], lacking: Sequence[str]
) -> str:
    """Return it; the same for the same bundle."""
    wanted = stacks(hosts)
    names = ", ".join(stack.name for stack in wanted)
    made_of = {
        "wheels": f"{names} and what installs them",
        "archives": "engines that come as one archive",
        "installers": "drivers and toolkits",
    }
    parts = [
        (
            "weights" if plan["model"] else plan["name"],
            f"{len(plan['files'])} files, {_size(plan)}: {made_of.get(plan['name'], plan['name'])}",
        )
        for plan in plans
    ]
    return templates.render(
        "bundle/README.j2",
        inventory=inventory,
        parts=parts,
        installers=any(host.files for host in hosts),
        archives=any(plan["name"] == "archives" for plan in plans),
        pythons=sorted({f"python{s.python}" for s in wanted if s.python}) or ["python3"],
        packages=sorted({package for host in hosts for package in base.packages(host)}),
        lacking=lacking,
    )


def _size(plan: Plan) -> str:
    return words.size(sum(file["size"] for file in plan["files"]))
