"""A stand-in for the library's neuron with exponential synaptic currents."""

import jax.numpy as jnp

import jsnn


def update(p, x, arriving, dt):
    i_e, i_i = x["i_e"] + arriving["excitatory"], x["i_i"] + arriving["inhibitory"]
    decay_m, decay_e, decay_i = (jnp.exp(-dt / p[t]) for t in ("tau_m", "tau_syn_e", "tau_syn_i"))
    k_e = p["r_m"] * p["tau_syn_e"] / (p["tau_syn_e"] - p["tau_m"]) * (decay_e - decay_m)
    k_i = p["r_m"] * p["tau_syn_i"] / (p["tau_syn_i"] - p["tau_m"]) * (decay_i - decay_m)
    v_inf = p["v_rest"] + p["r_m"] * (arriving["current"] + p["i_offset"])
    v = v_inf + (x["v"] - v_inf) * decay_m + k_e * i_e + k_i * i_i
    left = jnp.round(x["refractory"] * (1 / dt))
    return {
        "v": jnp.where(left > 0, x["v"], v),
        "refractory": jnp.maximum(left - 1, 0) * dt,
        "i_e": i_e * decay_e,
        "i_i": i_i * decay_i,
    }


LIF_CURR_EXP = jsnn.NeuronModel(
    params={
        "tau_m": 20.0,
        "r_m": 20.0,
        "v_rest": -65.0,
        "v_reset": -65.0,
        "v_thresh": -50.0,
        "i_offset": 0.0,
        "tau_refrac": 2.0,
        "tau_syn_e": 5.0,
        "tau_syn_i": 5.0,
    },
    variables={"v": -65.0, "refractory": 0.0, "i_e": 0.0, "i_i": 0.0},
    update=update,
    threshold=lambda p, x: jnp.where(x["refractory"] > 0, -jnp.inf, x["v"] - p["v_thresh"]),
    reset=lambda p, x: x | {"v": p["v_reset"], "refractory": p["tau_refrac"]},
    inputs=("current", "excitatory", "inhibitory"),
)
