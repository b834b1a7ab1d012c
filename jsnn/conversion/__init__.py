"""Conversion of a trained artificial network into a spiking one: `convert`, and recipes for it."""

from jsnn.conversion import recipes
from jsnn.conversion.activation import qcfs
from jsnn.conversion.calibration import advanced, light
from jsnn.conversion.coding import Coding, analog, constant_current, latency, poisson
from jsnn.conversion.conversion import Conversion, LayerReport
from jsnn.conversion.converter import convert
from jsnn.conversion.dense_weights import dense_weights
from jsnn.conversion.emission import Emission
from jsnn.conversion.firing import (
    Firing,
    bursts,
    few_spikes,
    hard_reset,
    signed_digits,
    signed_spikes,
    soft_reset,
)
from jsnn.conversion.output import Output, potentials, spike_counts
from jsnn.conversion.prepared import Prepared
from jsnn.conversion.qcfs_layer import QCFS
from jsnn.conversion.recipe import Calibration, Recipe, Sample, Scale
from jsnn.conversion.report import Energy, Exit, LayerError, Report, assess, fan_out
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
    "Emission",
    "Energy",
    "Exit",
    "Firing",
    "LayerError",
    "LayerReport",
    "Output",
    "Prepared",
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
    "signed_digits",
    "signed_spikes",
    "soft_reset",
    "spike_counts",
    "trained",
    "unscaled",
]
