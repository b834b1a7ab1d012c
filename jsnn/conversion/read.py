"""How the answer of a converted network is read, after any number of steps."""

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jsnn._checks import positive_int
from jsnn.evaluation.readouts import Readout
from jsnn.network.population import Population
from jsnn.recording import Spikes, Variable


@dataclass(frozen=True)
class Read:
    """What counts as evidence for a class.

    Attributes:
      of: "spikes", all that the output neurons have emitted: a burst counts each of its spikes, a
        negative spike -1, a binary digit its worth; or the "potential" that their input sums up
        to, in which case they never spike.
      start: the first step that counts: before, the deeper layers have not yet heard of the input.
    """

    of: Literal["spikes", "potential"]
    start: int = 0

    def recording(self, output: Population) -> Spikes | Variable:
        """What has to be kept of the output: its potential, what it has emitted, or its spikes."""
        if self.of == "potential":
            return Variable(output.name, "v")
        counts = "total" in output.model.variables
        return Variable(output.name, "total") if counts else Spikes(output.name)

    def evidence(self, recorded: jax.Array) -> jax.Array:
        """What was recorded, [T, classes], to the evidence after each step, [T, classes]."""
        summed = recorded
        if recorded.dtype == bool:
            summed = jnp.cumsum(recorded, axis=0, dtype=jnp.int32).astype(jnp.float32)
        if not self.start:
            return summed
        late = jnp.arange(len(summed)) >= self.start
        before = summed[min(self.start, len(summed)) - 1]
        return jnp.where(late[:, None], summed - before[None], 0)

    def predict(self, recorded: jax.Array) -> jax.Array:
        """The class after the last step."""
        return most_evident(self.evidence(recorded)[-1])

    def readout(self, output: Population) -> Readout:
        """For `jsnn.evaluate`."""
        recording: Any = self.recording(output)
        return Readout(output.name, recording, self.predict)


def most_evident(evidence: jax.Array) -> jax.Array:
    """[..., classes] -> int32 [...]: the class with the most evidence; of equals, the lowest."""
    return jnp.argmax(evidence, axis=-1).astype(jnp.int32)


def spike_counts(start: int = 0) -> Read:
    """The output neuron that emitted most, counted from step `start` on."""
    return Read("spikes", positive_int(start, "spike_counts, start", least=0))


def potentials(start: int = 0) -> Read:
    """The output neuron whose potential rose most, from step `start` on; it never spikes."""
    return Read("potential", positive_int(start, "potentials, start", least=0))
