"""Signals that are numbers: the nodes Input and Threshold, and synapses that carry numbers."""

import jax

from jsnn.models import NeuronModel, Quantity, SynapseModel
from jsnn.models.model import Values
from jsnn.nir.neurons.firing import above
from jsnn.nir.neurons.membranes import never


def _take(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": current}


def _above_threshold(p: Values, x: Values) -> jax.Array:
    return above(x["v"], p["threshold"])


RELAY = NeuronModel(
    name="RELAY",
    description="""Neuron without dynamics, whose V is its input: a signal of numbers.

        V <- I

    It stands for Input of NIR, where the drive comes in, and for the places where signals meet.
    """,
    params={},
    variables={"v": 0.0},
    update=_take,
    threshold=never,
)

THRESHOLD = NeuronModel(
    name="THRESHOLD",
    description="""Threshold of NIR, a step function without memory.

        V <- I,   spike if V > threshold
    """,
    params={"threshold": Quantity(1.0)},
    variables={"v": 0.0},
    update=_take,
    threshold=_above_threshold,
)


def _send_potential(p: Values, pre: Values) -> jax.Array:
    return pre["v"]


def _pass_on(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, arriving


SIGNAL = SynapseModel(
    name="SIGNAL",
    description="""Synapse that carries V of the presynaptic neurons in every step.

        I = Σ w V_pre
    """,
    params={},
    variables={},
    update=_pass_on,
    sends=_send_potential,
)
