"""Neuron and synapse models of converted networks.

The neurons send numbers: `emitted` in this step, `total` since the start, in units of one spike.
"""

import dataclasses
from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.neurons import IF, IF_SOFT_RESET, NeuronModel
from jsnn.models.random_words import uniform
from jsnn.models.synapses import SynapseModel


def _arriving(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, arriving


def _emitted(p: Values, pre: Values) -> jax.Array:
    return pre["emitted"]


def _total(p: Values, pre: Values) -> jax.Array:
    return pre["total"]


EMITTED = SynapseModel(
    name="EMITTED",
    description="""I = sum of w times what each presynaptic neuron emits in this step.""",
    params={},
    variables={},
    update=_arriving,
    sends=_emitted,
)

TOTAL = SynapseModel(
    name="TOTAL",
    description="""Connectivity applied to all that the presynaptic neurons have emitted so far.""",
    params={},
    variables={},
    update=_arriving,
    sends=_total,
)


def _hold(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    i_syn = x["i_syn"] + arriving
    return {"i_syn": i_syn}, i_syn


HOLD = SynapseModel(
    name="HOLD",
    description="""I <- I + w for an arriving spike of weight w, without decay.

    The earlier a spike arrives, the more charge it brings.
    """,
    params={},
    variables={"i_syn": 0.0},
    update=_hold,
)


def _integrate(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return x | {"v": x["v"] + current * dt, "emitted": jnp.zeros_like(x["emitted"])}


def _emit(p: Values, x: Values, emitted: jax.Array) -> Values:
    return x | {
        "v": x["v"] - emitted * p["v_thresh"],
        "emitted": emitted,
        "total": x["total"] + emitted,
    }


def _signed_threshold(p: Values, x: Values) -> jax.Array:
    takes_back = (x["v"] < 0) & (x["total"] > 0)
    return jnp.where(takes_back, -x["v"], x["v"] - p["v_thresh"])


def _signed_reset(p: Values, x: Values) -> Values:
    return _emit(p, x, jnp.where(x["v"] < 0, -1, 1).astype(x["v"].dtype))


SIGNED_IF = NeuronModel(
    name="SIGNED_IF",
    description="""Soft-reset neuron with a memory, which takes back a spike by a negative one.

        V <- V + I dt;   V >= v_thresh: emits +1, V <- V - v_thresh
                         V < 0 and total > 0: emits -1, V <- V + v_thresh

    Negative spikes correct spikes that came before the inhibition that forbids them (Wang et al.
    2022, "Signed neuron with memory: towards simple, accurate and high-efficient ANN-SNN
    conversion", IJCAI). The negative threshold is 0 here, so `total` is the rounded input so far.
    """,
    params={"v_thresh": 1.0},
    variables={"v": 0.0, "emitted": 0.0, "total": 0.0},
    update=_integrate,
    threshold=_signed_threshold,
    reset=_signed_reset,
)


def _burst_reset(p: Values, x: Values) -> Values:
    return _emit(p, x, jnp.clip(_whole_thresholds(x["v"], p["v_thresh"]), 1, p["max_spikes"]))


def _whole_thresholds(v: jax.Array, v_thresh: jax.Array) -> jax.Array:
    """Return ⌊v / v_thresh⌋, exact where v is a whole number of thresholds."""
    near = jnp.floor(v * (1 / v_thresh))  # may be one off, as the reciprocal is rounded
    not_above = jnp.where(v < near * v_thresh, near - 1, near)
    return jnp.where(v >= (not_above + 1) * v_thresh, not_above + 1, not_above)


def _above_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - p["v_thresh"]


BURST_IF = NeuronModel(
    name="BURST_IF",
    description="""Soft-reset neuron that emits up to max_spikes spikes in a step.

        V <- V + I dt;   V >= v_thresh: emits n spikes, V <- V - n v_thresh,
                         n = min(⌊V / v_thresh⌋, max_spikes)

    Li & Zeng 2022, "Efficient and accurate conversion of spiking neural network with burst spikes",
    IJCAI; Park et al. 2019, DAC.
    """,
    params={"v_thresh": 1.0, "max_spikes": 5.0},
    variables={"v": 0.0, "emitted": 0.0, "total": 0.0},
    update=_integrate,
    threshold=_above_threshold,
    reset=_burst_reset,
)


def _integrate_until(x: Values, current: jax.Array, dt: jax.Array, until: jax.Array) -> Values:
    """Advance one step; the input counts in the steps up to `until`."""
    step = x["step"] + 1
    counts = step.astype(current.dtype) <= until
    return x | {
        "v": x["v"] + jnp.where(counts, current * dt, 0),
        "emitted": jnp.zeros_like(x["emitted"]),
        "step": step,
    }


def _few_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return _integrate_until(x, current, dt, p["start"] + 1)


def _weight_of_spike(p: Values, x: Values) -> jax.Array:
    return jnp.exp2(p["start"] - x["step"].astype(p["start"].dtype))


def _few_threshold(p: Values, x: Values) -> jax.Array:
    k = x["step"].astype(p["start"].dtype) - p["start"]
    emits = (k >= 1) & (k <= p["num_steps"])
    return jnp.where(emits, x["v"] - _weight_of_spike(p, x) * p["v_thresh"], -jnp.inf)


def _few_reset(p: Values, x: Values) -> Values:
    return _emit(p, x, _weight_of_spike(p, x))


FEW_SPIKES = NeuronModel(
    name="FEW_SPIKES",
    description="""Few-Spike neuron, which emits the K = num_steps binary digits of its input.

        V <- V + I dt up to the step `start`; then, for k = 1 ... K,
        V >= 2^-k v_thresh: a spike that counts 2^-k, V <- V - 2^-k v_thresh

    Stöckl & Maass 2021, "Optimized spiking neurons can classify images with high accuracy through
    temporal coding with two spikes", Nat. Mach. Intell. 3, 230-238: their coding of ReLU, with T(t)
    = h(t) = d(t) = 2^(-t) v_thresh. Layers take turns, K steps each.
    """,
    params={"v_thresh": 1.0, "start": 0.0, "num_steps": 8.0},
    variables={"v": 0.0, "emitted": 0.0, "total": 0.0, "step": 0},
    update=_few_update,
    threshold=_few_threshold,
    reset=_few_reset,
)


def _digits_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return _integrate_until(x, current, dt, p["input_steps"])


def _worth_of_digit(p: Values, k: jax.Array) -> jax.Array:
    b, number = p["log2_base"], p["num_steps"]
    return jnp.exp2(-b * k) / (1 - jnp.exp2(-b * number)) * (p["base"] - 1)


def _digits_threshold(p: Values, x: Values) -> jax.Array:
    k = x["step"].astype(p["num_steps"].dtype)
    worth, last = (_worth_of_digit(p, step) * p["v_thresh"] for step in (k, p["num_steps"]))
    waits = (p["eager"] == 0) & (p["input_steps"] == 1)
    margin = jnp.where(waits, x["v"] - worth + last / 2, x["v"] - worth / 2)
    takes_back = (x["v"] < -worth / 2) & (x["total"] > 0)
    return jnp.where(
        k <= p["num_steps"], jnp.where(takes_back, -x["v"] - worth / 2, margin), -jnp.inf
    )


def _digits_reset(p: Values, x: Values) -> Values:
    k = x["step"].astype(p["num_steps"].dtype)
    return _emit(p, x, jnp.sign(x["v"]) * _worth_of_digit(p, k))


SIGNED_DIGITS = NeuronModel(
    name="SIGNED_DIGITS",
    description="""Neuron that emits K = num_steps signed digits of its input as it arrives.

        V <- V + I dt up to step `input_steps`;   w_k = B^-k (B - 1) / (1 - B^-K) in step k
        V >= w_k v_thresh / 2:                   emits +w_k, V <- V - w_k v_thresh
        V < -w_k v_thresh / 2 and total > 0:     emits -w_k, V <- V + w_k v_thresh

    V is the residual: the input so far less the sum of the emitted digits. The positive digits of
    all K steps add up to v_thresh. B is `base`, which is 2^log2_base. With B = 2 an input that is
    complete in the first step is rounded to the nearest of 2^K levels, to either one halfway
    between two. If `eager` is 0, a neuron with such an input (input_steps = 1) emits only digits
    that stay: V >= (w_k - w_K / 2) v_thresh.
    """,
    params={
        "v_thresh": 1.0,
        "num_steps": 4.0,
        "input_steps": 4.0,
        "eager": 1.0,
        "base": 2.0,
        "log2_base": 1.0,
    },
    variables={"v": 0.0, "emitted": 0.0, "total": 0.0, "step": 0},
    update=_digits_update,
    threshold=_digits_threshold,
    reset=_digits_reset,
)


def _relay_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"emitted": current - x["total"], "total": current}


def _relay_threshold(p: Values, x: Values) -> jax.Array:
    return jnp.where(x["emitted"] == 0, -1, 1).astype(x["total"].dtype)


RELAY = NeuronModel(
    name="RELAY",
    description="""Neuron that emits the change of its input since the last step as a spike.

    With the largest `total` of a window as its input the neuron is max pooling, exact at every
    step: the maximum of spike counts grows by one spike at most, that of binary digits one digit at
    a time. (The gate of Rueckauer et al. 2017 lets through the spikes of the neuron that fired most
    so far.)
    """,
    params={},
    variables={"emitted": 0.0, "total": 0.0},
    update=_relay_update,
    threshold=_relay_threshold,
)


def _bernoulli_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"probability": current}


def _bernoulli_threshold(p: Values, x: Values) -> jax.Array:
    return x["probability"] - (1 - p["uniform"])  # a draw lies in [0, 1): 0 never spikes


BERNOULLI = NeuronModel(
    name="BERNOULLI",
    description="""Neuron that spikes in each step with the probability of its input, in [0, 1].""",
    params={},
    variables={"probability": 0.0},
    update=_bernoulli_update,
    threshold=_bernoulli_threshold,
    draws=(("uniform", uniform),),
)


def _latency_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    first = jnp.round(p["num_steps"] * (1 - current))
    return {"steps_left": first - x["step"].astype(first.dtype), "step": x["step"] + 1}


def _latency_threshold(p: Values, x: Values) -> jax.Array:
    return jnp.where(x["steps_left"] == 0, 1, -1).astype(x["steps_left"].dtype)


LATENCY = NeuronModel(
    name="LATENCY",
    description="""Neuron that spikes once: in step round(num_steps (1 - x)), for x in [0, 1].

    The larger the input, the earlier the spike. An input that rounds to 0 does not spike within
    num_steps.
    """,
    params={"num_steps": 16.0},
    variables={"step": 0, "steps_left": 0.0},
    update=_latency_update,
    threshold=_latency_threshold,
)


@cache
def counted(model: NeuronModel) -> NeuronModel:
    """Return a spiking model with the number of spikes so far as another variable, `total`."""
    return dataclasses.replace(
        model,
        name=model.name and f"{model.name}_COUNTED",
        variables={**model.variables, "total": 0.0},
        reset=partial(_counted_reset, model.reset),
    )


def _counted_reset(reset: Callable[[Values, Values], Values], p: Values, x: Values) -> Values:
    return reset(p, x) | {"total": x["total"] + 1}


IF_COUNTED, IF_SOFT_RESET_COUNTED = counted(IF), counted(IF_SOFT_RESET)
"""Counting models of the built-in kinds of firing, kept here so that `jsnn.load` finds them."""
