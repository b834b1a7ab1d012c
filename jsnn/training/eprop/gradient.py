"""Gradient of a loss by e-prop, in one pass forwards through time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax

from jsnn._checks import check_key, check_known, check_type, number_of_steps
from jsnn._engine.inputs import Drive, checked_drive
from jsnn._engine.record_checks import checked_record
from jsnn.network.network import Network
from jsnn.recording import Recording
from jsnn.simulation import simulate
from jsnn.training.eprop.checks import check_readout, check_trained
from jsnn.training.eprop.learners import Learners
from jsnn.training.eprop.observations import Observation, observed
from jsnn.training.eprop.paths import paths_of
from jsnn.training.eprop.run import sums_over_time

Gradients = dict[str, dict[str, jax.Array]]
"""{projection: {"weights": [pre, post]}}."""


@lru_cache
def _symmetric() -> EProp:
    """Return the gradient with symmetric feedback, always the same, so that it is compiled once."""
    return EProp("symmetric")


def eprop(feedback: str | jax.Array = "symmetric") -> EProp:
    """Return the gradient by e-prop, for `jsnn.fit` or a loop of one's own.

        (value, recorded), gradients = eprop()(loss, network, values, drive, label, num_steps)

    Args:
      feedback: "symmetric" for the weights of the projections to the readout, as they are in each
        presentation, or `jax.random.key(seed)` for random numbers in their place that stay as they
        are, normally distributed with a standard deviation of 1 / sqrt(pre).

    Raises:
      TypeError: if `feedback` is neither.
    """
    if not isinstance(feedback, str):
        check_key(feedback, "eprop, feedback")
        return EProp(feedback)
    if feedback != "symmetric":
        raise ValueError(
            f"eprop, feedback: given {feedback!r}; expected 'symmetric' or jax.random.key(seed)"
        )
    return _symmetric()


@dataclass(frozen=True, eq=False)
class EProp:
    """The gradient of a loss by e-prop, a function of one presentation.

        dE/dW_ij ≈ Σ_t L_j(t) ē_ij(t),    L_j = Σ_k B_jk ∂E/∂y_k
        e_ij = ∂z_j/∂x_j ε_ij,    ε_ij' = ∂x_j'/∂x_j ε_ij + ∂x_j'/∂W_ij

    x_j are the variables of neuron j and of the synapses that reach it, z_j is its spike, and ε_ij
    the eligibility vector of a synapse. The derivatives are those of the models' own functions,
    with the surrogate of the neuron model; a reset has the derivative that it has in `simulate`.
    ē_ij is e_ij filtered by the synapses and the membrane of the readout, and delayed as they are.
    The learning signal L_j comes from the variables y of the readout, with B the `feedback`. For
    what the loss observes of neuron j itself, such as its rate, L_j is the derivative with respect
    to that, and nothing is filtered.

    The traces take in several steps at once, so that a product over these steps stands for many
    small changes of every synapse; the numbers are those of single steps.

    The influence of a spike on other neurons that learn is left out. So the gradient is exact if no
    neuron that learns reaches another one but in the readout, and the feedback is symmetric. No
    state of the past is kept: memory does not grow with the number of steps, but for the recordings
    of a loss that observes every step. A loss on a sum over the steps is learnt with the signal of
    the whole sum.

    `jsnn.EPROP` has these traces as a learning rule within a run, for `LIF`, with a given error and
    without the reset.

    Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass 2020, "A solution to the learning
    dilemma for recurrent networks of spiking neurons", Nature Communications 11, 3625.

    Attributes:
      feedback: "symmetric", or a key for random feedback.
    """

    feedback: Any

    def __call__(
        self,
        loss: Any,
        network: Network,
        values: Mapping[str, Mapping[str, Any]],
        drive: Drive,
        target: Any,
        num_steps: int,
        key: jax.Array | None = None,
        record: Mapping[str, Recording] | None = None,
    ) -> tuple[tuple[jax.Array, dict[str, Any]], Gradients]:
        """Return the loss of a presentation, what it recorded, and the gradient.

        Args:
          loss: has `record`, {name: recording}, and `value`, (recorded, target) -> ().
          network: the network. Neurons that learn work each by itself; the readout is linear.
          values: {projection: {"weights": [pre, post]}}, in place of those of the network.
          drive: the input, as in `simulate`.
          target: for the loss.
          num_steps: T >= 1, static.
          key: for a network that is random.
          record: {name: recording}, folds to record beside those of the loss.

        Raises:
          TypeError: if a projection is of a kind that e-prop cannot train.
          ValueError: if a recording, a population or a projection does not fit e-prop.
        """
        check_type(network, Network, "eprop, network")
        num_steps = number_of_steps(num_steps, "num_steps")
        check_trained(network, values)
        seen = [observed(name, recording) for name, recording in loss.record.items()]
        check_known([each.population for each in seen], network.sizes, "eprop, loss", "population")
        paths = paths_of(network, list(values), seen)
        for name in dict.fromkeys(path.through for path in paths if path.through):
            check_readout(network, network.projection(name))
        network = network.with_params(values)
        drive = checked_drive(network, drive, num_steps)
        traces, signals = _traces(loss, network, drive, target, num_steps, key, seen)
        learners = Learners(network, tuple(values), paths, self.feedback)
        folds = {name: r for name, r in loss.record.items() if name not in traces}
        folds |= dict(checked_record(record))
        kept, finished, learnt = sums_over_time(learners, drive, num_steps, key, folds, signals)

        def value(kept: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
            recorded = finished(kept) | traces
            return loss.value(recorded, target), recorded

        result, by_folds = jax.value_and_grad(value, has_aux=True)(kept)
        return result, learners.gradients(learnt, by_folds)


def _traces(
    loss: Any,
    network: Network,
    drive: Drive,
    target: Any,
    num_steps: int,
    key: jax.Array | None,
    seen: list[Observation],
) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Return what is recorded in every step, and the derivatives with respect to that, [T, N]."""
    names = [each.name for each in seen if each.is_trace]
    if not names:
        return {}, {}
    _, recorded = simulate(network, drive, num_steps, record=loss.record, key=key)
    traces = {name: recorded[name] for name in names}
    return traces, jax.grad(lambda traces: loss.value({**recorded, **traces}, target))(traces)
