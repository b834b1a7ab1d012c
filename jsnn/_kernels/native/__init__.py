"""C++ kernels for the CPU, compiled if there is a compiler; everything works without them."""

from jsnn._kernels.native.calls import (
    Visits,
    deliver,
    distinct,
    event_product,
    overwrite,
    product_over_time,
    put,
    settle,
    spike_outer,
    train_product,
    visits,
)
from jsnn._kernels.native.library import available

__all__ = [
    "Visits",
    "available",
    "deliver",
    "distinct",
    "event_product",
    "overwrite",
    "product_over_time",
    "put",
    "settle",
    "spike_outer",
    "train_product",
    "visits",
]
