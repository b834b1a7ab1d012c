"""jsnn: spiking neural networks as pure functions, in JAX."""

from jsnn import initializers
from jsnn.cache import cache_compilations
from jsnn.check import check_model
from jsnn.connectivity import (
    AllToAll,
    AveragePool2D,
    Connectivity,
    Conv2D,
    Dense,
    OneToOne,
    Procedural,
    Sparse,
    fixed_in_degree,
    fixed_out_degree,
    fixed_probability,
    fixed_total,
    from_scipy,
)
from jsnn.evaluate import evaluate
from jsnn.evaluation import Evaluation, IncompleteError
from jsnn.integrators import euler, exponential_euler, rk4, substeps
from jsnn.learn import Plastic
from jsnn.network import Network, feedforward
from jsnn.neurons import (
    ADEX,
    ALIF,
    HODGKIN_HUXLEY,
    IF,
    IZHIKEVICH,
    IZHIKEVICH_GENN,
    LEAKY_INTEGRATOR,
    LIF,
    POISSON_NEURON,
    SPIKE_SOURCE,
    NeuronModel,
    spike_trains,
)
from jsnn.parts import CurrentSource, Population, Projection
from jsnn.plasticity import PlasticityModel
from jsnn.present import fresh, keep_in_flight
from jsnn.readout import Readout, first_spike, max_voltage, spike_count
from jsnn.record import (
    FirstSpike,
    MaxVariable,
    NonFinite,
    SpikeCount,
    Spikes,
    Variable,
    recorded_bytes,
    spike_list,
)
from jsnn.simulate import simulate, step
from jsnn.sources import CONSTANT, GAUSSIAN_NOISE, PLAYBACK, POISSON, SourceModel
from jsnn.state import State, init
from jsnn.surrogate import superspike
from jsnn.synapses import ALPHA, CONDUCTANCE, DELTA, EXPONENTIAL, GRADED, SynapseModel
from jsnn.weights import load_weights, save_weights

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
    "IZHIKEVICH",
    "IZHIKEVICH_GENN",
    "LEAKY_INTEGRATOR",
    "LIF",
    "PLAYBACK",
    "POISSON",
    "POISSON_NEURON",
    "SPIKE_SOURCE",
    "AllToAll",
    "AveragePool2D",
    "Connectivity",
    "Conv2D",
    "CurrentSource",
    "Dense",
    "Evaluation",
    "FirstSpike",
    "IncompleteError",
    "MaxVariable",
    "Network",
    "NeuronModel",
    "NonFinite",
    "OneToOne",
    "Plastic",
    "PlasticityModel",
    "Population",
    "Procedural",
    "Projection",
    "Readout",
    "SourceModel",
    "Sparse",
    "SpikeCount",
    "Spikes",
    "State",
    "SynapseModel",
    "Variable",
    "cache_compilations",
    "check_model",
    "euler",
    "evaluate",
    "exponential_euler",
    "feedforward",
    "first_spike",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "fixed_total",
    "fresh",
    "from_scipy",
    "init",
    "initializers",
    "keep_in_flight",
    "load_weights",
    "max_voltage",
    "recorded_bytes",
    "rk4",
    "save_weights",
    "simulate",
    "spike_count",
    "spike_list",
    "spike_trains",
    "step",
    "substeps",
    "superspike",
]
