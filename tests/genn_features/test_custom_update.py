"""Ports of GeNN's tests/features/test_custom_update.py: updates are functions of a state."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

import jsnn
from tests.genn_features.patterns import F32, NEVER, listed, margin
from tests.networks import PROBE

NEURON = jsnn.NeuronModel(
    name="NEURON",
    params={},
    variables={"x": 0.0, "shared": jsnn.Quantity(0.0, shared=True)},
    update=lambda p, x, current, dt: x,
    threshold=lambda p, x: jnp.full_like(x["x"], -1.0),
)
SOURCE = jsnn.CurrentSourceModel(
    name="SOURCE",
    params={},
    variables={"x": 0.0, "shared": jsnn.Quantity(0.0, shared=True)},
    current=lambda p, x, key, dt: (x, jnp.zeros_like(x["x"])),
)
SYNAPSE = jsnn.SynapseModel(
    name="SYNAPSE",
    params={},
    variables={"x": 0.0, "shared": jsnn.Quantity(0.0, shared=True)},
    update=lambda p, x, arriving, post, dt: (x, arriving),
)
RULE = jsnn.PlasticityModel(
    name="RULE", params={}, variables={"x": 0.0}, pre={"pre_x": 0.0}, post={"post_x": 0.0}
)

VARIABLES = {
    "neuron": (lambda state: state.populations["cells"]["x"], (100,)),
    "neuron, shared": (lambda state: state.populations["cells"]["shared"], ()),
    "source": (lambda state: state.sources["source"]["x"], (100,)),
    "source, shared": (lambda state: state.sources["source"]["shared"], ()),
    "synapse model": (lambda state: state.projections["dense"].synapse["x"], (100,)),
    "synapse model, shared": (lambda state: state.projections["dense"].synapse["shared"], ()),
    "presynaptic": (lambda state: state.projections["dense"].plasticity.pre["pre_x"], (10,)),
    "postsynaptic": (lambda state: state.projections["dense"].plasticity.post["post_x"], (100,)),
    "dense synapses": (
        lambda state: state.projections["dense"].plasticity.synapses["x"],
        (10, 100),
    ),
    "sparse synapses": (lambda state: state.projections["sparse"].plasticity.synapses["x"], (100,)),
}
"""Variables of all parts of a network, with their shapes."""


def small_network() -> jsnn.Network:
    in_degree = jsnn.fixed_in_degree(jax.random.key(0), 10, 10, 10, 0.0, replace=True)
    sparse = jsnn.Sparse(in_degree.pre, 10 * in_degree.post, in_degree.weights, 10, 100)
    learning = {"plasticity": jsnn.Plasticity(RULE)}
    dense = jsnn.Dense(np.zeros((10, 100), F32))
    return jsnn.Network(
        [jsnn.Population("pre", 10, jsnn.SPIKE_SOURCE), jsnn.Population("cells", 100, NEURON)],
        [
            jsnn.Projection("pre", "cells", dense, SYNAPSE, name="dense", **learning),
            jsnn.Projection("pre", "cells", sparse, name="sparse", **learning),
        ],
        [jsnn.CurrentSource("source", "cells", SOURCE)],
    )


BATCH_SIZE = 5


@functools.cache
def values_over_time() -> dict[str, np.ndarray]:
    """Return all variables after each of 20 steps, with an update before every tenth."""

    def ten_steps(state: jsnn.State, presentation: jax.Array) -> Any:
        now = presentation * 1000.0 + state.step.astype(F32)
        of_parts = (state.populations, state.projections, state.sources)
        changed = jax.tree.map(lambda x: jnp.full_like(x, now), of_parts)
        names = ("populations", "projections", "sources")
        state = dataclasses.replace(state, **dict(zip(names, changed, strict=True)))
        return jsnn.simulate(network, {}, 10, state=state, record={"all": all_variables})

    network = small_network()
    start = jax.jit(jax.vmap(lambda _: jsnn.init(network)))(jnp.arange(BATCH_SIZE))
    run = jax.jit(jax.vmap(ten_steps))
    tens = []
    for _ in range(2):
        start, recorded = run(start, jnp.arange(BATCH_SIZE, dtype=F32))
        tens.append(recorded["all"])
    return jax.tree.map(lambda *x: np.concatenate(x, axis=1), *tens)


def all_variables(state: jsnn.State, spikes: Any) -> dict[str, jax.Array]:
    return {name: read(state) for name, (read, _) in VARIABLES.items()}


@pytest.mark.parametrize("name", VARIABLES)
def test_an_update_every_ten_steps_sets_any_variable(name: str) -> None:
    """GeNN: test_custom_update.py, test_custom_update: 1000 batch + t in every variable."""
    values = values_over_time()[name]
    assert values.shape == (BATCH_SIZE, 20, *VARIABLES[name][1])
    expected = 1000 * np.arange(BATCH_SIZE)[:, None] + 10 * (np.arange(20) // 10)
    number_of_axes = values.ndim - 2
    np.testing.assert_array_equal(
        values,
        np.broadcast_to(expected.reshape(*expected.shape, *(1,) * number_of_axes), values.shape),
    )


HOLDS = jsnn.NeuronModel(
    name="HOLDS",
    params={},
    variables={"v": 0.0},
    update=lambda p, x, current, dt: x,
    threshold=lambda p, x: jnp.full_like(x["v"], -1.0),
)
READS_V = jsnn.PlasticityModel(
    name="READS_V",
    params={},
    variables={"seen": 0.0},
    pre={},
    post={},
    reads_pre=("v",),
    each_step=lambda p, s, pre, post, dt: s | {"seen": pre["v"] + jnp.zeros_like(s["seen"])},
)


@pytest.mark.parametrize("broadcast", [False, True])
def test_an_update_sets_what_is_on_its_way_or_leaves_it(broadcast: bool) -> None:
    """GeNN: test_custom_update.py, test_custom_update_delay.

    A variable that a rule reads five steps late has a value of now and values on their way. An
    update of the variable leaves these; GeNN's BROADCAST is an update of `variables_in_flight` too.
    """
    synapses = jsnn.Dense(np.zeros((2, 3), F32))
    network = jsnn.Network(
        [jsnn.Population("pre", 2, HOLDS), jsnn.Population("post", 3, PROBE)],
        [
            jsnn.Projection(
                *("pre", "post", synapses),
                delay=6,
                axonal=5,
                plasticity=jsnn.Plasticity(READS_V),
            )
        ],
    )

    def seen(state: jsnn.State, spikes: Any) -> jax.Array:
        plasticity = state.projections["pre_to_post"].plasticity
        assert plasticity is not None
        return plasticity.synapses["seen"]

    state, _ = jsnn.simulate(network, {}, 10)
    pre = {"v": jnp.full(2, 10.0, F32)}
    state = dataclasses.replace(state, populations=state.populations | {"pre": pre})
    if broadcast:
        part = state.projections["pre_to_post"]
        late = {k: jnp.full_like(x, 10.0) for k, x in part.variables_in_flight.items()}
        changed = dataclasses.replace(part, variables_in_flight=late)
        state = dataclasses.replace(state, projections=state.projections | {"pre_to_post": changed})
    _, recorded = jsnn.simulate(network, {}, 10, state=state, record={"seen": seen})
    expected = np.full(10, 10.0) if broadcast else np.repeat([0.0, 10.0], 5)
    np.testing.assert_array_equal(
        recorded["seen"], np.broadcast_to(expected[:, None, None], (10, 2, 3))
    )


FIRST_STEP = jsnn.NeuronModel(
    name="FIRST_STEP",
    params={},
    variables={"last": NEVER},
    update=lambda p, x, current, dt: x,
    threshold=lambda p, x: margin(jnp.full(x["last"].shape, p["step"] == 0)),
    reset=lambda p, x: {"last": jnp.full_like(x["last"], p["t"])},
)
"""Neurons that spike in the first step."""


def spike_once(size: int) -> jsnn.Network:
    """Return a network of exponential synapses: at once, with delays of each, and 5 steps late."""
    delays = 1 + np.repeat(np.arange(5), size // 5)
    each = np.arange(size)
    late = jsnn.Sparse(each, each, np.ones(size, F32), size, size, delays=delays)
    tau = {"tau": 10.0}
    ones = jsnn.OneToOne(np.ones(size, F32))
    return jsnn.Network(
        [jsnn.Population("pre", size, FIRST_STEP), jsnn.Population("post", size, PROBE)],
        [
            jsnn.Projection("pre", "post", ones, jsnn.EXPONENTIAL, tau, name="now"),
            jsnn.Projection("pre", "post", late, jsnn.EXPONENTIAL, tau, name="late"),
            jsnn.Projection("pre", "post", ones, jsnn.EXPONENTIAL, tau, delay=6, name="axon"),
        ],
    )


def after(network: jsnn.Network, state: jsnn.State, num_steps: int) -> tuple[jsnn.State, Any]:
    """Return the state after some steps, and the synaptic currents, {projection: [T, N]}."""
    currents = []
    for _ in range(num_steps):
        state, _ = jsnn.simulate(network, {}, 1, state=state)
        currents.append({k: p.synapse["i_syn"] for k, p in state.projections.items()})
    return state, jax.tree.map(lambda *x: np.stack(x), *currents)


def test_an_update_resets_synaptic_currents_sums_on_their_way_and_times_of_spikes() -> None:
    """GeNN: test_custom_update.py, test_custom_update_internal.

    Spikes of the first step have arrived in the second, where no delay holds them back: i_syn is
    exp(-1/10) after it. After the update nothing arrives any more.
    """
    network = spike_once(10)
    fresh = jsnn.init(network)
    state, currents = after(network, fresh, 2)
    decayed = np.exp(-1 / 10)
    np.testing.assert_allclose(currents["now"][1], np.full(10, decayed), rtol=1e-6)
    np.testing.assert_allclose(currents["late"][1], [decayed] * 2 + [0] * 8, rtol=1e-6)
    np.testing.assert_array_equal(state.populations["pre"]["last"], np.zeros(10))
    reset = dataclasses.replace(fresh, step=state.step)
    np.testing.assert_array_equal(reset.populations["pre"]["last"], np.full(10, F32(NEVER)))
    _, currents = after(network, reset, 6)
    assert not any(np.any(x) for x in currents.values())


def test_an_update_removes_spikes_on_their_way() -> None:
    """GeNN: test_custom_update.py, test_custom_update_internal_spike_count.

    An update of the projections alone, after the step of the spikes: no current ever flows.
    """
    network = spike_once(10)
    fresh = jsnn.init(network)
    state, _ = after(network, fresh, 1)
    silent = dataclasses.replace(state, projections=fresh.projections)
    _, currents = after(network, silent, 10)
    assert not any(np.any(x) for x in currents.values())
    _, currents = after(network, state, 10)
    assert all(np.any(x) for x in currents.values())


def test_weights_are_transposed() -> None:
    """GeNN: test_custom_update.py, test_custom_update_transpose."""
    g = np.random.default_rng(0).normal(size=(BATCH_SIZE, 6, 4)).astype(F32)
    zeros = jsnn.Dense(np.zeros((4, 6), F32))
    network = jsnn.Network(
        [jsnn.Population("a", 6, PROBE), jsnn.Population("b", 4, PROBE)],
        [
            jsnn.Projection("a", "b", jsnn.Dense(g[0])),
            jsnn.Projection("b", "a", zeros),
        ],
    )

    def with_transposed(weights: jax.Array) -> Any:
        both = {"a_to_b": {"weights": weights}, "b_to_a": {"weights": weights.T}}
        return network.with_params(both).projections

    forward, back = jax.vmap(with_transposed)(g)
    np.testing.assert_array_equal(forward.connectivity.weights, g)
    np.testing.assert_array_equal(back.connectivity.weights, g.transpose(0, 2, 1))


def test_softmax_over_the_neurons() -> None:
    """GeNN: test_custom_update.py, test_custom_update_neuron_reduce, against SciPy."""
    x = np.random.default_rng(0).uniform(0, 100, (BATCH_SIZE, 50)).astype(F32)
    network = jsnn.Network([jsnn.Population("cells", 50, NEURON)])

    states = jax.vmap(lambda x: with_x(jsnn.init(network), x))(x)
    y = jax.vmap(lambda state: jax.nn.softmax(state.populations["cells"]["x"]))(states)
    np.testing.assert_allclose(y, scipy.special.softmax(x, axis=1), rtol=1e-5, atol=1e-12)


def with_x(state: jsnn.State, x: jax.Array) -> jsnn.State:
    cells = state.populations["cells"] | {"x": x}
    return dataclasses.replace(state, populations=state.populations | {"cells": cells})


@pytest.mark.parametrize("part", ["neurons", "dense", "sparse", "kernel"])
def test_sums_and_maxima_over_a_batch(part: str) -> None:
    """GeNN: test_custom_update.py, test_custom_update_batch_reduction, against NumPy."""
    random = np.random.default_rng(0)
    image = np.zeros((3, 3, 1, 1), F32)
    connectivities = {
        "dense": jsnn.Dense(np.zeros((10, 20), F32)),
        "sparse": listed(np.eye(10, 20, dtype=F32)),
        "kernel": jsnn.Conv2D(image, (5, 2, 1), padding="SAME"),
    }
    if part == "neurons":
        network = jsnn.Network([jsnn.Population("cells", 100, NEURON)])
        x = random.uniform(0, 100, (BATCH_SIZE, 100)).astype(F32)
        batch = jax.vmap(lambda x: with_x(jsnn.init(network), x))(x)
        values = batch.populations["cells"]["x"]
    else:
        connectivity = connectivities[part]
        x = random.uniform(0, 100, (BATCH_SIZE, *connectivity.weights.shape)).astype(F32)
        batch = jax.vmap(connectivity.with_weights)(x)
        values = batch.weights
    np.testing.assert_allclose(values.sum(0), x.astype(np.float64).sum(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(values.max(0), x.max(axis=0))
