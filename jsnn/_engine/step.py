"""One step of a network: spikes arrive, synapses and sources make current, neurons update."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.draws import OF_POPULATIONS, drawn
from jsnn._engine.end_of_step import end_of_step
from jsnn._engine.groups import Group, divide, joined, places, size_of
from jsnn._engine.neuron_input import input_of_group, input_of_one
from jsnn._engine.prepared import Carry, Prepared, with_params
from jsnn._engine.sending import Now
from jsnn._engine.sources import source_currents
from jsnn._engine.values import clock, per_neuron, strong
from jsnn._kernels.settled import settled
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.models.surrogates import spike
from jsnn.network.state import State
from jsnn.recording import SpikesOf


def advance(
    prepared: Prepared,
    carry: Carry,
    inputs: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    arriving: Mapping[str, jax.Array] | None = None,
) -> tuple[Carry, SpikesOf]:
    """Take one step of the populations that are prepared.

    Args:
      prepared: the network, with the neurons of this device.
      carry: from `start`, or from the step before.
      inputs: {population: {input: () or [N]}}, from outside, of this step.
      params: {part: {parameter: value}}, those that change from step to step.
      arriving: {projection: [post]}, the sums that arrive now through projections from populations
        that are not stepped.

    Returns:
      The new carry, and {population: spikes [N]}, of all devices.
    """
    prepared = with_params(prepared, params or {})
    network, devices, groups = prepared.network, prepared.devices, prepared.groups
    state = carry.state
    now = Now(divide(network, groups, state.populations), {}, {}, {}, {}, {}, {}, state.step)
    source_states, currents = source_currents(network, devices, state, now.before)
    for group in groups:
        total = (
            input_of_group(prepared, carry.arrived, group, currents, inputs)
            if len(group) > 1
            else input_of_one(prepared, carry, group[0], now, arriving or {}, currents, inputs)
        )
        variables, spikes = _update_neurons(prepared, state, group, total)
        now.groups[group[0]] = variables
        for name, place in places(network.sizes, group).items():
            alone = len(group) == 1
            now.after[name] = {k: x if alone else x[place] for k, x in variables.items()}
            now.spikes[name] = spikes if alone else spikes[place]
        of_all = devices.spikes_from_all({name: now.spikes[name] for name in group})
        now.all_spikes.update(of_all)
        now.all_spikes_of_groups[group[0]] = (
            spikes if devices.number == 1 else joined(list(of_all.values()))
        )
    state, arrived = end_of_step(prepared, state, now)
    after = replace(
        state,
        step=state.step + 1,
        populations=now.groups,
        sources=dict(state.sources) | source_states,
    )
    return Carry(after, arrived), now.all_spikes


def _update_neurons(
    prepared: Prepared, state: State, group: Group, total: Values
) -> tuple[Values, jax.Array]:
    """Update the neurons of a group; return their variables and their spikes."""
    network, variables = prepared.network, state.populations[group[0]]
    model = network.population(group[0]).model
    names = [p.name for p in network.populations]
    draws = [
        drawn(prepared, state, model.draws, OF_POPULATIONS + names.index(name), name)
        for name in group
    ]
    params = per_neuron(prepared.params[group[0]], model.params, size_of(network, group))
    params |= {name: joined([each[name] for each in draws]) for name in draws[0]}
    params |= clock(state.step, network.dt)
    inputs = {target: total[target] for target in model.targets}
    raised = {k: x + total[k] for k, x in variables.items() if k in total and k not in inputs}
    updated = model.update(
        params,
        {**variables, **raised},
        inputs if model.inputs else inputs["current"],
        network.dt,
    )
    if prepared.event_driven:
        updated = settled(strong(updated, variables))
    unit = 1.0 if model.margin_unit is None else model.margin_unit(params)
    spikes = spike(model.surrogate, model.threshold(params, updated), unit)
    reset = model.reset(params, updated)
    spiked = spikes > 0
    after = {
        k: x if model.variables[k].shared else jnp.where(spiked, reset[k], x)
        for k, x in updated.items()
    }
    if model.reset_gradient:
        after = _through_reset(spikes, updated, reset, after)
    return strong(after, variables), spikes


def _through_reset(spikes: jax.Array, before: Values, reset: Values, after: Values) -> Values:
    """Return the variables after the reset, with a derivative with respect to the spikes."""
    nothing = spikes - jax.lax.stop_gradient(spikes)
    return {
        k: x + nothing * (reset[k] - before[k]) if jnp.issubdtype(x.dtype, jnp.floating) else x
        for k, x in after.items()
    }
