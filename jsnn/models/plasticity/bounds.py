"""Bounds of the weights, as most rules have them."""

from jsnn.models.quantity import Quantity

BOUNDS = {"w_min": Quantity(0.0, at_most="w_max"), "w_max": 1.0}
"""Parameters."""

WEIGHT_BOUNDS = ("w_min", "w_max")
"""Names of the parameters that bound the weights."""
