"""Delivery of spikes through lists of synapses, with no work for the neurons that are silent.

Synapses are sorted by presynaptic neuron: those of neuron i are `starts[i]` to `starts[i + 1]`.
What they send is added to *rings* [depth, N], whose row n % depth holds the sums that reach N
neurons in step n, until they are taken out. All sums run in the order of the steps, then of the
lists, then of the synapses, in every function of this module, so all of them give the same bits (on
the CPU; a GPU adds in an order of its own).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from jsnn._kernels import native

_CHUNK = 512
"""Number of synapses that a round visits, about as many as a few spikes have."""

_T = TypeVar("_T")


class Synapses(NamedTuple):
    """A list of synapses, sorted by presynaptic neuron.

    Attributes:
      starts: the first synapse of each presynaptic neuron, and S, int32 [num_pre + 1].
      slots: the place in the ring, counted from its first row, int32 [S]: the postsynaptic neuron,
        or (delay - 1) * N + the neuron. One that does not exist gets nothing.
      weights: [S].
    """

    starts: jax.Array
    slots: jax.Array
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
      step: the number n of the step, int32 (). Its row of every ring has been taken out.
      sources: spikes, 0 or 1, [pre] each.
      lists: the synapses.
      rings: [depth, N] each.
      event_driven: visit the synapses of spiking neurons alone; otherwise all of them.

    Returns:
      The rings, and the sums that arrive in step n + 1, which have been taken out of them.
    """
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
    sent = [spikes * s.weights for spikes, s in zip(_at(route, sources, lists), lists, strict=True)]
    return _added(route, step, sent, lists, rings)


def _by_events(
    route: Route, step: jax.Array, sources: Arrays, lists: tuple[Synapses, ...], rings: Arrays
) -> tuple[Arrays, Arrays]:
    out = _primitive().bind(step, *jax.tree.leaves((sources, lists, rings)), route=route)
    return tuple(out[: len(rings)]), tuple(out[len(rings) :])


def _at(route: Route, sources: Arrays, lists: tuple[Synapses, ...]) -> list[jax.Array]:
    """Return the spike of the presynaptic neuron of each synapse, [S] for each list."""
    return [
        jnp.repeat(_spikes_of(each, sources), jnp.diff(s.starts), total_repeat_length=len(s.slots))
        for each, s in zip(route.lists, lists, strict=True)
    ]


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
        sums = ring.reshape(-1)
        for k, each in enumerate(route.lists):
            if each.ring == r:
                sums = add(k, ring, sums)
        # Without the barrier XLA would add the values one by one to what the sums are added to.
        sums = jax.lax.optimization_barrier(sums.reshape(ring.shape))
        next_sums = jax.lax.dynamic_index_in_dim(sums, (step + 1) % depth, keepdims=False)
        filled.append(sums.at[(step + 1) % depth].set(0))
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
    if num_synapses == 0:
        return carry
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


def _unflattened(
    route: Route, flat: Sequence[Any]
) -> tuple[Any, Arrays, tuple[Synapses, ...], Arrays]:
    """Return the operands of `deliver` from a flat list."""
    step, *rest = flat
    end = max(each.source for each in route.lists) + 1
    sources, of_lists, rings = rest[:end], rest[end : -len(route.rings)], rest[-len(route.rings) :]
    lists = (Synapses(*of_lists[i : i + 3]) for i in range(0, len(of_lists), 3))
    return step, tuple(sources), tuple(lists), tuple(rings)


def _axes(route: Route, flat: Sequence[Any]) -> list[int | None]:
    """Return 0 for each operand with an axis of rows in front, which a `vmap` has brought."""
    pairs = zip(flat, _ranks(route), strict=True)
    return [0 if x.ndim > rank else None for x, rank in pairs]


def _ranks(route: Route) -> list[int]:
    """Return the number of axes of each operand without an axis of rows."""
    num_sources = max(each.source for each in route.lists) + 1
    return [0, *[1] * (num_sources + 3 * len(route.lists)), *[2] * len(route.rings)]


