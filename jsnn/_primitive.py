"""Operations of JAX with a derivative of their own."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp


def elementwise_primitive(
    name: str, function: Callable[..., Any], jvp: Callable[..., tuple[Any, Any]]
) -> Any:
    """Make an operation that works on each number of one or more arrays by itself.

    A scan drops the derivative of a `jax.custom_jvp` once it is made linear; that of an operation
    stays.

    Args:
      name: of the operation.
      function: arrays of one shape -> array of the shape and dtype of the first; it may have
        static keyword arguments.
      jvp: (primals, tangents) -> (result, its tangent), with the same keyword arguments.
    """
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    def batched(operands: Any, axes: Any, **static: Any) -> tuple[Any, Any]:
        sizes = [x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None]
        if not sizes:
            return primitive.bind(*operands, **static), None
        rows = [
            jnp.broadcast_to(x, (sizes[0], *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
            for x, axis in zip(operands, axes, strict=True)
        ]
        return primitive.bind(*rows, **static), 0

    primitive = Primitive(name)
    primitive.def_impl(function)
    primitive.def_abstract_eval(lambda x, *_, **__: x)
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    batching.primitive_batchers[primitive] = batched
    ad.primitive_jvps[primitive] = jvp
    return primitive
