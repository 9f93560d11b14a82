"""Measure how fast every instance answers; ``--data dataset=FOLDER`` names another data set."""

from pyinfra import host

from roles import aisbench

aisbench.measure_performance(spec=host.data.spec, dataset=host.data.get("dataset"))
