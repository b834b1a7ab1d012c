"""Triplet STDP: potentiation that grows with the firing rate."""

from typing import Any

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import BOUNDS, NOT_NEGATED, WEIGHT_BOUNDS
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import bounded
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _decay_pre(p: Values, r: Values, dt: Any) -> Values:
    return {
        "r1": product(r["r1"], decay(p["tau_plus"], dt)),
        "r2": product(r["r2"], decay(p["tau_x"], dt)),
    }


def _decay_post(p: Values, o: Values, dt: Any) -> Values:
    return {
        "o1": product(o["o1"], decay(p["tau_minus"], dt)),
        "o2": product(o["o2"], decay(p["tau_y"], dt)),
    }


def _count(p: Values, traces: Values) -> Values:
    return {name: trace + 1 for name, trace in traces.items()}


def _on_pre(p: Values, s: Values, r: Values, o: Values) -> Values:
    change = product(o["o1"], p["a2_minus"] + product(p["a3_minus"], r["r2"]))
    return s | {"weight": bounded(p, s["weight"] - change)}


def _on_post(p: Values, s: Values, r: Values, o: Values) -> Values:
    change = product(r["r1"] + r["spike"], p["a2_plus"] + product(p["a3_plus"], o["o2"]))
    return s | {"weight": bounded(p, s["weight"] + change)}


TRIPLET_STDP = PlasticityModel(
    name="TRIPLET_STDP",
    description="""Triplet STDP, all-to-all.

        τ+ dr1/dt = -r1,  τx dr2/dt = -r2;   r1, r2 <- r1 + 1, r2 + 1 at a presynaptic spike
        τ- do1/dt = -o1,  τy do2/dt = -o2;   o1, o2 <- o1 + 1, o2 + 1 at a postsynaptic spike

        at a presynaptic spike   w <- w - o1 (a2- + a3- r2)
        at a postsynaptic spike  w <- w + r1 (a2+ + a3+ o2)

    r2 and o2 are the values just before the spike itself. A pair within one step counts as pre
    before post: r1 has this step's spike when the postsynaptic spike is counted, o1 has not. a*,
    w_min and w_max are in the unit of the weights. Pfister & Gerstner 2006, J. Neurosci. 26,
    9673-9682; the defaults are their fit to visual cortex (all-to-all, full model), for changes
    relative to the initial weight.
    """,
    params={
        "a2_plus": Quantity(5e-10, at_least=0),
        "a3_plus": Quantity(6.2e-3, at_least=0),
        "a2_minus": Quantity(7e-3, at_least=0, note=NOT_NEGATED),
        "a3_minus": Quantity(2.3e-4, at_least=0, note=NOT_NEGATED),
        "tau_plus": Quantity(16.8, "ms", above=0),
        "tau_x": Quantity(101.0, "ms", above=0),
        "tau_minus": Quantity(33.7, "ms", above=0),
        "tau_y": Quantity(125.0, "ms", above=0),
        **BOUNDS,
    },
    variables={},
    pre={"r1": 0.0, "r2": 0.0},
    post={"o1": 0.0, "o2": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=_decay_pre,
    update_post=_decay_post,
    spike_pre=_count,
    spike_post=_count,
    weight_bounds=WEIGHT_BOUNDS,
)
