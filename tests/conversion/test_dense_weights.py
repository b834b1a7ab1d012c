import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jsnn
from jsnn.conversion import dense_weights


def linear(pre, post):
    return nnx.Linear(pre, post, use_bias=False, rngs=nnx.Rngs(0))


def biased(pre, post):
    return nnx.Linear(pre, post, bias_init=nnx.initializers.ones, rngs=nnx.Rngs(0))


def test_a_perceptron_gives_its_kernels_in_order():
    layers = [linear(6, 5), linear(5, 4), linear(4, 3)]
    dropout = nnx.Dropout(0.5, rngs=nnx.Rngs(0))
    model = nnx.Sequential(dropout, layers[0], nnx.relu, dropout, layers[1], jax.nn.relu, layers[2])
    weights = dense_weights(model)
    assert [w.shape for w in weights] == [(6, 5), (5, 4), (4, 3)]
    image = np.random.default_rng(0).random(6).astype(np.float32)
    activation = image
    for w in weights[:-1]:
        activation = np.maximum(activation @ w, 0)
    model.eval()
    np.testing.assert_allclose(activation @ weights[-1], model(jnp.asarray(image)), rtol=1e-5)


def test_a_perceptron_goes_straight_into_a_network():
    model = nnx.Sequential(linear(6, 5), nnx.relu, linear(5, 3))
    network = jsnn.feedforward(dense_weights(model), jsnn.IF)
    assert network.sizes == {"layer0": 6, "layer1": 5, "layer2": 3}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "no layer with weights"),
        ([linear(3, 2), linear(2, 2)], r"layers\.0, layers\.1: expected one Linear"),
        ([biased(3, 2)], r"layers\.0: given with a bias"),
        ([nnx.relu, linear(3, 2)], "model, identity: expected one Linear"),
        ([linear(3, 2), nnx.relu], "given as the last layer"),
        ([linear(3, 2), nnx.sigmoid, linear(2, 2)], "logistic of .* cannot be converted"),
        (
            [linear(3, 2), nnx.BatchNorm(2, bias_init=nnx.initializers.ones, rngs=nnx.Rngs(0))],
            r"layers\.0: given with a bias",
        ),
    ],
)
def test_a_layer_that_cannot_be_converted_is_named(layers, message):
    with pytest.raises(ValueError, match=message):
        dense_weights(nnx.Sequential(*layers))


def test_a_model_with_nan_is_refused():
    layer = linear(3, 2)
    layer.kernel[...] = jnp.full((3, 2), jnp.nan)
    with pytest.raises(ValueError, match=r"layers\.0: given NaN; expected finite"):
        dense_weights(nnx.Sequential(layer))


def test_a_model_that_hides_its_calls_is_refused():
    with pytest.raises(TypeError, match="given Linear; expected a Sequential"):
        dense_weights(linear(3, 2))
