"""Numbers that are trained, their constraints, and the way back into a network."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx

import jsnn

F32 = np.float32
W = np.array([[0.5, -0.25, 0.0], [1.5, 0.75, -2.0]], F32)


def row(key: jax.Array, pre: jax.Array, num_post: int, dtype: Any) -> tuple[jax.Array, jax.Array]:
    return jnp.zeros(1, jnp.int32), jnp.ones(1, dtype)


DRAWN = jsnn.Procedural(jax.random.key(0), 2, 3, row)


def network() -> jsnn.Network:
    cells = [
        jsnn.Population("a", 2, jsnn.SPIKE_SOURCE),
        jsnn.Population("b", 3, jsnn.LIF, {"tau_m": [10.0, 20.0, 30.0]}),
        jsnn.Population("c", 2, jsnn.LEAKY_INTEGRATOR),
    ]
    rule = jsnn.Plasticity(jsnn.STDP)
    owner = jsnn.Projection("a", "b", jsnn.Dense(W), jsnn.EXPONENTIAL, {"tau": 4.0}, name="in")
    synapses = [
        owner,
        jsnn.Projection("a", "b", jsnn.LearntDelays(W, np.full((2, 3), 2.5, F32), 4), name="late"),
        jsnn.Projection("a", "b", DRAWN, name="drawn"),
        jsnn.Projection("a", "b", jsnn.Dense(0 * W), plasticity=rule, name="learns"),
        jsnn.Projection("a", "b", jsnn.Shared(owner), name="shared"),
        jsnn.Projection("b", "c", jsnn.Dense(W.T), name="out"),
    ]
    return jsnn.Network(cells, synapses)


def voltage(net: jsnn.Network) -> jax.Array:
    """Return the summed potential of the output after the fourth step of a drive."""
    spikes = jnp.asarray([[1, 0], [0, 1], [1, 1], [0, 0]], bool)
    drive = {"a": jsnn.over_time(spikes), "b": 1.5}
    record = {"v": jsnn.FinalVariable("c"), "b": jsnn.FinalVariable("b")}
    recorded = jsnn.simulate(net, drive, 4, record=record)[1]
    return recorded["v"].sum() + recorded["b"].sum()


def test_weights_of_projections_that_can_be_trained_are_chosen_by_default() -> None:
    values = jsnn.trainable(network())
    assert values.keys() == {"in", "late", "out"}
    assert all(numbers.keys() == {"weights"} for numbers in values.values())
    np.testing.assert_array_equal(values["in"]["weights"], W)


TRAIN = {
    "in": {"weights": "sign", "tau": None},
    "late": ["weights", "delays"],
    "learns": {"plasticity": ["a_plus"]},
    "b": {"tau_m": (12.0, None), "v_thresh": None, "initial": {"v": (-80.0, -60.0)}},
}


def test_gradients_reach_what_is_trained_and_nothing_else_moves() -> None:
    net, changed = network(), 0.0
    values = jsnn.trainable(net, TRAIN)
    gradient = jax.grad(lambda values: voltage(net.with_params(values)))(values)
    assert jax.tree.structure(gradient) == jax.tree.structure(values)
    for name in ("weights", "tau"):
        assert np.any(np.asarray(gradient["in"][name]) != 0)
    assert np.any(np.asarray(gradient["late"]["delays"]) != 0)
    assert np.all(np.asarray(gradient["b"]["initial"]["v"]) > 0)
    optimizer = optax.adam(0.01)
    with jax.numpy_dtype_promotion("standard"):
        updates, _ = optimizer.update(gradient, optimizer.init(values), values)
        after = net.with_params(optax.apply_updates(values, updates))
    for old, new in zip(jax.tree.leaves(net), jax.tree.leaves(after), strict=True):
        if jnp.issubdtype(old.dtype, jnp.floating):
            changed += float(np.any(np.asarray(old) != np.asarray(new)))
    assert changed == 7  # all that is trained, but for the rule of weights that reach nobody


def test_the_gradient_of_an_initial_value_is_the_decay_of_the_membrane() -> None:
    net = jsnn.Network([jsnn.Population("b", 1, jsnn.LIF, {"tau_m": 10.0})])
    values = jsnn.trainable(net, {"b": {"initial": ["v"]}})
    record = {"v": jsnn.FinalVariable("b")}
    final = lambda v: jsnn.simulate(net.with_params(v), {}, 4, record=record)[1]["v"].sum()  # noqa: E731
    gradient = jax.grad(final)(values)
    np.testing.assert_allclose(gradient["b"]["initial"]["v"], np.exp(-0.4), rtol=1e-5)


def test_values_move_back_into_the_bounds_of_models_and_constraints() -> None:
    net = network()
    values = jsnn.trainable(net, TRAIN)
    far = jax.tree.map(lambda x: x - 1000.0, values)
    low = jsnn.within_bounds(net, far, TRAIN)
    assert 0 < low["in"]["tau"] < 0.01  # a model declares tau > 0
    np.testing.assert_array_equal(low["b"]["tau_m"], 12)
    np.testing.assert_array_equal(low["b"]["initial"]["v"], -80)
    np.testing.assert_array_equal(low["late"]["delays"], 1)
    np.testing.assert_array_equal(low["in"]["weights"], np.where(W > 0, 0, W - 1000))
    high = jsnn.within_bounds(net, jax.tree.map(lambda x: x + 1000.0, values), TRAIN)
    np.testing.assert_array_equal(high["late"]["delays"], 4)
    np.testing.assert_array_equal(high["in"]["weights"], np.where(W < 0, 0, W + 1000))
    free = {"tau_m": None, "v_thresh": None, "initial": ["v"]}
    inside = jsnn.within_bounds(net, values, {**TRAIN, "b": free})
    jax.tree.map(np.testing.assert_array_equal, inside["in"], values["in"])
    assert -70 < low["b"]["v_thresh"] < -69.9  # v_reset, which is not trained, stays below
    net.with_params(low)
    net.with_params(high)


def test_a_bound_by_another_parameter_follows_that_parameter() -> None:
    net, train = network(), {"b": ["v_reset", "v_thresh"]}
    values = {"b": {"v_reset": jnp.float32(-30), "v_thresh": jnp.float32(-45)}}
    bounded = jsnn.within_bounds(net, values, train)
    assert -46 < bounded["b"]["v_reset"] < -45
    net.with_params(bounded)


def linen_gradients(net: jsnn.Network) -> Any:
    class Spiking(linen.Module):
        @linen.compact
        def __call__(self, _: jax.Array) -> jax.Array:
            values = self.param("values", lambda key: jsnn.trainable(net))
            return voltage(net.with_params(values))

    model = Spiking()
    params = model.init(jax.random.key(0), jnp.zeros(()))
    return jax.grad(lambda params: model.apply(params, jnp.zeros(())))(params)["params"]["values"]


def nnx_gradients(net: jsnn.Network) -> Any:
    class Spiking(nnx.Module):
        def __init__(self) -> None:
            self.values = nnx.data(jax.tree.map(nnx.Param, jsnn.trainable(net)))

        def __call__(self) -> jax.Array:
            return voltage(net.with_params(jax.tree.map(lambda x: x, nnx.as_pure(self.values))))

    gradient = nnx.grad(lambda model: model())(Spiking())
    return nnx.as_pure(gradient)["values"]


@pytest.mark.parametrize("of_module", [linen_gradients, nnx_gradients])
def test_values_can_be_the_parameters_of_a_flax_module(of_module: Callable[..., Any]) -> None:
    net = network()
    expected = jax.grad(lambda v: voltage(net.with_params(v)))(jsnn.trainable(net))
    for name, gradient in expected.items():
        given = of_module(net)[name]["weights"]
        np.testing.assert_allclose(given, gradient["weights"], rtol=1e-6)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"in2": ["weights"]}, r"train: .*'in2'.*'in'"),
        ({"drawn": ["weights"]}, r"train of 'drawn': given 'weights', but Procedural has no weigh"),
        ({"learns": ["weights"]}, r"train of 'learns': given 'weights', but its plasticity change"),
        ({"shared": ["weights"]}, r"train of 'shared': .*they are those of 'in'"),
        ({"in": ["delays"]}, r"train of 'in': given 'delays', but those of Dense are whole steps"),
        ({"in": ["tau_m"]}, r"train of 'in': .*'tau_m'"),
        ({"b": ["weights"]}, r"train of 'b': .*'weights'"),
        ({"b": "tau_m"}, r"train of 'b': given 'tau_m'; expected a list of names"),
        ({"b": {"tau_m": "positive"}}, r"train of 'b', 'tau_m': given the constraint 'positive'"),
        ({"b": {"tau_m": (3, 1)}}, r"train of 'b', 'tau_m': given bounds 3 to 1"),
        ({"b": {"tau_m": ("low", 3)}}, r"train of 'b', 'tau_m', bound: given str 'low'"),
        ({"b": {"tau_m": (np.nan, 3)}}, r"train of 'b', 'tau_m', bound: given nan"),
        ({"b": {"tau_m": (W, W)}}, r"train of 'b', 'tau_m', bound: given"),
        ({"b": {"initial": ["w"]}}, r"train of 'b'.*'w'"),
        ({"b": []}, r"train of 'b': given no names"),
        ({"b": [["tau_m"]]}, r"train of 'b': given \[\['tau_m'\]\]; expected a list of names"),
        ({}, r"train: given nothing to train"),
        (["in"], r"train: given list"),
    ],
)
def test_what_cannot_be_trained_is_named(train: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        jsnn.trainable(network(), train)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"b": {"tau_m": W}}, "given 'b', 'tau_m'; expected .* with the same `train`"),
        ({"in": {"weights": W}}, "given none for 'late', 'weights'; expected"),
        ([W], "within_bounds, values: given list; expected"),
    ],
)
def test_values_of_another_training_are_refused(values: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        jsnn.within_bounds(network(), values)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"in": {"delays": W}}, r"with_params of 'in', delays: its connectivity is Dense"),
        ({"late": {"delays": 9 + W}}, r"LearntDelays, delays: given 9\.5"),
        (
            {"in": {"weight": W}},
            r"projection 'in': unknown parameter 'weight'; did you mean 'weights'",
        ),
        (
            {"late": {"delay": W}},
            r"projection 'late': unknown parameter 'delay'; did you mean 'delays'",
        ),
        ({"in": {"weights": W[:1]}}, r"with_params of 'in', weights: given shape \(1, 3\)"),
        ({"b": {"initial": {"w": 0.0}}}, r"population 'b'.*'w'"),
        ({"b": {"initial": -70.0}}, r"with_params of 'b', initial: given float"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(params: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        network().with_params(params)
