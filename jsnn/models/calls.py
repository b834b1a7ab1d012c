"""Calls of the functions of models, with the shapes of their arguments and results."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.model import Sampler, Values
from jsnn.models.neurons import NeuronModel
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.quantity import Quantity
from jsnn.models.synapses import SynapseModel

Call = tuple[str, Callable[..., Any], tuple[Any, ...], Any]
"""A call of a model's function: its name, the function, its arguments and the expected result."""


def variable_dtype(variable: Quantity, dtype: Any) -> Any:
    """Return the dtype of a variable: `dtype` for floats, int32 for integers, bool for bools."""
    return {"f": np.dtype(dtype), "b": np.dtype(bool)}.get(variable.kind, np.dtype(np.int32))


@lru_cache
def arguments_of(
    model: NeuronModel | SynapseModel | CurrentSourceModel, dtype: Any, size: int
) -> tuple[Any, ...]:
    """Return the shapes of the arguments of a model's main function, for `size` neurons."""
    params = _abstract_params(model, dtype, size)
    variables = _abstract(model.variables, dtype, size)
    current = jax.ShapeDtypeStruct((size,), dtype)
    dt = jax.ShapeDtypeStruct((), dtype)
    clock = abstract_clock(dtype)
    match model:
        case CurrentSourceModel():
            read = dict.fromkeys(model.reads, current)
            return params | read | clock, variables, _abstract_key(), dt
        case NeuronModel():
            derived = jax.eval_shape(model.complete_params, params, dt)
            derived = dict.fromkeys(derived.keys() - params.keys(), current)
            found = params | derived | _abstract_draws(model, dtype, size) | clock
            return found, variables, of_inputs(model, current), dt
        case SynapseModel():
            found = params | _abstract_draws(model, dtype, size) | clock
            return found, variables, current, dict.fromkeys(model.reads, current), dt


def _abstract_params(
    model: NeuronModel | SynapseModel | CurrentSourceModel, dtype: Any, size: int
) -> dict[str, jax.ShapeDtypeStruct]:
    """Return the shapes of the parameters as functions see them: [N], or those of tables."""

    def param(quantity: Quantity) -> jax.ShapeDtypeStruct:
        rows = np.shape(quantity.default)
        return jax.ShapeDtypeStruct(rows if quantity.ndim == 1 else (*rows[:-1], size), dtype)

    return {name: param(quantity) for name, quantity in model.params.items()}


def abstract_clock(dtype: Any) -> dict[str, jax.ShapeDtypeStruct]:
    """Return the shapes and dtypes of the clock that functions find among their parameters."""
    return {
        "t": jax.ShapeDtypeStruct((), dtype),
        "step": jax.ShapeDtypeStruct((), np.dtype(np.int32)),
    }


def _abstract_draws(model: NeuronModel | SynapseModel, dtype: Any, size: int) -> dict[str, Any]:
    """Return the shapes and dtypes of random numbers; [N] for those that cannot be drawn."""

    def drawn(sampler: Sampler) -> Any:
        try:
            kind = jax.eval_shape(partial(draw, sampler, dtype, size), _abstract_key()).dtype
        except Exception:  # reported as a problem of the draw
            kind = dtype
        return jax.ShapeDtypeStruct((size,), kind)

    return {name: drawn(sampler) for name, sampler in model.draws}


def _abstract(
    variables: Mapping[str, Quantity], dtype: Any, size: int
) -> dict[str, jax.ShapeDtypeStruct]:
    """Return the shapes and dtypes of the variables of `size` neurons."""
    return {
        name: jax.ShapeDtypeStruct(
            () if variable.shared else (size,), variable_dtype(variable, dtype)
        )
        for name, variable in variables.items()
    }


def some_key() -> jax.Array:
    """Return a PRNG key of the kind that runs use."""
    return jax.random.key(0, impl="threefry2x32")


def _abstract_key() -> Any:
    return jax.eval_shape(some_key)


def of_inputs(model: NeuronModel, current: Any) -> Any:
    """Return the third argument of `update` if every input is `current`."""
    return dict.fromkeys(model.inputs, current) if model.inputs else current


