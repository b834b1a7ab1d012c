"""Checks of what a network needs for exact gradients, and the reasons if it lacks something."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from jsnn.models.calls import arguments_of
from jsnn.models.neurons import IZHIKEVICH_GENN, NeuronModel
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.training.exact.depends import depends_on, is_rounded
from jsnn.training.exact.model import MARGIN, SHIFT, ExactUpdate

_N = 3
"""Number of neurons in a trial."""


def is_input(network: Network, population: Population) -> bool:
    """Return True for neurons that nothing reaches and whose spikes are no crossings in time."""
    reached = any(p.post == population.name for p in network.projections)
    model = population.model
    return not reached and (bool(model.draws) or not _crosses_in_time(model))


def check_network(network: Network) -> None:
    """Check that a network can be made exact.

    Raises:
      ValueError: if a projection or the model of a population cannot; the message says why.
    """
    if network.mesh is not None:
        raise ValueError(
            "exact: given a network that is divided over devices; expected a whole one (divide "
            "presentations over devices instead)"
        )
    for population in network.populations:
        if not is_input(network, population):
            _check_population(population)
    for projection in network.projections:
        if not is_input(network, network.population(projection.post)):
            _check_projection(projection)


def _check_population(population: Population) -> None:
    model, what = population.model, f"exact, population {population.name!r}"
    name = model.name or "its model"
    if isinstance(model.update, ExactUpdate):
        raise ValueError(f"{what}: given {name}; expected a network that is not exact yet")
    for taken in {MARGIN, SHIFT} & {*model.variables, *model.params}:
        raise ValueError(
            f"{what}: {name} has {taken!r} already; expected another name for it, since it is a "
            "variable of every exact model"
        )
    reason = why_not(model)
    if reason:
        raise ValueError(f"{what}: {name} has no derivative of its spike times, since {reason}")


@lru_cache
def why_not(model: NeuronModel) -> str:
    """Return the reason why spike times of a model have no derivative; "" if they have one."""
    if model == IZHIKEVICH_GENN:
        return (
            "it clips v at the peak and resets it in the step after; expected jsnn.IZHIKEVICH or a "
            "model with `reset`"
        )
    if model.draws:
        return f"it draws {model.draws[0][0]!r} at random; expected a model without `draws`"
    counted = [name for name in _changed_by_reset(model) if model.variables[name].kind != "f"]
    if counted:
        return (
            f"`reset` changes {counted[0]!r}, which is no float and keeps no shift of a spike; "
            "expected a time that is left, declared by `refractory=jsnn.Refractory(left, holds)`"
        )
    rounded = _rounded_by_update(model)
    if rounded and model.refractory is None:
        return (
            f"`update` rounds {rounded[0]!r}, which loses the shift of a spike; expected a time "
            "that is left, declared by `refractory=jsnn.Refractory(left, holds)`"
        )
    if not never_spikes(model) and not _crosses_in_time(model):
        return (
            "`update` and `threshold` do not depend on dt; expected equations in time, so that "
            "the margin has a slope"
        )
    return ""


def _check_projection(projection: Projection) -> None:
    what = f"exact, projection {projection.name!r}"
    if projection.plasticity is not None:
        raise ValueError(f"{what}: given a plasticity; expected none, as weights change at spikes")
    if projection.synapse.event is not None:
        raise ValueError(
            f"{what}: given a synapse model with `event`; expected one that sends spikes, or "
            "numbers in every step"
        )
    if projection.synapse.draws:
        raise ValueError(f"{what}: given a synapse model with `draws`; expected none")


@lru_cache
def never_spikes(model: NeuronModel) -> bool:
    """Return True if the margin of a model depends on none of its variables, as -inf does not."""
    arguments = arguments_of(model, jnp.result_type(float), _N)[:2]
    return not any(depends_on(model.threshold, arguments, on=1))


@lru_cache
def _crosses_in_time(model: NeuronModel) -> bool:
    """Return True if the margin after a step depends on the length of the step."""

    def margin(params: Any, variables: Any, given: Any, dt: Any) -> Any:
        own = {name: params[name] for name in model.params}
        p = {**params, **model.complete_params(own, dt)}
        return model.threshold(p, model.update(p, variables, given, dt))

    return any(depends_on(margin, arguments_of(model, jnp.result_type(float), _N), on=3))


@lru_cache
def _rounded_by_update(model: NeuronModel) -> list[str]:
    """Return the variables that `reset` may change and `update` may round."""
    arguments = arguments_of(model, jnp.result_type(float), _N)
    rounded = is_rounded(model.update, arguments, on=1)
    names = sorted(model.variables)
    changed = _changed_by_reset(model)
    return [k for k, lost in zip(names, rounded, strict=True) if lost and k in changed]


@lru_cache
def _changed_by_reset(model: NeuronModel) -> list[str]:
    """Return the variables that `reset` may change."""
    arguments = arguments_of(model, jnp.result_type(float), _N)[:2]
    traced = jax.make_jaxpr(model.reset)(*arguments).jaxpr
    names = sorted(model.variables)
    before = traced.invars[-len(names) :]
    return [k for k, a, b in zip(names, before, traced.outvars, strict=True) if a is not b]
