"""A network: populations of neurons joined by projections, driven by current sources."""

import dataclasses
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._arrays import check_finite, check_known, positive_int, real_array
from jsnn._pytree import pytree, replace, static
from jsnn.check import needs_key, raise_problems
from jsnn.connectivity import Connectivity, Dense
from jsnn.neurons import NeuronModel
from jsnn.sources import SourceModel
from jsnn.synapses import DELTA, SynapseModel

Given = Mapping[str, ArrayLike]
"""Named numbers as a user gives them: each a scalar or one value per neuron."""


@pytree
class Population:
    """`size` neurons of one `model`.

    Attributes:
      name: unique in the network.
      size: N, the number of neurons.
      model: the neuron model.
      params: values that replace the model's defaults, each a scalar or [N]; traced.
      variables: initial values that replace the model's defaults, each a scalar or [N]; traced.

    Raises ValueError or TypeError where a name is unknown to the model, a shape is neither () nor
    [N], or a number is NaN or infinite.
    """

    name: str = static()
    size: int = static()
    model: NeuronModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    variables: Given = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        what = f"population {self.name!r}"
        _check_name(self.name, "population")
        object.__setattr__(self, "size", positive_int(self.size, f"{what}, size"))
        _complete(self, "params", self.model.params, self.size, what, "parameter")
        _complete(self, "variables", self.model.variables, self.size, what, "variable")


@pytree
class Projection:
    """The synapses from population `pre` to population `post`.

    Attributes:
      pre, post: names of populations.
      connectivity: which neuron reaches which, with what weight.
      synapse: what arriving spikes do to the postsynaptic current.
      params: values that replace the synapse model's defaults, each a scalar or [post]; traced.
      delay: whole steps, >= 0: a spike of step n arrives in step n + delay. 1 (the default) is
        what GeNN calls no delay. 0 is within the same step, where the graph allows an order.
      name: unique in the network; "pre_to_post" unless given.
    """

    pre: str = static()
    post: str = static()
    connectivity: Connectivity
    synapse: SynapseModel = static(default=DELTA)
    params: Given = dataclasses.field(default_factory=dict)
    delay: int = static(default=1)
    name: str = static(default="")

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"{self.pre}_to_{self.post}")
        what = f"projection {self.name!r}"
        _check_name(self.name, "projection")
        object.__setattr__(self, "delay", positive_int(self.delay, f"{what}, delay", least=0))
        if not hasattr(self.connectivity, "deliver"):
            raise TypeError(
                f"{what}, connectivity: given {type(self.connectivity).__name__}; expected a "
                "connectivity such as jsnn.Dense(weights)"
            )
        size = self.connectivity.num_post
        _complete(self, "params", self.synapse.params, size, what, "parameter")


@pytree
class CurrentSource:
    """A current that is part of the network, into every neuron of one population.

    Attributes:
      name: unique in the network.
      population: the name of the population that it drives.
      model: the source model.
      params: values that replace the model's defaults, each a scalar or [N]; traced. A
        presentation may replace them again, through `drive`.
    """

    name: str = static()
    population: str = static()
    model: SourceModel = static()
    params: Given = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_name(self.name, "current source")
        what = f"current source {self.name!r}"
        _complete(self, "params", self.model.params, None, what, "parameter")


