"""Networks: populations of neurons joined by projections, driven by current sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jsnn._checks import (
    check_array,
    check_finite,
    check_known,
    check_type,
    float_dtype,
    is_concrete,
    real_array,
)
from jsnn._pytree import pytree, short, static
from jsnn._summary import Summary, Table, bytes_in
from jsnn.models.dependence import needs_key
from jsnn.network.connectivity import Dense, Divided, LearntDelays, Shared, Sparse
from jsnn.network.current_source import CurrentSource
from jsnn.network.fits import check_projection, check_shared, check_source, with_owners_indexed
from jsnn.network.part_numbers import check_owners, with_numbers
from jsnn.network.population import Population
from jsnn.network.projection import Projection

_T = TypeVar("_T")


@pytree
class Network:
    """Populations, projections and current sources, checked against each other; a pytree.

    Names, sizes, delays and model functions are the structure of the pytree, which is static.
    Weights, parameters, initial values and `dt` are its leaves, which are traced and have one
    floating dtype, that of the weights. So `jax.vmap` and `jax.grad` work over any of them, and
    new values never recompile.

    Attributes:
      populations: in the order given.
      projections: in the order given, which is the order in which their currents are added.
      sources: in the order given; their currents are added after those of the projections.
      dt: the length of a step, in ms.
      order: the names of the populations in the order in which a step visits them: projections
        without delay run from earlier to later ones.
      stochastic: True if a run needs a PRNG key.

    Raises:
      TypeError: if a part is of another type, or weights have different dtypes.
      ValueError: if parts do not fit together: a name is given twice or unknown, weights have
        another shape than (pre, post), projections without delay form a cycle, or a function of a
        model returns another type or shape than expected.
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
            check_projection(projection, by_name)
            check_shared(projection, projections)
        for source in sources:
            check_source(source, by_name)

        projections = with_owners_indexed(projections)
        dtype = _common_dtype(projections)
        canonical = {
            "populations": tuple(population.cast(dtype) for population in populations),
            "projections": tuple(projection.cast(dtype) for projection in projections),
            "sources": tuple(source.cast(sizes[source.population], dtype) for source in sources),
            "dt": _checked_dt(self.dt, dtype),
            "order": _zero_delay_order(populations, projections),
            "stochastic": any(
                needs_key(source.model, sizes[source.population]) for source in sources
            )
            or any(population.model.draws for population in populations)
            or any(projection.synapse.draws for projection in projections),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)
        for population in self.populations:
            check_stable(population, population.params, self.dt)

    @property
    def parts(self) -> tuple[Population | Projection | CurrentSource, ...]:
        """The populations, projections and current sources, in this order."""
        return (*self.populations, *self.projections, *self.sources)

    @property
    def sizes(self) -> dict[str, int]:
        """The number of neurons of each population, in the order given."""
        return {population.name: population.size for population in self.populations}

    @property
    def mesh(self) -> Mesh | None:
        """The devices over which `jsnn.divide` has divided the neurons, or None."""
        divided = (p.connectivity for p in self.projections)
        return next((c.mesh for c in divided if isinstance(c, Divided)), None)

    @property
    def dtype(self) -> Any:
        """The floating dtype of weights, parameters and state."""
        return self.dt.dtype

    def population(self, name: str) -> Population:
        """Return a population by its name.

        Raises:
          ValueError: if there is none of that name.
        """
        return _named(self.populations, name, "population")

    def projection(self, name: str) -> Projection:
        """Return a projection by its name.

        Raises:
          ValueError: if there is none of that name.
        """
        return _named(self.projections, name, "projection")

    def source(self, name: str) -> CurrentSource:
        """Return a current source by its name.

        Raises:
          ValueError: if there is none of that name.
        """
        return _named(self.sources, name, "current source")

    def with_params(self, params: Mapping[str, Mapping[str, Any]]) -> Network:
        """Return the network with other parameters, also under `jit`, `vmap` and `grad`.

            network.with_params({"exc": {"tau_m": 10.0}, "exc_to_exc": {"tau": 3.0}})
            network.with_params({"exc_to_exc": {"weights": w, "plasticity": {"a_plus": 0.01}}})

        Args:
          params: {population, projection or current source: {parameter: value}}, each value a
            scalar or one number per neuron. A projection takes "weights" too, shaped like those of
            its connectivity, "delays" and "width" of `jsnn.LearntDelays`, and {"plasticity":
            {parameter: value}} for its learning rule. The weights of `Sparse` are in the order in
            which its synapses were given; those of empty places become 0. "initial": {variable:
            value} are initial values of a population or of the synapse model of a projection.

        Raises:
          TypeError: if a connectivity has no weights of its own, or an array is of another dtype.
          ValueError: if a name is unknown, a shape does not fit, or a value is outside its domain.
        """
        check_type(params, Mapping, "with_params", " of dicts by part")
        check_owners(params, self.parts, "with_params")
        for name, changes in params.items():
            check_type(changes, Mapping, f"with_params of {name!r}", " of parameters by name")
        return self._mapped(lambda part: with_numbers(part, params.get(part.name, {})))

    def _mapped(self, change: Any) -> Network:
        return Network(
            populations=[change(population) for population in self.populations],
            projections=[change(projection) for projection in self.projections],
            sources=[change(source) for source in self.sources],
            dt=self.dt,
        )

    def summary(self) -> Summary:
        """Return the parts of the network as tables."""
        synapses = [_num_synapses(projection) for projection in self.projections]
        known = isinstance(self.dt, jax.Array) and is_concrete(self.dt) and self.dt.ndim == 0
        dt = f"{self.dt:g}" if known else short(self.dt)
        title = (
            f"Network of {sum(self.sizes.values()):,} neurons and "
            f"{sum(number or 0 for number in synapses):,} synapses"
            f"{'' if self.mesh is None else f', divided over {self.mesh.size} devices'}: "
            f"{getattr(self.dt, 'dtype', '?')}, dt = {dt} ms, {bytes_in(self)}"
        )
        populations = [(p.name, p.size, p.model.name or "-") for p in self.populations]
        projections = [
            (
                p.name,
                p.pre,
                p.post,
                type(p.connectivity).__name__,
                "-" if number is None else number,
                p.synapse.name or "-",
                f"1 to {p.delay}" if p.has_synaptic_delays else p.delay,
                "-" if p.plasticity is None else p.plasticity.model.name or "yes",
            )
            for p, number in zip(self.projections, synapses, strict=True)
        ]
        sources = [(s.name, s.population, s.model.name or "-") for s in self.sources]
        columns = (
            *("projection", "pre", "post", "connectivity"),
            *("synapses", "synapse model", "delay", "plasticity"),
        )
        return Summary(
            title,
            [
                Table(("population", "neurons", "model"), populations),
                Table(columns, projections),
                Table(("current source", "population", "model"), sources),
            ],
        )

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()


