"""How the neurons of a converted network fire: a neuron model, and what a spike of it is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from jsnn._checks import positive_int
from jsnn.conversion.neurons import BURST_IF, EMITTED, FEW_SPIKES, SIGNED_DIGITS, SIGNED_IF
from jsnn.models.neurons import IF, IF_SOFT_RESET, NeuronModel
from jsnn.models.synapses import DELTA, SynapseModel


@dataclass(frozen=True)
class Firing:
    """The neurons of the hidden layers, and of the output where its spikes are read.

    Attributes:
      model: with the parameter `v_thresh` and the variable `v`; if it does not send mere spikes,
        with `emitted` and `total`, in units of one spike.
      synapse: what carries a spike on.
      params: of the model.
      digits: None where a value is the mean of what is emitted in a step; K where it is the sum of
        K digits, one a step.
      in_turn: whether a layer emits its digits once those of the layer before are all there.
    """

    model: NeuronModel
    synapse: SynapseModel = DELTA
    params: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    digits: int | None = None
    in_turn: bool = False


def hard_reset() -> Firing:
    """`jsnn.IF`: what V has above the threshold is lost at a spike.

        V <- V + I dt;   V >= v_thresh: a spike, V <- 0

    Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and
    threshold balancing", IJCNN, doi:10.1109/IJCNN.2015.7280696.
    """
    return Firing(IF)


def reset_by_subtraction() -> Firing:
    """`jsnn.IF_SOFT_RESET`: nothing is lost at a spike.

        V <- V + I dt;   V >= v_thresh: a spike, V <- V - v_thresh

    Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven
    networks for image classification", Front. Neurosci. 11, 682.
    """
    return Firing(IF_SOFT_RESET)


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
    return Firing(FEW_SPIKES, EMITTED, {"num_steps": float(steps)}, digits=steps, in_turn=True)


def signed_digits(num_steps: int = 4, *, eager: bool = True) -> Firing:
    """`SIGNED_DIGITS`: K signed binary digits, the largest first, in all layers at once.

        V <- V + I dt;   w_k = 2^-k / (1 - 2^-K),   k = 1 ... K
        |V| >= w_k v_thresh / 2: emits d = sign(V) w_k, V <- V - d v_thresh

    with d < 0 only where something was emitted that can be taken back. The digits of Stöckl & Maass
    2021 with the sign of Wang et al. 2022: the digit of a step corrects the residual of those
    before it, in the neuron's own rounding and in what it had not heard of yet, so that layers need
    not wait for each other. What comes so late that the digits left are too small for it is lost,
    with any K. A presentation takes K steps. A negative digit is an event like any other.

    The first layer knows all of its input in the first step. If it is not `eager`, it emits only
    digits that stay: fewer spikes of the same sum, of which the layers behind hear later.
    """
    steps = positive_int(num_steps, "signed_digits, num_steps")
    params = {"num_steps": float(steps), "eager": float(eager)}
    return Firing(SIGNED_DIGITS, EMITTED, params, digits=steps)
