"""Procedural connectivity: synapses that are never stored, but made anew from a key at each spike.

After GeNN's procedural connectivity: Knight & Nowotny 2021, Nat. Comput. Sci. 1, 136-142.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_key, float_dtype, positive_int, probability
from jsnn._kernels.dense import delayed
from jsnn._pytree import pytree, static
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.initializers import Initializer, as_initializer

Row = Callable[[jax.Array, jax.Array, int, Any], tuple[jax.Array, jax.Array]]
"""A function that makes the synapses of one presynaptic neuron.

    (key, presynaptic neuron int32 (), num_post, dtype) -> (targets int32 [K], weights [K] in nA)

K is the same for all neurons. A target below 0, or of `num_post` or more, stands for no synapse. A
row is static: hashable, at module level, and equal to rows that do the same.
"""


@pytree
class Procedural:
    """Synapses made from a key, neuron by neuron, the same every time.

    They need no memory, but time at each spike.

    Attributes:
      key: from `jax.random.key(seed)`; the synapses of neuron i come from
        `jax.random.fold_in(key, i)`. The key is a leaf: `jax.vmap` over keys is over networks, and
        `jax.grad` over a network that holds one needs `allow_int=True`.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
      row: makes the synapses of one presynaptic neuron; see `Row`.
      dtype: float32 or float64, the dtype of the network.

    Raises:
      TypeError: if the key is not a typed PRNG key, or the row is not a hashable function.
      ValueError: if the key is not of threefry2x32, or the row returns other shapes or dtypes.
    """

    key: jax.Array
    num_pre: int = static()
    num_post: int = static()
    row: Row = static()
    dtype: Any = static(default=np.float32)

    def __post_init__(self) -> None:
        check_key(self.key, "Procedural, key")
        for name in ("num_pre", "num_post"):
            size = positive_int(getattr(self, name), f"Procedural, {name}")
            object.__setattr__(self, name, size)
        object.__setattr__(self, "dtype", float_dtype(self.dtype, "Procedural, dtype"))
        _check_row(self)

    @classmethod
    def fixed_out_degree(
        cls,
        key: jax.Array,
        num_pre: int,
        num_post: int,
        degree: int,
        weight: float | Initializer,
        *,
        dtype: Any = np.float32,
    ) -> Procedural:
        """Make `degree` synapses for every presynaptic neuron, targets drawn with replacement.

        Args:
          key: from `jax.random.key(seed)`.
          num_pre: the number of presynaptic neurons.
          num_post: the number of postsynaptic neurons.
          degree: the number of synapses of each presynaptic neuron.
          weight: a number or an initializer, in nA.
          dtype: float32 or float64, the dtype of the network.
        """
        degree = positive_int(degree, "Procedural.fixed_out_degree, degree")
        drawn = as_initializer(weight, "Procedural.fixed_out_degree, weight")
        return cls(key, num_pre, num_post, _FixedOutDegree(degree, drawn), dtype)

    @classmethod
    def fixed_probability(
        cls,
        key: jax.Array,
        num_pre: int,
        num_post: int,
        p: float,
        weight: float | Initializer,
        *,
        dtype: Any = np.float32,
    ) -> Procedural:
        """Join every pair of neurons with probability `p`, independently of all others.

        Args:
          key: from `jax.random.key(seed)`.
          num_pre: the number of presynaptic neurons.
          num_post: the number of postsynaptic neurons.
          p: the probability, in [0, 1].
          weight: a number or an initializer, in nA.
          dtype: float32 or float64, the dtype of the network.
        """
        p = probability(p, "Procedural.fixed_probability, p")
        drawn = as_initializer(weight, "Procedural.fixed_probability, weight")
        return cls(key, num_pre, num_post, _FixedProbability(p, drawn), dtype)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], making all synapses, in neuron order."""

        def add(total: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            return self._with_synapses_of(total, *now), None

        # The backward pass makes the synapses anew as well, and stores none.
        add = jax.checkpoint(add, prevent_cse=False)
        return jax.lax.scan(add, self._silence, (self._neurons, spikes))[0]

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], making the synapses of the spiking neurons alone.

        The sums are those of `deliver`, bit for bit.
        """
        return _deliver_events(self, jnp.asarray(spikes))

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bool [T, pre], into the sums of each step, [T, post]."""
        return jax.lax.map(self.deliver_events, delayed(spikes, delay).astype(self.dtype))

    def stored(self) -> Sparse:
        """Return the synapses as a stored list, in the order of the neurons and their rows.

        The key must not be traced.
        """
        targets, weights = (np.asarray(each) for each in _all_synapses(self))
        exists = targets != self.num_post
        pre = np.nonzero(exists)[0].astype(np.int32)
        return Sparse(pre, targets[exists], weights[exists], self.num_pre, self.num_post)

    @property
    def _neurons(self) -> jax.Array:
        return jnp.arange(self.num_pre, dtype=jnp.int32)

    @property
    def _silence(self) -> jax.Array:
        return jnp.zeros(self.num_post, self.dtype)

    def _synapses_of(self, neuron: jax.Array) -> tuple[jax.Array, jax.Array]:
        key = jax.random.fold_in(self.key, neuron)
        synapses = self.row(key, neuron, self.num_post, self.dtype)
        # Without the barrier XLA would round the weights differently from one use to another.
        return jax.lax.optimization_barrier(synapses)

    def _with_synapses_of(self, total: jax.Array, neuron: jax.Array, spike: jax.Array) -> jax.Array:
        targets, weights = self._synapses_of(neuron)
        targets = jnp.where(targets < 0, self.num_post, targets)  # JAX would count from the end
        return total.at[targets].add(spike * weights, mode="drop")


