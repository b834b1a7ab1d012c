"""Synapse models: what arriving spikes do to the input current of the postsynaptic population."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.models.model import Model, Values

Update = Callable[[Values, Values, jax.Array, Values, jax.Array], tuple[Values, jax.Array]]


@dataclass(frozen=True)
class SynapseModel(Model):
    """The postsynaptic side of a projection, as one function over its N postsynaptic neurons.

    Attributes:
      params: default parameters; a projection may give each a scalar or one value per
        postsynaptic neuron; the function sees `[N]`.
      variables: initial values, a scalar each; the function sees `[N]`.
      update: (params, variables, arriving [N], post, dt in ms) -> (new variables, input [N]), where
        `arriving` is the sum of the weights of the spikes that arrive in this step, `post` holds
        the variables of the postsynaptic neurons that it `reads`, as they were after the step
        before, and the input is a current in nA, or what the neuron model takes.
      reads: names of variables of the postsynaptic neurons, such as ("v",).
      sends: None for spikes. Otherwise (params, variables of the presynaptic neurons [pre]) ->
        [pre], a number that each of them sends in every step in place of a spike; the parameters
        are as the projection gives them, scalars say.
    """

    update: Update
    reads: Sequence[str] = ()
    sends: Callable[[Values, Values], jax.Array] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "reads", tuple(self.reads))


def _delta_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, arriving


DELTA = SynapseModel(params={}, variables={}, update=_delta_update)
"""I = the weights that arrive, for the one step in which they arrive (GeNN's "DeltaCurr")."""


def _exponential_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    decay = jnp.exp(-dt / p["tau"])
    i_syn = x["i_syn"] + arriving
    mean_over_step = p["tau"] * (1 - decay) / dt
    return {"i_syn": i_syn * decay}, i_syn * mean_over_step


EXPONENTIAL = SynapseModel(
    params={"tau": 5.0}, variables={"i_syn": 0.0}, update=_exponential_update
)
"""tau di/dt = -i, i <- i + w for an arriving spike of weight w (nA); tau in ms.

The current of a step is the mean of i over it, i tau (1 - exp(-dt/tau)) / dt, so that a spike
delivers the charge w tau whatever dt is (GeNN's "ExpCurr").
"""


def _alpha_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    in_tau = dt / p["tau"]
    decay = jnp.exp(-in_tau)
    rise = x["rise"] + arriving * jnp.exp(jnp.ones_like(arriving))
    mean = (x["i_syn"] * (1 - decay) + rise * (1 - decay * (1 + in_tau))) / in_tau
    return {"rise": rise * decay, "i_syn": (x["i_syn"] + rise * in_tau) * decay}, mean


ALPHA = SynapseModel(
    params={"tau": 5.0}, variables={"rise": 0.0, "i_syn": 0.0}, update=_alpha_update
)
"""i(t) = w t/tau exp(1 - t/tau) after a spike of weight w (nA), which peaks at t = tau with w.

As equations: tau di/dt = -i + h, tau dh/dt = -h, h <- h + e w for an arriving spike; h is `rise`.
Integrated exactly (Rotter & Diesmann 1999, Biol. Cybern. 81, 381-402); the current of a step is the
mean of i over it, so that a spike delivers the charge e w tau whatever dt is. tau in ms.
"""


def _conductance_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    decay = jnp.exp(-dt / p["tau"])
    g = x["g"] + arriving
    mean_over_step = p["tau"] * (1 - decay) / dt
    return {"g": g * decay}, g * mean_over_step * (p["e_rev"] - post["v"])


CONDUCTANCE = SynapseModel(
    params={"tau": 5.0, "e_rev": 0.0},
    variables={"g": 0.0},
    update=_conductance_update,
    reads=("v",),
)
"""I = g (e_rev - V), tau dg/dt = -g, g <- g + w for an arriving spike of weight w (uS).

tau in ms; the reversal potential e_rev and V in mV. The current of a step is that of the mean of g
over the step and of V at its start, which is first order in dt (GeNN's "ExpCond" takes g at the
start too). A neuron model with `inputs` can integrate its conductances better.
"""


def _graded_sends(p: Values, pre: Values) -> jax.Array:
    return jnp.maximum(jnp.tanh((pre["v"] - p["v_thresh"]) / p["v_slope"]), 0)


GRADED = SynapseModel(
    params={"v_thresh": -40.0, "v_slope": 10.0},
    variables={},
    update=_delta_update,
    sends=_graded_sends,
)
"""I = sum over presynaptic neurons of w max(0, tanh((V_pre - v_thresh) / v_slope)), in every step.

Analog transmission without spikes (GeNN's "StaticGraded", there times dt); w in nA, v_* in mV, each
a scalar.
"""
