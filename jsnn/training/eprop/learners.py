"""Learners: trained projections with the traces and sums that each of them carries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jsnn.network.network import Network
from jsnn.training.eprop.observations import Observation
from jsnn.training.eprop.paths import Path
from jsnn.training.eprop.traces import Traces

EVERY_STEP = "of every step"
"""Name of the sum of what is observed in every step, with learning signals of every step."""

LAST = "of the last step"
"""End of the name of what is not summed."""


@dataclass(frozen=True)
class Learner:
    """A trained projection and the paths of one delay on which its learning signals come.

    Attributes:
      projection: its name.
      paths: from the postsynaptic population, of one delay. The traces run late by it.
    """

    projection: str
    paths: tuple[Path, ...]

    @property
    def population(self) -> str:
        """The population that learns."""
        return self.paths[0].population

    @property
    def readouts(self) -> tuple[str, ...]:
        """The projections to readouts."""
        return tuple(dict.fromkeys(x.through for x in self.paths if x.through is not None))

    @property
    def delay(self) -> int:
        """The delay of the paths, in steps."""
        return self.paths[0].delay


class Learning(NamedTuple):
    """State of a learner between steps, shaped like the weights.

    Attributes:
      traces: {place: [pre, post]}, of eligibility.
      filtered: {projection to the readout: {place: [pre, post]}}, filtered by the readout.
      sums: {name of the sum: [pre, post]}, over the steps so far, or of the last step.
    """

    traces: Traces
    filtered: dict[str, Traces]
    sums: dict[str, jax.Array]


@dataclass(frozen=True)
class Learners:
    """A network, what learns in it, and from which signals.

    Attributes:
      network: the network, with the weights that are trained.
      trained: the projections.
      paths: of learning signals.
      feedback: "symmetric", or a key.
    """

    network: Network
    trained: tuple[str, ...]
    paths: tuple[Path, ...]
    feedback: Any

    @property
    def each(self) -> tuple[Learner, ...]:
        """The trained projections, once for each delay of their paths."""
        return tuple(
            Learner(name, tuple(path for path in mine if path.delay == delay))
            for name in self.trained
            for mine in [self._paths_from(self.network.projection(name).post)]
            for delay in dict.fromkeys(path.delay for path in mine)
        )

    def _paths_from(self, population: str) -> list[Path]:
        return [path for path in self.paths if path.population == population]

    def signal(self, path: Path, by_observed: jax.Array) -> jax.Array:
        """Return the learning signal of each neuron that learns, [post].

        Args:
          path: from these neurons to those that are observed.
          by_observed: the derivative of the loss with respect to what is observed, [N].
        """
        if path.through is None:
            return by_observed
        weights = self.network.projection(path.through).connectivity.weights  # type: ignore[attr-defined]
        if isinstance(self.feedback, str):
            return jnp.dot(weights, by_observed, precision="highest")
        names = [p.name for p in self.network.projections]
        key = jax.random.fold_in(self.feedback, names.index(path.through))
        fixed = jax.random.normal(key, weights.shape, weights.dtype) / len(weights) ** 0.5
        return jnp.dot(fixed, by_observed, precision="highest")

    def gradients(
        self, learnt: list[Learning], by_folds: Mapping[str, Any]
    ) -> dict[str, dict[str, jax.Array]]:
        """Return {projection: {"weights": gradient}}.

        Args:
          learnt: of each learner, after the last step.
          by_folds: the derivatives of the loss with respect to what its folds have kept.
        """
        found: dict[str, dict[str, jax.Array]] = {}
        for learner, learning in zip(self.each, learnt, strict=True):
            gradient = learning.sums.get(EVERY_STEP, jnp.zeros((1, 1), self.network.dtype))
            for path, each in _folds_of(learner):
                signal = self.signal(path, each.own(by_folds))
                gradient = gradient + learning.sums[name_of_sum(path, each)] * signal[None]
            if learner.projection in found:
                gradient = gradient + found[learner.projection]["weights"]
            found[learner.projection] = {"weights": gradient}
        return found


def _folds_of(learner: Learner) -> Iterator[tuple[Path, Observation]]:
    """Yield the observations of folds, with their paths."""
    for path in learner.paths:
        yield from ((path, each) for each in path.observations if not each.is_trace)


def name_of_sum(path: Path, observation: Observation) -> str:
    """Return a name for the sum of an observation; others that need the same sum share it."""
    if observation.is_trace:
        return EVERY_STEP
    return f"{path.through} {path.place} {LAST if observation.is_last else 'of all steps'}"
