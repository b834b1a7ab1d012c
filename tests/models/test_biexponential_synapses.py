"""Synapses with two time constants against their closed forms, written in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import jsnn
from jsnn.models.logarithm import mean_inverse
from tests.models.test_closed_forms import received
from tests.networks import F32, PROBE

WEIGHTS = np.array([1.0, 2.0, 0.5, 0.25], F32)
RISE, DECAY = np.array([0.5, 2.0, 4.999, 5.0], F32), np.array([60.0, 3.0, 5.0, 5.0], F32)
TIMES = {"tau_rise": RISE, "tau_decay": DECAY}
DT = 0.25


def course(t: np.ndarray, rise: float, decay: float) -> np.ndarray:
    """The difference of two exponentials, or the alpha function, over its own peak."""

    def f(t: np.ndarray) -> np.ndarray:
        if rise == decay:
            return t / rise * np.exp(1 - t / rise)
        return np.exp(-t / decay) - np.exp(-t / rise)

    peak = -scipy.optimize.minimize_scalar(lambda t: -f(t), bounds=(0, 50), method="bounded").fun
    return f(t) / peak


def means(num_steps: int) -> np.ndarray:
    """The mean over each step, [T, N], by the trapezoidal rule; the spike arrives in step 1."""
    within = np.linspace(0, 1, 101)[:, None]
    t = (np.arange(num_steps - 1) + within) * DT
    pairs = zip(RISE.astype(float), DECAY.astype(float), strict=True)
    each = [np.trapezoid(course(t, *pair), within, axis=0) for pair in pairs]
    return np.concatenate([np.zeros((1, 4)), WEIGHTS * np.stack(each, axis=1)])


def test_a_biexponential_current_has_its_closed_form_and_peaks_with_the_weight() -> None:
    given = {"weights": WEIGHTS, "dt": DT, "params": TIMES}
    got = received(jsnn.BIEXPONENTIAL, 200, **given, model=PROBE, variable="current")
    np.testing.assert_allclose(got, means(200), atol=1e-4)
    np.testing.assert_allclose(got.max(axis=0), WEIGHTS, rtol=0.01)


def test_the_charge_of_a_biexponential_current_does_not_depend_on_dt() -> None:
    ratio = 2.0 / 3.0
    expected = 2.0 * 3.0 * ratio ** (-ratio / (1 - ratio))  # of w s tau_decay
    for dt in (1.0, 4.0):
        params = {"tau_rise": 2.0, "tau_decay": 3.0}
        charge = received(
            jsnn.BIEXPONENTIAL, 60, weights=np.array([2.0], F32), dt=dt, params=params
        )
        np.testing.assert_allclose(charge[-1], expected, rtol=1e-5)


V = np.array([-80.0, -65.0, -20.0, 40.0])
HELD = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0, "current": 0.0},
    update=lambda p, x, current, dt: x | {"current": current},
    threshold=lambda p, x: jnp.full_like(x["current"], -1.0),
)


def nmda_network() -> jsnn.Network:
    """One neuron into four that are held at V."""
    synapse = (jsnn.NMDA, TIMES | {"mg": 1.5, "e_rev": 5.0})
    return jsnn.Network(
        [
            jsnn.Population("pre", 1, jsnn.IF),
            jsnn.Population("post", 4, HELD, {}, {"v": V.astype(F32)}),
        ],
        [jsnn.Projection("pre", "post", jsnn.Dense(WEIGHTS[None]), *synapse, name="c")],
        dt=DT,
    )


ONCE = np.zeros((60, 1), F32)
ONCE[0] = 1 / DT
RECORD = {"current": jsnn.Variable("post", "current")}


def test_magnesium_blocks_an_nmda_current_as_jahr_and_stevens_have_it() -> None:
    drive = {"pre": jsnn.over_time(ONCE)}
    got = jsnn.simulate(nmda_network(), drive, 60, record=RECORD)[1]["current"]
    unblocked = 1 / (1 + np.exp(-0.062 * V) * 1.5 / 3.57)
    assert unblocked[0] < 0.02
    assert unblocked[3] > 0.95
    np.testing.assert_allclose(got, means(60) * unblocked * (5.0 - V), rtol=1e-4, atol=3e-4)


@pytest.mark.parametrize("model", [jsnn.BIEXPONENTIAL, jsnn.NMDA], ids=lambda model: model.name)
def test_a_neuron_has_the_same_bits_alone_and_in_a_batch(model: jsnn.SynapseModel) -> None:
    """One of the sizes for which XLA has other routines is 13."""
    assert jsnn.check_model(model) is None
    rng = np.random.default_rng(0)
    params = {"tau_rise": rng.uniform(0.1, 2, 13), "tau_decay": rng.uniform(2, 50, 13)}
    projection = jsnn.Projection(
        *("pre", "post", jsnn.Dense(rng.uniform(0, 1, (3, 13)).astype(F32)), model),
        {name: value.astype(F32) for name, value in params.items()},
    )
    initial = {"v": rng.uniform(-80, 0, 13).astype(F32)}
    network = jsnn.Network(
        [jsnn.Population("pre", 3, jsnn.IF), jsnn.Population("post", 13, HELD, {}, initial)],
        [projection],
        dt=DT,
    )

    def run(network: jsnn.Network, spikes: jax.Array) -> jax.Array:
        drive = {"pre": jsnn.over_time(spikes)}
        return jsnn.simulate(network, drive, 40, record=RECORD)[1]["current"]

    spikes = ((rng.random((3, 40, 3)) < 0.2) / DT).astype(F32)
    together = np.asarray(jax.jit(jax.vmap(run, (None, 0)))(network, spikes))
    np.testing.assert_array_equal(run(network, spikes[1]), together[1])
    assert together.any()


def test_the_mean_of_the_inverse_is_accurate_with_its_derivative_and_of_the_same_bits() -> None:
    r = np.concatenate([np.geomspace(1e-30, 1.3, 2001), 1 + np.linspace(-1e-3, 1e-3, 100)])
    r = r.astype(F32)
    r64 = r.astype(float)
    got = np.asarray(jax.jit(mean_inverse)(r))
    np.testing.assert_allclose(got, np.log(r64) / (r64 - 1), rtol=6e-7)
    for size in (1, 3, 5, 7, 13):
        np.testing.assert_array_equal(jax.jit(mean_inverse)(r[:size]), got[:size])

    r64 = np.array([1e-6, 0.1, 0.4999, 0.7072, 0.9])
    slopes = jax.vmap(jax.grad(mean_inverse))(np.append(r64, 1).astype(F32))
    expected = 1 / (r64 * (r64 - 1)) - np.log(r64) / (r64 - 1) ** 2
    np.testing.assert_allclose(slopes, np.append(expected, -0.5), rtol=1e-4)
