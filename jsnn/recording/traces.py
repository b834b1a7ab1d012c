"""Recordings over time: spikes and variables."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax

from jsnn._checks import positive_int
from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state
from jsnn.network.variables import check_variable, variables_of
from jsnn.recording.choice import check_neurons, checked_neurons, chosen
from jsnn.recording.protocols import SpikesOf


@dataclass(frozen=True)
class Spikes:
    """Spikes of a population: bool [num_steps // every, N].

    Bools carry no gradient: a loss of them has the gradient 0. Record `SpikeCount`, or a function
    such as `lambda state, spikes: spikes["layer1"]`, whose spikes are floats and have the surrogate
    derivative of the neuron model. The gradient of a `Variable` passes the spikes on its way too.

    Attributes:
      population: the name of the population.
      neurons: indices of the neurons to record; all by default.
      every: keep the spikes of the last of every so many steps.
    """

    population: str
    neurons: Sequence[int] | None = None
    every: int = 1

    def __post_init__(self) -> None:
        _check_choice(self, self.population)

    def check(self, network: Network, what: str) -> None:
        check_neurons(network, self.population, self.neurons, what)

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return chosen(spikes[self.population], self.neurons) > 0


@dataclass(frozen=True)
class Variable:
    """A variable at the end of a step: [num_steps // every, ...], behind time in its own shape.

        jsnn.Variable("cells", "v")                     [T, N]
        jsnn.Variable("cells_to_cells", "i_syn")        [T, post], of the synapse model
        jsnn.Variable("cells_to_cells", "weight")       of plastic synapses: [T, pre, post] for
                                                        `Dense`, [T, capacity] for `Sparse`
        jsnn.Variable("cells_to_cells", "eligibility")  of a learning rule, shaped like weights
        jsnn.Variable("cells_to_cells", "pre.trace")    [T, pre], of a rule; "post.trace": [T, post]
        jsnn.Variable("noise", "deviation")             [T, N], of a current source

    The names of a projection's variables are those which its models declare; "synapse.x" is that of
    the synapse model if the learning rule has an x, too. Synapses of `Sparse` are in the order in
    which they were given.

    Attributes:
      part: the name of the population, projection or current source.
      variable: the name of the variable.
      neurons: indices along the last axis to record; all by default. They are neurons, or of the
        weights and other variables of synapses: synapses in a list, postsynaptic neurons of a
        matrix.
      every: keep the values of the last of every so many steps.
    """

    part: str
    variable: str = "v"
    neurons: Sequence[int] | None = None
    every: int = 1

    def __post_init__(self) -> None:
        _check_choice(self, self.part)

    def check(self, network: Network, what: str) -> None:
        check_variable(network, self.part, self.variable, what)
        if self.neurons is not None:
            values = variables_of(abstract_state(network), self.part)[self.variable]
            self._check_neurons(values.shape, what)

    def _check_neurons(self, shape: tuple[int, ...], what: str) -> None:
        name = f"{self.variable!r} of {self.part!r}"
        if not shape:
            raise ValueError(
                f"{what}, neurons: given {list(self.neurons or ())}; expected None, since {name} "
                "is one number for all neurons"
            )
        outside = [n for n in self.neurons or () if n >= shape[-1]]
        if outside:
            raise ValueError(
                f"{what}, neurons: given {outside[0]}; expected 0 to {shape[-1] - 1}, indices "
                f"along the last axis of {name}, of shape {shape}"
            )

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return chosen(variables_of(state, self.part)[self.variable], self.neurons)


def _check_choice(recording: Spikes | Variable, part: str) -> None:
    what = f"recording of {part!r}"
    positive_int(recording.every, f"{what}, every")
    object.__setattr__(recording, "neurons", checked_neurons(recording.neurons, what))
