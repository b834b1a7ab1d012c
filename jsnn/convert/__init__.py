"""A trained artificial network becomes a spiking one."""

from jsnn.convert.flax import dense_weights

__all__ = ["dense_weights"]
