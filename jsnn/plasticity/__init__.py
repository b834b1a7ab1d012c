"""Plasticity: how the weights of a projection change in a run."""

from jsnn.plasticity.model import PlasticityModel

__all__ = ["PlasticityModel"]
