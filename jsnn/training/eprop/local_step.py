"""Step of one population as a function of its own variables, and the derivatives of that step."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.prepared import Carry, Prepared
from jsnn._engine.step import advance
from jsnn._pytree import replace
from jsnn.network.state import State, part_of

Place = tuple[str, ...]
"""Place of a number of each neuron, [N]: a variable, what arrives, or the spike."""
AtPlaces = dict[Place, jax.Array]
Route = tuple[Place, Place]
"""Two places, (after, before), such that the first one depends on the second one in a step."""

SPIKE: Place = ("spike",)


def of_neuron(variable: str) -> Place:
    """Return the place of a variable of the neurons."""
    return ("neuron", variable)


def of_synapse(projection: str, variable: str) -> Place:
    """Return the place of a variable of the synapse model of a projection."""
    return ("synapse", projection, variable)


def arriving_through(projection: str) -> Place:
    """Return the place of the sums that arrive through a projection."""
    return ("arriving", projection)


def local_step(
    prepared: Prepared,
    carry: Carry,
    name: str,
    inputs: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Mapping[str, Any]],
    sums: Mapping[str, jax.Array],
) -> tuple[Callable[[AtPlaces], AtPlaces], AtPlaces]:
    """Return the next step of one population as a function, and its arguments.

    Each number of the results depends on numbers of the same neuron alone. The spikes of other
    neurons have no part in it, nor have those of its own that come back through synapses.

    Args:
      prepared: the network.
      carry: before the step.
      name: the population.
      inputs: {population: {input: () or [N]}}, from outside.
      params: {part: {parameter: value}}, those that change from step to step.
      sums: {projection: [post]}, what arrives now through dense projections.
    """
    network = prepared.network
    reaching = [p.name for p in network.projections if p.post == name]
    sources = [s.name for s in network.sources if s.population == name]
    part = part_of(carry.state, {name, *reaching, *sources})
    alone = prepared._replace(groups=((name,),), event_driven=False)
    before = _variables(part, name, reaching)
    before |= {arriving_through(p): sums[p] for p in reaching if p in sums}

    def step(values: AtPlaces) -> AtPlaces:
        given = {p: values[arriving_through(p)] for p in reaching if p in sums}
        start = Carry(_with_variables(part, name, values), carry.arrived)
        after, spikes = advance(alone, start, inputs, params, arriving=given)
        return _variables(after.state, name, reaching) | {SPIKE: spikes[name]}

    return step, before


def _variables(state: State, name: str, reaching: list[str]) -> AtPlaces:
    """Return the floating variables of a population and of the synapses that reach it."""
    found = {of_neuron(k): x for k, x in state.populations[name].items()}
    for p in reaching:
        found |= {of_synapse(p, k): x for k, x in state.projections[p].synapse.items()}
    return {place: x for place, x in found.items() if jnp.issubdtype(x.dtype, jnp.floating)}


def _with_variables(state: State, name: str, values: AtPlaces) -> State:
    own = {place[1]: x for place, x in values.items() if place[0] == "neuron"}
    projections = dict(state.projections)
    for p, before in state.projections.items():
        synapse = {place[2]: x for place, x in values.items() if place[:2] == ("synapse", p)}
        projections[p] = replace(before, synapse={**before.synapse, **synapse})
    populations = {name: {**state.populations[name], **own}}
    return replace(state, populations=populations, projections=projections)


def derivatives(
    step: Callable[[AtPlaces], AtPlaces], before: AtPlaces, routes: frozenset[Route]
) -> dict[Route, jax.Array]:
    """Return the derivative of each result with respect to each argument of its neuron, [N].

    Args:
      step: the local step of a population.
      before: its arguments.
      routes: those that are asked for.
    """
    _, linear = jax.linearize(step, before)
    nothing = {place: jnp.zeros_like(x) for place, x in before.items()}
    found: dict[Route, jax.Array] = {}
    for source in sorted({source for _, source in routes}):
        after = linear(nothing | {source: jnp.ones_like(before[source])})
        found |= {(to, source): after[to] for to, of in routes if of == source}
    return found
