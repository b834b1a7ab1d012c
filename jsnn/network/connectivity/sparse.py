"""Sparse connectivity: a list of synapses, for networks in which a neuron reaches few others."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_dtype, check_flag, is_concrete, positive_int, weight_array
from jsnn._kernels.dense import delayed
from jsnn._kernels.sparse import Synapses, event_product, sparse_product
from jsnn._pytree import pytree, replace, static


@pytree
class Sparse:
    """A list of synapses: number s joins neuron pre[s] to neuron post[s], of weight weights[s].

    Synapses keep the order in which they are given, and the weights of a neuron's synapses are
    added up in that order. Delivery is fastest if synapses are sorted by presynaptic neuron, as the
    builders (`jsnn.fixed_probability` and others) return them. The number of synapses is static,
    all else is traced. The indices are integers, so `jax.grad` over a whole network needs
    `allow_int=True`.

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

    Raises:
      TypeError: if indices or delays are not integers, or weights are not floating.
      ValueError: if an index is outside its population, shapes differ, a weight is NaN or infinite,
        a delay is less than one step, or a pair is joined twice that may not be.
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

    def __post_init__(self) -> None:
        check_flag(self.multapses, "Sparse, multapses")
        num_pre = positive_int(self.num_pre, "Sparse, num_pre")
        num_post = positive_int(self.num_post, "Sparse, num_post")
        weights: Any = weight_array(self.weights, ("synapses",), "Sparse weights")
        pre = _integers(self.pre, weights.shape, "pre", 0, num_pre - 1)
        post = _integers(self.post, weights.shape, "post", 0, num_post - 1)
        if not self.multapses:
            _check_once(pre, post, num_post)
        delays, max_delay = self.delays, 0
        if delays is not None:
            if not is_concrete(delays):
                raise TypeError("Sparse, delays: given traced ones; expected numbers, made outside")
            delays = _integers(delays, weights.shape, "delays", 1, 2**15)
            max_delay = int(np.max(delays, initial=1))
        canonical = {
            "num_pre": num_pre,
            "num_post": num_post,
            "max_delay": max_delay,
            "weights": weights,
            **_as_arrays(pre=pre, post=post, delays=delays),
            **_sorted(pre, post, delays, num_pre, num_post),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)

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
        remove = _integers(remove, np.shape(remove)[:1], "remove", 0, num - 1)
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
            "pre": _integers(pre, weights.shape, "pre", 0, self.num_pre - 1),
            "post": _integers(post, weights.shape, "post", 0, self.num_post - 1),
            "weights": weights,
        }
        if delays is not None:
            new["delays"] = _integers(delays, weights.shape, "delays", 1, self.max_delay)
        removed = jnp.zeros(num, bool).at[remove].set(True)
        kept = jnp.argsort(removed, stable=True)[: num - len(remove)]
        which = jnp.concatenate([kept, num + jnp.arange(len(weights), dtype=kept.dtype)])
        both = {k: jnp.concatenate([getattr(self, k), values]) for k, values in new.items()}
        which = which[jnp.argsort(both["pre"][which], stable=True)]
        fields = {k: values[which] for k, values in both.items()}
        if not self.multapses:
            _check_once(fields["pre"], fields["post"], self.num_post)
        in_order = _sorted(
            fields["pre"], fields["post"], fields.get("delays"), self.num_pre, self.num_post, True
        )
        if self.order is not None:  # the structure stays, so that a loop can carry the network
            in_order["order"] = jnp.arange(len(which), dtype=jnp.int32)
            in_order["slots"] = fields["post"] if delays is None else in_order["slots"]
        return replace(self, **fields, **in_order), which.astype(jnp.int32)

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Turn values [pre] into those on the presynaptic side of each synapse, [S]."""
        return values[self.pre]

    def of_post(self, values: jax.Array) -> jax.Array:
        """Turn values [post] into those on the postsynaptic side of each synapse, [S]."""
        return values[self.post]


def _sorted(
    pre: Any, post: Any, delays: Any, num_pre: int, num_post: int, is_sorted: bool = False
) -> dict[str, Any]:
    """Return `order`, `starts` and `slots` of synapses; traced ones count as not sorted."""
    given = [each for each in (pre, post, delays) if each is not None]
    numpy: Any = np if all(map(is_concrete, given)) else jnp  # the host sorts without compiling
    if is_sorted or (numpy is np and np.all(np.diff(np.asarray(pre)) >= 0)):
        order = None
    else:
        order = numpy.argsort(numpy.asarray(pre), stable=True).astype(np.int32)
    pre, post = (
        numpy.asarray(x) if order is None else numpy.asarray(x)[order] for x in (pre, post)
    )
    slots = None if order is None else post
    if delays is not None:
        delays = numpy.asarray(delays) if order is None else numpy.asarray(delays)[order]
        slots = (delays - 1) * num_post + post
    neurons = np.arange(num_pre + 1, dtype=np.int32)
    starts = numpy.searchsorted(pre, neurons).astype(np.int32)
    return _as_arrays(order=order, starts=starts, slots=slots)


def _as_arrays(**fields: Any) -> dict[str, Any]:
    return {name: x if x is None else jnp.asarray(x) for name, x in fields.items()}


def _integers(given: Any, shape: tuple[int, ...], name: str, low: int, high: int) -> Any:
    """Return an index or a delay for each synapse as int32.

    Raises:
      TypeError: if the numbers are not integers.
      ValueError: if there is not one for each synapse, or one is outside `low` to `high`.
    """
    what = f"Sparse, {name}"
    if np.shape(given) != shape:
        raise ValueError(
            f"{what}: given shape {np.shape(given)}; expected {shape}, one for each weight"
        )
    array = np.asarray(given) if is_concrete(given) else given
    if not np.issubdtype(array.dtype, np.integer) and array.size:
        raise TypeError(f"{what}: given {array.dtype}; expected integers")
    if is_concrete(given):
        outside = np.flatnonzero((array < low) | (array > high))
        if outside.size:
            raise ValueError(
                f"{what}: given {array[outside[0]]} for synapse {outside[0]}; expected {low} to "
                f"{high}"
            )
    return array.astype(np.int32)


def _check_once(pre: Any, post: Any, num_post: int) -> None:
    """Raise ValueError if two synapses join the same pair; traced indices are not checked."""
    if not (is_concrete(pre) and is_concrete(post)):
        return
    pre, post = np.asarray(pre), np.asarray(post)
    pairs, first, count = np.unique(
        pre.astype(np.int64) * num_post + post, return_index=True, return_counts=True
    )
    if len(pairs) < len(pre):
        twice = first[count > 1].min()
        raise ValueError(
            f"Sparse, multapses: given {len(pre) - len(pairs)} synapses between pairs that are "
            f"joined already, such as {pre[twice]} to {post[twice]}; expected each pair once"
        )
