"""Numbers of a network that are trained: a pytree apart from all that stays as it is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_known, check_type, real_number
from jsnn.models.quantity import Quantity, bounds_of
from jsnn.network.connectivity import Divided, LearntDelays, Shared
from jsnn.network.network import Network
from jsnn.network.part_numbers import INITIAL, PLASTICITY, WEIGHTS, Part
from jsnn.network.population import Population
from jsnn.network.projection import Projection

Values = dict[str, dict[str, Any]]
"""Numbers by part, in the grammar of `Network.with_params`."""

Constraint = tuple[float | None, float | None] | Literal["sign"] | None
"""Bounds (low, high), None for no bound; "sign" to keep the sign; or None."""

Train = Mapping[str, Sequence[str] | Mapping[str, Any]]
"""Names of what is trained, {part: names or {name: constraint}}.

    {"in_to_hidden": ["weights", "delays"], "hidden": {"tau_m": (5.0, 50.0)}}
    {"hidden": {"initial": ["v"]}, "e_to_i": {"weights": "sign"}}
"""

_MARGIN = 1e-3
"""Distance from a bound that is not allowed itself, in units of that of the default value."""


def trainable(network: Network, train: Train | None = None) -> Values:
    """Return the numbers of a network that are trained, as a pytree of arrays.

        values = jsnn.trainable(network, {"in_to_hidden": ["weights"], "hidden": ["tau_m"]})
        gradient = jax.grad(lambda values: loss(network.with_params(values)))(values)

    `Network.with_params` puts them back. All else stays as it is, so any optax optimiser may change
    the whole pytree.

    Args:
      network: the network.
      train: {part: names or {name: constraint}}. Names are parameters of neurons, synapses or
        sources, "weights", "delays" of `jsnn.LearntDelays`, and "initial" or "plasticity" with
        names of their own. A constraint is (low, high), None for an open end, or "sign". By
        default, the weights of all projections that can be trained.

    Returns:
      {part: {name: array}}.

    Raises:
      TypeError: if `train` is of another type.
      ValueError: if a name is unknown, or cannot be trained.
    """
    chosen = _checked(network, train)
    return {name: _tree(_numbers_of(_part(network, name)), names) for name, names in chosen.items()}


def within_bounds(network: Network, values: Values, train: Train | None = None) -> Values:
    """Return trained values moved back into their bounds, to be used after each change.

        values = optax.apply_updates(values, updates)
        values = jsnn.within_bounds(network, values, train)

    The bounds are those that a model declares for its parameters, and the constraints of `train`.
    A bound that is not allowed itself, such as 0 for a time constant, is kept at a distance of a
    thousandth of that of the default value. With "sign", a value that was positive in `network`
    stays >= 0, one that was negative <= 0, and one that was 0 is free.

    Args:
      network: the network before training.
      values: in the form of `trainable`.
      train: as given to `trainable`.

    Raises:
      TypeError: if `values` is no mapping, or `train` is of another type.
      ValueError: if `values` has other names than `train`.
    """
    chosen = _checked(network, train)
    _check_names(values, chosen)
    bounded: Values = {}
    for name, names in chosen.items():
        part = _part(network, name)
        before = _numbers_of(part)
        bounded[name] = _bounded_tree(_declared(part), before, values[name], names)
    return bounded


def _check_names(values: Values, chosen: Mapping[str, Any]) -> None:
    check_type(values, Mapping, "within_bounds, values", ", as of jsnn.trainable")
    given, expected = _names_of(values), _names_of(chosen)
    for name in sorted(given ^ expected):
        has = "given" if name in given else "given none for"
        raise ValueError(
            f"within_bounds, values: {has} {name}; expected those of jsnn.trainable(network, "
            "train) with the same `train`"
        )


def _names_of(tree: Any, name: str = "") -> set[str]:
    """Return the names of all leaves, such as "'hidden', 'initial', 'v'"."""
    if not isinstance(tree, Mapping):
        return {name}
    joined = f"{name}, " if name else ""
    return {each for key, inner in tree.items() for each in _names_of(inner, f"{joined}{key!r}")}


def _part(network: Network, name: str) -> Part:
    return next(part for part in network.parts if part.name == name)


def _tree(own: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chosen numbers, {name: array} or {group: {name: array}}."""
    return {
        key: _tree(own[key], inner) if isinstance(inner, Mapping) else jnp.asarray(own[key])
        for key, inner in names.items()
    }


