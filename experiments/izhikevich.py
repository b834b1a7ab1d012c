"""Izhikevich's simple neuron: four firing regimes, and the random network of his paper.

Izhikevich 2003, "Simple model of spiking neurons", IEEE Trans. Neural Networks 14, 1569-1572.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

import jsnn
from experiments import cli

if TYPE_CHECKING:
    from jsnn.plot import Figure

REGIMES = {
    "regular spiking": {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0},
    "fast spiking": {"a": 0.1, "b": 0.2, "c": -65.0, "d": 2.0},
    "chattering": {"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0},
    "intrinsically bursting": {"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0},
}
"""Parameters of figure 2 of the paper."""

UNITS = {"a": "/ms", "b": "/ms", "c": " mV", "d": " mV/ms"}

REGIMES_DT = 0.1
REGIMES_MS = 300
ONSET_MS = 30
STEP_CURRENT = 10.0
"""Current that the neurons receive after 30 ms at rest, in mV/ms like u."""

PEAK = 30.0
"""Potential of a spike's peak in the figures; a recording shows v after the reset."""

NUM_EXCITATORY = 800
NUM_INHIBITORY = 200
NETWORK_DT = 1.0
"""Length of a step of the published script, in ms."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, with the settings of the paper as defaults."""

    duration: int = 1_000
    """Duration of the run of the random network, in ms."""
    out: cli.OutputDirectory = Path("results/izhikevich")
    """Directory for the figures."""


def main(config: Config) -> dict[str, Any]:
    v, u, spikes = firing_regimes()
    rates = spikes.sum(axis=0) / ((REGIMES_MS - ONSET_MS) / 1000)
    for name, rate in zip(REGIMES, rates, strict=True):
        print(f"{name:>22}: {rate:6.1f} Hz")

    raster = run_random_network(config.seed, config.duration)
    excitatory, inhibitory = (
        float(part.mean() * 1000 / NETWORK_DT) for part in np.split(raster, [NUM_EXCITATORY], 1)
    )
    print(f"random network: excitatory {excitatory:.2f}, inhibitory {inhibitory:.2f} Hz")

    for name, figure in (
        ("regimes", draw_regimes(np.where(spikes, PEAK, v), u)),
        ("network", draw_network(raster)),
    ):
        cli.write_figure(config.out / f"{name}.png", figure)
        print(f"wrote {config.out / f'{name}.png'}")
    return {
        "seed": config.seed,
        "duration_ms": config.duration,
        "regimes_hz": dict(zip(REGIMES, rates.tolist(), strict=True)),
        "excitatory_hz": excitatory,
        "inhibitory_hz": inhibitory,
        "rate_hz": population_rate(raster).tolist(),
    }


def firing_regimes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulate one neuron of each regime; return v, u, float [steps, 4], and spikes, bool."""
    params = {name: np.array([p[name] for p in REGIMES.values()], np.float32) for name in "abcd"}
    network = jsnn.Network(
        [jsnn.Population("neuron", len(REGIMES), jsnn.IZHIKEVICH, params, _at_rest(params))],
        dt=REGIMES_DT,
    )
    num_steps = round(REGIMES_MS / REGIMES_DT)
    current = np.zeros((num_steps, len(REGIMES)), np.float32)
    current[round(ONSET_MS / REGIMES_DT) :] = STEP_CURRENT
    _, recorded = jsnn.simulate(
        network,
        {"neuron": jsnn.over_time(current)},
        num_steps,
        record={
            "v": jsnn.Variable("neuron", "v"),
            "u": jsnn.Variable("neuron", "u"),
            "spikes": jsnn.Spikes("neuron"),
        },
    )
    return tuple(np.asarray(recorded[name]) for name in ("v", "u", "spikes"))


def _at_rest(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the stable rest, the lower solution of 0.04 v^2 + 5 v + 140 - u = 0 and u = b v."""
    slope = 5 - params["b"]
    v = (-slope - np.sqrt(slope**2 - 4 * 0.04 * 140)) / (2 * 0.04)
    return {"v": v, "u": params["b"] * v}


