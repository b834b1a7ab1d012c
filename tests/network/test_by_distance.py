"""Connectivity by distance: positions, distances and profiles against loops and distributions."""

import itertools
import pickle
from typing import Any

import jax
import numpy as np
import pytest
import scipy.spatial
import scipy.stats

import jsnn
from jsnn.network import initializers, spatial
from jsnn.network.connectivity import distance
from tests.networks import F32

KEY = jax.random.key(1)
EXTENT = (2.0, 1.0, 0.5)


def apart(a: np.ndarray, b: np.ndarray, box: Any = None) -> np.ndarray:
    """[pre, post], the shortest of the distances to all images of a neuron in periodic boxes."""
    box = [0] * a.shape[1] if box is None else box
    images = itertools.product(*([-length, 0, length] for length in box))
    return np.min([scipy.spatial.distance.cdist(a, b + image) for image in images], axis=0)


def table(synapses: jsnn.Sparse) -> np.ndarray:
    """[pre, post], the number of synapses of each pair."""
    joined = np.zeros((synapses.num_pre, synapses.num_post), int)
    np.add.at(joined, (np.asarray(synapses.pre), np.asarray(synapses.post)), 1)
    return joined


def test_a_grid_has_its_neurons_row_by_row_in_the_middles_of_cells() -> None:
    expected = [[0.5, 0.25], [0.5, 0.75], [0.5, 1.25], [1.5, 0.25], [1.5, 0.75], [1.5, 1.25]]
    np.testing.assert_allclose(spatial.grid((2, 3), (2.0, 1.5)), expected)
    np.testing.assert_allclose(spatial.grid((4,), (1.0,)), [[0.125], [0.375], [0.625], [0.875]])
    assert spatial.grid((2, 3, 4), EXTENT).shape == (24, 3)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_free_positions_are_uniform_in_their_box(dimensions: int) -> None:
    box = EXTENT[:dimensions]
    positions = spatial.free(KEY, 3000, box)
    assert positions.shape == (3000, dimensions)
    for along, length in zip(positions.T, box, strict=True):
        assert scipy.stats.kstest(along, scipy.stats.uniform(0, length).cdf).pvalue > 0.001
    np.testing.assert_array_equal(positions, spatial.free(KEY, 3000, box))
    assert np.all(positions != spatial.free(jax.random.key(2), 3000, box))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("is_periodic", [True, False])
def test_distances(dimensions: int, is_periodic: bool) -> None:
    box = EXTENT[:dimensions]
    a, b = spatial.free(KEY, 20, box), spatial.free(jax.random.key(2), 30, box)
    period = box if is_periodic else None
    got = spatial.distance(a[:, None], b[None], period)
    np.testing.assert_allclose(got, apart(a, b, period), rtol=1e-12)


def test_one_period_for_all_axes() -> None:
    corners = np.array([[0.1, 0.1], [0.9, 0.9]])
    np.testing.assert_allclose(spatial.distance(*corners, period=1.0), 0.2 * np.sqrt(2))


PROFILES = {
    "gaussian": (spatial.gaussian(0.8, 0.3), lambda d: 0.8 * np.exp(-(d**2) / (2 * 0.3**2))),
    "exponential": (spatial.exponential(0.7, 0.2), lambda d: 0.7 * np.exp(-d / 0.2)),
    "linear": (spatial.linear(0.9, -0.4), lambda d: 0.9 - 0.4 * d),
    "of the user": (spatial.Profile(lambda d: 1 / (1 + d) ** 2), lambda d: (1 + d) ** -2.0),
    "constant": (0.3, lambda d: np.full_like(d, 0.3)),
}


@pytest.mark.parametrize("name", PROFILES)
def test_pairs_are_joined_with_the_probability_of_their_distance(name: str) -> None:
    profile, chance = PROFILES[name]
    a = spatial.free(KEY, 300, (1.0, 1.0))
    b = spatial.free(jax.random.key(2), 400, (1.0, 1.0))
    p = chance(apart(a, b, (1, 1)))
    joined = table(jsnn.by_distance(KEY, a, b, profile, 1.0, period=1.0))
    assert joined.max() == 1
    for group in (p <= np.median(p), p >= np.quantile(p, 0.9)):
        deviation = (joined - p)[group].sum() / np.sqrt((p * (1 - p))[group].sum())
        assert abs(deviation) < 4
    in_degrees = (joined.sum(axis=0) - p.sum(axis=0)) / np.sqrt((p * (1 - p)).sum(axis=0))
    assert scipy.stats.kstest(in_degrees, scipy.stats.norm.cdf).pvalue > 0.001


