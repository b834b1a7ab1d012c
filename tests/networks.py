"""Small networks, inputs and models that several tests use."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn

F32 = np.float32

# A neuron that only remembers its input, to see what a synapse or a source delivers.
PROBE = jsnn.NeuronModel(
    params={},
    variables={"current": 0.0},
    update=lambda p, x, current, dt: {"current": current},
    threshold=lambda p, x: jnp.full_like(x["current"], -1.0),
)

# A neuron that adds up the charge that reaches it and never spikes.
CHARGE = jsnn.NeuronModel(
    params={},
    variables={"q": 0.0},
    update=lambda p, x, current, dt: {"q": x["q"] + current * dt},
    threshold=lambda p, x: jnp.full_like(x["q"], -1.0),
)


def random_weights(seed: int, sizes: Sequence[int], scale: float = 1.0) -> list[np.ndarray]:
    """Matrices [pre, post] for a chain of layers, a little excitatory so that all layers spike."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(0.15, 0.5, (pre, post)) * scale).astype(F32)
        for pre, post in itertools.pairwise(sizes)
    ]


def dyadic_weights(seed: int, sizes: Sequence[int]) -> list[np.ndarray]:
    """Multiples of 1/64, the sums of which are exact in any order."""
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(-8, 40, (pre, post)) / 64).astype(F32)
        for pre, post in itertools.pairwise(sizes)
    ]


def random_images(seed: int, count: int, size: int, scale: float = 0.6) -> np.ndarray:
    """[count, size] in [0, scale), a third of the pixels dark."""
    rng = np.random.default_rng(seed)
    return (rng.random((count, size)) * (rng.random((count, size)) > 1 / 3) * scale).astype(F32)


def spike_trains(seed: int, shape: tuple[int, ...], rate: float) -> np.ndarray:
    """Independent spikes at `rate` per step."""
    return np.random.default_rng(seed).random(shape) < rate


def voltages_and_spikes(network: jsnn.Network) -> dict[str, Any]:
    """Recordings of everything: "v NAME" and "spikes NAME" for each population."""
    return {f"v {name}": jsnn.Variable(name) for name in network.sizes} | {
        f"spikes {name}": jsnn.Spikes(name) for name in network.sizes
    }


def with_projection_delays(network: jsnn.Network, delays: Sequence[int]) -> jsnn.Network:
    return dataclasses.replace(
        network,
        projections=[
            dataclasses.replace(projection, delay=delay)
            for projection, delay in zip(network.projections, delays, strict=True)
        ],
    )


def assert_same(got: Any, expected: Any) -> None:
    """Two pytrees agree in structure, dtype, shape and every bit; PRNG keys included."""
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_array_equal(_numbers(a), _numbers(b))


def _numbers(leaf: Any) -> np.ndarray:
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)


# A neuron that spikes where it is told to by 2 FORCE and never by its synapses, if these are weak.
FORCE = 1e4
FORCED = jsnn.NeuronModel(
    params={},
    variables={"input": 0.0},
    update=lambda p, x, current, dt: {"input": current},
    threshold=lambda p, x: x["input"] - FORCE,
)
