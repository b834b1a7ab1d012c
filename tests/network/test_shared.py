"""Weights that projections share, and transposed connectivity."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

F32 = np.float32


def some(kind: str, random: np.random.Generator, pre: int = 6, post: int = 4) -> Any:
    weights = random.random((pre, post)).astype(F32)
    if kind == "dense":
        return jsnn.Dense(weights), weights
    if kind == "one to one":
        return jsnn.OneToOne(weights[:post, 0]), np.diag(weights[:post, 0])
    rows, columns = np.nonzero(weights > 0.3)
    order = random.permutation(len(rows))
    rows, columns = rows[order], columns[order]
    matrix = np.zeros_like(weights)
    matrix[rows, columns] = weights[rows, columns]
    return jsnn.Sparse(rows, columns, weights[rows, columns], pre, post), matrix


@pytest.mark.parametrize("kind", ["dense", "sparse", "one to one"])
def test_transposed_connectivity_delivers_from_the_other_side(kind: str) -> None:
    connectivity, matrix = some(kind, np.random.default_rng(0))
    spikes = np.random.default_rng(1).random(matrix.shape[1]) < 0.6
    back = jsnn.transposed(connectivity)
    np.testing.assert_allclose(back.deliver(spikes.astype(F32)), matrix @ spikes, rtol=1e-6)
    twice = jsnn.transposed(back)
    np.testing.assert_array_equal(
        twice.deliver(np.ones(matrix.shape[0], F32)),
        connectivity.deliver(np.ones(matrix.shape[0], F32)),
    )


def test_transposed_synapses_keep_their_delays() -> None:
    random = np.random.default_rng(2)
    pre, post = np.nonzero(random.random((5, 3)) < 0.7)
    delays, weights = random.integers(1, 4, len(pre)), random.random(len(pre)).astype(F32)
    sparse = jsnn.Sparse(pre, post, weights, 5, 3, delays=delays)
    back = jsnn.transposed(sparse)
    np.testing.assert_array_equal(back.pre, post)
    np.testing.assert_array_equal(back.post, pre)
    np.testing.assert_array_equal(back.delays, delays)
    dense = jsnn.Dense(np.ones((5, 3), F32), delays=random.integers(1, 4, (5, 3)))
    np.testing.assert_array_equal(jsnn.transposed(dense).delays, np.asarray(dense.delays).T)


def feedback(
    forward: jsnn.Projection, sizes: tuple[int, int], *, transposed: bool = True, delay: int = 1
) -> jsnn.Network:
    back = jsnn.Projection(
        *("b" if transposed else "a", "c", jsnn.Shared(forward, transposed=transposed)),
        name="back",
        delay=delay,
    )
    return jsnn.Network(
        [
            jsnn.Population("a", sizes[0], jsnn.SPIKE_SOURCE),
            jsnn.Population("b", sizes[1], jsnn.LIF, {"tau_refrac": 0.0}),
            jsnn.Population("c", sizes[0] if transposed else sizes[1], jsnn.INTEGRATOR),
        ],
        [forward, back],
    )


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("scheduled", [True, False])
def test_shared_weights_follow_those_that_learn(kind: str, delay: int, scheduled: bool) -> None:
    """By the book: b spikes through w transposed, as w is before the learning of that step."""
    random = np.random.default_rng(3)
    connectivity, w = some(kind, random)
    exists = w > 0
    rule = {"a_plus": 0.1, "a_minus": 0.05, "w_max": 2.0}
    forward = jsnn.Projection("a", "b", connectivity, plasticity=jsnn.Plasticity(jsnn.STDP, rule))
    network, num_steps = feedback(forward, w.shape, delay=delay), 40
    trains = random.random((num_steps, 6)) < 0.2
    drive = {"a": jsnn.over_time(trains), "b": 1.9}
    record = {"c": jsnn.Variable("c", "v"), "b": jsnn.Spikes("b")}
    _, recorded = jsnn.simulate(network, drive, num_steps, record=record, scheduled=scheduled)
    spikes = np.asarray(recorded["b"])
    assert spikes.sum() > 10
    x, y, d = np.zeros(6), np.zeros(4), np.exp(-1 / 20)
    arriving, w = np.zeros((num_steps + delay, 6)), w.astype(np.float64)
    for n in range(num_steps):
        arriving[n + delay] = w @ spikes[n]
        x, y = x * d, y * d
        w = np.where(trains[n][:, None], np.clip(w - 0.05 * y[None], 0, 2), w)
        w = np.where(spikes[n][None], np.clip(w + 0.1 * (x + trains[n])[:, None], 0, 2), w)
        w, x, y = np.where(exists, w, 0), x + trains[n], y + spikes[n]
    expected = np.cumsum(arriving[:num_steps], axis=0)
    np.testing.assert_allclose(recorded["c"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_neurons_get_the_weights_of_their_own_synapses(kind: str) -> None:
    """GeNN's `addToPre`: at a spike of a, a itself gets the weights that it has at that time."""
    random = np.random.default_rng(6)
    connectivity, w = some(kind, random)
    learning = jsnn.Plasticity(
        jsnn.PlasticityModel(
            params={},
            variables={},
            pre={},
            post={},
            on_pre=lambda p, s, pre, post: s | {"weight": s["weight"] * 2},
        )
    )
    forward = jsnn.Projection("a", "b", connectivity, plasticity=learning)
    at_spikes = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        sends_each=lambda p, weight, pre, post: weight * post["spike"],
    )
    shared = jsnn.Shared(forward, transposed=True)
    network = jsnn.Network(
        [jsnn.Population("a", 6, jsnn.IF, {"v_thresh": 1e3}), jsnn.Population("b", 4, jsnn.LIF)],
        [forward, jsnn.Projection("b", "a", shared, at_spikes)],
    )
    drive = np.zeros((4, 6), F32)
    drive[0, 2] = drive[2, 2] = drive[2, 4] = 1e4
    record = {"v": jsnn.Variable("a", "v"), "spikes": jsnn.Spikes("a")}
    _, recorded = jsnn.simulate(network, {"a": jsnn.over_time(drive)}, 4, record=record)
    sums = w.sum(axis=1)
    expected = np.zeros((4, 6))
    expected[1, 2], expected[3, 2], expected[3, 4] = sums[2], 2 * sums[2], sums[4]
    np.testing.assert_allclose(recorded["v"], np.where(recorded["spikes"], 0, expected), rtol=1e-5)


