"""Leaky integrate-and-fire neuron with a soma and a dendrite."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import exp, mean_exp
from jsnn.models.integrators import relax
from jsnn.models.model import Values
from jsnn.models.neurons.integrate_fire import lif_reset, lif_threshold, unless_refractory
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _derived(p: Values, dt: jax.Array) -> Values:
    """Return resistances, and the parts of potentials that are left after a step.

    The potentials relax by exp(M dt), with M = [[-out_s, in_s], [in_d, -out_d]] in 1/ms. With the
    real eigenvalues of M dt, `slow` and `fast`, this is exp(fast) + (M dt - fast) mean_exp(slow,
    fast). It is even in `root`, which needs no gradient where it is 0.
    """
    g_s, g_d, g_c = p["g_leak"], p["g_dendrite"], p["g_coupling"]
    in_s, in_d = product(g_c, 1 / p["c_m"]), product(g_c, 1 / p["c_dendrite"])
    out_s, out_d = product(g_s + g_c, 1 / p["c_m"]), product(g_d + g_c, 1 / p["c_dendrite"])
    half = product(0.5, out_s - out_d)
    square = product(half, half) + product(in_s, in_d)
    root = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
    middle = product(0.5, out_s + out_d)
    fast, slow = -product(dt, middle + root), -product(dt, middle - root)
    mixed = product(dt, mean_exp(slow, fast))
    resistance = 1 / (product(g_s, g_d) + product(g_c, g_s + g_d))
    return {
        "r_soma": product(g_d + g_c, resistance),
        "r_dendrite": product(g_s + g_c, resistance),
        "r_transfer": product(g_c, resistance),
        "left_soma": exp(fast) + product(root - half, mixed),
        "left_dendrite": exp(fast) + product(root + half, mixed),
        "to_soma": product(in_s, mixed),
        "to_dendrite": product(in_d, mixed),
        "r_clamped": 1 / (g_d + g_c),
        "left_clamped": exp(-product(dt, out_d)),
    }


def _update(p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
    into_soma, into_dendrite = arriving["current"], arriving["dendrite"]
    transfer = p["r_transfer"]
    soma = product(p["r_soma"], into_soma) + product(transfer, into_dendrite)
    dendrite = product(p["r_dendrite"], into_dendrite) + product(transfer, into_soma)
    of_soma = x["v"] - p["e_leak"] - soma
    of_dendrite = x["v_dendrite"] - p["e_leak"] - dendrite
    left_s = product(p["left_soma"], of_soma) + product(p["to_soma"], of_dendrite)
    left_d = product(p["to_dendrite"], of_soma) + product(p["left_dendrite"], of_dendrite)

    from_soma = product(p["g_coupling"], x["v"] - p["e_leak"])
    clamped = p["e_leak"] + product(p["r_clamped"], from_soma + into_dendrite)
    beside_clamped = relax(x["v_dendrite"], clamped, p["left_clamped"])
    is_held = jnp.round(x["refractory"] * (1 / dt)) > 0
    free = p["e_leak"] + (dendrite + left_d)
    after = {"v_dendrite": jnp.where(is_held, beside_clamped, free)}
    return unless_refractory(x, p["e_leak"] + (soma + left_s), dt) | after


def _margin_unit(p: Values) -> jax.Array:
    return p["v_thresh"] - p["v_reset"]


LIF_TWO_COMPARTMENTS = NeuronModel(
    name="LIF_TWO_COMPARTMENTS",
    description="""Leaky integrate-and-fire neuron with a passive dendrite.

        C dV/dt    = -g (V - E) + g_c (V_d - V) + I
        C_d dV_d/dt = -g_d (V_d - E) + g_c (V - V_d) + I_d      (I and I_d constant in the step)
        V >= v_thresh: spike, V <- v_reset, held there for tau_refrac; V_d moves on

    C is `c_m`, g `g_leak`, E `e_leak`, C_d `c_dendrite`, g_d `g_dendrite`, g_c `g_coupling` and V_d
    `v_dendrite`. The inputs are "current", I, into the soma, and "dendrite", I_d, both in nA. A
    spike does not reset the dendrite, which then charges the soma again: Rospars & Lansky 1993,
    Biol. Cybern. 69, 283-294. While V is held the dendrite sees it as a voltage clamp. Both
    potentials are integrated exactly for any dt. The refractory time is that of `LIF`.
    """,
    params={
        "c_m": Quantity(0.1, "nF", above=0),
        "g_leak": Quantity(0.005, "uS", above=0),
        "e_leak": Quantity(-70.0, "mV"),
        "c_dendrite": Quantity(0.2, "nF", above=0),
        "g_dendrite": Quantity(0.01, "uS", above=0),
        "g_coupling": Quantity(0.01, "uS", at_least=0),
        "v_reset": Quantity(-70.0, "mV", below="v_thresh"),
        "v_thresh": Quantity(-50.0, "mV"),
        "tau_refrac": Quantity(2.0, "ms", at_least=0),
    },
    variables={
        "v": Quantity(-70.0, "mV"),
        "v_dendrite": Quantity(-70.0, "mV"),
        "refractory": Quantity(0.0, "ms", at_least=0),
    },
    update=_update,
    threshold=lif_threshold,
    reset=lif_reset,
    margin_unit=_margin_unit,
    inputs=("current", "dendrite"),
    derived=_derived,
)
