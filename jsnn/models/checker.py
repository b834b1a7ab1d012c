"""Check of a model: its functions are traced before anything is simulated."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.calls import (
    arguments_of,
    arguments_of_derived,
    calls_of,
    calls_of_rule,
    draw,
    of_inputs,
    some_key,
    variable_dtype,
)
from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.dependence import derives_elementwise, each_by_itself
from jsnn.models.model import Values
from jsnn.models.neurons import NeuronModel
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.quantity import Quantity
from jsnn.models.synapses import SynapseModel
from jsnn.models.user_code import place_of_error, place_of_function, user_traceback

Model = NeuronModel | SynapseModel | CurrentSourceModel | PlasticityModel


_N = 3
"""Number of neurons in a trial: not 1, which would hide broadcasting."""

_BATCH = 2
_CURRENTS = (0.1, 1.0, 10.0, 100.0)  # nA; some models react to strong currents only
_STEPS = 5  # enough for a current to reach the margin through a few variables


def check_model(model: Model) -> None:
    """Check that a model can be simulated and trained.

    Every function is traced alone and under `vmap`, for 3 neurons in the default float dtype.

    Raises:
      TypeError: if `model` is not a model.
      ValueError: with one line per problem: a function that cannot be traced or vmapped, reads a
        name that the model lacks, drops or adds a variable, or returns a wrong shape or dtype.

    Warns:
      UserWarning: if no gradient reaches a neuron's threshold margin from its input current, as
        happens if `update` or `threshold` rounds, compares or casts to an integer.
    """
    if not isinstance(model, (NeuronModel, SynapseModel, CurrentSourceModel, PlasticityModel)):
        raise TypeError(
            f"check_model: given {type(model).__name__}; expected a NeuronModel, SynapseModel, "
            "CurrentSourceModel or PlasticityModel"
        )
    dtype = jnp.result_type(float)
    raise_problems(model, dtype, f"this {type(model).__name__}")
    if isinstance(model, NeuronModel) and not _gradient_arrives(model, dtype):
        warnings.warn(
            "this NeuronModel: the gradient of the threshold margin with respect to the input "
            "current is 0 or NaN; training through it will not work (is something rounded, "
            "compared or cast in `update` or `threshold`?)",
            stacklevel=2,
        )


def raise_problems(model: Model, dtype: Any, what: str, size: int = _N) -> None:
    """Raise ValueError if a model could not be simulated in `dtype`.

    Args:
      model: the model to check.
      dtype: the float dtype of the network.
      what: the part that holds the model, for the message.
      size: the number of neurons of the part. A model with an array of its own, one number per
        neuron, works for this number alone.
    """
    if _is_sound(model, dtype, size):
        return
    checked = size if _is_sound(model, dtype, _N) else _N
    problems = _problems(model, dtype, checked)
    lines = [line for problem in problems for line in problem.lines]
    message = [f"{what} cannot be simulated:", *lines, f"(checked with N = {checked} neurons)"]
    raise ValueError("\n  ".join(message)) from next((p.error for p in problems if p.error), None)


@lru_cache
def _is_sound(model: Model, dtype: Any, size: int) -> bool:
    if size == _N:
        return not _problems(model, dtype, _N)
    sound_for_some = _is_sound(model, dtype, _N)
    if isinstance(model, NeuronModel) and not model.draws and each_by_itself(model):
        return sound_for_some
    # A model that can be vmapped for some number of neurons can be so for any that it works for.
    return not _problems(model, dtype, size, vmapped=not sound_for_some)


@dataclass(frozen=True)
class _Problem:
    """A fault of a model: lines of a message, and the error in the author's code, if any."""

    lines: tuple[str, ...]
    error: Exception | None = None


def _problems(model: Model, dtype: Any, size: int, *, vmapped: bool = True) -> list[_Problem]:
    if isinstance(model, PlasticityModel):
        calls = calls_of_rule(model, dtype, size)
    else:
        if isinstance(model, NeuronModel) and (problems := _problems_of_derived(model, dtype)):
            return problems  # the other functions need its results
        calls = calls_of(model, dtype, size)
    problems = [problem for call in calls for problem in _problems_of_call(*call, vmapped=vmapped)]
    if not problems and isinstance(model, NeuronModel):
        return _problems_of_reset(model, dtype, size)
    return problems


