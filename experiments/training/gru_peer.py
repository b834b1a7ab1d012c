"""Gated recurrent unit in Flax, which learns the data of a spiking network as `jsnn.fit` does."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments import cli
from jsnn.training.history import Epoch

Drives = Mapping[str, Any]
"""Spike trains over time, [n, T, channels], of one population, by its name."""


class Gru(nnx.Module):
    """A GRU whose mean state over the steps is read by a linear layer."""

    def __init__(self, channels: int, units: int, classes: int, seed: int) -> None:
        rngs = nnx.Rngs(seed)
        self.units = units
        self.recurrent = nnx.RNN(nnx.GRUCell(channels, units, rngs=rngs))
        self.readout = nnx.Linear(units, classes, rngs=rngs)

    def __call__(self, trains: Any) -> jax.Array:
        """Return the scores of the classes, [n, classes]."""
        first = jnp.zeros((len(trains), self.units))
        states = self.recurrent(trains.astype(jnp.float32), initial_carry=first)
        return self.readout(states.mean(axis=1))


@dataclass(frozen=True)
class PeerTraining:
    """Results of a training.

    Attributes:
      gru: the GRU after the epoch with the least loss on held-out data.
      parameters: the number of its parameters.
      history: the results of all epochs.
    """

    gru: Gru
    parameters: int
    history: tuple[Epoch, ...]

    def accuracy(self, drives: Drives, labels: np.ndarray) -> float:
        """Return the share of right answers."""
        return float(np.mean(np.argmax(self.gru(_trains(drives)), axis=1) == labels))


def units_for(parameters: int, channels: int, classes: int) -> int:
    """Return the number of units with which a GRU has closest to so many parameters."""
    of_units = lambda n: 3 * n * (channels + n + 1) + (n + 1) * classes  # noqa: E731
    return min(range(1, 1024), key=lambda n: abs(of_units(n) - parameters))


def fit(
    batches: Any,
    held_out: tuple[Drives, np.ndarray],
    parameters: int,
    optimizer: optax.GradientTransformation,
    epochs: int,
    seed: int,
) -> PeerTraining:
    """Train a GRU.

    Args:
      batches: has `batches(epoch, first)`, which yields drives and labels.
      held_out: drives and labels that choose the epoch which is returned.
      parameters: the number of parameters that the GRU is to have, nearly.
      optimizer: of optax.
      epochs: the number of passes over the data.
      seed: of the first parameters.
    """
    trains, labels_of_held_out = _trains(held_out[0]), held_out[1]
    channels, classes = trains.shape[2], int(labels_of_held_out.max()) + 1
    gru = Gru(channels, units_for(parameters, channels, classes), classes, seed)
    structure, values, others = nnx.split(gru, nnx.Param, ...)
    scores = lambda values, trains: nnx.merge(structure, values, others)(trains)  # noqa: E731
    update = jax.jit(partial(_update, partial(_loss, scores), optimizer))
    assess = jax.jit(partial(_loss, scores))
    state, best, history = optimizer.init(values), values, []
    with cli.progress_bar(epochs, "epoch") as bar:
        for epoch in range(epochs):
            began, sums = time.perf_counter(), np.zeros(3)
            for drives, labels in batches.batches(epoch, 0):
                values, state, found = update(values, state, _trains(drives), labels)
                sums += len(labels) * np.array([*map(float, found), 1.0])
            assessed = map(float, assess(values, trains, labels_of_held_out))
            means = (sums[:2] / sums[2]).tolist()
            history.append(Epoch(*means, {}, *assessed, seconds=time.perf_counter() - began))
            if history[-1].validation_loss == min(e.validation_loss for e in history):
                best = values
            bar.set_postfix(history[-1].words(), refresh=False)
            bar.update()
    number = sum(leaf.size for leaf in jax.tree.leaves(values))
    return PeerTraining(nnx.merge(structure, best, others), number, tuple(history))


def _trains(drives: Drives) -> Any:
    return next(iter(drives.values())).values


def _loss(scores: Any, values: Any, trains: Any, labels: Any) -> tuple[jax.Array, jax.Array]:
    """Return the mean cross entropy and the share of right answers."""
    found = scores(values, trains)
    each = optax.softmax_cross_entropy_with_integer_labels(found, labels)
    return each.mean(), jnp.mean(jnp.argmax(found, axis=1) == labels)


def _update(loss: Callable[..., Any], optimizer: Any, values: Any, state: Any, *batch: Any) -> Any:
    found, gradient = jax.value_and_grad(loss, has_aux=True)(values, *batch)
    changes, state = optimizer.update(gradient, state, values)
    return optax.apply_updates(values, changes), state, found
