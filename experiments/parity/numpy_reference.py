"""Reference for CUBA and COBA: float64, a loop over steps that shares no code with jsnn.

The order of events within a step is Brian2's:

1. V is integrated over the step from the old V, g_e and g_i, unless the neuron is held;
2. g_e and g_i decay;
3. a neuron that is not held spikes if V > v_thresh (strictly);
4. the spikes of `delay` steps ago (0: those of this step) are added to g_e and g_i, which do not
   decay again before the next step;
5. V <- v_reset if the neuron spiked, and the next 49 updates of its V are left out.
"""

import time
from typing import Any

import numpy as np

from experiments.balanced.network import DT, STEPS_HELD, Constants, Definition, Run

Array = np.ndarray[Any, np.dtype[np.float64]]


def cuba_step(v: Array, g_e: Array, g_i: Array, c: Constants) -> Array:
    """Return V after one step, exactly: the solution of the three linear equations."""
    decay_m, decay_e, decay_i = np.exp(-DT / np.array([c.tau_m, c.tau_e, c.tau_i]))
    k_e = c.tau_e / (c.tau_e - c.tau_m) * (decay_e - decay_m)
    k_i = c.tau_i / (c.tau_i - c.tau_m) * (decay_i - decay_m)
    return c.v_rest + (v - c.v_rest) * decay_m + k_e * g_e + k_i * g_i


def coba_step(v: Array, g_e: Array, g_i: Array, c: Constants) -> Array:
    """Return V after one step of exponential Euler, exact for g_e and g_i constant in the step."""
    conductance = 1 + g_e + g_i
    v_inf = (c.v_rest + g_e * c.e_e + g_i * c.e_i) / conductance
    return v_inf + (v - v_inf) * np.exp(-DT / c.tau_m * conductance)


VOLTAGE_STEP = {"cuba": cuba_step, "coba": coba_step}


def simulate(definition: Definition, num_steps: int, delay: int = 0) -> Run:
    """Return every spike of a run; `delay` is in steps, as Brian2 counts it."""
    began = time.perf_counter()
    c = definition.constants
    voltage_step = VOLTAGE_STEP[definition.model]
    targets = targets_of_each(definition)
    decay_e, decay_i = np.exp(-DT / np.array([c.tau_e, c.tau_i]))
    v, g_e, g_i = definition.v.copy(), definition.g_e.copy(), definition.g_i.copy()
    held = np.zeros(definition.num_neurons, np.int64)  # updates that are still to be left out
    history: list[np.ndarray] = []
    built = time.perf_counter()

    for step in range(num_steps):
        free = held == 0
        v = np.where(free, voltage_step(v, g_e, g_i, c), v)
        g_e *= decay_e
        g_i *= decay_i
        spiked = free & (v > c.v_thresh)
        history.append(np.flatnonzero(spiked))
        for neuron in history[step - delay] if step >= delay else ():
            if neuron < definition.num_excitatory:
                g_e[targets[neuron]] += c.w_e
            else:
                g_i[targets[neuron]] += c.w_i
        v[spiked] = c.v_reset
        held = np.where(spiked, STEPS_HELD, np.maximum(held - 1, 0))

    ran = time.perf_counter()
    steps = np.repeat(np.arange(num_steps), [len(neurons) for neurons in history])
    return Run(steps, np.concatenate(history), ran - built, built - began)


def targets_of_each(definition: Definition) -> list[np.ndarray]:
    """Return the postsynaptic neurons of every neuron; none of them occurs twice."""
    pre, post = definition.edges
    return np.split(post, np.searchsorted(pre, np.arange(1, definition.num_neurons)))
