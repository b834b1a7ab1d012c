"""Neuron models.

Time is in ms, potentials in mV, currents in nA, resistances in MOhm, conductances in uS,
capacitances in nF and rates in Hz, unless a model says otherwise.
"""

from jsnn.models.neurons.adaptive import ADEX, ALIF
from jsnn.models.neurons.exponential_synapses import LIF_COND_EXP, LIF_CURR_EXP
from jsnn.models.neurons.generalised import GLIF
from jsnn.models.neurons.hodgkin_huxley import HODGKIN_HUXLEY
from jsnn.models.neurons.integrate_fire import (
    IF,
    IF_SOFT_RESET,
    INTEGRATOR,
    LEAKY_INTEGRATOR,
    LIF,
    LIF_SOFT_RESET,
)
from jsnn.models.neurons.izhikevich import IZHIKEVICH, IZHIKEVICH_GENN
from jsnn.models.neurons.model import NeuronModel, Refractory
from jsnn.models.neurons.sources import POISSON_NEURON, SPIKE_SOURCE, spike_trains
from jsnn.models.neurons.two_compartments import LIF_TWO_COMPARTMENTS
from jsnn.models.neurons.upswing import EIF, QIF

__all__ = [
    "ADEX",
    "ALIF",
    "EIF",
    "GLIF",
    "HODGKIN_HUXLEY",
    "IF",
    "IF_SOFT_RESET",
    "INTEGRATOR",
    "IZHIKEVICH",
    "IZHIKEVICH_GENN",
    "LEAKY_INTEGRATOR",
    "LIF",
    "LIF_COND_EXP",
    "LIF_CURR_EXP",
    "LIF_SOFT_RESET",
    "LIF_TWO_COMPARTMENTS",
    "POISSON_NEURON",
    "QIF",
    "SPIKE_SOURCE",
    "NeuronModel",
    "Refractory",
    "spike_trains",
]
