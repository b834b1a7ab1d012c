"""Course of a training: lines of the epochs, and the figure of loss, accuracy and rates."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import jsnn

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rows(training: jsnn.Training) -> list[dict[str, Any]]:
    """Return the results of the epochs, for JSON."""
    return [asdict(epoch) for epoch in training.history]


def draw_course(training: jsnn.Training) -> "Figure":
    """Draw loss, accuracy and firing rates of all epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 2.6), layout="constrained")
    loss, accuracy, rates = figure.subplots(1, 3)
    epochs = range(1, len(training.history) + 1)
    for prefix, label in (("", "training"), ("validation_", "held out")):
        loss.plot(epochs, training.course(f"{prefix}loss"), ".-", label=label)
        accuracy.plot(epochs, 100 * training.course(f"{prefix}accuracy"), ".-", label=label)
    for name in training.history[-1].rates if training.history else ():
        values = [epoch.rates[name] for epoch in training.history]
        if any(values):
            rates.plot(epochs, values, ".-", label=name)
    for axes, title in ((loss, "loss"), (accuracy, "accuracy [%]"), (rates, "rate [Hz]")):
        axes.set(xlabel="epoch", ylabel=title)
        axes.legend(fontsize=8, frameon=False)
    return figure
