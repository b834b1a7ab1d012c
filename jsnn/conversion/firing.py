"""Firing: the neuron model of a converted network, and what one of its spikes is worth."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from jsnn._checks import check_flag, finite_number, number_of_steps, positive_int
from jsnn.conversion.emission import GRADED, SPIKES, Emission
from jsnn.conversion.neurons import BURST_IF, EMITTED, FEW_SPIKES, SIGNED_DIGITS, SIGNED_IF
from jsnn.models.neurons import IF, IF_SOFT_RESET, NeuronModel
from jsnn.models.synapses import DELTA, SynapseModel

LayerParams = Callable[[int], Mapping[str, float]]
"""(number of firing layers in front) -> parameters of the neurons of a layer, by name."""


def _no_params(depth: int) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Firing:
    """Neurons of the hidden layers, and of the output if its spikes are read.

    Attributes:
      model: neuron model with the threshold `v_thresh` as a parameter and the potential `v` as a
        variable.
      synapse: synapse model that carries a spike on.
      params: parameters of the neurons of each layer, beside the threshold.
      emission: variables with what the neurons emit.
      digits: K if a value is the sum of K digits, one a step; None if it is the mean of what is
        emitted in a step.
      in_turn: True if a layer emits its digits once the layer in front has emitted all of its own.
    """

    model: NeuronModel
    synapse: SynapseModel = DELTA
    params: LayerParams = _no_params
    emission: Emission = SPIKES
    digits: int | None = None
    in_turn: bool = False

    @property
    def in_digits(self) -> bool:
        """True if a value is the sum of digits, and not the mean of spikes."""
        return self.digits is not None


def hard_reset() -> Firing:
    """Neurons that lose at a spike what V has above the threshold, `jsnn.IF`.

        V <- V + I dt;   V >= v_thresh: a spike, V <- 0

    Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and
    threshold balancing", IJCNN, doi:10.1109/IJCNN.2015.7280696.
    """
    return Firing(IF)


def soft_reset() -> Firing:
    """Neurons that lose nothing at a spike, `jsnn.IF_SOFT_RESET`.

        V <- V + I dt;   V >= v_thresh: a spike, V <- V - v_thresh

    Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven
    networks for image classification", Front. Neurosci. 11, 682.
    """
    return Firing(IF_SOFT_RESET)


def signed_spikes() -> Firing:
    """Neurons that take back a spike that came too early by a negative one, `SIGNED_IF`.

        V <- V + I dt;   V >= v_thresh: emits +1, V <- V - v_thresh
                         V < 0 and sum of emitted > 0: emits -1, V <- V + v_thresh

    Wang et al. 2022, "Signed neuron with memory: towards simple, accurate and high-efficient
    ANN-SNN conversion", IJCAI. A negative spike is an event like any other: it counts as a spike
    and as operations.
    """
    return Firing(SIGNED_IF, EMITTED, emission=GRADED)


def bursts(max_spikes: int = 5) -> Firing:
    """Neurons that emit up to `max_spikes` spikes in a step, `BURST_IF`; each counts as a spike.

        V <- V + I dt;   V >= v_thresh: emits n spikes, V <- V - n v_thresh,
                         n = min(⌊V / v_thresh⌋, max_spikes)

    Li & Zeng 2022, "Efficient and accurate conversion of spiking neural network with burst spikes",
    IJCAI.

    Raises:
      ValueError: if `max_spikes` is below 1.
      TypeError: if `max_spikes` is not an integer.
    """
    most = float(positive_int(max_spikes, "bursts, max_spikes"))
    emission = replace(GRADED, most_per_step=most)
    return Firing(BURST_IF, EMITTED, partial(_burst_params, most), emission)


def _burst_params(max_spikes: float, depth: int) -> dict[str, float]:
    return {"max_spikes": max_spikes}


def few_spikes(num_steps: int = 8) -> Firing:
    """Neurons that emit K binary digits, the largest first, layer after layer, `FEW_SPIKES`.

        V = the input;   k = 1 ... K:   V >= 2^-k v_thresh: emits 2^-k, V <- V - 2^-k v_thresh

    Stöckl & Maass 2021, "Optimized spiking neurons can classify images with high accuracy through
    temporal coding with two spikes", Nat. Mach. Intell. 3, 230-238. A presentation takes K steps
    for each layer that fires.

    Args:
      num_steps: K.

    Raises:
      ValueError: if `num_steps` is below 1.
      TypeError: if `num_steps` is not an integer.
    """
    steps = number_of_steps(num_steps, "few_spikes, num_steps")
    return Firing(
        FEW_SPIKES,
        EMITTED,
        partial(_few_spikes_params, float(steps)),
        GRADED,
        digits=steps,
        in_turn=True,
    )


def _few_spikes_params(num_steps: float, depth: int) -> dict[str, float]:
    return {"num_steps": num_steps, "start": depth * num_steps}


def signed_digits(num_steps: int = 4, *, base: float = 2.0, eager: bool = True) -> Firing:
    """Neurons that emit K signed digits, all layers at once, `SIGNED_DIGITS`.

        V <- V + I dt;   w_k = B^-k (B - 1) / (1 - B^-K),   k = 1 ... K, the largest digit first
        |V| >= w_k v_thresh / 2: emits d = sign(V) w_k, V <- V - d v_thresh

    A digit d < 0 needs a sum of emitted digits > 0 that it can be taken from. The digits are those
    of Stöckl & Maass 2021, their signs those of Wang et al. 2022. Each digit corrects the residual
    of the digits before it, which is the neuron's rounding and the input that had not arrived yet,
    so layers need not wait for each other. Input that arrives too late for the digits that are
    left is lost, for any K. A base B below 2 leaves more room: the digits after step k add up to
    w_k / (B - 1), for fewer levels. The deeper the network, the more room it needs. A presentation
    takes K steps. A negative digit is an event like any other.

    Args:
      num_steps: K.
      base: B, above 1 and at most 2.
      eager: the first layer, which has all of its input in the first step, rounds like the others.
        If False, it emits only digits that stay: fewer spikes with the same sum, of which the
        layers behind hear later.

    Raises:
      ValueError: if `num_steps` is below 1, or `base` is not in (1, 2].
      TypeError: if `num_steps` is not an integer, or `base` not a number.
    """
    check_flag(eager, "signed_digits, eager")
    steps = number_of_steps(num_steps, "signed_digits, num_steps")
    if not 1 < finite_number(base, "signed_digits, base") <= 2:
        raise ValueError(f"signed_digits, base: given {base}; expected a number in (1, 2]")
    return Firing(
        SIGNED_DIGITS,
        EMITTED,
        partial(_signed_digits_params, float(steps), float(eager), float(base)),
        GRADED,
        digits=steps,
    )


def _signed_digits_params(
    num_steps: float, eager: float, base: float, depth: int
) -> dict[str, float]:
    input_steps = 1.0 if depth == 0 else num_steps
    return {
        "num_steps": num_steps,
        "eager": eager,
        "base": base,
        "log2_base": math.log2(base),
        "input_steps": input_steps,
    }
