"""Boundary between two computations of a step, which XLA's CPU backend respects.

That backend computes a value once for each of its consumers. It computes the operands of a foreign
call once, so a call that returns its operands as they are, in their own memory, keeps a membrane
potential from being computed for the threshold, for the reset and for each variable again.
"""

from functools import lru_cache
from typing import Any, TypeVar

import jax

from jsnn._kernels import native

_T = TypeVar("_T")


def settled(values: _T) -> _T:
    """Return a pytree of arrays as it is, computed once on a CPU with the C++ kernels."""
    leaves, structure = jax.tree.flatten(values)
    if not leaves or not native.available():
        return values
    return jax.tree.unflatten(structure, _primitive().bind(*leaves))


@lru_cache
def _primitive() -> Any:
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    def settle(*leaves: jax.Array) -> list[jax.Array]:
        return jax.lax.platform_dependent(
            *leaves, cpu=lambda *x: native.settle(*x), default=lambda *x: list(x)
        )

    def batched(leaves: Any, axes: Any) -> tuple[Any, Any]:
        return primitive.bind(*leaves), axes

    primitive = Primitive("settled")
    primitive.multiple_results = True
    primitive.def_impl(jax.jit(settle))
    primitive.def_abstract_eval(lambda *leaves: list(leaves))
    mlir.register_lowering(primitive, mlir.lower_fun(settle, multiple_results=True))
    batching.primitive_batchers[primitive] = batched
    ad.primitive_jvps[primitive] = lambda leaves, tangents: (primitive.bind(*leaves), tangents)
    return primitive
