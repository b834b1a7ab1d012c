"""Windows of the built-in pair rules, measured with one pair of spikes for every distance."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import jsnn
from experiments import cli

if TYPE_CHECKING:
    from jsnn.plot import Figure

WEIGHT = 0.25  # of every synapse before its pair, between bounds of 0 and 1
A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS = 0.01, 0.008, 15.0, 30.0
A, RHO, TAU = 0.01, 0.1, 15.0

AT_ZERO = {
    "STDP": "0 ms counts\nas after",
    "STDP_MULTIPLICATIVE": "0 ms counts\nas after",
    "STDP_SYMMETRIC": "at 0 ms both\nspikes learn",
}
"""Remarks on the pair of simultaneous spikes."""

Window = Callable[[np.ndarray], np.ndarray]
"""A function of Δt = t_post - t_pre in ms that returns the change of the weight."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags of a run with one presynaptic neuron for each distance and one postsynaptic spike."""

    furthest: float = 60.0
    """The longest distance of a pair, in ms."""
    dt: float = 0.5
    """The length of a step, in ms."""
    out: cli.OutputFigure = Path("results/stdp_window.png")
    """File for the figure."""


def additive(t: np.ndarray) -> np.ndarray:
    """Return a+ exp(-Δt/τ+) for Δt >= 0, and -a- exp(Δt/τ-) for Δt < 0."""
    ahead, behind = A_PLUS * np.exp(-abs(t) / TAU_PLUS), -A_MINUS * np.exp(-abs(t) / TAU_MINUS)
    return np.where(t >= 0, ahead, behind)


def multiplicative(t: np.ndarray) -> np.ndarray:
    """Return the additive change in proportion to the distance of the weight from its bound."""
    return additive(t) * np.where(t >= 0, 1 - WEIGHT, WEIGHT)


def symmetric(t: np.ndarray) -> np.ndarray:
    """Return the sum of the changes at both spikes of a pair.

    The change is a (exp(-|Δt|/τ) - rho) at the later spike and -a rho at the earlier one. At Δt = 0
    the exponential counts at both spikes.
    """
    return A * (np.where(t == 0, 2, 1) * np.exp(-abs(t) / TAU) - 2 * RHO)


ORDERED = {"a_plus": A_PLUS, "a_minus": A_MINUS, "tau_plus": TAU_PLUS, "tau_minus": TAU_MINUS}
BLIND = {"a": A, "rho": RHO, "tau_stdp": TAU}

RULES: dict[str, tuple[jsnn.PlasticityModel, dict[str, float], Window]] = {
    "STDP": (jsnn.STDP, ORDERED, additive),
    "STDP_NEAREST": (jsnn.STDP_NEAREST, ORDERED, additive),
    "STDP_MULTIPLICATIVE": (jsnn.STDP_MULTIPLICATIVE, ORDERED, multiplicative),
    "STDP_MULTIPLICATIVE_NEAREST": (jsnn.STDP_MULTIPLICATIVE_NEAREST, ORDERED, multiplicative),
    "STDP_SYMMETRIC": (jsnn.STDP_SYMMETRIC, BLIND, symmetric),
    "STDP_SYMMETRIC_NEAREST": (jsnn.STDP_SYMMETRIC_NEAREST, BLIND, symmetric),
}


def no_input(p: Any, x: Any, arriving: Any, post: Any, dt: Any) -> tuple[Any, Any]:
    return x, 0 * arriving


NO_INPUT = jsnn.SynapseModel(params={}, variables={}, update=no_input)


def measured(furthest: int, dt: float) -> dict[str, np.ndarray]:
    """Measure the change of the weight under every rule, [2 furthest + 1], distances in steps.

    What arrives makes no input, so that the spike trains are as given.
    """
    num_steps, num = 2 * furthest + 1, 2 * furthest + 1
    weights = np.full((num, 1), WEIGHT, np.float32)
    network = jsnn.Network(
        [
            jsnn.Population("pre", num, jsnn.SPIKE_SOURCE),
            jsnn.Population("post", 1, jsnn.SPIKE_SOURCE),
        ],
        [
            jsnn.Projection(
                *("pre", "post", jsnn.Dense(weights), NO_INPUT),
                plasticity=jsnn.Plasticity(rule, params),
                name=name,
            )
            for name, (rule, params, _) in RULES.items()
        ],
        dt=dt,
    )
    once = np.arange(num_steps) == furthest
    trains = {
        "pre": jsnn.over_time(np.eye(num, dtype=bool)[::-1]),
        "post": jsnn.over_time(once[:, None]),
    }
    state, _ = jsnn.simulate(network, trains, num_steps)
    return {
        name: np.asarray(state.projections[name].plasticity.synapses["weight"][:, 0], np.float64)
        - WEIGHT
        for name in RULES
    }


def main(config: Config) -> dict[str, Any]:
    furthest = round(config.furthest / config.dt)
    if furthest < 1:
        raise ValueError(f"furthest: given {config.furthest} ms; expected at least one step")
    distances = np.arange(-furthest, furthest + 1) * config.dt
    changes = measured(furthest, config.dt)
    deviations = {
        name: float(abs(change - RULES[name][2](distances)).max())
        for name, change in changes.items()
    }
    for name, deviation in deviations.items():
        print(f"{name:28s} largest deviation from the closed form {deviation:.1e}")
    cli.write_figure(config.out, draw(distances, changes))
    print(f"wrote {config.out}")
    return {
        "distances_ms": distances.tolist(),
        "changes": {name: change.tolist() for name, change in changes.items()},
        "largest_deviations": deviations,
    }


@cli.drawing
def draw(distances: np.ndarray, changes: dict[str, np.ndarray]) -> "Figure":
    """Draw a panel for each form of the window: the closed form, and both pairings as measured."""
    figure, panels = jsnn.plot.figure(1, 3, height=62, sharey=True)
    every = max(1, len(distances) // 24)
    shown = np.arange(len(distances) // 2 % every, len(distances), every)  # the middle among them
    for axes, name in zip(panels, list(RULES)[::2], strict=True):
        window = RULES[name][2]
        for side in (distances < 0, distances > 0):
            axes.plot(distances[side], 1e3 * window(distances[side]), color="k")
        for pairing, marker, size in ((name, "o", 5), (f"{name}_NEAREST", "x", 3)):
            axes.plot(
                distances[shown],
                1e3 * changes[pairing][shown],
                linestyle="none",
                marker=marker,
                markersize=size,
                markerfacecolor="none",
                color=jsnn.plot.PALETTE[2] if marker == "o" else jsnn.plot.MARK,
                label="nearest neighbour" if marker == "x" else "all-to-all",
            )
        axes.plot([], [], color="k", label="closed form")
        axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
        axes.axvline(0, color="0.8", linewidth=0.6, zorder=0)
        form = name.removeprefix("STDP_").replace("STDP", "additive").lower()
        axes.text(0.03, 0.97, form, transform=axes.transAxes, va="top")
        axes.annotate(
            AT_ZERO[name],
            (0, 1e3 * float(changes[name][len(distances) // 2])),
            xytext=(0.6, 0.97),
            textcoords="axes fraction",
            va="top",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.5", "relpos": (0, 0.5)},
        )
    figure.supxlabel("time of the postsynaptic minus the presynaptic spike [ms]")
    panels[0].set_ylabel("change of weight [10⁻³]")
    figure.legend(*panels[0].get_legend_handles_labels(), ncols=3, loc="outside upper right")
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
