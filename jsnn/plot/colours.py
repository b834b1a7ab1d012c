"""Colours of the figures: one for excitatory, one for inhibitory neurons, and a palette.

All but the last are from M. Okabe and K. Ito 2008, "Color Universal Design"; the last is from
P. Tol 2021, "Colour schemes", SRON/EPS/TN/09-002. Any two of them are at least 18 apart in CIELAB
as a deuteranope sees them, and from white 45 (measured in `tests/plot/test_colours.py`).
"""

from collections.abc import Iterable, Sequence
from itertools import cycle

EXCITATORY = "#D55E00"
"""Vermilion, the colour of excitatory neurons and synapses."""

INHIBITORY = "#0072B2"
"""Blue, the colour of inhibitory neurons and synapses."""

PALETTE = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#882255")
"""Black, orange, sky blue, green and wine, for all that is neither excitatory nor inhibitory."""

GUIDE = "0.55"
"""Grey of lines and names that guide the eye."""

MARK = "#882255"
"""Wine, the colour of what a figure points out."""

_OF_KIND = {
    **dict.fromkeys(("e", "exc", "excitatory"), EXCITATORY),
    **dict.fromkeys(("i", "inh", "inhibitory"), INHIBITORY),
}


def colours_of(populations: Iterable[str], others: Sequence[str] = PALETTE) -> dict[str, str]:
    """Return a colour for each population.

    A population named e, exc or excitatory is `EXCITATORY`, one named i, inh or inhibitory is
    `INHIBITORY`, in small or capital letters; the rest take the colours `others` in turn.
    """
    rest = cycle(others)
    return {name: _OF_KIND.get(name.lower()) or next(rest) for name in populations}
