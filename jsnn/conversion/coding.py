"""Coding: the way an image enters a converted network."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from jsnn._checks import check_finite, finite_number, number_of_steps
from jsnn.conversion.neurons import BERNOULLI, HOLD, LATENCY
from jsnn.models.neurons import IF_SOFT_RESET, NeuronModel
from jsnn.models.synapses import DELTA, SynapseModel


@dataclass(frozen=True)
class Coding:
    """Input neurons, one for each pixel, or an analog input.

    Attributes:
      name: name in reports.
      model: model of the input neurons; None for an analog input, which has none.
      synapse: synapse model from the input neurons to the first layer.
      params: parameters of the input neurons.
      integrates: True if the input neurons have the recipe's threshold and initial potential, as
        the parameter `v_thresh` and the variable `v`.
      scale: input of an input neuron (or analog input) for a pixel of 1.
      num_steps: number of steps that a presentation has to take; None for any number.
      smallest: smallest pixel that differs from smaller ones, in units of `unit`.
      largest: largest pixel that differs from larger ones, in units of `unit`.
    """

    name: str
    model: NeuronModel | None = None
    synapse: SynapseModel = DELTA
    params: Mapping[str, float] = field(default_factory=dict)
    integrates: bool = False
    scale: float = 1.0
    num_steps: int | None = None
    smallest: float = -np.inf
    largest: float = np.inf

    def unit(self, v_thresh: float) -> float:
        """Return the pixel that an input spike in each step, or an analog input of 1, stands for.

        Args:
          v_thresh: threshold of the recipe.
        """
        return (v_thresh if self.integrates else 1.0) / self.scale

    def check(self, images: np.ndarray, v_thresh: float, what: str) -> None:
        """Raise ValueError if the coding cannot carry the pixels of some images."""
        check_finite(images, what)
        low, high = (bound * self.unit(v_thresh) for bound in (self.smallest, self.largest))
        if images.min() < low or images.max() > high:
            raise ValueError(
                f"{what}: given pixels from {images.min():g} to {images.max():g}; expected {low:g} "
                f"to {high:g}, the range of {self.name} coding"
            )


def analog() -> Coding:
    """Drive the first hidden layer by the constant current W x + b, without input neurons.

    The current is computed once per image. It is the analog first layer of Rueckauer et al. 2017,
    Front. Neurosci. 11, 682.
    """
    return Coding("analog current")


def constant_current(scale: float = 1.0, model: NeuronModel = IF_SOFT_RESET) -> Coding:
    """Drive an integrate-and-fire neuron for each pixel by scale times the pixel in every step.

    The tutorial "Spike-based machine learning with GeNN" drives grey levels by 0.01 each, with a
    threshold of 5. A pixel that reaches the threshold in every step is at its highest rate.

    Args:
      scale: input for a pixel of 1, > 0.
      model: neuron model with the parameter `v_thresh` and the variable `v`.

    Raises:
      ValueError: if `scale` is not a finite number > 0.
      TypeError: if `scale` is not a number.
    """
    factor = finite_number(scale, "constant_current, scale")
    if factor <= 0:
        raise ValueError(f"constant_current, scale: given {factor}; expected a number > 0")
    return Coding(
        "constant current", model, integrates=True, scale=factor, smallest=0.0, largest=1.0
    )


def poisson() -> Coding:
    """Let each pixel x in [0, 1] spike with probability x in every step, independently.

    Needs a key. Diehl et al. 2015, IJCNN, doi:10.1109/IJCNN.2015.7280696.
    """
    return Coding("Poisson", BERNOULLI, smallest=0.0, largest=1.0)


def latency(num_steps: int) -> Coding:
    """Let each pixel x in [0, 1] spike once, in step T (1 - x), and hold its current from then on.

    In T = num_steps steps the charge of a synapse with weight w is T x w. After Rueckauer & Liu
    2018, "Conversion of analog to spiking neural networks using sparse temporal coding", ISCAS.

    Raises:
      ValueError: if `num_steps` is below 1.
      TypeError: if `num_steps` is not an integer.
    """
    steps = number_of_steps(num_steps, "latency, num_steps")
    return Coding(
        "latency",
        LATENCY,
        HOLD,
        {"num_steps": float(steps)},
        num_steps=steps,
        smallest=0.0,
        largest=1.0,
    )
