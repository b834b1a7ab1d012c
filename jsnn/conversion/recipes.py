"""Catalogue of published recipes, each a choice of scales, neurons, coding and output."""

from jsnn._checks import check_flag, finite_number
from jsnn.conversion.calibration import advanced, light
from jsnn.conversion.coding import Coding, analog, constant_current
from jsnn.conversion.firing import (
    bursts,
    few_spikes,
    hard_reset,
    signed_digits,
    signed_spikes,
    soft_reset,
)
from jsnn.conversion.output import spike_counts
from jsnn.conversion.recipe import Recipe, Scale
from jsnn.conversion.scales import (
    divided,
    largest_activation,
    largest_input,
    largest_possible,
    least_error,
    percentile,
    trained,
    unscaled,
)
from jsnn.models.neurons import IF

_GREY_LEVELS = 255


def copy(v_thresh: float = 5.0, scale: float = 0.01 * _GREY_LEVELS) -> Recipe:
    """Copy the weights as they are, with a hard reset, delays of one step and spike counts.

    The tutorial "Spike-based machine learning with GeNN": threshold 5, and 0.01 nA a grey level, so
    2.55 for a pixel in [0, 1]. Images in float64 give the tutorial's currents to the last bit.

    Args:
      v_thresh: threshold of all neurons.
      scale: input of an input neuron for a pixel of 1.
    """
    return Recipe(
        "copy",
        unscaled,
        hard_reset(),
        v_thresh=finite_number(v_thresh, "copy, v_thresh"),
        coding=constant_current(scale, IF),
        output=spike_counts(),
        delay=1,
    )


def diehl_2015(based_on: str = "data", coding: Coding | None = None) -> Recipe:
    """Normalise the weights, with a hard reset.

    Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and
    threshold balancing", IJCNN; there with Poisson input.

    Args:
      based_on: "model" for the largest activation that is possible, "data" for the largest that
        occurs.
      coding: constant current if None.

    Raises:
      ValueError: if `based_on` is neither.
    """
    rules = {"data": largest_activation, "model": largest_possible}
    if based_on not in rules:
        raise ValueError(f"diehl_2015, based_on: given {based_on!r}; expected 'data' or 'model'")
    return Recipe(
        f"Diehl 2015, {based_on}-based",
        rules[based_on],
        hard_reset(),
        coding=constant_current(1.0, IF) if coding is None else coding,
        output=spike_counts(),
        delay=1,
    )


def rueckauer_2017(
    p: float = 99.9, *, v_init: float = 0.0, per_channel: bool = False, delay: int = 0
) -> Recipe:
    """Scale by a percentile, with a soft reset, an analog first layer and potentials as output.

    Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven
    networks for image classification", Front. Neurosci. 11, 682.

    Args:
      p: percentile of the activations.
      v_init: initial potential in thresholds; 0.5 is that of Deng & Gu 2021.
      per_channel: find a scale for each channel.
      delay: delay of every projection in steps.
    """
    check_flag(per_channel, "rueckauer_2017, per_channel")
    names = ["Rueckauer 2017", "per channel" * per_channel, f"V0 = {v_init:g}" * (v_init != 0)]
    return Recipe(
        ", ".join(filter(None, names)),
        percentile(p, per_channel=per_channel),
        v_init=finite_number(v_init, "rueckauer_2017, v_init"),
        delay=delay,
    )


def spike_norm(num_steps: int = 100, coding: Coding | None = None) -> Recipe:
    """Balance the thresholds layer after layer in the spiking network ("Spike-Norm").

        λ_l = max over images, steps t <= num_steps and neurons j of sum_i W_ij λ_i s_i(t) + b_j

    with the spikes s of the layer in front, which is balanced already. Sengupta et al. 2019, "Going
    deeper in spiking neural networks: VGG and residual architectures", Front. Neurosci. 13, 95,
    algorithm 1; there without biases and with Poisson input.

    Args:
      num_steps: steps of each presentation while balancing.
      coding: analog if None.
    """
    return Recipe(
        "Spike-Norm",
        largest_input(num_steps),
        soft_reset(),
        coding=analog() if coding is None else coding,
        delay=0,
    )


def qcfs(*, signed: bool = False) -> Recipe:
    """Take the thresholds of a QCFS network, and half of one as initial potential.

    λ_l is the threshold of the layer's `jsnn.conversion.qcfs`, which T = L steps reproduce. Bu et
    al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural
    networks", ICLR.

    Args:
      signed: let neurons take back spikes by negative ones.
    """
    check_flag(signed, "qcfs, signed")
    return Recipe(
        "QCFS, signed spikes" if signed else "QCFS",
        trained,
        signed_spikes() if signed else soft_reset(),
        v_init=0.5,
    )


