"""Surrogate derivatives: smooth functions in place of the derivative of a spike.

A spike is Θ(m), a Heaviside step of the threshold margin m. Backwards, its derivative is taken to
be

    dΘ/dm = h(u) / s,    u = m / s

s is the unit of the margin, which the neuron model declares (`NeuronModel.margin_unit`), such as
the distance from rest to threshold. So a width has the same meaning for a threshold of 1 and for
one in mV. Each function below makes an h of some `width`, in units of s, and some `height`, its
value at u = 0. The forward run does not depend on it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._checks import finite_number
from jsnn._primitive import elementwise_primitive

Surrogate = Callable[[jax.Array], jax.Array]
"""A function h of the margin in its unit, u -> the derivative, for any shape; static."""


@dataclass(frozen=True)
class SurrogateOfShape:
    """A surrogate derivative of some shape, width and height; hashable.

    Attributes:
      shape: u / width -> the derivative, 1 at 0.
      width: in units of the margin, > 0.
      height: the derivative at the threshold, > 0.

    Raises:
      TypeError: if the width or the height is no number.
      ValueError: if one of them is not above 0.
    """

    shape: Callable[[jax.Array], jax.Array]
    width: float
    height: float

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            number = finite_number(getattr(self, name), f"surrogate, {name}")
            if number <= 0:
                raise ValueError(f"surrogate, {name}: given {number:g}; expected a number > 0")
            object.__setattr__(self, name, number)

    def __call__(self, u: jax.Array) -> jax.Array:
        return self.height * self.shape(u / self.width)

    def __repr__(self) -> str:
        name = self.shape.__name__.removeprefix("_")
        return f"{name}(width={self.width:g}, height={self.height:g})"


def _superspike(u: jax.Array) -> jax.Array:
    return 1 / (1 + jnp.abs(u)) ** 2


def superspike(width: float = 0.1, height: float = 1.0) -> Surrogate:
    """Return the derivative of a fast sigmoid, h = height / (1 + |u| / width)².

    Zenke & Ganguli 2018, "SuperSpike", Neural Computation 30, 1514-1541, eq. 17, in which 1 / width
    is β.
    """
    return SurrogateOfShape(_superspike, width, height)


def _arctan(u: jax.Array) -> jax.Array:
    return 1 / (1 + u**2)


def arctan(width: float = 0.32, height: float = 1.0) -> Surrogate:
    """Return the derivative of an arctangent, h = height / (1 + (u / width)²).

    Fang et al. 2021, "Incorporating learnable membrane time constant to enhance learning of spiking
    neural networks", ICCV: with their α, width is 2 / (π α) and height α / 2; α = 2 by default.
    """
    return SurrogateOfShape(_arctan, width, height)


def _sigmoid(u: jax.Array) -> jax.Array:
    return 4 * jax.nn.sigmoid(u) * jax.nn.sigmoid(-u)


def sigmoid(width: float = 0.25, height: float = 1.0) -> Surrogate:
    """Return the derivative of a logistic function, h = 4 height σ(u / width) σ(-u / width).

    Neftci, Mostafa & Zenke 2019, IEEE Signal Processing Magazine 36, 51-63. With a slope α of the
    sigmoid, width is 1 / α and height α / 4.
    """
    return SurrogateOfShape(_sigmoid, width, height)


def _triangular(u: jax.Array) -> jax.Array:
    return jnp.maximum(1 - jnp.abs(u), 0)


def triangular(width: float = 1.0, height: float = 1.0) -> Surrogate:
    """Return a triangle, h = height max(0, 1 - |u| / width).

    Esser et al. 2016, PNAS 113, 11441-11446. Bellec et al. 2020, Nature Communications 11, 3625,
    takes a height of 0.3.
    """
    return SurrogateOfShape(_triangular, width, height)


def _rectangular(u: jax.Array) -> jax.Array:
    return (jnp.abs(u) < 0.5).astype(u.dtype)


def rectangular(width: float = 1.0, height: float = 1.0) -> Surrogate:
    """Return a window, h = height where |u| < width / 2, else 0.

    Wu et al. 2018, Frontiers in Neuroscience 12, 331, whose height is 1 / width.
    """
    return SurrogateOfShape(_rectangular, width, height)


def _gaussian(u: jax.Array) -> jax.Array:
    return jnp.exp(-(u**2) / 2)


def gaussian(width: float = 0.4, height: float = 1.0) -> Surrogate:
    """Return a bell, h = height exp(-(u / width)² / 2).

    Yin, Corradi & Bohte 2021, Nature Machine Intelligence 3, 905-913, whose height is that of a
    normal density, 1 / (width sqrt(2 π)).
    """
    return SurrogateOfShape(_gaussian, width, height)


def _straight_through(u: jax.Array) -> jax.Array:
    return jnp.ones_like(u)


def straight_through(height: float = 1.0) -> Surrogate:
    """Return a constant, h = height: the derivative passes as if a spike were its margin.

    Bengio, Léonard & Courville 2013, arXiv:1308.3432.
    """
    return SurrogateOfShape(_straight_through, 1.0, height)


_MAKERS = superspike, arctan, sigmoid, triangular, rectangular, gaussian, straight_through


def check_surrogate(surrogate: object, what: str) -> None:
    """Raise TypeError if `surrogate` is no function of the margin, or one that has to be called."""
    if surrogate in _MAKERS:
        name = f"jsnn.surrogates.{surrogate.__name__}"
        raise TypeError(f"{what}: given {name}, which makes a surrogate; expected {name}()")
    if not callable(surrogate):
        raise TypeError(
            f"{what}: given {surrogate!r}; expected a function such as jsnn.surrogates.arctan()"
        )


def spike(surrogate: Surrogate, margin: jax.Array, unit: jax.Array | float = 1.0) -> jax.Array:
    """Return 1 where `margin` >= 0, else 0, in the dtype of `margin`.

    The derivative of the result is h(m / s) / s, also within derivatives of higher order. None
    passes to the unit.

    Args:
      surrogate: the function h.
      margin: the threshold margin m.
      unit: its unit s, () or of the shape of the margin; 1 by default.
    """
    margin = jnp.asarray(margin)
    units = jnp.broadcast_to(jnp.asarray(unit, margin.dtype), margin.shape)
    return _spike().bind(margin, units, surrogate=surrogate)


@lru_cache
def _spike() -> Any:
    """Return the operation of a spike; with a `custom_jvp`, gradients would have no derivative."""
    from jax.interpreters import ad  # this takes long to import

    def jvp(primals: Any, tangents: Any, *, surrogate: Surrogate) -> tuple[jax.Array, Any]:
        (margin, unit), (tangent, _) = primals, tangents
        spikes = spike(surrogate, margin, unit)
        if isinstance(tangent, ad.Zero):
            return spikes, tangent
        return spikes, surrogate(margin / unit) / unit * tangent

    return elementwise_primitive("spike", _step, jvp)


def _step(margin: jax.Array, unit: jax.Array, *, surrogate: Surrogate) -> jax.Array:
    return (jnp.asarray(margin) >= 0).astype(margin.dtype)
