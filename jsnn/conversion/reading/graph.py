"""Graph under construction: nodes whose activations or maxima the spiking network computes."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np

from jsnn.conversion.activation import Activation, Identity
from jsnn.conversion.layers import IMAGE, Branch, Layer, MaxPool, Weighted
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.conversion.reading.affine import Affine, Moved, Shape, Term, uniform
from jsnn.conversion.reading.folding import with_gain_folded
from jsnn.conversion.rearranged import Rearranged
from jsnn.network.connectivity import AveragePool2D, Conv2D, Dense


@dataclass(frozen=True)
class Floored:
    """Activation ⌊x + 1/2⌋, or that of max(x, 0), on the way to a `Quantised` one."""

    rectified: bool


@dataclass(frozen=True, eq=False)
class Node:
    """Activation of an affine value, or maxima of another node.

    Attributes:
      base: value that the activation is taken of.
      shape: shape of the neurons, (features,) or (height, width, channels).
      activation: the activation.
      pool: windows of the maxima of `base`, which is then the activation of a node.
      label: name of the max pooling.
    """

    base: Affine
    shape: Shape
    activation: Activation | Floored
    pool: MaxPool2D | None = None
    label: str = ""


class Graph:
    """Nodes of a model, in the order in which it computes them.

    Args:
      image_shape: shape of one image, without a batch.
      batched: True if values of the model have a first axis for a batch of one image.
    """

    def __init__(self, image_shape: Shape, *, batched: bool) -> None:
        self.nodes: list[Node] = []
        self.image_shape, self.batched = image_shape, batched

    def image(self) -> Affine:
        """Return the image as a value."""
        shape = (1, *self.image_shape) if self.batched else self.image_shape
        return Affine(shape, (Term(IMAGE, prod(shape)),))

    def activated(
        self, value: Affine, activation: Activation | Floored, *, in_order: bool = False
    ) -> Affine:
        """Add a node with the activation of a value, and return its value.

        Args:
          value: what the activation is taken of.
          activation: function of each number.
          in_order: neurons are in the order of the value. Otherwise they are in that of the maps in
            front, if a mere permutation is between the two.
        """
        index = None if in_order else _common_permutation(value)
        parts: tuple[Moved, ...] = ()
        if index is not None:
            value = _undone(value, index)
            parts = (Moved(index, len(index)),)
        shape = self._shape(value, permuted=index is not None)
        self.nodes.append(Node(value, shape, activation))
        term = Term(len(self.nodes) - 1, value.size, parts)
        return Affine(value.shape, (term,))

    def pooled(self, value: Affine, pool: MaxPool2D, label: str) -> Affine:
        """Add a node with the maxima of the activation of a node, in the order of the neurons."""
        self.nodes.append(Node(value, pool.output_shape, Identity(), pool, label))
        return Affine(pool.output_shape, (Term(len(self.nodes) - 1, pool.num_post),))

    def node_of(self, value: Affine) -> Node | None:
        """Return the node whose activation a value is, times a factor > 0 and plus a constant."""
        if len(value.terms) != 1 or value.terms[0].source == IMAGE:
            return None
        term = value.terms[0]
        plain = not term.parts or (term.moved_by is not None and term.moved_by.is_permutation)
        one_factor = uniform(term.gain) and value.factor > 0
        if not (plain and len(term.parts) <= 1 and one_factor and uniform(value.shift)):
            return None
        return self.nodes[term.source]

    def is_nonnegative(self, value: Affine) -> bool:
        """Return True if a value cannot be below 0, whatever the image."""
        return bool(np.all(value.shift * value.scale >= 0)) and all(
            term.source != IMAGE
            and not term.has_weights
            and bool(np.all(term.gain * value.scale >= 0))
            and not isinstance(self.nodes[term.source].activation, Floored)
            for term in value.terms
        )

    def layers(self, logits: Affine, dtype: Any) -> list[Layer]:
        """Return the layers that the logits need, in order; the last one computes them."""
        self.activated(logits, Identity(), in_order=True)
        kept = self._needed(len(self.nodes) - 1)
        place = {number: i for i, number in enumerate(kept)} | {IMAGE: IMAGE}
        return [self._layer(number, place, dtype) for number in kept]

    def _needed(self, last: int) -> list[int]:
        found, waiting = set(), [last]
        while waiting:
            number = waiting.pop()
            if number not in found and number != IMAGE:
                found.add(number)
                waiting += [term.source for term in self.nodes[number].base.terms]
        return sorted(found)

    def _layer(self, number: int, place: dict[int, int], dtype: Any) -> Layer:
        node = self.nodes[number]
        if node.pool is not None:
            pool = replace(node.pool, dtype=dtype)
            return MaxPool(node.label, place[node.base.terms[0].source], pool)
        value = node.base
        if isinstance(node.activation, Floored):
            raise ValueError(
                f"model, {_name(value)}: rounds its values and does not clip them; expected "
                "jsnn.conversion.qcfs, or what it computes"
            )
        branches = tuple(
            Branch(
                place[term.source],
                tuple(
                    Rearranged(tuple(part.index.tolist()), part.num_pre, dtype)
                    if isinstance(part, Moved)
                    else part
                    for part in with_gain_folded(term, value.scale, dtype)
                ),
            )
            for term in value.terms
        )
        bias = np.broadcast_to(value.shift * value.scale, (value.size,)).astype(dtype)
        return Weighted(_name(value), branches, jnp.asarray(bias), node.shape, node.activation)

    def _shape(self, value: Affine, *, permuted: bool) -> Shape:
        """Return the shape of neurons: that of the value, or of the maps in front."""
        if permuted:
            for term in value.terms:
                last = term.parts[-1] if term.parts else None
                if isinstance(last, Conv2D | AveragePool2D):
                    return last.output_shape
                if isinstance(last, Dense):
                    return (last.num_post,)
                if last is None and term.source != IMAGE:
                    return self.nodes[term.source].shape
        shape = value.shape[1:] if self.batched and value.shape[:1] == (1,) else value.shape
        return shape if len(shape) in (1, 3) else (value.size,)


def _name(value: Affine) -> str:
    return ", ".join(value.labels) or "identity"


def _common_permutation(value: Affine) -> np.ndarray | None:
    """Return the permutation at the end of all terms of a value, if it is the same."""
    moves = [term.moved_by for term in value.terms]
    first = moves[0]
    if first is None or not first.is_permutation:
        return None
    same = all(move is not None and np.array_equal(move.index, first.index) for move in moves)
    return first.index if same else None


def _undone(value: Affine, index: np.ndarray) -> Affine:
    """Return a value without the permutation at the end of its terms."""
    inverse = np.argsort(index)
    terms = tuple(
        replace(
            term, parts=term.parts[:-1], gain=term.gain[inverse] if term.gain.ndim else term.gain
        )
        for term in value.terms
    )
    shift = value.shift[inverse] if value.shift.ndim else value.shift
    return replace(value, terms=terms, shift=shift)
