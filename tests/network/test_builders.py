"""Random sparse connectivity: exact degrees, distributions, reproducibility."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import scipy.sparse
import scipy.stats

import jsnn
from jsnn.network import initializers
from tests import reference
from tests.networks import F32
from tests.statistics import chi_squared_pvalue

KEY = jax.random.key(11)
BUILDERS: dict[str, Callable[..., jsnn.Sparse]] = {
    "fixed_probability": lambda key, **given: jsnn.fixed_probability(key, 40, 30, 0.2, **given),
    "fixed_in_degree": lambda key, **given: jsnn.fixed_in_degree(key, 40, 30, 7, **given),
    "fixed_out_degree": lambda key, **given: jsnn.fixed_out_degree(key, 40, 30, 7, **given),
    "fixed_total": lambda key, **given: jsnn.fixed_total(key, 40, 30, 250, **given),
}


def counts(sparse: jsnn.Sparse) -> np.ndarray:
    """[pre, post]: how many synapses join each pair."""
    table = np.zeros((sparse.num_pre, sparse.num_post), int)
    np.add.at(table, (np.asarray(sparse.pre), np.asarray(sparse.post)), 1)
    return table


def pvalue_of_patterns(rows: np.ndarray, probability: Callable[[tuple[int, ...]], float]) -> float:
    """How well rows of a few columns, each row drawn by itself, fit the patterns' probabilities."""
    observed: dict[tuple[int, ...], int] = {}
    for row in rows.tolist():
        observed[tuple(row)] = observed.get(tuple(row), 0) + 1
    most = rows.max() + 1
    patterns = [p for p in itertools.product(range(most), repeat=rows.shape[1]) if probability(p)]
    assert set(observed) <= set(patterns)
    expected = [probability(p) * len(rows) for p in patterns]
    return scipy.stats.chisquare([observed.get(p, 0) for p in patterns], expected).pvalue


@pytest.mark.parametrize("p", [0.03, 0.5, 0.9])
def test_pairs_are_joined_independently_with_their_probability(p: float) -> None:
    rows = counts(jsnn.fixed_probability(KEY, 20_000, 3, p, 1.0))
    chance = lambda row: np.prod([p if one else 1 - p for one in row])  # noqa: E731
    assert pvalue_of_patterns(rows, chance) > 0.001
    columns = counts(jsnn.fixed_probability(KEY, 300, 400, p, 1.0))
    for axis, size in ((0, 300), (1, 400)):
        degrees = columns.sum(axis=axis)
        assert chi_squared_pvalue(degrees, scipy.stats.binom(size, p)) > 0.001


def test_no_pair_and_every_pair() -> None:
    assert jsnn.fixed_probability(KEY, 5, 4, 0.0, 1.0).num_synapses == 0
    np.testing.assert_array_equal(counts(jsnn.fixed_probability(KEY, 5, 4, 1.0, 1.0)), 1)
    without = counts(jsnn.fixed_probability(KEY, 5, 5, 1.0, 1.0, autapses=False))
    np.testing.assert_array_equal(without, 1 - np.eye(5, dtype=int))
    assert jsnn.fixed_probability(KEY, 1, 1, 1.0, 1.0, autapses=False).num_synapses == 0


def test_autapses_are_left_out_and_nothing_else() -> None:
    table = counts(jsnn.fixed_probability(KEY, 400, 400, 0.1, 1.0, autapses=False))
    assert not np.diag(table).any()
    assert chi_squared_pvalue(table.sum(axis=1), scipy.stats.binom(399, 0.1)) > 0.001
    pre, post = np.nonzero(table)
    assert scipy.stats.chisquare(np.bincount((post - pre) % 400)[1:]).pvalue > 0.001
    assert np.diag(counts(jsnn.fixed_probability(KEY, 400, 400, 0.1, 1.0))).any()


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("builder", [jsnn.fixed_in_degree, jsnn.fixed_out_degree])
def test_degrees_are_exact_and_all_choices_as_likely(builder: Any, degree: int) -> None:
    of_post = builder is jsnn.fixed_in_degree
    sizes = (5, 6000) if of_post else (6000, 5)
    table = counts(builder(KEY, *sizes, degree, 1.0))
    rows = table.T if of_post else table
    assert np.all(rows.sum(axis=1) == degree)
    assert rows.max(initial=0) <= 1
    if 0 < degree < 5:
        choices = math.comb(5, degree)
        assert pvalue_of_patterns(rows, lambda row: (sum(row) == degree) / choices) > 0.001


