"""How the neurons of a converted network fire: a neuron model, and what a spike of it is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from jsnn._checks import positive_int
from jsnn.conversion.neurons import BURST_IF, EMITTED, FEW_SPIKES, SIGNED_IF
from jsnn.neurons import IF, IF_SUBTRACT, NeuronModel
from jsnn.synapses import DELTA, SynapseModel


@dataclass(frozen=True)
class Firing:
    """The neurons of the hidden layers, and of the output where its spikes are read.

    Attributes:
      model: with the parameter `v_thresh` and the variable `v`; if it does not send mere spikes,
        with `emitted` and `total`, in units of one spike.
      synapse: what carries a spike on.
      params: of the model.
      steps_per_layer: None where a value is the mean of what is emitted in a step. K where it is
        the sum of what is emitted in K steps, which layers take in turn, each after the one before.
    """

    model: NeuronModel
    synapse: SynapseModel = DELTA
    params: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    steps_per_layer: int | None = None


def hard_reset() -> Firing:
    """`jsnn.IF`: what V has above the threshold is lost at a spike (Diehl et al. 2015)."""
    return Firing(IF)


def reset_by_subtraction() -> Firing:
    """`jsnn.IF_SUBTRACT`: nothing is lost at a spike (Rueckauer et al. 2017)."""
    return Firing(IF_SUBTRACT)


def signed_spikes() -> Firing:
    """`SIGNED_IF`: a spike that came too early is taken back by a negative one (Wang et al. 2022).

    A negative spike is an event like any other: it counts as a spike and as operations.
    """
    return Firing(SIGNED_IF, EMITTED)


def bursts(max_spikes: int = 5) -> Firing:
    """`BURST_IF`: up to max_spikes spikes in a step (Li & Zeng 2022); each counts as a spike."""
    most = positive_int(max_spikes, "bursts, max_spikes")
    return Firing(BURST_IF, EMITTED, {"max_spikes": float(most)})


def few_spikes(num_steps: int = 8) -> Firing:
    """`FEW_SPIKES`: K binary digits, the largest first, layer after layer (Stöckl & Maass 2021).

    A presentation takes K steps for each hidden layer.
    """
    steps = positive_int(num_steps, "few_spikes, num_steps")
    return Firing(FEW_SPIKES, EMITTED, {"num_steps": float(steps)}, steps_per_layer=steps)
