"""Parameters and variables in the shapes and dtypes that models see."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.model import Values
from jsnn.network.values import Declared


def strong(after: Values, before: Values) -> Values:
    """Return variables without weak types, which a constant in a model's code would bring in."""
    return {name: after[name].astype(before[name].dtype) for name in before}


def per_neuron(params: Mapping[str, Any], declared: Declared, size: int) -> Values:
    """Return parameters as models see them, [N], or tables as they are.

    Args:
      params: the parameters, () or [N], and tables.
      declared: the quantities of the model; those that are derived from them are not among them.
      size: N.
    """
    tables = {name for name, quantity in declared.items() if quantity.ndim == 1}
    return {
        name: value if name in tables else jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }


def clock(step: jax.Array, dt: jax.Array) -> Values:
    """Return the time of a step, which the functions of models find among their parameters."""
    return {"t": step.astype(dt.dtype) * dt, "step": step}
