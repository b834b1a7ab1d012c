"""Recipe: the choices that make an artificial network a spiking one, each replaceable by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from jsnn._summary import Summary, Table
from jsnn.conversion.coding import Coding, analog
from jsnn.conversion.firing import Firing, soft_reset
from jsnn.conversion.layers import Layer
from jsnn.conversion.output import Output, potentials
from jsnn.conversion.prepared import Prepared


class Sample(NamedTuple):
    """Artificial network and its activations on the calibration images, for rules to look at.

    Attributes:
      layers: layers of the artificial network.
      images: calibration images, [n, N_0].
      activations: activations of each layer, [n, N_l].
      key: PRNG key for random codings, or None.
    """

    layers: tuple[Layer, ...]
    images: np.ndarray
    activations: list[np.ndarray]
    key: jax.Array | None


Scale = Callable[[Sample, "Recipe"], list[np.ndarray]]
"""Rule for the activation that one spike stands for: λ > 0 of each layer, [1] or [channels].

An output whose potential is read needs no scale; its λ is not used.
"""

Calibration = Callable[[Sample, "Recipe", list[Prepared]], list[Prepared]]
"""Correction of biases, weights or initial potentials, once the scales are known."""


@dataclass(frozen=True, repr=False)
class Recipe:
    """Choices that turn an artificial network into a spiking one.

    With the scale λ_l of layer l and the threshold θ, the bias of the layer and the weights of its
    branch from layer k become

        W_lk λ_k θ / λ_l,    b_l θ / λ_l        (per channel if the scales are)

    so that a neuron fires with the rate a_l / λ_l (Diehl et al. 2015; Rueckauer et al. 2017, eq. 5
    ff.; with shortcuts Hu, Tang & Pan 2018). An output whose potential is read has W_lk λ_k and
    b_l. `dataclasses.replace` changes one choice.

    Attributes:
      name: name in reports.
      scale: rule for λ.
      firing: neurons of the hidden layers.
      v_init: initial potential in thresholds. With 1/2 rates are rounded, with 0 cut off (Deng & Gu
        2021, "Optimal conversion of conventional artificial neural networks to spiking neural
        networks", ICLR).
      v_thresh: threshold θ of every neuron, also of input neurons that integrate.
      coding: the way an image enters.
      output: evidence for the classes.
      delay: delay of every projection in steps; with 0 an answer takes no step per layer.
      calibrate: correction after scaling, or None.
    """

    name: str
    scale: Scale
    firing: Firing = field(default_factory=soft_reset)
    v_init: float = 0.0
    v_thresh: float = 1.0
    coding: Coding = field(default_factory=analog)
    output: Output = field(default_factory=potentials)
    delay: int = 0
    calibrate: Calibration | None = None

    def __repr__(self) -> str:
        return self._summary().text()

    def _repr_html_(self) -> str:
        return self._summary().html()

    def _summary(self) -> Summary:
        choices = [
            ("scale", _rule_text(self.scale)),
            ("firing", _firing_text(self.firing)),
            ("v_init", f"{self.v_init:g} thresholds"),
            ("v_thresh", f"{self.v_thresh:g}"),
            ("coding", self.coding.name),
            ("output", f"{self.output.quantity} from step {self.output.start} on"),
            ("delay", f"{self.delay} step{'s' * (self.delay != 1)}"),
            ("calibrate", "none" if self.calibrate is None else _rule_text(self.calibrate)),
        ]
        return Summary(f"Recipe: {self.name}", [Table(("choice", "value"), choices)])


def _rule_text(rule: Any) -> str:
    """Write a rule as the call that makes it, such as "percentile(p=99.9, per_channel=False)"."""
    if isinstance(rule, partial):
        values = (
            f"{name}={_rule_text(value) if callable(value) else value}"
            for name, value in rule.keywords.items()
        )
        return f"{_rule_text(rule.func)}({', '.join(values)})"
    return getattr(rule, "__name__", type(rule).__name__).removeprefix("_")


def _firing_text(firing: Firing) -> str:
    if not firing.in_digits:
        return f"mean of spikes, at most {firing.emission.most_per_step:g} a step"
    order = "layers in turn" if firing.in_turn else "all layers at once"
    return f"sum of {firing.digits} digits, {order}"
