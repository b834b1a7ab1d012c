"""Neurons of NIR against closed forms, and against each platform's step in NumPy."""

import jax
import nir
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jsnn
from jsnn.nir.neurons.conventions import CONVENTIONS

DT = 0.1  # ms
TAU, THRESHOLD = 2.5, 0.1  # ms; those of the LIF of the NIR paper
STEPS = 400


def one(node: nir.NIRNode) -> nir.NIRGraph:
    """Put one node between an Input and an Output."""
    return nir.NIRGraph.from_list(node)


def each(*values: float) -> list[np.ndarray]:
    return [np.array([value]) for value in values]


def lif(r: float = 1.0, v_leak: float = 0.0, v_reset: float = 0.0) -> nir.NIRGraph:
    return one(nir.LIF(*each(TAU / 1000, r, v_leak, THRESHOLD, v_reset)))


def traces(
    graph: nir.NIRGraph, signal: np.ndarray, integration: str, name: str, dt: float = DT
) -> tuple[np.ndarray, np.ndarray]:
    """Run one neuron; return its V and spikes, [T] each."""
    reading = jsnn.nir.read(graph, dt, integration=integration)
    record = {"v": jsnn.Variable(name, "v"), "spikes": jsnn.Spikes(name)}
    drive = reading.drive(np.asarray(signal)[:, None])
    _, found = jsnn.simulate(reading.network, drive, len(signal), record=record)
    return np.asarray(found["v"])[:, 0], np.asarray(found["spikes"])[:, 0]


@pytest.fixture(scope="module")
def bursts() -> np.ndarray:
    """Spikes of one step, single and in bursts, some of which make the LIF spike."""
    random = np.random.default_rng(1)
    rate = np.where(np.arange(STEPS) // 50 % 2, 0.5, 0.1)
    return (random.random(STEPS) < rate).astype(float)


def exact_lif(signal: np.ndarray, r: float, v_leak: float, v_reset: float):
    """V and spikes by hopping from crossing to crossing, in float64."""
    v, vs, spikes = 0.0, [], []
    for x in signal:
        v_inf, left, spiked = v_leak + r * x, DT, False
        while v_inf > THRESHOLD:
            crossing = TAU * np.log((v_inf - v) / (v_inf - THRESHOLD))
            if crossing >= left:
                break
            v, left, spiked = v_reset, left - crossing, True
        v = v_inf + (v - v_inf) * np.exp(-left / TAU)
        vs.append(v)
        spikes.append(spiked)
    return np.array(vs), np.array(spikes)


@pytest.mark.parametrize(
    ("r", "v_leak", "v_reset"),
    [(1, 0, 0), (1.5, 0.05, -0.03), (40, 0, 0)],  # the last one spikes many times in a step
)
def test_an_exact_lif_is_the_solution(bursts, r: float, v_leak: float, v_reset: float) -> None:
    v, spikes = traces(lif(r, v_leak, v_reset), bursts, "exact", "lif")
    expected, expected_spikes = exact_lif(bursts, r, v_leak, v_reset)
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(spikes, expected_spikes)
    assert 3 < spikes.sum() < STEPS


def stepped(signal: np.ndarray, convention: str) -> tuple[np.ndarray, np.ndarray]:
    """V and spikes of `lif()` as a platform makes its steps."""
    keep, gain = np.exp(-DT / TAU), DT / TAU
    v, vs, spikes = 0.0, [], []
    for x in signal:
        late = v > THRESHOLD
        match convention:
            case "end_of_step":
                v = keep * v + (1 - keep) * x
            case "sinabs":
                v = keep * v + gain * x
            case "spyx":
                v = (1 - gain) * v + gain * x - late * THRESHOLD
            case _:
                v = (1 - gain) * v + gain * x
        spiked = late if convention == "spyx" else v > THRESHOLD
        if spiked and convention != "spyx":
            v = v - THRESHOLD if convention == "sinabs" else 0.0
        vs.append(v)
        spikes.append(spiked)
    return np.array(vs), np.array(spikes)


@pytest.mark.parametrize("convention", ["end_of_step", "euler", "sinabs", "spyx"])
def test_a_lif_steps_as_the_platform_does(bursts, convention: str) -> None:
    v, spikes = traces(lif(), bursts, convention, "lif")
    expected, expected_spikes = stepped(bursts, convention)
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(spikes, expected_spikes)
    assert spikes.sum() > 3


def test_platforms_that_agree_have_one_model() -> None:
    same = {"euler": ("norse", "snntorch", "spinnaker2"), "end_of_step": ("nengo",)}
    for one_name, others in same.items():
        for other in others:
            assert CONVENTIONS[one_name]["LIF"] == CONVENTIONS[other]["LIF"]
    assert CONVENTIONS["rockpool"]["LIF"] == CONVENTIONS["sinabs"]["LIF"]


@pytest.mark.parametrize(
    ("convention", "dt", "r", "expected"),
    [
        ("exact", 1000.0, 1.0, [0.0, 1.0, 0.5, 0.5, 1.0]),
        ("end_of_step", 1000.0, 1.0, [0.0, 1.0, 0.0, 1.0, 0.0]),
        ("euler", 100.0, 10.0, [0.0, 1.0, 0.0, 1.0, 0.0]),
        ("norse", 0.1, 1.0, [0.0, 1.0, 0.0, 1.0, 0.0]),
        ("sinabs", 0.1, 1.0, [0.0, 0.0, 0.5, 0.5, 0.0]),
        ("spyx", 0.1, 1.0, [0.0, 1.0, 2.5, 2.5, 2.0]),
    ],
)
def test_an_if_counts_its_input(
    convention: str, dt: float, r: float, expected: list[float]
) -> None:
    graph = one(nir.IF(*each(r, 1.0)))
    v, _ = traces(graph, np.array([0.0, 1.0, 1.5, 1.0, 0.5]), convention, "if", dt)
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-6)


