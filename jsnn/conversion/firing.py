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
    """`jsnn.IF`: what V has above the threshold is lost at a spike.

        V <- V + I dt;   V >= v_thresh: a spike, V <- 0

    Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and
    threshold balancing", IJCNN, doi:10.1109/IJCNN.2015.7280696.
    """
    return Firing(IF)


def reset_by_subtraction() -> Firing:
    """`jsnn.IF_SUBTRACT`: nothing is lost at a spike.

        V <- V + I dt;   V >= v_thresh: a spike, V <- V - v_thresh

    Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven
    networks for image classification", Front. Neurosci. 11, 682.
    """
    return Firing(IF_SUBTRACT)


def signed_spikes() -> Firing:
    """`SIGNED_IF`: a spike that came too early is taken back by a negative one.

        V <- V + I dt;   V >= v_thresh: emits +1, V <- V - v_thresh
                         V < 0 and sum of emitted > 0: emits -1, V <- V + v_thresh

    Wang et al. 2022, "Signed neuron with memory: towards simple, accurate and high-efficient
    ANN-SNN conversion", IJCAI. A negative spike is an event like any other: it counts as a spike
    and as operations.
    """
    return Firing(SIGNED_IF, EMITTED)


def bursts(max_spikes: int = 5) -> Firing:
    """`BURST_IF`: up to max_spikes spikes in a step; each counts as a spike.

        V <- V + I dt;   V >= v_thresh: emits n spikes, V <- V - n v_thresh,
                         n = min(⌊V / v_thresh⌋, max_spikes)

    Li & Zeng 2022, "Efficient and accurate conversion of spiking neural network with burst spikes",
    IJCAI.
    """
    most = positive_int(max_spikes, "bursts, max_spikes")
    return Firing(BURST_IF, EMITTED, {"max_spikes": float(most)})


def few_spikes(num_steps: int = 8) -> Firing:
    """`FEW_SPIKES`: K binary digits, the largest first, layer after layer.

        V = the input;   k = 1 ... K:   V >= 2^-k v_thresh: emits 2^-k, V <- V - 2^-k v_thresh

    Stöckl & Maass 2021, "Optimized spiking neurons can classify images with high accuracy through
    temporal coding with two spikes", Nat. Mach. Intell. 3, 230-238. A presentation takes K steps
    for each layer that fires.
    """
    steps = positive_int(num_steps, "few_spikes, num_steps")
    return Firing(FEW_SPIKES, EMITTED, {"num_steps": float(steps)}, steps_per_layer=steps)
