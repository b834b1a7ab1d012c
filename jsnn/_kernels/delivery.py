"""Delivery of spikes through lists of synapses, with no work for the neurons that are silent.

Synapses are sorted by presynaptic neuron: those of neuron i are `starts[i]` to `starts[i + 1]`.
What they send is added to *rings* [depth, N], whose row n % depth holds the sums that reach N
neurons in step n. All sums run in the order of the steps, then of the lists, then of the synapses,
in every function of this module, so all of them give the same bits (on the CPU; a GPU adds in an
order of its own).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from jsnn._kernels import native
from jsnn._kernels.derivatives import without_derivative

_CHUNK = 512
"""Number of synapses that a round visits, about as many as a few spikes have."""

_T = TypeVar("_T")


class Synapses(NamedTuple):
    """A list of synapses, sorted by presynaptic neuron.

    Attributes:
      pre: the presynaptic neuron of each synapse, int32 [S].
      slots: the place in the ring, counted from its first row, int32 [S]: the postsynaptic neuron,
        or (delay - 1) * N + the neuron. One that does not exist gets nothing.
      starts: the first synapse of each presynaptic neuron, and S, int32 [num_pre + 1].
      weights: [S].
    """

    pre: jax.Array
    slots: jax.Array
    starts: jax.Array
    weights: jax.Array


@dataclass(frozen=True)
class List:
    """The static part of a list of synapses.

    Attributes:
      source: the position of the array that holds the spikes.
      first: the first presynaptic neuron in that array.
      num_pre: the number of presynaptic neurons.
      ring: the position of the ring that the list adds to.
      delay: steps from the spike to the first row of the slots, 1 to the depth of the ring.
      rows: the number of rows of the slots; slots beyond them do not exist.
    """

    source: int
    first: int
    num_pre: int
    ring: int
    delay: int
    rows: int


@dataclass(frozen=True)
class Route:
    """The static part of a delivery.

    Attributes:
      lists: in the order in which they are added.
      rings: (row, first) of each ring: the array to which the sums of the next step are copied, and
        the place of the first of them.
      row_sizes: the sizes of these arrays, which are 0 where there is no ring.
    """

    lists: tuple[List, ...]
    rings: tuple[tuple[int, int], ...]
    row_sizes: tuple[int, ...]


Arrays = tuple[jax.Array, ...]


def deliver(
    route: Route,
    step: jax.Array,
    sources: Arrays,
    lists: tuple[Synapses, ...],
    rings: Arrays,
    *,
    event_driven: bool,
) -> tuple[Arrays, Arrays]:
    """Put the spikes of a step on their way.

    Args:
      route: the arrays that belong together.
      step: the number n of the step, int32 (). Its row of every ring has arrived.
      sources: spikes, 0 or 1, [pre] each.
      lists: the synapses.
      rings: [depth, N] each.
      event_driven: visit the synapses of spiking neurons alone; otherwise all of them.

    Returns:
      The rings, and the sums that arrive in step n + 1.
    """
    if not route.rings:
        return (), tuple(jnp.zeros(size) for size in route.row_sizes)
    how = _by_events if event_driven else _by_passes
    return how(route, step, sources, lists, rings)


def event_product(spikes: jax.Array, synapses: Synapses, onto: jax.Array) -> jax.Array:
    """Add the weights of the spikes [pre] to sums [N], visiting the spiking neurons alone."""
    return _onto(_by_events, spikes, synapses, onto)


def sparse_product(spikes: jax.Array, synapses: Synapses, onto: jax.Array) -> jax.Array:
    """Add spikes [pre] times weights to sums [N], by a pass over all synapses."""
    return _onto(_by_passes, spikes, synapses, onto)


def _onto(how: Any, spikes: jax.Array, synapses: Synapses, onto: jax.Array) -> jax.Array:
    route = Route((List(0, 0, len(spikes), 0, 1, 1),), ((0, 0),), (len(onto),))
    ring = jnp.stack([jnp.zeros_like(onto), onto])
    return how(route, jnp.zeros((), jnp.int32), (spikes,), (synapses,), (ring,))[1][0]


def _by_passes(
    route: Route, step: jax.Array, sources: Arrays, lists: tuple[Synapses, ...], rings: Arrays
) -> tuple[Arrays, Arrays]:
    sent = [_spikes_of(each, sources)[s.pre] * s.weights for each, s in _pairs(route, lists)]
    return _added(route, step, sent, lists, rings)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _by_events(
    route: Route, step: jax.Array, sources: Arrays, lists: tuple[Synapses, ...], rings: Arrays
) -> tuple[Arrays, Arrays]:
    """Visit the synapses of spiking neurons alone; the derivative is that of a pass."""
    sources, rings = (tuple(map(without_derivative, arrays)) for arrays in (sources, rings))
    lists = tuple(s._replace(weights=without_derivative(s.weights)) for s in lists)
    in_rounds = partial(_in_rounds, route)
    on_cpu = partial(_natively, route) if native.available() else in_rounds
    return jax.lax.platform_dependent(step, sources, lists, rings, cpu=on_cpu, default=in_rounds)


@_by_events.defjvp
def _by_events_jvp(route: Route, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (step, sources, lists, rings), (_, d_sources, d_lists, d_rings) = primals, tangents
    d_sent = [
        _spikes_of(each, d_sources)[s.pre] * s.weights
        + _spikes_of(each, sources)[s.pre] * d_s.weights
        for (each, s), d_s in zip(_pairs(route, lists), d_lists, strict=True)
    ]
    return (
        _by_events(route, step, sources, lists, rings),
        _added(route, step, d_sent, lists, d_rings),
    )


def _pairs(route: Route, lists: tuple[Synapses, ...]) -> list[tuple[List, Synapses]]:
    return list(zip(route.lists, lists, strict=True))


def _spikes_of(each: List, sources: Arrays) -> jax.Array:
    return sources[each.source][each.first : each.first + each.num_pre]


def _added(
    route: Route,
    step: jax.Array,
    sent: Sequence[jax.Array],
    lists: tuple[Synapses, ...],
    rings: Arrays,
) -> tuple[Arrays, Arrays]:
    """Add what each synapse sends, [S] for each list, to the rings."""

    def add(k: int, ring: jax.Array, sums: jax.Array) -> jax.Array:
        each, synapses = route.lists[k], lists[k]
        slots = _slots_of_step(synapses.slots, step, each, ring.shape)
        return sums.at[slots].add(sent[k], mode="drop")

    return _filled(route, step, rings, add)


def _in_rounds(
    route: Route, step: jax.Array, sources: Arrays, lists: tuple[Synapses, ...], rings: Arrays
) -> tuple[Arrays, Arrays]:
    """Add the weights of the spikes in as many rounds as necessary."""

    def add(k: int, ring: jax.Array, sums: jax.Array) -> jax.Array:
        each, synapses = route.lists[k], lists[k]

        def visit(sums: jax.Array, valid: jax.Array, which: jax.Array) -> jax.Array:
            slots = _slots_of_step(synapses.slots[which], step, each, ring.shape)
            return sums.at[jnp.where(valid, slots, ring.size)].add(
                synapses.weights[which], mode="drop"
            )

        spiked, number = _spikes_of(each, sources) > 0, len(synapses.weights)
        return for_each_event(spiked, synapses.starts, number, visit, sums)

    return _filled(route, step, rings, add)


def _filled(
    route: Route,
    step: jax.Array,
    rings: Arrays,
    add: Callable[[int, jax.Array, jax.Array], jax.Array],
) -> tuple[Arrays, Arrays]:
    """Return the rings and the sums of the next step; `add` adds what a list sends."""
    filled = []
    rows = [jnp.zeros(size, rings[0].dtype) for size in route.row_sizes]
    for r, (ring, (row, first)) in enumerate(zip(rings, route.rings, strict=True)):
        depth, size = ring.shape
        sums = ring.at[step % depth].set(0).reshape(-1)
        for k, each in enumerate(route.lists):
            if each.ring == r:
                sums = add(k, ring, sums)
        # Without the barrier XLA would add the values one by one to what the sums are added to.
        sums = jax.lax.optimization_barrier(sums.reshape(ring.shape))
        filled.append(sums)
        next_sums = jax.lax.dynamic_index_in_dim(sums, (step + 1) % depth, keepdims=False)
        whole = size == route.row_sizes[row]
        rows[row] = next_sums if whole else rows[row].at[first : first + size].set(next_sums)
    return tuple(filled), tuple(rows)


def _slots_of_step(
    slots: jax.Array, step: jax.Array, each: List, shape: tuple[int, ...]
) -> jax.Array:
    """Return places in a flat ring for slots, from a step on; one outside if there is no slot."""
    depth, size = shape
    base = (step + each.delay) % depth * size
    room = depth * size - base
    placed = jnp.where(slots < room, slots + base, slots - room)
    return jnp.where((slots >= 0) & (slots < each.rows * size), placed, depth * size)


def for_each_event(
    spiked: jax.Array,
    starts: jax.Array,
    num_synapses: int,
    visit: Callable[[_T, jax.Array, jax.Array], _T],
    carry: _T,
) -> _T:
    """Visit the synapses of the neurons that spiked, in order, in as many rounds as necessary.

    Not reverse-differentiable.

    Args:
      spiked: bool [pre].
      starts: int32 [pre + 1].
      num_synapses: the most synapses to visit, whatever `starts` holds.
      visit: (carry, valid bool [C], synapse int32 [C]) -> carry, called with the next C synapses,
        of which those count that are `valid`.
      carry: before the first round.
    """
    lengths = jnp.where(spiked, starts[1:] - starts[:-1], 0)
    ends = jnp.cumsum(lengths)
    last = len(spiked) - 1
    number = jnp.minimum(ends[last], num_synapses)

    def round_(now: tuple[jax.Array, _T]) -> tuple[jax.Array, _T]:
        first, carry = now
        event = first + jnp.arange(_CHUNK, dtype=first.dtype)
        neuron = jnp.minimum(jnp.searchsorted(ends, event, side="right"), last)
        synapse = starts[neuron] + event - (ends[neuron] - lengths[neuron])
        return first + _CHUNK, visit(carry, event < number, synapse)

    start = (jnp.zeros((), ends.dtype), carry)
    return jax.lax.while_loop(lambda now: now[0] < number, round_, start)[1]


def _natively(
    route: Route, step: jax.Array, sources: Arrays, lists: tuple[Synapses, ...], rings: Arrays
) -> tuple[Arrays, Arrays]:
    of_lists = tuple((s.starts, s.slots, s.weights) for s in lists)
    operands = jax.tree.map(lambda x: x[None], (step[None], sources, of_lists, rings))
    out: tuple[Arrays, Arrays] = jax.tree.map(lambda x: x[0], _kernel(route)(*operands))
    return out


@lru_cache
def _kernel(route: Route) -> Any:
    """Return a function of operands with an axis of rows in front.

    The axis has length 1 if an operand is the same for all rows. Under `vmap` the function is
    called once, with more rows.
    """

    @jax.custom_batching.custom_vmap
    def product(step: Any, sources: Any, lists: Any, rings: Any) -> tuple[Arrays, Arrays]:
        return native.deliver(route, step, sources, lists, rings)

    @product.def_vmap
    def _(size: int, batched: Sequence[Any], *operands: Any) -> tuple[Any, Any]:
        rows = max(leaf.shape[b] for leaf, b in _with_flags(operands, batched))

        def flat(operand: jax.Array, is_batched: bool, *, shared: bool) -> jax.Array:
            if shared and not is_batched and operand.shape[0] == 1:
                return operand
            whole = operand if is_batched else operand[None]
            shape = (size, rows, *whole.shape[2:])
            return jnp.broadcast_to(whole, shape).reshape(size * rows, *shape[2:])

        *may_be_shared, rings = operands
        *flags, of_rings = batched
        flattened = jax.tree.map(partial(flat, shared=True), tuple(may_be_shared), tuple(flags))
        out = product(*flattened, jax.tree.map(partial(flat, shared=False), rings, of_rings))
        split = jax.tree.map(lambda x: x.reshape(size, rows, *x.shape[1:]), out)
        return split, jax.tree.map(lambda _: True, split)

    return product


def _with_flags(operands: Any, batched: Any) -> list[tuple[Any, bool]]:
    return list(zip(jax.tree.leaves(operands), jax.tree.leaves(tuple(batched)), strict=True))
