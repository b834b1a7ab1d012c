"""Clear error for derivatives that JAX cannot take through a kernel."""

from functools import lru_cache
from typing import Any

import jax


def without_derivative(x: jax.Array) -> jax.Array:
    """Return `x`, in a function that has a derivative of its own.

    A scan drops the derivative of a `custom_jvp` once it is made linear. Whoever then takes a
    derivative of a gradient would get an error of JAX about a foreign call.

    Raises:
      NotImplementedError: if the derivative of this function is taken.
    """
    return _identity().bind(x)


@lru_cache
def _identity() -> Any:
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    primitive = Primitive("without_derivative")

    def jvp(primals: Any, tangents: Any) -> Any:
        raise NotImplementedError(
            "the derivative of a gradient cannot be taken through the delivery of spikes; expected "
            "forward over forward mode, jax.jacfwd(jax.jacfwd(f)), for second derivatives"
        )

    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, lambda ctx, x: [x])
    batching.defvectorized(primitive)
    ad.primitive_jvps[primitive] = jvp
    return primitive
