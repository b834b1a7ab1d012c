"""Every built-in neuron against theory: closed forms, the published loops, high-order integration.

The right-hand sides are written down once more here, in NumPy and float64. The spike in step n is
one at the time (n + 1) dt, and so is what is recorded in it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jsnn
from tests.networks import F32

Params = dict[str, Any]
TIGHT = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-10}


def simulated(
    model: jsnn.NeuronModel,
    current: np.ndarray,
    num_steps: int,
    dt: float,
    params: Params | None = None,
    variables: Params | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and v, [T, N], in the default float dtype, for a current [N] or [T, N]."""
    dtype = jnp.result_type(float)
    cast = partial(jax.tree.map, lambda value: np.asarray(value, dtype))
    current = np.asarray(current, dtype)
    population = jsnn.Population(
        "a", current.shape[-1], model, cast(params or {}), cast(variables or {})
    )
    network = jsnn.Network([population], dt=dt)
    record = {"spikes": jsnn.Spikes("a"), "v": jsnn.Variable("a")}
    given = jsnn.over_time(current) if current.ndim == 2 else current
    kept = jsnn.simulate(network, {"a": given}, num_steps, record=record)[1]
    return np.asarray(kept["spikes"]), np.asarray(kept["v"])


# Right-hand sides, d/dt of the state in 1/ms


def lif_rate(p: Params, x: np.ndarray, current: float) -> list[float]:
    return [(p["v_rest"] - x[0] + p["r_m"] * (current + p.get("i_offset", 0.0))) / p["tau_m"]]


def adex_rate(p: Params, x: np.ndarray, current: float) -> list[float]:
    v, w = x
    upswing = p["g_leak"] * p["delta_t"] * np.exp((v - p["v_t"]) / p["delta_t"])
    leak = p["g_leak"] * (p["e_leak"] - v)
    return [
        (leak + upswing - w + current) / p["c_m"],
        (p["a"] * (v - p["e_leak"]) - w) / p["tau_w"],
    ]


def eif_rate(p: Params, x: np.ndarray, current: float) -> list[float]:
    upswing = p["delta_t"] * np.exp((x[0] - p["v_t"]) / p["delta_t"])
    return [(p["v_rest"] - x[0] + upswing + p["r_m"] * current) / p["tau_m"]]


def qif_rate(p: Params, x: np.ndarray, current: float) -> list[float]:
    parabola = p["a"] * (x[0] - p["v_rest"]) * (x[0] - p["v_crit"])
    return [(parabola + p["r_m"] * current) / p["tau_m"]]


def izhikevich_rate(p: Params, x: np.ndarray, current: float) -> list[float]:
    v, u = x
    return [0.04 * v**2 + 5 * v + 140 - u + current, p["a"] * (p["b"] * v - u)]


def hodgkin_huxley_rate(p: Params, x: np.ndarray, current: float) -> list[float]:
    """As printed by Brette et al. 2007, J. Comput. Neurosci. 23, 349-398, their benchmark 3."""
    v, m, h, n = x
    u = v - p["v_t"]
    a_m = 0.32 * (13 - u) / (np.exp((13 - u) / 4) - 1)
    b_m = 0.28 * (u - 40) / (np.exp((u - 40) / 5) - 1)
    a_h = 0.128 * np.exp((17 - u) / 18)
    b_h = 4 / (1 + np.exp((40 - u) / 5))
    a_n = 0.032 * (15 - u) / (np.exp((15 - u) / 5) - 1)
    b_n = 0.5 * np.exp((10 - u) / 40)
    sodium = p["g_na"] * m**3 * h * (v - p["e_na"])
    potassium = p["g_k"] * n**4 * (v - p["e_k"])
    leak = p["g_leak"] * (v - p["e_leak"])
    return [
        (current - sodium - potassium - leak) / p["c_m"],
        a_m * (1 - m) - b_m * m,
        a_h * (1 - h) - b_h * h,
        a_n * (1 - n) - b_n * n,
    ]


