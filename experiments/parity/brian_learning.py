"""Brian2's trains of spikes onto neurons with pair STDP, of `experiments.parity.learning`."""

import brian2 as b2
import numpy as np

from experiments.balanced.network import DT, Run
from experiments.parity.brian import spike_list
from experiments.parity.learning import NEURON, NUM_POST, NUM_PRE, RULE, Learnt, Start

EQUATIONS = """
dv/dt = (v_rest - v + r_m * i_e) / (tau_m * ms) : 1 (unless refractory)
di_e/dt = -i_e / (tau_syn_e * ms) : 1
"""
TRACES = """
w : 1
dx/dt = -x / (tau_plus * ms) : 1 (event-driven)
dy/dt = -y / (tau_minus * ms) : 1 (event-driven)
"""


def simulate(start: Start, on_pre: int, on_post: int) -> Learnt:
    """Run with delays of the two pathways, in steps."""
    b2.prefs.codegen.target = "numpy"
    b2.start_scope()
    b2.defaultclock.dt = DT * b2.ms
    steps, which = np.nonzero(start.trains)
    pre = b2.SpikeGeneratorGroup(NUM_PRE, which, steps * DT * b2.ms)
    post = b2.NeuronGroup(
        NUM_POST,
        EQUATIONS,
        threshold="v >= v_thresh",
        reset="v = v_reset",
        refractory=NEURON["tau_refrac"] * b2.ms + DT * b2.ms,
        method="exact",
        namespace=NEURON,
    )
    post.v = NEURON["v_rest"]
    synapses = b2.Synapses(
        pre,
        post,
        TRACES,
        on_pre="i_e_post += w; w = clip(w - a_minus * y, w_min, w_max); x += 1",
        on_post="w = clip(w + a_plus * x, w_min, w_max); y += 1",
        delay={"pre": on_pre * DT * b2.ms, "post": on_post * DT * b2.ms},
        namespace=RULE,
    )
    synapses.connect()
    synapses.w = start.weights.ravel()
    spikes = b2.SpikeMonitor(post)
    b2.Network(pre, post, synapses, spikes).run(len(start.trains) * DT * b2.ms)
    weights = np.zeros_like(start.weights)
    weights[np.asarray(synapses.i), np.asarray(synapses.j)] = np.asarray(synapses.w)
    return Learnt(Run(*spike_list(spikes), 0.0, 0.0), weights)
