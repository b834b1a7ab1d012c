"""Recordings of a run: a trace over time, or a fold that needs no memory for time.

`simulate(..., record={name: recording})` returns {name: recorded}. A recording is one of those
below, any function of (state, spikes), stacked over the steps, or an object of your own with the
methods of `Trace` or `Fold`. Recordings are static: hashable, and equal if they record the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, finite_number, host_array, positive_int
from jsnn._pytree import replace
from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state
from jsnn.network.variables import check_variable, variables_of

SpikesOf = dict[str, jax.Array]
"""Spikes of a step, {population: [N]}: 1.0 where a neuron spiked in this step, else 0.0."""


@runtime_checkable
class Trace(Protocol):
    """A recording of the last of every `every` steps: [num_steps // every, ...]."""

    @property
    def every(self) -> int:
        """The number of steps from one recorded step to the next."""
        ...

    def check(self, network: Network, what: str) -> None:
        """Raise ValueError, naming `what`, if the recording does not fit the network."""
        ...

    def observe(self, state: State, spikes: SpikesOf) -> Any:
        """Return the arrays to keep of a step; `state` is the one after the step."""
        ...


@runtime_checkable
class Fold(Protocol):
    """A recording of one value, which every step makes anew from the last one.

    A fold may have a method `finish(kept)` too, which returns the result from the last value.
    """

    def check(self, network: Network, what: str) -> None:
        """Raise ValueError, naming `what`, if the recording does not fit the network."""
        ...

    def start(self, network: Network) -> Any:
        """Return the value before the first step."""
        ...

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any:
        """Return the value after a step; `kept` is the one before, `state` that after the step."""
        ...


Recording = Trace | Fold | Callable[[State, SpikesOf], Any]
Recordings = Mapping[str, Recording]


@dataclass(frozen=True)
class Spikes:
    """Spikes of a population: bool [num_steps // every, N].

    Bools carry no gradient: a loss of them has the gradient 0. Record `SpikeCount`, or a function
    such as `lambda state, spikes: spikes["layer1"]`, whose spikes are floats and have the surrogate
    derivative of the neuron model. The gradient of a `Variable` passes the spikes on its way too.

    Attributes:
      population: the name of the population.
      neurons: indices of the neurons to record; all by default.
      every: keep the spikes of the last of every so many steps.
    """

    population: str
    neurons: Sequence[int] | None = None
    every: int = 1

    def __post_init__(self) -> None:
        _check_choice(self, self.population)

    def check(self, network: Network, what: str) -> None:
        check_neurons(network, self.population, self.neurons, what)

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return chosen(spikes[self.population], self.neurons) > 0


@dataclass(frozen=True)
class Variable:
    """A variable at the end of a step: [num_steps // every, ...], behind time in its own shape.

        jsnn.Variable("cells", "v")                     [T, N]
        jsnn.Variable("cells_to_cells", "i_syn")        [T, post], of the synapse model
        jsnn.Variable("cells_to_cells", "weight")       of plastic synapses: [T, pre, post] for
                                                        `Dense`, [T, capacity] for `Sparse`
        jsnn.Variable("cells_to_cells", "eligibility")  of a learning rule, shaped like weights
        jsnn.Variable("cells_to_cells", "pre.trace")    [T, pre], of a rule; "post.trace": [T, post]
        jsnn.Variable("noise", "deviation")             [T, N], of a current source

    The names of a projection's variables are those which its models declare; "synapse.x" is that of
    the synapse model if the learning rule has an x, too. Synapses of `Sparse` are in the order in
    which they were given.

    Attributes:
      part: the name of the population, projection or current source.
      variable: the name of the variable.
      neurons: indices along the last axis to record; all by default. They are neurons, or of the
        weights and other variables of synapses: synapses in a list, postsynaptic neurons of a
        matrix.
      every: keep the values of the last of every so many steps.
    """

    part: str
    variable: str = "v"
    neurons: Sequence[int] | None = None
    every: int = 1

    def __post_init__(self) -> None:
        _check_choice(self, self.part)

    def check(self, network: Network, what: str) -> None:
        check_variable(network, self.part, self.variable, what)
        if self.neurons is not None:
            self._check_neurons(abstract_variable(network, self).shape, what)

    def _check_neurons(self, shape: tuple[int, ...], what: str) -> None:
        name = f"{self.variable!r} of {self.part!r}"
        if not shape:
            raise ValueError(
                f"{what}, neurons: given {list(self.neurons or ())}; expected None, since {name} "
                "is one number for all neurons"
            )
        outside = [n for n in self.neurons or () if n >= shape[-1]]
        if outside:
            raise ValueError(
                f"{what}, neurons: given {outside[0]}; expected 0 to {shape[-1] - 1}, indices "
                f"along the last axis of {name}, of shape {shape}"
            )

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return chosen(value_of(state, self), self.neurons)


@dataclass(frozen=True)
class SpikeCount:
    """Number of spikes of each neuron: [N] in the network's dtype, so that gradients pass.

    The numbers are whole, and exact up to 2^24 spikes a neuron in float32.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        _size(network, self.population, what)

    def start(self, network: Network) -> jax.Array:
        return jnp.zeros(network.sizes[self.population], network.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return kept + spikes[self.population]


@dataclass(frozen=True)
class Rate:
    """The firing rate of each neuron in the run, in Hz: [N] in the network's dtype.

    Gradients pass, as those of `SpikeCount`.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        _size(network, self.population, what)

    def start(self, network: Network) -> dict[str, jax.Array]:
        zeros = jnp.zeros(network.sizes[self.population], network.dtype)
        return {"count": zeros, "steps": jnp.zeros((), network.dtype), "dt": network.dt}

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        count = kept["count"] + spikes[self.population]
        return kept | {"count": count, "steps": kept["steps"] + 1}

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        return kept["count"] * (1000 / (kept["steps"] * kept["dt"]))


@dataclass(frozen=True)
class FirstSpike:
    """The step of each neuron's first spike, counted from the start of the run: int32 [N].

    The number is negative for a neuron that stays silent.
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
class FirstSpikeTime:
    """The time of each neuron's first spike from the start of the run, in ms: [N].

    The time of a spike in step n = 0, 1, ... is (n + 1) dt, and T dt stands for silence in a run of
    T steps. Gradients pass through the spikes z, which have the surrogate derivative of the model:
    t = dt Σ_n Π_{k < n} (1 - z_k). If the population has a variable "shift", the time of its spike
    from the end of the step in ms, t is (n + 1) dt + shift and has the derivative of the shift too.

    In an exact network a neuron that stays silent has no derivative and cannot learn to spike. With
    `silent` = κ its time T dt has the derivative of -κ m, where m is the largest threshold margin
    that it reached: the nearer to the threshold, the earlier.

    Attributes:
      population: the name of the population.
      silent: κ, in ms per unit of the margin (mV for `LIF`); networks that are not exact ignore it,
        since their surrogate does the same.
    """

    population: str
    silent: float = 0.0

    def check(self, network: Network, what: str) -> None:
        _size(network, self.population, what)
        finite_number(self.silent, f"{what}, silent", least=0)

    def start(self, network: Network) -> dict[str, jax.Array]:
        zeros = jnp.zeros(network.sizes[self.population], network.dtype)
        start = {"silent": zeros + 1, "steps": zeros, "shift": zeros, "dt": network.dt}
        return start | ({"margin": zeros + _lowest(zeros.dtype)} if self.silent else {})

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        silent, spiked = kept["silent"], spikes[self.population]
        after = {"silent": silent * (1 - spiked), "steps": kept["steps"] + silent}
        variables = state.populations[self.population]
        if "shift" in variables:
            after["shift"] = jnp.where(silent * spiked > 0, variables["shift"], kept["shift"])
        if self.silent and "margin" in variables:
            after["margin"] = jnp.maximum(kept["margin"], variables["margin"])
        return kept | after

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        times = kept["steps"] * kept["dt"] + kept["shift"]
        if not self.silent:
            return times
        missed = jnp.where(kept["silent"] > 0, -kept["margin"], 0)
        return times + self.silent * (missed - jax.lax.stop_gradient(missed))


@dataclass(frozen=True)
class MaxVariable:
    """The largest value that a `Variable` had at the end of a step, in its shape, such as [N]."""

    part: str
    variable: str = "v"

    def check(self, network: Network, what: str) -> None:
        check_variable(network, self.part, self.variable, what)

    def start(self, network: Network) -> jax.Array:
        variable = abstract_variable(network, self)
        return jnp.full(variable.shape, _lowest(variable.dtype), variable.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return jnp.maximum(kept, value_of(state, self))


@dataclass(frozen=True)
class FinalVariable:
    """The value of a `Variable` after the last step, in its shape, such as [N]."""

    part: str
    variable: str = "v"

    def check(self, network: Network, what: str) -> None:
        check_variable(network, self.part, self.variable, what)

    def start(self, network: Network) -> jax.Array:
        variable = abstract_variable(network, self)
        return jnp.zeros(variable.shape, variable.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return value_of(state, self)


@dataclass(frozen=True)
class SumVariable:
    """The sum over the steps of a `Variable` at the end of each step, in its shape, such as [N].

    The dtype is that of the network.
    """

    part: str
    variable: str = "v"

    def check(self, network: Network, what: str) -> None:
        check_variable(network, self.part, self.variable, what)

    def start(self, network: Network) -> jax.Array:
        variable = abstract_variable(network, self)
        return jnp.zeros(variable.shape, network.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return kept + value_of(state, self).astype(kept.dtype)


@dataclass(frozen=True)
class MeanVariable:
    """The mean over the steps of a `Variable` at the end of each step, in its shape, such as [N].

    The dtype is that of the network.
    """

    part: str
    variable: str = "v"

    @property
    def _sum(self) -> SumVariable:
        return SumVariable(self.part, self.variable)

    def check(self, network: Network, what: str) -> None:
        self._sum.check(network, what)

    def start(self, network: Network) -> dict[str, jax.Array]:
        return {"sum": self._sum.start(network), "steps": jnp.zeros((), network.dtype)}

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        return {"sum": self._sum.fold(kept["sum"], state, spikes), "steps": kept["steps"] + 1}

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        return kept["sum"] * (1 / kept["steps"])


OfVariable = Variable | MaxVariable | FinalVariable | SumVariable | MeanVariable


def value_of(state: State, recording: OfVariable) -> jax.Array:
    """Return the value of the variable that a recording looks at."""
    return variables_of(state, recording.part)[recording.variable]


def abstract_variable(network: Network, recording: OfVariable) -> jax.Array:
    """Return the shape and dtype of the variable that a recording looks at."""
    return value_of(abstract_state(network), recording)


@dataclass(frozen=True)
class NonFinite:
    """The first step in which a number of the state was NaN or infinite: int32, -1 for never.

    There is one number for each variable of neurons, synapses, current sources and plastic
    synapses, and for the spikes and sums on their way, by its path in the state. The step is that
    of the state, which counts from its fresh start.
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
    """Return the floating numbers of a state by their paths, such as "populations['a']['v']"."""
    leaves = jax.tree_util.tree_leaves_with_path(replace(state, key=None, step=None))
    return {
        jax.tree_util.keystr(path).removeprefix("."): leaf
        for path, leaf in leaves
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    }


def checked_spikes(given: ArrayLike, what: str) -> np.ndarray:
    """Return the recorded spikes of one presentation as an array [T, N].

    Raises:
      ValueError: if `given` has another shape, or holds anything but 0 and 1.
    """
    spikes = host_array(given, what)
    if spikes.ndim != 2:
        raise ValueError(
            f"{what}: given shape {spikes.shape}; expected [num_steps, N], one presentation"
        )
    if spikes.dtype != np.bool_:
        other = spikes[(spikes != 0) & (spikes != 1)]
        if other.size:
            raise ValueError(
                f"{what}: given {other.flat[0]}; expected spikes, 0 or 1, as jsnn.Spikes records"
            )
    return spikes


def _lowest(dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.floating):
        return -jnp.inf
    return False if jnp.issubdtype(dtype, jnp.bool_) else jnp.iinfo(dtype).min


def abstract_step(network: Network) -> tuple[Any, dict[str, jax.ShapeDtypeStruct]]:
    """Return the shapes of a state and of the spikes of a step."""
    spikes = {
        name: jax.ShapeDtypeStruct((size,), network.dtype) for name, size in network.sizes.items()
    }
    return abstract_state(network), spikes


def _size(network: Network, population: str, what: str) -> int:
    check_known([population], network.sizes, what, "population")
    return network.sizes[population]


def chosen(values: jax.Array, neurons: Sequence[int] | None) -> jax.Array:
    """Return the values of the neurons to record, which are the last axis."""
    return values if neurons is None else values[..., np.asarray(neurons, np.int32)]


def _check_choice(recording: Spikes | Variable, part: str) -> None:
    what = f"recording of {part!r}"
    positive_int(recording.every, f"{what}, every")
    object.__setattr__(recording, "neurons", checked_neurons(recording.neurons, what))


def checked_neurons(neurons: Sequence[int] | None, what: str) -> tuple[int, ...] | None:
    """Return the indices of neurons to record as a tuple, or None for all of them.

    Raises:
      TypeError: if they are no sequence of integers.
      ValueError: if one is negative.
    """
    if neurons is None:
        return None
    if np.ndim(neurons) != 1:
        raise TypeError(
            f"{what}, neurons: given {neurons!r}; expected a sequence of indices, such as [0] or "
            "range(3)"
        )
    if getattr(neurons, "dtype", None) == np.bool_:
        raise TypeError(
            f"{what}, neurons: given an array of bool; expected indices (np.flatnonzero(mask))"
        )
    return tuple(positive_int(n, f"{what}, neurons", least=0) for n in neurons)


def check_neurons(
    network: Network, population: str, neurons: Sequence[int] | None, what: str
) -> None:
    """Raise ValueError, naming `what`, if the population or one of its neurons does not exist."""
    size = _size(network, population, what)
    outside = [n for n in neurons or () if n >= size]
    if outside:
        raise ValueError(
            f"{what}: given neuron {outside[0]} of {population!r}; expected 0 to {size - 1}"
        )
