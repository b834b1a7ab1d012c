"""Spiking neurons of NIR as programs step them: the threshold is checked at the end of a step."""

import jax

from jsnn.models import NeuronModel
from jsnn.models.model import Values
from jsnn.models.rounding import product
from jsnn.nir.neurons import coefficients
from jsnn.nir.neurons.firing import (
    FIRING_PARAMS,
    by_height,
    height,
    threshold,
    threshold_of_step_before,
    threshold_reached,
    to_v_reset,
)
from jsnn.nir.neurons.membranes import (
    BY_DECAY,
    BY_EULER,
    CURRENT_BY_EULER,
    CURRENT_PARAMS,
    INTEGRATOR_PARAMS,
    MEMBRANE_PARAMS,
    integrate,
    relax,
    relax_with_current,
    step_of_euler,
)

_TO_RESET = "V > v_threshold after the step: spike, V <- v_reset"
_BY_SUBTRACTION = "V >= v_threshold after the step: spike, V <- V - (v_threshold - v_reset)"
_ONE_STEP_LATE = """V > v_threshold before the step: spike in this step, in which
        V falls by v_threshold - v_reset"""

_IF_PARAMS = {**INTEGRATOR_PARAMS, **FIRING_PARAMS}
_LIF_PARAMS = {**MEMBRANE_PARAMS, **FIRING_PARAMS}
_CUBA_LIF_PARAMS = {**CURRENT_PARAMS, **FIRING_PARAMS}


def _described(step: str, reset: str) -> str:
    return f"""Neuron of NIR that spikes at the end of a step.

        {step}
        {reset}
    """


IF_BY_TIME = NeuronModel(
    name="IF_BY_TIME",
    description=_described("dV/dt = r I, I constant within the step", _TO_RESET),
    params=_IF_PARAMS,
    variables={"v": 0.0},
    update=integrate,
    threshold=threshold,
    reset=to_v_reset,
    derived=coefficients.of_time,
    margin_unit=height,
)
IF_BY_STEPS = NeuronModel(
    name="IF_BY_STEPS",
    description=_described("V <- V + r I in each step, r as in NIR, with no dt", _TO_RESET),
    params=_IF_PARAMS,
    variables={"v": 0.0},
    update=integrate,
    threshold=threshold,
    reset=to_v_reset,
    derived=coefficients.of_steps,
    margin_unit=height,
)
IF_SUBTRACTING = NeuronModel(
    name="IF_SUBTRACTING",
    description=_described("V <- V + r I in each step, r as in NIR, with no dt", _BY_SUBTRACTION),
    params=_IF_PARAMS,
    variables={"v": 0.0},
    update=integrate,
    threshold=threshold_reached,
    reset=by_height,
    derived=coefficients.of_steps,
    margin_unit=height,
)
LIF_END_OF_STEP = NeuronModel(
    name="LIF_END_OF_STEP",
    description=_described(
        "τ dV/dt = v_leak - V + r I, solved exactly for an I that is constant within the step",
        _TO_RESET,
    ),
    params=_LIF_PARAMS,
    variables={"v": 0.0},
    update=relax,
    threshold=threshold,
    reset=to_v_reset,
    derived=coefficients.exact,
    margin_unit=height,
)
LIF_EULER = NeuronModel(
    name="LIF_EULER",
    description=_described(BY_EULER, _TO_RESET),
    params=_LIF_PARAMS,
    variables={"v": 0.0},
    update=relax,
    threshold=threshold,
    reset=to_v_reset,
    derived=coefficients.euler,
    margin_unit=height,
)
LIF_SUBTRACTING = NeuronModel(
    name="LIF_SUBTRACTING",
    description=_described(BY_DECAY, _BY_SUBTRACTION),
    params=_LIF_PARAMS,
    variables={"v": 0.0},
    update=relax,
    threshold=threshold_reached,
    reset=by_height,
    derived=coefficients.decaying,
    margin_unit=height,
)
CUBA_LIF_END_OF_STEP = NeuronModel(
    name="CUBA_LIF_END_OF_STEP",
    description=_described(
        """τ_syn dI/dt = -I + w_in S and τ_mem dV/dt = v_leak - V + r I, solved exactly for an S
        that is constant within the step""",
        _TO_RESET,
    ),
    params=_CUBA_LIF_PARAMS,
    variables={"v": 0.0, "i": 0.0},
    update=relax_with_current,
    threshold=threshold,
    reset=to_v_reset,
    derived=coefficients.exact_with_current,
    margin_unit=height,
)
CUBA_LIF_EULER = NeuronModel(
    name="CUBA_LIF_EULER",
    description=_described(CURRENT_BY_EULER, _TO_RESET),
    params=_CUBA_LIF_PARAMS,
    variables={"v": 0.0, "i": 0.0},
    update=step_of_euler,
    threshold=threshold,
    reset=to_v_reset,
    derived=coefficients.euler_with_current,
    margin_unit=height,
)


def _with_late_reset(p: Values, before: Values, after: Values) -> Values:
    """Let V fall if it was above the threshold before the step."""
    fall = p["v_threshold"] - p["v_reset"]
    spikes = (before["v"] > p["v_threshold"]).astype(before["v"].dtype)
    return after | {"v": after["v"] - product(spikes, fall), "v_before": before["v"]}


def _late_if_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return _with_late_reset(p, x, integrate(p, x, current, dt))


def _late_lif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return _with_late_reset(p, x, relax(p, x, current, dt))


def _late_cuba_lif_update(p: Values, x: Values, signal: jax.Array, dt: jax.Array) -> Values:
    fallen = _with_late_reset(p, x, x)
    return step_of_euler(p, fallen, signal, dt)


IF_LATE = NeuronModel(
    name="IF_LATE",
    description=_described("V <- V + r I in each step, r as in NIR, with no dt", _ONE_STEP_LATE),
    params=_IF_PARAMS,
    variables={"v": 0.0, "v_before": 0.0},
    update=_late_if_update,
    threshold=threshold_of_step_before,
    derived=coefficients.of_steps,
    margin_unit=height,
)
LIF_LATE = NeuronModel(
    name="LIF_LATE",
    description=_described(BY_EULER, _ONE_STEP_LATE),
    params=_LIF_PARAMS,
    variables={"v": 0.0, "v_before": 0.0},
    update=_late_lif_update,
    threshold=threshold_of_step_before,
    derived=coefficients.euler,
    margin_unit=height,
)
CUBA_LIF_LATE = NeuronModel(
    name="CUBA_LIF_LATE",
    description=_described(CURRENT_BY_EULER, f"{_ONE_STEP_LATE}, before it decays"),
    params=_CUBA_LIF_PARAMS,
    variables={"v": 0.0, "i": 0.0, "v_before": 0.0},
    update=_late_cuba_lif_update,
    threshold=threshold_of_step_before,
    derived=coefficients.euler_with_current,
    margin_unit=height,
)
