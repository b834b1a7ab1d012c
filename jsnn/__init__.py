"""jsnn: spiking neural networks as pure functions, in JAX."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from jsnn._engine.inputs import over_time
from jsnn._extras import needed_by
from jsnn.compilation_cache import cache_compilations
from jsnn.evaluation import (
    Evaluation,
    IncompleteError,
    Readout,
    evaluate,
    first_spike,
    fresh,
    keep_in_flight,
    max_voltage,
    spike_count,
)
from jsnn.long_runs import simulate_in_blocks
from jsnn.models import (
    ADEX,
    ALIF,
    ALPHA,
    BIEXPONENTIAL,
    CONDUCTANCE,
    CONSTANT,
    DELTA,
    EIF,
    EXPONENTIAL,
    GAP_JUNCTION,
    GAUSSIAN_NOISE,
    GLIF,
    GRADED,
    HODGKIN_HUXLEY,
    IF,
    IF_SOFT_RESET,
    INTEGRATOR,
    IZHIKEVICH,
    IZHIKEVICH_GENN,
    LEAKY_INTEGRATOR,
    LIF,
    LIF_COND_EXP,
    LIF_CURR_EXP,
    LIF_TWO_COMPARTMENTS,
    NMDA,
    ORNSTEIN_UHLENBECK,
    PLAYBACK,
    POISSON_EXPONENTIAL,
    POISSON_INPUT,
    POISSON_NEURON,
    QIF,
    RAMP_CURRENT,
    REWARD_STDP,
    SINE_CURRENT,
    SPIKE_SOURCE,
    STDP,
    STDP_MULTIPLICATIVE,
    STDP_MULTIPLICATIVE_NEAREST,
    STDP_NEAREST,
    STDP_SYMMETRIC,
    STDP_SYMMETRIC_NEAREST,
    STEP_CURRENT,
    TRIPLET_STDP,
    TSODYKS_MARKRAM,
    VOGELS_2011,
    CurrentSourceModel,
    NeuronModel,
    PlasticityModel,
    Quantity,
    SynapseModel,
    check_model,
    decay,
    euler,
    exp,
    exponential_euler,
    product,
    rk4,
    spike_trains,
    substeps,
    superspike,
)
from jsnn.network import (
    AllToAll,
    AveragePool2D,
    Chain,
    Connectivity,
    Conv2D,
    CurrentSource,
    Dense,
    Network,
    OneToOne,
    Plasticity,
    PlasticityState,
    Population,
    Procedural,
    Projection,
    ProjectionState,
    Shared,
    Sparse,
    State,
    by_distance,
    divide,
    feedforward,
    fixed_in_degree,
    fixed_out_degree,
    fixed_probability,
    fixed_total,
    from_scipy,
    init,
    initializers,
    load,
    load_weights,
    normalise_weights,
    reset,
    rewire,
    save,
    save_weights,
    spatial,
    steps,
    transposed,
)
from jsnn.recording import (
    FinalVariable,
    FirstSpike,
    MaxVariable,
    NonFinite,
    SpikeCount,
    Spikes,
    Variable,
)
from jsnn.simulation import recorded_bytes, simulate, step
from jsnn.spike_events import Events, SpikeEvents, spike_list

if TYPE_CHECKING:
    from jsnn import analysis as analysis
    from jsnn import conversion as conversion
    from jsnn import plot as plot
    from jsnn.conversion import convert

__version__ = "0.1.0"

_MODULES_ON_DEMAND = {"analysis": "numpy", "conversion": "flax", "plot": "matplotlib"}
"""The packages that these modules need."""


def __getattr__(name: str) -> Any:
    """Import on demand the modules that a simulation does not need."""
    if name not in (*_MODULES_ON_DEMAND, "convert"):
        raise AttributeError(f"module 'jsnn' has no attribute {name!r}")
    if name in ("analysis", "plot"):
        return import_module(f"jsnn.{name}")
    with needed_by(f"jsnn.{name}", "flax", "flax"):
        conversion = import_module("jsnn.conversion")
    return conversion.convert if name == "convert" else conversion


def __dir__() -> list[str]:
    """List the public names and modules, without modules whose packages are not installed."""
    special = (name for name in globals() if name.startswith("__"))
    there = (name for name, package in _MODULES_ON_DEMAND.items() if _is_installed(package))
    return sorted({*__all__, *there, *special})


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # it is hidden
        return False


__all__ = [
    "ADEX",
    "ALIF",
    "ALPHA",
    "BIEXPONENTIAL",
    "CONDUCTANCE",
    "CONSTANT",
    "DELTA",
    "EIF",
    "EXPONENTIAL",
    "GAP_JUNCTION",
    "GAUSSIAN_NOISE",
    "GLIF",
    "GRADED",
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
    "LIF_TWO_COMPARTMENTS",
    "NMDA",
    "ORNSTEIN_UHLENBECK",
    "PLAYBACK",
    "POISSON_EXPONENTIAL",
    "POISSON_INPUT",
    "POISSON_NEURON",
    "QIF",
    "RAMP_CURRENT",
    "REWARD_STDP",
    "SINE_CURRENT",
    "SPIKE_SOURCE",
    "STDP",
    "STDP_MULTIPLICATIVE",
    "STDP_MULTIPLICATIVE_NEAREST",
    "STDP_NEAREST",
    "STDP_SYMMETRIC",
    "STDP_SYMMETRIC_NEAREST",
    "STEP_CURRENT",
    "TRIPLET_STDP",
    "TSODYKS_MARKRAM",
    "VOGELS_2011",
    "AllToAll",
    "AveragePool2D",
    "Chain",
    "Connectivity",
    "Conv2D",
    "CurrentSource",
    "CurrentSourceModel",
    "Dense",
    "Evaluation",
    "Events",
    "FinalVariable",
    "FirstSpike",
    "IncompleteError",
    "MaxVariable",
    "Network",
    "NeuronModel",
    "NonFinite",
    "OneToOne",
    "Plasticity",
    "PlasticityModel",
    "PlasticityState",
    "Population",
    "Procedural",
    "Projection",
    "ProjectionState",
    "Quantity",
    "Readout",
    "Shared",
    "Sparse",
    "SpikeCount",
    "SpikeEvents",
    "Spikes",
    "State",
    "SynapseModel",
    "Variable",
    "by_distance",
    "cache_compilations",
    "check_model",
    "convert",
    "decay",
    "divide",
    "euler",
    "evaluate",
    "exp",
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
    "load",
    "load_weights",
    "max_voltage",
    "normalise_weights",
    "over_time",
    "product",
    "recorded_bytes",
    "reset",
    "rewire",
    "rk4",
    "save",
    "save_weights",
    "simulate",
    "simulate_in_blocks",
    "spatial",
    "spike_count",
    "spike_list",
    "spike_trains",
    "step",
    "steps",
    "substeps",
    "superspike",
    "transposed",
]
