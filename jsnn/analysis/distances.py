"""Distances of two distributions."""

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import host_array


def ks_distance(one: ArrayLike, other: ArrayLike) -> float:
    """Return the two-sample Kolmogorov-Smirnov distance of two sets of numbers.

    The distance is the largest difference between the shares of numbers that do not exceed x, over
    all x: 0 for equal sets, 1 for sets apart.

    Raises:
      ValueError: if a set is empty or holds NaN.
    """
    a, b = (np.sort(host_array(given, "ks_distance").ravel()) for given in (one, other))
    if not a.size or not b.size or np.isnan(a[-1]) or np.isnan(b[-1]):
        raise ValueError(
            f"ks_distance: given {a.size} and {b.size} numbers; expected at least one in each set, "
            "and no NaN"
        )
    both = np.concatenate([a, b])
    share_of_a, share_of_b = (np.searchsorted(x, both, side="right") / x.size for x in (a, b))
    return float(np.abs(share_of_a - share_of_b).max())
