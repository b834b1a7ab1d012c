"""What to keep of a run: a trace over time, or a fold that needs no memory for time.

`simulate(..., record={name: recording})` returns {name: recorded}. A recording is one of those
below, any function of (state, spikes), stacked over the steps, or an object of your own with the
methods of `Trace` or `Fold`. Recordings are static: hashable, and equal where they record the same.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, positive_int
from jsnn.network import Network
from jsnn.state import State, abstract_state

SpikesOf = dict[str, jax.Array]
"""{population: [N]}: 1.0 where a neuron spiked in this step, else 0.0."""


@runtime_checkable
class Trace(Protocol):
    """Keeps `observe` of the last of every `every` steps: [num_steps // every, ...]."""

    @property
    def every(self) -> int: ...

    def check(self, network: Network, what: str) -> None: ...

    def observe(self, state: State, spikes: SpikesOf) -> Any: ...


@runtime_checkable
class Fold(Protocol):
    """Keeps one value, made anew in every step from the last one."""

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> Any: ...

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any: ...


Recording = Trace | Fold | Callable[[State, SpikesOf], Any]
Recordings = Mapping[str, Recording]


@dataclass(frozen=True)
class Spikes:
    """Which neurons spiked: bool [num_steps // every, N], or the chosen `neurons` of them.

    With `every` = k, the spikes of the last of every k steps.
    """

    population: str
    neurons: Sequence[int] | None = None
    every: int = 1

    def __post_init__(self) -> None:
        _check_choice(self)

    def check(self, network: Network, what: str) -> None:
        _check_neurons(network, self.population, self.neurons, what)

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return _chosen(spikes[self.population], self.neurons) > 0


@dataclass(frozen=True)
class Variable:
    """A variable at the end of a step: [num_steps // every, N], or the chosen `neurons` of it."""

    population: str
    variable: str = "v"
    neurons: Sequence[int] | None = None
    every: int = 1

    def __post_init__(self) -> None:
        _check_choice(self)

    def check(self, network: Network, what: str) -> None:
        _check_neurons(network, self.population, self.neurons, what)
        _check_variable(network, self.population, self.variable, what)

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return _chosen(state.variables[self.population][self.variable], self.neurons)


@dataclass(frozen=True)
class SpikeCount:
    """How often each neuron spiked: [N] in the network's dtype, so that gradients pass.

    Whole numbers, exact up to 2^24 spikes a neuron in float32.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        _size(network, self.population, what)

    def start(self, network: Network) -> jax.Array:
        return jnp.zeros(network.sizes[self.population], network.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return kept + spikes[self.population]


@dataclass(frozen=True)
class FirstSpike:
    """The step of each neuron's first spike, counted from the start of the run: int32 [N].

    Negative where a neuron stays silent.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        _size(network, self.population, what)

    def start(self, network: Network) -> jax.Array:
        return jnp.full(network.sizes[self.population], -1, jnp.int32)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        # While a neuron is silent, `kept` counts down from -1: -1 - kept steps have passed.
        silent = kept < 0
        first = jnp.where(spikes[self.population] > 0, -1 - kept, kept - 1)
        return jnp.where(silent, first, kept)


@dataclass(frozen=True)
class MaxVariable:
    """The largest value that a variable reached at the end of a step: [N]."""

    population: str
    variable: str = "v"

    def check(self, network: Network, what: str) -> None:
        _size(network, self.population, what)
        _check_variable(network, self.population, self.variable, what)

    def start(self, network: Network) -> jax.Array:
        variable = abstract_state(network).variables[self.population][self.variable]
        return jnp.full(variable.shape, _lowest(variable.dtype), variable.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return jnp.maximum(kept, state.variables[self.population][self.variable])


@dataclass(frozen=True)
class NonFinite:
    """The first step in which a number of the state was NaN or infinite: int32, -1 for never.

    For each variable of neurons, synapses, current sources and plastic synapses, and what is on its
    way to arrive, by its path in the state. The step is that of the state, which counts from its
    fresh start.
    """

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> dict[str, jax.Array]:
        return {path: jnp.full((), -1, jnp.int32) for path in _numbers(abstract_state(network))}

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        def first(path: str, numbers: jax.Array) -> jax.Array:
            is_new = (kept[path] < 0) & ~jnp.all(jnp.isfinite(numbers))
            return jnp.where(is_new, state.step - 1, kept[path])

        return {path: first(path, numbers) for path, numbers in _numbers(state).items()}


def _numbers(state: State) -> dict[str, Any]:
    """The floating variables of a state by their paths, such as "variables['layer0']['v']"."""
    fields = ("variables", "synapses", "sources", "arriving", "plastic")
    leaves = [
        (f"{field}{jax.tree_util.keystr(path)}", leaf)
        for field in fields
        for path, leaf in jax.tree_util.tree_leaves_with_path(getattr(state, field))
    ]
    return {path: leaf for path, leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)}


@dataclass(frozen=True)
class _Observation:
    """A plain function of (state, spikes) as a trace of every step."""

    observe: Callable[[State, SpikesOf], Any]
    every: int = 1

    def check(self, network: Network, what: str) -> None: ...


@dataclass(frozen=True)
class _Sampled:
    """A trace of every k-th step as a fold, so that the steps between take no memory."""

    trace: Trace
    num_rows: int

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> Any:
        observed = jax.eval_shape(self.trace.observe, *_abstract_step(network))
        # One row more than asked for: the steps after the last whole k go there.
        rows = jax.tree.map(
            lambda leaf: jnp.zeros((self.num_rows + 1, *leaf.shape), leaf.dtype), observed
        )
        return jnp.zeros((), jnp.int32), rows

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any:
        step, rows = kept
        observed = self.trace.observe(state, spikes)
        put = jax.lax.dynamic_update_index_in_dim
        row = step // self.trace.every
        return step + 1, jax.tree.map(lambda all_, new: put(all_, new, row, 0), rows, observed)

    def finish(self, kept: Any) -> Any:
        return jax.tree.map(lambda rows: rows[:-1], kept[1])


def population_of(recording: Any) -> str | None:
    """The one population that a recording looks at, or None where it may look at all of them."""
    if isinstance(recording, _Sampled):
        return population_of(recording.trace)
    of_one = isinstance(recording, (Spikes, Variable, SpikeCount, FirstSpike, MaxVariable))
    return recording.population if of_one else None


def folds_each_neuron(recording: Any) -> bool:
    """Whether a recording keeps one value for each neuron of its population."""
    return isinstance(recording, (SpikeCount, FirstSpike, MaxVariable))


@dataclass(frozen=True)
class Plan:
    """Recordings sorted by how a run keeps them: stacked by `scan`, or folded in its carry."""

    stacked: tuple[tuple[str, Trace], ...]
    folded: tuple[tuple[str, Fold], ...]

    def of(self, populations: Collection[str]) -> "Plan":
        """The recordings of `populations` alone."""
        return Plan(
            tuple((name, r) for name, r in self.stacked if population_of(r) in populations),
            tuple((name, r) for name, r in self.folded if population_of(r) in populations),
        )

    def start(self, network: Network) -> dict[str, Any]:
        return {name: recording.start(network) for name, recording in self.folded}

    def fold(self, kept: dict[str, Any], state: State, spikes: SpikesOf) -> dict[str, Any]:
        return {name: r.fold(kept[name], state, spikes) for name, r in self.folded}

    def observe(self, state: State, spikes: SpikesOf) -> dict[str, Any]:
        return {name: trace.observe(state, spikes) for name, trace in self.stacked}

    def finish(self, kept: dict[str, Any], stacked: dict[str, Any]) -> dict[str, Any]:
        finished = {
            name: r.finish(kept[name]) if isinstance(r, _Sampled) else kept[name]
            for name, r in self.folded
        }
        return stacked | finished


def plan(network: Network, record: Recordings | None, num_steps: int) -> Plan:
    """Check `record` against the network and sort it; hashable."""
    stacked: list[tuple[str, Trace]] = []
    folded: list[tuple[str, Fold]] = []
    record = {} if record is None else record
    check_type(record, Mapping, "record", " by name")
    for name, recording in record.items():
        if isinstance(recording, type):
            raise TypeError(
                f"recording {name!r}: given the class {recording.__name__}; expected an instance, "
                f"{recording.__name__}(population)"
            )
        if not isinstance(recording, Hashable):
            raise TypeError(
                f"recording {name!r}: given an unhashable {type(recording).__name__}; expected a "
                "function or a frozen dataclass, since recordings are static"
            )
        if isinstance(recording, (Trace, Fold)):
            recording.check(network, f"recording {name!r}")
        elif callable(recording):
            recording = _Observation(recording)
        else:
            raise TypeError(
                f"recording {name!r}: given {type(recording).__name__}; expected a recording such "
                "as jsnn.Spikes(population) or a function of (state, spikes)"
            )
        if isinstance(recording, Fold):
            folded.append((name, recording))
        elif recording.every > 1:
            folded.append((name, _Sampled(recording, num_steps // recording.every)))
        else:
            stacked.append((name, recording))
    return Plan(tuple(stacked), tuple(folded))


def recorded_bytes(
    network: Network, record: Recordings, num_steps: int, *, num_presentations: int = 1
) -> int:
    """The bytes that `record` takes for that many steps and presentations; nothing is run."""
    planned = plan(network, record, positive_int(num_steps, "num_steps"))
    one_step = jax.eval_shape(planned.observe, *_abstract_step(network))
    folded = jax.eval_shape(lambda n: planned.finish(planned.start(n), {}), network)
    per_presentation = num_steps * _bytes(one_step) + _bytes(folded)
    return per_presentation * positive_int(num_presentations, "num_presentations")


def spike_list(spikes: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Recorded spikes [T, N] as (steps, neurons), each [number of spikes], in order of time."""
    array = np.asarray(spikes)
    if array.ndim != 2:
        raise ValueError(
            f"spike_list: given shape {array.shape}; expected [num_steps, N], one presentation"
        )
    # np.nonzero of two axes takes twenty times as long as of one
    steps, neurons = np.divmod(np.flatnonzero(array), array.shape[1])
    return steps, neurons


def _lowest(dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.floating):
        return -jnp.inf
    return False if jnp.issubdtype(dtype, jnp.bool_) else jnp.iinfo(dtype).min


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _abstract_step(network: Network) -> tuple[Any, dict[str, jax.ShapeDtypeStruct]]:
    spikes = {
        name: jax.ShapeDtypeStruct((size,), network.dtype) for name, size in network.sizes.items()
    }
    return abstract_state(network), spikes


def _size(network: Network, population: str, what: str) -> int:
    check_known([population], network.sizes, what, "population")
    return network.sizes[population]


def _chosen(values: jax.Array, neurons: Sequence[int] | None) -> jax.Array:
    return values if neurons is None else values[np.asarray(neurons, np.int32)]


def _check_choice(recording: Spikes | Variable) -> None:
    what = f"recording of {recording.population!r}"
    positive_int(recording.every, f"{what}, every")
    if recording.neurons is not None:
        if np.ndim(recording.neurons) != 1:
            raise TypeError(f"{what}, neurons: given {recording.neurons!r}; expected a sequence")
        neurons = tuple(positive_int(n, f"{what}, neurons", least=0) for n in recording.neurons)
        object.__setattr__(recording, "neurons", neurons)


def _check_neurons(
    network: Network, population: str, neurons: Sequence[int] | None, what: str
) -> None:
    size = _size(network, population, what)
    outside = [n for n in neurons or () if n >= size]
    if outside:
        raise ValueError(
            f"{what}: given neuron {outside[0]} of {population!r}; expected 0 to {size - 1}"
        )


def _check_variable(network: Network, population: str, variable: str, what: str) -> None:
    known = network.population(population).model.variables
    check_known([variable], known, f"{what}, population {population!r}", "variable")
