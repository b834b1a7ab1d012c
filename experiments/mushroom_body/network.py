"""The mushroom body of an insect as a classifier of MNIST, as GeNN's tutorial has it.

Projection neurons (PN) show an image as latencies. A sparse random expansion makes a few hundred of
20,000 Kenyon cells (KC) spike, and one giant inhibitory neuron (GGN) keeps their number in bounds.
Output neurons (MBON), one for each digit, learn which Kenyon cells spike for it.

The network is that of the GeNN 5.4 tutorial "Insect-inspired MNIST classification".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from jsnn.neurons import Values

DT = 0.1
"""The length of a step, in ms."""

NUM_STEPS = 200
"""Of a presentation."""

NUM_PN = 784
NUM_KC = 20_000
NUM_MBON = 10
INPUTS_PER_KC = 20

BRIGHTNESS = 80.0
"""The sum of the currents into all projection neurons, in nA, the same for all images."""

SUPERVISION = 5.0
"""The current into the output neuron of the true digit while the network learns, in nA."""

_LIF = {"tau_m": 20.0, "r_m": 100.0, "v_rest": -60.0, "v_reset": -60.0, "v_thresh": -50.0}


def _counter_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": x["v"] + current}


def _counter_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - p["v_thresh"]


def _counter_reset(p: Values, x: Values) -> Values:
    return {"v": jnp.zeros_like(x["v"])}


COUNTER = jsnn.NeuronModel(
    params={"v_thresh": 200.0},
    variables={"v": 0.0},
    update=_counter_update,
    threshold=_counter_threshold,
    reset=_counter_reset,
)
"""V <- V + I; V >= v_thresh: spike, V <- 0. It counts spikes that arrive with weight 1."""


def _no_current(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, jnp.zeros_like(arriving)


NO_CURRENT = jsnn.SynapseModel(params={}, variables={}, update=_no_current)
"""I = 0: synapses that learn and deliver nothing."""


def _learnt(p: Values, s: Values, side: Values, other: Values) -> Values:
    after = jnp.where(other["spike"] > 0, 1, other["after"])
    weight = s["weight"] + p["eta"] * (after - p["rho"])
    return s | {"weight": jnp.clip(weight, 0, p["w_max"])}


def _on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return _learnt(p, s, pre, post)


def _on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return _learnt(p, s, post, pre)


def _decay(p: Values, trace: Values, dt: jax.Array) -> Values:
    return {"after": trace["after"] * jnp.exp(-dt / p["tau_stdp"])}


def _spiked(p: Values, trace: Values) -> Values:
    return {"after": jnp.ones_like(trace["after"])}


SYMMETRIC_STDP = jsnn.PlasticityModel(
    params={"tau_stdp": 15.0, "rho": 0.01, "eta": 2e-5, "w_max": 0.0233},
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
"""At every spike on either side: w <- clip(w + eta (exp(-d / tau_stdp) - rho), 0, w_max).

d >= 0 is the time since the last spike on the other side; where there was none the exponential,
`after`, is 0 and the synapse is weakened. tau_stdp in ms; eta and w_max in nA.
"""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["weight"],
    meta_fields=["num_pre", "num_post"],
)
@dataclass(frozen=True)
class OneWeight:
    """Every neuron reaches every neuron with the same weight, float (), in nA."""

    weight: jax.Array
    num_pre: int
    num_post: int

    @property
    def dtype(self):
        return self.weight.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        return jnp.broadcast_to(self.weight * spikes.sum(), (self.num_post,))


def draw_inputs(seed: int, num_pn: int = NUM_PN, num_kc: int = NUM_KC) -> np.ndarray:
    """int [num_kc, 20]: each Kenyon cell's inputs, drawn uniformly with replacement."""
    return np.random.default_rng(seed).integers(num_pn, size=(num_kc, INPUTS_PER_KC))


def learning_network(
    inputs: np.ndarray, num_pn: int = NUM_PN, rule: Mapping[str, float] | None = None
) -> jsnn.Network:
    """The network while it learns; the weights from KC to MBON start at 0.

    Args:
      inputs: int [KC, inputs of each], from 0 to num_pn - 1.
      num_pn: the number of projection neurons.
      rule: parameters of `SYMMETRIC_STDP` other than its defaults.
    """
    learning = jsnn.Projection(
        "KC",
        "MBON",
        jsnn.Dense(np.zeros((len(inputs), NUM_MBON), np.float32)),
        NO_CURRENT,
        plasticity=SYMMETRIC_STDP,
        params=rule or {},
    )
    return _network(inputs, num_pn, learning)


def answering_network(
    inputs: np.ndarray, weights: np.ndarray, num_pn: int = NUM_PN
) -> jsnn.Network:
    """The network with learnt weights [KC, MBON], which now excite the output neurons."""
    deciding = jsnn.Projection(
        "KC", "MBON", jsnn.Dense(weights), jsnn.EXPONENTIAL, params={"tau": 3.0}
    )
    return _network(inputs, num_pn, deciding)


def _network(inputs: np.ndarray, num_pn: int, kc_to_mbon: jsnn.Projection) -> jsnn.Network:
    num_kc, inputs_per_kc = inputs.shape
    expansion = jsnn.Sparse(
        pre=inputs.ravel(),
        post=np.repeat(np.arange(num_kc), inputs_per_kc),
        weights=np.full(inputs.size, 0.2, np.float32),
        num_pre=num_pn,
        num_post=num_kc,
    )
    counting = OneWeight(jnp.float32(1.0), num_kc, 1)
    inhibition = OneWeight(jnp.float32(-5.0), 1, num_kc)
    return jsnn.Network(
        populations=[
            _lif("PN", num_pn, tau_refrac=100.0),
            _lif("KC", num_kc, tau_refrac=2.0),
            jsnn.Population("GGN", 1, COUNTER),
            _lif("MBON", NUM_MBON, tau_refrac=2.0),
        ],
        projections=[
            jsnn.Projection("PN", "KC", expansion, jsnn.EXPONENTIAL, params={"tau": 3.0}),
            jsnn.Projection("KC", "GGN", counting),
            jsnn.Projection("GGN", "KC", inhibition, jsnn.EXPONENTIAL, params={"tau": 5.0}),
            kc_to_mbon,
        ],
        dt=DT,
    )


def _lif(name: str, size: int, tau_refrac: float) -> jsnn.Population:
    params = _LIF | {"tau_refrac": tau_refrac}
    return jsnn.Population(name, size, jsnn.LIF, params, {"v": _LIF["v_rest"]})


def next_image(network: jsnn.Network, state: jsnn.State) -> jsnn.State:
    """All starts anew but the weights and the spikes of the last step, which still arrive."""
    new = jsnn.init(network, state.key)
    learnt = {
        name: replace(new.plastic[name], synapses=plastic.synapses)
        for name, plastic in state.plastic.items()
    }
    return replace(new, in_flight=state.in_flight, plastic=learnt)


def input_currents(pixels: np.ndarray) -> np.ndarray:
    """uint8 [n, PN] to float32 [n, PN] in nA: each image divided by the sum of its pixels."""
    total = pixels.sum(axis=1, keepdims=True, dtype=np.int64).astype(np.float32)
    return pixels.astype(np.float32) / total * np.float32(BRIGHTNESS)