@dataclass(frozen=True)
class Theory:
    """A built-in neuron and what integrates it to high order.

    `smooth` is a current for which nothing is reset, and `order` the convergence of v there.
    """

    name: str
    rate: Callable[[Params, np.ndarray, float], list[float]]
    state: Sequence[str]
    smooth: float
    order: int | None
    params: Params = field(default_factory=dict)

    @property
    def model(self) -> jsnn.NeuronModel:
        return getattr(jsnn, self.name)

    @property
    def all_params(self) -> Params:
        return {k: float(v.default) for k, v in self.model.params.items()} | self.params

    @property
    def start(self) -> list[float]:
        return [float(self.model.variables[name].default) for name in self.state]


SMOOTH = [
    Theory("LIF", lif_rate, ["v"], 0.8, None, params={"i_offset": 0.1}),
    Theory("ALIF", lif_rate, ["v"], 0.8, None),
    Theory("LEAKY_INTEGRATOR", lif_rate, ["v"], 40.0, None),
    Theory("ADEX", adex_rate, ["v", "w"], 0.4, 1),
    Theory("EIF", eif_rate, ["v"], 0.5, 1, params={"v_t": -50.0}),
    Theory("QIF", qif_rate, ["v"], 0.18, 1),
    Theory("IZHIKEVICH", izhikevich_rate, ["v", "u"], 2.0, 1),
    Theory("IZHIKEVICH_GENN", izhikevich_rate, ["v", "u"], 2.0, 1),
    Theory("HODGKIN_HUXLEY", hodgkin_huxley_rate, ["v", "m", "h", "n"], 0.5, 4),
]


@pytest.mark.parametrize("theory", SMOOTH, ids=lambda theory: theory.name)
def test_the_error_of_a_trace_is_of_the_order_of_the_integrator(theory: Theory) -> None:
    """For the exact ones it is rounding; the Hodgkin-Huxley neuron spikes meanwhile."""
    times = np.arange(200) * 0.1 + 0.1
    rate = lambda t, x: theory.rate(theory.all_params, x, theory.smooth)  # noqa: E731
    exact = solve_ivp(rate, (0, times[-1]), theory.start, t_eval=times, **TIGHT).y[0]
    assert np.ptp(exact) > 2

    def error(per_time: int) -> float:
        num_steps, dt = 4 * len(times), 0.1 / per_time  # as many for all, to compile one program
        with jax.enable_x64(True):
            v = simulated(theory.model, [theory.smooth], num_steps, dt, theory.params)[1][:, 0]
        return np.abs(v[per_time - 1 :: per_time][: len(times)] - exact).max()

    coarse, fine = error(2), error(4)
    if theory.order is None:
        assert max(coarse, fine) < 1e-7
    else:
        assert fine < 0.02
        assert np.log2(coarse / fine) == pytest.approx(theory.order, abs=0.15)


# LIF


