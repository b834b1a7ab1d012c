"""Distances of the colours as colour-blind readers see them."""

import itertools

import numpy as np
import pytest

from jsnn.plot import EXCITATORY, INHIBITORY, MARK, PALETTE
from jsnn.plot.colours import colours_of

# Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color
# vision deficiency", IEEE Trans. Vis. Comput. Graph. 15: deuteranopia, severity 1, on linear RGB.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)
# IEC 61966-2-1: linear sRGB to XYZ, D65.
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    coded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    """Return L*, a*, b* of linear RGB (CIE 1976)."""
    share = XYZ @ np.clip(rgb, 0, 1) / (XYZ @ np.ones(3))
    f = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str) -> float:
    """Return the distance of two colours in CIELAB as a deuteranope sees them."""
    return float(
        np.linalg.norm(cielab(DEUTERANOPIA @ linear(one)) - cielab(DEUTERANOPIA @ linear(other)))
    )


def test_no_two_colours_look_alike_to_a_deuteranope():
    colours = {EXCITATORY, INHIBITORY, MARK, *PALETTE}
    assert len(colours) == 7
    assert min(distance(*pair) for pair in itertools.combinations(colours, 2)) > 18
    assert min(distance(colour, "#FFFFFF") for colour in colours) > 45


def test_excitatory_and_inhibitory_are_the_furthest_from_looking_alike():
    assert distance(EXCITATORY, INHIBITORY) > 100


def test_matplotlibs_own_colours_would_not_do():
    tab = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
    assert min(distance(*pair) for pair in itertools.combinations(tab, 2)) < 10


@pytest.mark.parametrize("names", [("e", "i"), ("E", "inh"), ("excitatory", "Inhibitory")])
def test_kinds_of_neurons_have_their_colours(names):
    assert list(colours_of(names).values()) == [EXCITATORY, INHIBITORY]


def test_other_populations_have_the_palette_in_turn():
    found = colours_of(["a", "e", *"bcdfg"])
    assert [found[name] for name in "abcdfg"] == [*PALETTE, PALETTE[0]]
