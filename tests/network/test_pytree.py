import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._pytree import pytree, replace, static
from tests.networks import assert_same, random_weights


@pytree
class Point:
    name: str = static()
    x: jax.Array
    y: jax.Array = dataclasses.field(default_factory=lambda: jnp.zeros(()))

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a point needs a name")


def network() -> jsnn.Network:
    return jsnn.feedforward(random_weights(0, (5, 4, 3)), jsnn.LIF, synapse=jsnn.EXPONENTIAL)


def test_static_fields_are_structure_and_the_others_leaves() -> None:
    point = Point("p", jnp.ones(2))
    leaves, structure = jax.tree.flatten(point)
    assert len(leaves) == 2
    assert structure == jax.tree.structure(Point("p", jnp.zeros(3)))
    assert structure != jax.tree.structure(Point("q", jnp.ones(2)))


def test_unflattening_does_not_validate() -> None:
    placeholders = jax.tree.unflatten(jax.tree.structure(Point("p", jnp.ones(2))), ["x", object()])
    assert placeholders.x == "x"


def test_replace_does_not_validate_and_leaves_the_original_alone() -> None:
    point = Point("p", jnp.ones(2))
    assert replace(point, name="").name == ""
    assert point.name == "p"


def test_a_pytree_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point("p", jnp.ones(2)).name = "q"


def test_a_leaf_is_named_by_its_field() -> None:
    paths = jax.tree_util.tree_leaves_with_path(Point("p", jnp.ones(2)))
    assert [jax.tree_util.keystr(path) for path, _ in paths] == [".x", ".y"]


def test_a_network_survives_flattening() -> None:
    leaves, structure = jax.tree.flatten(network())
    assert_same(jax.tree.unflatten(structure, leaves), network())


def test_a_network_survives_jit() -> None:
    assert_same(jax.jit(lambda n: n)(network()), network())


def test_networks_that_differ_in_numbers_alone_have_one_structure() -> None:
    other = jsnn.feedforward(random_weights(1, (5, 4, 3)), jsnn.LIF, synapse=jsnn.EXPONENTIAL)
    assert jax.tree.structure(other) == jax.tree.structure(network())


@pytest.mark.parametrize(
    "other",
    [
        jsnn.feedforward(random_weights(0, (5, 4, 3)), jsnn.IF, synapse=jsnn.EXPONENTIAL),
        jsnn.feedforward(random_weights(0, (5, 4, 3)), jsnn.LIF),
        jsnn.feedforward(random_weights(0, (5, 4, 3)), jsnn.LIF, synapse=jsnn.EXPONENTIAL, delay=2),
    ],
    ids=["neuron model", "synapse model", "delay"],
)
def test_networks_that_differ_in_structure_say_so(other: jsnn.Network) -> None:
    assert jax.tree.structure(other) != jax.tree.structure(network())


def test_every_leaf_of_a_network_is_floating_so_that_grad_takes_it_whole() -> None:
    counting = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "n": 0, "fired": False},
        update=lambda p, x, current, dt: x | {"v": x["v"] + current * dt},
        threshold=lambda p, x: x["v"] - 1,
    )
    net = jsnn.Network(
        [jsnn.Population("a", 3, counting, initial={"n": np.array([1, 2, 3])})],
        sources=[
            jsnn.CurrentSource("table", "a", jsnn.PLAYBACK),
            jsnn.CurrentSource("noise", "a", jsnn.POISSON_INPUT),
        ],
    )
    assert {leaf.dtype for leaf in jax.tree.leaves(net)} == {np.dtype(np.float32)}
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(net))
