"""jsnn: spiking neural networks as pure functions, in JAX."""

from jsnn.check import check_model
from jsnn.connectivity import Connectivity, Dense
from jsnn.evaluate import Evaluation, evaluate, fresh, keep_in_flight
from jsnn.network import CurrentSource, Network, Population, Projection, feedforward
from jsnn.neurons import IF, LIF, NeuronModel
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
from jsnn.synapses import DELTA, EXPONENTIAL, SynapseModel
from jsnn.weights import load_weights, save_weights
