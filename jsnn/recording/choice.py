"""Choice of what to record: populations, and indices of neurons."""

from collections.abc import Sequence

import jax
import numpy as np

from jsnn._checks import check_known, positive_int
from jsnn.network.network import Network


def check_population(network: Network, population: str, what: str) -> None:
    """Raise ValueError, naming `what`, if there is no such population."""
    check_known([population], network.sizes, what, "population")


def chosen(values: jax.Array, neurons: Sequence[int] | None) -> jax.Array:
    """Return the values of the neurons to record, which are the last axis."""
    return values if neurons is None else values[..., np.asarray(neurons, np.int32)]


def checked_neurons(neurons: Sequence[int] | None, what: str) -> tuple[int, ...] | None:
    """Return the indices of neurons to record as a tuple, or None for all of them.

    Raises:
      TypeError: if they are no sequence of integers.
      ValueError: if one is negative.
    """
    if neurons is None:
        return None
    if np.ndim(neurons) != 1:
        raise TypeError(
            f"{what}, neurons: given {neurons!r}; expected a sequence of indices, such as [0] or "
            "range(3)"
        )
    if getattr(neurons, "dtype", None) == np.bool_:
        raise TypeError(
            f"{what}, neurons: given an array of bool; expected indices (np.flatnonzero(mask))"
        )
    return tuple(positive_int(n, f"{what}, neurons", least=0) for n in neurons)


def check_neurons(
    network: Network, population: str, neurons: Sequence[int] | None, what: str
) -> None:
    """Raise ValueError, naming `what`, if the population or one of its neurons does not exist."""
    check_population(network, population, what)
    size = network.sizes[population]
    outside = [n for n in neurons or () if n >= size]
    if outside:
        raise ValueError(
            f"{what}: given neuron {outside[0]} of {population!r}; expected 0 to {size - 1}"
        )
