"""Shapes of populations in NIR, and the order of their neurons there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from jsnn.network import AveragePool2D, Chain, Conv2D, Network, OneToOne, Projection
from jsnn.nir.connectivity import Biased, Flattening, Shape
from jsnn.nir.windows import Convolution, Pooling


@dataclass(frozen=True)
class Layout:
    """The shape of a signal in NIR and the order of its elements.

    Attributes:
      shape: in NIR; an image is (channels, height, width).
      channels_last: True if the neurons are numbered as `jsnn.Conv2D` has them, row by row with the
        channels of a pixel together; False for the order of NIR.
    """

    shape: Shape
    channels_last: bool = False

    def arranged(self, values: Any) -> np.ndarray:
        """Return values [N] of neurons in the shape of NIR."""
        return np.asarray(values)[self.order].reshape(self.shape)

    @property
    def order(self) -> np.ndarray:
        """The numbers of the neurons in the order of NIR, [N]."""
        numbers = np.arange(prod(self.shape))
        if not self.channels_last:
            return numbers
        channels, height, width = self.shape
        return numbers.reshape(height, width, channels).transpose(2, 0, 1).ravel()


def parts_of(projection: Projection) -> tuple[Any, ...]:
    """Return the connectivities of a projection, in the order in which a signal passes them."""
    whole = projection.connectivity
    return whole.parts if isinstance(whole, Chain) else (whole,)


def of_image(part: Any, *, before: bool) -> Layout | None:
    """Return the layout on one side of a part that knows the shape of an image, or None."""
    inner = part.part if isinstance(part, Biased) else part
    if isinstance(inner, Convolution | Pooling | Flattening):
        return Layout(inner.input_shape if before else inner.output_shape)
    if isinstance(inner, Conv2D | AveragePool2D):
        height, width, channels = inner.image_shape if before else inner.output_shape
        return Layout((channels, height, width), channels_last=True)
    return None


def layouts(network: Network, shapes: Mapping[str, Shape]) -> dict[str, Layout]:
    """Return the layout of each population.

    Args:
      network: the network.
      shapes: shapes that are known from elsewhere, {population: shape}.

    Raises:
      ValueError: if a population is an image in two different orders or shapes.
    """
    found: dict[str, Layout] = {}
    for projection in network.projections:
        parts = parts_of(projection)
        for name, layout in (
            (projection.pre, of_image(parts[0], before=True)),
            (projection.post, of_image(parts[-1], before=False)),
        ):
            if layout is not None and found.setdefault(name, layout) != layout:
                raise ValueError(
                    f"population {name!r}: projection {projection.name!r} takes it for "
                    f"{layout}, another one for {found[name]}; expected one shape and order, "
                    "as NIR cannot reshape a signal"
                )
    for name, shape in shapes.items():
        found.setdefault(name, Layout(shape))
    _spread_one_to_one(network, found)
    return {name: found.get(name, Layout((size,))) for name, size in network.sizes.items()}


def _spread_one_to_one(network: Network, found: dict[str, Layout]) -> None:
    """Give populations without a layout that of one to which they are joined one to one."""
    pairs = [
        (projection.pre, projection.post)
        for projection in network.projections
        if isinstance(projection.connectivity, OneToOne)
    ]
    spreads = True
    while spreads:
        spreads = False
        for pair in (*pairs, *(pair[::-1] for pair in pairs)):
            if pair[0] in found and pair[1] not in found:
                found[pair[1]] = found[pair[0]]
                spreads = True
