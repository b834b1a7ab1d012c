"""NEST's voltage-based STDP, for `experiments.parity.voltage`.

NEST's settings belong to the process: run this in a process of its own
(`experiments.parity.apart`).
"""

import numpy as np

from experiments.parity.nest import nest
from experiments.parity.voltage import DELAY_MS, START, VARIABLES, Played


def simulate(pre: np.ndarray, post: np.ndarray, duration: float, dt: float) -> Played:
    """Run one synapse onto a neuron that single strong inputs make spike; times are in ms."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=dt)
    neuron = nest.Create(
        "aeif_psc_delta_clopath", params={"delay_u_bars": 0.0, "gsl_error_tol": 1e-9}
    )
    trains = [nest.Create("spike_generator", params={"spike_times": t}) for t in (pre, post)]
    parrot, weights = nest.Create("parrot_neuron"), nest.Create("weight_recorder")
    voltages = nest.Create("multimeter", params={"record_from": [*VARIABLES.values()]})
    voltages.set(interval=dt)
    nest.CopyModel("clopath_synapse", "recorded", {"weight_recorder": weights})
    nest.Connect(trains[0], parrot, syn_spec={"delay": 1.0})
    nest.Connect(
        parrot, neuron, syn_spec={"synapse_model": "recorded", "weight": START, "delay": DELAY_MS}
    )
    nest.Connect(trains[1], neuron, syn_spec={"delay": 1.0, "weight": 30.0})
    nest.Connect(voltages, neuron)
    nest.Simulate(duration)
    events, learnt = voltages.get("events"), weights.get("events")
    over_time = {ours: np.array(events[theirs]) for ours, theirs in VARIABLES.items()}
    steps = np.round(np.array(learnt["times"]) / dt).astype(int) - 1
    return Played(over_time, steps, np.array(learnt["weights"]))
