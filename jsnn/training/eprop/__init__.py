"""E-prop: gradients by traces of eligibility and learning signals, online."""

from jsnn.training.eprop.gradient import EProp, eprop

__all__ = ["EProp", "eprop"]
