"""No memory is shared: not with the arrays of the user, nor between a state and its network."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._engine.inputs import checked_drive
from tests.networks import F32

N = 16


def aligned(shape: tuple[int, ...], fill: float, dtype: Any = F32) -> np.ndarray:
    """Return an array whose memory XLA can take over, since it starts at a multiple of 64 bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array = memory[start : start + size].view(dtype).reshape(shape)
    array[:] = fill
    return array


def test_xla_takes_over_the_memory_of_an_aligned_array() -> None:
    """Show that the arrays of these tests are of the kind that could be shared."""
    given = aligned((N,), 1.0)
    taken = jnp.asarray(given, F32)
    given[:] = 0
    assert not np.any(taken)


def population(given: np.ndarray, field: str) -> jsnn.Network:
    values = {"v_thresh" if field == "params" else "v": given}
    return jsnn.Network([jsnn.Population("a", N, jsnn.IF, **{field: values})])


CELLS = jsnn.Network([jsnn.Population("a", N, jsnn.IF)])
INDICES = np.arange(N)
KEEPERS: dict[str, tuple[tuple[int, ...], Callable[[np.ndarray], Any]]] = {
    "Dense": ((N, N), jsnn.Dense),
    "Sparse": ((N,), lambda w: jsnn.Sparse(INDICES, INDICES, w, N, N)),
    "OneToOne": ((N,), jsnn.OneToOne),
    "Conv2D": ((4, 4, 1, 1), lambda w: jsnn.Conv2D(w, (4, 4, 1))),
    "fixed_probability": (
        (N * N,),
        lambda w: jsnn.fixed_probability(jax.random.key(0), N, N, 1.0, w),
    ),
    "parameters": ((N,), lambda values: population(values, "params")),
    "initial values": ((N,), lambda values: population(values, "initial")),
    "with_params": ((N,), lambda values: CELLS.with_params({"a": {"v_thresh": values}})),
    "with_params of weights": (
        (N, N),
        lambda w: jsnn.Network(
            CELLS.populations, [jsnn.Projection("a", "a", jsnn.Dense(np.ones((N, N), F32)))]
        ).with_params({"a_to_a": {"weights": w}}),
    ),
}


@pytest.mark.parametrize("name", KEEPERS)
def test_an_array_may_be_used_anew_after_it_was_given(name: str) -> None:
    shape, keeper = KEEPERS[name]
    given = aligned(shape, 2.0)
    kept = keeper(given)
    before = jax.tree.map(np.array, kept)
    given[:] = 1.0
    jax.tree.map(np.testing.assert_array_equal, kept, before)


@pytest.mark.parametrize("constant", [True, False])
def test_a_drive_may_be_used_anew_after_it_was_given(constant: bool) -> None:
    currents = aligned((N,) if constant else (3, N), 1.0)
    drive = {"a": currents if constant else jsnn.over_time(currents)}
    checked = checked_drive(CELLS, drive, 3)
    currents[:] = 0.0
    assert all(np.all(leaf == 1.0) for leaf in jax.tree.leaves(checked))


def learning_network() -> jsnn.Network:
    """Plastic weights, values for each neuron, delays of each synapse, noise."""
    random = np.random.default_rng(0)
    weights = random.uniform(0, 0.5, (N, N)).astype(F32)
    delays = 1 + np.arange(N) % 3
    return jsnn.Network(
        [
            jsnn.Population("a", N, jsnn.IF, initial={"v": random.uniform(0, 1, N).astype(F32)}),
            jsnn.Population("b", N, jsnn.LIF),
        ],
        [
            jsnn.Projection(
                "a", "b", jsnn.Dense(weights), plasticity=jsnn.Plasticity(jsnn.STDP), name="learns"
            ),
            jsnn.Projection(
                "a", "b", jsnn.Sparse(INDICES, INDICES, weights[0], N, N, delays), name="delayed"
            ),
        ],
        [jsnn.CurrentSource("noise", "a", jsnn.GAUSSIAN_NOISE)],
    )


def buffers(tree: Any) -> set[int]:
    def address(leaf: jax.Array) -> int:
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return (leaf._base_array if is_key else leaf).unsafe_buffer_pointer()

    return {address(leaf) for leaf in jax.tree.leaves(tree) if leaf.size}


def test_a_donated_state_leaves_network_and_key_whole() -> None:
    network, key = learning_network(), jax.random.key(1)
    state = jsnn.init(network, key)
    assert not buffers(state) & buffers((network, key))

    @jax.jit
    def expected(network: jsnn.Network, state: jsnn.State) -> jsnn.State:
        return jsnn.simulate(network, {"a": 1.0}, 3, state=state)[0]

    after = expected(network, state)
    donated = jax.jit(expected, donate_argnums=1)(network, jsnn.init(network, key))
    for got, wanted in zip(*map(jax.tree.leaves, (donated, after)), strict=True):
        assert got.dtype == wanted.dtype
        if got.dtype == F32:
            np.testing.assert_array_equal(got, wanted)
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves((network, key)))


@pytest.mark.parametrize(
    "mapping",
    [
        lambda state: state.populations,
        lambda state: state.populations["a"],
        lambda state: state.projections,
        lambda state: state.projections["learns"].plasticity.synapses,
    ],
)
def test_a_fork_cannot_be_changed_in_place(mapping: Callable[[jsnn.State], Any]) -> None:
    network = learning_network()
    state = jsnn.init(network, jax.random.key(1))
    for fork in (state, dataclasses.replace(state), jax.tree.map(lambda leaf: leaf, state)):
        with pytest.raises(TypeError, match=r"cannot be changed.*dataclasses\.replace"):
            mapping(fork)["a"] = 0


def test_an_edit_of_a_state_makes_a_new_one_of_the_same_structure() -> None:
    state = jsnn.init(learning_network(), jax.random.key(1))
    cells = {**state.populations["a"], "v": jnp.zeros(N)}
    new = dataclasses.replace(state, populations=state.populations | {"a": cells})
    assert np.any(state.populations["a"]["v"])
    assert not np.any(new.populations["a"]["v"])
    assert jax.tree.structure(new) == jax.tree.structure(state)
