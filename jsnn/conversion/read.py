"""How the answer of a converted network is read, after any number of steps."""

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jsnn._checks import positive_int
from jsnn.readout import Readout
from jsnn.record import Spikes, Variable


@dataclass(frozen=True)
class Read:
    """What counts as evidence for a class.

    Attributes:
      of: "spikes" of the output neurons, or the "potential" that their input sums up to, in which
        case they never spike.
      start: the first step that counts: before, the deeper layers have not yet heard of the input.
    """

    of: Literal["spikes", "potential"]
    start: int = 0

    def recording(self, population: str) -> Spikes | Variable:
        """What has to be kept of the output population."""
        return Spikes(population) if self.of == "spikes" else Variable(population, "v")

    def evidence(self, recorded: jax.Array) -> jax.Array:
        """What was recorded, [T, classes], to the evidence after each step, [T, classes]."""
        late = jnp.arange(len(recorded)) >= self.start
        if self.of == "spikes":
            counted = recorded & late[:, None]
            return jnp.cumsum(counted, axis=0, dtype=jnp.int32).astype(jnp.float32)
        if not self.start:
            return recorded
        before = recorded[min(self.start, len(recorded)) - 1]
        return jnp.where(late[:, None], recorded - before[None], 0)

    def predict(self, recorded: jax.Array) -> jax.Array:
        """The class with the most evidence after the last step; among equals the lowest index."""
        return jnp.argmax(self.evidence(recorded)[-1]).astype(jnp.int32)

    def readout(self, population: str) -> Readout:
        """For `jsnn.evaluate`."""
        recording: Any = self.recording(population)
        return Readout(population, recording, self.predict)


def spike_counts(start: int = 0) -> Read:
    """The output neuron that spiked most, counted from step `start` on."""
    return Read("spikes", positive_int(start, "spike_counts, start", least=0))


def potentials(start: int = 0) -> Read:
    """The output neuron whose potential rose most, from step `start` on; it never spikes."""
    return Read("potential", positive_int(start, "potentials, start", least=0))
