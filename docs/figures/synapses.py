"""Synapse models: the current and the potential that one spike and a train of five make."""

from functools import cache

import jax
import numpy as np

import jsnn
from figures import BLACK, ORANGE
from figures.played import MEMBRANE, PLAYED

DT, STEPS = 0.1, 2500  # ms
WEIGHTS = {"CONDUCTANCE": 0.01, "NMDA": 0.04, "GAP_JUNCTION": 0.01}  # uS; the others 0.5 nA
SPIKES = {"one spike": [20.0], "five spikes": [20.0, 40.0, 60.0, 80.0, 100.0]}  # ms


@cache
def responses() -> dict[str, np.ndarray]:
    """Return {"MODEL.current" and "MODEL.v": [trains, T]} of all models, from one network."""
    models = {k: m for k, m in vars(jsnn).items() if isinstance(m, jsnn.SynapseModel)}
    membrane = {"tau_m": 10.0, "r_m": 10.0, "v_rest": -70.0}  # ms, MOhm, mV
    cells = [jsnn.Population(k, 1, MEMBRANE, membrane, {"v": -70.0}) for k in models]
    synapses = [
        jsnn.Projection("played", k, jsnn.Dense(np.float32([[WEIGHTS.get(k, 0.5)]])), model)
        for k, model in models.items()
    ]
    network = jsnn.Network([jsnn.Population("played", 1, PLAYED), *cells], synapses, dt=DT)
    record = {f"{k}.{x}": jsnn.Variable(k, x) for k in models for x in ("current", "v")}

    @jax.jit
    def respond(network, trains, voltages):
        def one(train, v):
            drive = {"played": {"spike": jsnn.over_time(train), "v": jsnn.over_time(v)}}
            return jsnn.simulate(network, drive, STEPS, record=record)[1]

        return jax.vmap(one)(trains, voltages)

    trains = np.zeros((len(SPIKES), STEPS), np.float32)
    for row, times in zip(trains, SPIKES.values(), strict=True):
        row[np.round(np.array(times) / DT).astype(int)] = 1
    shape = 100 * np.exp(-DT * np.arange(200) / 3)  # of an action potential, mV
    voltages = np.stack([-70 + np.convolve(row, shape)[:STEPS] for row in trains])
    recorded = respond(network, trains, voltages.astype(np.float32))
    return {name: np.asarray(x)[..., 0] for name, x in recorded.items()}


@jsnn.plot.style()
def draw(model: jsnn.SynapseModel):
    """Draw the current into a membrane of 10 ms and 10 MOhm at -70 mV, and its potential."""
    figure, axes = jsnn.plot.figure(1, 2, height=46)
    for row in (1, 0):
        name, colour = list(SPIKES)[row], (BLACK, ORANGE)[row]
        for ax, what in zip(axes, ("current", "v"), strict=True):
            course = responses()[f"{model.name}.{what}"][row]
            ax.plot(DT * np.arange(1, STEPS + 1), course, color=colour, label=name)
            ax.set(xlabel="time [ms]", xlim=(0, DT * STEPS))
    axes[0].set_ylabel("current [nA]")
    axes[1].set_ylabel("v [mV]")
    axes[1].legend()
    return figure