def calls_of(
    model: NeuronModel | SynapseModel | CurrentSourceModel, dtype: Any, size: int
) -> list[Call]:
    """Return the calls of a simulation, with the shapes of their arguments and results."""
    arguments = arguments_of(model, dtype, size)
    variables, current = arguments[1], jax.ShapeDtypeStruct((size,), dtype)
    match model:
        case NeuronModel():
            expected: list[Call] = [
                ("update", model.update, arguments, variables),
                ("threshold", model.threshold, arguments[:2], current),
                ("reset", model.reset, arguments[:2], variables),
                ("surrogate", model.surrogate, (current,), current),
            ]
            expected += _calls_of_draws(model, dtype, size)
            if model.max_dt is not None:
                limits = partial(_one_of_each, model.max_dt, size)
                expected.append(("max_dt", limits, arguments[:1], current))
            if model.margin_unit is not None:
                units = partial(_one_of_each, model.margin_unit, size)
                expected.append(("margin_unit", units, arguments[:1], current))
        case SynapseModel():
            expected = [("update", model.update, arguments, (variables, current))]
            expected += _calls_of_draws(model, dtype, size)
        case CurrentSourceModel():
            expected = [("current", model.current, arguments, (variables, current))]
    return expected


def _calls_of_draws(model: NeuronModel | SynapseModel, dtype: Any, size: int) -> list[Call]:
    return [
        (
            f"draw {name!r}",
            partial(draw, sampler, dtype, size),
            (_abstract_key(),),
            _abstract_draws(model, dtype, size)[name],
        )
        for name, sampler in model.draws
    ]


def calls_of_rule(model: PlasticityModel, dtype: Any, size: int) -> list[Call]:
    """Return the calls of a step of a learning rule; those of the traces are the first four."""
    each, dt = jax.ShapeDtypeStruct((size,), dtype), jax.ShapeDtypeStruct((), dtype)

    params = {**dict.fromkeys(model.params, dt), **abstract_clock(dtype)}
    synapses = {"weight": each, **_abstract(model.variables, dtype, size)}
    pre, post = _abstract(model.pre, dtype, size), _abstract(model.post, dtype, size)
    of_pre, of_post = (dict.fromkeys(reads, each) for reads in (model.reads_pre, model.reads_post))
    sides = ({**pre, "spike": each, **of_pre}, {**post, "spike": each, **of_post})
    calls: list[Call] = [
        ("update_pre", model.update_pre, (params | of_pre, pre, dt), pre),
        ("update_post", model.update_post, (params | of_post, post, dt), post),
        ("spike_pre", model.spike_pre, (params | of_pre, pre), pre),
        ("spike_post", model.spike_post, (params | of_post, post), post),
        ("on_pre", model.on_pre, (params, synapses, *sides), synapses),
        ("on_post", model.on_post, (params, synapses, *sides), synapses),
    ]
    if model.each_step is not None:
        calls.append(("each_step", model.each_step, (params, synapses, *sides, dt), synapses))
    return calls


def arguments_of_derived(
    model: NeuronModel, dtype: Any, shape: tuple[int, ...]
) -> tuple[dict[str, Any], Any]:
    """Return the shapes of the arguments of `derived`, for parameters of one shape."""
    params = {
        name: jax.ShapeDtypeStruct(
            (*np.shape(quantity.default)[: quantity.ndim > 0], *shape), dtype
        )
        if quantity.ndim != 1
        else jax.ShapeDtypeStruct(np.shape(quantity.default), dtype)
        for name, quantity in model.params.items()
    }
    return params, jax.ShapeDtypeStruct((), dtype)


def draw(sampler: Sampler, dtype: Any, size: int, key: jax.Array) -> jax.Array:
    """Return the random numbers of a sampler, [size]."""
    return sampler(key, (size,), dtype)


def _one_of_each(function: Callable[[Values], jax.Array], size: int, params: Values) -> jax.Array:
    """Return one number for each neuron, [N]; `function` may return one for all of them."""
    given = function(params)
    if jnp.shape(given) not in ((), (1,), (size,)):
        raise ValueError(f"given shape {list(jnp.shape(given))}; expected [] or [{size}]")
    return jnp.broadcast_to(given, (size,))
