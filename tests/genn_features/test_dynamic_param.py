"""Port of GeNN's tests/features/test_dynamic_param.py: parameters that change in a run."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import F32, SHIFT

NEURON = jsnn.NeuronModel(
    params={"input": 0.0},
    variables={"x": 0.0, "shift": 0.0},
    update=lambda p, x, current, dt: x | {"x": p["t"] + x["shift"] + p["input"]},
    threshold=lambda p, x: jnp.full_like(x["x"], -1.0),
)
SOURCE = jsnn.CurrentSourceModel(
    params={"input": 0.0},
    variables={"x": 0.0, "shift": 0.0},
    current=lambda p, x, key, dt: (
        x | {"x": p["t"] + x["shift"] + p["input"]},
        jnp.zeros_like(x["x"]),
    ),
)
SYNAPSE = jsnn.SynapseModel(
    params={"input": 0.0},
    variables={"x": 0.0, "shift": 0.0},
    update=lambda p, x, arriving, post, dt: (
        x | {"x": p["t"] + x["shift"] + p["input"]},
        arriving,
    ),
)
RULE = jsnn.PlasticityModel(
    params={"input": 0.0},
    variables={"x": 0.0, "shift": 0.0},
    pre={},
    post={},
    each_step=lambda p, s, pre, post, dt: s | {"x": p["t"] + s["shift"] + p["input"]},
)


def variables(state: jsnn.State, spikes: Any) -> Any:
    projection = state.projections["pre_to_post"]
    assert projection.plasticity is not None
    return {
        "neuron": state.populations["pre"]["x"],
        "source": state.sources["source"]["x"],
        "synapse model": projection.synapse["x"],
        "rule": projection.plasticity.synapses["x"],
    }


@pytest.mark.parametrize("way", ["over time", "step by step"])
def test_parameters_of_all_models_change_in_every_step(way: str) -> None:
    """GeNN: test_dynamic_param.py, test_dynamic_param: x = t + shift + t^2."""
    shift = {"shift": SHIFT}
    synapses = jsnn.OneToOne(np.zeros(10, F32))
    network = jsnn.Network(
        [
            jsnn.Population("pre", 10, NEURON, initial=shift),
            jsnn.Population("post", 10, NEURON),
        ],
        [
            jsnn.Projection(
                *("pre", "post", synapses, SYNAPSE),
                initial=shift,
                plasticity=jsnn.Plasticity(RULE, initial=shift),
            )
        ],
        [jsnn.CurrentSource("source", "pre", SOURCE, initial=shift)],
    )
    t = np.arange(10, dtype=F32)

    def drive(value: Any) -> Any:
        of_projection = {"input": value, "plasticity": {"input": value}}
        return {"pre": {"input": value}, "source": {"input": value}, "pre_to_post": of_projection}

    if way == "over time":
        record = {"x": variables}
        x = jsnn.simulate(network, drive(jsnn.over_time(t**2)), 10, record=record)[1]["x"]
    else:
        state, steps = jsnn.init(network), []
        for now in t:
            state, _ = jsnn.step(network, state, drive(now**2))
            steps.append(variables(state, None))
        x = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
    for name in x:
        np.testing.assert_array_equal(x[name], t[:, None] + SHIFT + t[:, None] ** 2)
