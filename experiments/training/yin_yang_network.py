"""Network of the Yin-Yang experiment: each point makes four spikes, and three neurons race.

Times are in units of the synaptic time constant.
"""

from dataclasses import replace
from typing import Any

import numpy as np

import jsnn
from experiments.training.data.yin_yang import Points, input_times
from jsnn.models import Quantity

FIRST, LAST, END = 0.15, 2.0, 4.0
NEURON = {"tau_m": 2.0, "r_m": 2.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
NEURON |= {"tau_refrac": 100.0}
LONGEST_DELAY = 1.0


def _clock(p: Any, x: Any, current: Any, dt: Any) -> Any:
    return {"t": x["t"] + dt}


def _since_its_time(p: Any, x: Any) -> Any:
    return x["t"] - p["time"]


def _never_again(p: Any, x: Any) -> Any:
    return {"t": x["t"] - 1e6}


TIMED = jsnn.NeuronModel(
    name="TIMED",
    description="A source that spikes once, at a time that need not be on the grid.",
    params={"time": Quantity(0.0, "ms")},
    variables={"t": Quantity(0.0, "ms")},
    update=_clock,
    threshold=_since_its_time,
    reset=_never_again,
)


def draw(hidden: int, *, recurrent: bool, delays: bool, dt: float, seed: int) -> jsnn.Network:
    """Draw the network, 4 - hidden - 3."""
    random = np.random.default_rng(seed)
    sizes = {"points": 4, "hidden": hidden, "classes": 3}

    def projection(pre: str, post: str, mean: float, sd: float) -> jsnn.Projection:
        shape = sizes[pre], sizes[post]
        weights = random.normal(mean, sd, shape).astype(np.float32)
        steps = np.float32(1 + random.uniform(0, 0.5, shape) / dt)
        longest = round(LONGEST_DELAY / dt)
        dense = jsnn.LearntDelays(weights, steps, longest) if delays else jsnn.Dense(weights)
        return jsnn.Projection(pre, post, dense, jsnn.EXPONENTIAL, {"tau": 1.0})

    projections = [
        projection("points", "hidden", 1.5, 0.8),
        projection("hidden", "classes", 15 / hidden, 24 / hidden),
    ]
    if recurrent:
        projections.append(projection("hidden", "hidden", 0.0, 6 / hidden))
    populations = [
        jsnn.Population("points", 4, TIMED),
        jsnn.Population("hidden", hidden, jsnn.LIF, NEURON, {"v": 0.0}),
        jsnn.Population("classes", 3, jsnn.LIF, NEURON, {"v": 0.0}),
    ]
    return jsnn.Network(populations, projections, dt=dt)


def drive(values: np.ndarray) -> dict[str, Any]:
    """Return the drive of points, [n, 4]: the times of their spikes."""
    return {"points": {"time": np.float32(input_times(values, FIRST, LAST))}}


def on_finer_grid(network: jsnn.Network, dt: float) -> jsnn.Network:
    """Return the network with steps of dt, of which every delay is a whole number."""
    finer = float(network.dt) / dt

    def with_delays(projection: jsnn.Projection) -> jsnn.Projection:
        of = projection.connectivity
        if not isinstance(of, jsnn.LearntDelays):
            return projection
        steps = 1 + (np.asarray(of.delays) - 1) * finer
        dense = jsnn.LearntDelays(of.weights, steps, 1 + round((of.max_delay - 1) * finer))
        return replace(projection, connectivity=dense, delay=None)

    projections = [with_delays(projection) for projection in network.projections]
    return jsnn.deployed(jsnn.Network(network.populations, projections, dt=dt))


def evaluate(network: jsnn.Network, points: Points) -> jsnn.Evaluation:
    """Evaluate a network by the first spikes of its steps."""
    num_steps = round(END / float(network.dt))
    readout = jsnn.first_spike("classes")
    return jsnn.evaluate(network, drive(points.values), points.labels, num_steps, readout)
