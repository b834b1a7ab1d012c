"""Synapse models: the effect of arriving spikes on the input of the postsynaptic population."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Model, Sampler, Values, checked_draws, names_of
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

Update = Callable[[Values, Values, jax.Array, Values, jax.Array], tuple[Values, jax.Array]]


@dataclass(frozen=True, repr=False)
class SynapseModel(Model):
    """The postsynaptic side of a projection, as one function over its N postsynaptic neurons.

    Attributes:
      params: parameters, {name: default or `jsnn.Quantity`}. A projection may give each a scalar or
        one value per postsynaptic neuron; the function sees `[N]`.
      variables: variables with their initial values, {name: default or `jsnn.Quantity`}; the
        function sees `[N]`.
      update: (params, variables, arriving [N], post, dt in ms) -> (new variables, input [N]).
        `arriving` is the sum of the weights of the spikes that arrive in this step. `post` holds
        the variables of the postsynaptic neurons that the model `reads`, as they were after the
        step before. The input is a current in nA, or in the unit that the neuron model takes.
        In `sends`, `event` and `sends_each`, `pre` holds the variables of the presynaptic neurons
        after the step and their "spike", 0 or 1, and parameters have the shapes that the projection
        gives them. In `sends_each`, a parameter with one value per postsynaptic neuron broadcasts
        with the weights, as `post` does.
      reads: names of variables of the postsynaptic neurons, such as ("v",).
      sends: None for spikes. Otherwise (params, pre) -> [pre], a number that each presynaptic
        neuron sends in every step in place of a spike, to be multiplied by the weight.
      event: None for spikes. Otherwise (params, pre) -> margin [pre]: a neuron sends an event in
        place of a spike in every step in which its margin is >= 0. Events are delivered like
        spikes, and a learning rule of the projection takes them for the presynaptic spikes.
      sends_each: None, or (params, weight, pre, post) -> a number that each synapse sends in every
        step in place of its weight at a spike. The arrays broadcast with the weights; `post` holds
        the variables of the postsynaptic neurons and their "spike".
      draws: (name, sampler) for random numbers [N] that are new in every step; `update` finds them
        among the parameters.
      name: for messages and summaries.
      description: equations, units and source.
    """

    update: Update
    reads: Sequence[str] = ()
    sends: Callable[[Values, Values], jax.Array] | None = None
    event: Callable[[Values, Values], jax.Array] | None = None
    sends_each: Callable[[Values, jax.Array, Values, Values], jax.Array] | None = None
    draws: Sequence[tuple[str, Sampler]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "reads", names_of(self.reads, "SynapseModel, reads"))
        object.__setattr__(self, "draws", checked_draws(self.draws, self.params, "SynapseModel"))
        given = [name for name in _SENDING if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"SynapseModel: given {' and '.join(given)}; expected one of {', '.join(_SENDING)}"
            )
        for name in given:
            if not callable(getattr(self, name)):
                raise TypeError(
                    f"SynapseModel, {name}: given {getattr(self, name)!r}; expected a function"
                )

    @property
    def sends_spikes(self) -> bool:
        """True if spikes are sent, and not events or numbers."""
        return all(getattr(self, name) is None for name in _SENDING)

    @property
    def sends_numbers(self) -> bool:
        """True if numbers are sent in every step, by each neuron or each synapse."""
        return self.sends is not None or self.sends_each is not None


_SENDING = ("sends", "event", "sends_each")
"""The functions that say what is sent in place of spikes."""


def _delta_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, arriving


DELTA = SynapseModel(
    name="DELTA",
    description="""Delta synapse: I is the sum of the weights that arrive, in the step of arrival.

    The weight is a current in nA (GeNN's "DeltaCurr").
    """,
    params={},
    variables={},
    update=_delta_update,
)


def _exponential_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    i_syn = x["i_syn"] + arriving
    after = {"i_syn": product(i_syn, decay(p["tau"], dt))}
    return after, product(i_syn, _mean_decay(p["tau"], dt))


def _mean_decay(tau: jax.Array, dt: jax.Array) -> jax.Array:
    """Return the mean of exp(-t/τ) over a step."""
    return product(product(tau, 1 - decay(tau, dt)), 1 / dt)


EXPONENTIAL = SynapseModel(
    name="EXPONENTIAL",
    description="""Exponentially decaying current.

        τ di/dt = -i,   i <- i + w for an arriving spike of weight w (nA)

    The current of a step is the mean of i over the step, i τ (1 - exp(-dt/τ)) / dt, so a spike
    delivers the charge w τ for any dt (GeNN's "ExpCurr").
    """,
    params={"tau": Quantity(5.0, "ms", above=0)},
    variables={"i_syn": Quantity(0.0, "nA")},
    update=_exponential_update,
)


def _alpha_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    in_tau, left = product(dt, 1 / p["tau"]), decay(p["tau"], dt)
    rise = x["rise"] + arriving
    left_of_rise = product(math.e, 1 - product(left, 1 + in_tau))
    charge = product(x["i_syn"], 1 - left) + product(rise, left_of_rise)
    i_syn = x["i_syn"] + product(rise, product(math.e, in_tau))
    after = {"rise": product(rise, left), "i_syn": product(i_syn, left)}
    return after, product(charge, product(p["tau"], 1 / dt))


ALPHA = SynapseModel(
    name="ALPHA",
    description="""Alpha function: a current that peaks with the weight after a time τ.

        i(t) = w t/τ exp(1 - t/τ) after a spike of weight w (nA)
        τ di/dt = -i + e h,   τ dh/dt = -h,   h <- h + w for an arriving spike

    h is `rise`. Integrated exactly (Rotter & Diesmann 1999, Biol. Cybern. 81, 381-402). The current
    of a step is the mean of i over the step, so a spike delivers the charge e w τ for any dt.
    """,
    params={"tau": Quantity(5.0, "ms", above=0)},
    variables={"rise": Quantity(0.0, "nA"), "i_syn": Quantity(0.0, "nA")},
    update=_alpha_update,
)


def _conductance_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    g = x["g"] + arriving
    mean = product(g, _mean_decay(p["tau"], dt))
    return {"g": product(g, decay(p["tau"], dt))}, product(mean, p["e_rev"] - post["v"])


CONDUCTANCE = SynapseModel(
    name="CONDUCTANCE",
    description="""Exponentially decaying conductance with a reversal potential.

        I = g (e_rev - V),   τ dg/dt = -g,   g <- g + w for an arriving spike of weight w (uS)

    The current of a step uses the mean of g over the step and V at its start, which is first order
    in dt (GeNN's "ExpCond" uses g at the start too). A neuron model with `inputs` can integrate its
    conductances better.
    """,
    params={"tau": Quantity(5.0, "ms", above=0), "e_rev": Quantity(0.0, "mV")},
    variables={"g": Quantity(0.0, "uS", at_least=0)},
    update=_conductance_update,
    reads=("v",),
)


def _graded_sends(p: Values, pre: Values) -> jax.Array:
    return jnp.maximum(jnp.tanh(product(pre["v"] - p["v_thresh"], 1 / p["v_slope"])), 0)


GRADED = SynapseModel(
    name="GRADED",
    description="""Graded transmission without spikes, in every step.

        I = Σ w max(0, tanh((V_pre - v_thresh) / v_slope)) over the presynaptic neurons

    w is in nA and the parameters are scalars (GeNN's "StaticGraded", which multiplies by dt).
    """,
    params={"v_thresh": Quantity(-40.0, "mV"), "v_slope": Quantity(10.0, "mV", above=0)},
    variables={},
    update=_delta_update,
    sends=_graded_sends,
)


def _gap_junction(p: Values, weight: jax.Array, pre: Values, post: Values) -> jax.Array:
    return product(weight, pre["v"] - post["v"])


GAP_JUNCTION = SynapseModel(
    name="GAP_JUNCTION",
    description="""Electrical synapse without spikes, in every step.

        I = Σ w (V_pre - V_post) over the presynaptic neurons

    w is a conductance in uS. With a delay of 1, the voltages are those at the start of the step in
    which the current flows. For a junction that conducts both ways, give both pairs of neurons.
    """,
    params={},
    variables={},
    update=_delta_update,
    sends_each=_gap_junction,
)
