"""Spikes and arrivals of one step take their turns, against a closed form between events."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from experiments.training.yin_yang_network import TIMED

DT, LAST = 0.1, 4.0
NEURON = {"tau_m": 2.0, "r_m": 2.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
NEURON |= {"tau_syn_e": 1.0, "tau_syn_i": 1.0, "tau_refrac": 0.0, "i_offset": 0.0}
CASES = {
    "an arrival before the spike": (0.3, 1.53, 1.95, 1.5),
    "an arrival before a spike without it": (0.3, 1.51, 2.01, 1.5),
    "an arrival after the spike": (0.3, 1.58, 2.01, 1.5),
    "two arrivals and a spike": (1.51, 1.53, 21.0, 3.0),
    "an arrival in another step": (0.3, 1.12, 1.9, 1.5),
}
"""Times and weights of two spikes, so that the neuron spikes twice."""


def spike_times(weights: np.ndarray, times: np.ndarray, number: int) -> list[float]:
    """Solve V = 1 for V(t) = 2 Σ w (exp(-(t - t_i) / 2) - exp(-(t - t_i))), minus 1 at a spike."""
    found: list[float] = []

    def v(t: np.ndarray) -> np.ndarray:
        since = np.maximum(np.asarray(t)[..., None] - times, 0)
        of_spikes = [np.where(t >= s, np.exp(-(t - s) / 2), 0) for s in found]
        return (2 * weights * (np.exp(-since / 2) - np.exp(-since))).sum(-1) - sum(of_spikes)

    for _ in range(number):
        start = found[-1] + 1e-9 if found else 0.0
        grid = np.linspace(start, LAST, 40_001)
        k = int(np.argmax(v(grid) >= 1))
        low, high = grid[k - 1], grid[k]
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if v(middle) >= 1 else (middle, high)
        found.append(high)
    return found


def dense(weight: Any) -> jsnn.Dense:
    return jsnn.Dense(weight[None, None])


def sparse(weight: Any) -> jsnn.Sparse:
    """Return a synapse that shares a running sum with those of other projections."""
    return jsnn.Sparse([0], [0], weight[None], 1, 1)


def by_simulation(weights: Any, times: Any, synapse: Any) -> jax.Array:
    """Return the times of the first two spikes of the neuron."""
    cell = jsnn.Population("cell", 1, jsnn.LIF_CURR_EXP, NEURON, {"v": 0.0})
    names = ("a", "b")
    network = jsnn.Network(
        [*(jsnn.Population(name, 1, TIMED) for name in names), cell],
        [
            jsnn.Projection(name, "cell", synapse(weights[k]), target="excitatory")
            for k, name in enumerate(names)
        ],
        dt=DT,
    )

    def record(state: jsnn.State, spikes: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return spikes["cell"][0], state.populations["cell"]["shift"][0]

    num_steps = round(LAST / DT)
    exact = jsnn.exact(network, interpolated=True)
    drive = {name: {"time": times[k]} for k, name in enumerate(names)}
    spikes, shifts = jsnn.simulate(exact, drive, num_steps, record={"all": record})[1]["all"]
    ends = DT * jnp.arange(1, num_steps + 1, dtype=shifts.dtype) + shifts
    turn = jnp.cumsum(spikes)
    return jnp.stack([jnp.where(turn == n, spikes * ends, 0).sum() for n in (1, 2)])


@pytest.mark.parametrize("synapse", [pytest.param(dense, marks=pytest.mark.slow), sparse])
def test_a_spike_sees_what_arrived_before_it_and_nothing_that_comes_later(synapse: Any) -> None:
    def both(weights: Any, times: Any) -> Any:
        simulated = partial(by_simulation, times=times, synapse=synapse)
        return simulated(weights), jax.jacrev(simulated)(weights)

    with jax.enable_x64(True):
        t1, t2, w1, w2 = np.array(list(CASES.values())).T
        times, weights = np.stack([t1, t2], 1), np.stack([w1, w2], 1)
        found, slopes = jax.jit(jax.vmap(both))(weights, times)
    for name, w, t, got, slope in zip(CASES, weights, times, found, slopes, strict=True):
        np.testing.assert_allclose(got, spike_times(w, t, 2), atol=2e-4, err_msg=name)
        later, sooner = (
            np.array([spike_times(w + change, t, 2) for change in sign * 1e-5 * np.eye(2)])
            for sign in (1, -1)
        )
        expected = np.transpose(later - sooner) / 2e-5
        np.testing.assert_allclose(slope, expected, rtol=0.03, atol=2e-4, err_msg=name)
