"""Rules for the scale λ of each layer: the activation that one spike a step stands for.

Larger activations saturate, smaller scales than needed lose nothing else; larger scales than needed
make rates low, and a rate is known to 1 / T only. Every rule gives one λ a layer, as [1] or
[channels]; the output layer always has one for all classes, whose spikes are compared. An output
whose potential is read needs none and has 1.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import finite_number, positive_int
from jsnn.conversion.activation import Identity, Quantised, qcfs
from jsnn.conversion.ann import MaxPool, Weighted, channels, each_neuron, has_weights
from jsnn.conversion.build import Built, build, input_unit, prepare
from jsnn.conversion.read import potentials
from jsnn.conversion.recipe import Recipe, Sample, Scale
from jsnn.conversion.run import drive_of, presented
from jsnn.models.model import Values
from jsnn.models.neurons import INTEGRATOR
from jsnn.network.network import Network
from jsnn.recording import MaxVariable


def _by_layer(
    sample: Sample,
    recipe: Recipe,
    rule: Callable[[Weighted, np.ndarray, list[np.ndarray]], ArrayLike],
) -> list[np.ndarray]:
    """λ of each layer by a rule of it, its activations [n, N] and the scales of those before it.

    Max pooling has the scale of the layer before.
    """
    scales: list[np.ndarray] = []
    for layer, found in zip(sample.layers, sample.activations, strict=True):
        if isinstance(layer, MaxPool):
            scales.append(scales[-1])
        elif isinstance(layer.activation, Identity) and recipe.read.of == "potential":
            scales.append(np.ones(1))
        else:
            scales.append(np.atleast_1d(np.asarray(rule(layer, found, scales))))
    return scales


def unscaled(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ_l = λ_(l-1) θ: with the threshold θ the weights stay as they are (the tutorial's)."""
    scales: list[np.ndarray] = []
    unit = np.asarray([input_unit(recipe)])
    for layer in sample.layers:
        if isinstance(layer, Weighted):
            unit = unit * recipe.v_thresh
        scales.append(unit)
    return scales


