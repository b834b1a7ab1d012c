"""Single neurons in Brian2: spikes and traces in float64, each model with a given scheme.

Potentials are in mV, currents in nA, resistances in MOhm, conductances in uS, capacitances in nF
and times in ms. Equations and names are those of jsnn's built-in neurons. A neuron spikes if its
threshold condition holds at the end of an update, `>=` as in jsnn; Brian2's examples have `>`.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import brian2 as b2
import numpy as np

Scheme = Literal["exact", "euler"]


class Neuron(NamedTuple):
    """A model in Brian2's words; `i_in` is the input current."""

    equations: str
    threshold: str
    reset: str


class Trace(NamedTuple):
    """Spikes and variables in every step of a run, after the reset."""

    spikes: np.ndarray
    """Spikes, bool [T, N]."""
    variables: dict[str, np.ndarray]
    """Variables by name, {name: float64 [T, N]}."""


LIF = Neuron(
    "dv/dt = (v_rest - v + r_m * (i_in + i_offset)) / (tau_m * ms) : 1 (unless refractory)",
    threshold="v >= v_thresh",
    reset="v = v_reset",
)
ALIF = Neuron(
    """
    dv/dt = (v_rest - v + r_m * (i_in + i_offset)) / (tau_m * ms) : 1 (unless refractory)
    dadaptation/dt = -adaptation / (tau_a * ms) : 1
    """,
    threshold="v >= v_thresh + beta * adaptation",
    reset="v = v_reset; adaptation += 1",
)
ADEX = Neuron(
    """
    dv/dt = (
        g_leak * delta_t * exp((v - v_t) / delta_t) - g_leak * (v - e_leak) - w + i_in
    ) / (c_m * ms) : 1
    dw/dt = (a * (v - e_leak) - w) / (tau_w * ms) : 1
    """,
    threshold="v >= v_cut",
    reset="v = v_reset; w += b",
)
IZHIKEVICH = Neuron(
    """
    dv/dt = (0.04 * v**2 + 5 * v + 140 - u + i_in) / ms : 1
    du/dt = a * (b * v - u) / ms : 1
    """,
    threshold="v >= 30",
    reset="v = c; u += d",
)


def simulate(
    neuron: Neuron,
    params: Mapping[str, float],
    start: Mapping[str, float],
    currents: np.ndarray,
    dt: float,
    scheme: Scheme,
    steps_held: int = 0,
) -> Trace:
    """Simulate N neurons that are not joined.

    Args:
      neuron: the model.
      params: its constants.
      start: the initial value of every variable.
      currents: [T, N], constant within a step.
      dt: the length of a step, in ms.
      scheme: "exact" for linear models; "euler" is forward Euler, all right-hand sides from the old
        values.
      steps_held: updates that a neuron sits out after a spike.
    """
    b2.prefs.codegen.target = "numpy"
    b2.start_scope()
    b2.defaultclock.dt = dt * b2.ms
    num_steps, num_neurons = currents.shape
    neurons = b2.NeuronGroup(
        num_neurons,
        neuron.equations + "\ni_in : 1",
        threshold=neuron.threshold,
        reset=neuron.reset,
        refractory=(steps_held + 1) * dt * b2.ms,
        method=scheme,
        namespace={**params, "drive": b2.TimedArray(currents, dt=dt * b2.ms)},
    )
    neurons.run_regularly("i_in = drive(t, i)", when="start")
    for name, value in start.items():
        setattr(neurons, name, value)
    traces = b2.StateMonitor(neurons, list(start), record=True, when="end")
    spikes = b2.SpikeMonitor(neurons)
    b2.Network(neurons, traces, spikes).run(num_steps * dt * b2.ms)

    spiked = np.zeros(currents.shape, bool)
    spiked[np.rint(np.asarray(spikes.t / b2.ms) / dt).astype(int), np.asarray(spikes.i)] = True
    return Trace(spiked, {name: np.asarray(getattr(traces, name)).T for name in start})
