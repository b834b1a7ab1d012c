"""Neurons that differ by their index or number, or look at each other, are run as they are."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.models.dependence import each_by_itself
from tests.networks import F32, dyadic_weights

N, T = 8, 20
FACTORS = np.linspace(0.25, 2, N, dtype=F32)
DRAWN = np.asarray(jax.random.uniform(jax.random.key(3), (N,), F32))

Input = Callable[[Any, Any], Any]
"""A function (v, current) -> new v, before the threshold."""


def one_number_of_neurons(v: jax.Array) -> jax.Array:
    return jnp.ones((), v.dtype) * v.shape[0]


# The model, and the same in NumPy. Every number is a multiple of a power of two, and so exact.
LATERAL: dict[str, tuple[Input, Input]] = {
    "index": (
        lambda v, i: v + i * (1 + jnp.arange(v.shape[0], dtype=v.dtype) / 4),
        lambda v, i: v + i * (1 + np.arange(N) / 4),
    ),
    "index of NumPy": (
        lambda v, i: v + i * np.arange(v.shape[0], dtype=v.dtype),
        lambda v, i: v + i * np.arange(N),
    ),
    "number of neurons": (lambda v, i: v + 2 * i / v.shape[0], lambda v, i: v + 2 * i / N),
    "number of neurons as an array": (
        lambda v, i: v + 2 * i / one_number_of_neurons(v),
        lambda v, i: v + 2 * i / N,
    ),
    "numbers of a fixed key": (
        lambda v, i: v + i + jax.random.uniform(jax.random.key(3), v.shape, v.dtype),
        lambda v, i: v + i + DRAWN,
    ),
    "mean field": (
        lambda v, i: v + i - jnp.mean(v) / 4,
        lambda v, i: v + i - v.mean(dtype=F32) / 4,
    ),
    "first neuron": (lambda v, i: v + i + v[0] / 4, lambda v, i: v + i + v[0] / 4),
    "neighbour": (lambda v, i: jnp.roll(v, 1) + i, lambda v, i: np.roll(v, 1) + i),
    "sorted": (lambda v, i: jnp.sort(v) + i, lambda v, i: np.sort(v) + i),
    "running sum": (lambda v, i: v + jnp.cumsum(i) / 4, lambda v, i: v + np.cumsum(i) / 4),
    "an array of one's own": (lambda v, i: v + i * FACTORS, lambda v, i: v + i * FACTORS),
}


def model(move: Input) -> jsnn.NeuronModel:
    return dataclasses.replace(jsnn.IF, update=lambda p, x, i, dt: {"v": move(x["v"], i * dt)})


def by_the_book(drive: dict[str, np.ndarray], weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the numbers of spikes, {population: [N]}."""
    v = {name: np.zeros(N, F32) for name in LATERAL} | {"out": np.zeros(3, F32)}
    counts = {name: np.zeros(len(v[name])) for name in v}
    arriving = np.zeros(3, F32)
    for _ in range(T):
        v["out"] = v["out"] + arriving
        arriving = np.zeros(3, F32)
        for name, (_, move) in LATERAL.items():
            v[name] = move(v[name], drive[name]).astype(F32)
            arriving += weights[name][v[name] >= 1].sum(axis=0)
        for name in v:
            counts[name] += v[name] >= 1
            v[name] = np.where(v[name] >= 1, F32(0), v[name])
    return counts


RANDOM = np.random.default_rng(0)
WEIGHTS = {name: dyadic_weights(i, (N, 3))[0] / 4 for i, name in enumerate(LATERAL)}
DRIVES = {name: (RANDOM.integers(0, 4, (7, N)) / 16).astype(F32) for name in LATERAL}
NETWORK = jsnn.Network(
    [
        *(jsnn.Population(name, N, model(move)) for name, (move, _) in LATERAL.items()),
        jsnn.Population("out", 3, jsnn.IF),
    ],
    [jsnn.Projection(name, "out", jsnn.Dense(w)) for name, w in WEIGHTS.items()],
)
COUNTS = {name: jsnn.SpikeCount(name) for name in NETWORK.sizes}
EXPECTED = [
    by_the_book({name: drive[image] for name, drive in DRIVES.items()}, WEIGHTS)
    for image in range(7)
]


@pytest.mark.parametrize("scheduled", [True, False])
def test_a_run_is_that_of_numpy(scheduled: bool) -> None:
    drive = {name: rows[0] for name, rows in DRIVES.items()}
    _, recorded = jsnn.simulate(NETWORK, drive, T, record=COUNTS, scheduled=scheduled)
    for name, counts in EXPECTED[0].items():
        np.testing.assert_array_equal(recorded[name], counts, err_msg=name)


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_a_batch_is_that_of_numpy(batch_size: int) -> None:
    results = jsnn.evaluate(
        NETWORK,
        DRIVES,
        np.zeros(7, int),
        num_steps=T,
        readout=jsnn.spike_count("out"),
        record=COUNTS,
        batch_size=batch_size,
    )
    for name in COUNTS:
        counts = [of_image[name] for of_image in EXPECTED]
        np.testing.assert_array_equal(results.recorded[name], counts, err_msg=name)


def test_neurons_of_equal_current_differ_where_a_model_makes_them_differ() -> None:
    """Else the tests above could not fail."""
    for name in set(LATERAL) - {"number of neurons", "number of neurons as an array"}:
        currents = np.concatenate(DRIVES[name])
        counts = np.concatenate([of_image[name] for of_image in EXPECTED])
        assert len(set(zip(currents, counts, strict=True))) > len(set(currents)), name


