"""Neuron models: what one is, and the built-in ones.

Units: time in ms, potentials in mV, currents in nA, resistances in MOhm, conductances in uS,
capacitances in nF, rates in Hz, unless a model says otherwise.
"""

from jsnn.neurons.adaptive import ADEX, ALIF
from jsnn.neurons.hodgkin_huxley import HODGKIN_HUXLEY
from jsnn.neurons.integrate_fire import (
    IF,
    IF_SUBTRACT,
    INTEGRATOR,
    LEAKY_INTEGRATOR,
    LIF,
)
from jsnn.neurons.izhikevich import IZHIKEVICH, IZHIKEVICH_GENN
from jsnn.neurons.model import Model, NeuronModel, Sampler, Values
from jsnn.neurons.sources import POISSON_NEURON, SPIKE_SOURCE, spike_trains

__all__ = [
    "ADEX",
    "ALIF",
    "HODGKIN_HUXLEY",
    "IF",
    "IF_SUBTRACT",
    "INTEGRATOR",
    "IZHIKEVICH",
    "IZHIKEVICH_GENN",
    "LEAKY_INTEGRATOR",
    "LIF",
    "POISSON_NEURON",
    "SPIKE_SOURCE",
    "Model",
    "NeuronModel",
    "Sampler",
    "Values",
    "spike_trains",
]
