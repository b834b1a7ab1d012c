"""Losses: what is recorded of a presentation, and the number to be made small.

A loss is made for a population or a readout, and is a value: equal to another one that says the
same, so that nothing is compiled anew. Losses add, and scale by numbers:

    loss = losses.cross_entropy(jsnn.first_spike("out")) + 0.1 * losses.rates_above("hidden", 50.0)

`loss.value` is a function of one presentation. `jax.vmap` takes it to a batch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jsnn._checks import check_finite, check_known, check_type, finite_number, positive_number
from jsnn._engine.record_checks import checked_record
from jsnn.evaluation.data_set import check_labels
from jsnn.evaluation.readouts import Readout
from jsnn.network.network import Network
from jsnn.network.state import State
from jsnn.recording import FirstSpikeTime, Rate, Recording, SpikesOf

Value = Callable[[dict[str, Any], Any], jax.Array]
"""A function ({name: recorded}, target) -> the loss of a presentation, ()."""


@dataclass(frozen=True)
class Loss:
    """Recordings of a presentation, and a function of them and of a target.

    Attributes:
      record: {name: recording}, what `simulate` is to record.
      value: ({name: recorded}, target) -> the loss, a float of shape (). Keep it at module level,
        as a new function is compiled anew.
    """

    record: Mapping[str, Recording]
    value: Value

    def __post_init__(self) -> None:
        checked_record(self.record, "loss, record")
        if not callable(self.value):
            raise TypeError(
                f"loss, value: given {type(self.value).__name__}; expected a function "
                "({name: recorded}, target) -> the loss of a presentation"
            )
        object.__setattr__(self, "record", dict(self.record))

    def __hash__(self) -> int:
        return hash((tuple(sorted(self.record)), self.value))

    def __add__(self, other: "Loss") -> "Loss":
        """Return the sum of two losses of one target."""
        if not isinstance(other, Loss):
            return NotImplemented
        for name in self.record.keys() & other.record.keys():
            if self.record[name] != other.record[name]:
                raise ValueError(
                    f"loss, record: given two recordings of the name {name!r}; expected one "
                    "(rename it in one of the losses)"
                )
        terms = (*_terms(self.value), *_terms(other.value))
        return Loss({**self.record, **other.record}, _Sum(terms))

    def __mul__(self, factor: float) -> "Loss":
        """Return the loss times a number."""
        factor = finite_number(factor, "loss, factor")
        return Loss(self.record, _Sum(tuple((factor * f, v) for f, v in _terms(self.value))))

    __rmul__ = __mul__

    def check(self, network: Network, targets: ArrayLike | None = None) -> None:
        """Check that the loss fits a network and the targets of presentations.

        Args:
          network: the network that is trained.
          targets: [n, ...], the targets of all presentations, or None to check the network alone.

        Raises:
          TypeError: if labels are not integers of shape (n,).
          ValueError: if a population or variable is unknown, or a label is outside the classes.
        """
        for name, recording in self.record.items():
            if hasattr(recording, "check"):
                recording.check(network, f"loss, recording {name!r}")
        for _, value in _terms(self.value):
            if targets is not None and isinstance(value, _OfClasses):
                check_labels(targets, network.sizes[value.population])


@dataclass(frozen=True)
class _Sum:
    """A weighted sum of values.

    Attributes:
      terms: pairs (factor, value).
    """

    terms: tuple[tuple[float, Value], ...]

    def __call__(self, recorded: dict[str, Any], target: Any) -> jax.Array:
        first, *others = (factor * value(recorded, target) for factor, value in self.terms)
        return sum(others, start=first)


def _terms(value: Value) -> tuple[tuple[float, Value], ...]:
    return value.terms if isinstance(value, _Sum) else ((1.0, value),)


def _recorded_by(recording: Recording, value: Callable[[str], Value]) -> Loss:
    """Return a loss of one recording, the name of which says what is recorded."""
    name = repr(recording)
    return Loss({name: recording}, value(name))


def cross_entropy(readout: Readout) -> Loss:
    """Return the cross entropy of a readout's scores, L = ln Σ_c exp(s_c) - s_label.

    The target is the label, an integer. A label outside the classes gives NaN.

    Args:
      readout: a readout that has `scores`, such as `jsnn.max_voltage("out")`.

    Raises:
      ValueError: if the readout has no scores.
    """
    check_type(readout, Readout, "cross_entropy, readout", ", such as jsnn.max_voltage(population)")
    if readout.scores is None:
        raise ValueError(
            f"cross_entropy: given a readout of {readout.population!r} without scores; expected "
            "one with them (jsnn.Readout(..., scores=function))"
        )
    scores = readout.scores
    return _recorded_by(
        readout.recording, lambda name: _OfClasses(name, readout.population, _CrossEntropy(scores))
    )


def first_spike_loss(
    population: str,
    tau: float,
    *,
    xi: float = 0.2,
    alpha: float = 0.005,
    beta: float = 1.0,
    silent: float = 0.0,
) -> Loss:
    """Return the cross entropy of first spikes, of which the label's is to come first, and soon.

    L = ln Σ_c exp(-(t_c - t_label) / (ξ τ)) + α exp(t_label / (β τ))

    t are the times of `FirstSpikeTime`, so that a silent neuron counts as if it spiked at the end.
    The first term depends on differences of times alone: with α = 0 the loss is invariant in time.
    The second one grows quickly with the length of a presentation, unless β τ does too. Göltz et
    al. 2021, "Fast and energy-efficient neuromorphic deep learning with first-spike times", Nature
    Machine Intelligence 3, with the constants of their Yin-Yang network. The target is the label,
    an integer. A label outside the classes gives NaN.

    Args:
      population: the output; neuron c stands for class c.
      tau: the synaptic time constant τ, ms.
      xi: the difference of times that counts, in τ.
      alpha: the weight of an early answer.
      beta: the time that counts as late, in τ.
      silent: the derivative of the time of a silent neuron in an exact network, in ms per unit of
        the margin by which it missed the threshold; 0 for none, with which a network can fall
        silent for good. A good start is 2 τ for the distance from rest to threshold.
    """
    what = "first_spike_loss"
    scale, late = (
        positive_number(tau, f"{what}, tau") * positive_number(number, f"{what}, {name}")
        for name, number in (("xi", xi), ("beta", beta))
    )
    alpha = finite_number(alpha, f"{what}, alpha", least=0)
    silent = finite_number(silent, f"{what}, silent", least=0)
    return _recorded_by(
        FirstSpikeTime(population, silent),
        lambda name: _OfClasses(name, population, _FirstSpikeLoss(scale, alpha, late)),
    )


def mean_squared_error(recording: Recording) -> Loss:
    """Return the mean of the squared differences of a recording from the target.

    The target has the shape and the unit of what is recorded: Hz, [N], for `jsnn.Rate(population)`,
    the unit of the variable for `jsnn.MeanVariable`, [N], or `jsnn.Variable`, [T, N].

    Args:
      recording: a recording that passes gradients and records an array.
    """
    return _recorded_by(recording, _SquaredError)


def van_rossum(population: str, tau: float) -> Loss:
    """Return the squared van Rossum distance of spike trains from target trains.

    D² = 1/τ Σ_i ∫ (f_i - g_i)² dt,   τ df_i/dt = -f_i,   f_i <- f_i + 1 at each spike of neuron i

    and g likewise for the target. The integral is exact and goes on after the last step, so a spike
    that is missing or far away from its target adds 1/2. van Rossum 2001, "A novel spike distance",
    Neural Computation 13. The target is [T, N], 1 where a neuron is to spike in a step.

    Args:
      population: the neurons that learn to spike.
      tau: the time constant τ of the filter, ms: short to ask for precise times.
    """
    tau = positive_number(tau, "van_rossum, tau")
    trains, step = _Trains(population), _StepLength()
    names = f"{trains!r}", f"{step!r}"
    return Loss({names[0]: trains, names[1]: step}, _VanRossum(*names, tau))


def rates_above(population: str, hz: float) -> Loss:
    """Return a cost of high firing rates, the mean over the neurons of max(0, ν - ν_max)², Hz².

    Zenke & Vogels 2021, "The remarkable robustness of surrogate gradient learning", Neural
    Computation 33, has such bounds on numbers of spikes. The target plays no role.

    Args:
      population: the neurons that are to spike less.
      hz: the rate ν_max of a presentation above which a neuron costs, Hz.
    """
    hz = finite_number(hz, "rates_above, hz", least=0)
    return _recorded_by(Rate(population), lambda name: _RatesBeyond(name, hz, 1))


def rates_below(population: str, hz: float) -> Loss:
    """Return a cost of low firing rates, the mean over the neurons of max(0, ν_min - ν)², Hz².

    It wakes silent neurons, as far as their surrogate derivative reaches. The target plays no role.

    Args:
      population: the neurons that are to spike more.
      hz: the rate ν_min of a presentation below which a neuron costs, Hz.
    """
    hz = finite_number(hz, "rates_below, hz", least=0)
    return _recorded_by(Rate(population), lambda name: _RatesBeyond(name, hz, -1))


@dataclass(frozen=True)
class _OfClasses:
    """A value of a label and one recorded number for each class.

    Attributes:
      name: of the recording.
      population: the output.
      value: (recorded [C], the label as bools [C]) -> ().
    """

    name: str
    population: str
    value: Callable[[jax.Array, jax.Array], jax.Array]

    def __call__(self, recorded: dict[str, Any], label: ArrayLike) -> jax.Array:
        label = jnp.asarray(label)
        if label.ndim or not jnp.issubdtype(label.dtype, jnp.integer):
            raise TypeError(
                f"loss of {self.population!r}, target: given {label.dtype} of shape {label.shape}; "
                "expected a label, an integer of shape ()"
            )
        of_classes = recorded[self.name]
        is_label = jnp.arange(len(of_classes)) == label
        return jnp.where(is_label.any(), self.value(of_classes, is_label), jnp.nan)


@dataclass(frozen=True)
class _CrossEntropy:
    scores: Callable[[jax.Array], jax.Array]

    def __call__(self, recorded: jax.Array, is_label: jax.Array) -> jax.Array:
        return _minus_log_share(self.scores(recorded), is_label)


@dataclass(frozen=True)
class _FirstSpikeLoss:
    scale: float
    alpha: float
    late: float

    def __call__(self, time: jax.Array, is_label: jax.Array) -> jax.Array:
        right = jnp.where(is_label, time, 0).sum()
        early = self.alpha * jnp.exp(right / self.late) if self.alpha else 0.0
        return _minus_log_share(-time / self.scale, is_label) + early


def _minus_log_share(scores: jax.Array, is_label: jax.Array) -> jax.Array:
    return jax.nn.logsumexp(scores) - jnp.where(is_label, scores, 0).sum()


@dataclass(frozen=True)
class _SquaredError:
    name: str

    def __call__(self, recorded: dict[str, Any], target: ArrayLike) -> jax.Array:
        given = recorded[self.name]
        if not jnp.issubdtype(given.dtype, jnp.floating):
            raise TypeError(
                f"loss of {self.name}: recorded {given.dtype}, which has no gradient; "
                "expected a recording of floats, such as jsnn.Rate or jsnn.Variable"
            )
        target = _like(target, given, f"loss of {self.name}")
        return jnp.mean((given - target) ** 2)


@dataclass(frozen=True)
class _RatesBeyond:
    name: str
    hz: float
    sign: int

    def __call__(self, recorded: dict[str, Any], target: Any) -> jax.Array:
        return jnp.mean(jax.nn.relu(self.sign * (recorded[self.name] - self.hz)) ** 2)


@dataclass(frozen=True)
class _VanRossum:
    """The integral of the squared difference y of the filtered trains, step by step.

    Within a step y decays until the spike, which comes `shift` ms before the end of the step, and
    after it. Targets come at the end of a step.
    """

    trains: str
    step: str
    tau: float

    def __call__(self, recorded: dict[str, Any], target: ArrayLike) -> jax.Array:
        (spikes, shifts), dt, tau = recorded[self.trains], recorded[self.step], self.tau
        targets = _like(target, spikes, f"loss of {self.trains}")

        def integral(y: jax.Array, time: jax.Array) -> jax.Array:
            """Return 1/τ of the integral of y² exp(-2 t / τ) over `time`."""
            return -0.5 * y**2 * jnp.expm1(-2 * time / tau)

        def step(y: jax.Array, now: Any) -> tuple[jax.Array, jax.Array]:
            spike, shift, target = now
            after = y * jnp.exp(-(dt + shift) / tau) + spike
            area = integral(y, dt + shift) + integral(after, -shift)
            return after * jnp.exp(shift / tau) - target, area

        last, areas = jax.lax.scan(step, jnp.zeros_like(spikes[0]), (spikes, shifts, targets))
        return areas.sum() + 0.5 * (last**2).sum()


@dataclass(frozen=True)
class _Trains:
    """Spikes as floats, which pass gradients, and their times from the end of a step: [T, N] each.

    The times are the variable "shift" of the population, ms, or 0 without it.
    """

    population: str
    every: int = 1

    def check(self, network: Network, what: str) -> None:
        check_known([self.population], network.sizes, what, "population")

    def observe(self, state: State, spikes: SpikesOf) -> tuple[jax.Array, jax.Array]:
        of_step = spikes[self.population]
        shift = state.populations[self.population].get("shift", jnp.zeros_like(of_step))
        return of_step, jnp.where(of_step > 0, shift, 0)


@dataclass(frozen=True)
class _StepLength:
    """The length of a step, ms: ()."""

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> jax.Array:
        return network.dt

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return kept


def _like(target: ArrayLike, recorded: jax.Array, what: str) -> jax.Array:
    """Return a target in the dtype of what is recorded.

    Raises:
      ValueError: if it has another shape, or holds NaN or infinity.
    """
    target = jnp.asarray(target)
    if target.shape != recorded.shape:
        raise ValueError(
            f"{what}, target: given shape {target.shape}; expected {recorded.shape}, as recorded"
        )
    check_finite(target, f"{what}, target")
    return target.astype(recorded.dtype)


def scalar(loss: Any) -> jax.Array:
    """Return the loss of a presentation as an array of shape ().

    Raises:
      TypeError: if it is another array or none.
    """
    is_array = isinstance(loss, jax.Array)
    if not is_array or loss.ndim or not jnp.issubdtype(loss.dtype, jnp.floating):
        given = f"{loss.dtype} of shape {loss.shape}" if is_array else type(loss).__name__
        raise TypeError(f"loss, value: returned {given}; expected a float array of shape ()")
    return loss
