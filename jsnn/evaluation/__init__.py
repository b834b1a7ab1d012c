"""Evaluation of networks on whole data sets."""

from jsnn.evaluation.between import fresh, keep_in_flight
from jsnn.evaluation.data_set import evaluate
from jsnn.evaluation.presentation import present_all
from jsnn.evaluation.readouts import (
    Readout,
    first_spike,
    last_voltage,
    max_voltage,
    mean_voltage,
    spike_count,
    sum_voltage,
)
from jsnn.evaluation.results import Evaluation, IncompleteError

__all__ = [
    "Evaluation",
    "IncompleteError",
    "Readout",
    "evaluate",
    "first_spike",
    "fresh",
    "keep_in_flight",
    "last_voltage",
    "max_voltage",
    "mean_voltage",
    "present_all",
    "spike_count",
    "sum_voltage",
]
