"""A trained artificial network becomes a spiking one: `convert` and what recipes are made of."""

from jsnn.conversion import recipes
from jsnn.conversion.activation import qcfs
from jsnn.conversion.assessment import assess
from jsnn.conversion.build import Prepared
from jsnn.conversion.calibration import advanced, light
from jsnn.conversion.coding import Coding, analog, constant_current, latency, poisson
from jsnn.conversion.conversion import Conversion, LayerReport, convert
from jsnn.conversion.dense_weights import dense_weights
from jsnn.conversion.firing import (
    Firing,
    bursts,
    few_spikes,
    hard_reset,
    reset_by_subtraction,
    signed_digits,
    signed_spikes,
)
from jsnn.conversion.layer import QCFS
from jsnn.conversion.operations import Energy, fan_out
from jsnn.conversion.read import Read, potentials, spike_counts
from jsnn.conversion.read_flax import flatten
from jsnn.conversion.recipe import Calibration, Recipe, Sample, Scale
from jsnn.conversion.report import Exit, LayerError, Report
from jsnn.conversion.scales import (
    divided,
    largest_activation,
    largest_input,
    largest_possible,
    least_error,
    percentile,
    trained,
    unscaled,
)

__all__ = [
    "QCFS",
    "Calibration",
    "Coding",
    "Conversion",
    "Energy",
    "Exit",
    "Firing",
    "LayerError",
    "LayerReport",
    "Prepared",
    "Read",
    "Recipe",
    "Report",
    "Sample",
    "Scale",
    "advanced",
    "analog",
    "assess",
    "bursts",
    "constant_current",
    "convert",
    "dense_weights",
    "divided",
    "fan_out",
    "few_spikes",
    "flatten",
    "hard_reset",
    "largest_activation",
    "largest_input",
    "largest_possible",
    "latency",
    "least_error",
    "light",
    "percentile",
    "poisson",
    "potentials",
    "qcfs",
    "recipes",
    "reset_by_subtraction",
    "signed_digits",
    "signed_spikes",
    "spike_counts",
    "trained",
    "unscaled",
]
