"""Sparse connectivity: a list of synapses, for networks in which a neuron reaches few others."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_dtype, check_flag, is_concrete, positive_int, weight_array
from jsnn._kernels.dense import delayed
from jsnn._kernels.sparse import Synapses, event_product, sparse_product
from jsnn._kernels.visits import SynapsesOf
from jsnn._pytree import pytree, replace, static
from jsnn.network.connectivity.indices import (
    MOST_SYNAPSES,
    as_arrays,
    belong,
    by_post,
    check_number,
    check_once,
    integers,
    reached,
    sorted_synapses,
    synapses_of,
)


@pytree
class Sparse:
    """A list of synapses: number s joins neuron pre[s] to neuron post[s], of weight weights[s].

    Synapses keep the order in which they are given, and the weights of a neuron's synapses are
    added up in that order. Delivery is fastest if synapses are sorted by presynaptic neuron, as the
    builders (`jsnn.fixed_probability` and others) return them. The number of synapses is static,
    all else is traced. The indices are integers, so `jax.grad` over a whole network needs
    `allow_int=True`. A synapse of which a traced index is outside its population delivers nothing.

    Attributes:
      pre: integers [S], from 0 to num_pre - 1.
      post: integers [S], from 0 to num_post - 1.
      weights: float [S], in nA or the unit that the synapse model takes.
      num_pre: the size of the presynaptic population.
      num_post: the size of the postsynaptic population.
      delays: integers [S], whole steps >= 1, in place of the delay of the projection; or None.
      multapses: True if several synapses may join the same pair.
      max_delay: the longest of the delays; 0 without delays.
      order: int32 [S], the positions of the synapses sorted by presynaptic neuron; None if they are
        given in that order.
      starts: int32 [num_pre + 1]; synapses order[starts[i]] to order[starts[i + 1]] are those of
        neuron i.
      slots: int32 [S], the targets of the sorted synapses: post, or (delay - 1) * num_post + post
        if there are delays; None if they are `post` itself.
      by_post: an index of the synapses of each postsynaptic neuron, if they learn; otherwise None.

    Raises:
      TypeError: if indices or delays are not integers, or weights are not floating.
      ValueError: if an index is outside its population, shapes differ, a weight is NaN or infinite,
        a delay is less than one step, a pair is joined twice that may not be, or int32 cannot
        number the synapses or their slots.
    """

    pre: Any
    post: Any
    weights: Any
    num_pre: int = static()
    num_post: int = static()
    delays: Any = None
    multapses: bool = static(default=True)
    max_delay: int = static(init=False)
    order: jax.Array | None = dataclasses.field(init=False)
    starts: jax.Array = dataclasses.field(init=False)
    slots: jax.Array | None = dataclasses.field(init=False)
    by_post: SynapsesOf | None = dataclasses.field(init=False, default=None)

    def __post_init__(self) -> None:
        check_flag(self.multapses, "Sparse, multapses")
        num_pre = positive_int(self.num_pre, "Sparse, num_pre", most=MOST_SYNAPSES)
        num_post = positive_int(self.num_post, "Sparse, num_post", most=MOST_SYNAPSES)
        check_number(np.size(self.weights), "Sparse weights")
        weights: Any = weight_array(self.weights, ("synapses",), "Sparse weights")
        pre = integers(self.pre, weights.shape, "pre", 0, num_pre - 1)
        post = integers(self.post, weights.shape, "post", 0, num_post - 1)
        if not self.multapses:
            check_once(pre, post, num_post)
        delays, max_delay = self.delays, 0
        if delays is not None:
            if not is_concrete(delays):
                raise TypeError("Sparse, delays: given traced ones; expected numbers, made outside")
            delays = integers(delays, weights.shape, "delays", 1, 2**15)
            max_delay = int(np.max(delays, initial=1))
            if max_delay * num_post > MOST_SYNAPSES:
                raise ValueError(
                    f"Sparse, delays: given up to {max_delay} steps for {num_post} postsynaptic "
                    f"neurons; expected a product <= {MOST_SYNAPSES}, as int32 numbers the slots"
                )
        canonical = {
            "_fault": None,  # the indices have just been checked
            "num_pre": num_pre,
            "num_post": num_post,
            "max_delay": max_delay,
            "weights": weights,
            **as_arrays(pre=pre, post=post, delays=delays),
            **sorted_synapses(pre, post, delays, (num_pre, num_post, max_delay)),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return self.num_pre, self.num_post, self.max_delay

    @property
    def num_synapses(self) -> int:
        return int(self.weights.shape[0])

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post] by a pass over all synapses."""
        return self._product(sparse_product, spikes)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], visiting the synapses of spiking neurons alone."""
        return self._product(event_product, spikes)

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bool [T, pre], into the sums of each step, [T, post]."""
        return jax.vmap(self.deliver_events)(delayed(spikes, delay).astype(self.dtype))

    def deliver_delayed(self, spikes: jax.Array, *, event_driven: bool) -> jax.Array:
        """Turn spikes [pre] into [max_delay, post]: row d - 1 arrives in d steps."""
        sums = self._product(event_product if event_driven else sparse_product, spikes)
        return sums.reshape(self.max_delay, self.num_post)

    def _product(self, product: Callable[..., jax.Array], spikes: jax.Array) -> jax.Array:
        """Sum the weights of the spikes for each postsynaptic neuron, or for each delay and neuron.

        The sums are [post], or [max_delay * post] if there are delays.
        """
        pre, weights = self.pre, self.weights
        if self.order is not None:
            pre, weights = pre[self.order], weights[self.order]
        slots = self.post if self.slots is None else self.slots
        num_slots = max(self.max_delay, 1) * self.num_post
        return product(spikes, weights, Synapses(pre, slots, self.starts), num_slots)

    def with_weights(self, weights: jax.Array) -> "Sparse":
        """Return the synapses with other weights, [S]."""
        return replace(self, weights=weights)

    def indexed_by_post(self) -> "Sparse":
        """Return the synapses with `by_post`, by which learning finds those of a neuron."""
        if self.by_post is not None:
            return self
        return replace(self, by_post=by_post(self.pre, self.post, self._sizes))

    def synapses_of(self, side: int) -> SynapsesOf:
        """Return the synapses of each presynaptic neuron, 0, or of each postsynaptic one, 1."""
        if side == 1:
            assert self.by_post is not None
            return self.by_post
        order, targets = self.order, self.post
        if order is None:
            order = jnp.zeros(0, np.int32)
        else:
            assert self.slots is not None
            targets = self.slots % self.num_post if self.max_delay else self.slots
        return synapses_of(self.starts, order, targets, self.num_post)

    def rewired(
        self, remove: Any, pre: Any, post: Any, weights: Any, delays: Any = None
    ) -> tuple["Sparse", jax.Array]:
        """Remove the synapses at `remove` and add new ones.

        The result is sorted by presynaptic neuron; the new synapses of a neuron come after those
        that it keeps.

        Args:
          remove: integers [k], each once.
          pre: integers [m], the presynaptic neurons of the new synapses.
          post: integers [m], their postsynaptic neurons.
          weights: [m], their weights.
          delays: integers [m], needed if synapses have delays, up to `max_delay`.

        Returns:
          The connectivity, and int32 [S - k + m]: the position of each of its synapses in the list
          of the S old ones followed by the m new ones.

        Raises:
          TypeError: if an index or a delay is not an integer, or weights are of another dtype.
          ValueError: if an index is outside its population, shapes differ, a weight is NaN or
            infinite, a delay is outside 1 to `max_delay`, a synapse is removed twice, or a pair is
            joined twice that may not be.
        """
        num = self.num_synapses
        remove = integers(remove, np.shape(remove)[:1] or (1,), "remove", 0, num - 1)
        if is_concrete(remove) and len(np.unique(np.asarray(remove))) < len(remove):
            raise ValueError("Sparse, remove: given a synapse twice; expected each once")
        weights = weight_array(weights, ("synapses",), "Sparse weights")
        check_dtype(weights, self.dtype, "Sparse weights")
        if (delays is None) != (self.delays is None):
            given = "none" if delays is None else "some"
            raise ValueError(
                f"Sparse, delays of new synapses: given {given}; expected them exactly if the "
                "others have them"
            )
        new: dict[str, Any] = {
            "pre": integers(pre, weights.shape, "pre", 0, self.num_pre - 1),
            "post": integers(post, weights.shape, "post", 0, self.num_post - 1),
            "weights": weights,
        }
        if delays is not None:
            new["delays"] = integers(delays, weights.shape, "delays", 1, self.max_delay)
        removed = jnp.zeros(num, bool).at[remove].set(True)
        kept = jnp.argsort(removed, stable=True)[: num - len(remove)]
        which = jnp.concatenate([kept, num + jnp.arange(len(weights), dtype=kept.dtype)])
        both = {k: jnp.concatenate([getattr(self, k), values]) for k, values in new.items()}
        which = which[jnp.argsort(both["pre"][which], stable=True)]
        fields = {k: values[which] for k, values in both.items()}
        if not self.multapses:
            check_once(fields["pre"], fields["post"], self.num_post)
        in_order = sorted_synapses(
            fields["pre"], fields["post"], fields.get("delays"), self._sizes, is_sorted=True
        )
        if delays is None:
            fields["post"] = reached(
                fields["post"], fields["pre"], fields["post"], None, self._sizes
            )
        if self.order is not None:  # the structure stays, so that a loop can carry the network
            in_order["order"] = jnp.arange(len(which), dtype=jnp.int32)
            in_order["slots"] = fields["post"] if delays is None else in_order["slots"]
        if self.by_post is not None:
            in_order["by_post"] = by_post(fields["pre"], fields["post"], self._sizes)
        return replace(self, **fields, **in_order), which.astype(jnp.int32)

    def check_indices(self, what: str) -> None:
        """Check indices that `jax.tree.map` may have changed; traced ones are not checked.

        Raises:
          ValueError: if an index or a delay is out of range, or `order`, `starts` and `slots` do
            not belong to the indices.
        """
        if self._fault is not None:
            raise ValueError(
                f"{what}: {self._fault} (jax.tree.map over a network reaches indices too; change "
                "weights alone, with Network.with_weights)"
            )

    @cached_property
    def _fault(self) -> str | None:
        """The first thing that is wrong with the indices, or None."""
        names = ("pre", "post", "delays", "order", "starts", "slots")
        given = {name: getattr(self, name) for name in names}
        given = {name: x for name, x in given.items() if x is not None}
        of_post = jax.tree.leaves(self.by_post)
        if not all(map(is_concrete, (*given.values(), *of_post))):
            return None
        for name, x in given.items():
            if x.dtype != np.int32:
                return f"Sparse, {name}: given {x.dtype}; expected int32"
        last = self.num_synapses - 1
        ranges = {
            "pre": (0, self.num_pre - 1),
            "post": (0, self.num_post - 1),
            "delays": (1, self.max_delay),
            "order": (0, last),
        }
        try:
            for name, (low, high) in ranges.items():
                if name in given:
                    integers(given[name], (last + 1,), name, low, high)
        except ValueError as error:
            return str(error)
        if not belong(**{name: np.asarray(x) for name, x in given.items()}, sizes=self._sizes):
            return (
                "Sparse, order, starts and slots: given others than those of pre, post and delays"
            )
        expected = jax.tree.leaves(by_post(self.pre, self.post, self._sizes) if of_post else None)
        if not all(map(np.array_equal, of_post, expected)):
            return "Sparse, by_post: given another index than that of pre and post"
        return None

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Turn values [pre] into those on the presynaptic side of each synapse, [S]."""
        return values[self.pre]

    def of_post(self, values: jax.Array) -> jax.Array:
        """Turn values [post] into those on the postsynaptic side of each synapse, [S]."""
        return values[self.post]
