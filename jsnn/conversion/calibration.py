"""What is corrected once a network spikes: biases, initial potentials, weights; nothing is trained.

Li et al. 2021, "A free lunch from ANN: towards efficient, accurate spiking neural networks
calibration", ICML. Layer after layer, what the spikes stand for is compared with the activations,
on the calibration images, behind the layers that are already calibrated.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jsnn._checks import positive_int
from jsnn.conversion.activation import Identity, qcfs
from jsnn.conversion.ann import MaxPool, Weighted, channels, each_neuron
from jsnn.conversion.build import Prepared, build, with_bias
from jsnn.conversion.recipe import Calibration, Recipe, Sample
from jsnn.conversion.run import values


def light(num_steps: int) -> Calibration:
    """b_c <- b_c + mean over images and places of (a - value): bias correction, section 4.1."""
    return partial(_light, positive_int(num_steps, "light, num_steps"))


def _light(
    num_steps: int, sample: Sample, recipe: Recipe, prepared: list[Prepared]
) -> list[Prepared]:
    for i, each in enumerate(prepared):
        if isinstance(each.layer, Weighted):
            error = _errors(prepared, i, num_steps, sample, recipe)
            by_channel = error.reshape(-1, channels(each.layer)).mean(axis=0)
            prepared = _shifted(prepared, i, each_neuron(by_channel, each.layer.size))
    return prepared


def advanced(num_steps: int, *, num_updates: int = 200, learning_rate: float = 1e-3) -> Calibration:
    """Weights and biases that rebuild the activations from spikes, then initial potentials.

    For each layer, with x what the spikes of the layer before stand for and a the activation,

        min over W, b of E |qcfs(W x + b; λ, T) - a|²,    then v_i <- v_i + T E (a - value)_i / λ

    Sections 4.2 and 4.3; Adam instead of gradient descent with momentum.
    """
    steps = positive_int(num_steps, "advanced, num_steps")
    return partial(_advanced, steps, positive_int(num_updates, "num_updates"), learning_rate)


def _advanced(
    num_steps: int,
    num_updates: int,
    learning_rate: float,
    sample: Sample,
    recipe: Recipe,
    prepared: list[Prepared],
) -> list[Prepared]:
    if recipe.firing.digits is not None:
        raise ValueError(
            "recipe, calibrate: given advanced for firing in digits; expected light, since rates "
            "are what it fits"
        )
    entering = sample.images.astype(np.float32)
    for i, each in enumerate(prepared):
        if isinstance(each.layer, Weighted):
            fitted = _refitted(
                each.layer,
                jnp.asarray(each_neuron(each.scale, each.layer.size), jnp.float32),
                jnp.asarray(entering),
                jnp.asarray(sample.activations[i]),
                num_steps,
                num_updates,
                learning_rate,
            )
            prepared = _with(prepared, i, replace(each, layer=fitted))
            error = _errors(prepared, i, num_steps, sample, recipe).mean(axis=0)
            if isinstance(each.layer.activation, Identity):
                prepared = _shifted(prepared, i, error)
            else:
                v_init = each.v_init + num_steps * error / each_neuron(each.scale, each.layer.size)
                prepared = _with(prepared, i, replace(prepared[i], v_init=v_init))
        found = values(build(prepared, recipe), recipe, sample.images, num_steps, sample.key)
        entering = found[i].astype(np.float32)
    return prepared


@partial(jax.jit, static_argnames=("num_steps", "num_updates"))
def _refitted(
    layer: Weighted,
    scale: jax.Array,
    entering: jax.Array,
    activation: jax.Array,
    num_steps: int,
    num_updates: int,
    learning_rate: float,
) -> Weighted:
    optimiser = optax.adam(learning_rate)

    def loss(layer: Weighted, rows: jax.Array) -> jax.Array:
        potential = jax.vmap(layer.before)(entering[rows])
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

    number = len(entering)
    rows = jax.random.randint(jax.random.key(0), (num_updates, min(_BATCH, number)), 0, number)
    (layer, _), _ = jax.lax.scan(update, (layer, optimiser.init(layer)), rows)
    return layer


_BATCH = 64
"""Images for one update."""


def _errors(
    prepared: list[Prepared], i: int, num_steps: int, sample: Sample, recipe: Recipe
) -> np.ndarray:
    """Activation of layer i less what its spikes stand for, [n, N_i]."""
    found = values(build(prepared, recipe), recipe, sample.images, num_steps, sample.key)
    return sample.activations[i] - found[i]


def _shifted(prepared: list[Prepared], i: int, error: np.ndarray) -> list[Prepared]:
    layer = prepared[i].layer
    assert not isinstance(layer, MaxPool)
    return _with(
        prepared, i, replace(prepared[i], layer=with_bias(layer, np.asarray(layer.bias) + error))
    )


def _with(prepared: list[Prepared], i: int, each: Prepared) -> list[Prepared]:
    return [*prepared[:i], each, *prepared[i + 1 :]]