def test_v_at_the_threshold_is_no_spike() -> None:
    graph = one(nir.Threshold(np.array([1.0])))
    signal = np.array([1.0, np.nextafter(np.float32(1), np.float32(2)), 0.5, 2.0])
    _, spikes = traces(graph, signal, "exact", "threshold")
    np.testing.assert_array_equal(spikes, [False, True, False, True])


def solved_cuba_lif(signal: np.ndarray, tau_syn: float, tau_mem: float):
    """V and spikes of a CubaLIF (r 2, v_leak 0.01, w_in 3), by SciPy's solver with its events."""

    def crosses(t: float, y: np.ndarray, x: float) -> float:
        return y[0] - THRESHOLD

    crosses.terminal, crosses.direction = True, 1  # type: ignore[attr-defined]

    def slopes(t: float, y: np.ndarray, x: float) -> list[float]:
        return [(0.01 - y[0] + 2 * y[1]) / tau_mem, (3 * x - y[1]) / tau_syn]

    y, vs, spikes = np.zeros(2), [], []
    for x in signal:
        begin, spiked = 0.0, False
        while begin < DT:
            found = solve_ivp(
                slopes, (begin, DT), y, events=crosses, args=(x,), rtol=1e-10, atol=1e-12
            )
            begin, y = found.t[-1], found.y[:, -1]
            if found.t_events[0].size:
                y, spiked = np.array([0.0, y[1]]), True
        vs.append(y[0])
        spikes.append(spiked)
    return np.array(vs), np.array(spikes)


@pytest.mark.parametrize(("tau_syn", "tau_mem"), [(1.0, 2.0), (2.0, 2.0), (1.5, 1.2)])
def test_an_exact_cuba_lif_is_the_solution(tau_syn: float, tau_mem: float) -> None:
    signal = np.tile([0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 5)
    fields = each(tau_syn / 1000, tau_mem / 1000, 2.0, 0.01, THRESHOLD, 0.0, 3.0)
    v, spikes = traces(one(nir.CubaLIF(*fields)), signal, "exact", "cubalif")
    expected, expected_spikes = solved_cuba_lif(signal, tau_syn, tau_mem)
    np.testing.assert_array_equal(spikes, expected_spikes)
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-6)
    assert 2 < spikes.sum() < len(signal)


@pytest.mark.parametrize("convention", ["exact", "spyx"])
def test_gradients_pass_through_spikes(bursts, convention: str) -> None:
    fields = each(2e-3, 3e-3, 2.0, 0.0, 0.1, 0.0, 3.0)
    graph = nir.NIRGraph.from_list(nir.Linear(np.array([[1.2]])), nir.CubaLIF(*fields))
    reading = jsnn.nir.read(graph, DT, integration=convention)
    drive = reading.drive(bursts[:60, None])

    @jax.jit
    @jax.grad
    def slope(weights: jax.Array) -> jax.Array:
        network = reading.network.with_params({"linear": {"weights": weights}})
        _, found = jsnn.simulate(network, drive, 60, record={"rate": jsnn.Rate("cubalif")})
        return found["rate"].sum()

    gradient = slope(reading.network.projection("linear").connectivity.weights)
    assert 0 < gradient[0, 0] < np.inf  # more input, more spikes
