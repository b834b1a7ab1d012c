"""CUBA and COBA in jsnn: a network of LIF_CURR_EXP or LIF_COND_EXP made from a definition.

The weights of the spikes that arrive are added before V is integrated, and the decay comes after.
So spikes act on V undecayed, as in Brian2, where they arrive at the end of the previous step.
Brian2's delay d is therefore jsnn's d + 1.

With a membrane resistance of 1 MOhm a current in nA is the g_e or g_i of CUBA in mV, and a
conductance in uS is that of COBA in units of the leak.
"""

import numpy as np
from numpy.typing import DTypeLike

import jsnn
from experiments.balanced.network import DT, STEPS_HELD, Constants, Definition, Edges, Model

POPULATION = "neurons"
NEURONS: dict[Model, jsnn.NeuronModel] = {"cuba": jsnn.LIF_CURR_EXP, "coba": jsnn.LIF_COND_EXP}


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

    def synapses(target: str, edges: Edges, weight: float) -> jsnn.Projection:
        weights = np.full(len(edges.pre), weight, dtype)
        connectivity = jsnn.Sparse(edges.pre, edges.post, weights, size, size)
        return jsnn.Projection(
            POPULATION, POPULATION, connectivity, target=target, delay=delay + 1, name=target
        )

    excitation, inhibition = ("i_e", "i_i") if definition.model == "cuba" else ("g_e", "g_i")
    start = {"v": definition.v, excitation: definition.g_e, inhibition: definition.g_i}
    neurons = jsnn.Population(
        POPULATION,
        size,
        NEURONS[definition.model],
        params=neuron_params(definition.model, c, dtype),
        initial={name: values.astype(dtype) for name, values in start.items()},
    )
    return jsnn.Network(
        [neurons],
        [
            synapses("excitatory", definition.excitatory, c.w_e),
            synapses("inhibitory", definition.inhibitory, c.w_i),
        ],
        dt=DT,
    )


def neuron_params(model: Model, c: Constants, dtype: np.dtype) -> dict[str, float]:
    shared = {
        "tau_m": c.tau_m,
        "r_m": 1.0,
        "v_rest": c.v_rest,
        "v_reset": c.v_reset,
        # A neuron of jsnn spikes at V >= v_thresh, a neuron of these networks at V > v_thresh.
        "v_thresh": np.nextafter(dtype.type(c.v_thresh), dtype.type(0)),
        "tau_refrac": STEPS_HELD * DT,
        "tau_syn_e": c.tau_e,
        "tau_syn_i": c.tau_i,
    }
    return shared if model == "cuba" else shared | {"e_rev_e": c.e_e, "e_rev_i": c.e_i}
