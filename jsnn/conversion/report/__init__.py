"""Report of a converted network on labelled images: accuracy, spikes, energy, errors."""

from jsnn.conversion.report.assessment import assess
from jsnn.conversion.report.operations import Energy, fan_out
from jsnn.conversion.report.report import Exit, LayerError, Report

__all__ = ["Energy", "Exit", "LayerError", "Report", "assess", "fan_out"]
