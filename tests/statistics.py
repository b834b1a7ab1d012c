"""Statistical tests that several tests use."""

from typing import Any

import numpy as np
import scipy.stats


def chi_squared_pvalue(counts: np.ndarray, expected: Any) -> float:
    """Return the p-value of counts under a distribution; each of its tails counts as one bin."""
    least, most = int(expected.ppf(0.001)), int(expected.ppf(0.999))
    observed = np.bincount(np.clip(counts, least, most).ravel() - least, minlength=most - least + 1)
    edges = np.concatenate([[-np.inf], np.arange(least, most), [np.inf]])
    return scipy.stats.chisquare(observed, np.diff(expected.cdf(edges)) * counts.size).pvalue
