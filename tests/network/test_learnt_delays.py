"""Learnt delays are the Gaussian kernels of the paper, and whole delays once they are deployed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import CHARGE, F32, spike_trains

PRE, POST, LONGEST, STEPS = 7, 5, 6, 15
_RNG = np.random.default_rng(0)
WEIGHTS = _RNG.normal(0, 1, (PRE, POST)).astype(F32)
DELAYS = _RNG.uniform(1, LONGEST, (PRE, POST)).astype(F32)
DELAYS[0, :2] = 1, LONGEST
TRAINS = spike_trains(1, (3, STEPS, PRE), 0.3)
RECORD = {"q": jsnn.Variable("b", variable="q")}


def network_of(connectivity: Any, synapse: jsnn.SynapseModel = jsnn.DELTA) -> jsnn.Network:
    return jsnn.Network(
        [jsnn.Population("a", PRE, jsnn.SPIKE_SOURCE), jsnn.Population("b", POST, CHARGE)],
        [jsnn.Projection("a", "b", connectivity, synapse)],
    )


def learnt(width: float = 0.7, delays: np.ndarray = DELAYS) -> jsnn.LearntDelays:
    return jsnn.LearntDelays(WEIGHTS, delays, LONGEST, width=width)


def charges(network: jsnn.Network, trains: Any, scheduled: bool = True) -> jax.Array:
    drive = {"a": jsnn.over_time(trains)}
    return jsnn.simulate(network, drive, STEPS, record=RECORD, scheduled=scheduled)[1]["q"]


run = jax.jit(charges, static_argnames="scheduled")
in_batches = jax.jit(jax.vmap(charges, (None, 0)))


def by_the_book(delays: np.ndarray, width: float, trains: np.ndarray) -> np.ndarray:
    """Convolve every train with the kernel of every synapse; [T, post], in float64."""
    arriving = np.zeros((STEPS + LONGEST, POST))
    for pre, post in np.ndindex(PRE, POST):
        steps = np.arange(1, LONGEST + 1)
        kernel = np.exp(-(((steps - float(delays[pre, post])) / width) ** 2) / 2)
        kernel *= WEIGHTS[pre, post] / kernel.sum()
        for step in np.flatnonzero(trains[:, pre]):
            arriving[step + 1 : step + 1 + LONGEST, post] += kernel
    return arriving[:STEPS].cumsum(axis=0)


@pytest.mark.parametrize("width", [0.3, 0.7, 5.0])
def test_a_spike_is_spread_over_the_steps_by_a_gaussian_kernel(width: float) -> None:
    got = run(network_of(learnt(width)), TRAINS[0])
    np.testing.assert_allclose(got, by_the_book(DELAYS, width, TRAINS[0]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [0.0, 1e-30, 0.02])
@pytest.mark.parametrize("scheduled", [True, False])
def test_a_sharp_kernel_delivers_at_the_nearest_step(width: float, scheduled: bool) -> None:
    network = network_of(learnt(width))
    whole = jsnn.deployed(network)
    assert isinstance(whole.projections[0].connectivity, jsnn.Dense)
    delays = whole.projections[0].connectivity.delays
    np.testing.assert_array_equal(delays, np.rint(DELAYS))
    got, expected = (run(each, TRAINS[0], scheduled=scheduled) for each in (network, whole))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(expected).max() > 1


def test_no_batch_changes_a_bit() -> None:
    network = network_of(learnt())
    got = in_batches(network, TRAINS)
    for row, trains in zip(got, TRAINS, strict=True):
        np.testing.assert_array_equal(row, run(network, trains))


def test_a_run_can_be_split() -> None:
    network = network_of(learnt(), jsnn.EXPONENTIAL)
    state, parts = jsnn.init(network), []
    for trains in (TRAINS[0, :8], TRAINS[0, 8:]):
        drive = {"a": jsnn.over_time(trains)}
        state, recorded = jsnn.simulate(network, drive, len(trains), state=state, record=RECORD)
        parts.append(recorded["q"])
    np.testing.assert_array_equal(np.concatenate(parts), run(network, TRAINS[0]))


def test_delays_weights_and_width_have_the_derivatives_of_the_kernels() -> None:
    target = _RNG.normal(0, 1, (STEPS, POST))

    @jax.jit
    @jax.grad
    def gradient(network: jsnn.Network) -> jax.Array:
        return (charges(network, TRAINS[0]) * target.astype(F32)).sum()

    got = gradient(network_of(learnt())).projections[0].connectivity

    def loss(delays: np.ndarray, width: float = 0.7) -> float:
        return float((by_the_book(delays, width, TRAINS[0]) * target).sum())

    for pre, post in [(1, 2), (0, 1), (6, 4), (3, 0)]:
        shift = np.zeros((PRE, POST))
        shift[pre, post] = 1e-5
        expected = (loss(DELAYS + shift) - loss(DELAYS - shift)) / 2e-5
        assert abs(expected) > 1e-2
        np.testing.assert_allclose(got.delays[pre, post], expected, rtol=1e-3)
    by_width = (loss(DELAYS, 0.7 + 1e-5) - loss(DELAYS, 0.7 - 1e-5)) / 2e-5
    np.testing.assert_allclose(got.width, by_width, rtol=1e-3)
    np.testing.assert_allclose((got.weights * WEIGHTS).sum(), loss(DELAYS), rtol=1e-3)
    sharp = gradient(network_of(learnt(0.0))).projections[0].connectivity
    assert not sharp.delays.any()
    assert np.isfinite(sharp.width)


def test_a_recurrent_network_sends_gradients_through_its_delays() -> None:
    """A neuron of a loop reaches itself, so that its spikes depend on the delays."""

    def loss(delays: jax.Array) -> jax.Array:
        network = jsnn.Network(
            [jsnn.Population("b", POST, jsnn.LIF, {"v_rest": 0, "v_reset": 0, "v_thresh": 1})],
            [jsnn.Projection("b", "b", jsnn.LearntDelays(WEIGHTS[:POST], delays, LONGEST))],
        )
        record = {"v": jsnn.Variable("b")}
        return jsnn.simulate(network, {"b": 1.0}, 60, record=record)[1]["v"].sum()

    gradient = jax.jit(jax.grad(loss))(DELAYS[:POST])
    assert np.all(np.isfinite(gradient))
    assert gradient.any()


def test_sharpening_and_new_delays_do_not_recompile(compilations) -> None:
    run(network_of(learnt()), TRAINS[0])
    other = network_of(learnt(0.2, DELAYS[::-1]))
    with compilations() as names:
        run(other, TRAINS[0])
    assert names == []


def test_the_kernels_are_made_once_in_a_run() -> None:
    text = str(jax.make_jaxpr(charges)(network_of(learnt()), TRAINS[0]))
    before, in_the_scan = text.split("scan[", 1)
    assert "exp" in before
    assert f"{PRE},{LONGEST},{POST}" in before
    assert f"{PRE},{LONGEST},{POST}" not in in_the_scan


def test_delays_that_a_tree_map_has_moved_are_found() -> None:
    network = jax.tree.map(lambda x: x * 3, network_of(learnt()))
    with pytest.raises(ValueError, match=r"a_to_b.*LearntDelays, delays: given .* expected 1 to 6"):
        jsnn.simulate(network, None, 3)


def test_the_summary_shows_the_range_of_delays() -> None:
    summary = str(network_of(learnt()).summary().text())
    row = next(line for line in summary.splitlines() if line.startswith("a_to_b"))
    assert row.split()[3:5] == ["LearntDelays", str(PRE * POST)]
    assert "1 to 6" in row


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a delay below 1": ({"delays": DELAYS * 0}, ValueError, r"given 0.0 at index \(0, 0\)"),
    "a delay beyond all": ({"max_delay": 5}, ValueError, r"index \(0, 1\); expected 1 to 5"),
    "a delay of NaN": ({"delays": DELAYS * F32(np.nan)}, ValueError, "NaN or infinite"),
    "delays of another shape": ({"delays": DELAYS[:2]}, ValueError, r"\(2, 5\).*\(7, 5\)"),
    "delays of another dtype": ({"delays": DELAYS.astype(int)}, TypeError, "int64.*float32"),
    "an initializer": ({"delays": jsnn.initializers.uniform(1, 5)}, TypeError, "draw them"),
    "a negative width": ({"width": -0.1}, ValueError, "width: given -0.1; expected a number >= 0"),
    "a width for each": ({"width": DELAYS}, ValueError, r"width: given shape \(7, 5\)"),
    "no longest delay": ({"max_delay": 0}, ValueError, "max_delay: given 0"),
    "a real longest delay": ({"max_delay": 5.5}, TypeError, "max_delay: given 5.5"),
    "a longest delay beyond all": ({"max_delay": 2**15 + 1}, ValueError, "32769"),
    "a vector of weights": ({"weights": WEIGHTS[0]}, ValueError, r"\(pre, post\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    changes, error, message = BAD[name]
    given = {"weights": WEIGHTS, "delays": DELAYS, "max_delay": LONGEST} | changes
    with pytest.raises(error, match=message):
        jsnn.LearntDelays(**given)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "a second delay": (
        lambda: jsnn.Projection("a", "b", learnt(), delay=2),
        ValueError,
        "a delay for each synapse",
    ),
    "a plasticity": (
        lambda: jsnn.Projection("a", "b", learnt(), plasticity=jsnn.Plasticity(jsnn.STDP)),
        TypeError,
        "LearntDelays, which gradients change",
    ),
    "a chain": (lambda: jsnn.Chain([learnt()]), ValueError, "Chain, part 0: given LearntDelays"),
    "a chain of whole delays": (
        lambda: jsnn.Chain([learnt().deployed()]),
        ValueError,
        "Chain, part 0: given Dense",
    ),
    "shared weights": (
        lambda: jsnn.Shared(jsnn.Projection("a", "b", learnt())),
        TypeError,
        "given LearntDelays",
    ),
    "a division": (
        lambda: jsnn.divide(network_of(learnt())),
        ValueError,
        "LearntDelays, whose synapses .* have delays",
    ),
    "a deployment of no network": (
        lambda: jsnn.deployed(learnt()),
        TypeError,
        "deployed, network: given LearntDelays",
    ),
    "a traced deployment": (
        lambda: jax.jit(lambda network: jsnn.deployed(network).dt)(network_of(learnt())),
        TypeError,
        "deployed: called inside jax.jit",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_learnt_delays_cannot_do_is_named(name: str) -> None:
    act, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        act()


def test_traced_delays_are_not_checked() -> None:
    network = network_of(learnt())
    got = jax.jit(lambda delays: charges(network_of(learnt(0.7, delays)), TRAINS[0]))(DELAYS)
    np.testing.assert_allclose(got, run(network, TRAINS[0]), rtol=1e-5, atol=1e-6)
    assert jnp.all(jnp.isfinite(got))


def test_a_network_that_a_compiled_function_closes_over_can_be_changed() -> None:
    network = network_of(learnt())
    values = {"a_to_b": {"weights": 2 * WEIGHTS, "delays": DELAYS}}
    changed = jax.jit(network.with_params)(values).projection("a_to_b").connectivity
    np.testing.assert_array_equal(changed.weights, 2 * WEIGHTS)
    np.testing.assert_array_equal(changed.width, F32(0.7))
