"""How an image enters a converted network."""

from dataclasses import dataclass

import numpy as np

from jsnn._checks import check_finite, finite_number, positive_int
from jsnn.conversion.neurons import BERNOULLI, HOLD, LATENCY
from jsnn.models.neurons import IF_SOFT_RESET, NeuronModel
from jsnn.models.synapses import DELTA, SynapseModel


@dataclass(frozen=True)
class Coding:
    """What stands for the pixels.

    Attributes:
      name: in reports.
      model: of the input neurons, one a pixel; None where there are none.
      synapse: from the input neurons to the first layer.
      scale: the input of an input neuron, in units of its pixel.
      num_steps: how long a presentation has to be, or None where it may be of any length.
      largest: the largest pixel that can be told from larger ones, in units of its threshold.
      smallest: likewise.
    """

    name: str
    model: NeuronModel | None = None
    synapse: SynapseModel = DELTA
    scale: float = 1.0
    num_steps: int | None = None
    largest: float = np.inf
    smallest: float = -np.inf

    def checked(self, images: np.ndarray, v_thresh: float, what: str) -> None:
        """Raise ValueError where the coding cannot carry these pixels."""
        check_finite(images, what)
        low, high = self.smallest / self.scale, self.largest * v_thresh / self.scale
        if images.min() < low or images.max() > high:
            raise ValueError(
                f"{what}: given pixels from {images.min():g} to {images.max():g}; expected {low:g} "
                f"to {high:g}, what {self.name} can tell apart"
            )


def analog() -> Coding:
    """No input neurons: W x + b is a constant current into the first hidden layer, computed once.

    The analog first layer of Rueckauer et al. 2017, Front. Neurosci. 11, 682.
    """
    return Coding("analog current")


def constant_current(scale: float = 1.0, model: NeuronModel = IF_SOFT_RESET) -> Coding:
    """An integrate-and-fire neuron for each pixel, driven by scale times the pixel in every step.

    The tutorial "Spike-based machine learning with GeNN", where grey levels are driven by 0.01 each
    and the threshold is 5. A pixel that reaches the threshold in every step is at its highest rate.
    """
    factor = finite_number(scale, "constant_current, scale")
    if factor <= 0:
        raise ValueError(f"constant_current, scale: given {factor}; expected a number > 0")
    return Coding("constant current", model, scale=factor, smallest=0.0, largest=1.0)


def poisson() -> Coding:
    """Each pixel x in [0, 1] spikes with probability x in every step, independently.

    Diehl et al. 2015, IJCNN, doi:10.1109/IJCNN.2015.7280696. Needs a key.
    """
    return Coding("Poisson", BERNOULLI, smallest=0.0, largest=1.0)


def latency(num_steps: int) -> Coding:
    """Each pixel x in [0, 1] spikes once, in step T (1 - x), and its current stays on.

    In T = num_steps steps that makes the charge T x w. After Rueckauer & Liu 2018, "Conversion of
    analog to spiking neural networks using sparse temporal coding", ISCAS.
    """
    steps = positive_int(num_steps, "latency, num_steps")
    return Coding("latency", LATENCY, HOLD, num_steps=steps, smallest=0.0, largest=1.0)