def _numbers_of(part: Any) -> dict[str, Any]:
    """Return all numbers of a part that can be trained, in the grammar of `with_params`."""
    numbers: dict[str, Any] = dict(part.params)
    if isinstance(part, Population | Projection):
        declared = part.model if isinstance(part, Population) else part.synapse
        floats = {k: x for k, x in part.initial.items() if declared.variables[k].kind == "f"}
        numbers[INITIAL] = floats
    if isinstance(part, Projection):
        if part.plasticity is not None:
            numbers[PLASTICITY] = dict(part.plasticity.params)
        if _weights_are_fixed(part) is None:
            numbers[WEIGHTS] = part.connectivity.weights  # type: ignore[attr-defined]
        if isinstance(part.connectivity, LearntDelays):
            numbers["delays"] = part.connectivity.delays
    return numbers


def _declared(part: Any) -> dict[str, Any]:
    """Return {name: `Quantity`} of a part, in the grammar of `with_params`."""
    model = part.synapse if isinstance(part, Projection) else part.model
    declared: dict[str, Any] = {**model.params, INITIAL: dict(model.variables)}
    if isinstance(part, Projection):
        if part.plasticity is not None:
            declared[PLASTICITY] = dict(part.plasticity.model.params)
        if isinstance(part.connectivity, LearntDelays):
            longest = part.connectivity.max_delay
            declared["delays"] = Quantity(1.0, "steps", at_least=1, at_most=longest)
    return declared


def _weights_are_fixed(projection: Projection) -> str | None:
    """Return the reason for which the weights of a projection cannot be trained, or None."""
    connectivity = projection.connectivity
    kind = type(connectivity).__name__
    if isinstance(connectivity, Shared):
        return f"they are those of {connectivity.of!r}; train the weights of that projection"
    if isinstance(connectivity, Divided):
        return "its neurons are divided over devices; train the network before jsnn.divide"
    if projection.plasticity is not None:
        return "its plasticity changes them in a run"
    if not hasattr(connectivity, "with_weights"):
        return f"{kind} has no weights of its own; expected Dense, Sparse, OneToOne or Conv2D"
    return None


def _checked(network: Network, train: Train | None) -> dict[str, dict[str, Any]]:
    """Return what is trained, {part: {name: constraint}}, with all names known."""
    check_type(network, Network, "trainable, network")
    if train is None:
        found = {
            p.name: {WEIGHTS: None} for p in network.projections if _weights_are_fixed(p) is None
        }
        if not found:
            raise ValueError(
                "trainable: given a network without weights that can be trained; expected `train` "
                "with parameters, or a projection with weights of its own"
            )
        return found
    check_type(train, Mapping, "train", " of names by part")
    if not train:
        raise ValueError("train: given nothing to train; expected {part: names}")
    known = [part.name for part in network.parts]
    check_known(train, known, "train", "population, projection or current source")
    return {name: _names_of_part(_part(network, name), names) for name, names in train.items()}


def _names_of_part(part: Any, names: Any) -> dict[str, Any]:
    what = f"train of {part.name!r}"
    chosen = _names(names, what)
    if not chosen:
        raise ValueError(f"{what}: given no names; expected some (leave out a part that stays)")
    if isinstance(part, Projection):
        _check_projection(part, chosen, what)
    return _known_names(_numbers_of(part), chosen, what)


def _check_projection(projection: Projection, names: Mapping[str, Any], what: str) -> None:
    reason = _weights_are_fixed(projection)
    if WEIGHTS in names and reason is not None:
        raise ValueError(f"{what}: given {WEIGHTS!r}, but {reason}")
    if "delays" in names and not isinstance(projection.connectivity, LearntDelays):
        raise ValueError(
            f"{what}: given 'delays', but those of {type(projection.connectivity).__name__} are "
            "whole steps; expected a connectivity of jsnn.LearntDelays"
        )