def check_numbers(network: Network) -> None:
    """Check numbers that `jax.tree.map` can put into a network.

    A network whose numbers are all JAX arrays, which cannot change, is checked once.

    Raises:
      TypeError: if a number is no array, or of another dtype than the network.
      ValueError: if there is a NaN or infinity, an index that does not fit, another shape, or a
        number outside the domain of its model.
    """
    if network.__dict__.get("_are_checked"):
        return
    given = getattr(network.dt, "dtype", jnp.result_type(float))
    dtype = float_dtype(given, "network, dt")
    check_array(network.dt, dtype, "network, dt")
    for projection in network.projections:
        connectivity = projection.connectivity
        what = f"projection {projection.name!r}.connectivity"
        if isinstance(connectivity, Shared):
            continue
        if isinstance(connectivity, Divided):
            connectivity.check_indices(what)
            continue
        for path, leaf in jax.tree_util.tree_leaves_with_path(connectivity):
            check_finite(leaf, f"{what}{jax.tree_util.keystr(path)}")
        for path, node in jax.tree_util.tree_leaves_with_path(connectivity, is_leaf=_has_indices):
            if _has_indices(node):
                node.check_indices(f"{what}{jax.tree_util.keystr(path)}")
    for part in network.parts:
        part.check_cast(network.sizes, dtype)
    _checked_dt(network.dt, dtype)
    if all(isinstance(leaf, jax.Array) and is_concrete(leaf) for leaf in jax.tree.leaves(network)):
        object.__setattr__(network, "_are_checked", True)


def _has_indices(node: Any) -> bool:
    return isinstance(node, Sparse | Dense | LearntDelays)


def _num_synapses(projection: Projection) -> int | None:
    number = getattr(projection.connectivity, "num_synapses", None)
    return None if number is None else int(number)


def _named(parts: Sequence[Any], name: str, kind: str) -> Any:
    check_known([name], [part.name for part in parts], "network", kind)
    return next(part for part in parts if part.name == name)


def _all_of(kind: type[_T], given: Any, name: str) -> tuple[_T, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(
            f"network, {name}: given {type(given).__name__}; expected a list of "
            f"{kind.__name__}{_ORDER}"
        )
    for part in given:
        check_type(part, kind, f"network, {name}", _ORDER)
    return tuple(given)


_ORDER = ", in jsnn.Network(populations, projections, sources, dt=dt)"


def _check_unique(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"network: the name {twice[0]!r} is given more than once; expected unique names "
            "(two projections between the same populations need a `name` each)"
        )


def check_stable(
    population: Population, params: Mapping[str, Any], dt: Any, what: str = "network"
) -> None:
    """Raise ValueError if a step is too long for the integrator of a population.

    Args:
      population: the population.
      params: its parameters, () or [..., N].
      dt: the length of a step, in ms.
      what: the part that gives them, for messages.
    """
    if population.model.max_dt is None:
        return
    longest = population.model.max_dt(dict(params))
    if is_concrete(longest) and is_concrete(dt) and not np.all(np.asarray(dt <= longest)):
        raise ValueError(
            f"{what}, dt: given {dt} ms; expected at most {np.min(np.asarray(longest)):.4g} ms, "
            f"beyond which the integrator of population {population.name!r} is not stable"
        )


def _common_dtype(projections: Sequence[Projection]) -> Any:
    dtypes = {p.name: np.dtype(p.connectivity.dtype).name for p in projections}
    if len(set(dtypes.values())) > 1:
        raise TypeError(f"projections: given weights of {dtypes}; expected one dtype for all")
    return np.dtype(next(iter(dtypes.values()), jnp.result_type(float)))


def _checked_dt(dt: Any, dtype: Any) -> jax.Array:
    step = real_array(dt, dtype, "network, dt")
    least = np.finfo(dtype).tiny  # XLA may take smaller numbers for 0
    if step.ndim or (is_concrete(step) and not np.asarray(step) >= least):
        raise ValueError(
            f"network, dt: given {dt}; expected one time in ms > 0, at least {least:.3g} in {dtype}"
        )
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
