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
from jsnn.network.connectivity.indices import LONGEST_DELAY
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.initializers import Initializer, as_initializer, bounds_of

Synapses = tuple[jax.Array, ...]
"""Targets, weights and delays, if there are such, [K] each."""

Row = Callable[[jax.Array, jax.Array, int, Any], Synapses]
"""A function that makes the synapses of one presynaptic neuron.

    (key, presynaptic neuron int32 (), num_post, dtype) -> (targets int32 [K], weights [K] in nA)

With `max_delay` there is a third array, delays int32 [K] in steps. K is the same for all neurons. A
target below 0, or of `num_post` or more, stands for no synapse, as does a delay below 1, or above
`max_delay`. A row is static: hashable, at module level, and equal to rows that do the same.
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
      max_delay: the longest delay of a synapse, in steps, if the row makes a delay for each, in
        place of the delay of the projection; 0 if it makes none.

    Raises:
      TypeError: if the key is not a typed PRNG key, or the row is not a hashable function.
      ValueError: if the key is not of threefry2x32, or the row returns other shapes or dtypes.
    """

    key: jax.Array
    num_pre: int = static()
    num_post: int = static()
    row: Row = static()
    dtype: Any = static(default=np.float32)
    max_delay: int = static(default=0)

    def __post_init__(self) -> None:
        check_key(self.key, "Procedural, key")
        for name in ("num_pre", "num_post"):
            size = positive_int(getattr(self, name), f"Procedural, {name}")
            object.__setattr__(self, name, size)
        object.__setattr__(self, "dtype", float_dtype(self.dtype, "Procedural, dtype"))
        what = "Procedural, max_delay"
        longest = positive_int(self.max_delay, what, least=0, most=LONGEST_DELAY)
        object.__setattr__(self, "max_delay", longest)
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
        delay: Initializer | None = None,
        dtype: Any = np.float32,
    ) -> Procedural:
        """Make `degree` synapses for every presynaptic neuron, targets drawn with replacement.

        Args:
          key: from `jax.random.key(seed)`.
          num_pre: the number of presynaptic neurons.
          num_post: the number of postsynaptic neurons.
          degree: the number of synapses of each presynaptic neuron.
          weight: a number or an initializer, in nA.
          delay: the delay of each synapse, in steps: None, or an initializer with bounds (rounded
            to whole steps), such as `initializers.uniform`.
          dtype: float32 or float64, the dtype of the network.
        """
        degree = positive_int(degree, "Procedural.fixed_out_degree, degree")
        drawn = as_initializer(weight, "Procedural.fixed_out_degree, weight")
        longest = _longest(delay, "Procedural.fixed_out_degree, delay")
        row = _FixedOutDegree(degree, drawn, delay)
        return cls(key, num_pre, num_post, row, dtype, longest)

    @classmethod
    def fixed_probability(
        cls,
        key: jax.Array,
        num_pre: int,
        num_post: int,
        p: float,
        weight: float | Initializer,
        *,
        delay: Initializer | None = None,
        dtype: Any = np.float32,
    ) -> Procedural:
        """Join every pair of neurons with probability `p`, independently of all others.

        Args:
          key: from `jax.random.key(seed)`.
          num_pre: the number of presynaptic neurons.
          num_post: the number of postsynaptic neurons.
          p: the probability, in [0, 1].
          weight: a number or an initializer, in nA.
          delay: the delay of each synapse, in steps: None, or an initializer with bounds (rounded
            to whole steps), such as `initializers.uniform`.
          dtype: float32 or float64, the dtype of the network.
        """
        p = probability(p, "Procedural.fixed_probability, p")
        drawn = as_initializer(weight, "Procedural.fixed_probability, weight")
        longest = _longest(delay, "Procedural.fixed_probability, delay")
        return cls(key, num_pre, num_post, _FixedProbability(p, drawn, delay), dtype, longest)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], making all synapses, in neuron order.

        Delays make no difference to these sums.
        """
        return self._with_all(spikes, self._silence)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], making the synapses of the spiking neurons alone.

        The sums are those of `deliver`, bit for bit.
        """
        return _with_events(self, jnp.asarray(spikes), self._silence, None)

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bool [T, pre], into the sums of each step, [T, post]."""
        return jax.lax.map(self.deliver_events, delayed(spikes, delay).astype(self.dtype))

    def deliver_onto(
        self, sums: jax.Array, step: jax.Array, spikes: jax.Array, *, event_driven: bool
    ) -> jax.Array:
        """Add what spikes [pre] of a step send to the sums of steps to come, [max_delay, post]."""
        ahead = sums.at[step % self.max_delay].set(0)
        if event_driven:
            return _with_events(self, spikes, ahead, step)
        return self._with_all(spikes, ahead, step)

    def stored(self) -> Sparse:
        """Return the synapses as a stored list, in the order of the neurons and their rows.

        The key must not be traced.
        """
        targets, weights, *delays = (np.asarray(each) for each in _all_synapses(self))
        exists = targets != self.num_post
        pre = np.nonzero(exists)[0].astype(np.int32)
        sizes = (self.num_pre, self.num_post)
        return Sparse(
            pre, targets[exists], weights[exists], *sizes, *(each[exists] for each in delays)
        )

    @property
    def _neurons(self) -> jax.Array:
        return jnp.arange(self.num_pre, dtype=jnp.int32)

    @property
    def _silence(self) -> jax.Array:
        return jnp.zeros(self.num_post, self.dtype)

    def _made_by_row(self, neuron: jax.Array) -> Synapses:
        key = jax.random.fold_in(self.key, neuron)
        return self.row(key, neuron, self.num_post, self.dtype)

    def _synapses_of(self, neuron: jax.Array) -> Synapses:
        """Make the synapses of a neuron; a target of num_post stands for none."""
        made = self._made_by_row(neuron)
        # Without the barrier XLA would round the weights differently from one use to another.
        targets, weights, *delays = jax.lax.optimization_barrier(made)
        exists = (targets >= 0) & (targets < self.num_post)
        for each in delays:
            exists &= (each >= 1) & (each <= self.max_delay)
        return jnp.where(exists, targets, self.num_post), weights, *delays

    def _with_all(
        self, spikes: jax.Array, sums: jax.Array, step: jax.Array | None = None
    ) -> jax.Array:
        """Add to sums what the synapses of all neurons send."""

        def add(sums: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            return self._with_synapses_of(sums, *now, step), None

        # The backward pass makes the synapses anew as well, and stores none.
        add = jax.checkpoint(add, prevent_cse=False)
        return jax.lax.scan(add, sums, (self._neurons, spikes))[0]

    def _with_synapses_of(
        self, sums: jax.Array, neuron: jax.Array, spike: jax.Array, step: jax.Array | None
    ) -> jax.Array:
        """Add what the synapses of a neuron send to sums [post], or [max_delay, post] of a step."""
        targets, weights, *delays = self._synapses_of(neuron)
        rows = () if step is None else ((step + delays[0]) % self.max_delay,)
        return sums.at[*rows, targets].add(spike * weights, mode="drop")


@jax.jit
def _all_synapses(procedural: Procedural) -> Synapses:
    """Return the synapses of all neurons, [pre, K]."""
    return jax.lax.map(procedural._synapses_of, procedural._neurons)


@jax.custom_jvp
def _with_events(
    procedural: Procedural, spikes: jax.Array, sums: jax.Array, step: jax.Array | None
) -> jax.Array:
    """Add to sums what the synapses of the spiking neurons send."""
    spiking = jnp.flatnonzero(spikes, size=procedural.num_pre).astype(jnp.int32)

    def add(i: jax.Array, sums: jax.Array) -> jax.Array:
        neuron = spiking[i]
        return procedural._with_synapses_of(sums, neuron, spikes[neuron], step)

    return jax.lax.fori_loop(0, jnp.count_nonzero(spikes), add, sums)


@_with_events.defjvp
def _with_events_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    """Differentiate what all neurons send, linear in the spikes, so that silent ones count too."""
    (procedural, spikes, sums, step), (_, d_spikes, d_sums, _) = primals, tangents
    # JAX before 0.10 cannot transpose a scan that it has not made linear itself.
    with_all = lambda spikes, sums: procedural._with_all(spikes, sums, step)  # noqa: E731
    _, linear = jax.linearize(with_all, spikes, sums)
    return _with_events(procedural, spikes, sums, step), linear(d_spikes, d_sums)


@dataclass(frozen=True)
class _FixedOutDegree:
    degree: int
    weight: Initializer
    delay: Initializer | None

    def __call__(self, key: jax.Array, pre: jax.Array, num_post: int, dtype: Any) -> Synapses:
        for_targets, for_weights = jax.random.split(key)
        targets = jax.random.randint(for_targets, (self.degree,), 0, num_post, jnp.int32)
        weights = self.weight(for_weights, (self.degree,), dtype)
        return targets, weights, *_delays(key, self.delay, self.degree)


@dataclass(frozen=True)
class _FixedProbability:
    p: float
    weight: Initializer
    delay: Initializer | None

    def __call__(self, key: jax.Array, pre: jax.Array, num_post: int, dtype: Any) -> Synapses:
        for_targets, for_weights = jax.random.split(key)
        p = jnp.float32(self.p)  # the pairs do not depend on the dtype of the weights
        joined = jax.random.bernoulli(for_targets, p, (num_post,), mode="high")
        targets = jnp.where(joined, jnp.arange(num_post, dtype=jnp.int32), num_post)
        weights = self.weight(for_weights, (num_post,), dtype)
        return targets, weights, *_delays(key, self.delay, num_post)


def _delays(key: jax.Array, delay: Initializer | None, number: int) -> tuple[jax.Array, ...]:
    """Draw a delay for each synapse in whole steps, with a key that no other draw has."""
    if delay is None:
        return ()
    drawn = delay(jax.random.fold_in(key, 2), (number,), np.float32)
    return (jnp.rint(drawn).astype(jnp.int32),)


def _longest(delay: Any, what: str) -> int:
    """Return the longest delay that an initializer may draw, in steps; 0 without one."""
    if delay is None:
        return 0
    if not callable(delay):
        raise TypeError(
            f"{what}: given {delay!r}; expected None or an initializer (one number for all "
            "synapses is that of their Projection)"
        )
    low, high = bounds_of(delay)
    if np.rint(low) < 1 or np.rint(high) > LONGEST_DELAY:
        raise ValueError(
            f"{what}: given {delay!r}, which draws from {low:g} to {high:g}; expected an "
            f"initializer with bounds within 1 to {LONGEST_DELAY} steps, since the longest delay "
            "is static (a row of your own may draw delays in any way)"
        )
    return int(np.rint(high))


def _check_row(procedural: Procedural) -> None:
    row, dtype = procedural.row, procedural.dtype
    if not callable(row) or not isinstance(row, Hashable):
        raise TypeError(
            f"Procedural, row: given {type(row).__name__}; expected a hashable function "
            "(key, neuron, num_post, dtype) -> (targets, weights)"
        )
    made = jax.eval_shape(procedural._made_by_row, jax.ShapeDtypeStruct((), jnp.int32))
    given = [f"{leaf.dtype}{list(leaf.shape)}" for leaf in jax.tree.leaves(made)]
    size = next((leaf.shape for leaf in jax.tree.leaves(made)), ())
    expected = ["int32", str(dtype), *(["int32"] if procedural.max_delay else [])]
    if len(size) != 1 or given != [f"{each}{list(size)}" for each in expected]:
        delays = " and delays int32[K], as there is a max_delay" if procedural.max_delay else ""
        raise ValueError(
            f"Procedural, row: given a function that returns {', '.join(given) or 'nothing'}; "
            f"expected targets int32[K] and weights {dtype}[K]{delays}"
        )
