"""Voltage-based STDP in jsnn beside NEST's "clopath_synapse", on the voltages of NEST's neuron."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments.parity.apart import apart
from experiments.parity.comparison import Comparison, at_most

DELAY_MS, DURATION, START = 1.0, 700.0, 0.5
VARIABLES = {"v": "V_m", "u_plus": "u_bar_plus", "u_minus": "u_bar_minus"}
"""The variables of the neuron and its averages, with their names in NEST."""


class Played(NamedTuple):
    """Voltages of a neuron, and the weight of its synapse at each presynaptic spike."""

    over_time: dict[str, np.ndarray]
    """[T], after each step."""
    steps: np.ndarray
    """Steps of the presynaptic spikes."""
    weights: np.ndarray
    """After the learning of these steps."""


def _as_read(p: Any, x: Any, dt: Any) -> Any:
    return x


NEURON = jsnn.NeuronModel(
    params={},
    variables=dict.fromkeys(VARIABLES, -70.6),
    inputs=tuple(VARIABLES),
    update=lambda p, x, played, dt: played,
    threshold=lambda p, x: jnp.full_like(x["v"], -1.0),
)
NO_INPUT = dataclasses.replace(
    jsnn.DELTA, update=lambda p, x, arriving, post, dt: (x, 0 * arriving)
)
ON_THEIR_AVERAGES = dataclasses.replace(
    jsnn.CLOPATH_2010, post={}, update_post=_as_read, reads_post=tuple(VARIABLES)
)


def compared(seed: int) -> Iterator[Comparison]:
    """Compare weights, in float64, on NEST's averages of the voltage and on jsnn's own."""
    from experiments.parity import nest_voltage

    random = np.random.default_rng(seed)
    pre = np.sort(random.choice(np.arange(20, 600), 14, replace=False)).astype(float)
    post = np.unique(np.concatenate([pre[::2] + 8, pre[1::2] - 7]))
    for dt, apart_at_most in ((0.1, 0.1), (0.01, 0.01)):
        theirs = apart(nest_voltage.simulate, pre, post, DURATION, dt)
        for rule, of, limit in (
            (ON_THEIR_AVERAGES, "NEST's", 1e-12),
            (jsnn.CLOPATH_2010, "its own", apart_at_most),
        ):
            difference = np.abs(learnt(rule, theirs, dt) - theirs.weights).max()
            relative = difference / np.abs(theirs.weights - START).max()
            what = f"voltage-based STDP and NEST, {of} averages of V, dt {dt} ms: difference"
            yield at_most(f"{what}, relative to the largest change", float(relative), limit)


def learnt(rule: jsnn.PlasticityModel, played: Played, dt: float) -> np.ndarray:
    """Return the weight after each presynaptic spike."""
    with jax.enable_x64(True):
        synapse = jsnn.Projection(
            *("pre", "post", jsnn.Dense(np.full((1, 1), START)), NO_INPUT),
            target="v",
            back_propagation=round(DELAY_MS / dt),
            plasticity=jsnn.Plasticity(rule),
            name="synapse",
        )
        network = jsnn.Network(
            [
                jsnn.Population("pre", 1, jsnn.SPIKE_SOURCE),
                jsnn.Population("post", 1, NEURON),
            ],
            [synapse],
            dt=np.float64(dt),
        )
        spikes = np.zeros((len(played.over_time["v"]), 1), bool)
        spikes[played.steps] = True
        voltages = {k: jsnn.over_time(x[:, None]) for k, x in played.over_time.items()}
        drive = {"pre": jsnn.over_time(spikes), "post": voltages}
        record = {"weight": _weight}
        _, recorded = jsnn.simulate(network, drive, len(spikes), record=record)
        return np.asarray(recorded["weight"])[played.steps]


def _weight(state: jsnn.State, spikes: Any) -> jax.Array:
    return state.projections["synapse"].plasticity.synapses["weight"][0, 0]
