"""vmap and grad over anything that is a number in a network."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._kernels import native
from jsnn.models.surrogates import spike
from tests import reference
from tests.networks import F32, PROBE, assert_same, random_images, random_weights

SIZES = (9, 7, 4)
T = 30


def chain(seed: int = 0, **options: Any) -> jsnn.Network:
    return jsnn.feedforward(random_weights(seed, SIZES), options.pop("model", jsnn.IF), **options)


def counts(network: jsnn.Network, image: jax.Array) -> dict[str, jax.Array]:
    record = {name: jsnn.SpikeCount(name) for name in network.sizes}
    record |= {f"v {name}": jsnn.Variable(name) for name in network.sizes}
    return jsnn.simulate(network, {"layer0": image}, T, record=record)[1]


def stacked(*trees: Any) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


IMAGES = random_images(0, 6, SIZES[0])


def test_vmap_over_images_equals_a_loop() -> None:
    network = chain()
    together = jax.vmap(counts, (None, 0))(network, IMAGES)
    assert together["layer2"].any()
    assert_same(together, stacked(*[counts(network, image) for image in IMAGES]))


def test_vmap_over_thresholds_equals_a_loop() -> None:
    network, thresholds = chain(), np.array([0.5, 1.0, 2.5], F32)

    def with_threshold(v_thresh: jax.Array) -> dict[str, jax.Array]:
        params = {name: {"v_thresh": v_thresh} for name in network.sizes}
        return counts(network.with_params(params), IMAGES[0])

    together = jax.vmap(with_threshold)(thresholds)
    assert len({int(total) for total in together["layer1"].sum(axis=1)}) == 3
    assert_same(together, stacked(*[with_threshold(t) for t in thresholds]))


def test_vmap_over_heterogeneous_thresholds_equals_a_loop() -> None:
    network = chain()
    thresholds = np.random.default_rng(0).uniform(0.5, 2, (3, SIZES[1])).astype(F32)

    def with_thresholds(v_thresh: jax.Array) -> dict[str, jax.Array]:
        return counts(network.with_params({"layer1": {"v_thresh": v_thresh}}), IMAGES[0])

    together = jax.vmap(with_thresholds)(thresholds)
    assert_same(together, stacked(*[with_thresholds(t) for t in thresholds]))


def test_vmap_over_whole_networks_equals_a_loop() -> None:
    networks = [chain(seed, params={"v_thresh": 1.0 + seed / 4}) for seed in range(3)]
    together = jax.vmap(counts, (0, None))(stacked(*networks), IMAGES[0])
    assert_same(together, stacked(*[counts(network, IMAGES[0]) for network in networks]))


def test_vmap_over_networks_and_images_equals_two_loops() -> None:
    networks = [chain(seed) for seed in range(3)]
    over_both = jax.vmap(jax.vmap(counts, (None, 0)), (0, None))
    expected = stacked(
        *[stacked(*[counts(network, image) for image in IMAGES]) for network in networks]
    )
    assert_same(jax.jit(over_both)(stacked(*networks), IMAGES), expected)


def test_vmap_over_the_step_length_and_initial_values_equals_a_loop() -> None:
    networks = [
        jsnn.Network([jsnn.Population("layer0", 9, jsnn.IF, initial={"v": v})], dt=dt)
        for v, dt in ((0.0, 1.0), (0.5, 0.5), (-1.0, 2.0))
    ]
    together = jax.vmap(counts, (0, None))(stacked(*networks), IMAGES[0])
    assert_same(together, stacked(*[counts(network, IMAGES[0]) for network in networks]))


@pytest.mark.parametrize(
    ("model", "parameter"),
    [(jsnn.CONSTANT, "magnitude"), (jsnn.GAUSSIAN_NOISE, "sd"), (jsnn.GAUSSIAN_NOISE, "mean")],
    ids=["magnitude", "sd", "mean"],
)
@pytest.mark.parametrize("through", ["drive", "with_params"])
def test_vmap_over_the_parameters_of_a_source_equals_a_loop(
    model: jsnn.CurrentSourceModel, parameter: str, through: str
) -> None:
    network = jsnn.Network(
        [jsnn.Population("a", 5, PROBE)], sources=[jsnn.CurrentSource("s", "a", model)]
    )
    key = jax.random.key(0) if network.stochastic else None

    def with_value(value: jax.Array) -> dict[str, jax.Array]:
        given = {"s": {parameter: value}}
        record = {"i": jsnn.Variable("a", variable="current")}
        if through == "drive":
            return jsnn.simulate(network, given, 9, record=record, key=key)[1]
        return jsnn.simulate(network.with_params(given), {}, 9, record=record, key=key)[1]

    values = np.array([0.0, 0.25, 0.5], F32)
    together = jax.vmap(with_value)(values)
    assert np.any(together["i"][1] != together["i"][2])
    alone = stacked(*[with_value(v) for v in values])
    # A multiplication and an addition may be fused in the one and not in the other program.
    np.testing.assert_allclose(together["i"], alone["i"], rtol=1e-6, atol=1e-6)


def test_vmap_over_keys_gives_each_presentation_its_own_noise() -> None:
    network = jsnn.Network(
        [jsnn.Population("a", 5, jsnn.IF)],
        sources=[jsnn.CurrentSource("noise", "a", jsnn.GAUSSIAN_NOISE)],
    )

    def run(key: jax.Array) -> jax.Array:
        return jsnn.simulate(network, {}, 9, record={"v": jsnn.Variable("a")}, key=key)[1]["v"]

    keys = jax.random.split(jax.random.key(0), 4)
    together = jax.vmap(run)(keys)
    assert len({array.tobytes() for array in np.asarray(together)}) == 4
    np.testing.assert_array_equal(together, [run(key) for key in keys])


def test_a_sweep_is_one_program(compilations) -> None:
    network = chain()

    @jax.jit
    def sweep(network: jsnn.Network, thresholds: jax.Array, images: jax.Array) -> jax.Array:
        def one(v_thresh: jax.Array, image: jax.Array) -> jax.Array:
            params = {name: {"v_thresh": v_thresh} for name in network.sizes}
            return counts(network.with_params(params), image)["layer2"]

        return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(thresholds, images)

    with compilations() as compiled:
        sweep(network, np.array([1.0, 2.0], F32), IMAGES)
    assert len(compiled) == 1
    other = chain(1)
    with compilations() as compiled:
        sweep(other, np.array([1.5, 3.0], F32), IMAGES * 2)
    assert compiled == []


# Gradients.


def one_neuron(size: int = 1) -> jsnn.Network:
    return jsnn.Network(
        [jsnn.Population("a", 1, jsnn.IF), jsnn.Population("b", size, jsnn.IF, {"v_thresh": 1.5})],
        [jsnn.Projection("a", "b", jsnn.Dense(np.full((1, size), 2.0, F32)), delay=0)],
    )


def surrogate(margin: float) -> float:
    return 1 / (1 + 10 * abs(margin)) ** 2


def output_spikes(num_steps: int) -> Callable[[jsnn.Network, jax.Array], jax.Array]:
    def loss(network: jsnn.Network, current: jax.Array) -> jax.Array:
        record = {"n": jsnn.SpikeCount("b")}
        return jsnn.simulate(network, {"a": current}, num_steps, record=record)[1]["n"].sum()

    return loss


def test_the_gradient_of_one_step_is_the_chain_rule_through_two_surrogates() -> None:
    """S_b = H(w H(I - theta_a) - theta_b) with I = 1.25, w = 2, theta = 1 and 1.5."""
    by_network, by_current = jax.grad(output_spikes(1), (0, 1))(one_neuron(), jnp.float32(1.25))
    outer, inner = surrogate((2.0 - 1.5) / 1.5) / 1.5, surrogate(1.25 - 1.0)
    a, b = by_network.populations
    np.testing.assert_allclose(by_network.projections[0].connectivity.weights, outer, rtol=1e-5)
    np.testing.assert_allclose(b.params["v_thresh"], -outer, rtol=1e-5)
    np.testing.assert_allclose(a.params["v_thresh"], -outer * 2 * inner, rtol=1e-5)
    np.testing.assert_allclose(by_current, outer * 2 * inner, rtol=1e-5)
    np.testing.assert_allclose(a.initial["v"], outer * 2 * inner, rtol=1e-5)


def test_the_gradient_flows_through_time_while_a_neuron_is_silent() -> None:
    """I = 0.75: V is 0.75 and then 1.5, so a (theta = 1) spikes in the second step."""
    current = jnp.float32(0.75)
    record = {"n": jsnn.SpikeCount("a")}
    network = jsnn.Network([jsnn.Population("a", 1, jsnn.IF)])
    slope = jax.grad(lambda i: jsnn.simulate(network, {"a": i}, 2, record=record)[1]["n"].sum())(
        current
    )
    np.testing.assert_allclose(slope, surrogate(-0.25) + 2 * surrogate(0.5), rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "synapse", "delay"),
    [
        (jsnn.IF, jsnn.DELTA, 1),
        (jsnn.IF, jsnn.EXPONENTIAL, 0),
        (jsnn.LIF, jsnn.DELTA, 3),
        (jsnn.LIF, jsnn.EXPONENTIAL, 1),
    ],
    ids=["IF delta", "IF exponential", "LIF delta", "LIF exponential"],
)
def test_the_gradient_of_a_loss_reaches_every_weight_matrix(
    model: jsnn.NeuronModel, synapse: jsnn.SynapseModel, delay: int
) -> None:
    scale = 1.0 if model is jsnn.IF else 20.0
    weights = random_weights(0, SIZES, scale)
    network = jsnn.feedforward(weights, model, synapse=synapse, delay=delay)

    def loss(network: jsnn.Network, image: jax.Array) -> jax.Array:
        record = {"n": jsnn.SpikeCount("layer2")}
        _, recorded = jsnn.simulate(network, {"layer0": image * scale}, T, record=record)
        return jnp.sum(recorded["n"] * jnp.arange(1.0, 5.0))

    gradient = jax.jit(jax.grad(loss))(network, IMAGES[0])
    assert jax.tree.structure(gradient) == jax.tree.structure(network)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    for projection in gradient.projections:
        assert np.count_nonzero(projection.connectivity.weights) > 5
    for population in gradient.populations:
        assert np.any(population.params["v_thresh"] != 0)


def test_gradients_of_a_batch_are_those_of_a_loop() -> None:
    network = chain()

    def loss(network: jsnn.Network, image: jax.Array) -> jax.Array:
        return counts(network, image)["layer2"].sum()

    together = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(network, IMAGES)
    for i, image in enumerate(IMAGES):
        alone = jax.grad(loss)(network, image)
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-3, atol=1e-4)


def test_below_threshold_v_grows_by_each_weight_times_its_presynaptic_spikes() -> None:
    """dV_j / dw_ij is the number of spikes of i that arrived, if j has not spiked."""
    weights = random_weights(1, SIZES[:2])
    network = jsnn.feedforward(weights, jsnn.IF).with_params({"layer1": {"v_thresh": 1e6}})

    def voltage(network: jsnn.Network, neuron: int) -> jax.Array:
        state, _ = jsnn.simulate(network, {"layer0": IMAGES[0]}, T)
        return state.populations["layer1"]["v"][neuron]

    sizes, links = reference.chain(weights)
    thresholds = {"layer0": 1.0, "layer1": 1e6}
    run = reference.integrate_fire(
        sizes, links, {"layer0": IMAGES[0]}, T, v_thresh={n: F32(t) for n, t in thresholds.items()}
    )
    arrived = run.spikes["layer0"][:-1].sum(axis=0)
    assert arrived.max() > 3
    gradient = jax.grad(voltage)(network, 2).projections[0].connectivity.weights
    expected = np.zeros(weights[0].shape)
    expected[:, 2] = arrived
    np.testing.assert_array_equal(gradient, expected)


def test_the_gradient_of_a_leaky_membrane_equals_finite_differences() -> None:
    with jax.enable_x64(True):
        weights = random_weights(2, (5, 3), 4.0)[0].astype(np.float64)
        image = np.linspace(0.5, 2.0, 5)

        def voltage(weights: jax.Array) -> jax.Array:
            network = jsnn.Network(
                [jsnn.Population("a", 5, jsnn.IF), jsnn.Population("b", 3, jsnn.LIF)],
                [jsnn.Projection("a", "b", jsnn.Dense(weights), jsnn.EXPONENTIAL)],
                dt=0.5,
            ).with_params({"b": {"v_thresh": 1e6}})
            state, _ = jsnn.simulate(network, {"a": image}, T)
            return jnp.sum(state.populations["b"]["v"] * jnp.arange(1.0, 4.0))

        gradient = np.asarray(jax.grad(voltage)(weights))
        step = 1e-3
        for i, j in np.ndindex(weights.shape):
            bump = np.zeros_like(weights)
            bump[i, j] = step
            slope = (voltage(weights + bump) - voltage(weights - bump)) / (2 * step)
            np.testing.assert_allclose(gradient[i, j], slope, rtol=1e-6)
        assert np.all(gradient > 0)


def test_the_gradient_with_respect_to_a_time_constant_equals_finite_differences() -> None:
    with jax.enable_x64(True):

        def voltage(tau: jax.Array) -> jax.Array:
            network = jsnn.Network([jsnn.Population("a", 1, jsnn.LIF)], dt=np.float64(0.5))
            state, _ = jsnn.simulate(
                network.with_params({"a": {"tau_m": tau}}), {"a": np.float64(0.5)}, 20
            )
            return state.populations["a"]["v"][0]

        slope = (voltage(np.float64(20.001)) - voltage(np.float64(19.999))) / 0.002
        np.testing.assert_allclose(jax.grad(voltage)(np.float64(20.0)), slope, rtol=1e-6)


def test_forward_mode_agrees_with_reverse_mode() -> None:
    network = chain()

    def spikes(image: jax.Array) -> jax.Array:
        record = {"n": jsnn.SpikeCount("layer2")}
        return jsnn.simulate(network, {"layer0": image}, 12, record=record)[1]["n"]

    forward, reverse = (jax.jit(d(spikes))(IMAGES[0]) for d in (jax.jacfwd, jax.jacrev))
    assert np.any(forward != 0)
    np.testing.assert_allclose(forward, reverse, rtol=1e-3, atol=1e-4)


def test_a_surrogate_of_ones_own_is_used() -> None:
    flat = jsnn.NeuronModel(
        params=jsnn.IF.params,
        variables=jsnn.IF.variables,
        update=jsnn.IF.update,
        threshold=jsnn.IF.threshold,
        reset=jsnn.IF.reset,
        surrogate=lambda margin: jnp.full_like(margin, 0.125),
    )
    network = jsnn.Network([jsnn.Population("a", 1, flat)])
    record = {"n": jsnn.SpikeCount("a")}
    slope = jax.grad(lambda i: jsnn.simulate(network, {"a": i}, 1, record=record)[1]["n"].sum())
    assert slope(jnp.float32(0.25)) == 0.125


def test_second_derivatives_agree_in_every_mode() -> None:
    """Compare forward over reverse, reverse over reverse and over forward with the closed form."""

    def loss(current: jax.Array) -> jax.Array:
        record = {"v": jsnn.FinalVariable("a")}
        network = jsnn.Network([jsnn.Population("a", 1, TAMED)])
        return jsnn.simulate(network, {"a": current}, 3, record=record)[1]["v"].sum()

    at = jnp.float32(0.7)
    expected = 3 * 2 * 0.1  # v gains 0.1 current^2 in each step
    for second in (
        jax.jacfwd(jax.grad(loss)),
        jax.jacrev(jax.grad(loss)),
        jax.grad(jax.jacfwd(loss)),
    ):
        np.testing.assert_allclose(second(at), expected, rtol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_second_derivatives_pass_a_projection(sparse: bool) -> None:
    """They are those of the steps written out; a mode that whole products lack says what to do."""
    weights = np.full((3, 2), 0.5, F32)
    pre, post = np.nonzero(weights)
    connectivity = jsnn.Sparse(pre, post, weights.ravel(), 3, 2) if sparse else jsnn.Dense(weights)
    network = jsnn.Network(
        [jsnn.Population("a", 3, TAMED_IF), jsnn.Population("b", 2, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", connectivity)],
    )

    def loss(currents: jax.Array) -> jax.Array:
        record = {"v": jsnn.FinalVariable("b")}
        return jsnn.simulate(network, {"a": currents}, 4, record=record)[1]["v"].sum() ** 2

    def written_out(currents: jax.Array) -> jax.Array:
        v, arriving, summed = jnp.zeros(3), jnp.zeros(2), jnp.zeros(2)
        for _ in range(4):
            summed = summed + arriving
            v = v + currents
            spikes = spike(TAMED_IF.surrogate, v - 1)
            v, arriving = jnp.where(spikes > 0, 0, v), spikes @ weights
        return summed.sum() ** 2

    at = jnp.asarray([0.3, 0.6, 0.8], F32)
    second = jax.jacfwd(jax.jacfwd(loss))(at)
    expected = jax.hessian(written_out)(at)
    assert np.all(np.abs(expected) > 1)
    np.testing.assert_allclose(second, expected, rtol=1e-5)
    if sparse or native.available():
        np.testing.assert_allclose(jax.hessian(loss)(at), expected, rtol=1e-5)
        return
    with pytest.raises(NotImplementedError, match=r"forward over forward.*jax\.jacfwd"):
        jax.hessian(loss)(at)


# Spikes where V passes 1, with a pseudo-derivative of 1 everywhere and a margin far from 0.
TAMED_IF = dataclasses.replace(jsnn.IF, surrogate=lambda margin: 1 + 0.1 * margin)

TAMED = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0},
    update=lambda p, x, current, dt: {"v": x["v"] + jnp.asarray(0.1, dt.dtype) * current**2 * dt},
    threshold=lambda p, x: x["v"] - 100,
)
