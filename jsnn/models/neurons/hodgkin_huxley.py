"""Hodgkin and Huxley's neuron with the channels of Traub and Miles."""

from functools import partial

import jax
import jax.numpy as jnp

from jsnn.models.integrators import exprel, rk4, substeps
from jsnn.models.model import Values
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity

_SUBSTEPS = 5
_STABLE_RK4 = 2.78  # |R(z)| <= 1 for -2.78 <= z <= 0


def _gate_rates(v: jax.Array) -> dict[str, tuple[jax.Array, jax.Array]]:
    """Return the opening and closing rates (1/ms) of each gate, v being V - V_T in mV."""
    return {
        "m": (1.28 / exprel((13 - v) / 4), 1.4 / exprel((v - 40) / 5)),
        "h": (0.128 * jnp.exp((17 - v) / 18), 4 * jax.nn.sigmoid((v - 40) / 5)),
        "n": (0.16 / exprel((15 - v) / 5), 0.5 * jnp.exp((10 - v) / 40)),
    }


def _update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    def derivative(x: Values) -> Values:
        v, m, h, n = x["v"], x["m"], x["h"], x["n"]
        i_na = p["g_na"] * m**3 * h * (v - p["e_na"])
        i_k = p["g_k"] * n**4 * (v - p["e_k"])
        i_leak = p["g_leak"] * (v - p["e_leak"])
        gates = {
            gate: opening * (1 - x[gate]) - closing * x[gate]
            for gate, (opening, closing) in _gate_rates(v - p["v_t"]).items()
        }
        return gates | {"v": (current - i_na - i_k - i_leak) / p["c_m"]}

    moved = substeps(partial(rk4, derivative), x, dt, _SUBSTEPS)
    return moved | {"was_above": x["v"] >= p["v_thresh"]}


def _threshold(p: Values, x: Values) -> jax.Array:
    return jnp.where(x["was_above"], -jnp.inf, x["v"] - p["v_thresh"])


def _max_dt(p: Values) -> jax.Array:
    fastest = (p["g_na"] + p["g_k"] + p["g_leak"]) / p["c_m"]
    return _SUBSTEPS * _STABLE_RK4 / fastest


def _margin_unit(p: Values) -> jax.Array:
    return jnp.abs(p["v_thresh"] - p["e_leak"])


HODGKIN_HUXLEY = NeuronModel(
    name="HODGKIN_HUXLEY",
    description="""Hodgkin-Huxley neuron of Traub and Miles, 5 Runge-Kutta steps a step (order 4).

        C dV/dt = I - g_Na m³ h (V - E_Na) - g_K n⁴ (V - E_K) - g_L (V - E_L)
        dx/dt = α_x (1 - x) - β_x x      for x = m, h, n, with v = V - V_T in

        α_m = 0.32 (13 - v) / (exp((13 - v)/4) - 1)     β_m = 0.28 (v - 40) / (exp((v - 40)/5) - 1)
        α_h = 0.128 exp((17 - v)/18)                    β_h = 4 / (exp((40 - v)/5) + 1)
        α_n = 0.032 (15 - v) / (exp((15 - v)/5) - 1)    β_n = 0.5 exp((10 - v)/40)

    C is `c_m` and V_T `v_t`; α and β are in 1/ms. V crossing v_thresh upwards is a spike, one for
    each action potential; nothing is reset. `was_above` says that V was above v_thresh at the end
    of the step before. `max_dt` is safe with every channel open. Traub & Miles 1991, "Neuronal
    Networks of the Hippocampus", Cambridge University Press. The defaults are those of GeNN's
    "TraubMiles"; Brian2's example COBAHH has v_t = -63.
    """,
    params={
        "c_m": Quantity(0.143, "nF", above=0),
        "g_leak": Quantity(0.02672, "uS", at_least=0),
        "e_leak": Quantity(-63.563, "mV"),
        "g_na": Quantity(7.15, "uS", at_least=0),
        "e_na": Quantity(50.0, "mV"),
        "g_k": Quantity(1.43, "uS", at_least=0),
        "e_k": Quantity(-95.0, "mV"),
        "v_t": Quantity(-65.0, "mV"),
        "v_thresh": Quantity(0.0, "mV"),
    },
    variables={
        "v": Quantity(-60.0, "mV"),
        "m": Quantity(0.0529324, at_least=0, at_most=1),
        "h": Quantity(0.3176767, at_least=0, at_most=1),
        "n": Quantity(0.5961207, at_least=0, at_most=1),
        "was_above": False,
    },
    update=_update,
    threshold=_threshold,
    margin_unit=_margin_unit,
    max_dt=_max_dt,
)
