"""Current sources: their time courses."""

from functools import cache

import jax
import numpy as np

import jsnn
from figures import BLACK, ORANGE, SKY
from figures.played import MEMBRANE

DT, STEPS = 0.5, 400  # ms
PARAMS = {
    "CONSTANT": {"magnitude": 1.0},
    "PLAYBACK": {"currents": np.sin(np.outer(np.arange(200), [0.03, 0.06, 0.09])).astype("f4")},
    "POISSON_EXPONENTIAL": {"rate": 50.0},
    "POISSON_INPUT": {"rate": 50.0},
    "RAMP_CURRENT": {"start": 50.0, "stop": 150.0},
    "STEP_CURRENT": {"start": 50.0, "stop": 150.0},
}
"""Parameters in place of the defaults."""


@cache
def courses() -> dict[str, np.ndarray]:
    """Return {MODEL: currents [T, 3]} of all models, from one network."""
    models = {k: m for k, m in vars(jsnn).items() if isinstance(m, jsnn.CurrentSourceModel)}
    cells = [jsnn.Population(k, 3, MEMBRANE) for k in models]
    sources = [
        jsnn.CurrentSource(f"{k} source", k, m, PARAMS.get(k, {})) for k, m in models.items()
    ]
    network = jsnn.Network(cells, [], sources, dt=DT)
    record = {k: jsnn.Variable(k, "current") for k in models}
    return jsnn.simulate(network, {}, STEPS, record=record, key=jax.random.key(1))[1]


@jsnn.plot.style()
def draw(model: jsnn.CurrentSourceModel):
    """Draw the current into each of three neurons."""
    figure, axes = jsnn.plot.figure(height=40)
    currents = np.asarray(courses()[model.name])
    colours = (BLACK, ORANGE, SKY)
    for course, colour in list(zip(currents.T, colours, strict=True))[::-1]:
        axes.stairs(course, DT * np.arange(STEPS + 1), color=colour, baseline=None, lw=0.9)
    axes.set(xlabel="time [ms]", ylabel="current [nA]", xlim=(0, DT * STEPS))
    axes.set_ylim(min(0, axes.get_ylim()[0]), None)
    return figure