def _by_row(function: Callable[..., _T], axes: list[int | None]) -> Callable[..., _T]:
    return function if axes[-1] is None else jax.vmap(function, axes)


@lru_cache
def _primitive() -> Any:
    """Return the operation that delivers by events; its derivative is that of a pass.

    Only the way that a platform takes is traced for it, a scan does not drop its derivative, and a
    batch is one operation.
    """
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    primitive = Primitive("deliver")
    primitive.multiple_results = True

    def shapes(*flat: Any, route: Route) -> list[Any]:
        rings = flat[-len(route.rings) :]
        rows = rings[0].shape[:-2]
        return [*rings, *(rings[0].update(shape=(*rows, size)) for size in route.row_sizes)]

    def in_rounds(*flat: jax.Array, route: Route) -> list[jax.Array]:
        def one(*flat: jax.Array) -> Any:
            return _in_rounds(route, *_unflattened(route, flat))

        return jax.tree.leaves(_by_row(one, _axes(route, flat))(*flat))

    def on_cpu(context: Any, *flat: Any, route: Route) -> Any:
        how = native.deliver if native.available() else in_rounds
        return mlir.lower_fun(how, multiple_results=True)(context, *flat, route=route)

    def jvp(primals: Any, tangents: Any, *, route: Route) -> tuple[Any, Any]:
        def of_row(*flat: jax.Array) -> Any:
            half = len(flat) // 2
            step, sources, lists, _ = _unflattened(route, flat[:half])
            _, d_sources, d_lists, d_rings = _unflattened(route, flat[half:])
            spikes, d_spikes = _at(route, sources, lists), _at(route, d_sources, lists)
            d_sent = [
                d * s.weights + x * d_s.weights
                for d, s, x, d_s in zip(d_spikes, lists, spikes, d_lists, strict=True)
            ]
            return _added(route, step, d_sent, lists, d_rings)

        tangents = [
            jnp.zeros_like(x) if isinstance(t, ad.Zero) else t
            for x, t in zip(primals, tangents, strict=True)
        ]
        out = primitive.bind(*primals, route=route)
        by_row = _by_row(of_row, _axes(route, primals) * 2)
        return out, jax.tree.leaves(by_row(*primals, *tangents))

    def batched(flat: Any, axes: Any, *, route: Route) -> tuple[Any, Any]:
        size = next(x.shape[a] for x, a in zip(flat, axes, strict=True) if a is not None)
        ring = flat[-1] if axes[-1] is None else jnp.moveaxis(flat[-1], axes[-1], 0)[0]
        has_rows = ring.ndim > 2
        rows = len(ring) if has_rows else 1

        def in_rows(x: jax.Array, axis: int | None, rank: int) -> jax.Array:
            """Put the rows of this `vmap` and of those before it into one axis."""
            new = x[None] if axis is None else jnp.moveaxis(x, axis, 0)
            differed = new.ndim > rank + 1
            if axis is None and not differed and rank < 2:  # rings are filled row by row
                return x
            new = new if differed else new[:, None]
            whole = jnp.broadcast_to(new, (size, rows, *new.shape[2:]))
            return whole.reshape(size * rows, *new.shape[2:])

        operands = (in_rows(*each) for each in zip(flat, axes, _ranks(route), strict=True))
        out = primitive.bind(*operands, route=route)
        if has_rows:
            out = [x.reshape(size, rows, *x.shape[1:]) for x in out]
        return out, [0] * len(out)

    primitive.def_impl(jax.jit(primitive.bind, static_argnames="route"))
    primitive.def_abstract_eval(shapes)
    mlir.register_lowering(primitive, mlir.lower_fun(in_rounds, multiple_results=True))
    mlir.register_lowering(primitive, on_cpu, platform="cpu")
    ad.primitive_jvps[primitive] = jvp
    batching.primitive_batchers[primitive] = batched
    return primitive