def _problems_of_reset(model: NeuronModel, dtype: Any, size: int) -> list[_Problem]:
    """Return a problem if `reset` changes a variable that neurons share."""
    shared = {name for name, variable in model.variables.items() if variable.shared}
    if not shared:
        return []
    traced = jax.make_jaxpr(model.reset)(*arguments_of(model, dtype, size)[:2]).jaxpr
    names = sorted(model.variables)
    before = dict(zip(names, traced.invars[-len(names) :], strict=True))
    after = dict(zip(names, traced.outvars, strict=True))
    lines = tuple(
        f"reset changes {name!r}, which all neurons share; expected it to change in update alone"
        for name in sorted(shared)
        if after[name] is not before[name]
    )
    return [_Problem((*lines, *place_of_function(model.reset)))] if lines else []


def _problems_of_derived(model: NeuronModel, dtype: Any) -> list[_Problem]:
    if model.derived is None:
        return []
    arguments = arguments_of_derived(model, dtype, (_N,))
    try:
        returned = jax.eval_shape(model.derived, *arguments)
    except Exception as error:  # any error of the author's code is a problem to report
        return [_failure(f"derived {_reason(error, arguments)}", error, model.derived)]

    lines = _faults_of_derived(model, returned, dtype)
    if not lines and not derives_elementwise(model, dtype):
        lines = [
            "derived does not work elementwise: it looks at several neurons, at an index or at the "
            "number of neurons; expected a function of one neuron's parameters, such as jsnn.decay"
        ]
    if lines:
        return [_Problem((*lines, *place_of_function(model.derived)))]
    scalars = arguments_of_derived(model, dtype, ())
    expected = dict.fromkeys(returned, scalars[1])
    return _problems_of_call("derived, for scalar parameters,", model.derived, scalars, expected)


def _faults_of_derived(model: NeuronModel, returned: Any, dtype: Any) -> list[str]:
    """Return the names and shapes that derived parameters may not have, a line each."""
    if not isinstance(returned, Mapping):
        return [f"derived returns {_describe(returned)}; expected a dict, {{name: array}}"]
    taken = dict.fromkeys(model.variables, "variable") | dict.fromkeys(model.params, "parameter")
    taken |= dict.fromkeys((name for name, _ in model.draws), "draw")
    lines = [
        f"derived returns {name!r}, which is also a {taken[name]}; expected another name"
        for name in returned
        if name in taken
    ]
    for name, value in returned.items():
        shape = () if getattr(value, "shape", None) == () else (_N,)
        expected = jax.ShapeDtypeStruct(shape, dtype)
        lines += _differences(f"derived, parameter {name!r}", value, expected)
    return lines


def _problems_of_call(
    name: str,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    expected: Any,
    *,
    vmapped: bool = True,
) -> list[_Problem]:
    try:
        returned = jax.eval_shape(function, *arguments)
    except Exception as error:  # any error of the author's code is a problem to report
        return [_failure(f"{name} {_reason(error, arguments)}", error, function)]

    differences = _differences(name, returned, expected)
    if differences:
        return [_Problem((*differences, *place_of_function(function)))]
    if not vmapped or not jax.tree.leaves(arguments):
        return []
    batched = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((_BATCH, *leaf.shape), leaf.dtype), arguments
    )
    try:
        jax.eval_shape(jax.vmap(function), *batched)
    except Exception as error:
        text = f"{name} cannot be vmapped: {type(error).__name__}: {_first_line(error)}"
        return [_failure(text, error, function)]
    return []


def _failure(text: str, error: Exception, function: Callable[..., Any]) -> _Problem:
    place = place_of_error(error) or place_of_function(function)
    return _Problem((text, *place), error.with_traceback(user_traceback(error)))


