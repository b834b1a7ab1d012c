"""C++ kernels for the CPU, compiled if there is a compiler; everything works without them."""

from jsnn._kernels.native.calls import (
    deliver,
    distinct,
    event_product,
    product_over_time,
    settle,
    train_product,
)
from jsnn._kernels.native.library import available

__all__ = [
    "available",
    "deliver",
    "distinct",
    "event_product",
    "product_over_time",
    "settle",
    "train_product",
]
