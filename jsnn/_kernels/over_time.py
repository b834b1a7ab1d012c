"""Products of spikes over time and dense weights, with derivatives.

The derivative with respect to the weights is a sum of outer products, of which a kernel makes those
of the spikes alone; the one with respect to the spikes is a matrix product over all steps.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._kernels import native
from jsnn._kernels.dense import delayed, in_order, sum_of_blocks


def product_over_time(
    spikes: jax.Array, weights: jax.Array, precision: str, delay: int
) -> jax.Array:
    """Turn spikes over time into the sums that arrive in each step, [T, post], by one product.

    Args:
      spikes: bools or floats, 0 or 1, [T, pre]; floats have a derivative.
      weights: [pre, post].
      precision: of the product on an accelerator and of derivatives.
      delay: steps from a spike to its arrival.
    """
    product, linear, _ = _primitives()

    def of_block(rows: slice) -> jax.Array:
        here = spikes[:, None, rows]
        if here.dtype == jnp.bool_:
            sums = linear.bind(here, weights[rows], precision=precision, delay=delay)
        else:
            sums = product.bind(here > 0, here, weights[rows], precision=precision, delay=delay)
        return sums[:, 0]

    return sum_of_blocks(of_block, len(weights))


@lru_cache
def _primitives() -> tuple[Any, Any, Any]:
    """Return the product, its part that is linear in the weights, and the transpose of that part.

    Operands of the product: spikes bool [T, R, pre], the same as floats for their derivative, and
    weights [pre, post]. The other two do without the floats.
    """
    from jax.extend.core import Primitive  # these take long to import
    from jax.interpreters import ad, batching, mlir

    product, linear, outer = (
        Primitive(f"{name}_over_time") for name in ("product", "linear_product", "outer_product")
    )

    def define(primitive: Any, shape: Callable[..., Any], function: Callable[..., Any]) -> None:
        primitive.def_impl(jax.jit(function, static_argnames=("precision", "delay")))
        primitive.def_abstract_eval(shape)
        mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))

    def sums_like(*operands: Any, **_: Any) -> Any:
        spikes, weights = operands[0], operands[-1]
        return jax.core.ShapedArray((*spikes.shape[:2], weights.shape[1]), weights.dtype)

    def weights_like(spikes: Any, numbers: Any, **_: Any) -> Any:
        return jax.core.ShapedArray((spikes.shape[2], numbers.shape[2]), numbers.dtype)

    def with_rows(primitive: Any) -> Callable[..., Any]:
        """Return the rule that makes rows of the presentations of a batch."""

        def rule(operands: Any, axes: Any, **static: Any) -> tuple[Any, int]:
            *of_rows, weights = operands
            if axes[-1] is not None:
                return one_by_one(primitive)(operands, axes, **static)
            size = next(
                x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None
            )
            merged = []
            for x, axis in zip(of_rows, axes[:-1], strict=True):
                rows = _with_axis(x, axis, size, 2)
                merged.append(rows.reshape(len(rows), -1, rows.shape[-1]))
            sums = primitive.bind(*merged, weights, **static)
            return sums.reshape(len(sums), -1, size, sums.shape[-1]), 2

        return rule

    def one_by_one(primitive: Any) -> Callable[..., Any]:
        """Return the rule that takes the presentations of a batch one after the other."""

        def rule(operands: Any, axes: Any, **static: Any) -> tuple[Any, int]:
            size = next(
                x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None
            )
            rows = [_with_axis(x, axis, size, 0) for x, axis in zip(operands, axes, strict=True)]
            return jax.lax.map(lambda each: primitive.bind(*each, **static), tuple(rows)), 0

        return rule

    def jvp_of_product(primals: Any, tangents: Any, **static: Any) -> Any:
        (spikes, floats, weights), (_, d_floats, d_weights) = primals, tangents
        sums = product.bind(spikes, floats, weights, **static)
        parts = []
        if not isinstance(d_weights, ad.Zero):
            parts.append(linear.bind(spikes, d_weights, **static))
        if not isinstance(d_floats, ad.Zero):
            late = delayed(d_floats, static["delay"])
            parts.append(jnp.dot(late, weights, precision=static["precision"]))
        return sums, sum(parts[1:], parts[0]) if parts else ad.Zero(jax.typeof(sums))

    def linear_in_numbers(primitive: Any, transpose: Any) -> None:
        """Define the derivatives of an operation on spikes that is linear in the other operand."""

        def jvp(primals: Any, tangents: Any, **static: Any) -> Any:
            (spikes, numbers), (_, d_numbers) = primals, tangents
            sums = primitive.bind(spikes, numbers, **static)
            if isinstance(d_numbers, ad.Zero):
                return sums, ad.Zero(jax.typeof(sums))
            return sums, primitive.bind(spikes, d_numbers, **static)

        def transposed(by_sums: Any, spikes: Any, numbers: Any, **static: Any) -> Any:
            if isinstance(by_sums, ad.Zero):
                return None, ad.Zero(numbers.aval)
            return None, transpose.bind(spikes, by_sums, **static)

        ad.primitive_jvps[primitive] = jvp
        ad.primitive_transposes[primitive] = transposed

    define(product, sums_like, lambda spikes, floats, w, **static: _sums(spikes, w, **static))
    define(linear, sums_like, _sums)
    define(outer, weights_like, _outer)
    batching.primitive_batchers[product] = with_rows(product)
    batching.primitive_batchers[linear] = with_rows(linear)
    batching.primitive_batchers[outer] = one_by_one(outer)
    ad.primitive_jvps[product] = jvp_of_product
    linear_in_numbers(linear, transpose=outer)
    linear_in_numbers(outer, transpose=linear)
    return product, linear, outer


def _with_axis(x: jax.Array, axis: int | None, size: int, place: int) -> jax.Array:
    """Return an operand with the axis of a batch at a place."""
    if axis is None:
        return jnp.broadcast_to(
            jnp.expand_dims(x, place), (*x.shape[:place], size, *x.shape[place:])
        )
    return jnp.moveaxis(x, axis, place)


def _by_kernel(
    kernel: Callable[..., jax.Array], whole: Callable[..., jax.Array], *operands: jax.Array
) -> jax.Array:
    """Call the kernel on a CPU that has it, and the whole product elsewhere."""
    if not native.available():
        return whole(*operands)
    return jax.lax.platform_dependent(*operands, cpu=kernel, default=whole)


def _sums(spikes: jax.Array, weights: jax.Array, *, precision: str, delay: int) -> jax.Array:
    """Turn spikes, bool [T, R, pre], into sums [T, R, post]."""
    whole = partial(whole_sums, precision=precision, delay=delay)
    kernel = partial(native.product_over_time, delay=delay)
    return _by_kernel(kernel, whole, spikes, weights)


def whole_sums(spikes: jax.Array, weights: jax.Array, *, precision: str, delay: int) -> jax.Array:
    """Turn spikes into sums [T, R, post] by one matrix product."""
    arriving = delayed(spikes, delay).astype(weights.dtype)
    sums = in_order(precision, arriving.reshape(-1, spikes.shape[2]), weights)
    return sums.reshape(*spikes.shape[:2], -1)


def _outer(spikes: jax.Array, numbers: jax.Array, *, precision: str, delay: int) -> jax.Array:
    """Turn spikes, bool [T, R, pre], and numbers [T, R, post] into sums [pre, post]."""
    whole = partial(whole_outer, precision=precision, delay=delay)
    kernel = partial(native.spike_outer, delay=delay)
    return _by_kernel(kernel, whole, spikes, numbers)


def whole_outer(spikes: jax.Array, numbers: jax.Array, *, precision: str, delay: int) -> jax.Array:
    """Turn spikes and numbers into sums of outer products, [pre, post], by one matrix product."""
    arriving = delayed(spikes, delay).astype(numbers.dtype)
    return jnp.einsum("trp,trq->pq", arriving, numbers, precision=precision)
