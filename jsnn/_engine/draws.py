"""Random numbers that models draw in every step."""

from collections.abc import Sequence

import jax

from jsnn._engine.prepared import Prepared
from jsnn.models.model import Sampler, Values
from jsnn.network.state import State

OF_POPULATIONS = 2**16
"""The first random stream of populations; the streams below are those of current sources."""

OF_PROJECTIONS = 2**24
"""The first random stream of projections."""


def drawn(
    prepared: Prepared,
    state: State,
    draws: Sequence[tuple[str, Sampler]],
    stream: int,
    population: str,
) -> Values:
    """Return the random numbers that a model asks for in this step, {name: [N]}.

    Args:
      prepared: the network.
      state: before the step.
      draws: (name, sampler) each.
      stream: the number of the random stream of the part.
      population: the name of the population of N neurons, of which this device has some.
    """
    if not draws:
        return {}
    assert state.key is not None
    key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), stream)
    devices, dtype = prepared.devices, prepared.network.dtype
    shape = (devices.sizes[population],)
    return {
        name: devices.own(sampler(jax.random.fold_in(key, i), shape, dtype))
        for i, (name, sampler) in enumerate(draws)
    }