@pytest.mark.parametrize("kind", ["dense", "sparse", "one to one"])
def test_gradients_of_static_shared_weights_add_up(kind: str) -> None:
    """A tied autoencoder: the gradient is that of both projections."""
    connectivity, matrix = some(kind, np.random.default_rng(4))
    pre, post = matrix.shape
    forward = jsnn.Projection("x", "h", connectivity, jsnn.GRADED, {"v_thresh": 0.0})
    linear = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        sends=lambda p, pre: pre["v"],
    )
    forward = jsnn.Projection("x", "h", connectivity, linear)
    back = jsnn.Projection("h", "y", jsnn.Shared(forward, transposed=True), linear)
    network = jsnn.Network(
        [
            jsnn.Population("x", pre, jsnn.INTEGRATOR, initial={"v": np.ones(pre, F32)}),
            jsnn.Population("h", post, jsnn.INTEGRATOR),
            jsnn.Population("y", pre, jsnn.INTEGRATOR),
        ],
        [forward, back],
    )

    def error(weights: jax.Array) -> jax.Array:
        tied = network.with_params({"x_to_h": {"weights": weights}})
        return jnp.sum(jsnn.simulate(tied, {}, 3)[0].populations["y"]["v"])

    weights = network.projection("x_to_h").connectivity.weights  # type: ignore[attr-defined]
    hidden = matrix.sum(axis=0)  # y = w w^T 1 after three steps, once
    np.testing.assert_allclose(error(weights), (matrix @ hidden).sum(), rtol=1e-5)
    gradient = np.asarray(jax.grad(error)(weights))
    full = 2 * np.broadcast_to(hidden, matrix.shape)
    if kind == "sparse":
        full = full[np.asarray(connectivity.pre), np.asarray(connectivity.post)]
    if kind == "one to one":
        full = 2 * np.diag(matrix)
    np.testing.assert_allclose(gradient, full, rtol=1e-5)


def test_shared_weights_that_do_not_fit_are_named() -> None:
    connectivity, _ = some("dense", np.random.default_rng(5))
    forward = jsnn.Projection("a", "b", connectivity)
    network = feedback(forward, (6, 4))
    with pytest.raises(
        TypeError, match=r"with_params of 'back', weights: its weights are those of 'a_to_b'"
    ):
        network.with_params({"back": {"weights": np.ones((4, 6), F32)}})
    with pytest.raises(
        ValueError, match=r"'back': given weights of shape \(6, 4\).*expected \(4, 6\)"
    ):
        jsnn.Network(
            network.populations,
            [forward, jsnn.Projection("b", "c", jsnn.Shared(forward), name="back")],
        )
    other = jsnn.Projection("a", "b", jsnn.Dense(np.ones((3, 4), F32)))
    wrong = jsnn.Projection("b", "c", jsnn.Shared(other, transposed=True), name="back")
    with pytest.raises(ValueError, match=r"'back'.*expected"):
        jsnn.Network(network.populations, [forward, wrong])
    lost = jsnn.Projection("b", "c", jsnn.Shared(forward, transposed=True), name="back")
    with pytest.raises(ValueError, match=r"'back', shared weights: unknown projection 'a_to_b'"):
        jsnn.Network(network.populations, [lost])
    learning = jsnn.Projection("a", "b", connectivity, plasticity=jsnn.Plasticity(jsnn.STDP))
    with pytest.raises(
        ValueError, match=r"shared weights: given a plasticity: False; expected True"
    ):
        jsnn.Network(network.populations, [learning, lost])
    with pytest.raises(TypeError, match=r"Shared: given Procedural|Shared: given int"):
        jsnn.Shared(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"transposed: given AllToAll; expected Dense"):
        jsnn.transposed(jsnn.AllToAll(np.float32(1), 2, 3))
