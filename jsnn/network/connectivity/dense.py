"""Dense connectivity: a matrix of weights."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import is_concrete, weight_array
from jsnn._kernels.delivery import Synapses
from jsnn._kernels.dense import ordered_product, product_of_trains
from jsnn._kernels.over_time import product_over_time
from jsnn._kernels.visits import SynapsesOf
from jsnn._pytree import pytree, replace, static
from jsnn.network.connectivity.ends import Ends
from jsnn.network.connectivity.indices import (
    checked_axonal,
    checked_delays,
    sorted_synapses,
    sources_of,
)


@pytree
class Dense:
    """A synapse between every pair of neurons, each with a weight of its own.

    Attributes:
      weights: [pre, post], in nA; a floating dtype, which becomes the dtype of the network.
      precision: of the matrix product, as `jax.lax.Precision` names it. The default keeps full
        float32 on devices that would otherwise round their operands.
      delays: integers [pre, post], whole steps >= 1, in place of the delay of the projection; or
        None. With delays the synapses are visited as a list.
      axonal: integers [pre, post], the steps of each delay that lie before the synapse, from 0 to
        delay - 1, in place of `axonal` of the projection; or None. A projection without plasticity
        leaves them out. Learning is fastest without them.
      max_delay: the longest of the delays; 0 without delays.
      max_axonal: the longest of the axonal parts; None without them.
      order: int32 [pre * post], the positions of the synapses sorted by source, as `jsnn.Sparse`
        defines it; None if they are in that order.
      starts: int32 [num_sources + 1], the first synapse of each source in that order; None without
        axonal parts.
    """

    weights: Any
    precision: str = static(default="highest")
    delays: Any = None
    axonal: Any = None
    max_delay: int = static(init=False)
    max_axonal: int | None = static(init=False)
    order: jax.Array | None = dataclasses.field(init=False)
    starts: jax.Array | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        weights: Any = weight_array(self.weights, ("pre", "post"), "Dense weights")
        object.__setattr__(self, "weights", weights)
        delays, max_delay = self.delays, 0
        if delays is not None:
            delays, max_delay = checked_delays(delays, weights.shape, weights.shape[1], "Dense")
        axonal, max_axonal = self.axonal, None
        if axonal is not None:
            axonal, max_axonal = checked_axonal(axonal, delays, weights.shape[0], "Dense")
        canonical = {
            "delays": None if delays is None else jnp.asarray(delays),
            "axonal": None if axonal is None else jnp.asarray(axonal),
            "max_delay": max_delay,
            "max_axonal": max_axonal,
            "order": None,
            "starts": None,
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)
        if axonal is not None:
            for name, value in self._in_order(axonal).items():
                object.__setattr__(self, name, value)
        try:
            jax.lax.Precision(self.precision)
        except ValueError:
            raise ValueError(
                f"Dense, precision: given {self.precision!r}; expected 'default', 'high' or "
                "'highest'"
            ) from None

    def _in_order(self, axonal: Any) -> dict[str, Any]:
        """Return `order` and `starts` of synapses with axonal parts of their own."""
        sources, post = np.broadcast_arrays(
            self._sources(axonal), np.arange(self.num_post, dtype=np.int32)
        )
        sizes = (self.num_pre * (1 + (self.max_axonal or 0)), self.num_post, 0)
        in_order = sorted_synapses(sources.ravel(), post.ravel(), None, sizes)
        return {name: in_order[name] for name in ("order", "starts")}

    def _sources(self, axonal: Any) -> Any:
        """Return the source of each synapse, [pre, post]."""
        neurons = np.arange(self.num_pre, dtype=np.int32)[:, None]
        return sources_of(neurons, axonal, self.num_pre, self.max_axonal)

    @property
    def num_pre(self) -> int:
        return int(self.weights.shape[0])

    @property
    def num_post(self) -> int:
        return int(self.weights.shape[1])

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def num_synapses(self) -> int:
        return self.num_pre * self.num_post

    def sorted_weights(self) -> jax.Array:
        """Return the weights as a list, [pre * post]."""
        return self._sorted(self.weights)

    def _sorted(self, matrix: jax.Array) -> jax.Array:
        values = matrix.ravel()
        return values if self.order is None else values[self.order]

    def synapses(self) -> Synapses:
        """Return the synapses as a list, sorted by source."""
        assert self.delays is not None
        after = self.delays if self.axonal is None else self.delays - self.axonal
        rows, columns = (
            jnp.arange(self.num_pre + 1),
            jnp.arange(self.num_post, dtype=jnp.int32)[None],
        )
        starts = rows * self.num_post if self.starts is None else self.starts
        return Synapses(
            slots=self._sorted((after - 1) * self.num_post + columns),
            starts=starts.astype(jnp.int32),
            weights=self.sorted_weights(),
        )

    def without_axonal(self) -> "Dense":
        """Return the synapses without axonal parts, for a projection that does not learn."""
        return replace(self, axonal=None, max_axonal=None, order=None, starts=None)

    def check_indices(self, what: str) -> None:
        """Check delays that `jax.tree.map` may have changed; traced ones are not checked.

        Raises:
          ValueError: if a delay or an axonal part is out of range, or `order` and `starts` do not
            belong to the axonal parts.
        """
        given = (self.delays, self.axonal, self.order, self.starts)
        if self.delays is None or not all(map(is_concrete, given)):
            return
        try:
            self._check_delays()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{what}: {error} (jax.tree.map over a network reaches delays too; change weights "
                "alone, with Network.with_params)"
            ) from None

    def _check_delays(self) -> None:
        shape = np.shape(self.weights)
        delays, longest = checked_delays(self.delays, shape, self.num_post, "Dense")
        if longest > self.max_delay:
            raise ValueError(
                f"Dense, delays: given up to {longest} steps; expected at most {self.max_delay}"
            )
        if self.axonal is None:
            return
        axonal, max_axonal = checked_axonal(self.axonal, delays, self.num_pre, "Dense")
        are_in_order = max_axonal == self.max_axonal and all(
            np.array_equal(getattr(self, name), x)
            for name, x in self._in_order(axonal).items()
            if is_concrete(x)  # jax.jit traces also what is computed from constants
        )
        if not are_in_order:
            raise ValueError(
                "Dense, axonal: given with an order or starts of other parts; expected their own"
            )

    def ends(self) -> "Dense | Ends":
        """Return the source and the target of each synapse, for learning."""
        if self.axonal is None:
            return self
        return Ends(self._sources(self.axonal), jnp.arange(self.num_post)[None], self.dtype)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], adding the weights in neuron order."""
        return ordered_product(spikes, self.weights, self.precision)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], by a kernel that visits the spiking neurons alone.

        Without a C++ compiler the sums are those of `deliver`.
        """
        return ordered_product(spikes, self.weights, self.precision, event_driven=True)

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bools or floats [T, pre], into the sums of each step."""
        return product_over_time(spikes, self.weights, self.precision, delay)

    def deliver_trains(self, trains: jax.Array, index: jax.Array) -> jax.Array:
        """Return the sums of every step, [T, R, post], for neurons that share few spike trains.

        This needs a CPU with `jsnn._kernels.native`.

        Args:
          trains: bool [T, U].
          index: int32 [R, pre]; neuron i of row r has train index[r, i].
        """
        return product_of_trains(trains, index, self.weights)

    def with_weights(self, weights: jax.Array) -> "Dense":
        """Return the synapses with other weights, [pre, post]."""
        return replace(self, weights=weights)

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Turn values [pre] into those on the presynaptic side of each synapse, [pre, 1]."""
        return values[:, None]

    def of_post(self, values: jax.Array) -> jax.Array:
        """Turn values [post] into those on the postsynaptic side of each synapse, [1, post]."""
        return values[None, :]

    def synapses_of(self, side: int) -> SynapsesOf:
        """Return the synapses of each presynaptic neuron, 0, or of each postsynaptic one, 1."""
        strides = ((self.num_post, 1), (1, self.num_post))[side]
        nothing = jnp.zeros(0, np.int32)
        num_others = (self.num_post, self.num_pre)[side]
        num = self.num_synapses
        return SynapsesOf(
            nothing, nothing, nothing, num, num_others, strides, degree=num_others, most=num // 16
        )
