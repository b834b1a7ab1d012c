"""A toy task for trainings: two patterns of input spikes, and a network of five neurons."""

from typing import Any

import jax
import numpy as np
import optax

import jsnn
from tests.networks import F32

STEPS, SIZE = 8, 4
READOUT = jsnn.max_voltage("out")
LOSS = jsnn.losses.cross_entropy(READOUT)


def network(seed: int = 0, *sources: jsnn.CurrentSource) -> jsnn.Network:
    """Return six inputs, three spiking neurons, and two outputs that add up."""
    rng = np.random.default_rng(seed)
    return jsnn.Network(
        [
            jsnn.Population("in", 6, jsnn.SPIKE_SOURCE),
            jsnn.Population("hidden", 3, jsnn.IF, {"v_thresh": 1.0}),
            jsnn.Population("out", 2, jsnn.LEAKY_INTEGRATOR),
        ],
        [
            jsnn.Projection("in", "hidden", jsnn.Dense(rng.normal(0.4, 0.3, (6, 3)).astype(F32))),
            jsnn.Projection("hidden", "out", jsnn.Dense(rng.normal(0, 0.5, (3, 2)).astype(F32))),
        ],
        sources,
    )


def trains(seed: int = 1, number: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return spikes [n, T, 6] and labels [n]: the first or the last three inputs are busy."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(number) % 2).astype(np.int32)
    busy = (np.arange(6) < 3)[None] == (labels[:, None] == 0)
    chance = np.where(busy, 0.6, 0.05)[:, None]
    return rng.random((number, STEPS, 6)) < chance, labels


SPIKES, LABELS = trains()
ADAM = optax.adam(0.05)


def drives(spikes: Any = SPIKES) -> dict[str, Any]:
    return {"in": jsnn.over_time(spikes)}


def fitted(**given: Any) -> jsnn.Training:
    """Return a training of the toy task, with arguments of `fit` in place of the usual ones."""
    arguments: dict[str, Any] = {
        "network": network(),
        "drives": drives(),
        "targets": LABELS,
        "num_steps": STEPS,
        "loss": LOSS,
        "optimizer": ADAM,
        "epochs": 2,
        "batch_size": SIZE,
        "readout": READOUT,
    }
    with jax.numpy_dtype_promotion("standard"):  # in which optax is written
        return jsnn.fit(**arguments | given)


def same(a: Any, b: Any) -> None:
    """Assert that two pytrees of arrays have the same bits."""
    jax.tree.map(np.testing.assert_array_equal, a, b)