@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("max_distance", [0.0, 0.25, np.inf])
def test_neurons_are_joined_up_to_a_distance(autapses: bool, max_distance: float) -> None:
    positions = spatial.grid((5, 4), (1.25, 1.0))
    given = {"period": (1.25, 1.0), "max_distance": max_distance, "autapses": autapses}
    synapses = jsnn.by_distance(KEY, positions, positions, 1.0, 0.5, **given)
    expected = (apart(positions, positions, (1.25, 1.0)) <= max_distance + 1e-9).astype(int)
    np.testing.assert_array_equal(
        table(synapses), expected - (not autapses) * np.eye(20, dtype=int)
    )
    assert synapses.order is None


def test_weights_and_delays_follow_the_distance() -> None:
    a, b = spatial.free(KEY, 30, (1.0,)), spatial.free(jax.random.key(2), 40, (1.0,))
    synapses = jsnn.by_distance(
        *(KEY, a, b, 0.4, spatial.exponential(-2.0, 0.3)),
        delay=spatial.linear(2, 10),
        axonal=spatial.linear(0, 10),
    )
    between = apart(a, b)[synapses.pre, synapses.post]
    np.testing.assert_allclose(synapses.weights, -2 * np.exp(-between / 0.3), rtol=1e-6)
    np.testing.assert_array_equal(synapses.delays, np.rint(2 + 10 * between))
    np.testing.assert_array_equal(synapses.axonal, np.rint(10 * between))
    assert synapses.max_delay > 5


def test_a_profile_may_work_in_place() -> None:
    def halved(distances: np.ndarray) -> np.ndarray:
        distances /= 2
        return distances

    line = spatial.grid((5,), (1.0,))
    profile = spatial.Profile(halved)
    synapses = jsnn.by_distance(KEY, line, line, profile, profile)
    between = apart(line, line)[synapses.pre, synapses.post]
    np.testing.assert_allclose(synapses.weights, between / 2, rtol=1e-6)


def test_weights_and_delays_are_those_of_other_builders() -> None:
    positions = spatial.grid((6, 6), (1.0, 1.0))
    given = {"delay": initializers.uniform(1, 9), "axonal": initializers.constant(0)}
    drawn = jsnn.by_distance(KEY, positions, positions, 1.0, initializers.normal(0, 1), **given)
    expected = jsnn.fixed_probability(KEY, 36, 36, 1.0, initializers.normal(0, 1), **given)
    for name in ("pre", "post", "weights", "delays", "axonal"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(expected, name))


def test_blocks_of_neurons_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = spatial.free(KEY, 50, (1.0, 1.0))
    given = (KEY, positions, positions, spatial.gaussian(0.9, 0.2), spatial.linear(1, -0.2))
    whole = jsnn.by_distance(*given, autapses=False)
    monkeypatch.setattr(distance, "_BLOCK", 120)
    for a, b in zip(
        jax.tree.leaves(whole),
        jax.tree.leaves(jsnn.by_distance(*given, autapses=False)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    other = jsnn.by_distance(jax.random.key(5), *given[1:], autapses=False)
    assert np.any(table(other) != table(whole))


def test_a_ring_simulates_and_learns() -> None:
    positions = spatial.grid((12,), (12.0,))
    ring = jsnn.by_distance(
        *(KEY, positions, positions, 1.0, 0.3),
        period=12.0,
        max_distance=2.0,
        autapses=False,
        delay=spatial.linear(0, 1),
        axonal=spatial.linear(-1, 1),
    )
    network = jsnn.Network(
        [jsnn.Population("a", 12, jsnn.SPIKE_SOURCE)],
        [jsnn.Projection("a", "a", ring, plasticity=jsnn.Plasticity(jsnn.STDP))],
    )
    state, _ = jsnn.simulate(network, {"a": np.eye(12, dtype=F32)[0]}, 3)
    assert ring.num_synapses == 12 * 4
    assert network.projections[0].delay == 2
    assert state.projections["a_to_a"].plasticity is not None


@pytest.mark.parametrize("profile", [spatial.gaussian(0.8, 0.3), spatial.Profile(np.sqrt)])
def test_profiles_can_be_shown_and_pickled(profile: spatial.Profile) -> None:
    assert pickle.loads(pickle.dumps(profile)) == profile
    assert repr(profile) in ("gaussian(0.8, 0.3)", "sqrt()")