@pytest.mark.parametrize("dt", [1.0, 0.25, 0.1])
def test_spike_times_of_lif_are_those_of_the_closed_form(dt: float) -> None:
    """300 neurons of different parameters in float32, each spike in its step."""
    rng = np.random.default_rng(0)
    num_steps, size = round(300 / dt), 300
    p = {
        "tau_m": rng.uniform(5, 40, size),
        "r_m": rng.uniform(5, 40, size),
        "v_rest": rng.uniform(-80, -60, size),
        "v_reset": rng.uniform(-80, -60, size),
        "v_thresh": rng.uniform(-55, -45, size),
        "i_offset": rng.uniform(-0.2, 0.2, size),
        "tau_refrac": rng.uniform(0, 10, size),
    }
    p = {name: values.astype(F32).astype(float) for name, values in p.items()}
    drive = rng.uniform(1.1, 4, size) * (p["v_thresh"] - p["v_rest"]) / p["r_m"] - p["i_offset"]
    current = drive.astype(F32)
    spikes, _ = simulated(jsnn.LIF, current, num_steps, dt, p, {"v": p["v_rest"]})

    dt = float(F32(dt))
    v_inf = p["v_rest"] + p["r_m"] * (current.astype(float) + p["i_offset"])

    def steps_from(start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps to the threshold, and how far from it V is in that one and the one before."""
        num = np.ceil(p["tau_m"] * np.log((v_inf - start) / (v_inf - p["v_thresh"])) / dt)
        after = [v_inf + (start - v_inf) * np.exp(-k * dt / p["tau_m"]) for k in (num - 1, num)]
        return num, np.min(np.abs(after - p["v_thresh"]), axis=0)

    first, margin_first = steps_from(p["v_rest"])
    later, margin_later = steps_from(p["v_reset"])
    period = np.round(p["tau_refrac"] / dt) + later
    expected = np.zeros((num_steps, size), bool)
    for neuron in range(size):
        steps = np.arange(first[neuron] - 1, num_steps, period[neuron]).astype(int)
        expected[steps, neuron] = True
    clear = np.minimum(margin_first, margin_later) > 1e-3  # mV: float32 can tell
    assert clear.sum() > 0.9 * size
    assert expected.sum(axis=0).min() >= 3
    np.testing.assert_array_equal(spikes[:, clear], expected[:, clear])


def test_a_refractory_time_is_a_whole_number_of_steps_in_float32() -> None:
    """A neuron that is at its threshold in one step spikes in every step that it may."""
    dt, num_steps = 0.1, 62_000
    tau_refrac = np.array([0.0, 0.04, 0.06, 0.1, 0.26, 2.0, 5.0, 7.7, 333.3, 3000.0])
    held = [0, 0, 1, 1, 3, 20, 50, 77, 3333, 30_000]
    params = {"tau_m": 1e-3, "tau_refrac": tau_refrac}
    spikes, v = simulated(jsnn.LIF, np.full(10, 100.0), num_steps, dt, params)
    for neuron, steps in enumerate(held):
        np.testing.assert_array_equal(
            np.flatnonzero(spikes[:, neuron]), np.arange(0, num_steps, steps + 1)
        )
    np.testing.assert_array_equal(v, np.full_like(v, -70))


def test_a_leaky_integrator_never_spikes() -> None:
    spikes, v = simulated(jsnn.LEAKY_INTEGRATOR, [1e6, -1e6], 50, 1.0)
    assert not spikes.any()
    np.testing.assert_allclose(v[-1], np.array([1e6, -1e6]) * (1 - np.exp(-50 / 20)), rtol=1e-5)


# Adaptation


def test_spike_times_of_alif_are_those_of_the_closed_forms_between_spikes() -> None:
    p = {"v_rest": -65.0, "v_reset": -68.0, "tau_a": 60.0, "beta": 3.0, "tau_refrac": 1.5}
    full = {k: float(v.default) for k, v in jsnn.ALIF.params.items()} | p
    current, dt, num_steps = np.array([0.9, 1.0, 1.5, 3.0]), 0.5, 1000
    spikes, _ = simulated(jsnn.ALIF, current, num_steps, dt, p, {"v": -65.0})
    v_inf = full["v_rest"] + full["r_m"] * current
    for neuron in range(4):
        expected, last, v, adaptation, held = [], -1, -65.0, 0.0, 0
        while True:
            k = np.arange(held + 1, num_steps)
            moved = (k - held) * dt
            potential = v_inf[neuron] + (v - v_inf[neuron]) * np.exp(-moved / full["tau_m"])
            adapted = adaptation * np.exp(-k * dt / full["tau_a"])
            reached = potential >= full["v_thresh"] + full["beta"] * adapted
            if not reached.any() or last + k[np.argmax(reached)] >= num_steps:
                break
            last += k[np.argmax(reached)]
            expected.append(last)
            v, held = full["v_reset"], 3
            adaptation = adapted[np.argmax(reached)] + 1
        np.testing.assert_array_equal(np.flatnonzero(spikes[:, neuron]), expected)
    intervals = np.diff(np.flatnonzero(spikes[:, 3]))
    assert intervals[-1] > 1.5 * intervals[0]  # it adapts


# Adaptive exponential, Izhikevich: the loops that others run, and the equations themselves


def euler_loop(
    rate: Callable[..., list[float]],
    p: Params,
    start: np.ndarray,
    current: np.ndarray,
    num_steps: int,
    dt: float,
    peak: float,
    reset: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Forward Euler, threshold, reset: what Brian2 does with method="euler". Start is [2, N]."""
    x, spikes, trace = start, [], []
    for _ in range(num_steps):
        x = x + dt * np.array(rate(p, x, current))
        spiked = x[0] >= peak
        x = np.where(spiked, reset(x), x)
        spikes.append(spiked)
        trace.append(x[0])
    return np.array(spikes), np.array(trace)


# a, b, c, d of Izhikevich 2003, figure 2: RS, IB, CH, FS, LTS
PATTERNS = {
    "a": np.array([0.02, 0.02, 0.02, 0.1, 0.02]),
    "b": np.array([0.2, 0.2, 0.2, 0.2, 0.25]),
    "c": np.array([-65.0, -55, -50, -65, -65]),
    "d": np.array([8.0, 4, 2, 2, 2]),
}
AT_REST = {"v": -65.0, "u": PATTERNS["b"] * -65}


def test_adex_spikes_as_the_euler_loop_does() -> None:
    p = {k: float(v.default) for k, v in jsnn.ADEX.params.items()} | {"v_reset": -47.0}
    current = np.array([0.5, 0.7, 1.0, 2.5])
    start = np.stack([np.full(4, -70.6), np.zeros(4)])
    reset = lambda x: np.stack([np.full(4, -47.0), x[1] + p["b"]])  # noqa: E731
    spikes, v = euler_loop(adex_rate, p, start, current, 3000, 0.1, p["v_cut"], reset)
    assert spikes.sum(axis=0).min() == 0
    assert np.sort(spikes.sum(axis=0))[1] > 5
    with jax.enable_x64(True):
        got, got_v = simulated(jsnn.ADEX, current, 3000, 0.1, {"v_reset": -47.0})
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(got_v, v, rtol=1e-6)


def test_izhikevich_patterns_spike_as_the_euler_loop_does() -> None:
    current = np.full(5, 10.0)
    start = np.stack([np.full(5, -65.0), AT_REST["u"]])
    reset = lambda x: np.stack([PATTERNS["c"], x[1] + PATTERNS["d"]])  # noqa: E731
    spikes, v = euler_loop(izhikevich_rate, PATTERNS, start, current, 400, 0.5, 30.0, reset)
    with jax.enable_x64(True):
        got, got_v = simulated(jsnn.IZHIKEVICH, current, 400, 0.5, PATTERNS, AT_REST)
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(got_v, v, rtol=1e-6)
    regular, _, chattering, fast, _ = got.sum(axis=0)
    assert fast > 2 * regular > 8
    shortest = np.diff(np.flatnonzero(got[:, 2])).min() * 0.5
    assert chattering > regular
    assert shortest < 5  # ms: chattering is bursts


def test_izhikevich_of_genn_spikes_as_its_generated_loop_does() -> None:
    """Neuron by neuron, line by line, in the order of PyGeNN 5.4's "Izhikevich"."""
    size, num_steps, dt = 5, 80, 1.0
    current = np.linspace(10, 25, num_steps)[:, None] * np.ones(size)
    spikes, trace = np.zeros((num_steps, size), bool), np.zeros((num_steps, size))
    for neuron in range(size):
        a, b, c, d = (PATTERNS[name][neuron] for name in "abcd")
        v, u = -65.0, b * -65.0
        for step in range(num_steps):
            i_syn = current[step, neuron]
            if v >= 30:
                v = c
                u += d
            v += 0.5 * (0.04 * v * v + 5 * v + 140 - u + i_syn) * dt
            v += 0.5 * (0.04 * v * v + 5 * v + 140 - u + i_syn) * dt
            u += a * (b * v - u) * dt
            v = min(v, 30.0)
            spikes[step, neuron], trace[step, neuron] = v >= 29.99, v
    assert spikes.sum(axis=0).min() >= 3
    with jax.enable_x64(True):
        got, v = simulated(jsnn.IZHIKEVICH_GENN, current, num_steps, dt, PATTERNS, AT_REST)
    np.testing.assert_array_equal(got, spikes)
    np.testing.assert_allclose(v, trace, rtol=1e-6)


def test_izhikevich_of_genn_spikes_a_little_below_where_it_resets() -> None:
    model = jsnn.IZHIKEVICH_GENN
    x = {"v": jnp.array([29.98, 29.995, 30.0]), "u": jnp.zeros(3)}
    p = {name: jnp.full(3, value.default) for name, value in model.params.items()}
    np.testing.assert_array_equal(model.threshold(p, x) >= 0, [False, True, True])
    after = model.update(p, x, jnp.zeros(3), jnp.float32(0.1))
    np.testing.assert_array_equal(after["v"] == 30, [True, True, False])


def spike_times(
    theory: Theory, current: float, peak: float, reset: Callable[..., list[float]], count: int
) -> np.ndarray:
    """The first `count` upward crossings of `peak`, each integrated from the reset before."""

    def crossing(t: float, x: np.ndarray) -> float:
        return x[0] - peak

    crossing.terminal, crossing.direction = True, 1
    times, now, x = [], 0.0, theory.start
    rate = lambda t, x: theory.rate(theory.all_params, x, current)  # noqa: E731
    for _ in range(count):
        solution = solve_ivp(rate, (now, now + 500), x, events=crossing, **TIGHT)
        now = solution.t_events[0][0]
        times.append(now)
        x = reset(theory.all_params, solution.y_events[0][0])
    return np.array(times)


@pytest.mark.parametrize(
    ("name", "rate", "state", "current", "peak", "reset"),
    [
        (
            "ADEX",
            adex_rate,
            ["v", "w"],
            1.0,
            0.0,
            lambda p, x: [p["v_reset"], x[1] + p["b"]],
        ),
        (
            "IZHIKEVICH",
            izhikevich_rate,
            ["v", "u"],
            10.0,
            30.0,
            lambda p, x: [p["c"], x[1] + p["d"]],
        ),
    ],
)
def test_spike_times_of_euler_models_converge_to_those_of_the_equations(
    name, rate, state, current, peak, reset
) -> None:
    theory = Theory(name, rate, state, current, 1)
    exact = spike_times(theory, current, peak, reset, 4)

    def error(dt: float) -> float:
        with jax.enable_x64(True):
            spikes, _ = simulated(theory.model, [current], round((exact[-1] + 5) / 0.01), dt)
        return np.abs((np.flatnonzero(spikes) + 1)[:4] * dt - exact).max()

    coarse, fine = error(0.08), error(0.01)
    assert fine < 0.2
    assert coarse / fine == pytest.approx(8, rel=0.35)


# Hodgkin and Huxley


def test_spike_times_of_hodgkin_huxley_are_those_of_the_equations() -> None:
    """Exact to the step at 0.1 ms in float32, and within a step at `max_dt`."""
    theory = next(theory for theory in SMOOTH if theory.name == "HODGKIN_HUXLEY")
    currents, num_steps = [0.2, 0.5, 2.0], 500
    limit = float(jsnn.HODGKIN_HUXLEY.max_dt(jsnn.Population("a", 1, jsnn.HODGKIN_HUXLEY).params))
    assert 0.2 < limit < 0.25

    def crossing(t: float, x: np.ndarray) -> float:
        return x[0]

    crossing.direction = 1
    for dt, tolerance in ((0.1, 0), (limit, 1)):
        spikes, v = simulated(jsnn.HODGKIN_HUXLEY, currents, num_steps, dt)
        for neuron, current in enumerate(currents):
            rate = lambda t, x, i=current: theory.rate(theory.all_params, x, i)  # noqa: E731
            span = (0, num_steps * dt)
            tight = {"method": "LSODA", "rtol": 1e-8, "atol": 1e-8}
            exact = solve_ivp(rate, span, theory.start, events=crossing, **tight).t_events[0]
            assert len(exact) > 2
            got = np.flatnonzero(spikes[:, neuron])
            np.testing.assert_allclose(got, np.ceil(exact / dt) - 1, rtol=0, atol=tolerance)
        above = v >= 0
        np.testing.assert_array_equal(spikes[1:], above[1:] & ~above[:-1])
        assert above.sum() > 2 * spikes.sum()  # one spike, though V stays above for some steps


def test_the_gates_of_hodgkin_huxley_have_no_hole_where_their_formula_is_0_over_0() -> None:
    """V - V_T = 13, 15 and 40 mV, exactly."""
    model = jsnn.HODGKIN_HUXLEY
    p = {name: jnp.full(6, value.default) for name, value in model.params.items()}
    x = {name: jnp.full(6, value.default) for name, value in model.variables.items()}
    start = np.array([13.0, 15.0, 40.0]) - 65
    x["v"] = jnp.asarray(np.concatenate([start, start + 1e-3]), jnp.float32)
    moved = model.update(p, x, jnp.zeros(6), jnp.float32(1e-4))
    for name in ("v", "m", "h", "n"):
        change = np.asarray(moved[name] - x[name], float)
        assert (np.abs(change) > 0).all()
        np.testing.assert_allclose(change[:3], change[3:], rtol=0.05)


# Sources


def test_a_poisson_neuron_spikes_with_the_probability_of_a_poisson_process() -> None:
    model, dt = jsnn.POISSON_NEURON, jnp.float32(0.5)
    rate = np.array([0.0, 1.0, 50.0, 400.0, 2000.0], F32)
    extra = np.array([0.0, 0.0, 50.0, 100.0, -3000.0], F32)
    p = {"rate": jnp.asarray(rate)}
    x = model.update(p, {"probability": jnp.zeros(5)}, jnp.asarray(extra), dt)
    total = rate.astype(float) + extra
    expected = 1 - np.exp(-np.maximum(total, 0) * 0.0005)
    np.testing.assert_allclose(np.maximum(x["probability"], 0), expected, rtol=1e-5)

    ((name, sampler),) = model.draws

    @jax.jit
    @jax.vmap
    def margin(key: jax.Array) -> jax.Array:
        return model.threshold(p | {name: sampler(key, (5,), jnp.float32)}, x)

    spikes = np.asarray(margin(jax.random.split(jax.random.key(0), 200_000))) >= 0
    sd = np.sqrt(expected * (1 - expected) / len(spikes))
    assert (np.abs(spikes.mean(axis=0) - expected) <= 4 * sd).all()


@pytest.mark.parametrize(
    ("rate", "spikes"), [(0.0, False), (-5.0, False), (1e9, True)], ids=["0", "negative", "huge"]
)
def test_a_poisson_neuron_is_silent_or_certain_whatever_is_drawn(rate: float, spikes: bool) -> None:
    model = jsnn.POISSON_NEURON
    extremes = jnp.array([0.0, 2.0**-23, 0.5, 1 - 2.0**-23], jnp.float32)
    p = {"rate": jnp.full(4, rate), "uniform": extremes}
    x = model.update(p, {"probability": jnp.zeros(4)}, jnp.zeros(4), jnp.float32(1.0))
    np.testing.assert_array_equal(model.threshold(p, x) >= 0, np.full(4, spikes))


def test_spike_trains_are_what_the_list_says_and_the_source_emits_them() -> None:
    steps, neurons = [4, 0, 2, 2], [1, 2, 0, 2]
    trains = jsnn.spike_trains(steps, neurons, 6, 3)
    assert trains.shape == (6, 3)
    assert trains.dtype == bool
    assert set(zip(*map(tuple, np.nonzero(trains)), strict=True)) == {
        (4, 1),
        (0, 2),
        (2, 0),
        (2, 2),
    }
    network = jsnn.Network([jsnn.Population("a", 3, jsnn.SPIKE_SOURCE)])
    record = {"spikes": jsnn.Spikes("a")}
    kept = jsnn.simulate(network, {"a": jsnn.over_time(trains)}, 6, record=record)[1]
    np.testing.assert_array_equal(kept["spikes"], trains)
    listed = jsnn.spike_list(kept["spikes"])
    np.testing.assert_array_equal(jsnn.spike_trains(*listed, 6, 3), trains)
    assert not jsnn.spike_trains([], [], 2, 3).any()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (([0, 6], [0, 0], 6, 3), ValueError, r"steps: given 6; expected 0 to 5"),
        (([0, -1], [0, 0], 6, 3), ValueError, r"steps: given -1; expected 0 to 5"),
        (([0, 1], [0, 3], 6, 3), ValueError, r"neurons: given 3; expected 0 to 2"),
        (([0, 1], [0], 6, 3), ValueError, r"given 2 steps and 1 neurons"),
        (([0.5, 1], [0, 1], 6, 3), TypeError, r"steps: given float64.*divided by dt"),
        (([[0, 1]], [0, 1], 6, 3), ValueError, r"steps: given shape \(1, 2\)"),
        (([1, 2, 1], [2, 2, 2], 6, 3), ValueError, r"given 2 spikes of neuron 2 in step 1"),
        (([0], [0], 0, 3), ValueError, r"num_steps: given 0"),
        (([0], [0], 6, 1.5), TypeError, r"num_neurons: given 1.5"),
    ],
)
def test_a_bad_list_of_spikes_is_refused(given, error, message: str) -> None:
    with pytest.raises(error, match=message):
        jsnn.spike_trains(*given)


