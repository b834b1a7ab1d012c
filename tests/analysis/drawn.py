"""Spike trains that several tests draw."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jsnn.analysis import SpikeTrains

RECORDED = hnp.arrays(bool, st.tuples(st.integers(4, 40), st.integers(1, 6)))
"""Recorded spikes, bool [T, N]."""


def recorded(trains: np.ndarray, dt: float = 1.0) -> SpikeTrains:
    return SpikeTrains.of_recorded(trains, dt)


def poisson(rate: float, num_neurons: int, duration: float, seed: int = 0) -> SpikeTrains:
    """Draw Poisson processes: their number of spikes, then the times, which are uniform."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate * duration / 1000, num_neurons)
    times = rng.uniform(0, duration, counts.sum())
    return SpikeTrains(times, np.repeat(np.arange(num_neurons), counts), num_neurons, duration)
