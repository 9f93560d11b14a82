"""What one host made of one operation."""

from dataclasses import dataclass, field


@dataclass
class Step:
    """Its beginning by a clock of its own, how long it took, and what the host said last."""

    began: float
    seconds: float | None = None
    said: list[str] = field(default_factory=list)
