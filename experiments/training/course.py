"""Course of a training: lines of the epochs, and the figure of loss, accuracy and rates."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import jsnn
from experiments import cli

if TYPE_CHECKING:
    from experiments.training.gru_peer import PeerTraining
    from jsnn.plot import Figure


def rows(training: "jsnn.Training | PeerTraining") -> list[dict[str, Any]]:
    """Return the results of the epochs, for JSON."""
    return [asdict(epoch) for epoch in training.history]


@cli.drawing
def draw_course(training: "jsnn.Training | PeerTraining") -> "Figure":
    """Draw loss, accuracy and firing rates of all epochs."""
    figure, (loss, accuracy, rates) = jsnn.plot.figure(1, 3, height=55)
    epochs = range(1, len(training.history) + 1)
    for prefix, label in (("", "training"), ("validation_", "held out")):
        losses, accuracies = (
            [getattr(epoch, f"{prefix}{name}") for epoch in training.history]
            for name in ("loss", "accuracy")
        )
        loss.plot(epochs, losses, ".-", label=label)
        accuracy.plot(epochs, [100 * share for share in accuracies], ".-", label=label)
    for name in training.history[-1].rates if training.history else ():
        values = [epoch.rates[name] for epoch in training.history]
        if any(values):
            rates.plot(epochs, values, ".-", label=name)
    for axes, title in ((loss, "loss"), (accuracy, "accuracy [%]"), (rates, "rate [Hz]")):
        axes.set(xlabel="epoch", ylabel=title)
        if axes.lines:
            axes.legend()
    return figure
