"""jsnn: spiking neural networks as pure functions, in JAX."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jsnn._extras import needed_by
from jsnn.compilation_cache import cache_compilations
from jsnn.evaluation.between import fresh, keep_in_flight
from jsnn.evaluation.data_set import evaluate
from jsnn.evaluation.readouts import Readout, first_spike, max_voltage, spike_count
from jsnn.evaluation.results import Evaluation, IncompleteError
from jsnn.models.checker import check_model
from jsnn.models.current_sources import CONSTANT, GAUSSIAN_NOISE, PLAYBACK, POISSON, SourceModel
from jsnn.models.integrators import euler, exponential_euler, rk4, substeps
from jsnn.models.neurons import (
    ADEX,
    ALIF,
    HODGKIN_HUXLEY,
    IF,
    IF_SUBTRACT,
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
from jsnn.models.surrogates import superspike
from jsnn.models.synapses import ALPHA, CONDUCTANCE, DELTA, EXPONENTIAL, GRADED, SynapseModel
from jsnn.network import initializers
from jsnn.network.connectivity import (
    AllToAll,
    AveragePool2D,
    Chain,
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
from jsnn.network.current_source import CurrentSource
from jsnn.network.feedforward import feedforward
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.state import Plastic, State, init
from jsnn.network.updates import normalise_weights, reset, rewire
from jsnn.network.weight_files import load_weights, save_weights
from jsnn.recording import (
    FirstSpike,
    MaxVariable,
    NonFinite,
    SpikeCount,
    Spikes,
    Variable,
    spike_list,
)
from jsnn.simulation import recorded_bytes, simulate, step

if TYPE_CHECKING:
    from jsnn import conversion as conversion
    from jsnn import plot as plot
    from jsnn.conversion import convert

__version__ = "0.1.0"

_MODULES_ON_DEMAND = ("conversion", "plot")


def __getattr__(name: str) -> Any:
    """Import what needs Flax or Matplotlib when it is asked for."""
    if name not in (*_MODULES_ON_DEMAND, "convert"):
        raise AttributeError(f"module 'jsnn' has no attribute {name!r}")
    if name == "plot":
        return import_module("jsnn.plot")
    with needed_by(f"jsnn.{name}", "flax", "flax"):
        conversion = import_module("jsnn.conversion")
    return conversion.convert if name == "convert" else conversion


def __dir__() -> list[str]:
    """List the public names and modules."""
    special = (name for name in globals() if name.startswith("__"))
    return sorted({*__all__, *_MODULES_ON_DEMAND, *special})


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
    "IF_SUBTRACT",
    "INTEGRATOR",
    "IZHIKEVICH",
    "IZHIKEVICH_GENN",
    "LEAKY_INTEGRATOR",
    "LIF",
    "PLAYBACK",
    "POISSON",
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
    "AllToAll",
    "AveragePool2D",
    "Chain",
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
    "convert",
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
    "normalise_weights",
    "recorded_bytes",
    "reset",
    "rewire",
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
