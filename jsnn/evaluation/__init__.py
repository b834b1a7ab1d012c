"""Evaluation of networks on whole data sets."""

from jsnn.evaluation.between import fresh, keep_in_flight
from jsnn.evaluation.data_set import evaluate
from jsnn.evaluation.presentation import present_all
from jsnn.evaluation.readouts import Readout, first_spike, max_voltage, spike_count
from jsnn.evaluation.results import Evaluation, IncompleteError

__all__ = [
    "Evaluation",
    "IncompleteError",
    "Readout",
    "evaluate",
    "first_spike",
    "fresh",
    "keep_in_flight",
    "max_voltage",
    "present_all",
    "spike_count",
]
