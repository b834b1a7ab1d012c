"""Ports of GeNN's tests/features/test_egp.py: tables, GeNN's extra global parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import F32
from tests.genn_features.test_custom_update import NEURON, RULE, SOURCE, SYNAPSE

READS_TABLE = jsnn.NeuronModel(
    params={"e": jsnn.Quantity([0.0])},
    variables={"x": 10.0},
    update=lambda p, x, current, dt: {"x": p["e"][jnp.arange(x["x"].size)]},
    threshold=lambda p, x: jnp.full_like(x["x"], -1.0),
)


def test_variables_of_all_parts_start_with_the_values_of_a_table() -> None:
    """GeNN: test_egp.py, test_egp_var_init: the values of a table, again and again."""
    table = np.arange(10, dtype=F32)
    tiled = np.tile(table, 2)
    dense, sparse = np.zeros((20, 20), F32), jsnn.OneToOne(np.zeros(20, F32))
    sides = {"initial_pre": {"pre_x": tiled}, "initial_post": {"post_x": tiled}}
    of_pre = {"x": np.broadcast_to(tiled[:, None], (20, 20))}
    network = jsnn.Network(
        [
            jsnn.Population("pre", 20, jsnn.SPIKE_SOURCE),
            jsnn.Population("cells", 20, NEURON, initial={"x": tiled}),
        ],
        [
            jsnn.Projection(
                *("pre", "cells", jsnn.Dense(dense), SYNAPSE),
                initial={"x": tiled},
                plasticity=jsnn.Plasticity(RULE, initial=of_pre, **sides),
                name="dense",
            ),
            jsnn.Projection(
                *("pre", "cells", sparse),
                plasticity=jsnn.Plasticity(RULE, initial={"x": tiled}, **sides),
                name="sparse",
            ),
        ],
        [jsnn.CurrentSource("source", "cells", SOURCE, initial={"x": tiled})],
    )
    state = jsnn.init(network)
    np.testing.assert_array_equal(state.populations["cells"]["x"], tiled)
    np.testing.assert_array_equal(state.sources["source"]["x"], tiled)
    np.testing.assert_array_equal(state.projections["dense"].synapse["x"], tiled)
    for name, expected in (("dense", np.repeat(tiled, 20).reshape(20, 20)), ("sparse", tiled)):
        plasticity = state.projections[name].plasticity
        assert plasticity is not None
        np.testing.assert_array_equal(plasticity.synapses["x"], expected)
        np.testing.assert_array_equal(plasticity.pre["pre_x"], tiled)
        np.testing.assert_array_equal(plasticity.post["post_x"], tiled)


@pytest.mark.parametrize("way", ["over time", "update before each step"])
def test_a_table_that_changes_in_every_step(way: str) -> None:
    """GeNN: test_egp.py, test_egp_ref: e is 1 for the neuron whose turn it is, else 0."""
    network = jsnn.Network([jsnn.Population("cells", 10, READS_TABLE, {"e": np.zeros(10, F32)})])
    record = {"x": jsnn.Variable("cells", "x")}
    tables = np.eye(10, dtype=F32)
    if way == "over time":
        drive = {"cells": {"e": jsnn.over_time(tables)}}
        x = jsnn.simulate(network, drive, 10, record=record)[1]["x"]
    else:

        def one(state: jsnn.State, table: jax.Array) -> tuple[jsnn.State, jax.Array]:
            updated = network.with_params({"cells": {"e": table}})
            state, recorded = jsnn.simulate(updated, {}, 1, state=state, record=record)
            return state, recorded["x"][0]

        x = jax.jit(lambda state: jax.lax.scan(one, state, tables))(jsnn.init(network))[1]
    np.testing.assert_array_equal(x, tables)
