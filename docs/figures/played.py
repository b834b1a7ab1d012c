"""Neurons that show what the figures need: a course that is played to them, or their input."""

import dataclasses

import jsnn

PLAYED = jsnn.NeuronModel(
    name="PLAYED",
    description="Neuron whose spikes, voltage and error are played to it, whatever arrives.",
    params={},
    variables={"spike": 0.0, "v": -70.0, "error": 0.0, "adaptation": 0.0},
    inputs=("current", "spike", "v", "error"),
    update=lambda p, x, given, dt: x | {name: given[name] for name in ("spike", "v", "error")},
    threshold=lambda p, x: x["spike"] - 0.5,
)


def _update_membrane(p, x, current, dt):
    return jsnn.LEAKY_INTEGRATOR.update(p, x, current, dt) | {"current": current}


MEMBRANE = dataclasses.replace(
    jsnn.LEAKY_INTEGRATOR,
    variables={**jsnn.LEAKY_INTEGRATOR.variables, "current": 0.0},
    update=_update_membrane,
)
"""A passive membrane that also shows its input current."""
