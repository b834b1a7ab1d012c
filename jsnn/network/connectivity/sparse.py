"""A list of synapses: for networks in which a neuron reaches few others."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_dtype, is_concrete, positive_int, weight_array
from jsnn._kernels.dense import delayed
from jsnn._kernels.sparse import Synapses, event_product, sparse_product
from jsnn._pytree import pytree, replace, static


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
        delays, max_delay = self.delays, 0
        if delays is not None:
            if not is_concrete(delays):
                raise TypeError("Sparse, delays: given traced ones; expected numbers, made outside")
            delays = _integers(delays, weights.shape, "delays", 1, 2**15)
            max_delay = int(np.max(delays, initial=1))
        sorted_, _ = _sorted(pre, post, weights, delays, num_pre, num_post)
        canonical = {"num_pre": num_pre, "num_post": num_post, "max_delay": max_delay, **sorted_}
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

    def rewired(
        self, remove: Any, pre: Any, post: Any, weights: Any, delays: Any = None
    ) -> tuple["Sparse", jax.Array]:
        """Without the synapses at `remove`, integers [k], each once, and with new ones.

        The new ones, [m] each, come after those that their presynaptic neuron keeps. Delays are
        needed where synapses have them, up to `max_delay`.

        Returns:
          The connectivity, and int32 [S - k + m]: which of all synapses, the S old ones followed by
          the m new ones, each of its synapses is.

        Raises ValueError or TypeError as `Sparse` does, and where one is removed twice.
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
                f"Sparse, delays of new synapses: given {given}; expected them exactly where the "
                "others have them"
            )
        new: dict[str, Any] = {
            "pre": _integers(pre, weights.shape, "pre", 0, self.num_pre - 1),
            "post": _integers(post, weights.shape, "post", 0, self.num_post - 1),
            "weights": weights,
            "delays": delays
            if delays is None
            else _integers(delays, weights.shape, "delays", 1, self.max_delay),
        }
        removed = jnp.zeros(num, bool).at[remove].set(True)
        kept = jnp.argsort(removed, stable=True)[: num - len(remove)]
        which = jnp.concatenate([kept, num + jnp.arange(len(weights), dtype=kept.dtype)])
        both: dict[str, Any] = {
            name: None if values is None else jnp.concatenate([getattr(self, name), values])[which]
            for name, values in new.items()
        }
        canonical, order = _sorted(**both, num_pre=self.num_pre, num_post=self.num_post)
        if not self.multapses:
            _check_once(canonical["pre"], canonical["post"], self.num_post)
        return replace(self, **canonical), which[order].astype(jnp.int32)

    def of_pre(self, values: jax.Array) -> jax.Array:
        """[pre] -> [S]: what each synapse has on its presynaptic side."""
        return values[self.pre]

    def of_post(self, values: jax.Array) -> jax.Array:
        """[post] -> [S]."""
        return values[self.post]


def _sorted(
    pre: Any, post: Any, weights: Any, delays: Any, num_pre: int, num_post: int
) -> tuple[dict[str, Any], Any]:
    """The fields of synapses in the order in which they are kept, and that order, integers [S]."""
    given = [each for each in (pre, post, weights, delays) if each is not None]
    numpy: Any = np if all(map(is_concrete, given)) else jnp  # the host sorts without compiling
    order = numpy.argsort(numpy.asarray(pre), stable=True)
    pre, post, weights = (numpy.asarray(each)[order] for each in (pre, post, weights))
    neurons = np.arange(num_pre + 1, dtype=np.int32)
    fields = {
        "pre": pre,
        "post": post,
        "weights": weights,
        "delays": None,
        "starts": numpy.searchsorted(pre, neurons).astype(np.int32),
        "slots": None,
    }
    if delays is not None:
        fields["delays"] = numpy.asarray(delays)[order]
        fields["slots"] = (fields["delays"] - 1) * num_post + post
    return {k: v if v is None else jnp.asarray(v) for k, v in fields.items()}, order


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
