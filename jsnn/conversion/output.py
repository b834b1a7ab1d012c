"""Answer of a converted network, read from its output after any number of steps."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from jsnn._checks import positive_int
from jsnn.conversion.layer_population import LayerPopulation
from jsnn.evaluation.readouts import Readout


@dataclass(frozen=True)
class Output:
    """Evidence for the classes: a quantity of the output neurons.

    Attributes:
      quantity: "spikes" for the sum of all that a neuron has emitted (a burst counts each of its
        spikes, a negative spike -1, a digit its worth), or "potential" for the sum of all its
        input, in which case the output does not spike.
      start: first step that counts. The deeper layers hear of the input later than the first.
    """

    quantity: Literal["spikes", "potential"]
    start: int = 0

    @property
    def integrates(self) -> bool:
        """True if the output neurons add up their input and do not spike."""
        return self.quantity == "potential"

    def evidence(self, recorded: jax.Array) -> jax.Array:
        """Compute the evidence after each step, [T, classes], from the recording of the readout.

        Args:
          recorded: spikes, bool [T, classes], or the quantity after each step, [T, classes].
        """
        summed = recorded
        if recorded.dtype == bool:
            summed = jnp.cumsum(recorded, axis=0, dtype=jnp.int32).astype(jnp.float32)
        if not self.start:
            return summed
        late = jnp.arange(len(summed)) >= self.start
        before = summed[min(self.start, len(summed)) - 1]
        return jnp.where(late[:, None], summed - before[None], 0)

    def predict(self, recorded: jax.Array) -> jax.Array:
        """Return the class with the most evidence after the last step, int32 ()."""
        return most_evident(self.evidence(recorded)[-1])

    def readout(self, output: LayerPopulation) -> Readout:
        """Return the readout for `jsnn.evaluate`."""
        return Readout(output.name, output.total_over_time(), self.predict)


def most_evident(evidence: jax.Array) -> jax.Array:
    """Return the class with the most evidence, [..., classes] -> int32 [...]; of equals the lowest.

    Args:
      evidence: [..., classes].
    """
    return jnp.argmax(evidence, axis=-1).astype(jnp.int32)


def spike_counts(start: int = 0) -> Output:
    """Read the class whose output neuron emitted most, counted from step `start` on."""
    return Output("spikes", positive_int(start, "spike_counts, start", least=0))


def potentials(start: int = 0) -> Output:
    """Read the class whose output neuron's potential rose most from step `start` on."""
    return Output("potential", positive_int(start, "potentials, start", least=0))
