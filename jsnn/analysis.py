"""Statistics of spike trains: rates, intervals, counts in bins, correlations, distances.

The functions take the spikes of one recording as `SpikeTrains`, made from a list of spikes or from
recorded spikes bool [T, N]. They run on the host, in NumPy.

    trains = analysis.SpikeTrains(steps, neurons, num_neurons=4000, duration=1000.0, dt=0.1)
    trains = analysis.SpikeTrains.of_recorded(recorded["spikes"], dt=0.1)
    analysis.rates(trains.after(500.0)).mean()
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_type, finite_number, host_array, positive_int
from jsnn.recording import checked_spikes
from jsnn.spike_events import spike_list

MIN_SPIKES = 10
"""Fewest spikes for a coefficient of variation unless given; of fewer intervals it says little."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, repr=False, eq=False)
class SpikeTrains:
    """The spikes of N neurons in one recording.

    Attributes:
      times: [S], the time of each spike in units of `dt`, from 0: steps of a run with the `dt` of
        its network, or ms with `dt=1.0`. They are kept sorted by neuron, then by time.
      neurons: integers [S], the neuron of each spike, from 0 to num_neurons - 1.
      num_neurons: N, those included that did not spike.
      duration: the length of the recording, in ms. Every spike lies before its end.
      dt: the unit of `times`, in ms.

    Raises:
      TypeError: if times are not numbers, or neurons are not integers.
      ValueError: if the arrays have different lengths, a time is outside the recording, or there is
        no such neuron.
    """

    times: Array
    neurons: Array
    num_neurons: int
    duration: float
    dt: float = 1.0

    def __post_init__(self) -> None:
        num_neurons = positive_int(self.num_neurons, "SpikeTrains, num_neurons")
        duration = _positive(self.duration, "SpikeTrains, duration")
        dt = _positive(self.dt, "SpikeTrains, dt")
        times, neurons = (
            host_array(given, f"SpikeTrains, {name}")
            for name, given in (("times", self.times), ("neurons", self.neurons))
        )
        if times.ndim != 1 or times.shape != neurons.shape:
            raise ValueError(
                f"SpikeTrains, times and neurons: given shapes {times.shape} and {neurons.shape}; "
                "expected one time and one neuron for each spike, [S]"
            )
        if times.dtype.kind not in "iuf":
            raise TypeError(f"SpikeTrains, times: given {times.dtype}; expected numbers")
        if neurons.dtype.kind not in "iu" and neurons.size:
            raise TypeError(f"SpikeTrains, neurons: given {neurons.dtype}; expected integers")
        neurons = neurons.astype(np.int64)
        outside = neurons[(neurons < 0) | (neurons >= num_neurons)]
        if outside.size:
            raise ValueError(
                f"SpikeTrains, neurons: given {outside[0]}; expected 0 to {num_neurons - 1}"
            )
        outside = times[~((times >= 0) & (times < _in_units(duration, dt)))]
        if outside.size:
            raise ValueError(
                f"SpikeTrains, times: given {outside[0]}, which is {outside[0] * dt:g} ms; "
                f"expected times >= 0 and before the end, {duration:g} ms"
            )
        order = np.lexsort((times, neurons))
        canonical = {
            "times": times[order],
            "neurons": neurons[order],
            "num_neurons": num_neurons,
            "duration": duration,
            "dt": dt,
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of_recorded(cls, spikes: ArrayLike, dt: float) -> "SpikeTrains":
        """Make spike trains of recorded spikes, bool [T, N].

        Args:
          spikes: as `jsnn.Spikes` records them.
          dt: the length of a step, in ms.

        Raises:
          ValueError: if the spikes are not [T, N], or hold anything but 0 and 1.
        """
        num_steps, num_neurons = checked_spikes(spikes, "SpikeTrains").shape
        step = _positive(dt, "SpikeTrains, dt")
        return cls(*spike_list(spikes), num_neurons, num_steps * step, step)

    def after(self, start: float) -> "SpikeTrains":
        """Return the spikes from `start` (ms) on, with times that count from there.

        Raises:
          ValueError: if `start` is outside the recording, or no whole number of steps while the
            times are steps.
        """
        start = finite_number(start, "after, start", least=0)
        if start >= self.duration:
            raise ValueError(
                f"after, start: given {start:g} ms; expected less than the duration, "
                f"{self.duration:g} ms"
            )
        first = self._width(start, "after, start")
        kept = self.times >= first
        return SpikeTrains(
            self.times[kept] - first,
            self.neurons[kept],
            self.num_neurons,
            self.duration - start,
            self.dt,
        )

    def of(self, neurons: ArrayLike | slice) -> "SpikeTrains":
        """Return the spike trains of some neurons, numbered from 0 in the order given.

        Args:
          neurons: distinct integers [K], or a slice.

        Raises:
          ValueError: if there is none, one twice, or one that is not in the recording.
        """
        if isinstance(neurons, slice):
            chosen = np.arange(self.num_neurons)[neurons]
        else:
            chosen = host_array(neurons, "SpikeTrains, of")
        known = chosen.dtype.kind in "iu" and np.isin(chosen, np.arange(self.num_neurons)).all()
        if chosen.ndim != 1 or not known or not 0 < len(np.unique(chosen)) == len(chosen):
            raise ValueError(
                f"SpikeTrains, of: given {neurons!r}; expected at least one of the neurons 0 to "
                f"{self.num_neurons - 1}, each once"
            )
        number = np.full(self.num_neurons, -1)
        number[chosen] = np.arange(len(chosen))
        renumbered = number[self.neurons]
        kept = renumbered >= 0
        return SpikeTrains(self.times[kept], renumbered[kept], len(chosen), self.duration, self.dt)

    @property
    def num_spikes(self) -> int:
        return len(self.times)

    def _width(self, milliseconds: float, what: str) -> Any:
        """Return a time in the unit of `times`: an integer if they are steps."""
        units = _in_units(milliseconds, self.dt)
        if self.times.dtype.kind not in "iu":
            return units
        if units != round(units):
            raise ValueError(
                f"{what}: given {milliseconds:g} ms; expected whole steps of {self.dt:g} ms"
            )
        return round(units)

    def __repr__(self) -> str:
        return (
            f"SpikeTrains: {self.num_spikes:,} spikes of {self.num_neurons:,} neurons in "
            f"{self.duration:g} ms"
        )


def rates(trains: SpikeTrains) -> Array:
    """Return the spikes per second of every neuron, in Hz, [N]."""
    _check_trains(trains, "rates")
    return np.bincount(trains.neurons, minlength=trains.num_neurons) / (trains.duration / 1000)


def population_rate(trains: SpikeTrains, width: float) -> Array:
    """Return the mean rate of all neurons in each bin, in Hz, [number of whole bins].

    Args:
      trains: the spikes.
      width: of a bin, in ms.

    Raises:
      ValueError: if the bins do not fit the recording, as `binned_counts` says.
    """
    bins, num_bins = _bins(trains, width, "population_rate")
    inside = bins < num_bins
    of_all = np.bincount(bins[inside], minlength=num_bins)
    return of_all / (trains.num_neurons * width / 1000)


def intervals(trains: SpikeTrains) -> tuple[Array, Array]:
    """Return all inter-spike intervals, in ms, and their neurons: [K] and [K].

    They are sorted by neuron, then by time. A neuron with n spikes has n - 1 intervals.
    """
    _check_trains(trains, "intervals")
    same = trains.neurons[1:] == trains.neurons[:-1]
    return np.diff(trains.times)[same] * trains.dt, trains.neurons[1:][same]


def cv_of_intervals(trains: SpikeTrains, min_spikes: int = MIN_SPIKES) -> Array:
    """Return the coefficients of variation of the inter-spike intervals, one per neuron.

    The coefficient is the standard deviation of a neuron's intervals over their mean: 0 for a
    regular train, 1 for a Poisson process. The variance is the mean squared deviation of the n
    intervals, with the divisor n and not n - 1.

    Args:
      trains: the spikes.
      min_spikes: neurons with fewer are left out; at least 2, which make one interval.

    Returns:
      float [K], in order of the K neurons with at least `min_spikes`.
    """
    fewest = positive_int(min_spikes, "cv_of_intervals, min_spikes", least=2) - 1
    lengths, neurons = intervals(trains)
    number = np.bincount(neurons, minlength=trains.num_neurons)
    divisor = np.maximum(number, 1)
    mean = np.bincount(neurons, lengths, trains.num_neurons) / divisor
    squares = (lengths - mean[neurons]) ** 2
    variance = np.bincount(neurons, squares, trains.num_neurons) / divisor
    enough = (number >= fewest) & (mean > 0)
    return np.sqrt(variance[enough]) / mean[enough]


def binned_counts(trains: SpikeTrains, width: float) -> Array:
    """Count the spikes of every neuron in bins, int64 [number of whole bins, N].

    Bin k holds the times from k * width up to, but not including, (k + 1) * width. A time that
    rounding alone puts before an edge is at the edge. Spikes after the last whole bin are left out.

    Args:
      trains: the spikes.
      width: of a bin, in ms.

    Raises:
      ValueError: if the recording is shorter than a bin, or a bin is no whole number of steps while
        the times are steps.
    """
    bins, num_bins = _bins(trains, width, "binned_counts")
    inside = bins < num_bins
    cells = bins[inside] * trains.num_neurons + trains.neurons[inside]
    counts = np.bincount(cells, minlength=num_bins * trains.num_neurons)
    return counts.reshape(num_bins, trains.num_neurons)


def correlations(
    trains: SpikeTrains, width: float, *, num_neurons: int = 200, seed: int = 0
) -> Array:
    """Return Pearson's correlation of the binned counts of pairs of neurons.

    The pairs are those of a sample of the neurons, since all of them are many. Neurons with the
    same count in every bin, such as those that never spike, have no correlation.

    Args:
      trains: the spikes.
      width: of a bin, in ms.
      num_neurons: the most neurons to draw, each set of them equally likely.
      seed: of the sample.

    Returns:
      float [K (K - 1) / 2], each pair of the K neurons once, of those drawn whose counts vary.

    Raises:
      ValueError: if the bins do not fit the recording, as `binned_counts` says.
    """
    _check_trains(trains, "correlations")
    most = positive_int(num_neurons, "correlations, num_neurons", least=2)
    rng = np.random.default_rng(seed)
    size = min(most, trains.num_neurons)
    sample = np.sort(rng.choice(trains.num_neurons, size, replace=False))
    counts = binned_counts(trains.of(sample), width)
    deviations = counts - counts.mean(axis=0)
    length = np.sqrt((deviations**2).sum(axis=0))
    varies = (counts != counts[:1]).any(axis=0)
    unit = deviations[:, varies] / length[varies]
    return (unit.T @ unit)[np.triu_indices(unit.shape[1], 1)]


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


def _bins(trains: SpikeTrains, width: float, what: str) -> tuple[Array, int]:
    """Return the bin of each spike, [S], and the number of whole bins."""
    _check_trains(trains, what)
    width = _positive(width, f"{what}, width")
    num_bins = int(_in_units(trains.duration, width))
    if not num_bins:
        raise ValueError(
            f"{what}, width: given {width:g} ms; expected at most the duration, "
            f"{trains.duration:g} ms"
        )
    times, width_in_units = trains.times, trains._width(width, f"{what}, width")
    if times.dtype.kind in "iu":
        return (times // width_in_units).astype(np.int64), num_bins
    rounding = 4 * np.finfo(times.dtype).eps  # so that 0.3 ms lies in bin 3 of 0.1 ms
    return np.floor(times / width_in_units * (1 + rounding)).astype(np.int64), num_bins


def _check_trains(trains: Any, what: str) -> None:
    """Raise TypeError if `trains` are no spike trains, but recorded spikes for example."""
    hint = ", such as SpikeTrains.of_recorded(spikes, dt)"
    check_type(trains, SpikeTrains, f"{what}, trains", hint)


def _in_units(milliseconds: float, unit: float) -> float:
    """Return how many units make a time; a whole number if it is one but for rounding.

    A `dt` of float32, as networks have it, may be rounded by a part in 10^7.
    """
    units = milliseconds / unit
    tolerance = min(1e-7 * max(units, 1), 0.1)
    return float(round(units)) if abs(units - round(units)) < tolerance else units


def _positive(value: Any, what: str) -> float:
    number = finite_number(value, what)
    if number <= 0:
        raise ValueError(f"{what}: given {number:g}; expected a number > 0")
    return number
