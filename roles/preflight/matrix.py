"""
Which Qwen3-VL MindIE serves on what: ``python -m roles.preflight.matrix`` prints it.

The rules that hold a plan against it are in ``model.py``; what they go by is the same table.
"""

from typing import Any, NamedTuple

from roles.preflight import ascend, table

FLOAT = "16 bits"


class Row(NamedTuple):
    """
    A model on a machine with weights of one kind.

    :param machine: ``a2`` or ``duo``
    :param quantization: as the weights' ``config.json`` names it; ``None`` for 16 bits
    :param repository: at ModelScope, ``None`` where nobody published them; of ``w8a8sc`` the w8a8s
        that a host compresses
    """

    model: str
    machine: str
    world_sizes: tuple[int, ...]
    recommended: int
    dtypes: tuple[str, ...]
    quantization: str | None
    repository: str | None


def rows() -> list[Row]:
    """Return every row: what is in none of them is refused."""
    facts = table.read("models")
    return [
        Row(
            model=model,
            machine=machine,
            world_sizes=tuple(row["world_sizes"]),
            recommended=row["recommended"],
            dtypes=tuple(dtypes),
            quantization=quantization,
            repository=repository,
        )
        for model, row in facts["mindie"].items()
        for machine, dtypes in facts["mindie_dtypes"].items()
        for quantization, repository in {None: row["repository"], **row[machine]}.items()
    ]


def text() -> str:
    """Return the rows as a person reads them."""
    facts: dict[str, Any] = table.read("models")
    head = ("model", "machine", "world size", "type", "weights", "at ModelScope")
    lines = [head, *(_cells(row) for row in rows())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    below = (
        f"MindIE {facts['since']['mindie']} or newer. World size: chips, * recommended; an Atlas "
        f"300I DUO card has two.\nAll take {', '.join(facts['mindie_takes'])}, up to "
        f"{facts['mindie_context']} tokens. w8a8sc is made on the host, of w8a8s."
    )
    return "\n".join([*(line.rstrip() for line in shown), "", below])


def _cells(row: Row) -> tuple[str, ...]:
    sizes = [f"{size}*" if size == row.recommended else str(size) for size in row.world_sizes]
    return (
        f"Qwen3-VL-{row.model}",
        ascend.name_of(row.machine),
        " ".join(sizes),
        " ".join(row.dtypes),
        row.quantization or FLOAT,
        row.repository or "none published",
    )


if __name__ == "__main__":
    print(text())
