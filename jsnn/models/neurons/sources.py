"""Neurons without a membrane, which spike on command or at random."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import number_of_steps, positive_int
from jsnn.models.model import Values
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity
from jsnn.models.random_words import uniform
from jsnn.models.rounding import product


def _source_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"spike": current}


def _source_threshold(p: Values, x: Values) -> jax.Array:
    return x["spike"] - 0.5


SPIKE_SOURCE = NeuronModel(
    name="SPIKE_SOURCE",
    description="""Neurons without dynamics that spike if their input is 1 and not if it is 0.

    The drive may be the spike trains themselves, `jsnn.over_time(trains)` with trains bool [T, N];
    `jsnn.spike_trains` makes them from a list of spikes.
    """,
    params={},
    variables={"spike": 0.0},
    update=_source_update,
    threshold=_source_threshold,
)


def spike_trains(
    steps: ArrayLike, neurons: ArrayLike, num_steps: int, num_neurons: int
) -> np.ndarray:
    """Make spike trains from a list of spikes; the inverse of `spike_list`.

    Spike k is a spike of neuron `neurons[k]` in step `steps[k]`.

    Args:
      steps: integers in [0, num_steps), [number of spikes], in any order.
      neurons: integers in [0, num_neurons), [number of spikes].
      num_steps: T.
      num_neurons: N.

    Returns:
      bool [T, N], True where a neuron spikes.

    Raises:
      TypeError: if steps or neurons are not integers.
      ValueError: if their numbers differ, a spike lies outside, or a neuron spikes twice in a step.
    """
    shape = (
        number_of_steps(num_steps, "spike_trains, num_steps"),
        positive_int(num_neurons, "spike_trains, num_neurons"),
    )
    index = (
        _indices(steps, shape[0], "spike_trains, steps", "times in ms are to be divided by dt"),
        _indices(neurons, shape[1], "spike_trains, neurons", "neurons are counted from 0"),
    )
    if index[0].size != index[1].size:
        raise ValueError(
            f"spike_trains: given {index[0].size} steps and {index[1].size} neurons; expected "
            "as many, one of each for a spike"
        )
    spikes, counts = np.unique(np.stack(index, axis=1), axis=0, return_counts=True)
    if (counts > 1).any():
        step, neuron = spikes[np.argmax(counts > 1)]
        raise ValueError(
            f"spike_trains: given {counts.max()} spikes of neuron {neuron} in step {step}; "
            "expected one at most"
        )
    trains = np.zeros(shape, bool)
    trains[index] = True
    return trains


def _indices(given: Any, size: int, what: str, hint: str) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 1:
        raise ValueError(f"{what}: given shape {array.shape}; expected [number of spikes]")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{what}: given {array.dtype}; expected integers ({hint})")
    outside = (array < 0) | (array >= size)
    if outside.any():
        raise ValueError(f"{what}: given {array[outside][0]}; expected 0 to {size - 1} ({hint})")
    return array.astype(np.intp)


def _poisson_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"probability": -jnp.expm1(-product(p["rate"] + current, product(dt, 1e-3)))}


def _poisson_threshold(p: Values, x: Values) -> jax.Array:
    # Draws lie in [0, 1): 1 - draw is never 0, so that a probability of 0 never spikes.
    return x["probability"] - (1 - p["uniform"])


POISSON_NEURON = NeuronModel(
    name="POISSON_NEURON",
    description="""Neurons that spike at random, each with probability 1 - exp(-(rate + input) dt).

    The input is a rate in Hz too and may change from step to step; a sum below 0 counts as 0. The
    probability is that of at least one event of a Poisson process in the step. As a neuron spikes
    once in a step, it fires at less than the rate if rate dt is not small. `probability` is that
    of the last step.
    """,
    params={"rate": Quantity(0.0, "Hz", at_least=0)},
    variables={"probability": Quantity(0.0, at_least=0, at_most=1)},
    update=_poisson_update,
    threshold=_poisson_threshold,
    draws=(("uniform", uniform),),
)
