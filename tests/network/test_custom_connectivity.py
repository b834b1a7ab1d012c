"""One network that has everything: resumed, batched, scheduled otherwise, it is the same."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.network import initializers
from tests.networks import assert_same

F32 = np.float32
STEPS = 60

RECORD = {
    "cells": jsnn.Spikes("cells"),
    "poisson": jsnn.Spikes("poisson"),
    "v": jsnn.Variable("cells"),
    "out": jsnn.Variable("out"),
}

HEBB = jsnn.PlasticityModel(
    params={"tau": 10.0, "rate": 0.05},
    variables={"changes": 0.0},
    pre={"trace": 0.0},
    post={},
    update_pre=lambda p, x, dt: {"trace": x["trace"] * jnp.exp(-dt / p["tau"])},
    spike_pre=lambda p, x: {"trace": x["trace"] + 1},
    on_post=lambda p, s, pre, post: {
        "weight": s["weight"] + p["rate"] * pre["trace"],
        "changes": s["changes"] + 1,
    },
)


def network() -> jsnn.Network:
    """Poisson input, a recurrent sparse population with a delay each, learning, graded output."""
    keys = jax.random.split(jax.random.key(1), 4)
    weight = initializers.normal(3.0, 1.0)
    recurrent = jsnn.fixed_in_degree(
        keys[0], 30, 30, 5, initializers.normal(0.5, 0.5), delay=initializers.uniform(1, 6)
    )
    inputs = jsnn.fixed_probability(keys[1], 20, 30, 0.3, weight)
    learnt = jsnn.fixed_probability(keys[2], 20, 30, 0.2, weight)
    dense = jsnn.Dense(np.full((30, 4), 0.1, F32))
    return jsnn.Network(
        [
            jsnn.Population("poisson", 20, jsnn.POISSON_NEURON, params={"rate": 150.0}),
            jsnn.Population("cells", 30, jsnn.ALIF),
            jsnn.Population("out", 4, jsnn.LEAKY_INTEGRATOR),
        ],
        [
            jsnn.Projection("poisson", "cells", inputs, jsnn.EXPONENTIAL, name="inputs"),
            jsnn.Projection(
                *("poisson", "cells", learnt),
                plasticity=jsnn.Plasticity(HEBB),
                name="learnt",
            ),
            jsnn.Projection("cells", "cells", recurrent, jsnn.ALPHA),
            jsnn.Projection("cells", "out", dense, delay=0),
        ],
        [jsnn.CurrentSource("noise", "cells", jsnn.GAUSSIAN_NOISE, {"sd": 0.3})],
    )


def run(
    whole: jsnn.Network, steps: int = STEPS, **how: object
) -> tuple[jsnn.State, dict[str, np.ndarray]]:
    return jsnn.simulate(whole, {}, steps, record=RECORD, **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def once() -> tuple[jsnn.State, dict[str, np.ndarray]]:
    state, kept = run(network(), key=jax.random.key(7))
    assert 50 < kept["cells"].sum() < 900
    assert np.ptp(state.projections["learnt"].plasticity.synapses["changes"]) > 0
    assert np.abs(kept["out"]).max() > 0
    return state, kept


def test_a_run_split_and_resumed_from_a_saved_state_is_the_same_bit_for_bit(once) -> None:
    split = 17
    state, first = run(network(), split, key=jax.random.key(7))
    key = jax.random.key_data(state.key)
    leaves, structure = jax.tree.flatten(state)
    saved = pickle.dumps([np.asarray(leaf) for leaf in leaves[:-1]])
    resumed = jax.tree.unflatten(
        structure, [*map(jnp.asarray, pickle.loads(saved)), jax.random.wrap_key_data(key)]
    )
    last, second = run(network(), STEPS - split, state=resumed)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)
    assert_same((last, joined), once)


def test_stepping_plainly_gives_the_same_spikes(once) -> None:
    state, kept = run(network(), key=jax.random.key(7), scheduled=False)
    for name in ("cells", "poisson"):
        np.testing.assert_array_equal(kept[name], once[1][name])
    for name in ("v", "out"):
        np.testing.assert_allclose(kept[name], once[1][name], rtol=1e-5, atol=1e-4)
    weights = [s.projections["learnt"].plasticity.synapses["weight"] for s in (state, once[0])]
    np.testing.assert_allclose(*weights, rtol=1e-5)


def test_networks_of_one_batch_are_those_of_single_runs() -> None:
    """Other parameters of neurons, synapses, plasticity and sources, and another key, in each."""

    def changed(i: jax.Array) -> jsnn.Network:
        return network().with_params(
            {
                "poisson": {"rate": 100.0 + 30 * i},
                "cells": {"tau_m": 10.0 + i},
                "learnt": {"plasticity": {"rate": 0.02 * i}},
                "inputs": {"tau": 3.0 + i},
                "noise": {"sd": 0.1 * i},
            }
        )

    def one(i: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
        state, kept = run(changed(i), key=key)
        return kept | {"weight": state.projections["learnt"].plasticity.synapses["weight"]}

    numbers = jnp.arange(4, dtype=jnp.float32)
    keys = jax.random.split(jax.random.key(3), 4)
    together = jax.vmap(one)(numbers, keys)
    for i in range(4):
        alone = one(numbers[i], keys[i])
        for name in ("cells", "poisson"):
            np.testing.assert_array_equal(together[name][i], alone[name])
        np.testing.assert_allclose(together["v"][i], alone["v"], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(together["weight"][i], alone["weight"], rtol=1e-5, atol=1e-6)
    assert len({int(together["cells"][i].sum()) for i in range(4)}) > 1


def test_a_gradient_passes_through_everything_static() -> None:
    """Sparse synapses of delay and without, conductances, surrogate spikes: against differences."""
    keys = jax.random.split(jax.random.key(5), 2)
    first = jsnn.fixed_probability(keys[0], 10, 15, 0.4, 0.02)
    delay = initializers.uniform(1, 4)
    second = jsnn.fixed_probability(keys[1], 15, 1, 1.0, 0.3, delay=delay)
    trains = np.random.default_rng(0).random((40, 10)) < 0.3

    def final_v(weights: jax.Array, scale: jax.Array) -> jax.Array:
        built = jsnn.Network(
            [
                jsnn.Population("pre", 10, jsnn.SPIKE_SOURCE),
                jsnn.Population("cells", 15, jsnn.LIF),
                jsnn.Population("out", 1, jsnn.LEAKY_INTEGRATOR),
            ],
            [
                jsnn.Projection("pre", "cells", first.with_weights(weights), jsnn.CONDUCTANCE),
                jsnn.Projection("cells", "out", second.with_weights(second.weights * scale)),
            ],
        )
        state, _ = jsnn.simulate(built, {"pre": jsnn.over_time(trains)}, 40)
        return state.populations["out"]["v"][0]

    one = jnp.ones(())
    of_weights, of_scale = jax.grad(final_v, (0, 1))(first.weights, one)
    assert np.all(np.isfinite(of_weights))
    assert np.any(np.asarray(of_weights) != 0)
    difference = (final_v(first.weights, one * 1.5) - final_v(first.weights, one * 0.5)) / 1
    assert abs(difference) > 0.1
    np.testing.assert_allclose(of_scale, difference, rtol=1e-3)