def random_network(seed: int) -> jsnn.Network:
    """Draw a network of 800 excitatory and 200 inhibitory neurons, all joined and all different.

    It is drawn like that of the script at the end of the paper. Every neuron has thalamic noise of
    its own.
    """
    random = np.random.default_rng(seed)
    re, ri = random.random(NUM_EXCITATORY, np.float32), random.random(NUM_INHIBITORY, np.float32)
    one = np.ones_like
    params = {
        "a": np.concatenate([0.02 * one(re), 0.02 + 0.08 * ri]),
        "b": np.concatenate([0.2 * one(re), 0.25 - 0.05 * ri]),
        "c": np.concatenate([-65 + 15 * re**2, -65 * one(ri)]),
        "d": np.concatenate([8 - 6 * re**2, 2 * one(ri)]),
    }
    size = NUM_EXCITATORY + NUM_INHIBITORY
    weights = random.random((size, size), np.float32)
    weights[:NUM_EXCITATORY] *= 0.5
    weights[NUM_EXCITATORY:] *= -1.0
    noise = np.repeat(np.float32([5, 2]), [NUM_EXCITATORY, NUM_INHIBITORY])
    start = {"v": -65.0, "u": -65 * params["b"]}
    return jsnn.Network(
        [jsnn.Population("neurons", size, jsnn.IZHIKEVICH_GENN, params, start)],
        [jsnn.Projection("neurons", "neurons", jsnn.Dense(weights))],
        [jsnn.CurrentSource("thalamus", "neurons", jsnn.GAUSSIAN_NOISE, params={"sd": noise})],
        dt=NETWORK_DT,
    )


def run_random_network(seed: int, num_steps: int) -> np.ndarray:
    """Return spikes, bool [num_steps, 1000], with the excitatory neurons first."""
    _, recorded = jsnn.simulate(
        random_network(seed),
        {},
        num_steps,
        key=jax.random.key(seed),
        record={"spikes": jsnn.Spikes("neurons")},
    )
    return np.asarray(recorded["spikes"])


def population_rate(raster: np.ndarray, width_ms: float = 5.0) -> np.ndarray:
    """Return the mean rate in Hz, float [steps], averaged over neurons and `width_ms`."""
    width = round(width_ms / NETWORK_DT)
    per_step = raster.mean(axis=1) * 1000 / NETWORK_DT
    return np.convolve(per_step, np.full(width, 1 / width), mode="same")


@cli.drawing
def draw_regimes(v: np.ndarray, u: np.ndarray) -> "Figure":
    """Draw the membrane potential over the recovery variable of each regime; v, u [steps, 4]."""
    figure, panels = jsnn.plot.figure(
        4, 2, height=130, sharex=True, sharey="row", height_ratios=[3, 1, 3, 1]
    )
    time = (np.arange(len(v)) + 1) * REGIMES_DT
    for i, (name, p) in enumerate(REGIMES.items()):
        above, below = panels[2 * (i // 2) : 2 * (i // 2) + 2, i % 2]
        above.plot(time, v[:, i], color=jsnn.plot.PALETTE[0], linewidth=0.7)
        above.plot(
            [ONSET_MS, REGIMES_MS], [-92, -92], color="0.6", linewidth=3, solid_capstyle="butt"
        )
        above.text(ONSET_MS, -102, f"I = {STEP_CURRENT:g} mV/ms", color="0.3", va="top")
        parameters = ", ".join(f"{k} = {value:g}{UNITS[k]}" for k, value in p.items())
        above.text(4, 48, f"{name}\n{parameters}", va="bottom")
        above.set_ylim(-125, 85)
        below.plot(time, u[:, i], color=jsnn.plot.PALETTE[2], linewidth=0.9)
    for row, label in enumerate(["v [mV]", "u [mV/ms]", "v [mV]", "u [mV/ms]"]):
        panels[row, 0].set_ylabel(label)
    for axes in panels[::2].flat:
        axes.set_yticks([-80, -40, 0])
    for axes in panels[-1]:
        axes.set_xlabel("time [ms]")
        axes.set_xlim(0, REGIMES_MS)
    figure.align_ylabels()
    return figure


@cli.drawing
def draw_network(raster: np.ndarray) -> "Figure":
    """Draw all spikes, and the rate over time, of a raster, bool [steps, 1000]."""
    figure, (above, below) = jsnn.plot.figure(2, height=115, sharex=True, height_ratios=[3, 1])
    excitatory, inhibitory = np.split(raster, [NUM_EXCITATORY], axis=1)
    spikes = {"excitatory": excitatory, "inhibitory": inhibitory}
    jsnn.plot.raster(spikes, dt=NETWORK_DT, ax=above)
    time = (np.arange(len(raster)) + 1) * NETWORK_DT
    below.plot(time, population_rate(raster), linewidth=0.9)
    below.set(xlabel="time [ms]", ylabel="rate of all [Hz]", ylim=(0, None))
    figure.align_ylabels()
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
