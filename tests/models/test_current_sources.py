"""Current sources: their distributions, and that randomness comes from the key alone."""

import dataclasses

import jax
import numpy as np
import pytest
import scipy.stats

import jsnn
from tests.networks import F32, PROBE
from tests.statistics import chi_squared_pvalue

T, N = 200, 150


def source_network(
    *sources: tuple[jsnn.CurrentSourceModel, dict[str, object]], size: int = N, dt: float = 1.0
) -> jsnn.Network:
    """One population of probes for each source."""
    return jsnn.Network(
        [jsnn.Population(f"p{i}", size, PROBE) for i, _ in enumerate(sources)],
        sources=[
            jsnn.CurrentSource(f"s{i}", f"p{i}", model, params)
            for i, (model, params) in enumerate(sources)
        ],
        dt=dt,
    )


def currents(network: jsnn.Network, seed: int = 0, num_steps: int = T) -> list[np.ndarray]:
    """What each population receives, [T, N]."""
    record = {name: jsnn.Variable(name, variable="current") for name in network.sizes}
    _, recorded = jsnn.simulate(network, {}, num_steps, record=record, key=jax.random.key(seed))
    return [np.asarray(recorded[name]) for name in network.sizes]


def test_gaussian_noise_is_normal_with_its_mean_and_sd() -> None:
    (noise,) = currents(source_network((jsnn.GAUSSIAN_NOISE, {"mean": 1.5, "sd": 0.25})))
    normal = scipy.stats.norm(1.5, 0.25)
    assert scipy.stats.kstest(noise.ravel(), normal.cdf).pvalue > 0.001
    np.testing.assert_allclose(noise.mean(), 1.5, atol=4 * 0.25 / np.sqrt(T * N))
    np.testing.assert_allclose(noise.std(), 0.25, rtol=4 / np.sqrt(2 * T * N))


def test_gaussian_noise_is_independent_from_step_to_step_and_neuron_to_neuron() -> None:
    (noise,) = currents(source_network((jsnn.GAUSSIAN_NOISE, {})))
    limit = 4 / np.sqrt(T * N)
    assert abs(np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]) < limit
    assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < limit


@pytest.mark.parametrize(("rate", "dt"), [(50.0, 1.0), (800.0, 0.5), (4000.0, 1.0), (30000.0, 1.0)])
def test_poisson_input_has_as_many_spikes_as_a_poisson_process(rate: float, dt: float) -> None:
    params = {"rate": rate, "weight": 0.5}
    (received,) = currents(source_network((jsnn.POISSON_INPUT, params), dt=dt))
    counts = received / 0.5
    np.testing.assert_array_equal(counts, np.round(counts))
    assert chi_squared_pvalue(counts.astype(int), scipy.stats.poisson(rate * dt / 1000)) > 0.001


def test_no_gradient_reaches_the_rate_of_poisson_input() -> None:
    network = source_network((jsnn.POISSON_INPUT, {}), size=3)
    record = {"current": jsnn.Variable("p0", variable="current")}

    def total(rate: jax.Array, weight: jax.Array) -> jax.Array:
        drive = {"s0": {"rate": rate, "weight": weight}}
        return jsnn.simulate(network, drive, 4, record=record, key=jax.random.key(1))[1][
            "current"
        ].sum()

    rates = np.array([-50.0, 900.0, 90_000.0], F32)
    received, (by_rate, by_weight) = jax.value_and_grad(total, (0, 1))(rates, np.full(3, 2.0, F32))
    np.testing.assert_array_equal(by_rate, 0)
    assert by_weight[0] == 0
    assert by_weight[2] > 200
    np.testing.assert_allclose(2 * by_weight.sum(), received, rtol=1e-6)


def test_heterogeneous_rates_reach_their_neurons() -> None:
    rate = np.linspace(10, 2000, N).astype(F32)
    (received,) = currents(source_network((jsnn.POISSON_INPUT, {"rate": rate, "weight": 1.0})))
    expected = rate * T / 1000
    assert np.all(abs(received.sum(axis=0) - expected) < 5 * np.sqrt(expected) + 1)


def test_two_sources_draw_different_numbers() -> None:
    a, b = currents(source_network((jsnn.GAUSSIAN_NOISE, {}), (jsnn.GAUSSIAN_NOISE, {})))
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(T * N)