def calibrated(num_steps: int, *, how: str = "light") -> Recipe:
    """Scale each channel with least error for T steps, then calibrate.

    Li et al. 2021, "A free lunch from ANN: towards efficient, accurate spiking neural networks
    calibration", ICML.

    Args:
      num_steps: T.
      how: "light" corrects biases, "advanced" weights and initial potentials too.

    Raises:
      ValueError: if `how` is neither, or `num_steps` is below 1.
    """
    rules = {"light": light, "advanced": advanced}
    if how not in rules:
        raise ValueError(f"calibrated, how: given {how!r}; expected 'light' or 'advanced'")
    return Recipe(
        f"calibrated for T = {num_steps}, {how}",
        least_error(num_steps, per_channel=True),
        v_init=0.5,
        calibrate=rules[how](num_steps),
    )


def signed(p: float = 99.9) -> Recipe:
    """Let neurons take back spikes by negative ones; scale by a percentile.

        V >= λ: emits +1, V <- V - λ;   V < 0 and sum of emitted > 0: emits -1, V <- V + λ

    The initial potential is half a threshold. Wang et al. 2022, "Signed neuron with memory: towards
    simple, accurate and high-efficient ANN-SNN conversion", IJCAI.

    Args:
      p: percentile of the activations.
    """
    return Recipe("signed spikes", percentile(p), signed_spikes(), v_init=0.5)


def burst(max_spikes: int = 5, p: float = 99.9) -> Recipe:
    """Let neurons emit several spikes a step; scale by a percentile.

        V >= λ: emits n = min(⌊V / λ⌋, max_spikes), V <- V - n λ

    The initial potential is half a threshold. Li & Zeng 2022, "Efficient and accurate conversion of
    spiking neural network with burst spikes", IJCAI.

    Args:
      max_spikes: the most spikes of a neuron in a step.
      p: percentile of the activations.
    """
    return Recipe("bursts", percentile(p), bursts(max_spikes), v_init=0.5)


def group(size: int = 4, scale: Scale | None = None) -> Recipe:
    """Replace each neuron by a group, so that T steps have T * size levels.

    The members share their input; the k-th one spikes if the group's potential has reached k / size
    of the threshold, and each spike takes off 1 / size of the threshold (Lv et al. 2024, "Optimal
    ANN-SNN conversion with group neurons", ICASSP). Here a group is one neuron that emits up to
    `size` spikes a step, each of which counts.

    Args:
      size: neurons of a group.
      scale: rule for the λ of a whole group; the 99.9th percentile if None,
        `jsnn.conversion.trained` for networks with QCFS.
    """
    rule = percentile() if scale is None else scale
    return Recipe(f"groups of {size}", divided(rule, size), bursts(size), v_init=0.5)


def few_spike(num_steps: int = 8, p: float = 100.0) -> Recipe:
    """Emit K binary digits of each activation, rounded, layer after layer.

        a ≈ λ sum over k = 1 ... K of 2^-k s(k),    V0 = 2^-(K+1) λ, half of the last digit

    Stöckl & Maass 2021, "Optimized spiking neurons can classify images with high accuracy through
    temporal coding with two spikes", Nat. Mach. Intell. 3, 230-238.

    Args:
      num_steps: K.
      p: percentile of the activations.
    """
    return Recipe(
        f"few spikes, K = {num_steps}",
        percentile(p),
        few_spikes(num_steps),
        v_init=2.0 ** -(num_steps + 1),
    )


def residual(
    num_steps: int = 4,
    scale: Scale | None = None,
    *,
    base: float = 2.0,
    eager: bool = True,
) -> Recipe:
    """Emit K signed digits of each activation, all layers at once: with base 2, 2^K levels.

        w_k = B^-k (B - 1) / (1 - B^-K)
        |V| >= w_k λ / 2: emits sign(V) w_k, V <- V - sign(V) w_k λ

    Each step corrects the residual of the steps before it, see `jsnn.conversion.signed_digits`.
    With B = 2, networks with QCFS, L = 2^K - 1 and one hidden layer are exact.

    Args:
      num_steps: K.
      scale: rule for λ; the 99.9th percentile if None, `jsnn.conversion.trained` for networks with
        QCFS.
      base: B; a deep network needs one below 2, see `jsnn.conversion.signed_digits`.
      eager: see `jsnn.conversion.signed_digits`.
    """
    return Recipe(
        f"residual, K = {num_steps}"
        + f", base {base:g}" * (base != 2)
        + ", not eager" * (not eager),
        percentile() if scale is None else scale,
        signed_digits(num_steps, base=base, eager=eager),
    )