@pytest.mark.parametrize("builder", [jsnn.fixed_in_degree, jsnn.fixed_out_degree])
def test_degrees_with_replacement(builder: Any) -> None:
    of_post = builder is jsnn.fixed_in_degree
    sizes = (3, 6000) if of_post else (6000, 3)
    table = counts(builder(KEY, *sizes, 4, 1.0, replace=True))
    rows = table.T if of_post else table
    fair = scipy.stats.multinomial(4, [1 / 3] * 3)
    assert pvalue_of_patterns(rows, lambda row: fair.pmf(row) if sum(row) == 4 else 0) > 0.001


@pytest.mark.parametrize("total", [1, 3])
def test_a_total_is_exact_and_all_choices_as_likely(total: int) -> None:
    keys = jax.random.split(KEY, 100)
    draws = np.array([counts(jsnn.fixed_total(key, 2, 2, total, 1.0)).ravel() for key in keys])
    assert draws.max() == 1
    choices = math.comb(4, total)
    assert pvalue_of_patterns(draws, lambda row: (sum(row) == total) / choices) > 0.001


def test_a_large_total_falls_everywhere() -> None:
    table = counts(jsnn.fixed_total(KEY, 200, 300, 6000, 1.0))
    assert table.sum() == 6000
    assert table.max() == 1
    degrees = scipy.stats.hypergeom(200 * 300, 300, 6000)
    assert chi_squared_pvalue(table.sum(axis=1), degrees) > 0.001
    repeated = counts(jsnn.fixed_total(KEY, 200, 300, 60_000, 1.0, replace=True))
    assert repeated.sum() == 60_000
    assert chi_squared_pvalue(repeated, scipy.stats.poisson(1)) > 0.001


def test_a_total_with_replacement_is_drawn_pair_by_pair() -> None:
    keys = jax.random.split(KEY, 300)
    draws = [jsnn.fixed_total(key, 2, 2, 3, 1.0, replace=True) for key in keys]
    table = np.array([counts(drawn).ravel() for drawn in draws])
    fair = scipy.stats.multinomial(3, [1 / 4] * 4)
    assert pvalue_of_patterns(table, lambda row: fair.pmf(row) if sum(row) == 3 else 0) > 0.001


def test_a_total_with_replacement_is_sorted_by_presynaptic_neuron_alone() -> None:
    drawn = jsnn.fixed_total(KEY, 30, 200, 6000, 1.0, replace=True)
    assert np.all(np.diff(drawn.pre) >= 0)
    assert drawn.order is None
    early, late = np.asarray(drawn.post).reshape(-1, 2).T
    assert scipy.stats.chisquare(np.bincount(drawn.post, minlength=200)).pvalue > 0.001
    assert abs(np.corrcoef(early, late)[0, 1]) < 4 / np.sqrt(3000)


def test_a_total_with_replacement_may_leave_out_autapses() -> None:
    table = counts(jsnn.fixed_total(KEY, 60, 60, 50_000, 1.0, replace=True, autapses=False))
    assert not np.diag(table).any()
    assert scipy.stats.chisquare(table[~np.eye(60, dtype=bool)]).pvalue > 0.001


@pytest.mark.parametrize("name", BUILDERS)
def test_a_key_makes_the_same_synapses_and_another_key_others(name: str) -> None:
    given = {"weight": initializers.normal(0, 1), "delay": initializers.uniform(1, 9)}
    one, same = (BUILDERS[name](jax.random.key(3), **given) for _ in range(2))
    other = BUILDERS[name](jax.random.key(4), **given)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(same), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(counts(one) != counts(other))
    assert not np.isin(one.weights, other.weights).any()


