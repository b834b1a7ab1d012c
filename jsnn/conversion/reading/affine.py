"""Affine value: a value of the model that is a sum of linear maps of activations, and a constant.

While a model is read, each value that depends on the image is one of these. What comes after
neurons of the spiking network, their activation, is a value with one term and no linear map.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from jsnn.network.connectivity import AveragePool2D, Conv2D, Dense, OneToOne

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Moved:
    """Rearrangement: value i is value `index[i]` of those before, or 0 where it is -1.

    Attributes:
      index: integers [post].
      num_pre: number of values before.
    """

    index: np.ndarray
    num_pre: int

    @cached_property
    def is_identity(self) -> bool:
        """True if nothing moves."""
        return len(self.index) == self.num_pre and bool(
            np.array_equal(self.index, np.arange(self.num_pre))
        )

    @cached_property
    def is_permutation(self) -> bool:
        """True if every value gets another place, and none is lost."""
        return len(self.index) == self.num_pre and bool(
            np.array_equal(np.sort(self.index), np.arange(self.num_pre))
        )

    @property
    def num_post(self) -> int:
        return len(self.index)

    def then(self, index: np.ndarray) -> "Moved":
        """Return this rearrangement followed by another one."""
        return Moved(taken(self.index, index, -1), self.num_pre)


WEIGHTED = (Dense, Conv2D, OneToOne)

_ROUNDING = 1e-12
"""Differences of factors and constants below it are those of rounding."""

Part = Dense | Conv2D | OneToOne | AveragePool2D | Moved


def _one() -> np.ndarray:
    return np.ones(())


def _zero() -> np.ndarray:
    return np.zeros(())


def taken(values: np.ndarray, index: np.ndarray, otherwise: float) -> np.ndarray:
    """Return values[index], and another value where the index is -1."""
    return np.where(index < 0, otherwise, values[np.maximum(index, 0)])


@dataclass(frozen=True, eq=False)
class Term:
    """Linear map of the activations of one node, gain * (parts applied to x).

    Attributes:
      source: number of the node, or `IMAGE`.
      num_pre: number of its activations.
      parts: linear maps, the first one applied first.
      gain: factor of each value behind them, float64 () or [size].
      labels: names of the model's layers that the parts are from.
    """

    source: int
    num_pre: int
    parts: tuple[Part, ...] = ()
    gain: np.ndarray = field(default_factory=_one)
    labels: tuple[str, ...] = ()

    @property
    def has_weights(self) -> bool:
        """True if one of its maps has weights."""
        return any(isinstance(part, WEIGHTED) for part in self.parts)

    @property
    def moved_by(self) -> Moved | None:
        """The rearrangement at its end, if there is one."""
        return self.parts[-1] if self.parts and isinstance(self.parts[-1], Moved) else None

    def moved(self, index: np.ndarray) -> "Term":
        """Return the term with its values in other places."""
        gain = taken(self.gain, index, 1.0) if self.gain.ndim else self.gain
        last, before = self.moved_by, self.parts
        if last is not None:
            part, before = last.then(index), self.parts[:-1]
        else:
            part = Moved(index, self.parts[-1].num_post if self.parts else self.num_pre)
        return replace(self, parts=before if part.is_identity else (*before, part), gain=gain)


@dataclass(frozen=True, eq=False)
class Affine:
    """Value scale * (sum of terms + shift) of a shape; flattened in the order of C.

    Attributes:
      shape: shape of the value in the model.
      terms: linear maps of activations, of different sources or parts.
      shift: constant, float64 () or [size].
      scale: common factor, other than 0. It is kept apart, so that a factor that the model divides
        by and multiplies with again leaves no trace.
    """

    shape: Shape
    terms: tuple[Term, ...]
    shift: np.ndarray = field(default_factory=_zero)
    scale: float = 1.0

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the model's layers that it is from, each once."""
        return tuple(dict.fromkeys(label for term in self.terms for label in term.labels))

    @property
    def factor(self) -> float:
        """The factor of its first term, if that is the same for all values."""
        return self.scale * float(self.terms[0].gain.flat[0])

    def constant(self) -> np.ndarray:
        """Return scale * shift in the shape of the value."""
        return np.broadcast_to(self.scale * self.shift, (self.size,)).reshape(self.shape)

    def reshaped(self, shape: Shape) -> "Affine":
        """Return the same values in another shape."""
        return replace(self, shape=shape)

    def labelled(self, label: str) -> "Affine":
        """Return the value with the name of another layer of the model."""
        terms = tuple(
            t if label in t.labels else replace(t, labels=(*t.labels, label)) for t in self.terms
        )
        return replace(self, terms=terms)

    def times(self, factor: np.ndarray) -> "Affine | np.ndarray":
        """Multiply by constants, () or of the shape of the value."""
        factor = np.asarray(factor, np.float64)
        if not factor.any():
            return np.zeros(self.shape)
        if uniform(factor):
            return replace(self, scale=self.scale * float(factor.flat[0]))
        each = np.broadcast_to(factor, self.shape).ravel()
        terms = tuple(replace(term, gain=term.gain * each) for term in self.terms)
        return replace(self, terms=terms, shift=self.shift * each)

    def divided(self, by: np.ndarray) -> "Affine | np.ndarray":
        """Divide by constants, () or of the shape of the value."""
        by = np.asarray(by, np.float64)
        if uniform(by):
            return replace(self, scale=self.scale / float(by.flat[0]))
        return self.times(1 / by)

    def plus(self, constant: np.ndarray) -> "Affine":
        """Add constants, () or of the shape of the value."""
        constant = np.asarray(constant, np.float64)
        each = np.broadcast_to(constant, self.shape).ravel() if constant.ndim else constant
        return replace(self, shift=self.shift + each / self.scale)

    def unscaled(self) -> "Affine":
        """Return the value with its scale in the terms and the shift."""
        if self.scale == 1.0:
            return self
        terms = tuple(replace(term, gain=term.gain * self.scale) for term in self.terms)
        return Affine(self.shape, terms, self.shift * self.scale)

    def added(self, other: "Affine") -> "Affine | np.ndarray":
        """Add another value of the same shape; terms of the same map become one."""
        common = self.scale if self.scale == other.scale else 1.0
        first, second = (self, other) if common != 1.0 else (self.unscaled(), other.unscaled())
        terms = {_key(term): term for term in first.terms}
        for term in second.terms:
            known = terms.get(_key(term))
            gain = term.gain if known is None else known.gain + term.gain
            terms[_key(term)] = replace(term, gain=gain)
        left = tuple(term for term in terms.values() if np.any(abs(term.gain) > _ROUNDING))
        shift = first.shift + second.shift
        if not left:
            return np.broadcast_to(common * shift, (self.size,)).reshape(self.shape)
        return Affine(self.shape, left, shift, common)

    def negated(self) -> "Affine":
        """Return the value with the other sign."""
        return replace(self, scale=-self.scale)

    def factor_of(self, other: "Affine") -> np.ndarray | None:
        """Return the k for which another value is k times this one, () or of its shape, or None."""
        mine, others = self._coefficients(), other._coefficients()
        if self.shape != other.shape or mine.keys() != others.keys():
            return None
        along = sum(mine[key] * others[key] for key in mine)
        norm = np.asarray(sum(mine[key] ** 2 for key in mine))
        k = np.asarray(along / np.where(norm == 0, 1, norm))
        if any(np.any(abs(others[key] - k * mine[key]) > _ROUNDING) for key in mine):
            return None
        if np.ptp(k) <= _ROUNDING:
            return k.flat[0] * _one()
        return k.reshape(self.shape)

    def _coefficients(self) -> dict[Any, np.ndarray]:
        """Return the factors of each linear map, and the constant."""
        value = self.unscaled()
        return {_key(term): term.gain for term in value.terms} | {"shift": value.shift}


def _key(term: Term) -> tuple[Any, ...]:
    return term.source, tuple(map(id, term.parts))


def uniform(values: np.ndarray) -> bool:
    """Return True if all values are equal."""
    return bool(np.all(values == values.flat[0]))
