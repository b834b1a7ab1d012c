"""Check of a model: its functions are traced before anything is simulated."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.elementwise import is_elementwise
from jsnn.models.model import CLOCK, Sampler, Values
from jsnn.models.neurons import NeuronModel
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.quantity import Quantity
from jsnn.models.synapses import SynapseModel
from jsnn.models.user_code import place_of_error, place_of_function, user_traceback

Model = NeuronModel | SynapseModel | CurrentSourceModel | PlasticityModel

_Call = tuple[str, Callable[..., Any], tuple[Any, ...], Any]
"""A call of a model's function: its name, the function, its arguments and the expected result."""

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


@lru_cache
def needs_key(model: CurrentSourceModel, size: int) -> bool:
    """Return True if the current of a source into `size` neurons depends on its PRNG key."""
    arguments = _arguments(model, jnp.result_type(float), size)
    key = len(jax.tree.leaves(arguments[:2]))
    return bool(_used(model, size) & {key})


@lru_cache
def changes_by_itself(model: CurrentSourceModel, size: int) -> bool:
    """Return True if its current depends on the key, the clock or what it reads."""
    params = _arguments(model, jnp.result_type(float), size)[0]
    of_step = {*model.reads, *CLOCK}
    changing = {i for i, name in enumerate(sorted(params)) if name in of_step}
    return needs_key(model, size) or bool(_used(model, size) & changing)


@lru_cache
def _used(model: CurrentSourceModel, size: int) -> frozenset[int]:
    """Return the numbers of the leaves of the arguments that the current may depend on."""
    arguments = _arguments(model, jnp.result_type(float), size)
    traced = jax.make_jaxpr(model.current)(*arguments).jaxpr
    used = [v for equation in traced.eqns for v in equation.invars] + list(traced.outvars)
    return frozenset(i for i, v in enumerate(traced.invars) if any(u is v for u in used))


@lru_cache
def each_by_itself(model: NeuronModel) -> bool:
    """Return True if neurons of equal variables, parameters and input do the same in a step.

    This is so if `derived`, `update`, `threshold` and `reset` work on each neuron by itself and
    depend neither on its index nor on the number of neurons.
    """
    dtype = jnp.result_type(float)

    def arguments(size: int) -> tuple[Any, ...]:
        return _arguments(model, dtype, size)

    return (
        not any(variable.shared for variable in model.variables.values())
        and (model.derived is None or _derives_elementwise(model, dtype))
        and is_elementwise(model.update, arguments)
        and is_elementwise(model.threshold, lambda size: arguments(size)[:2])
        and is_elementwise(model.reset, lambda size: arguments(size)[:2])
    )


def variable_dtype(variable: Quantity, dtype: Any) -> Any:
    """Return the dtype of a variable: `dtype` for floats, int32 for integers, bool for bools."""
    return {"f": np.dtype(dtype), "b": np.dtype(bool)}.get(variable.kind, np.dtype(np.int32))


