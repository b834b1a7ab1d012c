"""Bounds of weights and of amplitudes, for most learning rules."""

from jsnn.models.quantity import Quantity

BOUNDS = {"w_min": Quantity(0.0, at_most="w_max"), "w_max": 1.0}
"""Parameters that bound the weights."""

NOT_NEGATED = "depression subtracts it; scripts for Brian2 often write it negative and add it"
"""Advice for a negative amplitude of depression."""

WEIGHT_BOUNDS = ("w_min", "w_max")
"""Names of the parameters that bound the weights."""
