"""The input of a presentation: what it may be, and which part of it changes from step to step."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, real_array
from jsnn.models.neurons import SPIKE_SOURCE
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.values import check_time_constants

Drive = Mapping[str, ArrayLike | Mapping[str, ArrayLike]]
"""The input of a presentation: {population: current in nA} or {source or projection: parameters}.

A current is a scalar or [N], constant in time, or [T, N], one row a step. The spike trains of a
population of `SPIKE_SOURCE` may be bool instead, [T, N] or [N]. The parameters of a current source,
{parameter: value}, are constant; those of the plasticity of a projection are scalars or [T], such
as a reward that comes and goes.
"""


def check_drive(
    network: Network, drive: Drive, num_steps: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The drive apart into what is constant over the run and what has a row for each step."""
    check_type(drive, Mapping, "drive", " by population")
    sources = {source.name: source for source in network.sources}
    learning = {p.name: p for p in network.projections if p.plasticity is not None}
    known = [*network.sizes, *sources, *learning]
    check_known(drive, known, "drive", "population, current source or plastic projection")
    constant: dict[str, Any] = {}
    varying: dict[str, Any] = {}
    for name, given in drive.items():
        what = f"drive of {name!r}"
        if name in sources:
            constant[name] = _check_source_drive(network, sources[name], given, what)
            continue
        if name in learning:
            rule = _check_rule_drive(network, learning[name], given, num_steps, what)
            if any(np.ndim(value) for value in rule.values()):
                over_time = {k: jnp.broadcast_to(v, (num_steps,)) for k, v in rule.items()}
                varying[name] = over_time
            else:
                constant[name] = rule
            continue
        if isinstance(given, Mapping):
            raise TypeError(f"{what}: given a dict; expected a current, since it is a population")
        inputs = network.population(name).model.inputs or ("current",)
        check_known(["current"], inputs, f"{what}, whose inputs are not driven", "input")
        size, shape = network.sizes[name], np.shape(given)
        a_row_a_step = num_steps is not None and shape == (num_steps, size)
        if shape not in ((), (size,)) and not a_row_a_step:
            rows = "" if num_steps is None else f", or ({num_steps}, {size}), one row a step"
            raise ValueError(
                f"{what}: given shape {shape}; expected (), ({size},), one current per neuron{rows}"
            )
        if getattr(given, "dtype", None) == np.bool_ and given_spikes(network, name):
            array = jnp.asarray(given)
        else:
            array = real_array(given, network.dtype, what)
        (varying if a_row_a_step else constant)[name] = array
    return constant, varying


def given_spikes(network: Network, population: str) -> bool:
    """Whether a population's drive may be its spikes."""
    return network.population(population).model == SPIKE_SOURCE


def _check_rule_drive(
    network: Network, projection: Projection, given: Any, num_steps: int | None, what: str
) -> dict[str, jax.Array]:
    check_type(given, Mapping, what, " of parameters, since it is a projection")
    assert projection.plasticity is not None
    check_known(given, projection.plasticity.params, what, "parameter of its plasticity")
    shapes = [(), (num_steps,)] if num_steps is not None else [()]
    for parameter, value in given.items():
        if np.shape(value) not in shapes:
            raise ValueError(
                f"{what}, parameter {parameter!r}: given shape {np.shape(value)}; expected "
                f"{' or '.join(str(shape) for shape in shapes)}"
            )
    check_time_constants(given, what)
    return {k: real_array(v, network.dtype, f"{what}, parameter {k!r}") for k, v in given.items()}


def _check_source_drive(
    network: Network, source: CurrentSource, given: Any, what: str
) -> dict[str, jax.Array]:
    check_type(given, Mapping, what, " of parameters, since it is a current source")
    return source.checked_params(given, network.sizes[source.population], network.dtype, what)
