"""Ports of GeNN's test_model_lifecycle.py and test_cuda_interface.py: models end, arrays leave."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from tests.networks import assert_same


def learning_network() -> jsnn.Network:
    cells = {"v_rest": -70.0, "v_reset": -70.0, "v_thresh": -50.0, "tau_refrac": 5.0}
    draw = jsnn.fixed_probability(jax.random.key(0), 10, 10, 0.5, 0.5)
    return jsnn.Network(
        [
            jsnn.Population("pre", 10, jsnn.LIF, cells, {"v": -70.0}),
            jsnn.Population("post", 10, jsnn.LIF, cells, {"v": -70.0}),
        ],
        [jsnn.Projection("pre", "post", draw, plasticity=jsnn.Plasticity(jsnn.STDP))],
        [jsnn.CurrentSource("current", "pre", jsnn.CONSTANT, {"magnitude": 5.0})],
    )


def ten_steps_and_an_update(network: jsnn.Network, state: jsnn.State) -> jsnn.State:
    state, _ = jsnn.simulate(network, {}, 10, state=state)
    return with_v(state, 0.99 * state.populations["pre"]["v"])


def with_v(state: jsnn.State, v: jax.Array) -> jsnn.State:
    pre = state.populations["pre"] | {"v": v}
    return dataclasses.replace(state, populations=state.populations | {"pre": pre})


def test_a_model_that_was_loaded_again_runs_as_before(tmp_path: Path, compilations: Any) -> None:
    """GeNN: test_model_lifecycle.py, test_model_load_unload_cycle.

    Nothing holds a network or a state but their own variables. What is loaded from a file runs on
    without a compilation, to the same bits.
    """
    network = learning_network()
    state = ten_steps_and_an_update(network, jsnn.init(network))
    jsnn.save(tmp_path / "network.jsnn", network, state)
    expected = ten_steps_and_an_update(network, state)
    del network, state
    again, at_ten = jsnn.load(tmp_path / "network.jsnn")
    with compilations() as compiled:
        got = ten_steps_and_an_update(again, at_ten)
    assert compiled == []
    assert_same(got, expected)


def test_variables_pass_to_other_libraries_and_back() -> None:
    """GeNN: test_cuda_interface.py, test_cuda_array_interface, by DLPack here.

    GeNN adds 10 to V in place; here the sum makes a new state.
    """
    network = learning_network()
    start = np.linspace(-70, -60, 10, dtype=np.float32)
    state = with_v(jsnn.init(network), jnp.asarray(start))
    outside = np.from_dlpack(state.populations["pre"]["v"])
    changed = with_v(state, jnp.from_dlpack(outside + 10))
    np.testing.assert_array_equal(changed.populations["pre"]["v"], start + 10)
    np.testing.assert_array_equal(state.populations["pre"]["v"], start)
    jsnn.simulate(network, {}, 10, state=changed)
