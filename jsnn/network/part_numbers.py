"""Numbers of a part of a network by name: parameters, weights, delays and initial values."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_dtype, check_finite, check_known, check_type, numbers
from jsnn.network.connectivity import Divided, LearntDelays, Shared
from jsnn.network.current_source import CurrentSource
from jsnn.network.population import Population
from jsnn.network.projection import Projection

Part = Population | Projection | CurrentSource

INITIAL = "initial"
"""Name under which initial values of variables are given."""

PLASTICITY = "plasticity"
"""Name under which the parameters of the learning rule of a projection are given."""

WEIGHTS = "weights"
"""Name of the weights of a projection."""

OF_DELAYS = ("delays", "width")
"""Names of the other numbers of `jsnn.LearntDelays`."""


def check_owners(names: Collection[Any], parts: Sequence[Part], what: str) -> None:
    """Raise ValueError if a name is not that of a part, and say which part has such a parameter."""
    known = [part.name for part in parts]
    for name in names:
        owner = next((part.name for part in parts if name in part.params), None)
        if name not in known and owner is not None:
            raise ValueError(
                f"{what}: given parameter {name!r} without its part; expected "
                f'{{"{owner}": {{"{name}": value}}}}'
            )
    check_known(names, known, what, "population, projection or current source")


def with_numbers(part: Any, changes: Mapping[str, Any]) -> Any:
    """Return a part with other numbers, in the grammar of `Network.with_params`.

    Raises:
      TypeError: if a connectivity has no weights of its own, or a value is of another type.
      ValueError: if a name is unknown, a shape does not fit, or a value is outside its domain.
    """
    if not changes:
        return part
    what = f"with_params of {part.name!r}"
    params = dict(changes)
    initial = params.pop(INITIAL, {}) if hasattr(part, "initial") else {}
    check_type(initial, Mapping, f"{what}, {INITIAL}", " by name")
    if isinstance(part, Projection):
        if WEIGHTS in params:
            part = _with_weights(part, params.pop(WEIGHTS), f"{what}, {WEIGHTS}")
        of_delays = {name: params.pop(name) for name in OF_DELAYS if name in params}
        part = _with_delays(part, of_delays, what)
        has_rule, rule = PLASTICITY in params, params.pop(PLASTICITY, None)
        if part.plasticity is not None:
            part.plasticity.check_place(params, part.params, what)
        part = _with_rule(part, rule, what) if has_rule else part
        known = [*part.params, WEIGHTS, *OF_DELAYS, INITIAL, PLASTICITY]
        check_known(params, known, f"projection {part.name!r}", "parameter")
    fields: dict[str, Any] = {"params": {**part.params, **params}}
    if initial:
        fields["initial"] = {**part.initial, **initial}
    if isinstance(part, Projection):  # a delay is that of the connectivity if it has its own
        fields["delay"] = part.delay
    return dataclasses.replace(part, **fields)


def _with_delays(projection: Projection, changes: Mapping[str, Any], what: str) -> Projection:
    if not changes:
        return projection
    connectivity = projection.connectivity
    if not isinstance(connectivity, LearntDelays):
        raise TypeError(
            f"{what}, {next(iter(changes))}: its connectivity is {type(connectivity).__name__}; "
            "expected jsnn.LearntDelays, whose delays are real numbers"
        )
    changed = dataclasses.replace(connectivity, **changes)
    return dataclasses.replace(projection, connectivity=changed)


def _with_rule(projection: Projection, rule: Any, what: str) -> Projection:
    check_type(rule, Mapping, f"{what}, {PLASTICITY}", " by name")
    plasticity = projection.plasticity
    if plasticity is None:
        raise ValueError(
            f"{what}: given parameters of its plasticity; expected none, since it has no plasticity"
        )
    changed = dataclasses.replace(plasticity, params={**plasticity.params, **rule})
    return dataclasses.replace(projection, plasticity=changed)


def _with_weights(projection: Projection, weights: Any, what: str) -> Projection:
    """Return a projection with other weights; `what` names them in messages.

    Raises:
      TypeError: if its connectivity has no weights of its own, or an array is of another dtype.
      ValueError: if an array has another shape or is not finite.
    """
    connectivity = projection.connectivity
    if isinstance(connectivity, Divided):
        raise TypeError(
            f"{what}: its connectivity is {type(connectivity).__name__}; expected a network that "
            "is whole (change weights before jsnn.divide)"
        )
    if isinstance(connectivity, Shared):
        raise TypeError(
            f"{what}: its weights are those of {connectivity.of!r}; expected new weights for that "
            "projection"
        )
    if not hasattr(connectivity, "with_weights"):
        raise TypeError(
            f"{what}: its connectivity is {type(connectivity).__name__}, which has no weights of "
            "its own; expected a projection of Dense, Sparse, OneToOne, AllToAll or Conv2D"
        )
    weights = numbers(weights, what)
    expected = np.shape(connectivity.weights)  # type: ignore[attr-defined]
    if np.shape(weights) != expected:
        raise ValueError(f"{what}: given shape {np.shape(weights)}; expected {expected}")
    array = weights if hasattr(weights, "dtype") else np.asarray(weights, connectivity.dtype)
    check_dtype(array, connectivity.dtype, what)
    check_finite(array, what)
    array = jnp.asarray(array)
    exists = getattr(connectivity, "exists", None)
    changed = connectivity.with_weights(array if exists is None else jnp.where(exists, array, 0))
    return dataclasses.replace(projection, connectivity=changed, delay=projection.delay)
