"""jsnn: spiking neural networks as pure functions, in JAX."""

from jsnn.cache import cache_compilations
from jsnn.check import check_model
from jsnn.connectivity import Connectivity, Dense, Sparse
from jsnn.evaluate import evaluate
from jsnn.evaluation import Evaluation, IncompleteError
from jsnn.learn import Plastic
from jsnn.network import Network, feedforward
from jsnn.neurons import IF, LIF, SPIKE_SOURCE, NeuronModel
from jsnn.parts import CurrentSource, Population, Projection
from jsnn.plasticity import (
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
from jsnn.present import fresh, keep_in_flight
from jsnn.readout import Readout, first_spike, max_voltage, spike_count
from jsnn.record import (
    FirstSpike,
    MaxVariable,
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
from jsnn.updates import normalise_weights, reset, rewire
from jsnn.weights import load_weights, save_weights

__all__ = [
    "ALPHA",
    "CONDUCTANCE",
    "CONSTANT",
    "DELTA",
    "EXPONENTIAL",
    "GAUSSIAN_NOISE",
    "GRADED",
    "IF",
    "LIF",
    "PLAYBACK",
    "POISSON",
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
    "Connectivity",
    "CurrentSource",
    "Dense",
    "Evaluation",
    "FirstSpike",
    "IncompleteError",
    "MaxVariable",
    "Network",
    "NeuronModel",
    "Plastic",
    "PlasticityModel",
    "Population",
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
    "evaluate",
    "feedforward",
    "first_spike",
    "fresh",
    "init",
    "keep_in_flight",
    "load_weights",
    "max_voltage",
    "normalise_weights",
    "recorded_bytes",
    "reset",
    "rewire",
    "save_weights",
    "simulate",
    "spike_count",
    "spike_list",
    "step",
    "superspike",
]
