"""Mushroom body of an insect as a classifier of MNIST, after GeNN's tutorial.

Projection neurons (PN) show an image as latencies. A sparse random expansion makes a few hundred of
20,000 Kenyon cells (KC) spike, and one giant inhibitory neuron (GGN) keeps their number in bounds.
Output neurons (MBON), one for each digit, learn which Kenyon cells spike for it.

The network is that of the GeNN 5.4 tutorial "Insect-inspired MNIST classification".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from jsnn.models.model import Values

DT = 0.1
"""Length of a step, in ms."""

NUM_STEPS = 200
"""Number of steps in a presentation."""

NUM_PN = 784
NUM_KC = 20_000
NUM_MBON = 10
INPUTS_PER_KC = 20

BRIGHTNESS = 80.0
"""Sum of the currents into all projection neurons, in nA, equal for all images."""

SUPERVISION = 5.0
"""Current into the output neuron of the true digit while the network learns, in nA."""

_LIF = {"tau_m": 20.0, "r_m": 100.0, "v_rest": -60.0, "v_reset": -60.0, "v_thresh": -50.0}


def _counter_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": x["v"] + current}


def _counter_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - p["v_thresh"]


def _counter_reset(p: Values, x: Values) -> Values:
    return {"v": jnp.zeros_like(x["v"])}


COUNTER = jsnn.NeuronModel(
    name="COUNTER",
    description="""Counter of spikes: V <- V + I; V >= v_thresh: spike, V <- 0.""",
    params={"v_thresh": 200.0},
    variables={"v": 0.0},
    update=_counter_update,
    threshold=_counter_threshold,
    reset=_counter_reset,
)


def _no_current(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, jnp.zeros_like(arriving)


NO_CURRENT = jsnn.SynapseModel(
    name="NO_CURRENT",
    description="Synapses that learn and deliver nothing: I = 0.",
    params={},
    variables={},
    update=_no_current,
)


def _after(trace: Values) -> jax.Array:
    return jnp.where(trace["spike"] > 0, 1, trace["after"])


def _changed(p: Values, s: Values, change: jax.Array) -> Values:
    return s | {"weight": jnp.clip(s["weight"] + p["eta"] * change, 0, p["w_max"])}


def _on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return _changed(p, s, _after(post) - p["rho"])


def _on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return _changed(p, s, jnp.maximum(_after(pre) - p["rho"], -p["silent"] * p["rho"]))


def _decay(p: Values, trace: Values, dt: jax.Array) -> Values:
    return {"after": trace["after"] * jnp.exp(-dt / p["tau_stdp"])}


def _spiked(p: Values, trace: Values) -> Values:
    return {"after": jnp.ones_like(trace["after"])}


SYMMETRIC_STDP = jsnn.PlasticityModel(
    name="SYMMETRIC_STDP",
    description="""Symmetric STDP of nearest neighbours, with a choice for silent neurons.

    At every spike on either side, d >= 0 after the last spike on the other side:

        w <- clip(w + eta (exp(-d / tau_stdp) - rho), 0, w_max)

    If the other side has not spiked, the exponential is 0 and the synapse is weakened. A
    postsynaptic spike weakens it by no more than eta silent rho, which is the plain rule for silent
    = 1.
    """,
    params={
        "tau_stdp": jsnn.Quantity(15.0, "ms", above=0),
        "rho": 0.01,
        "eta": jsnn.Quantity(2e-5, "nA"),
        "w_max": jsnn.Quantity(0.0233, "nA"),
        "silent": 1.0,
    },
    variables={},
    pre={"after": 0.0},
    post={"after": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=_decay,
    update_post=_decay,
    spike_pre=_spiked,
    spike_post=_spiked,
)


@dataclass(frozen=True)
class Variant:
    """Choices in which a network may differ from the tutorial.

    Attributes:
      rule: parameters of `SYMMETRIC_STDP` other than its defaults.
      v_thresh: the threshold of the output neurons when they answer, in mV.
      readout: the rule that reads the digit from the output neurons.
      ggn_start: V of the GGN at the start of an image that is to be answered, in mV. Learning
        starts at 0. The tutorial answers from -60, the value to which it resets all other neurons,
        so that the first inhibition takes 260 spikes of Kenyon cells instead of 200.
    """

    rule: Mapping[str, float] = field(default_factory=dict)
    v_thresh: float = -50.0
    readout: jsnn.Readout = field(default_factory=lambda: jsnn.first_spike("MBON"))
    ggn_start: float = -60.0


VARIANTS = {
    "tutorial": Variant(),
    "graded": Variant(
        rule={"eta": 32e-5, "silent": 0.0},
        v_thresh=1e6,
        readout=jsnn.max_voltage("MBON"),
        ggn_start=0.0,
    ),
}
"""Variants of the network by name.

