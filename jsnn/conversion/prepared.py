"""Layer of the artificial network with the scale and the initial potential of its neurons."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jsnn.conversion.layers import Layer


@dataclass(frozen=True)
class Prepared:
    """Layer with all that its neurons need.

    Attributes:
      layer: layer of the artificial network, perhaps changed by a calibration.
      scale: λ, the activation that one spike a step stands for, [1] or [channels].
      v_init: initial potential in thresholds, () or [N].
    """

    layer: Layer
    scale: np.ndarray
    v_init: Any = 0.0
