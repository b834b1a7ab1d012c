"""Shot noise: currents of Poisson spikes through synapses."""

import jax
import jax.numpy as jnp

from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.exponential import decay, mean_exp
from jsnn.models.model import Values
from jsnn.models.poisson import poisson
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _poisson_exponential(
    p: Values, x: Values, key: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    count = poisson(key, product(p["rate"], product(dt, 1e-3)))
    i_syn = x["i_syn"] + product(p["weight"], count)
    mean = mean_exp(jnp.zeros_like(i_syn), -product(dt, 1 / p["tau"]))
    return {"i_syn": product(i_syn, decay(p["tau"], dt))}, product(i_syn, mean)


POISSON_EXPONENTIAL = CurrentSourceModel(
    name="POISSON_EXPONENTIAL",
    description="""Poisson spikes through an exponential synapse (GeNN's "PoissonExp").

        τ di/dt = -i,   i <- i + weight k at the start of each step,   k ~ Poisson(rate dt)

    Every neuron has spikes of its own, drawn as in `POISSON_INPUT`. The current of a step is the
    mean of i over the step, i τ (1 - exp(-dt/τ)) / dt, as in `EXPONENTIAL`, so a spike delivers the
    charge weight τ for any dt. In the long run i has the mean weight rate τ and, for dt well below
    τ, the variance weight² rate τ / 2 (Campbell 1909, Proc. Camb. Phil. Soc. 15, 117-136), with the
    rate in 1/ms. i is `i_syn` and starts at 0. No gradient reaches the rate.
    """,
    params={
        "rate": Quantity(10.0, "Hz", at_least=0),
        "weight": Quantity(1.0, "nA"),
        "tau": Quantity(5.0, "ms", above=0),
    },
    variables={"i_syn": Quantity(0.0, "nA")},
    current=_poisson_exponential,
)
