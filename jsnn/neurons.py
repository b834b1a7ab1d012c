"""Neuron models: what one is, and the built-in ones.

Units: time in ms, potentials in mV, currents in nA, resistances in MOhm, unless a model says
otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, check_type
from jsnn.surrogate import Surrogate, superspike

Values = dict[str, jax.Array]
"""{name: array}: parameters or variables, as a model's functions see them."""


@dataclass(frozen=True)
class Model:
    """What neuron, synapse and source models have in common.

    Two models with the same functions and names are equal, whatever their default values: the
    values go into the network and are traced. Keep a model at module level; functions made anew
    are a new model, for which everything is compiled again.

    Attributes:
      params: default parameters, real and finite.
      variables: initial values, real and finite. A float becomes the network's dtype, an int
        int32, a bool bool.
      signature: each name with what is static about it: a parameter's rank, a variable's kind.
    """

    params: Mapping[str, Any] = field(compare=False)
    variables: Mapping[str, ArrayLike] = field(compare=False)
    signature: tuple[tuple[str, Any], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        what = type(self).__name__
        params = _defaults(self.params, f"{what}, parameter")
        variables = _defaults(self.variables, f"{what}, variable")
        ranks = sorted((name, array.ndim) for name, array in params.items())
        kinds = sorted((name, array.dtype.kind) for name, array in variables.items())
        object.__setattr__(self, "signature", (*ranks, *kinds))


def _defaults(values: Any, what: str) -> dict[str, np.ndarray]:
    check_type(values, Mapping, f"{what}s", " by name")
    arrays = {name: np.asarray(value) for name, value in values.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{what} {name!r}: given {values[name]!r}; expected a real number")
        check_finite(array, f"{what} {name!r}")
    return arrays


def _unchanged(params: Values, variables: Values) -> Values:
    return variables


@dataclass(frozen=True)
class NeuronModel(Model):
    """A neuron as plain functions over a whole population of N.

    In every step, with I the input current,

        x <- update(p, x, I, dt);    spike where threshold(p, x) >= 0;    there x <- reset(p, x)

    Attributes:
      params: default parameters, real numbers. A population may give each a scalar or one value
        per neuron; the functions see `[N]` in the network's dtype.
      variables: initial values. A float becomes the network's dtype, an int int32, a bool bool;
        a population may give each a scalar or one value per neuron; the functions see `[N]`.
      update: (params, variables, current [N] in nA, dt in ms) -> all variables, new.
      threshold: (params, variables) -> margin [N], a float: the neuron spikes where it is >= 0.
      reset: (params, variables) -> all variables, for the neurons that spiked.
      surrogate: margin -> pseudo-derivative of the spike, for gradients.
    """

    update: Callable[[Values, Values, jax.Array, jax.Array], Values]
    threshold: Callable[[Values, Values], jax.Array]
    reset: Callable[[Values, Values], Values] = _unchanged
    surrogate: Surrogate = superspike
    inputs: Any = ()
    draws: Any = ()
    max_dt: Any = None


def _if_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return x | {"v": x["v"] + current * dt}


def _if_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - p["v_thresh"]


def _if_reset(p: Values, x: Values) -> Values:
    return x | {"v": p["v_reset"]}


IF = NeuronModel(
    params={"v_thresh": 1.0, "v_reset": 0.0},
    variables={"v": 0.0},
    update=_if_update,
    threshold=_if_threshold,
    reset=_if_reset,
)
"""Integrate-and-fire without leak: V <- V + I dt; spike where V >= v_thresh; there V <- v_reset.

Dimensionless. The neuron of the tutorial "Spike-based machine learning with GeNN".
"""


def _lif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    v_inf = p["v_rest"] + p["r_m"] * (current + p["i_offset"])
    integrated = v_inf + (x["v"] - v_inf) * jnp.exp(-dt / p["tau_m"])
    refractory = x["refractory"] > 0
    return {
        "v": jnp.where(refractory, x["v"], integrated),
        "refractory": jnp.where(refractory, x["refractory"] - dt, x["refractory"]),
    }


def _lif_threshold(p: Values, x: Values) -> jax.Array:
    return jnp.where(x["refractory"] <= 0, x["v"] - p["v_thresh"], -jnp.inf)


def _lif_reset(p: Values, x: Values) -> Values:
    return {"v": p["v_reset"], "refractory": p["tau_refrac"]}


LIF = NeuronModel(
    params={
        "tau_m": 20.0,
        "r_m": 20.0,
        "v_rest": -70.0,
        "v_reset": -70.0,
        "v_thresh": -51.0,
        "i_offset": 0.0,
        "tau_refrac": 2.0,
    },
    variables={"v": -70.0, "refractory": 0.0},
    update=_lif_update,
    threshold=_lif_threshold,
    reset=_lif_reset,
)
"""Leaky integrate-and-fire with a refractory time, integrated exactly over a step.

    tau_m dV/dt = -(V - v_rest) + r_m (I + i_offset)      (I constant within the step)
    V >= v_thresh: spike, V <- v_reset, held there for tau_refrac

tau_m, tau_refrac in ms; v_* in mV; r_m in MOhm; i_offset in nA. The order of events is that of
GeNN's "LIF": `refractory` counts down in ms and while it is > 0 the neuron neither integrates
nor spikes. In float32 the countdown can end one step late (at dt 0.1, 5 ms are 51 steps), as in
GeNN. Exact integration: Rotter & Diesmann 1999, Biol. Cybern. 81, 381-402. V starts at
-70 mV; give `variables={"v": ...}` where v_rest differs.
"""


def _source_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"spike": current}


def _source_threshold(p: Values, x: Values) -> jax.Array:
    return x["spike"] - 0.5


SPIKE_SOURCE = NeuronModel(
    params={},
    variables={"spike": 0.0},
    update=_source_update,
    threshold=_source_threshold,
)
"""Neurons without dynamics that spike where their input is 1 and not where it is 0.

Their drive may be the spike trains themselves, bool [T, N].
"""