@lru_cache
def _arguments(
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
            return found, variables, _of_inputs(model, current), dt
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
            kind = jax.eval_shape(partial(_draw, sampler, dtype, size), _abstract_key()).dtype
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


def _key() -> jax.Array:
    return jax.random.key(0, impl="threefry2x32")


def _abstract_key() -> Any:
    return jax.eval_shape(_key)


def _of_inputs(model: NeuronModel, current: Any) -> Any:
    """Return the third argument of `update` if every input is `current`."""
    return dict.fromkeys(model.inputs, current) if model.inputs else current


def _problems(model: Model, dtype: Any, size: int, *, vmapped: bool = True) -> list[_Problem]:
    if isinstance(model, PlasticityModel):
        calls = _calls_of_plasticity(model, dtype, size)
    else:
        if isinstance(model, NeuronModel) and (problems := _problems_of_derived(model, dtype)):
            return problems  # the other functions need its results
        calls = _calls(model, dtype, size)
    return [problem for call in calls for problem in _problems_of_call(*call, vmapped=vmapped)]


def _calls(
    model: NeuronModel | SynapseModel | CurrentSourceModel, dtype: Any, size: int
) -> list[_Call]:
    """Return the calls of a simulation, with the shapes of their arguments and results."""
    arguments = _arguments(model, dtype, size)
    variables, current = arguments[1], jax.ShapeDtypeStruct((size,), dtype)
    match model:
        case NeuronModel():
            expected: list[_Call] = [
                ("update", model.update, arguments, variables),
                ("threshold", model.threshold, arguments[:2], current),
                ("reset", model.reset, arguments[:2], variables),
                ("surrogate", model.surrogate, (current,), current),
            ]
            expected += _calls_of_draws(model, dtype, size)
            if model.max_dt is not None:
                limits = partial(_per_neuron, model.max_dt, size)
                expected.append(("max_dt", limits, arguments[:1], current))
        case SynapseModel():
            expected = [("update", model.update, arguments, (variables, current))]
            expected += _calls_of_draws(model, dtype, size)
        case CurrentSourceModel():
            expected = [("current", model.current, arguments, (variables, current))]
    return expected


def _calls_of_draws(model: NeuronModel | SynapseModel, dtype: Any, size: int) -> list[_Call]:
    return [
        (
            f"draw {name!r}",
            partial(_draw, sampler, dtype, size),
            (_abstract_key(),),
            _abstract_draws(model, dtype, size)[name],
        )
        for name, sampler in model.draws
    ]


def _calls_of_plasticity(model: PlasticityModel, dtype: Any, size: int) -> list[_Call]:
    each, dt = jax.ShapeDtypeStruct((size,), dtype), jax.ShapeDtypeStruct((), dtype)

    params = {**dict.fromkeys(model.params, dt), **abstract_clock(dtype)}
    synapses = {"weight": each, **_abstract(model.variables, dtype, size)}
    pre, post = _abstract(model.pre, dtype, size), _abstract(model.post, dtype, size)
    of_pre, of_post = (dict.fromkeys(reads, each) for reads in (model.reads_pre, model.reads_post))
    sides = ({**pre, "spike": each, **of_pre}, {**post, "spike": each, **of_post})
    calls: list[_Call] = [
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


@lru_cache
def params_of_traces(model: PlasticityModel) -> frozenset[str]:
    """Return the names of the parameters that the traces of neurons depend on."""
    dtype = jnp.result_type(float)
    read: set[str] = set()

    class Watched(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            read.add(name)
            return super().__getitem__(name)

    for name, function, arguments, _ in _calls_of_plasticity(model, dtype, _N)[:4]:
        del name
        watched = lambda p, *rest, f=function: f(Watched(p), *rest)  # noqa: E731
        jax.eval_shape(watched, *arguments)
    return frozenset(read & {*model.params})


def _problems_of_derived(model: NeuronModel, dtype: Any) -> list[_Problem]:
    if model.derived is None:
        return []
    arguments = _arguments_of_derived(model, dtype, (_N,))
    try:
        returned = jax.eval_shape(model.derived, *arguments)
    except Exception as error:  # any error of the author's code is a problem to report
        return [_failure(f"derived {_reason(error, arguments)}", error, model.derived)]

    lines = _faults_of_derived(model, returned, dtype)
    if not lines and not _derives_elementwise(model, dtype):
        lines = [
            "derived does not work elementwise: it looks at several neurons, at an index or at the "
            "number of neurons; expected a function of one neuron's parameters, such as jsnn.decay"
        ]
    if lines:
        return [_Problem((*lines, *place_of_function(model.derived)))]
    scalars = _arguments_of_derived(model, dtype, ())
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


def _derives_elementwise(model: NeuronModel, dtype: Any) -> bool:
    assert model.derived is not None
    return is_elementwise(model.derived, lambda size: _arguments_of_derived(model, dtype, (size,)))


def _arguments_of_derived(
    model: NeuronModel, dtype: Any, shape: tuple[int, ...]
) -> tuple[dict[str, Any], Any]:
    params = {
        name: jax.ShapeDtypeStruct(
            (*np.shape(quantity.default)[: quantity.ndim > 0], *shape), dtype
        )
        if quantity.ndim != 1
        else jax.ShapeDtypeStruct(np.shape(quantity.default), dtype)
        for name, quantity in model.params.items()
    }
    return params, jax.ShapeDtypeStruct((), dtype)


def _draw(sampler: Sampler, dtype: Any, size: int, key: jax.Array) -> jax.Array:
    return sampler(key, (size,), dtype)


def _per_neuron(limit: Callable[[Values], jax.Array], size: int, params: Values) -> jax.Array:
    """Return one limit for each neuron, [N]; `limit` may return one for all of them."""
    given = limit(params)
    if jnp.shape(given) not in ((), (1,), (size,)):
        raise ValueError(f"given shape {list(jnp.shape(given))}; expected [] or [{size}]")
    return jnp.broadcast_to(given, (size,))


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
    return f"fails when traced: {type(error).__name__}: {_first_line(error)}"


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
        name: _draw(sampler, dtype, _N, _key()) for name, sampler in model.draws
    }
    params |= {"t": jnp.zeros((), dtype), "step": jnp.zeros((), jnp.int32)}

    def margins(current: jax.Array) -> jax.Array:
        def advance(_: Any, carry: tuple[Values, jax.Array]) -> tuple[Values, jax.Array]:
            variables, total = carry
            variables = model.update(params, variables, _of_inputs(model, current), dt)
            return variables, total + model.threshold(params, variables)

        return jax.lax.fori_loop(0, _STEPS, advance, (initial, jnp.zeros(_N, dtype)))[1]

    @jax.jit
    def moves(current: jax.Array) -> jax.Array:
        total, change = jax.jvp(margins, (current,), (jnp.ones_like(current),))
        slope = change * model.surrogate(jnp.zeros_like(total))
        never = jnp.all(total == -jnp.inf)
        return never | jnp.all(jnp.isfinite(slope) & (slope != 0))

    return any(moves(jnp.full(_N, current, dtype)) for current in _CURRENTS)
