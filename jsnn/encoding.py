"""Encoding: numbers, signals and lists of events become the input of a population.

The functions are of one presentation. Those of arrays work inside `jax.jit` and `jax.vmap`, where
numbers cannot be checked. Trains are bool [T, N], for a population of `jsnn.SPIKE_SOURCE`:

    times = encoding.latency(pixels / 255, 20.0)
    drive = {"in": jsnn.over_time(encoding.trains_from_times(times, 40, dt=0.5))}

Direct encoding needs no function: a drive of shape [N] is a current that is constant in time. Of
events, `jsnn.spike_list` is the way back: `steps, neurons = jsnn.spike_list(trains)`.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import (
    check_key,
    finite_number,
    host_array,
    is_concrete,
    number_of_steps,
    positive_int,
    positive_number,
)

Repeated = Literal["error", "once", "count"]
Outside = Literal["error", "drop"]

_ON_GRID = 1e-5
"""Steps by which a time may lie before the start of a step and still belong to it, by rounding."""


def latency(values: ArrayLike, last: float, *, first: float = 0.0, least: float = 0.0) -> jax.Array:
    """Encode numbers from 0 to 1 by times, the larger the earlier: t = last - x (last - first).

    Args:
      values: x, from 0 to 1, of any shape.
      last: the time of a spike for 0, ms.
      first: the time of a spike for 1, ms.
      least: the number x below which there is no spike.

    Returns:
      Times in ms, of the shape of `values`; infinite where there is no spike.
    """
    first = finite_number(first, "latency, first", least=0)
    last = finite_number(last, "latency, last", least=first)
    x = _from_0_to_1(values, "latency, values")
    return jnp.where(x < least, jnp.inf, last - x * (last - first))


def log_latency(values: ArrayLike, tau: float, threshold: float) -> jax.Array:
    """Encode currents by the time at which they make a leaky integrate-and-fire neuron spike.

    t = τ ln(x / (x - θ)), from τ dV/dt = -V + x and V(0) = 0: the first time with V = θ.

    Args:
      values: x, in the unit of the threshold, of any shape.
      tau: the time constant τ, ms.
      threshold: θ; it lies above 0.

    Returns:
      Times in ms, of the shape of `values`; infinite where x <= θ.
    """
    tau, threshold = (
        positive_number(tau, "log_latency, tau"),
        positive_number(threshold, "log_latency, threshold"),
    )
    x = _floats(values)
    above = x > threshold
    safe = jnp.where(above, x, 2 * threshold)  # keeps NaN out of gradients
    return jnp.where(above, -tau * jnp.log1p(-threshold / safe), jnp.inf)


def trains_from_times(times: ArrayLike, num_steps: int, dt: float = 1.0) -> jax.Array:
    """Make spike trains from one time for each neuron.

    A time t is a spike in step n if n dt <= t < (n + 1) dt, but for rounding.

    Args:
      times: [N], ms; infinite for a neuron that does not spike.
      num_steps: T.
      dt: the length of a step, ms.

    Returns:
      bool [T, N].

    Raises:
      ValueError: if a time is NaN, negative, or finite and T dt or later.
    """
    num_steps = number_of_steps(num_steps, "trains_from_times, num_steps")
    dt = positive_number(dt, "trains_from_times, dt")
    if is_concrete(times):
        given = host_array(times, "trains_from_times, times")
        wrong = given[~(_step_of(given, dt) >= 0) | (_step_of(given, dt) >= num_steps)]
        wrong = wrong[wrong != np.inf]
        if wrong.size:
            raise ValueError(
                f"trains_from_times, times: given {wrong[0]} ms; expected 0 to {num_steps * dt:g} "
                "ms, the length of the presentation, or infinity for no spike"
            )
    step = jnp.floor(_floats(times) / dt + _ON_GRID)
    return jnp.arange(num_steps, dtype=step.dtype)[:, None] == step[None]


def bernoulli(key: jax.Array, values: ArrayLike, num_steps: int) -> jax.Array:
    """Encode numbers by the probability of a spike in every step.

    Args:
      key: `jax.random.key(seed)`.
      values: the probabilities, from 0 to 1, [N].
      num_steps: T.

    Returns:
      bool [T, N].
    """
    check_key(key, "bernoulli, key")
    num_steps = number_of_steps(num_steps, "bernoulli, num_steps")
    probability = _from_0_to_1(values, "bernoulli, values")
    return _drawn(key, probability, num_steps)


def poisson(key: jax.Array, rates: ArrayLike, num_steps: int, dt: float = 1.0) -> jax.Array:
    """Encode rates by Poisson spike trains: a spike in a step with p = 1 - exp(-rate dt).

    So a step with several spikes of the process has one. `jsnn.POISSON_NEURON` draws its spikes
    while a network runs, without the memory for [T, N].

    Args:
      key: `jax.random.key(seed)`.
      rates: Hz, [N].
      num_steps: T.
      dt: the length of a step, ms.

    Returns:
      bool [T, N].

    Raises:
      ValueError: if a rate is negative or NaN.
    """
    check_key(key, "poisson, key")
    num_steps = number_of_steps(num_steps, "poisson, num_steps")
    dt = positive_number(dt, "poisson, dt")
    rates = _floats(rates)
    if is_concrete(rates) and not np.all(np.asarray(rates) >= 0):
        raise ValueError(f"poisson, rates: given {np.min(rates)} Hz; expected rates >= 0")
    probability = -jnp.expm1(-rates * (dt * 1e-3))
    return _drawn(key, probability, num_steps)


def on_off(signal: ArrayLike, threshold: float) -> tuple[jax.Array, jax.Array]:
    """Encode changes of a signal by spikes of on and off channels: send-on-delta, level crossing.

    A channel has a level, at first the first sample. Where the signal is `threshold` or more above
    the level, there is an on spike, and below an off spike, and the level moves towards the signal
    by as many thresholds as fit: one spike in a step, however large the change.

    Args:
      signal: [T, N].
      threshold: the change that makes a spike, in the unit of the signal.

    Returns:
      On spikes and off spikes, bool [T, N] each.
    """
    threshold = positive_number(threshold, "on_off, threshold")
    samples = _floats(signal)
    if samples.ndim != 2 or not len(samples):
        raise ValueError(f"on_off, signal: given shape {samples.shape}; expected [T, N]")

    def step(level: jax.Array, sample: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        crossed = jnp.trunc((sample - level) / threshold)
        return level + crossed * threshold, (crossed > 0, crossed < 0)

    return jax.lax.scan(step, samples[0], samples)[1]


def receptive_fields(
    values: ArrayLike, num_fields: int, low: float, high: float, *, beta: float = 1.5
) -> jax.Array:
    """Encode each number by a population with Gaussian receptive fields that overlap.

    Field i = 1, ..., m has the centre low + (2 i - 3) / 2 (high - low) / (m - 2) and the width
    (high - low) / (β (m - 2)). `latency(fields, 10.0, least=0.1)` makes times of the responses.
    Bohte, Kok & La Poutré 2002, "Error-backpropagation in temporally encoded networks of spiking
    neurons", Neurocomputing 48.

    Args:
      values: [N].
      num_fields: m, at least 3.
      low: the smallest number.
      high: the largest one.
      beta: β; the larger, the narrower are the fields.

    Returns:
      Responses from 0 to 1, [N m], the fields of a number side by side.
    """
    num_fields = positive_int(num_fields, "receptive_fields, num_fields", least=3)
    low = finite_number(low, "receptive_fields, low")
    whole = finite_number(high, "receptive_fields, high") - low
    spacing = positive_number(whole, "receptive_fields, high - low") / (num_fields - 2)
    width = spacing / positive_number(beta, "receptive_fields, beta")
    x = _floats(values)
    if x.ndim != 1:
        raise ValueError(f"receptive_fields, values: given shape {x.shape}; expected [N]")
    centres = low + (jnp.arange(num_fields, dtype=x.dtype) - 0.5) * spacing
    return jnp.exp(-0.5 * ((x[:, None] - centres[None]) / width) ** 2).reshape(-1)


def trains_from_events(
    times: ArrayLike,
    neurons: ArrayLike,
    num_steps: int,
    num_neurons: int,
    dt: float = 1.0,
    *,
    repeated: Repeated = "error",
    outside: Outside = "error",
) -> np.ndarray:
    """Make spike trains from a list of events in any order, as `jsnn.spike_trains` does of steps.

    A time t is a spike in step n if n dt <= t < (n + 1) dt, but for rounding.

    Args:
      times: [number of events], ms.
      neurons: integers from 0 to N - 1, [number of events].
      num_steps: T.
      num_neurons: N.
      dt: the length of a step, ms.
      repeated: "error" to refuse two events of a neuron in one step, "once" to make one spike of
        them, "count" to count them.
      outside: "error" to refuse events that are not finite or not in [0, T dt), "drop" to drop
        them.

    Returns:
      bool [T, N], or the numbers of events, int32 [T, N], with repeated="count".

    Raises:
      TypeError: if neurons are not integers, or times are not numbers.
      ValueError: if an event is refused, there is no such neuron, or the lengths differ.
    """
    what = "trains_from_events"
    shape = (
        number_of_steps(num_steps, f"{what}, num_steps"),
        positive_int(num_neurons, f"{what}, num_neurons"),
    )
    dt = positive_number(dt, f"{what}, dt")
    for name, given, choices in (
        ("repeated", repeated, ("error", "once", "count")),
        ("outside", outside, ("error", "drop")),
    ):
        if given not in choices:
            raise ValueError(f"{what}, {name}: given {given!r}; expected one of {choices}")
    at, of = host_array(times, f"{what}, times"), host_array(neurons, f"{what}, neurons")
    if at.ndim != 1 or at.shape != of.shape:
        raise ValueError(
            f"{what}: given times of shape {at.shape} and neurons of shape {of.shape}; expected "
            "[number of events] for both"
        )
    if at.size and (at.dtype.kind not in "iuf" or of.dtype.kind not in "iu"):
        raise TypeError(
            f"{what}: given times of {at.dtype} and neurons of {of.dtype}; expected numbers in ms "
            "and integers"
        )
    unknown = of[(of < 0) | (of >= shape[1])]
    if unknown.size:
        raise ValueError(f"{what}, neurons: given {unknown[0]}; expected 0 to {shape[1] - 1}")
    step = _step_of(at, dt)
    within = (step >= 0) & (step < shape[0])  # False for NaN
    if outside == "error" and not within.all():
        raise ValueError(
            f"{what}, times: given {at[~within][0]} ms; expected 0 to {shape[0] * dt:g} ms "
            f'({np.sum(~within)} of {at.size} events are outside; outside="drop" drops them)'
        )
    index = step[within].astype(np.intp) * shape[1] + of[within].astype(np.intp)
    counts = np.bincount(index, minlength=shape[0] * shape[1]).reshape(shape)
    if repeated == "count":
        return counts.astype(np.int32)
    if repeated == "error" and counts.max() > 1:
        worst = np.unravel_index(counts.argmax(), shape)
        raise ValueError(
            f"{what}: given {counts.max()} events of neuron {worst[1]} in step {worst[0]}; "
            'expected one at most (repeated="once" or "count" takes more)'
        )
    return counts > 0


def _drawn(key: jax.Array, probability: jax.Array, num_steps: int) -> jax.Array:
    shape = (num_steps, *probability.shape)
    return jax.random.bernoulli(key, jnp.broadcast_to(probability, shape))


def _step_of(times: np.ndarray, dt: float) -> np.ndarray:
    """Return the step of each time, as floats; NaN and infinity stay."""
    return np.floor(times.astype(np.float64) / dt + _ON_GRID)


def _floats(values: ArrayLike) -> jax.Array:
    array = jnp.asarray(values)
    is_float = jnp.issubdtype(array.dtype, jnp.floating)
    return array if is_float else array.astype(jnp.result_type(float))


def _from_0_to_1(values: ArrayLike, what: str) -> jax.Array:
    array = _floats(values)
    if is_concrete(array):
        given = np.asarray(array)
        wrong = given[~((given >= 0) & (given <= 1))]
        if wrong.size:
            raise ValueError(f"{what}: given {wrong[0]}; expected numbers from 0 to 1")
    return array
