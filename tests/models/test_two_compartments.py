"""Neuron with a soma and a dendrite against matrix exponentials, written in NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jsnn

MODEL = jsnn.LIF_TWO_COMPARTMENTS
DEFAULTS = {name: float(quantity.default) for name, quantity in MODEL.params.items()}
SIZE, NUM_STEPS = 12, 300


def cells() -> dict[str, np.ndarray]:
    """Parameters of cells that are coupled weakly, strongly, not at all, and of equal halves."""
    rng = np.random.default_rng(0)
    p = {name: value * rng.uniform(0.7, 1.3, SIZE) for name, value in DEFAULTS.items()}
    p["e_leak"], p["v_reset"] = rng.uniform(-75, -65, SIZE), rng.uniform(-80, -60, SIZE)
    p["v_thresh"] = rng.uniform(-55, -45, SIZE)
    p["g_coupling"][:4] = 0, 0, 1e-6, 2
    for half in ("c_m", "c_dendrite"):
        p[half][1], p[half][2] = 0.1, 0.1
    for half in ("g_leak", "g_dendrite"):
        p[half][1], p[half][2] = 0.01, 0.01
    p["tau_refrac"][:5] = 0, 0.1, 30, 2, 2
    return p


def by_the_book(
    p: dict[str, float], soma: np.ndarray, dendrite: np.ndarray, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes [T] and both potentials [T, 2] of one cell."""
    c, g = np.array([p["c_m"], p["c_dendrite"]]), np.array([p["g_leak"], p["g_dendrite"]])
    both = np.zeros((4, 4))  # of V and V_d above e_leak, and of the currents, which stay constant
    exchange = p["g_coupling"] * np.array([[-1, 1], [1, -1]])
    both[:2] = np.concatenate([exchange - np.diag(g), np.eye(2)], axis=1) / c[:, None]
    clamped = both.copy()
    clamped[0] = 0
    free, held_soma = expm(dt * both), expm(dt * clamped)

    v, held, spikes, trace = np.full(2, p["e_leak"]), 0, [], []
    for into in zip(soma, dendrite, strict=True):
        over_step = held_soma if held else free
        v = p["e_leak"] + (over_step @ [*(v - p["e_leak"]), *into])[:2]
        held = max(held - 1, 0)
        spikes.append(v[0] >= p["v_thresh"])
        if spikes[-1]:
            v, held = np.array([p["v_reset"], v[1]]), round(p["tau_refrac"] / dt)
        trace.append(v)
    return np.array(spikes), np.array(trace)


@pytest.mark.parametrize("dt", [0.5, 2.0])
def test_both_potentials_follow_matrix_exponentials(dt: float) -> None:
    p = cells()
    rng = np.random.default_rng(1)
    soma, dendrite = rng.uniform(-0.2, 1.2, (2, NUM_STEPS, SIZE))
    soma[:, 6:] = 0  # some are driven through the dendrite alone
    with jax.enable_x64(True):
        initial = {"v": p["e_leak"], "v_dendrite": p["e_leak"]}
        source = jsnn.CurrentSource(
            "s", "a", jsnn.PLAYBACK, {"currents": dendrite}, target="dendrite"
        )
        network = jsnn.Network(
            [jsnn.Population("a", SIZE, MODEL, p, initial)], sources=[source], dt=dt
        )
        record = {
            "spikes": jsnn.Spikes("a"),
            "v": jsnn.Variable("a"),
            "v_dendrite": jsnn.Variable("a", "v_dendrite"),
        }
        drive = {"a": jsnn.over_time(soma)}
        kept = jsnn.simulate(network, drive, NUM_STEPS, record=record)[1]
    for cell in range(SIZE):
        own = {name: values[cell] for name, values in p.items()}
        spikes, trace = by_the_book(own, soma[:, cell], dendrite[:, cell], dt)
        assert spikes.any()
        np.testing.assert_array_equal(kept["spikes"][:, cell], spikes)
        np.testing.assert_allclose(kept["v"][:, cell], trace[:, 0], atol=1e-9)
        np.testing.assert_allclose(kept["v_dendrite"][:, cell], trace[:, 1], atol=1e-9)


def test_a_step_of_any_length_ends_where_currents_balance() -> None:
    """In float32, against the solution of two linear equations."""
    p = {name: jnp.asarray(values, jnp.float32) for name, values in cells().items()}
    dt = jnp.float32(1e5)
    start = {name: jnp.full(SIZE, -60.0) for name in ("v", "v_dendrite")}
    start["refractory"] = jnp.zeros(SIZE)
    into = {"current": jnp.linspace(-0.1, 0.1, SIZE), "dendrite": jnp.linspace(0.2, 0.0, SIZE)}
    after = jax.jit(lambda p: MODEL.update(p | MODEL.derived(p, dt), start, into, dt))(p)
    for cell in range(SIZE):
        g_s, g_d, g_c, e = (
            float(p[name][cell]) for name in ("g_leak", "g_dendrite", "g_coupling", "e_leak")
        )
        conductances = np.array([[g_s + g_c, -g_c], [-g_c, g_d + g_c]])
        currents = [float(current[cell]) for current in into.values()]
        expected = e + np.linalg.solve(conductances, currents)
        np.testing.assert_allclose(
            [after["v"][cell], after["v_dendrite"][cell]], expected, rtol=2e-5
        )


def test_gradients_are_finite_where_the_eigenvalues_are_equal() -> None:
    """Check equal compartments without coupling, whose V moves as g_coupling dt (V_d - V) / c."""
    assert jsnn.check_model(MODEL) is None
    p = {name: jnp.float32(value) for name, value in DEFAULTS.items()}
    p |= {"c_dendrite": p["c_m"], "g_dendrite": p["g_leak"], "g_coupling": jnp.float32(0)}

    def towards_dendrite(p: dict[str, jax.Array]) -> jax.Array:
        derived = MODEL.derived(p, jnp.float32(0.5))
        return 20 * derived["to_soma"] + derived["left_soma"]

    slopes = jax.jit(jax.grad(towards_dendrite))(p)
    exact = (20 - 1) * 0.5 / 0.1 * np.exp(-0.5 * 0.005 / 0.1)
    np.testing.assert_allclose(slopes["g_coupling"], exact, rtol=1e-5)
    assert all(np.isfinite(slope) for slope in slopes.values())