@pytree
class Network:
    """Populations, projections and current sources, checked against each other; a pytree.

    What is static (names, sizes, delays, model functions) is its structure; what is traced
    (weights, parameters, initial values, `dt`) are its leaves, all of one floating dtype: that of
    the weights. So `jax.vmap` and `jax.grad` work over any of them and new values never recompile.

    Attributes:
      populations, projections, sources: in the order given.
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
    dt: ArrayLike = 1.0
    order: tuple[str, ...] = static(init=False)
    stochastic: bool = static(init=False)

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        for name, kind in (
            ("populations", Population),
            ("projections", Projection),
            ("sources", CurrentSource),
        ):
            put(name, _parts(getattr(self, name), kind, name))
        _check_unique([part.name for part in self._parts()])
        if not self.populations:
            raise ValueError("network: given no populations; expected at least one")
        for projection in self.projections:
            _check_fits(projection, self)
        for source in self.sources:
            what = f"current source {source.name!r}"
            check_known([source.population], self.sizes, what, "population")

        dtype = self.dtype
        put("dt", real_array(self.dt, dtype, "network, dt"))
        _check_dt(self.dt)
        put("populations", tuple(_cast_population(p, dtype) for p in self.populations))
        put("projections", tuple(_cast_projection(p, dtype) for p in self.projections))
        put(
            "sources",
            tuple(_cast_source(s, self.sizes[s.population], dtype) for s in self.sources),
        )
        put("order", _zero_delay_order(self.populations, self.projections))
        put("stochastic", any(needs_key(source.model) for source in self.sources))

    def _parts(self) -> tuple[Population | Projection | CurrentSource, ...]:
        return (*self.populations, *self.projections, *self.sources)

    @property
    def sizes(self) -> dict[str, int]:
        """The number of neurons of each population, in the order given."""
        return {population.name: population.size for population in self.populations}

    @property
    def dtype(self) -> Any:
        """The floating dtype of weights, parameters and state."""
        dtypes = {projection.name: projection.connectivity.dtype for projection in self.projections}
        if len(set(dtypes.values())) > 1:
            raise TypeError(f"projections: given weights of {dtypes}; expected one dtype for all")
        return next(iter(dtypes.values()), jnp.result_type(float))

    def population(self, name: str) -> Population:
        """The population of that name; ValueError where there is none."""
        check_known([name], self.sizes, "network", "population")
        return next(p for p in self.populations if p.name == name)

    def with_params(self, params: Mapping[str, Given]) -> "Network":
        """The network with other parameters: {population, projection or source: {name: value}}.

        Works under `jit`, `vmap` and `grad`; a value is a scalar or one number per neuron.
        """
        check_known(
            params, [p.name for p in self._parts()], "with_params", "population or projection"
        )

        def updated(part: Any) -> Any:
            if part.name not in params:
                return part
            return dataclasses.replace(part, params={**part.params, **params[part.name]})

        return Network(
            populations=[updated(p) for p in self.populations],
            projections=[updated(p) for p in self.projections],
            sources=[updated(s) for s in self.sources],
            dt=self.dt,
        )


def feedforward(
    weights: Sequence[ArrayLike],
    model: NeuronModel,
    *,
    params: Given | None = None,
    synapse: SynapseModel = DELTA,
    delay: int = 1,
    dt: ArrayLike = 1.0,
) -> Network:
    """A chain of dense layers: populations "layer0", "layer1", ..., all of one model.

    Args:
      weights: one matrix per projection, [pre, post], in nA.
      model: the neuron model of every layer, the input layer included.
      params: parameters of every layer, each a scalar.
      synapse, delay: of every projection.
      dt: the length of a step, in ms.

    Raises ValueError where the matrices do not chain; it names the pair.
    """
    if not len(weights):
        raise ValueError("feedforward: given no weights; expected at least one matrix")
    layers = [Dense(w) for w in weights]  # pyright: ignore[reportArgumentType]
    check_chain([(layer.num_pre, layer.num_post) for layer in layers])
    sizes = [layers[0].num_pre, *(layer.num_post for layer in layers)]
    return Network(
        populations=[
            Population(f"layer{i}", size, model, dict(params or {})) for i, size in enumerate(sizes)
        ],
        projections=[
            Projection(f"layer{i}", f"layer{i + 1}", layer, synapse=synapse, delay=delay)
            for i, layer in enumerate(layers)
        ],
        dt=dt,
    )


def check_chain(shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ValueError where matrices of these shapes, each (pre, post), do not follow each other."""
    for i, (first, second) in enumerate(zip(shapes, shapes[1:], strict=False)):
        if first[1] != second[0]:
            hint = ""
            if all(a[0] == b[1] for a, b in zip(shapes, shapes[1:], strict=False)):
                hint = "; every one would fit transposed: expected (pre, post), not (post, pre)"
            raise ValueError(
                f"weights {i}_{i + 1} and {i + 1}_{i + 2} do not chain: given shapes {first} and "
                f"{second}; expected the {first[1]} postsynaptic neurons of the one to be the "
                f"{second[0]} presynaptic ones of the next{hint}"
            )


def check_numbers(network: Network) -> None:
    """Raise ValueError if a number in a network made by `jax.tree.map` and the like is not finite."""
    for part in (*network.populations, *network.projections, *network.sources):
        for path, leaf in jax.tree_util.tree_leaves_with_path(part):
            check_finite(leaf, f"{type(part).__name__} {part.name!r}{jax.tree_util.keystr(path)}")


