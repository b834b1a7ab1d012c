"""Recordings of a run: a trace over time, or a fold that needs no memory for time.

`simulate(..., record={name: recording})` returns {name: recorded}. A recording is one of those
here, any function of (state, spikes), stacked over the steps, or an object of your own with the
methods of `Trace` or `Fold`. Recordings are static: hashable, and equal if they record the same.
"""

from jsnn.recording.checked_spikes import checked_spikes
from jsnn.recording.choice import check_neurons, checked_neurons, chosen
from jsnn.recording.non_finite import NonFinite
from jsnn.recording.protocols import (
    Fold,
    Recording,
    Recordings,
    SpikesOf,
    Trace,
    abstract_step,
)
from jsnn.recording.spike_folds import FirstSpike, FirstSpikeTime, Rate, SpikeCount
from jsnn.recording.traces import Spikes, Variable
from jsnn.recording.variable_folds import (
    FinalVariable,
    MaxVariable,
    MeanVariable,
    SumVariable,
    VariableFold,
)

__all__ = [
    "FinalVariable",
    "FirstSpike",
    "FirstSpikeTime",
    "Fold",
    "MaxVariable",
    "MeanVariable",
    "NonFinite",
    "Rate",
    "Recording",
    "Recordings",
    "SpikeCount",
    "Spikes",
    "SpikesOf",
    "SumVariable",
    "Trace",
    "Variable",
    "VariableFold",
    "abstract_step",
    "check_neurons",
    "checked_neurons",
    "checked_spikes",
    "chosen",
]