def test_two_sources_of_one_population_add_up() -> None:
    both = jsnn.Network(
        [jsnn.Population("p0", 4, PROBE)],
        sources=[
            jsnn.CurrentSource("dc", "p0", jsnn.CONSTANT, {"magnitude": 0.5}),
            jsnn.CurrentSource(
                "table", "p0", jsnn.PLAYBACK, {"currents": np.arange(8, dtype=F32).reshape(2, 4)}
            ),
        ],
    )
    np.testing.assert_array_equal(
        currents(both, num_steps=3)[0], [[0.5, 1.5, 2.5, 3.5], [4.5, 5.5, 6.5, 7.5], [0.5] * 4]
    )


def test_the_key_is_all_the_randomness_there_is() -> None:
    network = source_network((jsnn.GAUSSIAN_NOISE, {}), (jsnn.POISSON_INPUT, {}))
    first, again, other = currents(network, 5), currents(network, 5), currents(network, 6)
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.any(a != c)


@pytest.mark.parametrize(
    "source",
    [
        (jsnn.GAUSSIAN_NOISE, {"mean": 0.5, "sd": 2.0}),
        (jsnn.POISSON_INPUT, {"rate": 700.0}),
    ],
    ids=["gaussian", "poisson"],
)
def test_a_presentation_draws_the_same_numbers_whatever_batch_it_is_in(
    source: tuple[jsnn.CurrentSourceModel, dict[str, object]],
) -> None:
    network = source_network(source, size=3)
    record = {"current": jsnn.Variable("p0", variable="current")}

    def run(key: jax.Array) -> jax.Array:
        return jsnn.simulate(network, {}, 9, record=record, key=key)[1]["current"]

    keys = jax.random.split(jax.random.key(0), 9)
    np.testing.assert_array_equal(jax.vmap(run)(keys), [run(key) for key in keys])


def test_a_presentation_may_replace_the_parameters_of_a_source() -> None:
    network = source_network((jsnn.CONSTANT, {"magnitude": 1.0}), size=3)
    record = {"current": jsnn.Variable("p0", variable="current")}
    drive = {"s0": {"magnitude": np.array([1.0, 2.0, 3.0], F32)}}
    _, recorded = jsnn.simulate(network, drive, 1, record=record)
    np.testing.assert_array_equal(recorded["current"], [[1, 2, 3]])
    _, recorded = jsnn.simulate(network, {}, 1, record=record)
    np.testing.assert_array_equal(recorded["current"], [[1, 1, 1]])


def test_a_presentation_may_replace_the_table_of_a_playback() -> None:
    network = source_network((jsnn.PLAYBACK, {}), size=2)
    record = {"current": jsnn.Variable("p0", variable="current")}
    table = np.array([[1, 2], [3, 4]], F32)
    _, recorded = jsnn.simulate(network, {"s0": {"currents": table}}, 3, record=record)
    np.testing.assert_array_equal(recorded["current"], [[1, 2], [3, 4], [0, 0]])


def test_a_custom_source_has_parameters_and_variables_of_its_own() -> None:
    ramp = jsnn.CurrentSourceModel(
        params={"slope": 1.0},
        variables={"level": 0.0},
        current=lambda p, x, key, dt: (
            {"level": x["level"] + p["slope"] * dt},
            x["level"],
        ),
    )
    network = source_network((ramp, {"slope": np.array([1.0, -2.0], F32)}), size=2, dt=0.5)
    np.testing.assert_array_equal(
        currents(network, num_steps=4)[0], np.outer([0, 1, 2, 3], [0.5, -1.0])
    )


def test_only_a_source_that_uses_its_key_makes_a_network_stochastic() -> None:
    assert source_network((jsnn.POISSON_INPUT, {})).stochastic
    assert source_network((jsnn.CONSTANT, {}), (jsnn.GAUSSIAN_NOISE, {})).stochastic
    assert not source_network((jsnn.CONSTANT, {}), (jsnn.PLAYBACK, {})).stochastic


def late(p, x, key, dt):
    return {"phase": x["phase"] + 1}, x["phase"]


def test_sources_that_differ_in_initial_values_alone_are_not_mixed_up() -> None:
    early = jsnn.CurrentSourceModel(params={}, variables={"phase": 0.0}, current=late)
    later = dataclasses.replace(early, variables={"phase": 10.0})
    record = {"current": jsnn.MaxVariable("p0", "current")}
    for model, expected in ((early, 2.0), (later, 12.0)):
        evaluation = jsnn.evaluate(
            source_network((model, {}), size=1),
            {},
            np.zeros(1, int),
            3,
            jsnn.max_voltage("p0", "current"),
            record=record,
        )
        assert evaluation.recorded["current"] == expected
