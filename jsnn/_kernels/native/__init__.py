"""C++ kernels for the CPU, compiled if there is a compiler; everything works without them."""

from jsnn._kernels.native.calls import (
    Visits,
    distinct,
    event_product,
    overwrite,
    product_over_time,
    put,
    sparse_product,
    train_product,
    visits,
)
from jsnn._kernels.native.library import available

__all__ = [
    "Visits",
    "available",
    "distinct",
    "event_product",
    "overwrite",
    "product_over_time",
    "put",
    "sparse_product",
    "train_product",
    "visits",
]
