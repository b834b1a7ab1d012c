"""State of a network: all that changes in a run, in one pytree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_key, check_type, is_concrete
from jsnn._pytree import frozen, pytree, replace, short
from jsnn._summary import Summary, Table, bytes_in, bytes_of_memory, size_of
from jsnn.models.calls import variable_dtype
from jsnn.models.dependence import needs_key
from jsnn.models.model import Values
from jsnn.models.plasticity.reads import parsed
from jsnn.models.quantity import Quantity
from jsnn.network.connectivity import Divided, Modifiable
from jsnn.network.network import Network
from jsnn.network.plasticity import Plasticity
from jsnn.network.projection import Projection
from jsnn.network.values import Declared, Given


@pytree
class PlasticityState:
    """The part of a projection that learns.

    Attributes:
      synapses: {"weight" or variable: one value per synapse, shaped like the weights}.
      pre: {trace: [pre]}, or {trace: [num_sources]} if synapses have axonal parts of their own, one
        for each neuron and each step of which spikes reach the synapses.
      post: {trace: [post]}.
    """

    synapses: Values
    pre: Values
    post: Values

    def __post_init__(self) -> None:
        _freeze(self, "synapses", "pre", "post")


@pytree
class ProjectionState:
    """The state of a projection.

    Attributes:
      synapse: {variable of the synapse model: [post]}.
      in_flight: [D, pre], the spikes (0 or 1) of the last D steps, or the numbers that the synapse
        model sends in place of spikes; row n % D holds step n. D is the delay, or if sums are kept
        `axonal`, the longest of the synapses if they have their own. None if D is 0.
      arriving: [D, post], the sums that are on their way, of a plastic projection or one of a list
        of synapses; row n % D arrives in step n. None if there are none, or if they are part of the
        running sum of their input, `State.arriving`.
      post_in_flight: [back_propagation, post], the postsynaptic spikes on their way back to the
        synapse; row n % back_propagation holds step n. None if that is 0.
      variables_in_flight: {variable: [axonal, pre]}, those of the presynaptic neurons that the
        learning rule reads; row n % axonal holds step n. Empty if `axonal` is 0.
      post_variables_in_flight: {variable: [back_propagation, post]}, those of the postsynaptic
        neurons. Empty if `back_propagation` is 0.
      plasticity: the state of the learning rule, weights included; None without a rule.
    """

    synapse: Values
    in_flight: jax.Array | None
    arriving: jax.Array | None
    post_in_flight: jax.Array | None
    variables_in_flight: Values
    post_variables_in_flight: Values
    plasticity: PlasticityState | None

    def __post_init__(self) -> None:
        _freeze(self, "synapse", "variables_in_flight", "post_variables_in_flight")


@pytree
class State:
    """State of a network between two steps.

    Save it, fork it, edit it, and resume from it: the run goes on bit for bit. A state shares no
    memory with its network, so it can be donated. It cannot be changed in place; an edit makes a
    new one:

        cells = {**state.populations["cells"], "v": v}
        dataclasses.replace(state, populations=state.populations | {"cells": cells})

    Attributes:
      step: int32 (), the number of steps so far.
      populations: {population: {variable: [N]}}.
      projections: {projection: ProjectionState}.
      arriving: {population: {input: [D, N]}}, the running sums of the `DELTA` projections with
        lists of synapses; row n % D arrives in step n.
      sources: {current source: {variable: [N]}}.
      key: the PRNG key of this run, or None. Step n uses `jax.random.fold_in(key, n)`.
    """

    step: jax.Array
    populations: dict[str, Values]
    projections: dict[str, ProjectionState]
    arriving: dict[str, Values]
    sources: dict[str, Values]
    key: jax.Array | None

    def __post_init__(self) -> None:
        _freeze(self, "populations", "projections", "arriving", "sources")

    def summary(self) -> Summary:
        """Return the shapes of the state as a table."""
        parts = replace(self, key=None, step=None)
        rows = [
            (jax.tree_util.keystr(path).lstrip("."), short(leaf))
            for path, leaf in jax.tree_util.tree_leaves_with_path(parts)
        ]
        known = isinstance(self.step, jax.Array) and is_concrete(self.step) and self.step.ndim == 0
        step = str(int(self.step)) if known else short(self.step)
        return Summary(
            f"State at step {step}, {bytes_in(parts)}", [Table(("variable", "array"), rows)]
        )

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()


def _freeze(part: Any, *names: str) -> None:
    for name in names:
        object.__setattr__(part, name, frozen(getattr(part, name)))


def init(network: Network, key: jax.Array | None = None) -> State:
    """Make a fresh state: initial values everywhere, no spikes in flight, step 0.

    Args:
      network: the network to be run.
      key: from `jax.random.key(seed)`, one per presentation; needed if the network is random.

    Raises:
      TypeError: if the key is not a typed PRNG key.
      ValueError: if the network needs a key and there is none, or its spikes and sums on their way
        do not fit the memory.
    """
    check_type(network, Network, "network")
    check_key_of(network, key)
    _check_memory(network)
    return _fresh(network, key)


@jax.jit
def _fresh(network: Network, key: jax.Array | None) -> State:
    sizes, dtype = network.sizes, network.dtype
    return State(
        step=jnp.zeros((), jnp.int32),
        populations={
            p.name: _initial(p.initial, p.model.variables, (p.size,), dtype)
            for p in network.populations
        },
        projections={p.name: _projection_state(network, p) for p in network.projections},
        arriving={
            population: {
                target: jnp.zeros((depth, sizes[population]), dtype)
                for target, depth in depths.items()
            }
            for population, depths in depths_of_running_sums(network).items()
        },
        sources={
            s.name: _initial(s.initial, s.model.variables, (sizes[s.population],), dtype)
            for s in network.sources
        },
        key=None if key is None else jnp.array(key),
    )


def _check_memory(network: Network) -> None:
    """Raise ValueError if what is on its way through projections is larger than the memory."""
    sizes, each = network.sizes, np.dtype(network.dtype).itemsize
    rings: dict[Any, tuple[int, str]] = {}
    for p in network.projections:
        spikes = each * p.steps_of_spikes * sizes[p.pre]
        sums = each * p.steps_of_sums * sizes[p.post]
        ring = (p.post, p.target) if p.shares_sum else p.name
        rings[p.name, "spikes"] = spikes, p.name
        rings[ring] = max(rings.get(ring, (0, p.name)), (sums, p.name))
    needed, memory = sum(number for number, _ in rings.values()), bytes_of_memory()
    if needed > memory:
        number, name = max(rings.values())
        raise ValueError(
            f"projection {name!r}: given a delay of {network.projection(name).delay} steps, for "
            f"which {size_of(number)} are on their way; expected less than the {size_of(memory)} "
            "of memory of this machine, for all projections together"
        )


def depths_of_running_sums(network: Network) -> dict[str, dict[str, int]]:
    """Return {population: {input: D}}, the steps to come of which a running sum is kept."""
    depths: dict[str, dict[str, int]] = {}
    for p in network.projections:
        if p.shares_sum and p.keeps_sums:
            of_population = depths.setdefault(p.post, {})
            of_population[p.target] = max(of_population.get(p.target, 0), p.steps_of_sums)
    return depths


def abstract_state(network: Network) -> State:
    """Return the shapes and dtypes of a state of `network`, without any numbers."""
    key = jax.random.key(0, impl="threefry2x32") if network.stochastic else None
    return jax.eval_shape(init, network, key)


def check_key_of(network: Network, key: Any) -> None:
    """Check the key of a run of `network`.

    Raises:
      TypeError: if `key` is not a typed PRNG key.
      ValueError: if there is no key and the network is random, or there are several.
    """
    if key is None:
        if network.stochastic:
            sizes = network.sizes
            random = [s.name for s in network.sources if needs_key(s.model, sizes[s.population])]
            random += [p.name for p in network.populations if p.model.draws]
            random += [p.name for p in network.projections if p.synapse.draws]
            raise ValueError(
                f"key: given None; expected jax.random.key(seed), since {random} draw random "
                "numbers"
            )
        return
    check_key(key, "key")


def check_state(network: Network, state: State) -> None:
    """Check that `state` is a state of `network`.

    Raises:
      TypeError: if `state` is not a State.
      ValueError: if a part, a shape or a dtype differs from `init(network)`, a number is NaN, a
        plastic weight is outside the bounds of its rule, a spike in flight is neither 0 nor 1, or
        the step is negative.
    """
    check_type(state, State, "state", ", the first of the two values that a run returns")
    check_key_of(network, state.key)
    for path, leaf in jax.tree_util.tree_leaves_with_path(replace(state, key=None)):
        if not isinstance(leaf, (np.ndarray, np.generic, jax.Array)) or np.ma.isMaskedArray(leaf):
            where, kind = jax.tree_util.keystr(path), type(leaf).__name__
            raise TypeError(f"state{where}: given {kind}; expected an array")
    given, expected = _shapes(state), _shapes(abstract_state(network))
    for where in [*expected, *given]:
        if given.get(where) != expected.get(where):
            raise ValueError(
                f"state{where}: given {given.get(where, 'nothing')}; expected "
                f"{expected.get(where, 'nothing')}, as jsnn.init(network) makes it"
            )
    _check_no_nan(state)
    _check_values(network, state)


def with_projection(state: State, name: str, **changes: Any) -> State:
    """Return the state with some fields of one projection replaced."""
    changed = replace(state.projections[name], **changes)
    return replace(state, projections={**state.projections, name: changed})


def part_of(state: State, names: Collection[str]) -> State:
    """Return the state of some populations, projections and current sources, by their names."""

    def among(parts: dict[str, Any]) -> dict[str, Any]:
        return {name: part for name, part in parts.items() if name in names}

    return replace(
        state,
        populations=among(state.populations),
        projections=among(state.projections),
        arriving=among(state.arriving),
        sources=among(state.sources),
    )


def with_part(state: State, part: State) -> State:
    """Return the state with the populations, projections and sources of `part` in their places."""
    return replace(
        state,
        populations=state.populations | part.populations,
        projections=state.projections | part.projections,
        arriving=state.arriving | part.arriving,
        sources=state.sources | part.sources,
    )


def in_flight_after(spikes: jax.Array, delay: int, dtype: Any) -> jax.Array | None:
    """Return the spikes in flight after a run from step 0, [delay, pre], or None if `delay` is 0.

    Args:
      spikes: the spikes of the run, bools or floats [T, pre].
      delay: of the projection, in steps.
      dtype: of the network.
    """
    if not delay:
        return None
    num_steps = len(spikes)
    before_the_run = jnp.zeros((max(delay - num_steps, 0), *spikes.shape[1:]), spikes.dtype)
    last = jnp.concatenate([before_the_run, spikes[max(num_steps - delay, 0) :]])
    return jnp.roll(last, num_steps % delay, axis=0).astype(dtype)  # step n to row n % delay


def _projection_state(network: Network, projection: Projection) -> ProjectionState:
    rule, dtype = projection.plasticity, network.dtype
    num_pre, num_post = (network.sizes[name] for name in (projection.pre, projection.post))

    def rows(number: int, size: int) -> jax.Array | None:
        return jnp.zeros((number, size), dtype) if number else None

    def rows_of_variables(name: str, reads: Sequence[str], number: int) -> Values:
        """Return rows of the variables that the rule reads, as they are before the first step."""
        p = network.population(name)
        rows: Values = {}
        for key in reads if number else ():
            variable, _, of_synapse = parsed(key)
            part, model = (projection, projection.synapse) if of_synapse else (p, p.model)
            start, kind = {key: part.initial[variable]}, {key: model.variables[variable]}
            rows |= _initial(start, kind, (number, p.size), dtype)
        return rows

    return ProjectionState(
        synapse=_initial(projection.initial, projection.synapse.variables, (num_post,), dtype),
        in_flight=rows(projection.steps_of_spikes, num_pre),
        arriving=None if projection.shares_sum else rows(projection.steps_of_sums, num_post),
        post_in_flight=rows(projection.back_propagation, num_post),
        variables_in_flight=rows_of_variables(
            projection.pre, rule.model.reads_pre if rule else (), projection.longest_axonal
        ),
        post_variables_in_flight=rows_of_variables(
            projection.post, rule.model.reads_post if rule else (), projection.back_propagation
        ),
        plasticity=None if rule is None else _plasticity_state(rule, projection, dtype),
    )


def _plasticity_state(rule: Plasticity, projection: Projection, dtype: Any) -> PlasticityState:
    connectivity = projection.connectivity
    assert isinstance(connectivity, (Modifiable, Divided))
    model, weights = rule.model, connectivity.weights
    own = _initial(rule.initial, model.variables, weights.shape, dtype)
    pre, post = (
        _initial(_starts(traces, given, repeats), traces, (repeats * size,), dtype)
        for traces, given, size, repeats in (
            (model.pre, rule.initial_pre, connectivity.num_pre, projection.steps_at_once),
            (model.post, rule.initial_post, connectivity.num_post, 1),
        )
    )
    return PlasticityState(synapses={"weight": jnp.array(weights), **own}, pre=pre, post=post)


def _starts(traces: Declared, given: Given, repeats: int) -> dict[str, Any]:
    """Return the start values of traces, () or [repeats * N] each."""
    starts = {name: trace.default for name, trace in traces.items()} | dict(given)
    return {name: jnp.tile(x, repeats) if np.ndim(x) else x for name, x in starts.items()}


def _initial(values: Given, declared: Declared, shape: tuple[int, ...], dtype: Any) -> Values:
    def spread(value: Any, variable: Quantity) -> jax.Array:
        array = jnp.asarray(value).astype(variable_dtype(variable, dtype))
        whole = () if variable.shared else shape
        return jnp.array(array) if array.shape == whole else jnp.broadcast_to(array, whole)

    return {name: spread(value, declared[name]) for name, value in values.items()}


def _check_no_nan(state: State) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(replace(state, key=None)):
        if is_concrete(leaf) and np.issubdtype(leaf.dtype, np.floating) and np.isnan(leaf).any():
            raise ValueError(f"state{jax.tree_util.keystr(path)}: given NaN; expected numbers")


def _check_values(network: Network, state: State) -> None:
    """Raise ValueError if a concrete number of a state is one that no run can bring about."""
    if is_concrete(state.step) and np.asarray(state.step) < 0:
        raise ValueError(f"state.step: given {state.step}; expected a number >= 0")
    for projection in network.projections:
        part, what = state.projections[projection.name], f"state.projections[{projection.name!r}]"
        spikes, rule = part.in_flight, projection.plasticity
        if spikes is not None and is_concrete(spikes) and not projection.synapse.sends_numbers:
            array = np.asarray(spikes)
            wrong = array[(array != 0) & (array != 1)]
            if wrong.size:
                raise ValueError(f"{what}.in_flight: given {wrong[0]}; expected spikes, 0 or 1")
        if rule is not None and part.plasticity is not None:
            exists = getattr(projection.connectivity, "exists", None)
            weights = part.plasticity.synapses["weight"]
            rule.check_weights(weights, f"{what}.plasticity", exists)


def _shapes(state: State) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(replace(state, key=None))
    return {
        jax.tree_util.keystr(path): f"{np.dtype(leaf.dtype)}{list(leaf.shape)}"
        for path, leaf in leaves
    }
