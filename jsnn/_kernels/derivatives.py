"""Clear error for derivatives that JAX cannot take through a kernel."""

from functools import lru_cache
from typing import Any

import jax

from jsnn._primitive import elementwise_primitive


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
    def jvp(primals: Any, tangents: Any) -> Any:
        raise NotImplementedError(
            "the derivative of a gradient cannot be taken through the delivery of spikes; expected "
            "forward over forward mode, jax.jacfwd(jax.jacfwd(f)), for second derivatives"
        )

    return elementwise_primitive("without_derivative", lambda x: x, jvp)