def _known_names(own: Mapping[str, Any], chosen: Mapping[str, Any], what: str) -> dict[str, Any]:
    check_known(chosen, own, what, "name")
    found: dict[str, Any] = {}
    for name, inner in chosen.items():
        if isinstance(own[name], Mapping):
            found[name] = _known_names(own[name], _names(inner, f"{what}, {name}"), what)
        else:
            found[name] = _checked_constraint(inner, f"{what}, {name!r}")
    return found


def _names(given: Any, what: str) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    is_list = isinstance(given, Sequence) and not isinstance(given, str)
    if not is_list or not all(isinstance(name, str) for name in given):
        raise TypeError(
            f"{what}: given {given!r}; expected a list of names, or {{name: constraint}}"
        )
    return dict.fromkeys(given)


def _checked_constraint(given: Any, what: str) -> Constraint:
    if given is None:
        return None
    if isinstance(given, str) and given == "sign":
        return "sign"
    if isinstance(given, tuple | list) and len(given) == 2:
        low, high = (None if x is None else real_number(x, f"{what}, bound") for x in given)
        if low is not None and high is not None and low > high:
            raise ValueError(f"{what}: given bounds {low:g} to {high:g}; expected low <= high")
        return (low, high)
    raise TypeError(f"{what}: given the constraint {given!r}; expected (low, high), 'sign' or None")


def _bounded_tree(
    declared: Mapping[str, Any],
    before: Mapping[str, Any],
    new: Mapping[str, Any],
    names: Mapping[str, Any],
) -> dict[str, Any]:
    """Return numbers in their bounds.

    Args:
      declared: {name: `Quantity`}.
      before: {name: number} of the network.
      new: the numbers to move.
      names: {name: constraint}.
    """
    found: dict[str, Any] = {}
    for name, constraint in names.items():
        if isinstance(constraint, Mapping):
            inner = declared.get(name, {})
            found[name] = _bounded_tree(inner, before[name], new[name], constraint)
            continue
        fixed = before.keys() - names.keys()
        value = _within_declared(declared, name, {**before, **new}, fixed, new[name])
        found[name] = _within_constraint(constraint, before[name], value)
    return found


def _within_declared(
    declared: Mapping[str, Any], name: str, numbers: Mapping[str, Any], fixed: set[str], value: Any
) -> Any:
    """Return a value within the bounds that a model declares.

    Args:
      declared: {name: `Quantity`}.
      name: of the value.
      numbers: {name: number}, by which a value may be bounded.
      fixed: the names of numbers that do not move, for which a value makes room.
      value: the value.
    """
    for is_lower, limit, margin in _limits(declared, name, fixed):
        bound = numbers[limit] if isinstance(limit, str) else limit
        nearest = jnp.asarray(bound, value.dtype) + (margin if is_lower else -margin)
        value = jnp.maximum(value, nearest) if is_lower else jnp.minimum(value, nearest)
    return value


def _limits(
    declared: Mapping[str, Any], name: str, fixed: set[str]
) -> Iterator[tuple[bool, float | str, float]]:
    """Yield the limits of a number: True for a lower one, a number or a name, and a margin."""
    quantities = {k: x for k, x in declared.items() if isinstance(x, Quantity)}

    def margin(kind: str, of: str, bound: float | str) -> float:
        usual = quantities[bound].default if isinstance(bound, str) else bound
        distance = np.max(np.abs(np.asarray(quantities[of].default) - usual))
        return _MARGIN * float(distance) if kind in ("above", "below") else 0.0

    if name not in quantities:
        return
    for kind, bound in bounds_of(quantities[name]).items():
        yield kind in ("above", "at_least"), bound, margin(kind, name, bound)
    for other in quantities.keys() & fixed:
        for kind, bound in bounds_of(quantities[other]).items():
            if bound == name:
                yield kind in ("below", "at_most"), other, margin(kind, other, bound)


def _within_constraint(constraint: Constraint, before: jax.Array, value: jax.Array) -> jax.Array:
    if constraint is None:
        return value
    if constraint == "sign":
        return jnp.where(before * value < 0, 0, value)
    low, high = constraint
    return jnp.clip(value, low, high)
