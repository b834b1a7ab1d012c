"""Checks that the parts of a network fit together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_known
from jsnn._pytree import replace
from jsnn.models.calls import abstract_clock, variable_dtype
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.plasticity.reads import parsed
from jsnn.models.user_code import place_of_error
from jsnn.network.connectivity import Modifiable, Shared, Sparse
from jsnn.network.current_source import CurrentSource
from jsnn.network.population import Population
from jsnn.network.projection import Projection


def check_projection(projection: Projection, populations: Mapping[str, Population]) -> None:
    """Check a projection against the populations on its sides.

    Raises:
      TypeError: if the connectivity cannot send from each synapse.
      ValueError: if a population or an input is unknown, a model reads what is not there or fails
        on the variables of the neurons, or weights have another shape than (pre, post).
    """
    what = f"projection {projection.name!r}"
    check_known([projection.pre, projection.post], populations, what, "population")
    pre, post = populations[projection.pre], populations[projection.post]
    _check_target(projection.target, post, what)
    check_known(projection.synapse.reads, post.model.variables, f"{what}, reads", "variable")
    if projection.plasticity is not None:
        _check_each_has_its_own(projection.plasticity.model, f"{what}, plasticity")
        for side, population in (("pre", pre), ("post", post)):
            reads = getattr(projection.plasticity.model, f"reads_{side}")
            _check_reads(reads, projection, population, f"{what}, plasticity, reads_{side}")
    given = (projection.connectivity.num_pre, projection.connectivity.num_post)
    expected = (pre.size, post.size)
    if given != expected:
        hint = " (transposed?)" if given == expected[::-1] else ""
        raise ValueError(
            f"{what}: given weights of shape {given}{hint}; expected {expected}, the sizes of "
            f"{projection.pre!r} and {projection.post!r}"
        )
    _check_sends(projection, pre, post, what)


def check_shared(projection: Projection, projections: Sequence[Projection]) -> None:
    """Check a projection with shared weights against the one that has them.

    Raises:
      ValueError: if that projection is unknown, or differs from the one that `Shared` was given.
    """
    shared = projection.connectivity
    if not isinstance(shared, Shared):
        return
    what = f"projection {projection.name!r}, shared weights"
    check_known([shared.of], [p.name for p in projections], what, "projection")
    owner = next(p for p in projections if p.name == shared.of)
    expected = Shared(owner, shared.is_transposed)
    for name, of in _SHARED.items():
        given, known = getattr(shared, name), getattr(expected, name)
        if given != known:
            raise ValueError(
                f"{what}: given {of} {given}; expected {known}, that of projection {shared.of!r} "
                "in this network"
            )


_SHARED = {
    "num_pre": "a number of presynaptic neurons of",
    "num_post": "a number of postsynaptic neurons of",
    "dtype": "a dtype of",
    "max_delay": "a longest delay of",
    "is_listed": "a list of synapses:",
    "learns": "a plasticity:",
}
"""The properties that shared weights have in common with their owner, in words."""


def with_owners_indexed(projections: tuple[Projection, ...]) -> tuple[Projection, ...]:
    """Return projections, with an index by postsynaptic neuron for those that share transposed."""
    shared = [p.connectivity for p in projections if isinstance(p.connectivity, Shared)]
    owners = {x.of for x in shared if x.is_transposed}

    def indexed(p: Projection) -> Projection:
        if p.name not in owners or not isinstance(p.connectivity, Sparse):
            return p
        return replace(p, connectivity=p.connectivity.indexed_by_post())

    return tuple(map(indexed, projections))


def check_source(source: CurrentSource, populations: Mapping[str, Population]) -> None:
    """Check a current source against its population.

    Raises:
      ValueError: if the population or its input is unknown, or the source reads what is not there.
    """
    what = f"current source {source.name!r}"
    check_known([source.population], populations, what, "population")
    population = populations[source.population]
    _check_target(source.target, population, what)
    check_known(source.model.reads, population.model.variables, f"{what}, reads", "variable")


def _check_reads(
    reads: tuple[str, ...], projection: Projection, population: Population, what: str
) -> None:
    for name in reads:
        read = parsed(name)
        if read.of_synapse:
            declared, of = projection.synapse.variables, "variable of the synapse model"
        else:
            declared, of = population.model.variables, "variable"
        check_known([read.variable], declared, what, of)
        if declared[read.variable].shared:
            raise ValueError(
                f"{what}: given {name!r}, one number for a whole population; expected a variable "
                "of each neuron"
            )


def _check_each_has_its_own(model: PlasticityModel, what: str) -> None:
    """Raise ValueError if a rule has a variable or a trace that is shared."""
    for kind, declared in (("variable", model.variables), ("trace", {**model.pre, **model.post})):
        for name, quantity in declared.items():
            if quantity.shared:
                raise ValueError(
                    f"{what}, {kind} {name!r}: given shared=True; expected a {kind} of each "
                    f"{'synapse' if kind == 'variable' else 'neuron'}"
                )


def _check_target(target: str, population: Population, what: str) -> None:
    """Raise ValueError if a target is neither an input nor a variable that can be added to."""
    model = population.model
    added_to = [k for k, x in model.variables.items() if x.kind == "f" and not x.shared]
    known = list(dict.fromkeys([*model.targets, *added_to]))
    check_known([target], known, f"{what}, target in {population.name!r}", "input or variable")


def _check_sends(projection: Projection, pre: Population, post: Population, what: str) -> None:
    synapse, dtype = projection.synapse, projection.connectivity.dtype
    if synapse.sends_spikes:
        return
    tables = {name for name, quantity in synapse.params.items() if quantity.ndim}
    params = {
        name: jax.ShapeDtypeStruct(np.shape(value) if name in tables else (), dtype)
        for name, value in projection.params.items()
    } | abstract_clock(dtype)
    presynaptic = synapse.sends or synapse.event
    of_each = [k for k, x in projection.params.items() if np.ndim(x) and k not in tables]
    if presynaptic is not None and of_each:
        raise ValueError(
            f"{what}, parameter {of_each[0]!r}: given one value per neuron; expected a scalar, "
            "since the synapse model sends by a function of presynaptic neurons"
        )
    of_pre, of_post = (_variables(p, dtype) for p in (pre, post))
    of_pre["spike"] = jax.ShapeDtypeStruct((pre.size,), dtype)
    of_post["spike"] = jax.ShapeDtypeStruct((post.size,), dtype)
    for name in ("sends", "event"):
        function = getattr(synapse, name)
        if function is not None:
            _check_call(
                f"{what}: {name}", function, (params, of_pre), (pre.size,), repr(pre.name), dtype
            )
    if synapse.sends_each is None:
        return
    connectivity: Any = projection.connectivity
    if not isinstance(connectivity, Modifiable | Shared):
        raise TypeError(
            f"{what}: given a synapse model with sends_each and {type(connectivity).__name__}, "
            "which does not store a weight for each synapse; expected Dense, Sparse or OneToOne"
        )
    weights = jax.ShapeDtypeStruct((_SYNAPSES,), dtype)
    each_pre, each_post = (
        {k: jax.ShapeDtypeStruct((_SYNAPSES,) * x.ndim, x.dtype) for k, x in values.items()}
        for values in (of_pre, of_post)
    )
    arguments = (params, weights, each_pre, each_post)
    names = f"{pre.name!r} and {post.name!r}"
    _check_call(f"{what}: sends_each", synapse.sends_each, arguments, (_SYNAPSES,), names, dtype)


_SYNAPSES = 3
"""Number of synapses of a trial."""


def _variables(population: Population, dtype: Any) -> dict[str, jax.ShapeDtypeStruct]:
    return {
        name: jax.ShapeDtypeStruct(
            () if variable.shared else (population.size,), variable_dtype(variable, dtype)
        )
        for name, variable in population.model.variables.items()
    }


def _check_call(
    what: str,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    shape: tuple[int, ...],
    sides: str,
    dtype: Any,
) -> None:
    try:
        sent = jax.eval_shape(function, *arguments)
    except Exception as error:  # any error of the author's code is a problem to report
        variables = [values for values in arguments[1:] if isinstance(values, dict)]
        names = ", ".join(dict.fromkeys(name for values in variables for name in values))
        failure = (
            f"{what} fails on the variables of {sides} ({names}): {type(error).__name__}: {error}"
        )
        raise ValueError("\n".join([failure, *place_of_error(error)])) from error
    if getattr(sent, "shape", None) != shape:
        raise ValueError(f"{what} returns {sent}; expected an array of shape {shape}")
    if not np.issubdtype(sent.dtype, np.floating):
        raise ValueError(
            f"{what} returns an array of {sent.dtype}; expected one of {np.dtype(dtype)}, such as "
            'the margin pre["v"] - p["v_thresh"]'
        )
