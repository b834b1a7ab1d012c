"""Sparse connectivity: a list of synapses, for networks in which a neuron reaches few others."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import (
    check_dtype,
    check_flag,
    host_array,
    is_concrete,
    positive_int,
    weight_array,
)
from jsnn._kernels.delivery import Synapses, event_product, sparse_product
from jsnn._kernels.visits import SynapsesOf
from jsnn._pytree import pytree, replace, static
from jsnn.network.connectivity.ends import VisitableEnds
from jsnn.network.connectivity.indices import (
    EMPTY,
    MOST_SYNAPSES,
    as_arrays,
    as_given,
    below_delays,
    check_number,
    check_once,
    checked_axonal,
    checked_delays,
    fault_of,
    integers,
    on_host,
    padded,
    pre_of_sorted,
    sorted_by_post,
    sorted_synapses,
    sources_of,
    synapses_of,
    targets_of,
)


@pytree
class Sparse:
    """A list of synapses: number s joins neuron pre[s] to neuron post[s], of weight weights[s].

    Synapses keep the order in which they are given, and the weights of a neuron's synapses are
    added up in that order. Delivery is fastest if synapses are sorted by presynaptic neuron, as the
    builders (`jsnn.fixed_probability` and others) return them. The number of synapses is static,
    all else is traced. The indices are integers, so `jax.grad` over a whole network needs
    `allow_int=True`. A synapse of which a traced index is outside its population delivers nothing.

    If synapses have axonal parts of their own, spikes of several steps reach the projection in one
    step. The *sources* of the synapses are then the presynaptic neurons of the earliest of these
    steps, followed by those of the next: neuron i is source (max_axonal - axonal) * num_pre + i of
    a synapse. Without axonal parts, sources are presynaptic neurons. With them, delivery is fastest
    if synapses are sorted by source.

    With a `capacity` the lists are that long. A place in them is empty or holds a synapse, and
    `jsnn.rewire` removes synapses and adds others, also in a loop. The others keep their places. Of
    an empty place `exists` is False, `pre` is num_pre, `post` is num_post and all else is 0. It
    delivers nothing and learns nothing.

    A synapse takes 8 bytes, for its weight and its slot, and 4 more if the synapses are not sorted
    or have a capacity. `pre`, `post`, `delays` and `axonal` are made from these anew whenever you
    ask for them.

    Args:
      pre: integers [S], from 0 to num_pre - 1.
      post: integers [S], from 0 to num_post - 1.
      weights: float [S], in nA or the unit that the synapse model takes.
      num_pre: the size of the presynaptic population.
      num_post: the size of the postsynaptic population.
      delays: integers [S], whole steps >= 1, in place of the delay of the projection; or None.
      multapses: True if several synapses may join the same pair.
      axonal: integers [S], the steps of each delay that lie before the synapse, 0 to delay - 1, in
        place of `axonal` of the projection; or None. A projection without plasticity leaves them
        out.
      capacity: the most synapses, at least S, if they are to be rewired; or None. Below, S is the
        capacity.

    Attributes:
      weights: [S].
      has_capacity: True if a capacity is given.
      max_delay: the longest of the delays; 0 without delays.
      max_axonal: the longest of the axonal parts; None without them.
      order: int32 [S], the positions of the synapses sorted by source, empty ones last; None if
        they are given in that order and have no capacity.
      starts: int32 [num_sources + 1]; synapses order[starts[i]] to order[starts[i + 1]] are those
        of source i.
      slots: int32 [S], the targets of the sorted synapses: post, or (delay - axonal - 1) * num_post
        + post if there are delays; -1 for empty ones.
      by_post: an index of the synapses of each postsynaptic neuron, if they learn; otherwise None.

    Raises:
      TypeError: if indices or delays are not integers, or weights are not floating.
      ValueError: if an index is outside its population, shapes differ, a weight is NaN or infinite,
        a delay is less than one step, an axonal part is as long as its delay, a pair is joined
        twice that may not be, int32 cannot number the synapses or their slots, or there are more
        synapses than the capacity.
    """

    weights: Any
    order: jax.Array | None
    starts: jax.Array
    slots: jax.Array
    num_pre: int = static()
    num_post: int = static()
    max_delay: int = static()
    max_axonal: int | None = static()
    multapses: bool = static()
    has_capacity: bool = static()
    by_post: SynapsesOf | None

    def __init__(
        self,
        pre: Any,
        post: Any,
        weights: Any,
        num_pre: int,
        num_post: int,
        delays: Any = None,
        multapses: bool = True,
        axonal: Any = None,
        capacity: int | None = None,
    ) -> None:
        check_flag(multapses, "Sparse, multapses")
        num_pre = positive_int(num_pre, "Sparse, num_pre", most=MOST_SYNAPSES)
        num_post = positive_int(num_post, "Sparse, num_post", most=MOST_SYNAPSES)
        check_number(np.size(weights), "Sparse weights")
        weights = weight_array(weights, ("synapses",), "Sparse weights")
        pre = integers(pre, weights.shape, "pre", 0, num_pre - 1)
        post = integers(post, weights.shape, "post", 0, num_post - 1)
        if not multapses:
            check_once(pre, post, num_post)
        max_delay, max_axonal = 0, None
        if delays is not None:
            delays, max_delay = checked_delays(delays, weights.shape, num_post, "Sparse")
        if axonal is not None:
            axonal, max_axonal = checked_axonal(axonal, delays, num_pre, "Sparse")
        exists = None
        if capacity is not None:
            number = len(weights)
            what = f"Sparse, capacity for {number} synapses"
            more = positive_int(capacity, what, least=number, most=MOST_SYNAPSES) - number
            exists = np.arange(capacity) < number
            weights = jnp.asarray(padded(weights, more, 0))
            pre, post = padded(pre, more, num_pre), padded(post, more, num_post)
            delays, axonal = padded(delays, more, 0), padded(axonal, more, 0)
        canonical = {
            "_fault": None,  # the indices have just been checked
            "num_pre": num_pre,
            "num_post": num_post,
            "max_delay": max_delay,
            "max_axonal": max_axonal,
            "multapses": multapses,
            "has_capacity": capacity is not None,
            "weights": weights,
            "by_post": None,
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)
        for name, value in self._in_order(pre, post, delays, axonal, exists).items():
            object.__setattr__(self, name, value)

    def _in_order(
        self, pre: Any, post: Any, delays: Any, axonal: Any, exists: Any
    ) -> dict[str, Any]:
        """Return `order`, `starts` and `slots` of synapses."""
        sources = sources_of(pre, axonal, self.num_pre, self.max_axonal)
        after = delays if axonal is None else delays - axonal
        return sorted_synapses(sources, post, after, self._sizes, exists)

    @property
    def num_sources(self) -> int:
        """The number of sources of spikes that may reach the synapses in one step."""
        return self.num_pre * (1 + (self.max_axonal or 0))

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return self.num_sources, self.num_post, self.max_delay

    @property
    def capacity(self) -> int:
        """The most synapses, S."""
        return int(self.weights.shape[0])

    @property
    def num_synapses(self) -> int | None:
        """The number of synapses; None if it is not known, since it is traced."""
        if not self.has_capacity:
            return self.capacity
        known = is_concrete(self.starts) and isinstance(self.starts, (np.ndarray, jax.Array))
        return int(np.asarray(self.starts)[-1]) if known and self.starts.ndim == 1 else None

    @property
    def exists(self) -> jax.Array | None:
        """True where there is a synapse, bool [S]; None without a capacity, since all exist."""
        return jnp.asarray(self._exists) if self.has_capacity else None

    @property
    def _exists(self) -> Any:
        """`exists`, as a NumPy array if nothing is traced."""
        if not self.has_capacity:
            return None
        return as_given(on_host(self.slots) != EMPTY, self.order)

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def pre(self) -> jax.Array:
        """The presynaptic neuron of each synapse, int32 [S]."""
        return jnp.asarray(self._pre_and_axonal[0])

    @property
    def post(self) -> jax.Array:
        """The postsynaptic neuron of each synapse, int32 [S]."""
        return jnp.asarray(self._sides[1])

    @property
    def delays(self) -> jax.Array | None:
        """The delay of each synapse in steps, int32 [S]; None if they have none of their own."""
        if not self.max_delay:
            return None
        after = as_given(on_host(self.slots) // self.num_post + 1, self.order)  # 0 if empty
        return jnp.asarray(after + self._pre_and_axonal[1])

    @property
    def axonal(self) -> jax.Array | None:
        """The axonal part of each delay in steps, int32 [S]; None if there are none."""
        return None if self.max_axonal is None else jnp.asarray(self._pre_and_axonal[1])

    @property
    def _sides(self) -> tuple[Any, Any]:
        """Source and target of each synapse; NumPy arrays if nothing is traced."""
        sources = pre_of_sorted(self.starts, self.capacity)
        return as_given(sources, self.order), as_given(self._targets, self.order)

    @property
    def _targets(self) -> Any:
        """The postsynaptic neuron of each of the sorted synapses."""
        slots = on_host(self.slots)
        is_post = not self.max_delay and not self.has_capacity
        return slots if is_post else targets_of(slots, self.num_post, self.max_delay)

    @property
    def _pre_and_axonal(self) -> tuple[Any, Any]:
        """Presynaptic neuron and axonal part of each synapse; NumPy arrays if nothing is traced."""
        sources, longest = self._sides[0], self.max_axonal or 0
        step = (sources // self.num_pre).clip(max=longest)  # sources outside are neurons outside
        return sources - step * self.num_pre, longest - step

    def sorted_weights(self) -> jax.Array:
        """Return the weights of the synapses sorted by source, [S]."""
        return self.weights if self.order is None else self.weights[self.order]

    def synapses(self) -> Synapses:
        """Return the synapses sorted by source."""
        return Synapses(self.starts, self.slots, self.sorted_weights())

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post] by a pass over all synapses, whatever their delays."""
        return self._product(sparse_product, spikes)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], visiting the synapses of spiking neurons alone."""
        return self._product(event_product, spikes)

    def _product(self, product: Callable[..., jax.Array], spikes: jax.Array) -> jax.Array:
        synapses = self.synapses()
        if self.max_delay:
            synapses = synapses._replace(slots=jnp.asarray(self._targets))
        spikes = jnp.tile(spikes, self.num_sources // self.num_pre)
        return product(spikes, synapses, jnp.zeros(self.num_post, self.dtype))

    def with_weights(self, weights: jax.Array) -> "Sparse":
        """Return the synapses with other weights, [S]."""
        return replace(self, weights=weights)

    def with_capacity(self, capacity: int) -> "Sparse":
        """Return the synapses with a capacity, so that `jsnn.rewire` may change them."""
        if self.has_capacity:
            raise ValueError("Sparse, capacity: given twice; expected synapses without a capacity")
        return Sparse(
            *(self.pre, self.post, self.weights, self.num_pre, self.num_post, self.delays),
            *(self.multapses, self.axonal, capacity),
        )

    def sorted_by_source(self) -> "Sparse":
        """Return the synapses sorted by source."""
        order = jnp.arange(self.capacity, dtype=jnp.int32) if self.has_capacity else None
        return replace(self, weights=self.sorted_weights(), order=order)

    def without_axonal(self) -> "Sparse":
        """Return the synapses without axonal parts, for a projection that does not learn."""
        if self.max_axonal is None:
            return self
        new = replace(self, max_axonal=None, by_post=None)
        (pre, _), (_, post) = self._pre_and_axonal, self._sides
        delays = on_host(self.delays)
        return replace(new, **new._in_order(pre, post, delays, None, self._exists))

    def indexed_by_post(self) -> "Sparse":
        """Return the synapses with `by_post`, by which learning finds those of a neuron."""
        if self.by_post is not None:
            return self
        return replace(self, by_post=self._by_post(*self._sides))

    def _by_post(self, sources: Any, post: Any) -> SynapsesOf:
        arrays = as_arrays(**sorted_by_post(sources, post, self.num_post))
        return synapses_of(**arrays, num_others=self.num_sources, number=self.num_post)

    def ends(self) -> VisitableEnds:
        """Return the source and the target of each synapse, for learning."""
        assert self.by_post is not None
        order = jnp.zeros(0, np.int32) if self.order is None else self.order
        targets = jnp.asarray(self._targets)
        by_pre = synapses_of(self.starts, order, targets, self.num_post, self.num_pre)
        sources, post = map(jnp.asarray, self._sides)
        return VisitableEnds(sources, post, self.dtype, (by_pre, self.by_post), self.exists)

    def rewired(
        self,
        remove: Any,
        add: Any,
        pre: Any,
        post: Any,
        weights: Any,
        delays: Any = None,
        axonal: Any = None,
        shortest_delay: int = 1,
    ) -> "Sparse":
        """Remove synapses, then add new ones in empty places.

        Args:
          remove: bool [S], True where the synapse goes.
          add: bool [S], True where a new synapse comes. Elsewhere the other arguments do not count.
          pre: integers [S], the presynaptic neurons of the new synapses.
          post: integers [S], their postsynaptic neurons.
          weights: [S], their weights.
          delays: integers [S], `shortest_delay` to `max_delay`; needed if synapses have delays.
          axonal: integers [S], 0 to `max_axonal`; needed if synapses have axonal parts.
          shortest_delay: 1, or more if all synapses share an axonal part.

        Raises:
          TypeError: if there is no capacity, a mask is not of bools, an index or a delay is not an
            integer, or weights are of another dtype.
          ValueError: if a shape is another, an index is outside its population, a weight is NaN or
            infinite, a delay or an axonal part is outside its range, a synapse is added in a place
            that is not empty, or a pair is joined twice that may not be.
        """
        exists = self._exists
        if exists is None:
            raise TypeError(
                "Sparse, capacity: given none; expected the most synapses that there may be "
                "(`capacity=` of jsnn.Sparse, or sparse.with_capacity(number))"
            )
        remove, add = (
            _mask(mask, self.capacity, name) for name, mask in (("remove", remove), ("add", add))
        )
        kept = exists & ~remove
        if is_concrete(kept) and is_concrete(add) and (kept & add).any():
            raise ValueError(
                f"Sparse, add: given True at {np.flatnonzero(kept & add)[0]}, where a synapse is; "
                "expected it where a place is empty or `remove` is True too"
            )
        for name, values, are_there in (
            ("delays", delays, self.max_delay > 0),
            ("axonal", axonal, self.max_axonal is not None),
        ):
            if (values is not None) != are_there:
                given = "none" if values is None else "some"
                raise ValueError(
                    f"Sparse, {name} of new synapses: given {given}; expected them exactly if the "
                    "others have them"
                )

        def checked(given: Any, name: str, low: int, high: int) -> Any:
            return integers(given, self.weights.shape, name, low, high, counts=add)

        def merged(old: Any, new: Any, empty: Any) -> jax.Array:
            return jnp.where(add, new, jnp.where(kept, old, jnp.asarray(empty, old.dtype)))

        if is_concrete(weights) and is_concrete(add) and np.shape(weights) == add.shape:
            weights = np.where(np.asarray(add), weights, np.zeros_like(weights))
        weights = weight_array(weights, ("synapses",), "Sparse weights")
        check_dtype(weights, self.dtype, "Sparse weights")
        if weights.shape != self.weights.shape:
            raise ValueError(
                f"Sparse weights: given shape {weights.shape}; expected {self.weights.shape}, one "
                "for each place"
            )
        pre = merged(self.pre, checked(pre, "pre", 0, self.num_pre - 1), self.num_pre)
        post = merged(self.post, checked(post, "post", 0, self.num_post - 1), self.num_post)
        if self.delays is not None:
            delays = checked(delays, "delays", shortest_delay, self.max_delay)
        if self.axonal is not None:
            assert self.max_axonal is not None
            axonal = checked(axonal, "axonal", 0, self.max_axonal)
            axonal = below_delays(axonal, delays, "Sparse")
            axonal = merged(self.axonal, jnp.where(delays > self.max_delay, -1, axonal), 0)
        if self.delays is not None:
            delays = merged(self.delays, delays, 0)
        exists = kept | add
        if not self.multapses and all(map(is_concrete, (pre, post, exists))):
            check_once(np.asarray(pre)[exists], np.asarray(post)[exists], self.num_post)
        new = replace(self, weights=merged(self.weights, weights, 0), by_post=None)
        new = replace(new, **new._in_order(pre, post, delays, axonal, exists))
        return new if self.by_post is None else new.indexed_by_post()

    def check_indices(self, what: str) -> None:
        """Check indices that `jax.tree.map` may have changed; traced ones are not checked.

        Raises:
          ValueError: if an index or a delay is out of range, or `order`, `starts` and `slots` do
            not belong to the indices.
        """
        if self._fault is not None:
            raise ValueError(
                f"{what}: {self._fault} (jax.tree.map over a network reaches indices too; change "
                "weights alone, with Network.with_params)"
            )

    @cached_property
    def _fault(self) -> str | None:
        """The first thing that is wrong with the indices, or None."""
        given = {name: getattr(self, name) for name in ("order", "starts", "slots")}
        given = {name: x for name, x in given.items() if x is not None}
        of_post = jax.tree.leaves(self.by_post)
        if not all(map(is_concrete, (*given.values(), *of_post))):
            return None
        for name, x in given.items():
            if x.dtype != np.int32:
                return f"Sparse, {name}: given {x.dtype}; expected int32"
        fault = fault_of(
            **{name: np.asarray(x) for name, x in given.items()},
            number=self.capacity,
            sizes=self._sizes,
            num_pre=self.num_pre,
            has_capacity=self.has_capacity,
        )
        if fault is not None or self.by_post is None:
            return fault
        expected = sorted_by_post(*self._sides, self.num_post)
        if not all(np.array_equal(getattr(self.by_post, k), x) for k, x in expected.items()):
            return "Sparse, by_post: given another index than that of pre and post"
        return None

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Turn values [pre] into those on the presynaptic side of each synapse, [S]."""
        return values[self.pre]

    def of_post(self, values: jax.Array) -> jax.Array:
        """Turn values [post] into those on the postsynaptic side of each synapse, [S]."""
        return values[self.post]


def _mask(given: Any, size: int, name: str) -> Any:
    """Return a mask of the places of synapses."""
    what = f"Sparse, {name}"
    mask = host_array(given, what) if is_concrete(given) else given
    if mask.dtype != bool:
        raise TypeError(f"{what}: given {mask.dtype}; expected a mask, bool ({size},)")
    if mask.shape != (size,):
        raise ValueError(
            f"{what}: given shape {mask.shape}; expected ({size},), the capacity of the synapses"
        )
    return mask