tutorial: the output neuron that spikes first names the digit.

graded: output neurons never spike, and the highest potential names the digit. So all Kenyon cells
count, and not the earliest alone. Learning is 16 times as fast, and Kenyon cells that are silent
when the teacher makes the output neuron spike keep their weights.
"""


def draw_inputs(seed: int, num_pn: int = NUM_PN, num_kc: int = NUM_KC) -> np.ndarray:
    """Draw the inputs of each Kenyon cell, int [num_kc, 20], uniformly with replacement."""
    return np.random.default_rng(seed).integers(num_pn, size=(num_kc, INPUTS_PER_KC))


def learning_network(
    inputs: np.ndarray, variant: Variant = VARIANTS["tutorial"], num_pn: int = NUM_PN
) -> jsnn.Network:
    """Make the network that learns, with weights of 0 from KC to MBON.

    Args:
      inputs: int [KC, inputs of each], from 0 to num_pn - 1.
      variant: the variant that gives the rule.
      num_pn: the number of projection neurons.
    """
    learning = jsnn.Projection(
        "KC",
        "MBON",
        jsnn.Dense(np.zeros((len(inputs), NUM_MBON), np.float32)),
        NO_CURRENT,
        plasticity=jsnn.Plasticity(SYMMETRIC_STDP, variant.rule),
    )
    return _network(inputs, num_pn, learning, _LIF["v_thresh"], ggn_start=0.0)


def answering_network(
    inputs: np.ndarray,
    weights: np.ndarray,
    variant: Variant = VARIANTS["tutorial"],
    num_pn: int = NUM_PN,
) -> jsnn.Network:
    """Make the network with learnt weights, which now excite the output neurons.

    Args:
      inputs: int [KC, inputs of each], from 0 to num_pn - 1.
      weights: [KC, MBON], in nA.
      variant: the variant that gives the threshold and the start of the GGN.
      num_pn: the number of projection neurons.
    """
    deciding = jsnn.Projection(
        "KC", "MBON", jsnn.Dense(weights), jsnn.EXPONENTIAL, params={"tau": 3.0}
    )
    return _network(inputs, num_pn, deciding, variant.v_thresh, variant.ggn_start)


def _network(
    inputs: np.ndarray,
    num_pn: int,
    kc_to_mbon: jsnn.Projection,
    mbon_thresh: float,
    ggn_start: float,
) -> jsnn.Network:
    num_kc, inputs_per_kc = inputs.shape
    expansion = jsnn.Sparse(
        pre=inputs.ravel(),
        post=np.repeat(np.arange(num_kc), inputs_per_kc),
        weights=np.full(inputs.size, 0.2, np.float32),
        num_pre=num_pn,
        num_post=num_kc,
    )
    counting = jsnn.AllToAll(np.float32(1), num_kc, 1)
    inhibition = jsnn.AllToAll(np.float32(-5), 1, num_kc)
    return jsnn.Network(
        populations=[
            _lif("PN", num_pn, tau_refrac=100.0),
            _lif("KC", num_kc, tau_refrac=2.0),
            jsnn.Population("GGN", 1, COUNTER, initial={"v": ggn_start}),
            _lif("MBON", NUM_MBON, tau_refrac=2.0, v_thresh=mbon_thresh),
        ],
        projections=[
            jsnn.Projection("PN", "KC", expansion, jsnn.EXPONENTIAL, params={"tau": 3.0}),
            jsnn.Projection("KC", "GGN", counting),
            jsnn.Projection("GGN", "KC", inhibition, jsnn.EXPONENTIAL, params={"tau": 5.0}),
            kc_to_mbon,
        ],
        dt=DT,
    )


def _lif(name: str, size: int, **params: float) -> jsnn.Population:
    return jsnn.Population(name, size, jsnn.LIF, _LIF | params, {"v": _LIF["v_rest"]})


def next_image(network: jsnn.Network, state: jsnn.State) -> jsnn.State:
    """Start anew, except for the weights and the spikes of the last step, which still arrive."""
    new = jsnn.init(network, state.key)
    return replace(
        new,
        projections={
            name: replace(
                new.projections[name],
                in_flight=before.in_flight,
                plasticity=before.plasticity
                and replace(new.projections[name].plasticity, synapses=before.plasticity.synapses),
            )
            for name, before in state.projections.items()
        },
    )


def input_currents(pixels: np.ndarray) -> np.ndarray:
    """Turn pixels, uint8 [n, PN], into currents in nA, float32 [n, PN], of one sum per image."""
    total = pixels.sum(axis=1, keepdims=True, dtype=np.int64).astype(np.float32)
    return pixels.astype(np.float32) / total * np.float32(BRIGHTNESS)