def largest_possible(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ_l = max_j (sum_i max(W_ij, 0) λ_(l-1) + max(b_j, 0)): no activation can be larger.

    Model-based normalisation, Diehl et al. 2015, IJCNN, algorithm 1, for inputs up to 1; there
    without biases.
    """

    def largest(layer: Weighted, _: np.ndarray, before: list[np.ndarray]) -> float:
        bound = _bound(layer, before[-1] if before else np.ones(1))
        if bound <= 0:
            raise ValueError(
                f"model, {layer.name}: no input makes any activation of it larger than 0; expected "
                "a layer that has an activation to be scaled by"
            )
        return bound

    return _by_layer(sample, recipe, largest)


def _bound(layer: Weighted, entering: np.ndarray) -> float:
    """The largest activation for inputs from 0 to `entering`, [1] or [channels]."""
    lowest = jnp.zeros(layer.parts[0].num_pre, layer.bias.dtype)
    highest = jnp.asarray(each_neuron(entering, lowest.size), layer.bias.dtype)
    for part in layer.parts:
        if has_weights(part):
            above = jax.tree.map(lambda w: jnp.maximum(w, 0), part)
            below = jax.tree.map(lambda w: jnp.minimum(w, 0), part)
            lowest, highest = (
                above.deliver(lowest) + below.deliver(highest),
                above.deliver(highest) + below.deliver(lowest),
            )
        else:
            lowest, highest = part.deliver(lowest), part.deliver(highest)
    return float(jnp.max(highest + jnp.maximum(layer.bias, 0)))


def largest_activation(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ_l = max(largest activation, largest weight): data-based, Diehl et al. 2015, algorithm 2."""
    return _by_layer(
        sample,
        recipe,
        lambda layer, found, _: max(_of_positive(100.0, found, layer.name), _largest_weight(layer)),
    )


def percentile(p: float = 99.9, *, per_channel: bool = False) -> Scale:
    """λ_l = the p-th percentile of a layer's activations above 0.

    Robust normalisation, Rueckauer et al. 2017, Front. Neurosci. 11, 682, section 2.2.2: a few
    saturated neurons cost less than rates that are low everywhere. Per channel: Kim et al. 2020,
    "Spiking-YOLO", AAAI.

    Raises ValueError where p is not in (0, 100]. Warns where it is 1 or less: most likely a
    fraction was meant.
    """
    number = finite_number(p, "percentile")
    if not 0 < number <= 100:
        raise ValueError(f"percentile: given {number:g}; expected a number in (0, 100]")
    if number <= 1:
        warnings.warn(
            f"percentile: given {number:g}, almost the smallest activation; expected percent, such "
            f"as {100 * number:g} if a fraction was meant",
            stacklevel=2,
        )
    return partial(_percentile, number, per_channel)


def _percentile(p: float, per_channel: bool, sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    def robust(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> ArrayLike:
        whole = _of_positive(p, found, layer.name)
        if not per_channel or isinstance(layer.activation, Identity):
            return whole
        by_channel = found.reshape(-1, channels(layer)).T
        # A channel that is silent on the calibration images takes the layer's scale.
        return np.asarray(
            [_of_positive(p, c, layer.name) if c.max() > 0 else whole for c in by_channel]
        )

    return _by_layer(sample, recipe, robust)


def _of_positive(p: float, values: np.ndarray, name: str) -> float:
    positive = values[values > 0]
    if not positive.size:
        raise ValueError(
            f"calibration_images: {name} is silent on all of them; expected images on which every "
            "layer has an activation to be scaled by"
        )
    return float(np.percentile(positive, p))


def trained(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ_l = the threshold of the layer's QCFS, which was trained along (Bu et al. 2022)."""

    def threshold(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> float:
        if isinstance(layer.activation, Quantised):
            return layer.activation.threshold
        if isinstance(layer.activation, Identity):
            return _of_positive(100.0, found, layer.name)
        raise ValueError(
            f"model, {layer.name}: its activation is a ReLU, which has no trained threshold; "
            "expected QCFS, or a recipe that finds the scales on data"
        )

    return _by_layer(sample, recipe, threshold)


def divided(rule: Scale, number: int) -> Scale:
    """λ_l / number, of another rule's λ_l: for neurons that emit up to `number` spikes a step."""
    return partial(_divided, rule, positive_int(number, "divided, number"))


def _divided(rule: Scale, number: int, sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    return [scale / number for scale in rule(sample, recipe)]


def least_error(num_steps: int, *, per_channel: bool = False) -> Scale:
    """λ_l = what makes E (qcfs(z; λ, T) - max(z, 0))² smallest: rounding against saturation.

    Minimal mean squared error, Li et al. 2021, "A free lunch from ANN: towards efficient, accurate
    spiking neural networks calibration", ICML, section 3.2, over 100 fractions of the maximum. Per
    channel as with `percentile`.
    """
    steps = positive_int(num_steps, "least_error, num_steps")
    return partial(_least_error, steps, per_channel)


def _least_error(
    num_steps: int, per_channel: bool, sample: Sample, recipe: Recipe
) -> list[np.ndarray]:
    def best(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> ArrayLike:
        whole = _of_positive(100.0, found, layer.name)
        single = not per_channel or isinstance(layer.activation, Identity)
        columns = found[:_ENOUGH].reshape(-1, 1 if single else channels(layer))
        highest = columns.max(axis=0)
        fractions = (np.arange(1, 101) / 100).astype(found.dtype)
        errors = _rounding_errors(columns, np.maximum(highest, _TINY), fractions, num_steps)
        # A channel that is silent on these images takes the layer's largest activation.
        return np.where(highest > 0, highest * fractions[np.argmin(errors, axis=0)], whole)

    return _by_layer(sample, recipe, best)


@partial(jax.jit, static_argnames="num_steps")
def _rounding_errors(
    values: jax.Array, highest: jax.Array, fractions: jax.Array, num_steps: int
) -> jax.Array:
    """[f, C]: mean squared error of activations [n, C] as rates, for λ = fraction * highest [C]."""
    rectified = jnp.maximum(values, 0)
    return jax.lax.map(
        lambda fraction: jnp.mean(
            (qcfs(values, fraction * highest[None], num_steps) - rectified) ** 2, axis=0
        ),
        fractions,
    )


_ENOUGH = 500
"""Images on which a mean over all neurons is known well enough."""

_TINY = np.float32(1e-30)
"""In the place of 0, to divide by."""


def largest_input(num_steps: int = 100) -> Scale:
    """λ_l = the largest input of the spiking layer itself in any step, layer after layer.

    Threshold balancing ("Spike-Norm"), Sengupta et al. 2019, "Going deeper in spiking neural
    networks", Front. Neurosci. 13, 95, algorithm 1: the layers before it already spike, as the
    recipe has them.
    """
    return partial(_largest_input, positive_int(num_steps, "largest_input, num_steps"))


def _largest_input(num_steps: int, sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    if recipe.firing.digits is not None:
        raise ValueError(
            "recipe, scale: given largest_input for firing in digits; expected a rule that looks "
            "at activations, such as percentile(99.9)"
        )
    listening = replace(recipe, read=potentials())

    def largest(layer: Weighted, _: np.ndarray, before: list[np.ndarray]) -> float:
        layers = sample.layers[: len(before) + 1]
        built = build(prepare(layers, [*before, np.ones(1)], listening), listening)
        inputs = _largest_inputs(built, listening, sample, num_steps)
        return _of_positive(100.0, inputs, layer.name)

    return _by_layer(sample, recipe, largest)


def _largest_inputs(built: Built, recipe: Recipe, sample: Sample, num_steps: int) -> np.ndarray:
    """The largest that arrives at each output neuron in any step, [n, N]."""
    network, output = built.network, built.places[-1].population
    populations = [
        replace(population, model=_ARRIVING) if population.name == output else population
        for population in network.populations
    ]
    hearing = Network(populations, network.projections, network.sources)
    record = (("largest", MaxVariable(output)),)
    drive = drive_of(built, recipe, sample.images)
    return np.asarray(presented(hearing, drive, sample.key, num_steps, record)[1]["largest"])


def _arriving(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": current * dt}


_ARRIVING = replace(INTEGRATOR, update=_arriving)
"""As V, what arrives in this step alone."""


def _largest_weight(layer: Weighted) -> float:
    return max(
        float(jnp.max(leaf))
        for part in layer.parts
        if has_weights(part)
        for leaf in jax.tree.leaves(part)
    )