# Gradients and stability


@pytest.mark.parametrize(
    ("name", "current", "dt"),
    [
        ("IF", 0.3, 1.0),
        ("LIF", 2.0, 1.0),
        ("ALIF", 2.0, 1.0),
        ("LIF_CURR_EXP", 2.0, 1.0),
        ("LIF_COND_EXP", 2.0, 1.0),
        ("ADEX", 1.5, 0.5),
        ("EIF", 1.5, 0.5),
        ("QIF", 5.0, 1.0),
        ("IZHIKEVICH", 10.0, 1.0),
        ("IZHIKEVICH_GENN", 10.0, 1.0),
        ("HODGKIN_HUXLEY", 2.0, 0.2),
        ("SPIKE_SOURCE", 1.0, 1.0),
    ],
)
def test_a_gradient_passes_through_spikes_in_float32(name: str, current: float, dt: float) -> None:
    network = jsnn.Network([jsnn.Population("a", 2, getattr(jsnn, name))], dt=dt)
    record = {"count": jsnn.SpikeCount("a")}

    def count(scale: jax.Array) -> tuple[jax.Array, jax.Array]:
        drive = {"a": scale * jnp.array([current, 1.1 * current], jnp.float32)}
        spikes = jsnn.simulate(network, drive, 60, record=record)[1]["count"]
        return spikes.sum(), spikes

    slope, spikes = jax.grad(count, has_aux=True)(jnp.float32(1.0))
    assert spikes.min() >= 1
    assert np.isfinite(slope)
    assert slope != 0


