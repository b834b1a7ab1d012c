"""Updates of a state between steps or runs, as pure functions.

They work under `jit` and `vmap` and in a loop. Plain JAX does the rest: a state is a pytree,
`state.populations["exc"]["v"].mean()` is the mean over neurons, and with `jax.vmap` around a run
the leading axis of every leaf is the batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, is_concrete, real_array
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.connectivity import Modifiable
from jsnn.network.network import Network
from jsnn.network.part_numbers import PLASTICITY
from jsnn.network.state import (
    PlasticityState,
    ProjectionState,
    State,
    init,
    with_projection,
)

Names = Sequence[str]
"""Names of variables."""


def reset(
    network: Network, state: State, names: Mapping[str, Names | Mapping[str, Names]]
) -> State:
    """Return the state with chosen variables at their initial values, all else as it was.

        jsnn.reset(network, state, {"cells": ["v"], "a_to_b": ["i_syn"]})
        jsnn.reset(network, state, {"a_to_b": {"synapse": ["i_syn"], "plasticity": ["weight"]}})

    Args:
      network: the network of the state.
      state: the state; it is not changed.
      names: {population, projection or current source: names of its variables}. Those of a
        projection are variables of its synapse model. For a plastic one they may be {"synapse":
        names, "plasticity": names}, with "weight" and the variables and traces of its learning
        rule; a trace of both sides is reset on both.

    Raises:
      TypeError: if `names` is not a mapping to lists.
      ValueError: if a name is unknown.
    """
    check_pair(network, state, "reset")
    check_type(names, Mapping, "reset, names", " of lists by part")
    check_known(names, [part.name for part in network.parts], "reset", "part of the network")
    fresh = init(network, state.key)
    changes = {}
    for field in ("populations", "projections", "sources"):
        parts, new = getattr(state, field), getattr(fresh, field)
        restored = _restored_projection if field == "projections" else _restored
        changes[field] = {
            name: restored(part, new[name], names[name], f"reset of {name!r}")
            if name in names
            else part
            for name, part in parts.items()
        }
    return replace(state, **changes)


def _restored(now: Values, fresh: Values, chosen: Any, what: str) -> Values:
    """Return variables, with the `chosen` ones of `fresh`."""
    _check_names(chosen, now, what)
    return {k: fresh[k] if k in chosen else x for k, x in now.items()}


def _restored_projection(
    now: ProjectionState, fresh: ProjectionState, chosen: Any, what: str
) -> ProjectionState:
    """Return the state of a projection, with the `chosen` variables of `fresh`."""
    chosen = chosen if isinstance(chosen, Mapping) else {_SYNAPSE: chosen}
    known = [_SYNAPSE] if now.plasticity is None else [_SYNAPSE, PLASTICITY]
    check_known(chosen, known, what, "part")
    synapse = _restored(now.synapse, fresh.synapse, chosen.get(_SYNAPSE, ()), what)
    of_rule, kind = chosen.get(PLASTICITY, ()), f"{what}, {PLASTICITY}"
    if now.plasticity is None or fresh.plasticity is None:
        return replace(now, synapse=synapse)
    sides = [
        (getattr(now.plasticity, side), getattr(fresh.plasticity, side))
        for side in ("synapses", "pre", "post")
    ]
    _check_names(of_rule, {name for values, _ in sides for name in values}, kind)
    restored = ({k: new[k] if k in of_rule else x for k, x in old.items()} for old, new in sides)
    return replace(now, synapse=synapse, plasticity=PlasticityState(*restored))


_SYNAPSE = "synapse"
"""Name under which the variables of the synapse model of a projection are chosen."""


def _check_names(chosen: Any, known: Iterable[str], what: str) -> None:
    if isinstance(chosen, str) or not isinstance(chosen, Iterable):
        raise TypeError(f"{what}: given {chosen!r}; expected a list of names")
    check_known(chosen, sorted(known), what, "variable")


def normalise_weights(
    network: Network, state: State, projection: str, total: ArrayLike, axis: str = "post"
) -> State:
    """Return the state with the plastic weights of each neuron scaled to one total.

    Weights that are scaled beyond the bounds of the learning rule are an error, since the rule
    would clip them at the next spike: give it bounds that leave room. Weights that are traced, as
    under `jit` and `vmap`, cannot be checked.

    Args:
      network: the network of the state.
      state: the state; it is not changed.
      projection: the name of a plastic projection.
      total: the new sum of the absolute weights, in the unit of the weights; a scalar or one number
        per neuron. Neurons that have only weights of 0 keep them.
      axis: "post" for the sum over the synapses that reach each postsynaptic neuron, "pre" for the
        sum over those that leave each presynaptic neuron.

    Raises:
      ValueError: if the projection is unknown or not plastic, a shape does not fit, or a weight
        would leave the bounds of the learning rule.
    """
    what = f"normalise_weights of {projection!r}"
    check_pair(network, state, what)
    check_known([projection], [p.name for p in network.projections], what, "projection")
    plastic = {name: p for name, p in state.projections.items() if p.plasticity is not None}
    check_known([projection], plastic, what, "plastic projection")
    check_known([axis], ("post", "pre"), what, "axis")
    rule, before = network.projection(projection).plasticity, plastic[projection]
    connectivity = network.projection(projection).connectivity
    assert isinstance(connectivity, Modifiable)
    assert rule is not None
    assert before.plasticity is not None
    weights = before.plasticity.synapses["weight"]
    size, spread = {
        "post": (connectivity.num_post, connectivity.of_post),
        "pre": (connectivity.num_pre, connectivity.of_pre),
    }[axis]
    if np.shape(total) not in ((), (size,)):
        raise ValueError(
            f"{what}, total: given shape {np.shape(total)}; expected a scalar or ({size},), one "
            "number per neuron"
        )

    def to_synapses(of_neurons: jax.Array) -> jax.Array:
        return jnp.broadcast_to(spread(of_neurons), weights.shape)

    # The sum over the synapses of each neuron is the transpose of copying its value to them.
    add_up = jax.linear_transpose(to_synapses, jax.ShapeDtypeStruct((size,), weights.dtype))
    (sums,) = add_up(jnp.abs(weights))
    wanted = real_array(total, weights.dtype, f"{what}, total")
    if is_concrete(wanted) and np.any(np.asarray(wanted) < 0):
        raise ValueError(f"{what}, total: given {np.min(wanted)}; expected a number >= 0")
    factors = jnp.where(sums > 0, wanted / jnp.where(sums > 0, sums, 1), 1)
    scaled = _within_rounding(weights * to_synapses(factors), *rule.bounds)
    rule.check_weights(scaled, f"{what}, result", getattr(connectivity, "exists", None))
    return with_synapses(state, projection, {"weight": scaled})


@jax.jit
def _within_rounding(weights: jax.Array, low: ArrayLike, high: ArrayLike) -> jax.Array:
    """Return weights with those put on a bound that are beyond it by a few rounding errors."""
    nearest = jnp.clip(weights, low, high)
    is_rounded = jnp.abs(weights - nearest) <= 4 * jnp.finfo(weights.dtype).eps * jnp.abs(nearest)
    return jnp.where(is_rounded, nearest, weights)


def check_pair(network: Network, state: State, what: str) -> None:
    """Raise an error if a network and a state are none, or have other parts."""
    check_type(network, Network, f"{what}, network")
    check_type(state, State, f"{what}, state")
    given = [*state.populations, *state.projections, *state.sources]
    expected = [part.name for part in network.parts]
    if set(given) != set(expected):
        raise ValueError(f"{what}, state: given one of {given}; expected one of {expected}")


def with_synapses(state: State, projection: str, changes: Values) -> State:
    """Return the state with other variables of the plastic synapses of a projection."""
    plastic = state.projections[projection].plasticity
    assert plastic is not None
    changed = replace(plastic, synapses=plastic.synapses | changes)
    return with_projection(state, projection, plasticity=changed)
