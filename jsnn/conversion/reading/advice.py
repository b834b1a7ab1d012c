"""Advice on what a model may do in place of an operation that cannot be converted."""

_NO_SOFTMAX = "logits (leave out a softmax at the end)"

_NORM = "batch normalisation in place of a norm whose statistics depend on the image"

_ABOUT = {
    "exp": _NO_SOFTMAX,
    "log": "logits (leave out a log-softmax at the end)",
    "tanh": "ReLU or jsnn.conversion.qcfs in place of tanh",
    "logistic": "ReLU in place of a sigmoid",
    "erf": "ReLU in place of GELU",
    "erfc": "ReLU in place of GELU",
    "expm1": "ReLU in place of ELU",
    "sign": "ReLU, such as jnp.maximum(x, 0)",
    "reduce_min": "max or average pooling in place of min pooling",
    "reduce_window_min": "max or average pooling in place of min pooling",
    "reduce_window": "jax.lax.max with the initial value -jnp.inf, or jax.lax.add with 0",
    "debug_print": "a model that prints nothing",
    "debug_callback": "a model that prints nothing",
    "square": _NORM,
    "integer_pow": f"{_NORM}, and ReLU in place of GELU",
    "rsqrt": _NORM,
    "sqrt": _NORM,
}
"""Advice about operations, by name."""

_OTHERWISE = (
    "products with constants, convolutions, sums, ReLU, clipping, jsnn.conversion.qcfs, average "
    "and max pooling"
)

_IN_PLACE_OF = {
    "softmax": _NO_SOFTMAX,
    "log_softmax": _NO_SOFTMAX,
    "logsumexp": _NO_SOFTMAX,
    "hard_tanh": "jnp.clip(x, -1, 1) in place of hard_tanh",
    "standardize": _NORM,
}
"""Advice about functions of jax.nn that are no activations, or have an equal one."""


def advice_about(operation: str) -> str:
    """Return what is expected in place of a primitive, by its name."""
    return _ABOUT.get(operation, _OTHERWISE)


def advice_in_place_of(function: str) -> str:
    """Return what is expected in place of a function of jax.nn, by its name."""
    return _IN_PLACE_OF.get(function, f"ReLU in place of {function}")
