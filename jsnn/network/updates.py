"""Updates at will between steps or runs: pure functions of the state.

They work under `jit` and `vmap` and in a loop. Whatever they do not cover is plain JAX: a state is
a pytree, `state.variables["exc"]["v"].mean()` is the mean over neurons, and with `jax.vmap` around
a run the leading axis of every leaf is the batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, is_concrete, real_array
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.connectivity import Modifiable, Sparse
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.state import Plastic, State, init


def reset(network: Network, state: State, names: Mapping[str, Sequence[str]]) -> State:
    """The state with chosen variables back at their initial values, everything else as it was.

    Args:
      network: of the state.
      state: unchanged itself.
      names: {population, projection or current source: names of its variables}. Those of a
        projection are the variables of its synapse model and, where it is plastic, "weight" and the
        variables and traces of its plasticity; a trace of both sides is reset on both.

    Raises ValueError where a name is unknown.
    """
    _check_pair(network, state, "reset")
    check_known(names, [part.name for part in network.parts], "reset", "part of the network")
    fresh = init(network, state.key)
    where = ("variables", "synapses", "sources", "plastic")
    changes = {field: dict(getattr(state, field)) for field in where}
    for part, chosen in names.items():
        if isinstance(chosen, str):
            raise TypeError(f"reset of {part!r}: given {chosen!r}; expected a list of names")
        known: set[str] = set()
        for field, parts in changes.items():
            if part in parts:
                known |= _names(parts[part])
                parts[part] = _restored(parts[part], getattr(fresh, field)[part], chosen)
        check_known(chosen, sorted(known), f"reset of {part!r}", "variable")
    return replace(state, **changes)


def _names(values: Values | Plastic) -> set[str]:
    if isinstance(values, Plastic):
        return {*values.synapses, *values.pre, *values.post}
    return {*values}


def _restored(now: Any, fresh: Any, names: Sequence[str]) -> Any:
    if isinstance(now, Plastic):
        return Plastic(
            synapses=_restored(now.synapses, fresh.synapses, names),
            pre=_restored(now.pre, fresh.pre, names),
            post=_restored(now.post, fresh.post, names),
        )
    return {name: fresh[name] if name in names else value for name, value in now.items()}


def normalise_weights(
    network: Network, state: State, projection: str, total: ArrayLike, axis: str = "post"
) -> State:
    """The state with the plastic weights of each neuron scaled to one total.

    Args:
      network: of the state.
      state: unchanged itself.
      projection: the name of a plastic one.
      total: what the absolute weights are to add up to, in the unit of the weights; a scalar or one
        number per neuron. Neurons that have only weights of 0 keep them.
      axis: "post" for what reaches each postsynaptic neuron, "pre" for what leaves each presynaptic
        one.

    Raises ValueError where the projection is unknown or not plastic, or a shape does not fit.
    """
    what = f"normalise_weights of {projection!r}"
    _check_pair(network, state, what)
    connectivity = _projection(network, projection, what).connectivity
    check_known([projection], state.plastic, what, "plastic projection")
    check_known([axis], ("post", "pre"), what, "axis")
    assert isinstance(connectivity, Modifiable)
    plastic = state.plastic[projection]
    weights = plastic.synapses["weight"]
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

    # To sum over the synapses of each neuron is the transpose of copying its value to them.
    add_up = jax.linear_transpose(to_synapses, jax.ShapeDtypeStruct((size,), weights.dtype))
    (sums,) = add_up(jnp.abs(weights))
    wanted = real_array(total, weights.dtype, f"{what}, total")
    if is_concrete(wanted) and np.any(np.asarray(wanted) < 0):
        raise ValueError(f"{what}, total: given {np.min(wanted)}; expected a number >= 0")
    factors = jnp.where(sums > 0, wanted / jnp.where(sums > 0, sums, 1), 1)
    scaled = plastic.synapses | {"weight": weights * to_synapses(factors)}
    return _with_synapses(state, projection, scaled)


def rewire(
    network: Network,
    state: State,
    projection: str,
    remove: ArrayLike,
    pre: ArrayLike,
    post: ArrayLike,
    weights: ArrayLike,
    delays: ArrayLike | None = None,
) -> tuple[Network, State]:
    """Remove and add synapses of a `Sparse` projection; the others keep their values.

    As many new ones as are removed make a network of the same shapes, for which nothing is compiled
    again. Any other number does compile anew, and cannot be the carry of a loop. Spikes that are in
    flight arrive through the synapses of the time of their arrival, or, where each synapse has a
    delay, through those of the time of their emission.

    Args:
      network: of the state.
      state: unchanged itself.
      projection: its name.
      remove: integers [k], which synapses, in the order in which `Sparse` keeps them, each once.
      pre: integers [m], the presynaptic neurons of the new synapses.
      post: integers [m], their postsynaptic neurons.
      weights: [m], their weights. All variables of a plasticity start at their initial values,
        those of its model where the projection gives one value per synapse.
      delays: integers [m], needed where synapses have delays, at most the longest that there was.

    Returns:
      The network, which has the new synapses with their weights as initial values too, and the
      state.

    Raises ValueError or TypeError where the projection is unknown or not `Sparse`, an index is
    outside, a synapse is removed twice, or shapes differ. Indices that are traced are not checked.
    """
    what = f"rewire of {projection!r}"
    _check_pair(network, state, what)
    old = _projection(network, projection, what)
    sparse: Any = old.connectivity
    check_type(sparse, Sparse, what, " connectivity")
    try:
        connectivity, which = sparse.rewired(remove, pre, post, weights, delays)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None

    def aligned(values: jax.Array, new: Any) -> jax.Array:
        start = jnp.broadcast_to(jnp.asarray(new).astype(values.dtype), np.shape(weights))
        return jnp.concatenate([values, start])[which]

    rule = old.plasticity
    defaults = {} if rule is None else rule.variables
    given = {k: v for k, v in old.variables.items() if k in defaults}
    initial = {k: v if np.ndim(v) == 0 else defaults[k] for k, v in given.items()}
    each = {k: aligned(v, initial[k]) for k, v in given.items() if np.ndim(v)}
    new = replace(old, connectivity=connectivity, variables={**old.variables, **each})
    projections = tuple(new if p.name == projection else p for p in network.projections)
    if rule is not None:
        synapses = state.plastic[projection].synapses
        starts = {**initial, "weight": weights}
        synapses = {name: aligned(values, starts[name]) for name, values in synapses.items()}
        state = _with_synapses(state, projection, synapses)
    return replace(network, projections=projections), state


def _check_pair(network: Network, state: State, what: str) -> None:
    check_type(network, Network, f"{what}, network")
    check_type(state, State, f"{what}, state")


def _projection(network: Network, name: str, what: str) -> Projection:
    by_name = {projection.name: projection for projection in network.projections}
    check_known([name], by_name, what, "projection")
    return by_name[name]


def _with_synapses(state: State, projection: str, synapses: Values) -> State:
    plastic = replace(state.plastic[projection], synapses=synapses)
    return replace(state, plastic={**state.plastic, projection: plastic})
