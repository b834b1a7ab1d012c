"""Populations whose neurons differ by a constant current alone: one run per distinct current.

In a data set there are few distinct currents (256 grey levels, say), and neurons of equal current
spike together. So one neuron is run for each distinct current of the whole batch, and the weights
of its spikes are summed for all steps at once, sharing what several steps have in common
(`product_of_trains`): silent neurons cost nothing. The sums are those of the plain step, bit for
bit. This needs a CPU with the kernels of `jsnn._kernels.native`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jsnn._engine.groups import each_alone
from jsnn._engine.prepared import Carry, prepare, start
from jsnn._engine.recording_plan import RecordingPlan
from jsnn._engine.step import advance
from jsnn._kernels import native
from jsnn._kernels.dense import delayed
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.connectivity import Dense
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.state import in_flight_after, init

_CAPACITY = 1024
"""Most distinct currents that are tabulated; if there are more, every neuron is run by itself."""


class Tabulated(NamedTuple):
    """Results of a population that was run alone; in batches, sums and in_flight have time first.

    Attributes:
      sums: {projection: [T, post]}, the sums that arrive through it in each step.
      in_flight: {projection: [delay, N]}, the spikes in flight after the last step.
      variables: {variable: [N]} after the last step.
      kept: {recording: [N]}, folded over the run.
    """

    sums: dict[str, jax.Array]
    in_flight: dict[str, jax.Array]
    variables: Values
    kept: dict[str, Any]


_TIME_FIRST = Tabulated(sums=1, in_flight=1, variables=0, kept=0)  # type: ignore[arg-type]
"""Position of the axis of rows, in results that are read step by step."""


def tabulated(
    network: Network, name: str, currents: jax.Array, num_steps: int, folds: RecordingPlan
) -> Tabulated:
    """Run one population from its initial state under constant currents; not differentiable.

    Args:
      network: the network that holds the population.
      name: the name of the population.
      currents: in nA, [N].
      num_steps: T.
      folds: the recordings of the population, all of them folds.
    """
    rows = _rows(name, num_steps, folds)(network, currents[None])
    return jax.tree.map(lambda leaf: leaf[0], rows)


@lru_cache
def _rows(name: str, num_steps: int, folds: RecordingPlan) -> Callable[..., Tabulated]:
    """Return a function (network, currents [R, N]) -> Tabulated with R in front.

    Under `vmap` the function is called once, with more rows.
    """

    def each_by_itself(network: Network, currents: jax.Array) -> Tabulated:
        one_row = lambda row: _run_all(network, name, row, num_steps, folds)  # noqa: E731
        return jax.vmap(one_row, out_axes=_TIME_FIRST)(currents)

    def rows_first(result: Tabulated) -> Tabulated:
        move = partial(jax.tree.map, lambda leaf: jnp.moveaxis(leaf, 1, 0))
        return result._replace(sums=move(result.sums), in_flight=move(result.in_flight))

    @jax.custom_batching.custom_vmap
    def run(network: Network, currents: jax.Array) -> Tabulated:
        capacity = min(_CAPACITY, currents.size)
        table, count, index = native.distinct(currents, capacity)
        by_table = lambda: _run_table(network, name, table, index, num_steps, folds)  # noqa: E731
        if capacity == currents.size:
            return rows_first(by_table())
        fits = count <= capacity
        return rows_first(jax.lax.cond(fits, by_table, lambda: each_by_itself(network, currents)))

    @run.def_vmap
    def _(
        size: int, batched: Sequence[Any], network: Network, currents: jax.Array
    ) -> tuple[Tabulated, Tabulated]:
        network_batched, currents_batched = batched
        if any(jax.tree.leaves(network_batched)):
            axes = jax.tree.map(lambda b: 0 if b else None, (network_batched, currents_batched))
            out = jax.vmap(lambda *args: rows_first(each_by_itself(*args)), axes)(network, currents)
        else:
            rows = run(network, currents.reshape(-1, currents.shape[-1]))
            out = jax.tree.map(lambda leaf: leaf.reshape(size, -1, *leaf.shape[1:]), rows)
        return out, jax.tree.map(lambda _: True, out)

    return run


def _run_table(
    network: Network,
    name: str,
    table: jax.Array,
    index: jax.Array,
    num_steps: int,
    folds: RecordingPlan,
) -> Tabulated:
    """Run one neuron for each current in `table` [U]; neuron i of row r has that of index[r, i]."""
    trains, variables, kept = _alone(network, name, table, num_steps, folds)
    of_neurons = lambda leaf: leaf[..., index]  # noqa: E731
    return Tabulated(
        sums={
            projection.name: dense.deliver_trains(delayed(trains, projection.delay), index)
            for projection, dense in _outgoing(network, name)
        },
        in_flight=jax.tree.map(of_neurons, _in_flight(network, name, trains)),
        variables=jax.tree.map(of_neurons, variables),
        kept=jax.tree.map(of_neurons, kept),
    )


def _run_all(
    network: Network, name: str, currents: jax.Array, num_steps: int, folds: RecordingPlan
) -> Tabulated:
    """Run every neuron by itself."""
    spikes, variables, kept = _alone(network, name, currents, num_steps, folds)
    return Tabulated(
        sums={
            projection.name: dense.deliver_over_time(spikes, projection.delay)
            for projection, dense in _outgoing(network, name)
        },
        in_flight=_in_flight(network, name, spikes),
        variables=variables,
        kept=kept,
    )


def _alone(
    network: Network, name: str, currents: jax.Array, num_steps: int, folds: RecordingPlan
) -> tuple[jax.Array, Values, dict[str, Any]]:
    """Run a neuron for each of `currents` [n].

    Returns:
      Spikes bool [T, n], the variables after the last step, and the folded recordings.
    """
    population = replace(network.population(name), size=len(currents))
    alone = replace(
        network,
        populations=(population,),
        projections=(),
        sources=(),
        order=(name,),
        stochastic=False,
    )

    prepared = prepare(alone, each_alone([name]), event_driven=True)

    def body(before: tuple[Carry, Any], _: None) -> tuple[Any, jax.Array]:
        carry, kept = before
        carry, spikes = advance(prepared, carry, {name: {"current": currents}})
        return (carry, folds.fold(kept, carry.state, spikes)), spikes[name] > 0

    first = (start(prepared, init(alone)), folds.start(alone))
    (carry, kept), spikes = jax.lax.scan(body, first, length=num_steps)
    return spikes, carry.state.populations[name], folds.finish(kept, {})


def _outgoing(network: Network, name: str) -> list[tuple[Projection, Dense]]:
    return [
        (projection, projection.connectivity)
        for projection in network.projections
        if projection.pre == name and isinstance(projection.connectivity, Dense)
    ]


def _in_flight(network: Network, name: str, spikes: jax.Array) -> dict[str, jax.Array]:
    """Return {projection: [delay, n]}, the last spikes of a population, still in flight."""
    return {
        projection.name: left
        for projection, _ in _outgoing(network, name)
        if (left := in_flight_after(spikes, projection.delay, network.dtype)) is not None
    }
