"""Spike function: a Heaviside step forwards, a smooth pseudo-derivative backwards."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

Surrogate = Callable[[jax.Array], jax.Array]


def superspike(margin: jax.Array) -> jax.Array:
    """Return the derivative of a fast sigmoid, σ'(m) = 1 / (1 + 10 |m|)².

    m is in the unit of the threshold margin. Zenke & Ganguli 2018, "SuperSpike", Neural Computation
    30, eq. 17 (normalised to 1 at 0).
    """
    return 1 / (1 + 10 * jnp.abs(margin)) ** 2


def spike(surrogate: Surrogate, margin: jax.Array) -> jax.Array:
    """Return 1 where `margin` >= 0, else 0, in the dtype of `margin`.

    The derivative of the result is `surrogate(margin)`, also within derivatives of higher order.
    """
    return _spike().bind(margin, surrogate=surrogate)


@lru_cache
def _spike() -> Any:
    """Return the primitive of a spike.

    A `custom_jvp` would not do: a scan drops it once it is made linear, and the derivative of a
    gradient would be that of the step itself, 0.
    """
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    primitive = Primitive("spike")

    def jvp(primals: Any, tangents: Any, *, surrogate: Surrogate) -> tuple[jax.Array, Any]:
        (margin,), (tangent,) = primals, tangents
        return spike(surrogate, margin), surrogate(margin) * tangent

    primitive.def_impl(jax.jit(_step, static_argnames="surrogate"))
    primitive.def_abstract_eval(lambda margin, *, surrogate: margin)
    mlir.register_lowering(primitive, mlir.lower_fun(_step, multiple_results=False))
    batching.defvectorized(primitive)
    ad.primitive_jvps[primitive] = jvp
    return primitive


def _step(margin: jax.Array, *, surrogate: Surrogate) -> jax.Array:
    return (margin >= 0).astype(margin.dtype)