def test_the_gradient_of_a_leaky_integrator_is_its_step_response() -> None:
    network = jsnn.Network([jsnn.Population("a", 1, jsnn.LEAKY_INTEGRATOR, {"r_m": 3.0})])

    def potential(current: jax.Array) -> jax.Array:
        return jsnn.simulate(network, {"a": current}, 30)[0].populations["a"]["v"][0]

    slope = jax.grad(potential)(jnp.float32(0.7))
    assert slope == pytest.approx(3 * (1 - np.exp(-30 / 20)), rel=1e-5)


def test_adex_survives_any_exponent_in_float32() -> None:
    """V comes to 15 mV above V_T, 150 Δ_T, of which exp is infinite: still spikes, a gradient."""
    params = {"delta_t": 0.1, "v_cut": 30.0}
    network = jsnn.Network([jsnn.Population("a", 1, jsnn.ADEX, params)], dt=0.1)
    record = {"count": jsnn.SpikeCount("a"), "v": jsnn.Variable("a"), "w": jsnn.Variable("a", "w")}

    def run(current: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        kept = jsnn.simulate(network, {"a": current}, 100, record=record)[1]
        return kept["count"].sum(), kept

    slope, kept = jax.grad(run, has_aux=True)(jnp.float32(100.0))
    assert kept["v"].max() > -50.4 + 89 * 0.1
    assert kept["count"] > 3
    assert np.isfinite(kept["v"]).all()
    assert np.isfinite(kept["w"]).all()
    assert np.isfinite(slope)
    assert slope != 0


@pytest.mark.parametrize(
    "changes", [{}, {"a": 0.3, "tau_w": 20.0}, {"a": -0.01}], ids=["real", "complex", "a < 0"]
)
def test_max_dt_of_adex_is_where_euler_ceases_to_decay(changes: Params) -> None:
    params = {"v_t": 1e4, "v_cut": 1e5} | changes  # no exponential
    with jax.enable_x64(True):
        full = {k: jnp.asarray(float(v.default)) for k, v in jsnn.ADEX.params.items()} | changes
        limit = float(jsnn.ADEX.max_dt(full))
        start = {"v": -60.0, "w": -0.1}
        unlimited = dataclasses.replace(jsnn.ADEX, max_dt=None)
        for factor, decays in ((0.98, True), (1.02, False)):
            _, v = simulated(unlimited, np.zeros(1), 2000, factor * limit, params, start)
            assert (abs(v[-1, 0] + 70.6) < 1) == decays
