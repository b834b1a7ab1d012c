"""Short-term plasticity against NEST and the recurrence of its spikes, written in NumPy."""

from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.networks import F32, FORCE, FORCED, PROBE

DT = 0.25
STEPS = [0, 40, 100, 200, 203, 900]
DEPRESSING = {"u_0": 0.5, "tau_rec": 800.0, "tau_fac": 0.0}
FACILITATING = {"u_0": 0.15, "tau_rec": 130.0, "tau_fac": 530.0}


def recurrence(
    times: np.ndarray, weight: float, u_0: float, tau_rec: float, tau_fac: float
) -> np.ndarray:
    """Amplitudes from the intervals (Maass & Markram 2002, Neural Netw. 15, 155-161, eq. 4, 5)."""
    u, x, amplitudes = u_0, 1.0, [weight * u_0]
    for interval in np.diff(times):
        kept = np.exp(-interval / tau_fac) if tau_fac else 0.0
        u, x = u_0 + u * (1 - u_0) * kept, 1 + (x - u * x - 1) * np.exp(-interval / tau_rec)
        amplitudes.append(weight * u * x)
    return np.array(amplitudes)


def received(trains: np.ndarray, params: dict[str, Any], **how: Any) -> tuple[Any, Any]:
    """The end of a run, and what reaches each neuron of "post" in each step, [T, N].

    Neuron i of "pre" with the train i [T] reaches neuron i alone, by a weight of 2.
    """
    size = trains.shape[1]
    connectivity = how.pop("connectivity", None) or jsnn.OneToOne(np.full(size, 2, F32))
    learning = jsnn.Plasticity(jsnn.TSODYKS_MARKRAM, params)
    network = jsnn.Network(
        [jsnn.Population("pre", size, FORCED), jsnn.Population("post", size, PROBE)],
        [jsnn.Projection("pre", "post", connectivity, plasticity=learning, name="c", **how)],
        dt=DT,
    )
    drive = {"pre": jsnn.over_time((trains * 2 * FORCE).astype(F32))}
    record = {"current": jsnn.Variable("post", "current")}
    state, kept = jsnn.simulate(network, drive, len(trains), record=record)
    return state.projections["c"].plasticity.synapses, kept["current"]


def trains_of(*steps: Any, num_steps: int = 910) -> np.ndarray:
    trains = np.zeros((num_steps, len(steps)), bool)
    for neuron, own in enumerate(steps):
        trains[own, neuron] = True
    return trains


# Of NEST 3.10's "tsodyks2_synapse" with U, u = U, x = 1, tau_rec, tau_fac, weight 2, resolution
# 0.25 and spikes at 0.25 (STEPS + 1), from a "weight_recorder".
NEST = [
    (DEPRESSING, [1.0, 0.5062111, 0.26697935, 0.16014939, 0.08093672, 0.22827151]),
    (FACILITATING, [0.3, 0.47380952, 0.5019571, 0.47114377, 0.30633898, 0.73968227]),
]


@pytest.mark.parametrize(("params", "amplitudes"), NEST, ids=["depressing", "facilitating"])
def test_amplitudes_are_those_of_nest(params: dict[str, Any], amplitudes: list[float]) -> None:
    weight = np.full((1, 1), 2, F32)
    for connectivity in (jsnn.Dense(weight), jsnn.Sparse([0], [0], weight[0], 1, 1)):
        _, current = received(trains_of(STEPS), params, connectivity=connectivity)
        assert np.flatnonzero(current).tolist() == [step + 1 for step in STEPS]
        np.testing.assert_allclose(current[current > 0], amplitudes, rtol=1e-5)


def test_amplitudes_follow_the_recurrence_of_each_neurons_intervals() -> None:
    """Among them is a neuron that spikes in each step, and one that spikes once after a pause."""
    random = np.random.default_rng(0)
    steps = [np.flatnonzero(random.random(900) < rate) for rate in (0.3, 0.1, 0.03, 0.01, 1)]
    steps.append(np.array([899]))
    for params in (DEPRESSING, FACILITATING):
        synapses, current = received(trains_of(*steps), params, delay=7, axonal=3)
        for neuron, own in enumerate(steps):
            expected = recurrence(own * DT, 2.0, **params)
            arrived = [step + 7 for step in own if step + 7 < len(current)]
            got = current[arrived, neuron]
            np.testing.assert_allclose(got, expected[: len(got)], rtol=1e-5, atol=1e-6)
            last = synapses["weight"][neuron]
            np.testing.assert_allclose(last, expected[-1], rtol=1e-5, atol=1e-6)
        assert np.count_nonzero(current) == sum((own + 7 < len(current)).sum() for own in steps)
        np.testing.assert_allclose(synapses["weight"] + synapses["withheld"], 2, rtol=3e-7)


def test_a_regular_train_ends_at_the_amplitude_of_the_closed_form() -> None:
    """The fixed point of the recurrence, for intervals of 10 ms."""
    synapses, _ = received(trains_of(np.arange(0, 8000, 40), num_steps=8000), FACILITATING)
    kept, recovered = np.exp(-10 / 530), 1 - np.exp(-10 / 130)
    u = 0.15 / (1 - 0.85 * kept)
    x = recovered / (1 - (1 - u) * (1 - recovered))
    np.testing.assert_allclose(synapses["weight"], 2 * u * x, rtol=1e-5)
    np.testing.assert_allclose(synapses["u"], u, rtol=1e-5)
    np.testing.assert_allclose(synapses["x"], x * (1 - u), rtol=1e-5)


def test_the_gradient_of_an_amplitude_is_that_of_the_recurrence() -> None:
    assert jsnn.check_model(jsnn.TSODYKS_MARKRAM) is None

    def last(weight: Any, params: dict[str, Any]) -> Any:
        one = jsnn.OneToOne(jax.numpy.reshape(weight, 1))
        return received(trains_of(STEPS), params, connectivity=one)[0]["weight"][0]

    of_weight, of_params = jax.grad(last, (0, 1))(F32(2), FACILITATING)
    exact = recurrence(np.array(STEPS) * DT, 1.0, **FACILITATING)[-1]
    np.testing.assert_allclose(of_weight, exact, rtol=1e-5)
    for name, value in FACILITATING.items():
        ends = [
            recurrence(np.array(STEPS) * DT, 2.0, **(FACILITATING | {name: value * (1 + h)}))[-1]
            for h in (-1e-5, 1e-5)
        ]
        np.testing.assert_allclose(of_params[name], np.diff(ends)[0] / (2e-5 * value), rtol=1e-3)
