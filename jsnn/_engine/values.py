"""Parameters and variables in the shapes and dtypes that models see."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jsnn.models.model import Values


def strong(after: Values, before: Values) -> Values:
    """Return variables without weak types, which a constant in a model's code would bring in."""
    return {name: after[name].astype(before[name].dtype) for name in before}


def per_neuron(params: Mapping[str, Any], size: int) -> Values:
    return {
        name: jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }
