"""The spikes of a recording, and parts of it."""

from dataclasses import dataclass

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_type, finite_number, host_array, positive_int, positive_number
from jsnn.analysis.units import Array, in_units, in_units_of
from jsnn.recording import checked_spikes
from jsnn.spike_events import Events, spike_list


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
        duration = positive_number(self.duration, "SpikeTrains, duration")
        dt = positive_number(self.dt, "SpikeTrains, dt")
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
        outside = times[~((times >= 0) & (times < in_units(duration, dt)))]
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
        step = positive_number(dt, "SpikeTrains, dt")
        return cls(*spike_list(spikes), num_neurons, num_steps * step, step)

    @classmethod
    def of_events(
        cls, events: Events, num_neurons: int, num_steps: int, dt: float
    ) -> "SpikeTrains":
        """Make spike trains of recorded events, which do not tell how many neurons were silent.

        Args:
          events: as `jsnn.SpikeEvents` records them.
          num_neurons: N, the size of the population.
          num_steps: the number of steps of the run.
          dt: the length of a step, in ms.

        Raises:
          ValueError: if there were more spikes than events that could be kept, or one lies outside
            the run or the population.
        """
        check_type(events, Events, "SpikeTrains, events", ", as jsnn.SpikeEvents records them")
        step = positive_number(dt, "SpikeTrains, dt")
        duration = positive_int(num_steps, "SpikeTrains, num_steps") * step
        return cls(*spike_list(events), num_neurons, duration, step)

    @property
    def num_spikes(self) -> int:
        return len(self.times)

    @property
    def times_ms(self) -> Array:
        """The time of each spike in ms, [S], in order of `neurons`."""
        return self.times * self.dt

    def by_neuron(self) -> list[Array]:
        """Return the times of the spikes of each neuron, in ms: N arrays, each ascending."""
        first = np.searchsorted(self.neurons, np.arange(1, self.num_neurons))
        return np.split(self.times_ms, first)

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
        first = in_units_of(self.times, self.dt, start, "after, start")
        kept = self.times >= first
        return SpikeTrains(
            self.times[kept] - first,
            self.neurons[kept],
            self.num_neurons,
            self.duration - start,
            self.dt,
        )

    def before(self, end: float) -> "SpikeTrains":
        """Return the spikes before `end` (ms), where the recording then ends.

        Raises:
          ValueError: if `end` is not in the recording, or no whole number of steps while the times
            are steps.
        """
        end = positive_number(end, "before, end")
        if end > self.duration:
            raise ValueError(
                f"before, end: given {end:g} ms; expected at most the duration, "
                f"{self.duration:g} ms"
            )
        kept = self.times < in_units_of(self.times, self.dt, end, "before, end")
        return SpikeTrains(self.times[kept], self.neurons[kept], self.num_neurons, end, self.dt)

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

    def __repr__(self) -> str:
        return (
            f"SpikeTrains: {self.num_spikes:,} spikes of {self.num_neurons:,} neurons in "
            f"{self.duration:g} ms"
        )
