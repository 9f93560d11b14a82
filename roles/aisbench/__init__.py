"""How right and how fast running servers answer, measured with AISBench."""

from roles.aisbench.deploy import measure_accuracy, measure_performance
from roles.aisbench.judged import refusals
from roles.aisbench.operations import LOCK, python
from roles.aisbench.table import MEASURED

__all__ = [
    "LOCK",
    "MEASURED",
    "measure_accuracy",
    "measure_performance",
    "python",
    "refusals",
]
