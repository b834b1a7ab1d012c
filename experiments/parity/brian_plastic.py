"""Brian2's CUBA with plastic synapses, `experiments.balanced.plastic`."""

from typing import Any

import brian2 as b2

from experiments.balanced.network import DT, Definition, Edges
from experiments.balanced.plastic import HOMEOSTASIS, STDP, onto
from experiments.parity.brian import cuba_or_coba

_TRACES = """
w : 1
dx/dt = -x / tau_plus : 1 (event-driven)
dy/dt = -y / tau_minus : 1 (event-driven)
"""
_TIMES = ("tau_plus", "tau_minus", "tau_stdp")


def build(definition: Definition, delay: int) -> tuple[b2.Network, b2.SpikeMonitor]:
    """Return the network and a monitor of its spikes; traces are updated at spikes alone."""
    neurons = cuba_or_coba(definition)
    c = definition.constants

    def synapses(edges: Edges, weight: float, on_pre: str, **rule: Any) -> b2.Synapses:
        made = b2.Synapses(neurons, neurons, on_pre=on_pre, delay=delay * DT * b2.ms, **rule)
        made.connect(i=edges.pre, j=edges.post)
        if rule:
            made.w = weight
        else:
            made.namespace["w"] = weight
        return made

    def learning(params: dict[str, float], tau_plus: str, tau_minus: str) -> dict[str, Any]:
        in_ms = {k: v * b2.ms for k, v in params.items() if k in _TIMES}
        model = _TRACES.replace("tau_plus", tau_plus).replace("tau_minus", tau_minus)
        return {"model": model, "namespace": params | in_ms}

    stdp = synapses(
        onto(definition.excitatory, excitatory=True, definition=definition),
        c.w_e,
        "g_e_post += w; w = clip(w - a_minus * y, w_min, w_max); x += 1",
        on_post="w = clip(w + a_plus * x, w_min, w_max); y += 1",
        **learning(STDP, "tau_plus", "tau_minus"),
    )
    alpha = 2e-3 * HOMEOSTASIS["target_rate"] * HOMEOSTASIS["tau_stdp"]
    homeostasis = synapses(
        onto(definition.inhibitory, excitatory=True, definition=definition),
        c.w_i,
        "g_i_post += w; w = clip(w + eta * (y - alpha), w_min, w_max); x += 1",
        on_post="w = clip(w + eta * x, w_min, w_max); y += 1",
        **learning(HOMEOSTASIS | {"alpha": alpha}, "tau_stdp", "tau_stdp"),
    )
    static = [
        synapses(onto(edges, excitatory=False, definition=definition), weight, f"{g}_post += w")
        for edges, weight, g in (
            (definition.excitatory, c.w_e, "g_e"),
            (definition.inhibitory, c.w_i, "g_i"),
        )
    ]
    spikes = b2.SpikeMonitor(neurons)
    return b2.Network(neurons, stdp, homeostasis, *static, spikes), spikes