def test_an_array_of_ones_own_in_a_source_or_a_synapse_is_taken() -> None:
    """Such an array fits the neurons of its part, and not the three of a check."""
    source = dataclasses.replace(
        jsnn.CONSTANT, current=lambda p, x, key, dt: (x, p["magnitude"] * FACTORS)
    )
    synapse = dataclasses.replace(jsnn.DELTA, update=lambda p, x, a, post, dt: (x, a * FACTORS))
    network = jsnn.Network(
        [jsnn.Population("a", N, jsnn.INTEGRATOR), jsnn.Population("in", 2, jsnn.SPIKE_SOURCE)],
        [jsnn.Projection("in", "a", jsnn.Dense(np.ones((2, N), F32)), synapse)],
        [jsnn.CurrentSource("s", "a", source, {"magnitude": 2.0})],
    )
    state, _ = jsnn.simulate(network, {"in": 1.0}, 3)
    np.testing.assert_array_equal(state.populations["a"]["v"], 3 * 2 * FACTORS + 2 * 2 * FACTORS)
    with pytest.raises(ValueError, match=r"incompatible shapes.*\n.*File"):
        jsnn.Network([jsnn.Population("a", N + 1, model(LATERAL["an array of one's own"][0]))])


@jax.custom_vjp
def doubled(x: jax.Array) -> jax.Array:
    return 2 * x


doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (g,))
ONE_NUMBER = jnp.float32(0.5)
THREE_NUMBERS = np.arange(3, dtype=F32)

EACH_BY_ITSELF = {
    "where": lambda v: jnp.where(v > 1, v, 0.5),
    "clip": lambda v: jnp.clip(v, 0, 1),
    "power": lambda v: v**3,
    "remainder": lambda v: jnp.mod(v, 2.0),
    "relu": jax.nn.relu,
    "a rule for gradients": doubled,
    "checkpoint": jax.checkpoint(jnp.sin),
    "vmap of grad": jax.vmap(jax.grad(jnp.sin)),
    "a captured number": lambda v: v * ONE_NUMBER,
    "a loop": lambda v: jax.lax.fori_loop(0, 4, lambda _, x: x * 0.5, v),
    "a loop until": lambda v: jax.lax.while_loop(
        lambda c: c[0] < 3, lambda c: (c[0] + 1, 2 * c[1]), (0, v)
    )[1],
    "a branch": lambda v: jax.lax.cond(ONE_NUMBER > 0, jnp.sin, jnp.cos, v),
    "exponential Euler": lambda v: jsnn.exponential_euler(
        lambda x: {"v": -x["v"]}, {"v": v}, ONE_NUMBER
    )["v"],
}
NOT_EACH_BY_ITSELF = {
    "one neuron": lambda v: v + v[0],
    "a sum": lambda v: v - v.sum(),
    "a product": lambda v: v * jnp.dot(v, v),
    "softmax": jax.nn.softmax,
    "reversed": lambda v: v[::-1],
    "sorted": jnp.sort,
    "one that is set": lambda v: v.at[1].set(0.5),
    "an axis of length 1": lambda v: v[None].sum(axis=0),
    "an array of as many neurons as in a check": lambda v: v + THREE_NUMBERS,
    "the same within jit": jax.jit(lambda v: v + THREE_NUMBERS),
    "a power of the number of neurons": lambda v: v ** v.shape[0],
    "as many turns as neurons": lambda v: jax.lax.fori_loop(0, v.shape[0], lambda _, x: x * 1.5, v),
    "a turn for each neuron": lambda v: jax.lax.scan(lambda c, x: (c + x, c), ONE_NUMBER, v)[1],
    "a branch if any": lambda v: jax.lax.cond(jnp.any(v > 1), jnp.sin, jnp.cos, v),
    "a loop until all": lambda v: jax.lax.while_loop(
        lambda x: jnp.any(x < 3), lambda x: 2 * x + 1, v
    ),
    "a sum over a named axis": lambda v: jax.vmap(lambda x: jax.lax.psum(x, "i"), axis_name="i")(v),
    "the index along a named axis": lambda v: (
        v * jax.vmap(lambda x: 0 * x + jax.lax.axis_index("i").astype(x.dtype), axis_name="i")(v)
    ),
    "one random number": lambda v: v + jax.random.uniform(jax.random.key(0), (), v.dtype),
    "a call of NumPy": lambda v: jax.pure_callback(
        np.sort, jax.ShapeDtypeStruct(v.shape, v.dtype), v
    ),
}


@pytest.mark.parametrize("part", ["update", "threshold", "reset"])
@pytest.mark.parametrize("name", [*EACH_BY_ITSELF, *NOT_EACH_BY_ITSELF])
def test_what_looks_at_other_neurons_is_found(name: str, part: str) -> None:
    function = (EACH_BY_ITSELF | NOT_EACH_BY_ITSELF)[name]
    changed = {
        "update": lambda p, x, i, dt: {"v": function(x["v"])},
        "threshold": lambda p, x: function(x["v"]),
        "reset": lambda p, x: {"v": function(x["v"])},
    }
    tested = dataclasses.replace(jsnn.IF, **{part: changed[part]})
    assert each_by_itself(tested) == (name in EACH_BY_ITSELF)


@pytest.mark.parametrize(
    "built_in",
    [m for m in vars(jsnn.models).values() if isinstance(m, jsnn.NeuronModel)],
    ids=lambda m: m.name,
)
def test_built_in_neurons_are_each_by_itself(built_in: jsnn.NeuronModel) -> None:
    assert each_by_itself(built_in)
