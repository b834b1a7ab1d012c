"""Input of the neurons in a step: what arrives through synapses, from sources and the drive."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.draws import OF_PROJECTIONS, drawn
from jsnn._engine.groups import Group, size_of, targets_into
from jsnn._engine.on_the_way import Arrived, row_of
from jsnn._engine.prepared import Carry, Prepared
from jsnn._engine.sending import Now, plasticity_of, product_of, sent_by, through_list
from jsnn._engine.sources import from_outside
from jsnn._engine.values import clock, per_neuron, strong
from jsnn.models.model import Values
from jsnn.network.projection import Projection
from jsnn.network.state import State


def input_of_one(
    prepared: Prepared,
    carry: Carry,
    name: str,
    now: Now,
    arriving: Mapping[str, jax.Array],
    currents: Mapping[str, jax.Array],
    inputs: Mapping[str, Mapping[str, Any]],
) -> Values:
    """Return the input of one population, {input: [N]}; put its synapses into `now`."""
    network = prepared.network
    population = network.population(name)
    targets = targets_into(network, (name,))
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
                prepared, p, carry.state, arrived, now.before[name]
            )
        total[p.target] = total[p.target] + incoming
    for source in network.sources:
        if source.population == name:
            total[source.target] = total[source.target] + currents[source.name]
    for target, given in inputs.get(name, {}).items():
        total[target] = total[target] + jnp.asarray(given, network.dtype)
    return total


def input_of_group(
    prepared: Prepared,
    arrived: Arrived,
    group: Group,
    currents: Mapping[str, jax.Array],
    inputs: Mapping[str, Mapping[str, Any]],
) -> Values:
    """Return the input of a group of several populations, {input: [N of the group]}."""
    network = prepared.network
    total = {}
    for target in targets_into(network, group):
        silence = jnp.zeros(size_of(network, group), network.dtype)
        total[target] = silence + arrived.inputs[group[0]].get(target, silence)
        extra = prepared.steady.get((group[0], target))
        if extra is None:
            extra = from_outside(network, group, target, currents, inputs)
        for current in extra:
            total[target] = total[target] + current
    return total


def _running_sum(prepared: Prepared, carry: Carry, name: str, target: str, now: Now) -> jax.Array:
    """Return the running sum of an input, [N], with what arrives within the step."""
    network = prepared.network
    total = carry.arrived.inputs[name].get(target)
    if total is None:
        total = jnp.zeros(network.sizes[name], network.dtype)
    for p in network.projections:
        if (p.post, p.target) == (name, target) and p.shares_sum and not p.keeps_sums:
            total = through_list(prepared, carry.state, p, now.all_spikes[p.pre], total)
    return total


def _arriving(prepared: Prepared, carry: Carry, projection: Projection, now: Now) -> jax.Array:
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
        emitted = sent_by(prepared, projection, now)
    if projection.is_listed:
        silence = jnp.zeros(projection.connectivity.num_post, emitted.dtype)
        return through_list(prepared, carry.state, projection, emitted, silence)
    return product_of(prepared, projection, plasticity_of(projection, carry.state), emitted)


def _through_synapses(
    prepared: Prepared, projection: Projection, state: State, arrived: jax.Array, post: Values
) -> tuple[Values, jax.Array]:
    """Update the synapse model; return its variables and the input that it makes, [post]."""
    model, before = projection.synapse, state.projections[projection.name].synapse
    dt = prepared.network.dt
    params = per_neuron(projection.params, model.params, arrived.shape[0])
    stream = OF_PROJECTIONS + [p.name for p in prepared.network.projections].index(projection.name)
    params |= drawn(prepared, state, model.draws, stream, projection.post)
    params |= clock(state.step, dt)
    reads = {name: post[name] for name in model.reads}
    after, incoming = model.update(params, before, arrived, reads, dt)
    return strong(after, before), incoming
