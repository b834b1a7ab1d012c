"""Exact networks under the transformations of JAX, and networks that cannot be exact."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.models.model import Values

STEPS = 40


def network(weights: Any = None) -> jsnn.Network:
    rng = np.random.default_rng(0)
    w = np.asarray(rng.normal(1.5, 1.0, (4, 5)), np.float32) if weights is None else weights
    back = np.asarray(rng.normal(0.0, 1.0, (5, 5)), np.float32)
    delays = rng.integers(1, 4, (5, 5))
    i, j = np.nonzero(back > 0.5)
    populations = [
        jsnn.Population("in", 4, jsnn.SPIKE_SOURCE),
        jsnn.Population("cells", 5, jsnn.LIF, {"tau_refrac": 1.0}),
    ]
    projections = [
        jsnn.Projection("in", "cells", jsnn.Dense(w), jsnn.EXPONENTIAL),
        jsnn.Projection("cells", "cells", jsnn.Dense(back, delays=delays), name="delayed"),
        jsnn.Projection("cells", "cells", jsnn.Sparse(i, j, back[i, j], 5, 5), name="sparse"),
    ]
    return jsnn.Network(populations, projections, dt=0.5)


def trains(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((STEPS, 4)) < 0.3


def loss(weights: jax.Array, trains: Any, interpolated: bool) -> jax.Array:
    exact = jsnn.exact(network(weights), interpolated=interpolated)
    record = {"v": jsnn.Variable("cells"), "shift": jsnn.Variable("cells", "shift")}
    recorded = jsnn.simulate(exact, {"in": jsnn.over_time(trains)}, STEPS, record=record)[1]
    return recorded["v"].mean() + recorded["shift"].sum()


@pytest.mark.parametrize("interpolated", [False, True])
def test_forward_mode_is_reverse_mode_and_new_weights_compile_nothing(
    interpolated: bool, compilations: Any
) -> None:
    weights = jnp.asarray(network().projection("in_to_cells").connectivity.weights)
    direction = jnp.asarray(np.random.default_rng(3).normal(size=weights.shape), weights.dtype)

    @jax.jit
    def both(weights: jax.Array, direction: jax.Array, trains: jax.Array) -> Any:
        of_weights = lambda w: loss(w, trains, interpolated)  # noqa: E731
        forward = jax.jvp(of_weights, (weights,), (direction,))[1]
        return forward, (jax.grad(of_weights)(weights) * direction).sum()

    forward, reverse = both(weights, direction, trains())
    assert forward != 0
    np.testing.assert_allclose(forward, reverse, rtol=1e-4)
    others = np.asarray(weights) + np.float32(0.1)
    with compilations() as names:
        both(others, direction, trains(2))
    assert names == []


def test_equal_networks_have_equal_models() -> None:
    one, other = (jsnn.exact(network()).population("cells").model for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)


def counting(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": x["v"] + current * dt, "left": jnp.maximum(x["left"] - 1, 0)}


def margin(p: Values, x: Values) -> jax.Array:
    return x["v"] - 1.0


COUNTER = jsnn.NeuronModel(
    name="COUNTER",
    params={},
    variables={"v": 0.0, "left": 0},
    update=counting,
    threshold=margin,
    reset=lambda p, x: {"v": jnp.zeros_like(x["v"]), "left": jnp.full_like(x["left"], 3)},
)
TIMELESS = jsnn.NeuronModel(
    name="TIMELESS",
    params={},
    variables={"v": 0.0},
    update=lambda p, x, current, dt: {"v": 0.9 * x["v"] + current},
    threshold=margin,
)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (COUNTER, r"population 'cells': COUNTER .* `reset` changes .left., .* expected a time"),
        (TIMELESS, r"population 'cells': TIMELESS .* do not depend on dt"),
        (jsnn.POISSON_NEURON, r"POISSON_NEURON .* it draws 'uniform' at random"),
        (jsnn.GLIF, r"GLIF .* `update` rounds 'refractory', .* expected a time that is left"),
        (jsnn.LIF_TWO_COMPARTMENTS, r"LIF_TWO_COMPARTMENTS .* `update` rounds 'refractory'"),
        (jsnn.IZHIKEVICH_GENN, r"IZHIKEVICH_GENN .* it clips v at the peak"),
    ],
)
def test_models_that_have_no_derivative_are_named(model: jsnn.NeuronModel, message: str) -> None:
    populations = [
        jsnn.Population("in", 2, jsnn.SPIKE_SOURCE),
        jsnn.Population("cells", 2, model),
    ]
    projection = jsnn.Projection("in", "cells", jsnn.Dense(np.ones((2, 2), np.float32)))
    with pytest.raises(ValueError, match=message):
        jsnn.exact(jsnn.Network(populations, [projection], dt=0.1))


def test_networks_that_cannot_be_exact_say_why() -> None:
    with pytest.raises(TypeError, match="exact, network: given int"):
        jsnn.exact(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="exact, interpolated"):
        jsnn.exact(network(), interpolated=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a network that is not exact yet"):
        jsnn.exact(jsnn.exact(network()))
    populations = [jsnn.Population("cells", 2, jsnn.LIF)]
    weights = jsnn.Dense(np.ones((2, 2), np.float32))
    learning = jsnn.Plasticity(jsnn.STDP)
    projection = jsnn.Projection("cells", "cells", weights, plasticity=learning)
    with pytest.raises(ValueError, match="projection 'cells_to_cells': given a plasticity"):
        jsnn.exact(jsnn.Network(populations, [projection]))
