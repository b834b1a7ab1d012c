"""Step, ramp, sine and Ornstein-Uhlenbeck currents against their formulas, written in NumPy."""

from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats

import jsnn
from tests.models.test_current_sources import currents, source_network
from tests.networks import F32, PROBE

NUM_STEPS, DT = 160, 0.1
TIME = np.arange(NUM_STEPS)[:, None] * DT
"""The start of each step, [T, 1]."""

START, STOP = np.array([0.0, 3.0, 7.1, 20.0]), np.array([4.0, 3.1, 15.3, 30.0])
MAGNITUDE = np.array([1.0, -2.0, 0.5, 3.0])
FREQUENCY = np.array([0.0, 50.0, 125.0, 999.0])
PHASE = np.array([1.0, 0.0, -2.0, 0.5])
IS_ON = (TIME > START - DT / 2) & (TIME < STOP - DT / 2)

MODELS: list[tuple[jsnn.CurrentSourceModel, dict[str, Any]]] = [
    (jsnn.STEP_CURRENT, {"magnitude": MAGNITUDE, "start": START, "stop": STOP}),
    (
        jsnn.RAMP_CURRENT,
        {"at_start": -MAGNITUDE, "at_stop": 2 * MAGNITUDE, "start": START, "stop": STOP},
    ),
    (
        jsnn.SINE_CURRENT,
        {"amplitude": MAGNITUDE, "frequency": FREQUENCY, "phase": PHASE, "offset": 0.25},
    ),
    (jsnn.ORNSTEIN_UHLENBECK, {"mean": MAGNITUDE, "sd": 0.5, "tau": np.array([1.0, 2, 5, 9])}),
]
EXPECTED = [
    np.where(IS_ON, MAGNITUDE, 0),
    np.where(IS_ON, MAGNITUDE * (3 * (TIME - START) / (STOP - START) - 1), 0),
    0.25 + MAGNITUDE * np.sin(2 * np.pi * FREQUENCY * TIME / 1000 + PHASE),
]


def test_currents_over_time_follow_their_formulas() -> None:
    assert IS_ON.sum(axis=0).tolist() == [40, 1, 82, 0]
    sources = [(model, jax.tree.map(F32, params)) for model, params in MODELS[:3]]
    network = source_network(*sources, size=4, dt=DT)
    for got, expected in zip(currents(network, num_steps=NUM_STEPS), EXPECTED, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=3e-5)


def test_the_sine_keeps_its_phase_after_an_hour() -> None:
    """36 million steps: a float32 does not even have their number."""
    after_an_hour = 36_000_000
    population = jsnn.Population("a", 3, PROBE)
    source = jsnn.CurrentSource(
        "s", "a", jsnn.SINE_CURRENT, {"frequency": 8.0}, {"step": after_an_hour}
    )
    record = {"current": jsnn.Variable("a", "current")}
    network = jsnn.Network([population], sources=[source], dt=0.125)
    current = jsnn.simulate(network, {}, 200, record=record)[1]["current"]
    steps = after_an_hour + np.arange(200, dtype=float)
    expected = np.sin(2 * np.pi * 8 * steps * 0.125e-3)
    np.testing.assert_allclose(current, np.tile(expected[:, None], 3), atol=0.03)


def test_an_ornstein_uhlenbeck_current_is_exact_for_any_dt() -> None:
    """Each step is a normal number around what is left of the current of the step before."""
    params = {"mean": 1.5, "sd": 0.5, "tau": 4.0}
    for dt in (0.5, 20.0):
        (current,) = currents(source_network((jsnn.ORNSTEIN_UHLENBECK, params), dt=dt))
        np.testing.assert_array_equal(current[0], 1.5)
        left = np.exp(-dt / 4.0)
        shocks = (current[1:] - 1.5) - left * (current[:-1] - 1.5)
        normal = scipy.stats.norm(0, 0.5 * np.sqrt(1 - left**2))
        assert scipy.stats.kstest(shocks.ravel(), normal.cdf).pvalue > 0.001
        limit = 4 / np.sqrt(shocks.size)
        assert abs(np.corrcoef(shocks[1:].ravel(), shocks[:-1].ravel())[0, 1]) < limit
        late = current[60:]  # after 7 time constants or more
        late = late[:: max(1, round(12 / dt))]  # far enough apart to count as independent
        np.testing.assert_allclose(late.std(), 0.5, rtol=4 / np.sqrt(2 * late.size))


def test_a_fine_step_of_an_ornstein_uhlenbeck_current_has_the_right_variance() -> None:
    """1 - exp(-2 dt/tau) is 2e-7, of which a difference of float32 keeps one digit."""
    model = jsnn.ORNSTEIN_UHLENBECK
    p = {"mean": np.zeros(20_000, F32), "sd": np.ones(20_000, F32), "tau": np.full(20_000, 1e4)}
    p = {name: jax.numpy.asarray(value, F32) for name, value in p.items()}
    start = {"deviation": jax.numpy.zeros(20_000, F32)}
    after, _ = model.current(p, start, jax.random.key(3), jax.numpy.asarray(1e-3, F32))
    np.testing.assert_allclose(after["deviation"].std(), np.sqrt(2e-7), rtol=4 / np.sqrt(40_000))


def test_gradients_reach_the_parameters_of_a_sine() -> None:
    network = source_network((jsnn.SINE_CURRENT, {}), size=1, dt=DT)
    record = {"current": jsnn.Variable("p0", variable="current")}

    def last(frequency: jax.Array, phase: jax.Array) -> jax.Array:
        drive = {"s0": {"frequency": frequency, "phase": phase}}
        return jsnn.simulate(network, drive, 51, record=record)[1]["current"][-1, 0]

    by_frequency, by_phase = jax.grad(last, (0, 1))(F32(90.0), F32(0.3))
    slope = np.cos(2 * np.pi * 90 * 0.005 + 0.3)
    np.testing.assert_allclose(by_phase, slope, rtol=1e-4)
    np.testing.assert_allclose(by_frequency, 2 * np.pi * 0.005 * slope, rtol=1e-4)


NOISE = (jsnn.GAUSSIAN_NOISE, {"mean": MAGNITUDE, "sd": np.array([0.5, 0.3, 1.0, 2.0])})


@pytest.mark.parametrize(
    ("model", "params"), [*MODELS, NOISE], ids=[model.name for model, _ in [*MODELS, NOISE]]
)
def test_a_neuron_gets_the_same_bits_alone_in_a_batch_and_after_a_pause(
    model: jsnn.CurrentSourceModel, params: dict[str, Any]
) -> None:
    """One of the sizes for which XLA has other routines is 13."""
    params = {k: np.resize(np.asarray(v, F32), 13) for k, v in params.items()}
    network = source_network((model, params), size=13, dt=DT)
    record = {"current": jsnn.Variable("p0", variable="current")}
    assert jsnn.check_model(model) is None

    def run(network: jsnn.Network, key: jax.Array) -> jax.Array:
        return jsnn.simulate(network, {}, 40, record=record, key=key)[1]["current"]

    keys = jax.random.split(jax.random.key(0), 3)
    together = np.asarray(jax.jit(jax.vmap(run, (None, 0)))(network, keys))
    np.testing.assert_array_equal(run(network, keys[1]), together[1])
    state, early = jsnn.simulate(network, {}, 20, record=record, key=keys[1])
    late = jsnn.simulate(network, {}, 20, record=record, state=state)[1]
    np.testing.assert_array_equal(np.concatenate([early["current"], late["current"]]), together[1])
