"""The catalogue of models: neurons, synapses, current sources and plasticity, as pure functions."""

from jsnn.models.checker import check_model
from jsnn.models.current_sources import (
    CONSTANT,
    GAUSSIAN_NOISE,
    PLAYBACK,
    POISSON_INPUT,
    CurrentSourceModel,
)
from jsnn.models.exponential import decay, exp
from jsnn.models.integrators import euler, exponential_euler, rk4, substeps
from jsnn.models.neurons import (
    ADEX,
    ALIF,
    HODGKIN_HUXLEY,
    IF,
    IF_SOFT_RESET,
    INTEGRATOR,
    IZHIKEVICH,
    IZHIKEVICH_GENN,
    LEAKY_INTEGRATOR,
    LIF,
    POISSON_NEURON,
    SPIKE_SOURCE,
    NeuronModel,
    spike_trains,
)
from jsnn.models.plasticity import (
    REWARD_STDP,
    STDP,
    STDP_MULTIPLICATIVE,
    STDP_MULTIPLICATIVE_NEAREST,
    STDP_NEAREST,
    STDP_SYMMETRIC,
    STDP_SYMMETRIC_NEAREST,
    TRIPLET_STDP,
    VOGELS_2011,
    PlasticityModel,
)
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product
from jsnn.models.surrogates import superspike
from jsnn.models.synapses import ALPHA, CONDUCTANCE, DELTA, EXPONENTIAL, GRADED, SynapseModel

__all__ = [
    "ADEX",
    "ALIF",
    "ALPHA",
    "CONDUCTANCE",
    "CONSTANT",
    "DELTA",
    "EXPONENTIAL",
    "GAUSSIAN_NOISE",
    "GRADED",
    "HODGKIN_HUXLEY",
    "IF",
    "IF_SOFT_RESET",
    "INTEGRATOR",
    "IZHIKEVICH",
    "IZHIKEVICH_GENN",
    "LEAKY_INTEGRATOR",
    "LIF",
    "PLAYBACK",
    "POISSON_INPUT",
    "POISSON_NEURON",
    "REWARD_STDP",
    "SPIKE_SOURCE",
    "STDP",
    "STDP_MULTIPLICATIVE",
    "STDP_MULTIPLICATIVE_NEAREST",
    "STDP_NEAREST",
    "STDP_SYMMETRIC",
    "STDP_SYMMETRIC_NEAREST",
    "TRIPLET_STDP",
    "VOGELS_2011",
    "CurrentSourceModel",
    "NeuronModel",
    "PlasticityModel",
    "Quantity",
    "SynapseModel",
    "check_model",
    "decay",
    "euler",
    "exp",
    "exponential_euler",
    "product",
    "rk4",
    "spike_trains",
    "substeps",
    "superspike",
]
