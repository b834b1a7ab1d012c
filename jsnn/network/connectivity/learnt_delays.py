"""Dense connectivity with real delays, which gradients can change."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import is_concrete, positive_int, real_array, weight_array
from jsnn._kernels.dense import ordered_product
from jsnn._pytree import pytree, replace, static
from jsnn.network.connectivity.dense import Dense
from jsnn.network.connectivity.indices import LONGEST_DELAY, check_number

_SHARP = 1e-3
"""Width below which all of a spike arrives at the nearest step."""


@pytree
class LearntDelays:
    """A synapse between every pair of neurons, each with a weight and a real delay of its own.

    A synapse of weight w and delay d spreads a spike over the steps n = 1, ..., max_delay to come:

        k(n) = exp(-(n - d)² / 2 σ²) / Σ_m exp(-(m - d)² / 2 σ²),    and w k(n) arrives in step n

    σ is `width`. `jax.grad` gives the derivatives with respect to delays and weights; both may
    change without recompiling, as may the width, which is to shrink during training. With a width
    of 0 all of the spike arrives at the nearest whole step, and delays have a derivative of 0. A
    delay that leaves 1 to max_delay while it is traced is not moved back; the spike then arrives
    near that end. The kernels k are made once in a run. A step costs `max_delay` times as much as
    one of `Dense`.

    Hammouamri, Khalfaoui-Hassani & Masquelier 2024, "Learning delays in spiking neural networks
    using dilated convolutions with learnable spacings", ICLR, eq. 9.

    Attributes:
      weights: [pre, post], in nA; a floating dtype, which becomes the dtype of the network.
      delays: [pre, post], in steps, from 1 to max_delay, in place of the delay of the projection.
      max_delay: the longest delay, in whole steps.
      width: (), the standard deviation of the kernels, in steps, >= 0.
    """

    weights: Any
    delays: Any
    max_delay: int = static()
    width: Any = 1.0

    def __post_init__(self) -> None:
        weights = weight_array(self.weights, ("pre", "post"), "LearntDelays weights")
        what = "LearntDelays, max_delay"
        canonical = {
            "weights": weights,
            "delays": real_array(self.delays, weights.dtype, "LearntDelays, delays"),
            "max_delay": positive_int(self.max_delay, what, most=LONGEST_DELAY),
            "width": real_array(self.width, weights.dtype, "LearntDelays, width"),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)
        check_number(self.max_delay * self.num_synapses, "LearntDelays, a synapse for each delay")
        self._check_delays()

    def _check_delays(self) -> None:
        delays, width = self.delays, self.width
        if np.shape(delays) != np.shape(self.weights):
            raise ValueError(
                f"LearntDelays, delays: given shape {np.shape(delays)}; expected "
                f"{np.shape(self.weights)}, one for each weight"
            )
        if is_concrete(delays):
            steps = np.asarray(delays)
            outside = np.argwhere(~((steps >= 1) & (steps <= self.max_delay)))
            if outside.size:
                first = tuple(map(int, outside[0]))
                raise ValueError(
                    f"LearntDelays, delays: given {steps[first]} at index {first}; expected 1 to "
                    f"{self.max_delay} steps, the max_delay"
                )
        if np.shape(width):
            raise ValueError(
                f"LearntDelays, width: given shape {np.shape(width)}; expected one number"
            )
        if is_concrete(width) and not np.asarray(width) >= 0:  # jax.jit traces comparisons too
            raise ValueError(f"LearntDelays, width: given {width:g}; expected a number >= 0")

    def check_indices(self, what: str) -> None:
        """Check delays and a width that `jax.tree.map` may have changed.

        Raises:
          ValueError: if a delay is outside 1 to max_delay, or the width is negative.
        """
        try:
            self._check_delays()
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from None

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

    def with_weights(self, weights: jax.Array) -> LearntDelays:
        """Return the synapses with other weights, [pre, post]."""
        return replace(self, weights=weights)

    def deployed(self) -> Dense:
        """Return the synapses with whole delays, the nearest ones; no number may be traced."""
        return Dense(self.weights, delays=np.rint(np.asarray(self.delays)).astype(np.int32))

    def spread(self) -> Spread:
        """Return the weights of every delay, for the steps of a run."""
        steps = jnp.arange(1, self.max_delay + 1, dtype=self.dtype)[None, :, None]
        kernels = _kernels(steps, self.delays[:, None], self.width)
        matrix = (kernels * self.weights[:, None]).reshape(self.num_pre, -1)
        return Spread(matrix, self.max_delay)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], all delays together."""
        return ordered_product(spikes, self.weights, "highest")

    def deliver_onto(
        self, sums: jax.Array, step: jax.Array, spikes: jax.Array, *, event_driven: bool
    ) -> jax.Array:
        """Add what spikes [pre] of a step send to the sums of steps to come, [max_delay, post]."""
        return self.spread().deliver_onto(sums, step, spikes, event_driven=event_driven)


@pytree
class Spread:
    """The synapses of `LearntDelays`, with a weight for every delay.

    Attributes:
      weights: [pre, max_delay * post], by delay and postsynaptic neuron.
      max_delay: the longest delay, in steps.
    """

    weights: jax.Array
    max_delay: int = static()

    @property
    def num_pre(self) -> int:
        return int(self.weights.shape[0])

    @property
    def num_post(self) -> int:
        return int(self.weights.shape[1]) // self.max_delay

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], all delays together."""
        return self._by_delay(spikes, event_driven=False).sum(axis=0)

    def deliver_onto(
        self, sums: jax.Array, step: jax.Array, spikes: jax.Array, *, event_driven: bool
    ) -> jax.Array:
        """Add what spikes [pre] of a step send to the sums of steps to come, [max_delay, post]."""
        ahead = sums.at[step % self.max_delay].set(0)
        sent = self._by_delay(spikes, event_driven=event_driven)
        return ahead + jnp.roll(sent, step + 1, axis=0)

    def _by_delay(self, spikes: jax.Array, *, event_driven: bool) -> jax.Array:
        """Turn spikes [pre] into what arrives after 1, ..., max_delay steps, [max_delay, post]."""
        sent = ordered_product(spikes, self.weights, "highest", event_driven=event_driven)
        return sent.reshape(self.max_delay, -1)


def _kernels(steps: jax.Array, delays: jax.Array, width: jax.Array) -> jax.Array:
    """Return the part of a spike that arrives in each step, [pre, max_delay, post].

    Args:
      steps: 1, ..., max_delay, [1, max_delay, 1].
      delays: [pre, 1, post].
      width: ().
    """
    is_sharp = width < _SHARP
    precision = 1 / jnp.where(is_sharp, 1, width)  # a width of 0 would have a derivative of NaN
    distance = (steps - delays) * precision
    smooth = jax.nn.softmax(-distance * distance / 2, axis=1)
    nearest = jnp.clip(jnp.rint(delays), 1, steps.shape[1])
    return jnp.where(is_sharp, (steps == nearest).astype(delays.dtype), smooth)
