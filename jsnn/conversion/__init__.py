"""A trained artificial network becomes a spiking one."""

from jsnn.conversion.flax import dense_weights
from jsnn.conversion.qcfs import QCFS, qcfs

__all__ = ["QCFS", "dense_weights", "qcfs"]
