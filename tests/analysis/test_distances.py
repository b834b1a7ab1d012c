"""Distances of distributions, beside their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsnn import analysis
from tests.profiles import examples

NUMBERS = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@given(NUMBERS, NUMBERS)
@examples(100)
def test_ks_distance_is_the_largest_difference_of_shares(one: list[int], other: list[int]) -> None:
    shares = [[np.mean([y <= x for y in given]) for x in range(-5, 6)] for given in (one, other)]
    expected = np.abs(np.subtract(*shares)).max()
    assert analysis.ks_distance(one, other) == pytest.approx(expected)
