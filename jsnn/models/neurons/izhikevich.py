"""Izhikevich's neuron: two equations and four parameters for the firing patterns of the cortex."""

import jax
import jax.numpy as jnp

from jsnn.models.integrators import euler
from jsnn.models.model import Values
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

_PEAK = 30.0
_PEAK_GENN = 29.99
_REGULAR_SPIKING = {
    "a": Quantity(0.02, "1/ms"),
    "b": 0.2,
    "c": Quantity(-65.0, "mV", below=_PEAK_GENN),
    "d": Quantity(8.0, "mV/ms"),
}
_RESET_OF_REGULAR_SPIKING = {"v": Quantity(-65.0, "mV"), "u": Quantity(-13.0, "mV/ms")}
_LOWEST = -80.0
"""The lowest potential (mV) at which a step has to be stable: cells hardly go below."""


def _v_rate(v: jax.Array, u: jax.Array, current: jax.Array) -> jax.Array:
    return product(0.04 * v, v) + product(5, v) + 140 - u + current


def _update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    def derivative(x: Values) -> Values:
        v, u = x["v"], x["u"]
        return {"v": _v_rate(v, u, current), "u": product(p["a"], product(p["b"], v) - u)}

    return euler(derivative, x, dt)


def _max_dt(p: Values) -> jax.Array:
    """Return the stability limit of forward Euler for v by itself, at -80 mV, and for u."""
    return jnp.minimum(2 / abs(0.08 * _LOWEST + 5), 2 / jnp.abs(p["a"]))


def _threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - _PEAK


def _reset(p: Values, x: Values) -> Values:
    return {"v": p["c"], "u": x["u"] + p["d"]}


def _margin_unit(p: Values) -> jax.Array:
    return _PEAK - p["c"]


IZHIKEVICH = NeuronModel(
    name="IZHIKEVICH",
    description="""Izhikevich's simple neuron, forward Euler (order 1).

        dv/dt = 0.04 v² + 5 v + 140 - u + I
        du/dt = a (b v - u)
        v >= 30: spike, v <- c, u <- u + d

    I is dimensionless, time is in ms and v reads as mV. Both right-hand sides use the old values;
    `max_dt` is the stability limit at -80 mV. The defaults are the regular spiking neuron; a, b,
    c, d may each be one number or one per neuron. v and u start at c and b c of the defaults: give
    `initial` if c or b differ. Izhikevich 2003, "Simple model of spiking neurons", IEEE Trans.
    Neural Networks 14, 1569-1572.
    """,
    params=_REGULAR_SPIKING,
    variables=_RESET_OF_REGULAR_SPIKING,
    update=_update,
    threshold=_threshold,
    reset=_reset,
    margin_unit=_margin_unit,
    max_dt=_max_dt,
)


def _genn_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    at_peak = x["v"] >= _PEAK
    v = jnp.where(at_peak, p["c"], x["v"])
    u = jnp.where(at_peak, x["u"] + p["d"], x["u"])
    v = v + product(0.5 * dt, _v_rate(v, u, current))
    v = v + product(0.5 * dt, _v_rate(v, u, current))
    u = u + product(product(p["a"], dt), product(p["b"], v) - u)
    return {"v": jnp.minimum(v, _PEAK), "u": u}


def _genn_max_dt(p: Values) -> jax.Array:
    """Return the stability limit of two half steps of v, and of u."""
    return jnp.minimum(4 / abs(0.08 * _LOWEST + 5), 2 / jnp.abs(p["a"]))


def _genn_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - _PEAK_GENN


IZHIKEVICH_GENN = NeuronModel(
    name="IZHIKEVICH_GENN",
    description="""Izhikevich's neuron in the steps of his published script (GeNN's "Izhikevich").

    Equations, parameters and source are those of `IZHIKEVICH`. A step of dt does, in this order:

        if v >= 30: v <- c, u <- u + d
        v <- v + dt/2 dv/dt, twice, with the old u
        u <- u + dt du/dt, with the new v
        v <- min(v, 30)

    A neuron spikes if v >= 29.99, so a recording of v shows the peak; v is reset in the step
    after. Clipping v makes the gradient of a spike itself 0: train with `IZHIKEVICH`.
    """,
    params=_REGULAR_SPIKING,
    variables=_RESET_OF_REGULAR_SPIKING,
    update=_genn_update,
    threshold=_genn_threshold,
    max_dt=_genn_max_dt,
)
