"""The input of a presentation: what it may be, and which part of it changes from step to step."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, real_array
from jsnn.network import Network
from jsnn.neurons import SPIKE_SOURCE
from jsnn.parts import CurrentSource

Drive = Mapping[str, ArrayLike | Mapping[str, ArrayLike]]
"""The input of a presentation: {population: current in nA} or {current source: {parameter: value}}.

A current is a scalar or [N], constant in time, or [T, N], one row a step. The spike trains of a
population of `SPIKE_SOURCE` may be bool instead, [T, N] or [N].
"""


def check_drive(
    network: Network, drive: Drive, num_steps: int | None
) -> tuple[dict[str, Any], dict[str, jax.Array]]:
    """The drive apart into what is constant over the run and what has a row for each step."""
    check_type(drive, Mapping, "drive", " by population")
    sources = {source.name: source for source in network.sources}
    check_known(drive, [*network.sizes, *sources], "drive", "population or current source")
    constant: dict[str, Any] = {}
    varying: dict[str, jax.Array] = {}
    for name, given in drive.items():
        what = f"drive of {name!r}"
        if name in sources:
            constant[name] = _check_source_drive(network, sources[name], given, what)
            continue
        if isinstance(given, Mapping):
            raise TypeError(f"{what}: given a dict; expected a current, since it is a population")
        size, shape = network.sizes[name], np.shape(given)
        over_time = num_steps is not None and shape == (num_steps, size)
        if shape not in ((), (size,)) and not over_time:
            rows = "" if num_steps is None else f", or ({num_steps}, {size}), one row a step"
            raise ValueError(
                f"{what}: given shape {shape}; expected (), ({size},), one current per neuron{rows}"
            )
        if getattr(given, "dtype", None) == np.bool_ and given_spikes(network, name):
            array = jnp.asarray(given)
        else:
            array = real_array(given, network.dtype, what)
        (varying if over_time else constant)[name] = array
    return constant, varying


def given_spikes(network: Network, population: str) -> bool:
    """Whether a population's drive may be its spikes."""
    return network.population(population).model == SPIKE_SOURCE


def _check_source_drive(
    network: Network, source: CurrentSource, given: Any, what: str
) -> dict[str, jax.Array]:
    check_type(given, Mapping, what, " of parameters, since it is a current source")
    return source.checked_params(given, network.sizes[source.population], network.dtype, what)