def _parts(given: Any, kind: type, name: str) -> tuple[Any, ...]:
    parts = tuple(given)
    for part in parts:
        if not isinstance(part, kind):
            raise TypeError(
                f"network, {name}: given {type(part).__name__}; expected {kind.__name__}"
            )
    return parts


def _check_name(name: Any, kind: str) -> None:
    if not isinstance(name, str) or not name:
        raise TypeError(f"{kind}, name: given {name!r}; expected a non-empty string")


def _check_unique(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"network: the name {twice[0]!r} is given more than once; expected unique names "
            "(two projections between the same populations need a `name` each)"
        )


def _check_dt(dt: Any) -> None:
    if not isinstance(dt, jax.core.Tracer) and (np.ndim(dt) or not dt > 0):
        raise ValueError(f"network, dt: given {dt}; expected one time in ms > 0")


def _check_fits(projection: Projection, network: Network) -> None:
    what = f"projection {projection.name!r}"
    sizes = network.sizes
    check_known([projection.pre, projection.post], sizes, what, "population")
    given = (projection.connectivity.num_pre, projection.connectivity.num_post)
    expected = (sizes[projection.pre], sizes[projection.post])
    if given != expected:
        hint = " (they look transposed)" if given == expected[::-1] else ""
        raise ValueError(
            f"{what}: given weights of shape {given}{hint}; expected {expected}, the sizes of "
            f"{projection.pre!r} and {projection.post!r}"
        )


def _complete(
    part: Any, field: str, defaults: Given, size: int | None, what: str, kind: str
) -> None:
    """Put the defaults under the values given for `field`, after checking names and shapes."""
    given = getattr(part, field)
    if not isinstance(given, Mapping):
        raise TypeError(f"{what}, {field}: given {type(given).__name__}; expected a dict")
    check_known(given, defaults, what, kind)
    for name, value in given.items():
        if size is not None and jnp.shape(value) not in ((), (size,)):
            raise ValueError(
                f"{what}, {kind} {name!r}: given shape {jnp.shape(value)}; expected a scalar or "
                f"({size},), one value per neuron"
            )
        check_finite(value, f"{what}, {kind} {name!r}")
    object.__setattr__(part, field, {**defaults, **given})


def _cast(values: Given, dtype: Any, what: str) -> dict[str, jax.Array]:
    return {name: real_array(value, dtype, f"{what} {name!r}") for name, value in values.items()}


def _cast_population(population: Population, dtype: Any) -> Population:
    what = f"population {population.name!r}"
    raise_problems(population.model, dtype, what)
    return replace(
        population,
        params=_cast(population.params, dtype, f"{what}, parameter"),
        variables=_cast(population.variables, dtype, f"{what}, variable"),
    )


def _cast_projection(projection: Projection, dtype: Any) -> Projection:
    what = f"projection {projection.name!r}"
    raise_problems(projection.synapse, dtype, what)
    return replace(projection, params=_cast(projection.params, dtype, f"{what}, parameter"))


def _cast_source(source: CurrentSource, size: int, dtype: Any) -> CurrentSource:
    what = f"current source {source.name!r}"
    raise_problems(source.model, dtype, what)
    return replace(
        source, params=source_params(source, source.params, size, dtype, f"{what}, parameter")
    )


def source_params(
    source: CurrentSource, given: Given, size: int, dtype: Any, what: str
) -> dict[str, jax.Array]:
    """The values `given` for a source's parameters, checked for shape and dtype."""
    check_known(given, source.model.params, what.removesuffix(", parameter"), "parameter")
    for name, value in given.items():
        shape, table = jnp.shape(value), np.ndim(source.model.params[name]) == 2
        if table and (len(shape) != 2 or shape[0] < 1 or shape[1] not in (1, size)):
            raise ValueError(
                f"{what} {name!r}: given shape {shape}; expected (steps, {size}), one row a step"
            )
        if not table and shape not in ((), (size,)):
            raise ValueError(
                f"{what} {name!r}: given shape {shape}; expected a scalar or ({size},), one value "
                "per neuron"
            )
    return _cast(given, dtype, what)


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
