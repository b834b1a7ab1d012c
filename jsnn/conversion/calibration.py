"""Calibration: corrections of biases, initial potentials and weights, found on the spiking network.

Li et al. 2021, "A free lunch from ANN: towards efficient, accurate spiking neural networks
calibration", ICML. Layer after layer, the decoded spikes are compared with the activations on the
calibration images, behind the layers that are already calibrated. Nothing is trained on labels.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jsnn._checks import number_of_steps, positive_int
from jsnn.conversion.activation import Identity, qcfs
from jsnn.conversion.channel_scaling import each_neuron
from jsnn.conversion.decoding import decoded_values
from jsnn.conversion.layers import Weighted, entering, num_channels
from jsnn.conversion.network_builder import build
from jsnn.conversion.prepared import Prepared
from jsnn.conversion.recipe import Calibration, Recipe, Sample


def light(num_steps: int) -> Calibration:
    """Correct biases by the mean error of each channel over images and places (section 4.1).

        b_c <- b_c + E (activation - decoded value)_c

    Args:
      num_steps: steps of a presentation.

    Raises:
      ValueError: if `num_steps` is below 1.
      TypeError: if `num_steps` is not an integer.
    """
    return partial(_light, num_steps=number_of_steps(num_steps, "light, num_steps"))


def _light(
    sample: Sample, recipe: Recipe, prepared: list[Prepared], *, num_steps: int
) -> list[Prepared]:
    for i, each in enumerate(prepared):
        if isinstance(each.layer, Weighted):
            error = sample.activations[i] - _decoded(prepared, sample, recipe, num_steps)[i]
            by_channel = error.reshape(-1, num_channels(each.layer)).mean(axis=0)
            shift = each_neuron(by_channel, each.layer.size)
            prepared = _with(prepared, i, _shifted(each, each.layer, shift))
    return prepared


def advanced(num_steps: int, *, num_updates: int = 200, learning_rate: float = 1e-3) -> Calibration:
    """Refit weights and biases to the decoded spikes, then correct initial potentials.

    For each layer, with x_k the decoded spikes of its sources and a the activation,

        min over W_k, b of E |qcfs(sum of W_k x_k + b; λ, T) - a|²,
        then v_i <- v_i + T E (a - value)_i / λ

    Sections 4.2 and 4.3; Adam instead of gradient descent with momentum.

    Args:
      num_steps: T, the steps of a presentation.
      num_updates: updates of the weights of each layer.
      learning_rate: learning rate of Adam.

    Raises:
      ValueError: if `num_steps` or `num_updates` is below 1.
      TypeError: if `num_steps` or `num_updates` is not an integer.
    """
    return partial(
        _advanced,
        num_steps=number_of_steps(num_steps, "advanced, num_steps"),
        num_updates=positive_int(num_updates, "num_updates"),
        learning_rate=learning_rate,
    )


def _advanced(
    sample: Sample,
    recipe: Recipe,
    prepared: list[Prepared],
    *,
    num_steps: int,
    num_updates: int,
    learning_rate: float,
) -> list[Prepared]:
    if recipe.firing.in_digits:
        raise ValueError(
            "recipe, calibrate: given advanced for firing in digits; expected light, since rates "
            "are what it fits"
        )
    images = sample.images.astype(np.float32)
    found: list[np.ndarray] = []  # decoded values of the layers in front, which stay as they are
    for i, each in enumerate(prepared):
        if isinstance(each.layer, Weighted):
            fitted = _refitted(
                each.layer,
                jnp.asarray(each_neuron(each.scale, each.layer.size), jnp.float32),
                [jnp.asarray(x) for x in entering(each.layer, images, found)],
                jnp.asarray(sample.activations[i]),
                num_steps,
                num_updates,
                learning_rate,
            )
            prepared = _with(prepared, i, replace(each, layer=fitted))
            decoded = _decoded(prepared, sample, recipe, num_steps)[i]
            error = (sample.activations[i] - decoded).mean(axis=0)
            prepared = _with(prepared, i, _corrected(prepared[i], fitted, error, num_steps))
        found.append(_decoded(prepared, sample, recipe, num_steps)[i].astype(np.float32))
    return prepared


@partial(jax.jit, static_argnames=("num_steps", "num_updates"))
def _refitted(
    layer: Weighted,
    scale: jax.Array,
    values: list[jax.Array],
    activation: jax.Array,
    num_steps: int,
    num_updates: int,
    learning_rate: float,
) -> Weighted:
    optimiser = optax.adam(learning_rate)

    def loss(layer: Weighted, rows: jax.Array) -> jax.Array:
        potential = jax.vmap(layer.linear)(*(x[rows] for x in values))
        given = (
            potential
            if isinstance(layer.activation, Identity)
            else qcfs(potential, scale[None], num_steps)
        )
        return jnp.mean((given - activation[rows]) ** 2)

    def update(carry: Any, rows: jax.Array) -> tuple[Any, None]:
        layer, state = carry
        changes, state = optimiser.update(jax.grad(loss)(layer, rows), state)
        return (optax.apply_updates(layer, changes), state), None

    number = len(activation)
    key = jax.random.key(0, impl="threefry2x32")
    rows = jax.random.randint(key, (num_updates, min(_BATCH, number)), 0, number)
    (layer, _), _ = jax.lax.scan(update, (layer, optimiser.init(layer)), rows)
    return layer


_BATCH = 64
"""Images for one update."""


def _corrected(each: Prepared, layer: Weighted, error: np.ndarray, num_steps: int) -> Prepared:
    """Correct the mean error of each neuron, [N], by the bias of logits, else by potentials."""
    if isinstance(layer.activation, Identity):
        return _shifted(each, layer, error)
    return replace(
        each, v_init=each.v_init + num_steps * error / each_neuron(each.scale, layer.size)
    )


def _decoded(
    prepared: list[Prepared], sample: Sample, recipe: Recipe, num_steps: int
) -> list[np.ndarray]:
    """Present the calibration images and decode each layer, [n, N_l]."""
    built = build(prepared, recipe)
    return decoded_values(built, recipe, sample.images, num_steps, sample.key)


def _shifted(each: Prepared, layer: Weighted, shift: np.ndarray) -> Prepared:
    return replace(each, layer=layer.with_bias(np.asarray(layer.bias) + shift))


def _with(prepared: list[Prepared], i: int, each: Prepared) -> list[Prepared]:
    return [*prepared[:i], each, *prepared[i + 1 :]]
