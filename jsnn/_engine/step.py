"""One step of a network: spikes arrive, synapses and sources make current, neurons update."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._engine.groups import (
    Group,
    Groups,
    divide,
    join,
    joined,
    parameters,
    places,
    size_of,
)
from jsnn._engine.on_the_way import Arrived, arriving_now, late, row_of, send, with_row
from jsnn._engine.plasticity_step import learn
from jsnn._kernels.delivery import Synapses, event_product, sparse_product
from jsnn._kernels.settled import settled
from jsnn._pytree import replace
from jsnn.models.checker import needs_key
from jsnn.models.model import Values
from jsnn.models.surrogates import spike
from jsnn.network.connectivity import (
    Connectivity,
    EventDriven,
    Listed,
    Modifiable,
    Sparse,
    TwoSided,
)
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.state import PlasticityState, ProjectionState, State
from jsnn.recording import SpikesOf


class Prepared(NamedTuple):
    """A network made ready for many steps: all that does not change from step to step.

    Attributes:
      network: the network.
      groups: the populations that are stepped, in groups.
      params: {group: {parameter: () or [N of the group]}}.
      synapses: {projection: its synapses}, of projections with lists.
      steady: {(group, input): [N of the group] each}, what sources and the drive add in every step,
        of groups of several populations.
      learning: {projection: the neurons on both sides of each synapse}, of plastic projections.
      event_driven: deliver by events if a connectivity can, instead of by whole products.
    """

    network: Network
    groups: Groups
    params: dict[str, Values]
    synapses: dict[str, Synapses]
    learning: dict[str, TwoSided]
    steady: dict[tuple[str, str], list[jax.Array]]
    event_driven: bool


class Carry(NamedTuple):
    """What one step hands to the next.

    Attributes:
      state: with the variables of groups in place of those of populations.
      arrived: what arrives in the next step.
    """

    state: State
    arrived: Arrived


def prepare(
    network: Network,
    groups: Groups,
    *,
    event_driven: bool,
    are_equal: bool = False,
    constant: Mapping[str, Any] | None = None,
    varying: Mapping[str, Any] | None = None,
) -> Prepared:
    """Make a network ready for many steps.

    Args:
      network: the network.
      groups: the populations to step.
      event_driven: deliver by events if a connectivity can, instead of by whole products.
      are_equal: True if the numbers of populations of a group are equal; see `parameters`.
      constant: the part of the drive that is constant in time.
      varying: the part of the drive that is not.
    """
    return Prepared(
        network,
        groups,
        parameters(network, groups, are_equal=are_equal),
        {p.name: _synapses(p) for p in network.projections if p.is_listed},
        {p.name: _both_sides(p) for p in network.projections if p.plasticity is not None},
        _steady(network, groups, constant or {}, varying or {}),
        event_driven,
    )


def start(prepared: Prepared, state: State) -> Carry:
    """Return the carry before the next step of a state."""
    network, groups = prepared.network, prepared.groups
    arrived = arriving_now(network, groups, state)
    return Carry(replace(state, populations=join(network, groups, state.populations)), arrived)


def state_of(prepared: Prepared, carry: Carry) -> State:
    """Return the state of a carry."""
    populations = divide(prepared.network, prepared.groups, carry.state.populations)
    return replace(carry.state, populations=populations)


def advance(
    prepared: Prepared,
    carry: Carry,
    drive: Mapping[str, Any],
    *,
    arriving: Mapping[str, jax.Array] | None = None,
) -> tuple[Carry, SpikesOf]:
    """Take one step of the populations that are prepared.

    Args:
      prepared: the network.
      carry: from `start`, or from the step before.
      drive: the input of this step, without time courses.
      arriving: {projection: [post]}, the sums that arrive now through projections from populations
        that are not stepped.

    Returns:
      The new carry, and {population: spikes [N]}.
    """
    network, groups, state = prepared.network, prepared.groups, carry.state
    source_states, currents = _source_currents(prepared, state, drive)
    now = _Now(divide(network, groups, state.populations), {}, {}, {}, {}, {})
    for group in groups:
        total = (
            _input_of_group(prepared, carry.arrived, group, currents, drive)
            if len(group) > 1
            else _input_of_one(prepared, carry, group[0], now, arriving or {}, currents, drive)
        )
        variables, spikes = _update_neurons(prepared, state, group, total)
        now.groups[group[0]], now.spikes_of_groups[group[0]] = variables, spikes
        for name, place in places(network, group).items():
            alone = len(group) == 1
            now.after[name] = {k: x if alone else x[place] for k, x in variables.items()}
            now.spikes[name] = spikes if alone else spikes[place]
    state, arrived = _end_of_step(prepared, state, now, drive)
    after = replace(
        state,
        step=state.step + 1,
        populations=now.groups,
        sources=dict(state.sources) | source_states,
    )
    return Carry(after, arrived), now.spikes


class _Now(NamedTuple):
    """What is known in the course of a step.

    Attributes:
      before: {population: {variable: [N]}} before the step.
      after: {population: {variable: [N]}} after it, of the populations that were updated.
      spikes: {population: [N]}, of these.
      groups: {group: {variable: [N of the group]}} after the step, of these.
      spikes_of_groups: {group: [N of the group]}, of these.
      synapses: {projection: {variable: [post]}} after the step, of projections to these.
    """

    before: dict[str, Values]
    after: dict[str, Values]
    spikes: SpikesOf
    groups: dict[str, Values]
    spikes_of_groups: SpikesOf
    synapses: dict[str, Values]


def _input_of_one(
    prepared: Prepared,
    carry: Carry,
    name: str,
    now: _Now,
    arriving: Mapping[str, jax.Array],
    currents: Mapping[str, jax.Array],
    drive: Mapping[str, Any],
) -> Values:
    """Return the input of one population, {input: [N]}; put its synapses into `now`."""
    network = prepared.network
    population = network.population(name)
    targets = population.model.targets
    total = {target: jnp.zeros(population.size, network.dtype) for target in targets}
    summed = set()
    for p in network.projections:
        if p.post != name:
            continue
        if p.shares_sum:
            now.synapses[p.name] = {}
            if p.target in summed:
                continue
            summed.add(p.target)
            incoming = _running_sum(prepared, carry, name, p.target, now)
        else:
            arrived = arriving.get(p.name)
            if arrived is None:
                arrived = _arriving(prepared, carry, p, now)
            now.synapses[p.name], incoming = _through_synapses(
                p, carry.state, arrived, now.before[name], network.dt
            )
        total[p.target] = total[p.target] + incoming
    for source in network.sources:
        if source.population == name:
            total[source.target] = total[source.target] + currents[source.name]
    if name in drive:
        total["current"] = total["current"] + jnp.asarray(drive[name], network.dtype)
    return total


def _input_of_group(
    prepared: Prepared,
    arrived: Arrived,
    group: Group,
    currents: Mapping[str, jax.Array],
    drive: Mapping[str, Any],
) -> Values:
    """Return the input of a group of several populations, {input: [N of the group]}."""
    network = prepared.network
    total = {}
    for target in network.population(group[0]).model.targets:
        silence = jnp.zeros(size_of(network, group), network.dtype)
        total[target] = silence + arrived.inputs[group[0]].get(target, silence)
        extra = prepared.steady.get((group[0], target))
        if extra is None:
            extra = _from_outside(network, group, target, currents, drive)
        for current in extra:
            total[target] = total[target] + current
    return total


def _from_outside(
    network: Network,
    group: Group,
    target: str,
    currents: Mapping[str, jax.Array],
    drive: Mapping[str, Any],
) -> list[jax.Array]:
    """Return what sources and the drive add to a group, in order, [N of the group] each.

    Where a population has less of it than others, nothing is added: 0 changes no bit of a sum that
    began with 0.
    """

    def of_one(name: str) -> list[jax.Array]:
        given = [
            currents[source.name]
            for source in network.sources
            if (source.population, source.target) == (name, target)
        ]
        if name in drive and target == "current":
            current = jnp.asarray(drive[name], network.dtype)
            given.append(jnp.broadcast_to(current, (network.sizes[name],)))
        return given

    silence = [jnp.zeros(network.sizes[name], network.dtype) for name in group]
    columns = zip_longest(*map(of_one, group))
    return [
        jnp.concatenate(
            [x if x is not None else zero for x, zero in zip(each, silence, strict=True)]
        )
        for each in columns
    ]


def _steady(
    network: Network,
    groups: Groups,
    constant: Mapping[str, Any],
    varying: Mapping[str, Any],
) -> dict[tuple[str, str], list[jax.Array]]:
    """Return {(group, input): what is added to it in every step}, where all of that is steady."""
    result = {}
    for group in groups:
        if len(group) == 1:
            continue
        sources = [source for source in network.sources if source.population in group]
        parts = {*group, *(source.name for source in sources)}
        if parts.isdisjoint(varying) and all(_is_steady(network, source) for source in sources):
            own = {source.name: constant.get(source.name, {}) for source in sources}
            key = jax.random.key(0, impl="threefry2x32")
            currents = {
                source.name: source.model.current(
                    _source_params(network, source, own), {}, key, network.dt
                )[1]
                for source in sources
            }
            for target in network.population(group[0]).model.targets:
                extra = _from_outside(network, group, target, currents, constant)
                result[group[0], target] = extra
    return result


def _is_steady(network: Network, source: CurrentSource) -> bool:
    return not source.model.variables and not needs_key(
        source.model, network.sizes[source.population]
    )


def _running_sum(prepared: Prepared, carry: Carry, name: str, target: str, now: _Now) -> jax.Array:
    """Return the running sum of an input, [N], with what arrives within the step."""
    network = prepared.network
    total = carry.arrived.inputs[name].get(target)
    if total is None:
        total = jnp.zeros(network.sizes[name], network.dtype)
    for p in network.projections:
        if (p.post, p.target) == (name, target) and p.shares_sum and not p.keeps_sums:
            total = _through_list(prepared, carry.state, p, now.spikes[p.pre], total)
    return total


def _through_list(
    prepared: Prepared, state: State, projection: Projection, sent: jax.Array, onto: jax.Array
) -> jax.Array:
    """Add to sums [post] what arrives within a step through a list of synapses."""
    synapses = _with_weights(prepared, projection, state.projections[projection.name].plasticity)
    by_events = prepared.event_driven and projection.synapse.sends is None
    return (event_product if by_events else sparse_product)(sent, synapses, onto)


def _arriving(prepared: Prepared, carry: Carry, projection: Projection, now: _Now) -> jax.Array:
    """Return the sum that a projection brings to each neuron now, [post]."""
    before = carry.state.projections[projection.name]
    if projection.keeps_sums:
        if projection.is_listed:
            return carry.arrived.sums[projection.name]
        assert before.arriving is not None
        return row_of(before.arriving, carry.state.step)
    if projection.delay:
        assert before.in_flight is not None
        emitted = row_of(before.in_flight, carry.state.step)
    else:
        emitted = _sent(projection, now)
    if projection.is_listed:
        silence = jnp.zeros(projection.connectivity.num_post, emitted.dtype)
        return _through_list(prepared, carry.state, projection, emitted, silence)
    return _product(prepared, projection, before.plasticity, emitted)


def _sent(projection: Projection, now: _Now) -> jax.Array:
    """Return the spikes of a population or the numbers that it sends, [pre]."""
    if projection.synapse.sends is None:
        return now.spikes[projection.pre]
    return projection.synapse.sends(dict(projection.params), now.after[projection.pre])


def _product(
    prepared: Prepared,
    projection: Projection,
    plasticity: PlasticityState | None,
    sent: jax.Array,
) -> jax.Array:
    """Turn what is sent [pre] into the sums that reach each neuron, [post]."""
    connectivity = _connectivity(projection, plasticity)
    by_events = prepared.event_driven and projection.synapse.sends is None
    if by_events and isinstance(connectivity, EventDriven):
        return connectivity.deliver_events(sent)
    return connectivity.deliver(sent)


def _connectivity(projection: Projection, plasticity: PlasticityState | None) -> Connectivity:
    """Return the connectivity with the weights that the synapses have."""
    if plasticity is None:
        return projection.connectivity
    assert isinstance(projection.connectivity, Modifiable)
    return projection.connectivity.with_weights(plasticity.synapses["weight"])


def _synapses(projection: Projection) -> Synapses:
    """Return the list of synapses, with slots that count from the step after the synapse."""
    assert isinstance(projection.connectivity, Listed)
    synapses = projection.connectivity.synapses()
    if not projection.has_synaptic_delays or not projection.steps_before_synapse:
        return synapses
    before = projection.steps_before_synapse * projection.connectivity.num_post
    return synapses._replace(slots=synapses.slots - before)


def _both_sides(projection: Projection) -> TwoSided:
    """Return the neurons on both sides of each synapse of a plastic projection."""
    connectivity = projection.connectivity
    assert isinstance(connectivity, Modifiable)
    return connectivity.both_sides() if isinstance(connectivity, Sparse) else connectivity


def _with_weights(
    prepared: Prepared, projection: Projection, plasticity: PlasticityState | None
) -> Synapses:
    synapses = prepared.synapses[projection.name]
    if plasticity is None:
        return synapses
    connectivity = _connectivity(projection, plasticity)
    assert isinstance(connectivity, Listed)
    return synapses._replace(weights=connectivity.sorted_weights)


def _through_synapses(
    projection: Projection, state: State, arrived: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    """Update the synapse model; return its variables and the input that it makes, [post]."""
    model, before = projection.synapse, state.projections[projection.name].synapse
    params = _per_neuron(projection.params, arrived.shape[0])
    reads = {name: post[name] for name in model.reads}
    after, incoming = model.update(params, before, arrived, reads, dt)
    return _strong(after, before), incoming


def _update_neurons(
    prepared: Prepared, state: State, group: Group, total: Values
) -> tuple[Values, jax.Array]:
    """Update the neurons of a group; return their variables and their spikes."""
    network, variables = prepared.network, state.populations[group[0]]
    model = network.population(group[0]).model
    draws = [_draws(network, state, network.population(name)) for name in group]
    params = _per_neuron(prepared.params[group[0]], size_of(network, group)) | {
        name: joined([each[name] for each in draws]) for name in draws[0]
    }
    updated = model.update(
        params, variables, total if model.inputs else total["current"], network.dt
    )
    if prepared.event_driven:
        updated = settled(_strong(updated, variables))
    spikes = spike(model.surrogate, model.threshold(params, updated))
    reset = model.reset(params, updated)
    spiked = spikes > 0
    after = {k: jnp.where(spiked, reset[k], updated[k]) for k in updated}
    return _strong(after, variables), spikes


def _draws(network: Network, state: State, population: Population) -> Values:
    """Return the random numbers that a neuron model asks for in this step, [N] each."""
    if not population.model.draws:
        return {}
    assert state.key is not None
    which = _STREAMS + [p.name for p in network.populations].index(population.name)
    own_key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), which)
    return {
        name: sampler(jax.random.fold_in(own_key, i), (population.size,), network.dtype)
        for i, (name, sampler) in enumerate(population.model.draws)
    }


_STREAMS = 2**16
"""The first random stream of populations; the streams below are those of current sources."""


def _end_of_step(
    prepared: Prepared, state: State, now: _Now, drive: Mapping[str, Any]
) -> tuple[State, Arrived]:
    """Send what reaches the synapses in this step, and let them learn.

    Returns:
      The state with its projections after the step, and what arrives in the next step.
    """
    network, step = prepared.network, state.step
    projections = [p for p in network.projections if p.name in state.projections]
    sent = {p.name: _sent(p, now) for p in projections if p.pre in now.spikes}
    reaching = {
        p.name: late(state.projections[p.name].in_flight, step, sent[p.name])
        if p.keeps_sums
        else sent[p.name]
        for p in projections
        if p.name in sent
    }

    def learnt(p: Projection, delivered: jax.Array | None = None) -> PlasticityState | None:
        before = state.projections[p.name]
        if before.plasticity is None:
            return None
        at_pre = reaching[p.name] if p.synapse.sends is None else now.spikes[p.pre]
        at_post = late(before.post_in_flight, step, now.spikes[p.post])
        return _learnt(prepared, p, before.plasticity, delivered, now, at_pre, at_post, drive)

    plastic = {
        p.name: learnt(p) if _delivers_learnt(p) else state.projections[p.name].plasticity
        for p in projections
    }
    listed = [p for p in projections if p.is_listed and p.keeps_sums]
    sums, arrived = send(
        network,
        prepared.groups,
        state,
        now.spikes_of_groups,
        {p.name: reaching[p.name] for p in listed if reaching[p.name] is not now.spikes[p.pre]},
        {p.name: _with_weights(prepared, p, plastic[p.name]) for p in listed},
        event_driven=prepared.event_driven,
    )
    after = {}
    for p in projections:
        before = sums.projections[p.name]
        arriving, delivered = before.arriving, None
        if p.keeps_sums and not p.is_listed:
            delivered = _product(prepared, p, plastic[p.name], reaching[p.name])
            arriving = with_row(arriving, step, delivered)
        elif p.keeps_sums and p.plasticity is not None:
            delivered = (
                arrived.inputs[_group_of(prepared, p.post)][p.target]
                if p.shares_sum
                else arrived.sums[p.name]
            )
        after[p.name] = ProjectionState(
            synapse=now.synapses.get(p.name, {}),
            in_flight=with_row(before.in_flight, step, sent.get(p.name)),
            arriving=arriving,
            post_in_flight=with_row(before.post_in_flight, step, now.spikes.get(p.post)),
            plasticity=plastic[p.name] if _delivers_learnt(p) else learnt(p, delivered),
        )
    return replace(sums, projections=after), arrived


def _group_of(prepared: Prepared, name: str) -> str:
    return next(group[0] for group in prepared.groups if name in group)


def _delivers_learnt(projection: Projection) -> bool:
    rule = projection.plasticity
    return rule is not None and rule.model.delivers_learnt_weight


def _learnt(
    prepared: Prepared,
    projection: Projection,
    before: PlasticityState | None,
    delivered: jax.Array | None,
    now: _Now,
    at_pre: jax.Array,
    at_post: jax.Array,
    drive: Mapping[str, Any],
) -> PlasticityState | None:
    """Return the plastic synapses after this step.

    Args:
      prepared: the network.
      projection: the projection that learns.
      before: its plastic synapses before the step.
      delivered: sums of the weights before this step's learning, if they are made in this step.
      now: what is known of the step.
      at_pre: the spikes that reach the synapses from the presynaptic side, [pre].
      at_post: the spikes that reach the synapses from the postsynaptic side, [post].
      drive: the input of this step.
    """
    rule = projection.plasticity
    if rule is None or before is None:
        return before
    return learn(
        rule.model,
        prepared.learning[projection.name],
        before,
        {**rule.params, **drive.get(projection.name, {})},
        _side(at_pre, now.after[projection.pre], rule.model.reads_pre),
        _side(at_post, now.after[projection.post], rule.model.reads_post),
        prepared.network.dt,
        delivered,
        event_driven=prepared.event_driven,
    )


def _side(spikes: jax.Array, variables: Values, reads: Sequence[str]) -> Values:
    """Return the view that a learning rule has of the neurons on one side."""
    return {"spike": spikes, **{name: variables[name] for name in reads}}


def _source_currents(
    prepared: Prepared, state: State, drive: Mapping[str, Any]
) -> tuple[dict[str, Values], dict[str, jax.Array]]:
    """Return the variables of the current sources after this step, and their currents."""
    network = prepared.network
    key = None if state.key is None else jax.random.fold_in(state.key, state.step)
    states: dict[str, Values] = {}
    currents: dict[str, jax.Array] = {}
    for i, source in enumerate(network.sources):
        if source.name not in state.sources:
            continue
        params = _source_params(network, source, drive)
        own_key = (
            jax.random.key(0, impl="threefry2x32") if key is None else jax.random.fold_in(key, i)
        )
        before = state.sources[source.name]
        after, currents[source.name] = source.model.current(params, before, own_key, network.dt)
        states[source.name] = _strong(after, before)
    return states, currents


def _source_params(network: Network, source: CurrentSource, drive: Mapping[str, Any]) -> Values:
    params = {**source.params, **drive.get(source.name, {})}
    return _per_neuron(params, network.sizes[source.population])


def _strong(after: Values, before: Values) -> Values:
    """Return variables without weak types, which a constant in a model's code would bring in."""
    return {name: after[name].astype(before[name].dtype) for name in before}


def _per_neuron(params: Mapping[str, Any], size: int) -> Values:
    return {
        name: jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }
