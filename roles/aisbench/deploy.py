"""Measure running servers."""

from pyinfra import host
from pyinfra.api import deploy

from roles.aisbench import operations
from roles.spec import HostSpec


@deploy("Measure accuracy")
def measure_accuracy(spec: HostSpec, dataset: str | None) -> None:
    """Measure how right each instance answers, and refuse the one that is not right enough."""
    if spec.answering(host.name):
        operations.installed_aisbench(name="Install AISBench", onto=spec)
    for instance in spec.answering(host.name):
        operations.measured_instance(
            name=f"Measure the accuracy of {instance.name}",
            instance=instance,
            kind="accuracy",
            dataset=dataset,
            onto=spec,
        )


@deploy("Measure performance")
def measure_performance(spec: HostSpec, dataset: str | None) -> None:
    """Measure how fast each instance answers, and refuse the one that is not fast enough."""
    if spec.answering(host.name):
        operations.installed_aisbench(name="Install AISBench", onto=spec)
    for instance in spec.answering(host.name):
        operations.measured_instance(
            name=f"Measure the performance of {instance.name}",
            instance=instance,
            kind="performance",
            dataset=dataset,
            onto=spec,
        )
