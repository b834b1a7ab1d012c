"""A neuron's response to a step of current, and its f-I curve."""

import jax
import numpy as np

import jsnn
from figures import BLACK, GREEN, GREY, ORANGE, SKY

DT = 0.1  # ms
STEPS, ON, OFF = 3500, 500, 3000


@jsnn.plot.style()
def draw(model: jsnn.NeuronModel, step: float, highest: float, unit: str = "nA", also: str = ""):
    """Draw the voltage under a step of current, and rates against currents, from one vmap.

    Args:
      model: with an input "current".
      step: the current of the trace.
      highest: the end of the f-I curve, which begins at 0.
      unit: of the current; "" if it is dimensionless.
      also: a variable that is drawn below the voltage.
    """
    currents = np.append(np.linspace(0, highest, 21, dtype=np.float32), np.float32(step))
    spikes, traces = responses(model, currents, ["v", *([also] if also else [])])
    figure = jsnn.plot.Figure(height=66 if also else 50)
    names = [["v", "rate"], *([[also, "rate"]] if also else [])]
    axes = figure.subplot_mosaic(names, width_ratios=(2, 1), height_ratios=(2, 1)[: len(names)])
    ms = DT * np.arange(1, STEPS + 1)
    for name, course in traces.items():
        axes[name].plot(ms, course[-1], color=BLACK if name == "v" else SKY, lw=0.8)
        unit_of = model.variables[name].unit
        axes[name].set_ylabel(f"{name}\n[{unit_of}]" if unit_of else name)
        axes[name].set_xlim(0, DT * STEPS)
    if also:
        axes["v"].tick_params(labelbottom=False)
    low, high = np.min(traces["v"][-1]), np.max(traces["v"][-1])
    top = np.full(spikes[-1].sum(), high + 0.08 * (high - low))
    axes["v"].plot(ms[spikes[-1]], top, "|", color=GREEN, ms=5)
    figure.align_ylabels([axes[name] for name in traces])
    axes[also or "v"].set_xlabel("time [ms]")
    draw_rates(axes["rate"], currents[:-1], spikes[:-1], unit)
    return figure


def responses(model: jsnn.NeuronModel, currents: np.ndarray, variables: list[str]):
    """Return spikes [K, T] and {variable: [K, T]} of a neuron under each of K steps of current."""
    network = jsnn.Network([jsnn.Population("cell", 1, model)], dt=DT)
    record = {"spikes": jsnn.Spikes("cell")}
    record |= {name: jsnn.Variable("cell", name) for name in variables}
    is_on = (np.arange(STEPS) >= ON) & (np.arange(STEPS) < OFF)

    @jax.jit
    def respond(network, currents):
        def one(current):
            drive = {"cell": {"current": jsnn.over_time(current * is_on)}}
            return jsnn.simulate(network, drive, STEPS, record=record)[1]

        return jax.vmap(one)(currents)

    recorded = {name: np.asarray(x)[..., 0] for name, x in respond(network, currents).items()}
    return recorded.pop("spikes"), recorded


def draw_rates(axes, currents: np.ndarray, spikes: np.ndarray, unit: str) -> None:
    """Draw the inverse of the first and of the last interval between spikes against the current."""
    times = [DT * np.flatnonzero(train[:OFF]) for train in spikes]
    for which, colour, label in ((0, ORANGE, "first interval"), (-1, BLACK, "last interval")):
        rates = [1000 / np.diff(t)[which] if len(t) > 1 else 0.0 for t in times]
        axes.plot(currents, rates, ".-", color=colour, ms=3, lw=0.8, label=label)
    axes.set(xlabel=f"current [{unit}]" if unit else "current", ylabel="rate [Hz]")
    axes.set_xlim(0, None)
    axes.legend()


@jsnn.plot.style()
def draw_passive(model: jsnn.NeuronModel, step: float):
    """Draw the potential of a neuron that never spikes, under a step of current."""
    _, traces = responses(model, np.float32([step]), ["v"])
    figure, axes = jsnn.plot.figure(height=42)
    axes.plot(DT * np.arange(1, STEPS + 1), traces["v"][0], color=BLACK)
    v = model.variables["v"].unit
    axes.set(xlabel="time [ms]", ylabel=f"v [{v}]" if v else "v", xlim=(0, DT * STEPS))
    return figure


@jsnn.plot.style()
def draw_random():
    """Draw spikes of `jsnn.POISSON_NEURON` at 50 Hz, and counted rates against those asked for."""
    rates = np.linspace(0, 2000, 21, dtype=np.float32)
    cells = jsnn.Population("cells", 500, jsnn.POISSON_NEURON)
    network = jsnn.Network([cells], dt=0.5)

    @jax.jit
    @jax.vmap
    def count(rate):
        record = {"spikes": jsnn.Spikes("cells")}
        drive, key = {"cells": {"rate": rate}}, jax.random.key(0)
        return jsnn.simulate(network, drive, 400, record=record, key=key)[1]["spikes"]

    spikes = np.asarray(count(np.append(rates, np.float32(50))))
    figure, axes = jsnn.plot.figure(1, 2, height=50, width_ratios=(2, 1))
    jsnn.plot.raster({"poisson": spikes[-1, :, :20]}, dt=0.5, ax=axes[0])
    axes[1].plot(rates, rates, color=GREY, lw=0.8, label="as asked for")
    mean = spikes[:-1].mean((1, 2)) / 0.5e-3
    axes[1].plot(rates, mean, ".-", color=BLACK, ms=3, lw=0.8, label="counted, dt = 0.5 ms")
    axes[1].set(xlabel="rate asked for [Hz]", ylabel="rate [Hz]", xlim=(0, None), ylim=(0, None))
    axes[1].legend()
    return figure
