"""All that changes in a run, in one pytree."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_key, check_type, is_concrete
from jsnn._pytree import pytree, replace
from jsnn.models.checker import needs_key, variable_dtype
from jsnn.models.model import Values
from jsnn.network.connectivity import Modifiable
from jsnn.network.network import Network
from jsnn.network.projection import Projection


@pytree
class Plastic:
    """What changes in a projection that learns.

    Attributes:
      synapses: {"weight" or variable: as the weights of its connectivity}.
      pre: {trace: [pre]}.
      post: {trace: [post]}.
    """

    synapses: Values
    pre: Values
    post: Values


@pytree
class State:
    """The state between two steps; save it, fork it, edit it, and go on from it bit for bit.

    Attributes:
      step: int32 (), how many steps lie behind.
      variables: {population: {variable: [N]}}.
      synapses: {projection: {variable: [post]}}.
      sources: {current source: {variable: [N]}}.
      in_flight: {population: [D, N]}, the spikes (0 or 1) of its last D steps, D being the longest
        delay of its projections; those of step n are in row n % D. Populations whose spikes no
        later step needs are left out. Where a projection sends numbers in place of spikes, they
        are here under its name.
      arriving: {projection: [D, post]}, where each synapse has a delay of its own: what is on its
        way, in row 0 what arrives in the next step.
      plastic: {projection: Plastic}, the weights that change, with what the rule needs to change
        them.
      key: the PRNG key of this run, or None. Step n uses `jax.random.fold_in(key, n)`.
    """

    step: jax.Array
    variables: dict[str, Values]
    synapses: dict[str, Values]
    sources: dict[str, Values]
    in_flight: dict[str, jax.Array]
    arriving: dict[str, jax.Array]
    plastic: dict[str, Plastic]
    key: jax.Array | None


def init(network: Network, key: jax.Array | None = None) -> State:
    """A fresh state: initial values everywhere, no spikes in flight, step 0.

    Args:
      network: what is to be run.
      key: from `jax.random.key(seed)`, one per presentation; needed where a source is random.

    Raises ValueError where a key is needed and missing, TypeError where it is not a typed key.
    """
    check_type(network, Network, "network")
    check_key_of(network, key)
    sizes, dtype = network.sizes, network.dtype
    return State(
        step=jnp.zeros((), jnp.int32),
        variables={
            p.name: _initial(p.variables, p.model.variables, (p.size,), dtype)
            for p in network.populations
        },
        synapses={
            p.name: _initial(
                p.of_synapse(p.variables), p.synapse.variables, (sizes[p.post],), dtype
            )
            for p in network.projections
        },
        sources={
            s.name: _initial(s.variables, s.model.variables, (sizes[s.population],), dtype)
            for s in network.sources
        },
        in_flight={
            name: jnp.zeros((delay, sizes[name]), dtype)
            for name, delay in _longest_delays(network).items()
        }
        | {
            p.name: jnp.zeros((p.delay, sizes[p.pre]), dtype)
            for p in network.projections
            if p.synapse.sends is not None and p.delay
        },
        arriving={
            p.name: jnp.zeros((p.delay, sizes[p.post]), dtype)
            for p in network.projections
            if p.delayed_each
        },
        plastic={p.name: _plastic(p, dtype) for p in network.projections if p.plasticity},
        key=key,
    )


def abstract_state(network: Network) -> State:
    """The shapes and dtypes of a state of `network`, without any numbers."""
    key = jax.random.key(0) if network.stochastic else None
    return jax.eval_shape(init, network, key)


def check_key_of(network: Network, key: Any) -> None:
    """Raise an error if a run of `network` cannot use `key`."""
    if key is None:
        if network.stochastic:
            random = [s.name for s in network.sources if needs_key(s.model)]
            random += [p.name for p in network.populations if p.model.draws]
            raise ValueError(
                f"key: given None; expected jax.random.key(seed), since {random} draw random "
                "numbers"
            )
        return
    check_key(key, "key")


def check_state(network: Network, state: State) -> None:
    """Raise an error if `state` is not one of `network`."""
    check_type(state, State, "state")
    check_key_of(network, state.key)
    given, expected = _shapes(state), _shapes(abstract_state(network))
    for where in [*expected, *given]:
        if given.get(where) != expected.get(where):
            raise ValueError(
                f"state{where}: given {given.get(where, 'nothing')}; expected "
                f"{expected.get(where, 'nothing')}, as jsnn.init(network) makes it"
            )
    _check_no_nan(state)


def _check_no_nan(state: State) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(replace(state, key=None)):
        if is_concrete(leaf) and np.issubdtype(leaf.dtype, np.floating) and np.isnan(leaf).any():
            raise ValueError(f"state{jax.tree_util.keystr(path)}: given NaN; expected numbers")


def _shapes(state: State) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(replace(state, key=None))
    return {
        jax.tree_util.keystr(path): f"{np.dtype(leaf.dtype)}{list(leaf.shape)}"
        for path, leaf in leaves
    }


def _plastic(projection: Projection, dtype: Any) -> Plastic:
    rule, connectivity = projection.plasticity, projection.connectivity
    assert rule is not None
    assert isinstance(connectivity, Modifiable)
    weights = connectivity.weights
    own = _initial(projection.of_rule(projection.variables), rule.variables, weights.shape, dtype)
    return Plastic(
        synapses={"weight": weights, **own},
        pre=_initial(rule.pre, rule.pre, (connectivity.num_pre,), dtype),
        post=_initial(rule.post, rule.post, (connectivity.num_post,), dtype),
    )


def _initial(values: Any, defaults: Any, shape: tuple[int, ...], dtype: Any) -> Values:
    def of_neurons(value: Any, kind: Any) -> jax.Array:
        return jnp.broadcast_to(jnp.asarray(value).astype(kind), shape)

    return {
        name: of_neurons(value, variable_dtype(defaults[name], dtype))
        for name, value in values.items()
    }


def in_flight_after(network: Network, population: str, spikes: jax.Array) -> dict[str, jax.Array]:
    """{population: [D, N]}, what a run from step 0 with these `spikes`, bool [T, N], leaves.

    Empty where no later step needs them.
    """
    delay = _longest_delays(network).get(population, 0)
    num_steps = len(spikes)
    # Row r is to hold the last step n < T with n % delay == r.
    last = [num_steps - 1 - (num_steps - 1 - row) % delay for row in range(delay)]
    rows = [spikes[n] if n >= 0 else jnp.zeros_like(spikes[0]) for n in last]
    return {population: jnp.stack(rows).astype(network.dtype)} if rows else {}


def _longest_delays(network: Network) -> dict[str, int]:
    longest: dict[str, int] = {}
    for projection in network.projections:
        if projection.delay and not projection.delayed_each and projection.synapse.sends is None:
            longest[projection.pre] = max(longest.get(projection.pre, 0), projection.delay)
    return longest
