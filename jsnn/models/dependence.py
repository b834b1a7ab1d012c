"""Facts about the functions of models: what they depend on, and what they look at."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from jsnn.models.calls import arguments_of, arguments_of_derived, calls_of_rule
from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.elementwise import is_elementwise
from jsnn.models.model import CLOCK
from jsnn.models.neurons import NeuronModel
from jsnn.models.plasticity import PlasticityModel

_N = 3
"""Number of neurons or synapses in a trial."""


@lru_cache
def needs_key(model: CurrentSourceModel, size: int) -> bool:
    """Return True if the current of a source into `size` neurons depends on its PRNG key."""
    arguments = arguments_of(model, jnp.result_type(float), size)
    key = len(jax.tree.leaves(arguments[:2]))
    return bool(_used(model, size) & {key})


@lru_cache
def changes_by_itself(model: CurrentSourceModel, size: int) -> bool:
    """Return True if its current depends on the key, the clock or what it reads."""
    params = arguments_of(model, jnp.result_type(float), size)[0]
    of_step = {*model.reads, *CLOCK}
    changing = {i for i, name in enumerate(sorted(params)) if name in of_step}
    return needs_key(model, size) or bool(_used(model, size) & changing)


@lru_cache
def _used(model: CurrentSourceModel, size: int) -> frozenset[int]:
    """Return the numbers of the leaves of the arguments that the current may depend on."""
    arguments = arguments_of(model, jnp.result_type(float), size)
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
        return arguments_of(model, dtype, size)

    return (
        not any(variable.shared for variable in model.variables.values())
        and (model.derived is None or derives_elementwise(model, dtype))
        and is_elementwise(model.update, arguments)
        and is_elementwise(model.threshold, lambda size: arguments(size)[:2])
        and is_elementwise(model.reset, lambda size: arguments(size)[:2])
    )


@lru_cache
def params_of_traces(model: PlasticityModel) -> frozenset[str]:
    """Return the names of the parameters that the traces of neurons depend on."""
    dtype = jnp.result_type(float)
    read: set[str] = set()

    class Watched(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            read.add(name)
            return super().__getitem__(name)

    for name, function, arguments, _ in calls_of_rule(model, dtype, _N)[:4]:
        del name
        watched = lambda p, *rest, f=function: f(Watched(p), *rest)  # noqa: E731
        jax.eval_shape(watched, *arguments)
    return frozenset(read & {*model.params})


def derives_elementwise(model: NeuronModel, dtype: Any) -> bool:
    """Return True if `derived` works on the parameters of each neuron by themselves."""
    assert model.derived is not None
    return is_elementwise(model.derived, lambda size: arguments_of_derived(model, dtype, (size,)))
