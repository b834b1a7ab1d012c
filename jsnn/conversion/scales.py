"""Rules for the scale λ of each layer: the activation that one spike a step stands for.

Larger activations saturate. A scale that is larger than needed makes rates low, and a rate is known
to 1 / T only. Every rule returns one λ per layer, [1] or [channels]. The output has one for all
classes, whose spikes are compared, or 1 if its potential is read. If an activation saturates
itself, as a clipped ReLU does, λ is at most that with which the neurons saturate there, whatever
the rule.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from operator import add

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_flag, finite_number, number_of_steps, positive_int
from jsnn.conversion.activation import Activation, Clipped, Identity, Quantised, qcfs
from jsnn.conversion.channel_scaling import each_neuron, has_weights
from jsnn.conversion.decoding import drives_of
from jsnn.conversion.layers import Branch, MaxPool, Weighted, entering, num_channels
from jsnn.conversion.network_builder import Built, build, prepare
from jsnn.conversion.output import potentials
from jsnn.conversion.recipe import Recipe, Sample, Scale
from jsnn.evaluation import present_all
from jsnn.models.model import Values
from jsnn.models.neurons import INTEGRATOR
from jsnn.network.network import Network
from jsnn.recording import MaxVariable


def _layer_by_layer(
    sample: Sample,
    recipe: Recipe,
    rule: Callable[[Weighted, np.ndarray, list[np.ndarray]], ArrayLike],
) -> list[np.ndarray]:
    """Find λ of each layer; max pooling takes that of its source.

    Args:
      sample: the artificial network.
      recipe: the recipe that the rule belongs to.
      rule: (layer, its activations [n, N], scales of the layers in front) -> λ.
    """
    scales: list[np.ndarray] = []
    for layer, found in zip(sample.layers, sample.activations, strict=True):
        if isinstance(layer, MaxPool):
            scales.append(scales[layer.source])
        elif isinstance(layer.activation, Identity) and recipe.output.integrates:
            scales.append(np.ones(1))
        else:
            scales.append(np.atleast_1d(np.asarray(rule(layer, found, scales))))
    return scales


def unscaled(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """Leave the weights as they are: λ_l = λ_k θ, with the threshold θ (GeNN's tutorial).

    If several layers k enter a layer, this holds for the one with the largest λ_k.
    """
    scales: list[np.ndarray] = []
    unit = np.asarray([recipe.coding.unit(recipe.v_thresh)])
    for layer in sample.layers:
        largest = np.max(entering(layer, unit, scales), axis=0)
        scales.append(largest * recipe.v_thresh if isinstance(layer, Weighted) else largest)
    return scales


def largest_possible(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """Scale by a bound that no activation exceeds, for inputs up to 1.

        λ_l = max_j (sum_k sum_i max(W_k,ij, 0) λ_k + max(b_j, 0))

    with the sources k of the layer, and at most what a clipped activation lets through. Model-based
    normalisation, Diehl et al. 2015, IJCNN, algorithm 1; there without biases.

    Raises:
      ValueError: if a layer has no activation above 0 for any input.
    """

    def largest(layer: Weighted, _: np.ndarray, before: list[np.ndarray]) -> float:
        bound = _bound(layer, entering(layer, np.ones(1), before))
        if bound <= 0:
            raise ValueError(
                f"model, {layer.name}: no input makes any activation of it larger than 0; expected "
                "a layer that has an activation to be scaled by"
            )
        return bound

    return _layer_by_layer(sample, recipe, largest)


def _bound(layer: Weighted, largest: list[np.ndarray]) -> float:
    """Return a bound on the activations for inputs from 0 to `largest` of each branch."""
    sums = [_highest_sum(b, x) for b, x in zip(layer.branches, largest, strict=True)]
    bound = float(jnp.max(reduce(add, sums) + jnp.maximum(layer.bias, 0)))
    activation = layer.activation
    return min(bound, activation.highest) if isinstance(activation, Clipped) else bound


def _highest_sum(branch: Branch, largest: np.ndarray) -> jax.Array:
    """Return bounds of W x, [post], for inputs x from 0 to `largest`, [1] or [channels]."""
    dtype = branch.parts[0].dtype
    lowest = jnp.zeros(branch.num_inputs, dtype)
    highest = jnp.asarray(each_neuron(largest, lowest.size), dtype)
    for part in branch.parts:
        if has_weights(part):
            above = jax.tree.map(lambda w: jnp.maximum(w, 0), part)
            below = jax.tree.map(lambda w: jnp.minimum(w, 0), part)
            lowest, highest = (
                above.deliver(lowest) + below.deliver(highest),
                above.deliver(highest) + below.deliver(lowest),
            )
        else:
            lowest, highest = part.deliver(lowest), part.deliver(highest)
    return highest


def largest_activation(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """Scale by the data: λ_l = max(largest activation, largest weight).

    Diehl et al. 2015, IJCNN, algorithm 2.

    Raises:
      ValueError: if a layer is silent on all calibration images.
    """

    def largest(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> float:
        return max(_of_positive(100.0, found, layer.name), _largest_weight(layer))

    return _layer_by_layer(sample, recipe, largest)


def percentile(p: float = 99.9, *, per_channel: bool = False) -> Scale:
    """Scale by the p-th percentile of a layer's activations above 0.

    Robust normalisation, Rueckauer et al. 2017, Front. Neurosci. 11, 682, section 2.2.2: a few
    saturated neurons cost less than rates that are low everywhere. Per channel: Kim et al. 2020,
    "Spiking-YOLO", AAAI.

    Args:
      p: percentile in (0, 100].
      per_channel: find a scale for each channel.

    Raises:
      ValueError: if p is not in (0, 100].
      TypeError: if p is not a number.

    Warns:
      UserWarning: if p is 1 or less, so most likely a fraction was meant.
    """
    check_flag(per_channel, "percentile, per_channel")
    number = finite_number(p, "percentile")
    if not 0 < number <= 100:
        raise ValueError(f"percentile: given {number:g}; expected a number in (0, 100]")
    if number <= 1:
        warnings.warn(
            f"percentile: given {number:g}, almost the smallest activation; expected percent, such "
            f"as {100 * number:g} if a fraction was meant",
            stacklevel=2,
        )
    return partial(_percentile, p=number, per_channel=per_channel)


def _percentile(sample: Sample, recipe: Recipe, *, p: float, per_channel: bool) -> list[np.ndarray]:
    def robust(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> ArrayLike:
        whole = _of_positive(p, found, layer.name)
        if not per_channel or isinstance(layer.activation, Identity):
            return whole
        by_channel = found.reshape(-1, num_channels(layer)).T
        # A channel that is silent on the calibration images takes the layer's scale.
        return np.asarray(
            [_of_positive(p, c, layer.name) if c.max() > 0 else whole for c in by_channel]
        )

    return _layer_by_layer(sample, recipe, robust)


def _of_positive(p: float, values: np.ndarray, name: str) -> float:
    """Return the p-th percentile of the values above 0."""
    positive = values[values > 0]
    if not positive.size:
        raise ValueError(
            f"calibration_images: {name} is silent on all of them; expected images on which every "
            "layer has an activation to be scaled by"
        )
    return float(np.percentile(positive, p))


def trained(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """Scale by the trained threshold of each layer's QCFS (Bu et al. 2022).

    Raises:
      ValueError: if the activation of a layer is another one.
    """

    def threshold(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> float:
        if isinstance(layer.activation, Quantised):
            return layer.activation.threshold
        if isinstance(layer.activation, Identity):
            return _of_positive(100.0, found, layer.name)
        raise ValueError(
            f"model, {layer.name}: its activation is a {_word(layer.activation)}, which has no "
            "trained threshold; expected QCFS, or a recipe that finds the scales on data"
        )

    return _layer_by_layer(sample, recipe, threshold)


def _word(activation: Activation) -> str:
    return "clipped ReLU" if isinstance(activation, Clipped) else "ReLU"


def divided(rule: Scale, number: int) -> Scale:
    """Divide the λ of another rule by `number`, for neurons that emit so many spikes a step.

    Raises:
      ValueError: if `number` is below 1.
      TypeError: if `number` is not an integer.
    """
    return partial(_divided, rule=rule, number=positive_int(number, "divided, number"))


def _divided(sample: Sample, recipe: Recipe, *, rule: Scale, number: int) -> list[np.ndarray]:
    return [scale / number for scale in rule(sample, recipe)]


def least_error(num_steps: int, *, per_channel: bool = False) -> Scale:
    """Scale by the λ with the least mean squared error of rounding and saturation.

        λ_l = argmin over λ of E (qcfs(z; λ, T) - max(z, 0))²

    Minimal mean squared error, Li et al. 2021, "A free lunch from ANN: towards efficient, accurate
    spiking neural networks calibration", ICML, section 3.2, over 100 fractions of the maximum.

    Args:
      num_steps: T.
      per_channel: find a scale for each channel.

    Raises:
      ValueError: if `num_steps` is below 1.
      TypeError: if `num_steps` is not an integer.
    """
    check_flag(per_channel, "least_error, per_channel")
    steps = number_of_steps(num_steps, "least_error, num_steps")
    return partial(_least_error, num_steps=steps, per_channel=per_channel)


def _least_error(
    sample: Sample, recipe: Recipe, *, num_steps: int, per_channel: bool
) -> list[np.ndarray]:
    def best(layer: Weighted, found: np.ndarray, _: list[np.ndarray]) -> ArrayLike:
        whole = _of_positive(100.0, found, layer.name)
        single = not per_channel or isinstance(layer.activation, Identity)
        columns = found[:_ENOUGH].reshape(-1, 1 if single else num_channels(layer))
        highest = columns.max(axis=0)
        fractions = (np.arange(1, 101) / 100).astype(found.dtype)
        errors = _rounding_errors(columns, np.maximum(highest, _TINY), fractions, num_steps)
        # A channel that is silent on these images takes the layer's largest activation.
        return np.where(highest > 0, highest * fractions[np.argmin(errors, axis=0)], whole)

    return _layer_by_layer(sample, recipe, best)


@partial(jax.jit, static_argnames="num_steps")
def _rounding_errors(
    values: jax.Array, highest: jax.Array, fractions: jax.Array, num_steps: int
) -> jax.Array:
    """Compute the mean squared error of activations as rates, with λ = fraction * highest.

    Args:
      values: activations, [n, C].
      highest: [C].
      fractions: [f].
      num_steps: T.

    Returns:
      [f, C].
    """
    rectified = jnp.maximum(values, 0)
    return jax.lax.map(
        lambda fraction: jnp.mean(
            (qcfs(values, fraction * highest[None], num_steps) - rectified) ** 2, axis=0
        ),
        fractions,
    )


_ENOUGH = 500
"""Images that are enough for a mean over all neurons."""

_TINY = np.float32(1e-30)
"""Divisor in place of 0."""


def largest_input(num_steps: int = 100) -> Scale:
    """Scale by the largest input of the spiking layer itself in any step, layer after layer.

    The layers in front of it spike already, as the recipe has them. Threshold balancing
    ("Spike-Norm"), Sengupta et al. 2019, "Going deeper in spiking neural networks: VGG and residual
    architectures", Front. Neurosci. 13, 95, algorithm 1.

    Args:
      num_steps: steps of each presentation.

    Raises:
      ValueError: if `num_steps` is below 1.
      TypeError: if `num_steps` is not an integer.
    """
    return partial(_largest_input, num_steps=number_of_steps(num_steps, "largest_input, num_steps"))


def _largest_input(sample: Sample, recipe: Recipe, *, num_steps: int) -> list[np.ndarray]:
    if recipe.firing.in_digits:
        raise ValueError(
            "recipe, scale: given largest_input for firing in digits; expected a rule that looks "
            "at activations, such as percentile(99.9)"
        )
    integrating = replace(recipe, output=potentials())

    def largest(layer: Weighted, _: np.ndarray, before: list[np.ndarray]) -> float:
        layers = sample.layers[: len(before) + 1]
        built = build(prepare(layers, [*before, np.ones(1)], integrating), integrating)
        inputs = _largest_inputs(built, integrating, sample, num_steps)
        return _of_positive(100.0, inputs, layer.name)

    return _layer_by_layer(sample, recipe, largest)


def _largest_inputs(built: Built, recipe: Recipe, sample: Sample, num_steps: int) -> np.ndarray:
    """Return the largest input of each output neuron in any step, [n, N]."""
    network, output = built.network, built.layers[-1].name
    populations = [
        replace(population, model=_INPUT_OF_STEP) if population.name == output else population
        for population in network.populations
    ]
    observed = Network(populations, network.projections, network.sources)
    drives = drives_of(built, recipe, sample.images)
    record = {"largest": MaxVariable(output)}
    return present_all(observed, drives, num_steps, record, key=sample.key)["largest"]


def _input_of_step(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": current * dt}


_INPUT_OF_STEP = replace(INTEGRATOR, update=_input_of_step)
"""Neuron whose V is its input in the present step alone."""


def _largest_weight(layer: Weighted) -> float:
    return max(
        float(jnp.max(leaf))
        for branch in layer.branches
        for part in branch.parts
        if has_weights(part)
        for leaf in jax.tree.leaves(part)
    )
