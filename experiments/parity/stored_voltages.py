"""Voltages of Brian2 and NEST for the page "From Brian2 and NEST", which draws them over jsnn's.

The network is made by the code that the page shows. Three more recordings are of one neuron each:
the effect of one weight, of a refractory time and of a delay, as each simulator counts them.
"""

import os
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from typing import Any

from experiments import cli
from experiments.mnist.bench import machine
from experiments.page_code import code_of
from experiments.parity.apart import apart

PAGE = "from_brian_nest.md"
PROGRAMS = {"Brian2": "brian2", "NEST": "nest-simulator"}
"""Names and distributions."""
DT, DELAY, WEIGHT, REFRACTORY = 0.1, 1.0, 5.0, 2.0
"""ms, ms, mV or nA, ms."""
STEP_OF_SPIKE = 50
CURRENT = 1.0
"""In nA; with it the neuron spikes by itself."""
DURATIONS = {"weight": 40.0, "refractory": 34.0, "delay": 9.0}
"""In ms."""
Voltages = dict[str, list[Any]]
"""Voltages in mV at the end of each step, by the name of the recording."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags; the environment needs brian2 and nest-simulator beside jsnn's experiments."""


def main(config: Config) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "command": "nox -s stored",
        "versions": {name: metadata.version(package) for name, package in PROGRAMS.items()},
        "dt": DT,
        "voltages": {"Brian2": apart(in_brian2), "NEST": apart(in_nest)},
    }


def network_of_page(program: str) -> list[list[float]]:
    """Run a program's code in the page and return its voltages, [2, T]."""
    names: dict[str, Any] = {}
    exec(code_of(PAGE, program), names)
    return [rounded(v) for v in names["voltages"]]


def rounded(v: Any) -> list[float]:
    return [round(float(x), 6) for x in v]


def in_brian2() -> Voltages:
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    network = network_of_page("Brian2")

    def one_neuron(kind: str, on_pre: str, current: float = 0.0) -> list[float]:
        b2.start_scope()
        b2.defaultclock.dt = DT * b2.ms
        neuron = b2.NeuronGroup(
            1,
            """dv/dt = (-65 - v + 20 * (i_e + current)) / (20 * ms) : 1 (unless refractory)
            di_e/dt = -i_e / (5 * ms) : 1""",
            threshold="v >= -50",
            reset="v = -65",
            refractory=REFRACTORY * b2.ms,
            method="exact",
            namespace={"current": current},
        )
        neuron.v = -65
        source = b2.SpikeGeneratorGroup(1, [0], [STEP_OF_SPIKE * DT] * b2.ms)
        synapse = b2.Synapses(source, neuron, on_pre=on_pre, delay=DELAY * b2.ms)
        synapse.connect()
        voltage = b2.StateMonitor(neuron, "v", record=True, when="end")
        b2.Network(neuron, source, synapse, voltage).run(DURATIONS[kind] * b2.ms)
        return rounded(voltage.v[0])

    return {
        "network": network,
        "weight": one_neuron("weight", f"v_post += {WEIGHT}"),
        "refractory": one_neuron("refractory", "v_post += 0", CURRENT),
        "delay": one_neuron("delay", f"i_e_post += {WEIGHT}"),
    }


def in_nest() -> Voltages:
    os.environ.setdefault("PYNEST_QUIET", "1")  # no greeting on import
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    network = network_of_page("NEST")

    def one_neuron(kind: str, model: str, weight: float, current: float = 0.0) -> list[float]:
        nest.ResetKernel()
        nest.resolution = DT
        membrane = {"C_m": 1000.0, "tau_m": 20.0, "E_L": -65.0, "V_m": -65.0, "V_th": -50.0}
        of_currents = {"tau_syn_ex": 5.0} if model == "iaf_psc_exp" else {}
        neuron = nest.Create(model, params=membrane | of_currents)
        neuron.set({"V_reset": -65.0, "t_ref": REFRACTORY, "I_e": 1000.0 * current})
        times = [(STEP_OF_SPIKE + 1) * DT]  # a spike has the time of the end of its step
        source = nest.Create("spike_generator", params={"spike_times": times})
        nest.Connect(source, neuron, syn_spec={"weight": weight, "delay": DELAY})
        voltage = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": DT})
        nest.Connect(voltage, neuron)
        nest.Simulate(DURATIONS[kind] + DT)  # the last step is not recorded
        return rounded(voltage.events["V_m"])

    return {
        "network": network,
        "weight": one_neuron("weight", "iaf_psc_delta", WEIGHT),
        "refractory": one_neuron("refractory", "iaf_psc_exp", 0.0, CURRENT),
        "delay": one_neuron("delay", "iaf_psc_exp", 1000.0 * WEIGHT),
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
