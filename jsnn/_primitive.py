"""Operations of JAX with a derivative of their own."""

from collections.abc import Callable
from typing import Any


def elementwise_primitive(
    name: str, function: Callable[..., Any], jvp: Callable[..., tuple[Any, Any]]
) -> Any:
    """Make an operation that works on each number of an array by itself.

    A scan drops the derivative of a `jax.custom_jvp` once it is made linear; that of an operation
    stays.

    Args:
      name: of the operation.
      function: array -> array of the same shape and dtype; it may have static keyword arguments.
      jvp: (primals, tangents) -> (result, its tangent), with the same keyword arguments.
    """
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    primitive = Primitive(name)
    primitive.def_impl(function)
    primitive.def_abstract_eval(lambda x, **_: x)
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    batching.defvectorized(primitive)
    ad.primitive_jvps[primitive] = jvp
    return primitive
