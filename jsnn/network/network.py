"""A network: populations of neurons joined by projections, driven by current sources."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_finite, check_known, check_type, is_concrete, real_array
from jsnn._pytree import pytree, static
from jsnn.models.checker import needs_key
from jsnn.network.current_source import CurrentSource
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.values import Given

_T = TypeVar("_T")


@pytree
class Network:
    """Populations, projections and current sources, checked against each other; a pytree.

    What is static (names, sizes, delays, model functions) is its structure; what is traced
    (weights, parameters, initial values, `dt`) are its leaves, all of one floating dtype: that of
    the weights. So `jax.vmap` and `jax.grad` work over any of them and new values never recompile.

    Attributes:
      populations: in the order given.
      projections: in the order given, which is the order in which their currents are added.
      sources: in the order given; their currents come after those of the projections.
      dt: the length of a step, in ms.
      order: the populations' names in the order in which a step visits them: zero-delay
        projections run from earlier to later.
      stochastic: whether a run needs a PRNG key.

    Raises ValueError or TypeError where parts do not fit together: names twice or unknown, weights
    whose shape is not (pre, post), different dtypes, a cycle of zero-delay projections, a model
    whose functions do not return what they should.
    """

    populations: Sequence[Population]
    projections: Sequence[Projection] = ()
    sources: Sequence[CurrentSource] = ()
    dt: Any = 1.0
    order: tuple[str, ...] = static(init=False)
    stochastic: bool = static(init=False)

    def __post_init__(self) -> None:
        populations = _all_of(Population, self.populations, "populations")
        projections = _all_of(Projection, self.projections, "projections")
        sources = _all_of(CurrentSource, self.sources, "sources")
        if not populations:
            raise ValueError("network: given no populations; expected at least one")
        parts: list[Any] = [*populations, *projections, *sources]
        _check_unique([part.name for part in parts])
        by_name = {population.name: population for population in populations}
        sizes = {population.name: population.size for population in populations}
        for projection in projections:
            _check_fits(projection, by_name)
        for source in sources:
            what = f"current source {source.name!r}"
            check_known([source.population], sizes, what, "population")
            _check_target(source.target, by_name[source.population], what)

        dtype = _common_dtype(projections)
        canonical = {
            "populations": tuple(population.cast(dtype) for population in populations),
            "projections": tuple(projection.cast(dtype) for projection in projections),
            "sources": tuple(source.cast(sizes[source.population], dtype) for source in sources),
            "dt": _checked_dt(self.dt, dtype),
            "order": _zero_delay_order(populations, projections),
            "stochastic": any(needs_key(source.model) for source in sources)
            or any(population.model.draws for population in populations),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)
        for population in self.populations:
            _check_stable(population, self.dt)

    @property
    def parts(self) -> tuple[Population | Projection | CurrentSource, ...]:
        """All populations, projections and current sources."""
        return (*self.populations, *self.projections, *self.sources)

    @property
    def sizes(self) -> dict[str, int]:
        """The number of neurons of each population, in the order given."""
        return {population.name: population.size for population in self.populations}

    @property
    def dtype(self) -> Any:
        """The floating dtype of weights, parameters and state."""
        return self.dt.dtype

    def population(self, name: str) -> Population:
        """The population of that name; ValueError where there is none."""
        check_known([name], self.sizes, "network", "population")
        return next(p for p in self.populations if p.name == name)

    def with_params(self, params: Mapping[str, Given]) -> Network:
        """The network with other parameters: {population, projection or source: {name: value}}.

        Works under `jit`, `vmap` and `grad`; a value is a scalar or one number per neuron.
        """
        known = [part.name for part in self.parts]
        check_known(params, known, "with_params", "population, projection or current source")

        def updated(part: Any) -> Any:
            changes = params.get(part.name)
            if changes is None:
                return part
            return dataclasses.replace(part, params={**part.params, **changes})

        return Network(
            populations=[updated(population) for population in self.populations],
            projections=[updated(projection) for projection in self.projections],
            sources=[updated(source) for source in self.sources],
            dt=self.dt,
        )


def check_numbers(network: Network) -> None:
    """Raise ValueError for a NaN or infinity, as `jax.tree.map` could put into a network."""
    for part in network.parts:
        for path, leaf in jax.tree_util.tree_leaves_with_path(part):
            check_finite(leaf, f"{type(part).__name__} {part.name!r}{jax.tree_util.keystr(path)}")


def _all_of(kind: type[_T], given: Any, name: str) -> tuple[_T, ...]:
    check_type(given, Sequence, f"network, {name}")
    for part in given:
        check_type(part, kind, f"network, {name}")
    return tuple(given)


def _check_unique(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"network: the name {twice[0]!r} is given more than once; expected unique names "
            "(two projections between the same populations need a `name` each)"
        )


def _check_fits(projection: Projection, populations: Mapping[str, Population]) -> None:
    what = f"projection {projection.name!r}"
    check_known([projection.pre, projection.post], populations, what, "population")
    pre, post = populations[projection.pre], populations[projection.post]
    _check_target(projection.target, post, what)
    check_known(projection.synapse.reads, post.model.variables, f"{what}, reads", "variable")
    _check_sends(projection, pre, what)
    if projection.plasticity is not None:
        for side, population in (("pre", pre), ("post", post)):
            reads = getattr(projection.plasticity, f"reads_{side}")
            where = f"{what}, plasticity, reads_{side}"
            check_known(reads, population.model.variables, where, "variable")
    given = (projection.connectivity.num_pre, projection.connectivity.num_post)
    expected = (pre.size, post.size)
    if given != expected:
        hint = " (transposed?)" if given == expected[::-1] else ""
        raise ValueError(
            f"{what}: given weights of shape {given}{hint}; expected {expected}, the sizes of "
            f"{projection.pre!r} and {projection.post!r}"
        )


def _check_target(target: str, population: Population, what: str) -> None:
    inputs = population.model.inputs or ("current",)
    check_known([target], inputs, f"{what}, target in {population.name!r}", "input")


def _check_sends(projection: Projection, pre: Population, what: str) -> None:
    if projection.synapse.sends is None:
        return
    number = jax.ShapeDtypeStruct((), projection.connectivity.dtype)
    each = jax.ShapeDtypeStruct((pre.size,), projection.connectivity.dtype)
    params = dict.fromkeys(projection.synapse.params, number)
    variables = dict.fromkeys(pre.model.variables, each)
    try:
        sent = jax.eval_shape(projection.synapse.sends, params, variables)
    except Exception as error:  # whatever the author's code raises is what is wrong with it
        raise ValueError(
            f"{what}: sends fails on the variables of {pre.name!r} ({', '.join(variables)}): "
            f"{type(error).__name__}: {error}"
        ) from None
    if getattr(sent, "shape", None) != (pre.size,):
        raise ValueError(f"{what}: sends returns {sent}; expected an array of shape ({pre.size},)")


def _check_stable(population: Population, dt: jax.Array) -> None:
    """Raise ValueError where a step is too long for a population's integrator."""
    if population.model.max_dt is None:
        return
    longest = population.model.max_dt(dict(population.params))
    if is_concrete(longest) and is_concrete(dt) and not np.all(np.asarray(dt <= longest)):
        raise ValueError(
            f"network, dt: given {dt} ms; expected at most {np.min(np.asarray(longest)):.4g} ms, "
            f"beyond which the integrator of population {population.name!r} is not stable"
        )


def _common_dtype(projections: Sequence[Projection]) -> Any:
    dtypes = {p.name: np.dtype(p.connectivity.dtype).name for p in projections}
    if len(set(dtypes.values())) > 1:
        raise TypeError(f"projections: given weights of {dtypes}; expected one dtype for all")
    return np.dtype(next(iter(dtypes.values()), jnp.result_type(float)))


def _checked_dt(dt: Any, dtype: Any) -> jax.Array:
    step = real_array(dt, dtype, "network, dt")
    if step.ndim or (is_concrete(step) and not np.asarray(step) > 0):
        raise ValueError(f"network, dt: given {dt}; expected one time in ms > 0")
    return step


def _zero_delay_order(
    populations: Sequence[Population], projections: Sequence[Projection]
) -> tuple[str, ...]:
    sorter = TopologicalSorter[str]({population.name: () for population in populations})
    for projection in projections:
        if projection.delay == 0:
            sorter.add(projection.post, projection.pre)
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        cycle = " -> ".join(repr(name) for name in error.args[1])
        raise ValueError(
            f"projections with delay 0 form a cycle: {cycle}; expected a delay >= 1 on at least "
            "one of them"
        ) from None
