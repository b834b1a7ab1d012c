"""An exact network on the grid runs like the network that it was made from, to the bit."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

STEPS = 150


def everything(state: jsnn.State, spikes: dict[str, jax.Array]) -> Any:
    synapses = {f"{n}.{k}": x for n, p in state.projections.items() for k, x in p.synapse.items()}
    return spikes, state.populations, synapses


def run(network: jsnn.Network, drive: Any) -> Any:
    return jsnn.simulate(network, drive, STEPS, record={"all": everything})[1]["all"]


def assert_same_bits(network: jsnn.Network, drive: Any) -> None:
    """Compare spikes, variables of neurons and variables of synapses of both networks."""
    spikes, neurons, synapses = run(network, drive)
    exact_spikes, exact_neurons, _ = run(jsnn.exact(network), drive)
    assert sum(float(x.sum()) for n, x in spikes.items() if n != "in") > 0
    for name, expected in spikes.items():
        np.testing.assert_array_equal(exact_spikes[name], expected, name)
    for name, variables in neurons.items():
        for k, expected in variables.items():
            np.testing.assert_array_equal(exact_neurons[name][k], expected, f"{name}.{k}")
    of_exact = {k: x for variables in exact_neurons.values() for k, x in variables.items()}
    for k, expected in synapses.items():
        np.testing.assert_array_equal(of_exact[k], expected, k)


def random(shape: tuple[int, ...], scale: float, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(0.4, 1, shape) * scale, np.float32)


def trains(num: int, seed: int = 1) -> Any:
    return jsnn.over_time(np.random.default_rng(seed).random((STEPS, num)) < 0.1)


def sparse(pre: int, post: int, scale: float, max_delay: int = 0) -> jsnn.Sparse:
    rng = np.random.default_rng(2)
    weights = random((pre, post), scale, 3) * (rng.random((pre, post)) < 0.5)
    i, j = np.nonzero(weights)
    delays = rng.integers(1, max_delay + 1, i.size) if max_delay else None
    return jsnn.Sparse(i, j, weights[i, j], pre, post, delays)


# model, its parameters, a constant drive, the scale of weights and the steps in a ms
NEURONS = {
    "LIF": (jsnn.LIF, {}, 0.5, 1.0, 1.0),
    "IF": (jsnn.IF, {}, 0.01, 0.2, 1.0),
    "ALIF": (jsnn.ALIF, {"tau_refrac": 0.3}, 0.5, 1.0, 1.0),
    "ADEX": (jsnn.ADEX, {}, 0.3, 1.0, 0.1),
    "IZHIKEVICH": (jsnn.IZHIKEVICH, {}, 5.0, 8.0, 0.5),
    "LIF_CURR_EXP": (jsnn.LIF_CURR_EXP, {}, 0.3, 1.0, 1.0),
}


@pytest.mark.parametrize("name", NEURONS)
def test_each_model_with_dense_exponential_synapses(name: str) -> None:
    model, params, drive, scale, dt = NEURONS[name]
    populations = [
        jsnn.Population("in", 5, jsnn.SPIKE_SOURCE),
        jsnn.Population("a", 7, model, params),
        jsnn.Population("b", 6, model, params),
    ]
    projections = [
        jsnn.Projection("in", "a", jsnn.Dense(random((5, 7), scale)), jsnn.EXPONENTIAL),
        jsnn.Projection("a", "b", jsnn.Dense(random((7, 6), scale)), jsnn.ALPHA, delay=2),
        jsnn.Projection("b", "a", jsnn.Dense(random((6, 7), -scale)), jsnn.EXPONENTIAL),
    ]
    network = jsnn.Network(populations, projections, dt=dt)
    assert_same_bits(network, {"in": trains(5), "a": drive, "b": drive})


def test_conductances_as_inputs_of_the_neuron() -> None:
    size = 6
    weights = np.abs(random((size, size), 0.02))
    populations = [
        jsnn.Population("in", size, jsnn.SPIKE_SOURCE),
        jsnn.Population("cells", size, jsnn.LIF_COND_EXP, {"tau_refrac": 2.0}),
    ]
    projections = [
        jsnn.Projection("in", "cells", jsnn.Dense(weights), target="excitatory"),
        jsnn.Projection("cells", "cells", jsnn.Dense(weights / 4), target="inhibitory", delay=3),
    ]
    network = jsnn.Network(populations, projections, dt=0.5)
    assert_same_bits(network, {"in": trains(size), "cells": {"current": 0.2}})


def test_many_kinds_of_synapses_and_delays_into_one_population() -> None:
    populations = [
        jsnn.Population("in", 8, jsnn.SPIKE_SOURCE),
        jsnn.Population("cells", 8, jsnn.LIF, {"v_thresh": -60.0}, {"v": -65.0}),
        jsnn.Population("out", 3, jsnn.LEAKY_INTEGRATOR),
    ]
    delays = np.random.default_rng(4).integers(1, 5, (8, 8))
    projections = [
        jsnn.Projection("in", "cells", sparse(8, 8, 1.0), name="listed"),
        jsnn.Projection("in", "cells", jsnn.Dense(random((8, 8), 0.5)), name="whole"),
        jsnn.Projection("cells", "cells", sparse(8, 8, 0.4, 3), name="delayed"),
        jsnn.Projection(
            "cells", "cells", jsnn.Dense(random((8, 8), 0.2), delays=delays), jsnn.EXPONENTIAL
        ),
        jsnn.Projection(
            "in", "cells", jsnn.OneToOne(random((8,), 0.01)), jsnn.CONDUCTANCE, name="g"
        ),
        jsnn.Projection("in", "cells", sparse(8, 8, 1.0), target="v", delay=2, name="jump"),
        jsnn.Projection("cells", "out", jsnn.AllToAll(np.float32(0.3), 8, 3), delay=0),
    ]
    sources = [
        jsnn.CurrentSource("a", "cells", jsnn.CONSTANT, {"magnitude": 0.1}),
        jsnn.CurrentSource("b", "cells", jsnn.SINE_CURRENT),
    ]
    network = jsnn.Network(populations, projections, sources, dt=0.5)
    assert_same_bits(network, {"in": trains(8), "cells": 0.2})


def test_shared_weights_and_a_convolution() -> None:
    populations = [
        jsnn.Population("in", 36, jsnn.SPIKE_SOURCE),
        jsnn.Population("a", 32, jsnn.LIF),
        jsnn.Population("b", 5, jsnn.LIF),
    ]
    kernel = random((3, 3, 1, 2), 2.0)
    forward = jsnn.Projection("a", "b", jsnn.Dense(random((32, 5), 0.5)), jsnn.EXPONENTIAL)
    projections = [
        jsnn.Projection("in", "a", jsnn.Conv2D(kernel, (6, 6, 1))),
        forward,
        jsnn.Projection("b", "a", jsnn.Shared(forward, transposed=True)),
    ]
    assert_same_bits(jsnn.Network(populations, projections), {"in": trains(36), "b": 0.6})


def test_a_batch_and_a_compiled_run_give_the_same_bits() -> None:
    network = jsnn.feedforward([random((5, 6), 9.0), random((6, 4), 9.0)], jsnn.LIF)
    spikes = np.random.default_rng(1).random((3, STEPS, 5)) < 0.2

    @jax.jit
    def of_batch(network: jsnn.Network) -> Any:
        def one(trains: jax.Array) -> Any:
            currents = jnp.where(trains, 30.0, 0.0).astype(jnp.float32)
            return run(network, {"layer0": jsnn.over_time(currents)})

        return jax.vmap(one)(spikes)[0]

    plain, exact = of_batch(network), of_batch(jsnn.exact(network))
    assert plain["layer2"].sum() > 0
    for name in plain:
        np.testing.assert_array_equal(plain[name], exact[name])
