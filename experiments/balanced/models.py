"""Models of CUBA and COBA in jsnn: two neuron models, and a network made from a definition.

A projection adds the weights of the spikes that arrive to g_e or g_i before V is integrated, and
the decay comes after. So spikes act on V undecayed, as in Brian2, where they arrive at the end of
the previous step. Brian2's delay d is therefore jsnn's d + 1.
"""

from dataclasses import asdict
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

import jsnn
from experiments.balanced.network import CONSTANTS, DT, STEPS_HELD, Definition, Edges, Model

Values = dict[str, jax.Array]

POPULATION = "neurons"


def cuba_update(p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
    """Integrate V exactly, by the solution of the three linear equations over a step."""
    g_e, g_i = x["g_e"] + arriving["g_e"], x["g_i"] + arriving["g_i"]
    decay_m, decay_e, decay_i = (jnp.exp(-dt / p[tau]) for tau in ("tau_m", "tau_e", "tau_i"))
    k_e = p["tau_e"] / (p["tau_e"] - p["tau_m"]) * (decay_e - decay_m)
    k_i = p["tau_i"] / (p["tau_i"] - p["tau_m"]) * (decay_i - decay_m)
    v = p["v_rest"] + (x["v"] - p["v_rest"]) * decay_m + k_e * g_e + k_i * g_i
    return unless_held(x, v) | {"g_e": g_e * decay_e, "g_i": g_i * decay_i}


def coba_update(p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
    """Integrate V by exponential Euler, which is exact for g_e and g_i constant within the step."""
    g_e, g_i = x["g_e"] + arriving["g_e"], x["g_i"] + arriving["g_i"]
    conductance = 1 + g_e + g_i
    v_inf = (p["v_rest"] + g_e * p["e_e"] + g_i * p["e_i"]) / conductance
    v = v_inf + (x["v"] - v_inf) * jnp.exp(-dt / p["tau_m"] * conductance)
    decay_e, decay_i = jnp.exp(-dt / p["tau_e"]), jnp.exp(-dt / p["tau_i"])
    return unless_held(x, v) | {"g_e": g_e * decay_e, "g_i": g_i * decay_i}


def unless_held(x: Values, v: jax.Array) -> Values:
    """Return V integrated unless the neuron is held, and the number of updates left to hold it."""
    held = x["held"]
    return {"v": jnp.where(held > 0, x["v"], v), "held": jnp.maximum(held - 1, 0)}


def threshold(p: Values, x: Values) -> jax.Array:
    """Return V above the threshold; V of a neuron that is held is v_reset, below the threshold."""
    return x["v"] - p["v_thresh"]


def reset(p: Values, x: Values) -> Values:
    return x | {"v": p["v_reset"], "held": jnp.full_like(x["held"], STEPS_HELD)}


def neuron_model(model: Model, update: Any) -> jsnn.NeuronModel:
    constants = asdict(CONSTANTS[model])
    weights = ("w_e", "w_i")
    return jsnn.NeuronModel(
        params={name: value for name, value in constants.items() if name not in weights},
        variables={"v": constants["v_rest"], "g_e": 0.0, "g_i": 0.0, "held": 0},
        update=update,
        threshold=threshold,
        reset=reset,
        inputs=("g_e", "g_i"),
    )


NEURONS: dict[Model, jsnn.NeuronModel] = {
    "cuba": neuron_model("cuba", cuba_update),
    "coba": neuron_model("coba", coba_update),
}
"""Neuron models, with the equations and units of `experiments.balanced.network`."""


def network_of(
    definition: Definition, delay: int = 0, dtype: DTypeLike = np.float32
) -> jsnn.Network:
    """Make the network of a definition, with one population, `POPULATION`.

    Args:
      definition: the network and its start.
      delay: in steps, as Brian2 counts them.
      dtype: float32, or float64 with `jax_enable_x64`.
    """
    c, size = definition.constants, definition.num_neurons
    dtype = np.dtype(dtype)

    def synapses(name: str, target: str, edges: Edges, weight: float) -> jsnn.Projection:
        weights = np.full(len(edges.pre), weight, dtype)
        connectivity = jsnn.Sparse(edges.pre, edges.post, weights, size, size)
        return jsnn.Projection(
            POPULATION, POPULATION, connectivity, target=target, delay=delay + 1, name=name
        )

    # A neuron of jsnn spikes at V >= v_thresh, a neuron of these networks at V > v_thresh.
    just_above = np.nextafter(dtype.type(c.v_thresh), dtype.type(0))
    neurons = jsnn.Population(
        POPULATION,
        size,
        NEURONS[definition.model],
        params={"v_thresh": just_above},
        initial={name: getattr(definition, name).astype(dtype) for name in ("v", "g_e", "g_i")},
    )
    return jsnn.Network(
        [neurons],
        [
            synapses("excitatory", "g_e", definition.excitatory, c.w_e),
            synapses("inhibitory", "g_i", definition.inhibitory, c.w_i),
        ],
        dt=DT,
    )
