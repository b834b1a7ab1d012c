"""Integrators: one time step of a differential equation, for neuron models.

An equation is a function from all variables to the derivatives of those that change, in 1/ms:
`derivative(x) -> {name: dx/dt}`. Variables without a derivative stay as they are. With the inputs
bound by a closure, an equation becomes a model's `update` in one line:

    def update(p, x, current, dt):
        def derivative(x):
            return {"v": (p["r_m"] * current - x["v"]) * (1 / p["tau_m"])}

        return rk4(derivative, x, dt)

XLA turns `x / p` into `x * (1 / p)` if p is the same for all rows of a batch, which rounds
differently. An equation that says `1 / p` itself gives a batch the bits of one run.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jsnn.models.rounding import product

Variables = dict[str, jax.Array]
Derivative = Callable[[Variables], Variables]


def euler(derivative: Derivative, x: Variables, dt: jax.Array) -> Variables:
    """Take one step of the forward Euler method, of order 1.

    The step is x <- x + dt f(x), with every right-hand side from the old values.
    """
    return _moved(x, derivative(x), dt)


def exponential_euler(derivative: Derivative, x: Variables, dt: jax.Array) -> Variables:
    """Take one step of the exponential Euler method, of order 1, for each variable by itself.

        x <- x + dt f(x) (exp(z) - 1) / z      with z = dt ∂f/∂x

    The step is exact for an equation that is linear in its own variable while the others are
    constant, and stable for any dt if the variable decays. ∂f/∂x is found by automatic
    differentiation; neurons must not depend on each other.
    """
    rates = derivative(x)

    def own_slope(name: str) -> jax.Array:
        def own_rate(value: jax.Array) -> jax.Array:
            return derivative(x | {name: value})[name]

        return jax.jvp(own_rate, (x[name],), (jnp.ones_like(x[name]),))[1]

    mean_rates = {name: product(rate, exprel(dt * own_slope(name))) for name, rate in rates.items()}
    return _moved(x, mean_rates, dt)


def rk4(derivative: Derivative, x: Variables, dt: jax.Array) -> Variables:
    """Take one step of the classical Runge-Kutta method, of order 4 with four evaluations."""
    k1 = derivative(x)
    k2 = derivative(_moved(x, k1, dt / 2))
    k3 = derivative(_moved(x, k2, dt / 2))
    k4 = derivative(_moved(x, k3, dt))
    sums = {name: k1[name] + 2 * (k2[name] + k3[name]) + k4[name] for name in k1}
    return _moved(x, {name: product(total, 1 / 6) for name, total in sums.items()}, dt)


def substeps(
    step: Callable[[Variables, jax.Array], Variables], x: Variables, dt: jax.Array, num: int
) -> Variables:
    """Divide a step into `num` steps of dt / num: x <- step(x, dt / num)."""
    return jax.lax.fori_loop(0, num, lambda _, x: step(x, dt / num), x)


def relax(x: jax.Array, target: jax.Array, left: jax.Array) -> jax.Array:
    """Solve τ dx/dt = target - x exactly over dt, for a constant target and left = exp(-dt/τ)."""
    return target + product(x - target, left)


def exprel(z: jax.Array) -> jax.Array:
    """Return (exp(z) - 1) / z, which is 1 at z = 0."""
    small = jnp.abs(z) < 1e-5
    divisor = jnp.where(small, 1, z)
    return jnp.where(small, 1 + z / 2 + product(z * z, 1 / 6), jnp.expm1(divisor) / divisor)


def _moved(x: Variables, rates: Variables, dt: jax.Array) -> Variables:
    return x | {name: x[name] + product(dt, rate) for name, rate in rates.items()}
