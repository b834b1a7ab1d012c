"""What a conversion consists of: pieces that can be replaced one by one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np

from jsnn.conversion.ann import Layer
from jsnn.conversion.coding import Coding, analog
from jsnn.conversion.firing import Firing, reset_by_subtraction
from jsnn.conversion.read import Read, potentials

if TYPE_CHECKING:
    from jsnn.conversion.build import Prepared


class Sample(NamedTuple):
    """What a rule may look at: the network, and what it does on the calibration images."""

    layers: tuple[Layer, ...]
    images: np.ndarray  # [n, N_0]
    activations: list[np.ndarray]  # [n, N_l] of each layer
    key: jax.Array | None  # for codings that are random


Scale = Callable[[Sample, "Recipe"], list[np.ndarray]]
"""A rule for the activation that one spike stands for: λ of each layer, [channels], > 0.

An output whose potential is read needs none; what a rule gives for it is not used.
"""

Calibration = Callable[[Sample, "Recipe", "list[Prepared]"], "list[Prepared]"]
"""A correction of biases, weights or initial potentials, once the scales are known."""


@dataclass(frozen=True)
class Recipe:
    """How an artificial network becomes a spiking one; `dataclasses.replace` changes a piece.

    With the scale λ_l of layer l and the threshold θ, weights and biases become

        W_l λ_(l-1) θ / λ_l,    b_l θ / λ_l        (per channel where the scales are)

    so that a neuron fires with the rate a_l / λ_l (Diehl et al. 2015; Rueckauer et al. 2017, eq. 5
    ff.). An output whose potential is read has W_l λ_(l-1) and b_l.

    Attributes:
      name: in reports.
      scale: the rule for λ.
      firing: of the hidden neurons.
      v_init: initial potential, in thresholds; 1/2 rounds where 0 cuts off (Deng & Gu 2021,
        "Optimal conversion of conventional artificial neural networks to spiking neural networks",
        ICLR).
      v_thresh: the threshold θ of every neuron, input neurons too, which the coding drives.
      coding: how an image enters.
      read: how the answer is read.
      delay: of every projection in steps; with 0 an answer takes no step per layer.
      calibrate: what is corrected after scaling, or None.
    """

    name: str
    scale: Scale
    firing: Firing = field(default_factory=reset_by_subtraction)
    v_init: float = 0.0
    v_thresh: float = 1.0
    coding: Coding = field(default_factory=analog)
    read: Read = field(default_factory=potentials)
    delay: int = 0
    calibrate: Calibration | None = None