def _reason(error: Exception, arguments: tuple[Any, ...]) -> str:
    """Return the fault of a function that cannot be traced, after the name of the function."""
    if isinstance(error, KeyError):
        given = [values for values in arguments if isinstance(values, Mapping)]
        known = ", ".join(repr(k) for values in given for k in values)
        return f"reads {error}, which is not among the names that it is given ({known})"
    if isinstance(error, jax.errors.JAXTypeError):
        return (
            "is not traceable: its Python control flow or a NumPy call depends on a value "
            f"(use jnp.where and jax.numpy): {_first_line(error)}"
        )
    if "truth value of an array" in str(error):
        return "is not traceable: it tests an array with `if`; use jnp.where"
    of_arguments = isinstance(error, TypeError) and "positional argument" in str(error)
    hint = " (help() of the class of the model lists its arguments)" if of_arguments else ""
    return f"fails when traced: {type(error).__name__}: {_first_line(error)}{hint}"


def _differences(name: str, returned: Any, expected: Any) -> list[str]:
    """Return the differences between the result of a function and the expected one, a line each."""
    if isinstance(expected, tuple):
        if not isinstance(returned, tuple) or len(returned) != 2:
            return [f"{name} returns {_describe(returned)}; expected (new variables, current)"]
        return _differences(f"{name}, variables", returned[0], expected[0]) + _differences(
            f"{name}, current", returned[1], expected[1]
        )
    if isinstance(expected, Mapping):
        if not isinstance(returned, Mapping):
            return [f"{name} returns {_describe(returned)}; expected a dict of all variables"]
        lost = [
            f"{name} drops variable {k!r}; expected all of them" for k in expected.keys() - returned
        ]
        new = [f"{name} adds {k!r}, which is not a variable" for k in returned.keys() - expected]
        return sorted(lost + new) + [
            problem
            for k in expected
            if k in returned
            for problem in _differences(f"{name}, variable {k!r}", returned[k], expected[k])
        ]
    if not isinstance(returned, jax.ShapeDtypeStruct):
        return [f"{name}: returns {_describe(returned)}; expected an array"]
    if (returned.shape, returned.dtype) != (expected.shape, expected.dtype):
        return [
            f"{name}: returns shape {returned.shape} of {returned.dtype}; "
            f"expected {expected.shape} of {expected.dtype}"
        ]
    return []


def _describe(returned: Any) -> str:
    if isinstance(returned, jax.ShapeDtypeStruct):
        return f"an array of shape {returned.shape}"
    return f"a {type(returned).__name__}"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _gradient_arrives(model: NeuronModel, dtype: Any) -> bool:
    """Return True if the gradient of a spike with respect to the input current is not 0.

    The surrogate is taken at a margin of 0. Also return True for a model whose margin is always
    -inf: it has no spikes to train.
    """

    def of_neurons(quantity: Quantity, kind: Any) -> jax.Array:
        default = np.asarray(quantity.default)
        return jnp.asarray(
            default if quantity.ndim or quantity.shared else np.full(_N, default), kind
        )

    given = {name: of_neurons(quantity, dtype) for name, quantity in model.params.items()}
    initial = {
        name: of_neurons(variable, variable_dtype(variable, dtype))
        for name, variable in model.variables.items()
    }
    dt = jnp.ones((), dtype)
    if model.max_dt is not None:
        dt = jnp.minimum(dt, jnp.min(model.max_dt(given)).astype(dtype))
    params = model.complete_params(given, dt) | {
        name: draw(sampler, dtype, _N, some_key()) for name, sampler in model.draws
    }
    params |= {"t": jnp.zeros((), dtype), "step": jnp.zeros((), jnp.int32)}

    def margins(current: jax.Array) -> jax.Array:
        def advance(_: Any, carry: tuple[Values, jax.Array]) -> tuple[Values, jax.Array]:
            variables, total = carry
            variables = model.update(params, variables, of_inputs(model, current), dt)
            return variables, total + model.threshold(params, variables)

        return jax.lax.fori_loop(0, _STEPS, advance, (initial, jnp.zeros(_N, dtype)))[1]

    @jax.jit
    def moves(current: jax.Array) -> jax.Array:
        total, change = jax.jvp(margins, (current,), (jnp.ones_like(current),))
        slope = change * model.surrogate(jnp.zeros_like(total))
        never = jnp.all(total == -jnp.inf)
        return never | jnp.all(jnp.isfinite(slope) & (slope != 0))

    return any(moves(jnp.full(_N, current, dtype)) for current in _CURRENTS)