@pytest.mark.parametrize("name", BUILDERS)
def test_weights_and_delays_do_not_change_which_pairs_are_joined(name: str) -> None:
    plain = BUILDERS[name](KEY, weight=0.5)
    assert plain.delays is None
    np.testing.assert_array_equal(plain.weights, np.full(plain.num_synapses, F32(0.5)))
    given = BUILDERS[name](KEY, weight=initializers.exponential(2), delay=initializers.constant(3))
    np.testing.assert_array_equal(counts(given), counts(plain))
    np.testing.assert_array_equal(given.delays, np.full(plain.num_synapses, 3))


def test_weights_and_delays_are_drawn_independently_of_each_other() -> None:
    size = 300 * 400
    sparse = jsnn.fixed_total(
        KEY, 300, 400, size, initializers.normal(1, 0.5), delay=initializers.uniform(0.5, 5.5)
    )
    weights, delays = (np.asarray(a).astype(np.float64) for a in (sparse.weights, sparse.delays))
    assert scipy.stats.kstest(weights, scipy.stats.norm(1, 0.5).cdf).pvalue > 0.001
    assert scipy.stats.chisquare(np.bincount(delays.astype(int))[1:]).pvalue > 0.001
    assert abs(np.corrcoef(weights, delays)[0, 1]) < 4 / np.sqrt(size)


def test_axonal_parts_are_drawn_or_given_and_sort_the_synapses() -> None:
    given = {"weight": 1.0, "delay": initializers.uniform(5, 9)}
    sparse = jsnn.fixed_total(KEY, 40, 30, 250, **given, axonal=initializers.uniform(0, 4))
    without = jsnn.fixed_total(KEY, 40, 30, 250, **given)
    np.testing.assert_array_equal(np.sort(sparse.delays), np.sort(without.delays))
    assert set(np.asarray(sparse.axonal).tolist()) == set(range(5))
    steps = np.asarray(without.delays) - 1
    brian = jsnn.fixed_total(KEY, 40, 30, 250, **given, axonal=steps)
    longest_first = np.argsort(-steps, kind="stable")
    np.testing.assert_array_equal(brian.axonal, steps[longest_first])
    for name in ("pre", "post", "delays"):
        expected = np.asarray(getattr(without, name))[longest_first]
        np.testing.assert_array_equal(getattr(brian, name), expected)


def test_arrays_of_weights_and_delays_follow_the_sorted_pairs() -> None:
    number, steps = np.arange(30, dtype=F32), np.arange(1, 31)
    sparse = jsnn.fixed_in_degree(KEY, 6, 10, 3, number, delay=steps)
    np.testing.assert_array_equal(sparse.weights, number)
    np.testing.assert_array_equal(sparse.delays, steps)
    pairs = np.asarray(sparse.pre) * 10 + np.asarray(sparse.post)
    np.testing.assert_array_equal(pairs, np.sort(pairs))


FORMATS = [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array]


@pytest.mark.parametrize("make", FORMATS, ids=lambda make: make.__name__)
def test_a_scipy_matrix_is_the_same_as_its_dense_one(make: Any) -> None:
    rng = np.random.default_rng(0)
    matrix = (rng.normal(size=(20, 13)) * (rng.random((20, 13)) < 0.3)).astype(F32)
    sparse = jsnn.from_scipy(make(matrix))
    assert sparse.num_synapses == np.count_nonzero(matrix)
    spikes = (rng.random(20) < 0.5).astype(F32)
    expected = reference.sequential_sum(spikes, matrix)
    np.testing.assert_array_equal(sparse.deliver(spikes), expected)


def test_what_a_scipy_matrix_stores_twice_adds_up_and_a_stored_zero_stays() -> None:
    numbers, pre, post = np.array([0.5, 0.25, 0.0], F32), [0, 0, 1], [2, 2, 1]
    matrix = scipy.sparse.coo_array((numbers, (pre, post)), shape=(2, 3))
    sparse = jsnn.from_scipy(matrix)
    assert np.asarray(sparse.pre).tolist() == [0, 1]
    assert np.asarray(sparse.post).tolist() == [2, 1]
    assert np.asarray(sparse.weights).tolist() == [0.75, 0.0]
    assert matrix.nnz == 3
