"""Coefficients of a step of the membranes of NIR, for each way to integrate them.

A membrane goes on by V <- keep V + gain (v_leak + r I), and a current by I <- keep_syn I + gain_syn
w_in S. The functions here derive these numbers from the parameters; they are made once in a run.
"""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay, exp
from jsnn.models.integrators import exprel
from jsnn.models.model import Values
from jsnn.models.rounding import product


def steps_in(tau: jax.Array, dt: jax.Array) -> jax.Array:
    """Return dt/τ."""
    return product(dt, 1 / tau)


def approached(tau: jax.Array, time: jax.Array) -> jax.Array:
    """Return 1 - exp(-t/τ), the part of the way to its target that a membrane goes in a time."""
    in_tau = steps_in(tau, time)
    return product(in_tau, exprel(-in_tau))


def crossed(tau_syn: jax.Array, tau_mem: jax.Array, time: jax.Array) -> jax.Array:
    """Return V/r after a current that was 1 and decays flowed into a membrane at rest for a time.

    ∫ exp(-(t - s)/τ_mem) exp(-s/τ_syn) ds / τ_mem for s from 0 to t, and any time constants.
    """
    in_mem, in_syn = steps_in(tau_mem, time), steps_in(tau_syn, time)
    return product(in_mem, product(exp(-in_syn), exprel(in_syn - in_mem)))


def exact(p: Values, dt: jax.Array) -> Values:
    """Return the coefficients of τ dV/dt = v_leak - V + r I for a constant I."""
    return {"keep": decay(p["tau"], dt), "gain": approached(p["tau"], dt)}


def euler(p: Values, dt: jax.Array) -> Values:
    """Return the coefficients of the forward Euler method."""
    gain = steps_in(p["tau"], dt)
    return {"keep": 1 - gain, "gain": gain}


def decaying(p: Values, dt: jax.Array) -> Values:
    """Return the coefficients of a membrane that decays exactly and takes its input by Euler."""
    return {"keep": decay(p["tau"], dt), "gain": steps_in(p["tau"], dt)}


def of_time(p: Values, dt: jax.Array) -> Values:
    """Return the coefficient of dV/dt = r I."""
    return {"gain": product(p["r"], dt)}


def of_steps(p: Values, dt: jax.Array) -> Values:
    """Return the coefficient of an integrator that counts steps and not time, V <- V + r I.

    The parameter r is 1/1000 of that of NIR, which is per second.
    """
    return {"gain": product(p["r"], jnp.asarray(1000, dt.dtype))}


def exact_with_current(p: Values, dt: jax.Array) -> Values:
    """Return the coefficients of both equations of a membrane with a current, for a constant S."""
    return {
        "keep": decay(p["tau_mem"], dt),
        "gain": approached(p["tau_mem"], dt),
        "keep_syn": decay(p["tau_syn"], dt),
        "gain_syn": approached(p["tau_syn"], dt),
        "cross": crossed(p["tau_syn"], p["tau_mem"], dt),
    }


def euler_with_current(p: Values, dt: jax.Array) -> Values:
    """Return the coefficients of both equations by the Euler method."""
    gain, gain_syn = steps_in(p["tau_mem"], dt), steps_in(p["tau_syn"], dt)
    return {"keep": 1 - gain, "gain": gain, "keep_syn": 1 - gain_syn, "gain_syn": gain_syn}


def remaining(tau: jax.Array, time: jax.Array) -> jax.Array:
    """Return exp(-t/τ) for a time of each neuron."""
    return exp(-steps_in(tau, time))
