"""A list of synapses: for networks in which a neuron reaches few others."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import is_concrete, positive_int, weight_array
from jsnn._pytree import pytree, replace, static
from jsnn.events import Synapses, event_product, sparse_product
from jsnn.products import delayed


@pytree
class Sparse:
    """One synapse from neuron pre[s] to neuron post[s], of weight weights[s], for every s.

    Synapses are kept sorted by presynaptic neuron, those of one neuron in the order given. Their
    number is static, all else is traced. The indices are integers, so `jax.grad` over a whole
    network needs `allow_int=True`.

    Attributes:
      pre: integers [S], from 0 to num_pre - 1.
      post: integers [S], from 0 to num_post - 1.
      weights: float [S], in nA or what the synapse model takes.
      num_pre: the size of the presynaptic population.
      num_post: the size of the postsynaptic population.
      delays: integers [S], whole steps >= 1, in place of the projection's delay; or None.
      multapses: whether several synapses may join the same pair.
      max_delay: the longest of them; 0 without.
      starts: int32 [num_pre + 1]; synapses starts[i] to starts[i + 1] are those of neuron i.
      slots: int32 [S] where there are delays: (delay - 1) * num_post + post.

    Raises ValueError or TypeError where an index is outside its population, shapes differ, a weight
    is NaN or infinite, a delay is less than one step, or a pair is joined twice that may not be.
    """

    pre: Any
    post: Any
    weights: Any
    num_pre: int = static()
    num_post: int = static()
    delays: Any = None
    multapses: bool = static(default=True)
    max_delay: int = static(init=False)
    starts: jax.Array = dataclasses.field(init=False)
    slots: jax.Array | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        num_pre = positive_int(self.num_pre, "Sparse, num_pre")
        num_post = positive_int(self.num_post, "Sparse, num_post")
        weights: Any = weight_array(self.weights, ("synapses",), "Sparse weights")
        pre = _integers(self.pre, weights.shape, "pre", 0, num_pre - 1)
        post = _integers(self.post, weights.shape, "post", 0, num_post - 1)
        if not self.multapses:
            _check_once(pre, post, num_post)
        order, starts = _sorted(pre, num_pre)
        weights = np.asarray(weights) if is_concrete(weights) else weights
        canonical = {
            "num_pre": num_pre,
            "num_post": num_post,
            "pre": jnp.asarray(pre[order]),
            "post": jnp.asarray(post[order]),
            "weights": jnp.asarray(weights[order]),
            "starts": jnp.asarray(starts),
            "max_delay": 0,
            "slots": None,
        }
        if self.delays is not None:
            if not is_concrete(self.delays):
                raise TypeError("Sparse, delays: given traced ones; expected numbers, made outside")
            delays = _integers(self.delays, weights.shape, "delays", 1, 2**15)[order]
            canonical["delays"] = jnp.asarray(delays)
            canonical["max_delay"] = int(np.max(delays, initial=1))
            canonical["slots"] = jnp.asarray((delays - 1) * num_post + post[order])
        for name, value in canonical.items():
            object.__setattr__(self, name, value)

    @property
    def num_synapses(self) -> int:
        return int(self.weights.shape[0])

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def synapses(self) -> Synapses:
        return Synapses(self.pre, self.post, self.starts)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """[pre] -> [post]: a pass over all synapses, added up in their order."""
        return sparse_product(spikes, self.weights, self.synapses, self.num_post)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """The same, visiting only the synapses of the neurons that spiked."""
        return event_product(spikes, self.weights, self.synapses, self.num_post)

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """The same for all steps of a run: bool [T, pre] to what arrives in each, [T, post]."""
        return jax.vmap(self.deliver_events)(delayed(spikes, delay).astype(self.dtype))

    def deliver_delayed(self, spikes: jax.Array, *, event_driven: bool) -> jax.Array:
        """[pre] -> [max_delay, post]: in row d - 1, what reaches each neuron in d steps."""
        product = event_product if event_driven else sparse_product
        assert self.slots is not None
        by_delay = self.synapses._replace(post=self.slots)
        sums = product(spikes, self.weights, by_delay, self.max_delay * self.num_post)
        return sums.reshape(self.max_delay, self.num_post)

    def with_weights(self, weights: jax.Array) -> "Sparse":
        """The same synapses with other weights."""
        return replace(self, weights=weights)

    def of_pre(self, values: jax.Array) -> jax.Array:
        """[pre] -> [S]: what each synapse has on its presynaptic side."""
        return values[self.pre]

    def of_post(self, values: jax.Array) -> jax.Array:
        """[post] -> [S]."""
        return values[self.post]


def _integers(given: Any, shape: tuple[int, ...], name: str, low: int, high: int) -> Any:
    """An index or delay for each synapse as int32, or an error that names it."""
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
    """Raise ValueError where two synapses join the same pair, as far as it can be seen."""
    if not (is_concrete(pre) and is_concrete(post)):
        return
    pairs, first, count = np.unique(
        pre.astype(np.int64) * num_post + post, return_index=True, return_counts=True
    )
    if len(pairs) < len(pre):
        twice = first[count > 1].min()
        raise ValueError(
            f"Sparse, multapses: given {len(pre) - len(pairs)} synapses between pairs that are "
            f"joined already, such as {pre[twice]} to {post[twice]}; expected each pair once"
        )


def _sorted(pre: Any, num_pre: int) -> tuple[Any, Any]:
    """The order that sorts synapses by `pre`, and where those of each neuron then start."""
    neurons = np.arange(num_pre + 1, dtype=np.int32)
    numpy: Any = np if is_concrete(pre) else jnp  # the host sorts without compiling anything
    order = numpy.argsort(pre, stable=True)
    return order, numpy.searchsorted(pre[order], neurons).astype(np.int32)