@jax.jit
def _all_synapses(procedural: Procedural) -> tuple[jax.Array, jax.Array]:
    """Return the targets and the weights of all synapses, [pre, K]."""
    return jax.lax.map(procedural._synapses_of, procedural._neurons)


@jax.custom_jvp
def _deliver_events(procedural: Procedural, spikes: jax.Array) -> jax.Array:
    spiking = jnp.flatnonzero(spikes, size=procedural.num_pre).astype(jnp.int32)

    def add(i: jax.Array, total: jax.Array) -> jax.Array:
        neuron = spiking[i]
        return procedural._with_synapses_of(total, neuron, spikes[neuron])

    return jax.lax.fori_loop(0, jnp.count_nonzero(spikes), add, procedural._silence)


@_deliver_events.defjvp
def _deliver_events_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    """Differentiate `deliver`, which is linear in the spikes, so that silent neurons count too."""
    (procedural, spikes), (_, d_spikes) = primals, tangents
    # JAX before 0.10 cannot transpose a scan that it has not made linear itself.
    _, deliver = jax.linearize(procedural.deliver, spikes)
    return _deliver_events(procedural, spikes), deliver(d_spikes)


@dataclass(frozen=True)
class _FixedOutDegree:
    degree: int
    weight: Initializer

    def __call__(
        self, key: jax.Array, pre: jax.Array, num_post: int, dtype: Any
    ) -> tuple[jax.Array, jax.Array]:
        for_targets, for_weights = jax.random.split(key)
        targets = jax.random.randint(for_targets, (self.degree,), 0, num_post, jnp.int32)
        return targets, self.weight(for_weights, (self.degree,), dtype)


@dataclass(frozen=True)
class _FixedProbability:
    p: float
    weight: Initializer

    def __call__(
        self, key: jax.Array, pre: jax.Array, num_post: int, dtype: Any
    ) -> tuple[jax.Array, jax.Array]:
        for_targets, for_weights = jax.random.split(key)
        p = jnp.float32(self.p)  # the pairs do not depend on the dtype of the weights
        joined = jax.random.bernoulli(for_targets, p, (num_post,), mode="high")
        targets = jnp.where(joined, jnp.arange(num_post, dtype=jnp.int32), num_post)
        return targets, self.weight(for_weights, (num_post,), dtype)


def _check_row(procedural: Procedural) -> None:
    row, dtype = procedural.row, procedural.dtype
    if not callable(row) or not isinstance(row, Hashable):
        raise TypeError(
            f"Procedural, row: given {type(row).__name__}; expected a hashable function "
            "(key, neuron, num_post, dtype) -> (targets, weights)"
        )
    made = jax.eval_shape(procedural._synapses_of, jax.ShapeDtypeStruct((), jnp.int32))
    given = [f"{leaf.dtype}{list(leaf.shape)}" for leaf in jax.tree.leaves(made)]
    size = next((leaf.shape for leaf in jax.tree.leaves(made)), ())
    if len(size) != 1 or given != [f"int32{list(size)}", f"{dtype}{list(size)}"]:
        raise ValueError(
            f"Procedural, row: given a function that returns {', '.join(given) or 'nothing'}; "
            f"expected targets int32[K] and weights {dtype}[K]"
        )
