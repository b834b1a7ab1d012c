"""Izhikevich's network of 1,000 neurons, with axonal delays of 1 to 20 ms.

    v <- v + 1/2 (0.04 v² + 5 v + 140 - u + I), twice;   u <- u + a (0.2 v - u)
    v >= 30: spike, v <- -65, u <- u + d

A step is a millisecond. 800 excitatory neurons reach 100 neurons each, 5 after every delay, through
synapses that learn; 200 inhibitory neurons reach 100 excitatory ones each, after 1 ms. The thalamus
drives one neuron, drawn at random, in each step. Izhikevich 2006, "Polychronization: computation
with spikes", Neural Comput. 18, 245-282.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments.polychronous.learning import SECOND, STDP_ONCE_A_SECOND, Values
from jsnn import product

NUM_EXCITATORY, NUM_INHIBITORY = 800, 200
NUM_NEURONS = NUM_EXCITATORY + NUM_INHIBITORY
NUM_TARGETS = 100
LONGEST_DELAY = 20


def _two_half_steps(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    v, u = x["v"], x["u"]
    for _ in range(2):
        v = v + product(0.5 * dt, product(product(0.04, v) + 5, v) + 140 - u + current)
    return {"v": v, "u": u + product(product(p["a"], dt), product(p["b"], v) - u)}


NEURON = dataclasses.replace(
    jsnn.IZHIKEVICH,
    name="IZHIKEVICH_2006",
    description="Izhikevich's simple neuron in the steps of the program of 2006.",
    update=_two_half_steps,
)


def _into_one(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    numbers = jnp.arange(p["neuron"].size, dtype=p["neuron"].dtype)
    return x, jnp.where(numbers == p["neuron"], p["magnitude"], 0)


INTO_ONE = jsnn.CurrentSourceModel(
    name="INTO_ONE",
    description="Current into one neuron, which is given by its number.",
    params={"neuron": 0, "magnitude": 20.0},
    variables={},
    current=_into_one,
)


def network_of(random: np.random.Generator) -> jsnn.Network:
    """Draw the network; a neuron reaches no other twice, and never itself."""
    excitatory, inhibitory = np.split(np.arange(NUM_NEURONS), [NUM_EXCITATORY])
    a = np.repeat(np.float32([0.02, 0.1]), [NUM_EXCITATORY, NUM_INHIBITORY])
    d = np.repeat(np.float32([8, 2]), [NUM_EXCITATORY, NUM_INHIBITORY])

    each = np.repeat(np.arange(1, LONGEST_DELAY + 1), NUM_TARGETS // LONGEST_DELAY)
    delays = np.tile(each, NUM_EXCITATORY)
    pre, post = joined(excitatory, NUM_NEURONS, random)
    order = np.lexsort((pre, -delays))  # the order in which delivery is fastest
    learning = jsnn.Sparse(
        *(pre[order], post[order], np.full(len(pre), 6, np.float32), NUM_NEURONS, NUM_NEURONS),
        delays=delays[order],
        axonal=delays[order] - 1,
    )
    pre, post = joined(inhibitory, NUM_EXCITATORY, random)
    fixed = jsnn.Sparse(pre, post, np.full(len(pre), -5, np.float32), NUM_NEURONS, NUM_NEURONS)

    rule = jsnn.Plasticity(STDP_ONCE_A_SECOND)
    return jsnn.Network(
        [jsnn.Population("neurons", NUM_NEURONS, NEURON, {"a": a, "d": d})],
        [
            jsnn.Projection("neurons", "neurons", learning, plasticity=rule, name="excitatory"),
            jsnn.Projection("neurons", "neurons", fixed, name="inhibitory"),
        ],
        [jsnn.CurrentSource("thalamus", "neurons", INTO_ONE)],
        dt=1.0,
    )


def joined(
    sources: np.ndarray, num_others: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Join each source to 100 of the first neurons, drawn without replacement, but not to itself.

    Returns:
      The presynaptic and the postsynaptic neuron of each synapse.
    """
    lots = random.random((len(sources), num_others))
    lots[sources[:, None] == np.arange(num_others)] = np.inf
    targets = np.argsort(lots, axis=1)[:, :NUM_TARGETS]
    return np.repeat(sources, NUM_TARGETS), targets.ravel()


def drive_of(random: np.random.Generator, num_seconds: int) -> dict[str, Any]:
    """Draw the neuron that the thalamus drives in each step."""
    driven = random.integers(NUM_NEURONS, size=num_seconds * SECOND).astype(np.float32)
    return {"thalamus": {"neuron": jsnn.over_time(driven)}}
