"""Rules for the scale λ of each layer: the activation that one spike a step stands for.

Larger activations saturate, smaller scales than needed lose nothing else; larger scales than needed
make rates low, and a rate is known to 1 / T only. Every rule gives one λ a layer, as [1] or
[channels]; the output layer always has one for all classes, whose spikes are compared.
"""

import warnings
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import finite_number, positive_int
from jsnn.conversion.activation import Quantised, qcfs
from jsnn.conversion.ann import MaxPool, Weighted, channels, each_neuron, has_weights
from jsnn.conversion.build import build, prepare
from jsnn.conversion.read import potentials
from jsnn.conversion.recipe import Recipe, Sample, Scale
from jsnn.conversion.run import evidence_over_time


def unscaled(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ = 1: the weights are copied as they are (the tutorial's)."""
    return [np.ones(1) for _ in sample.layers]


def largest_possible(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ_l = max_j (sum_i max(W_ij, 0) λ_(l-1) + max(b_j, 0)): no activation can be larger.

    Model-based normalisation, Diehl et al. 2015, IJCNN, algorithm 1, for inputs up to 1; there
    without biases.
    """
    scales: list[np.ndarray] = []
    bound = np.ones(1)
    for layer in sample.layers:
        if isinstance(layer, Weighted):
            positive = jax.tree.map(lambda w: jnp.maximum(w, 0), layer)
            everywhere = jnp.asarray(each_neuron(bound, layer.parts[0].num_pre), layer.bias.dtype)
            bound = np.asarray([float(jnp.max(positive.before(everywhere)))])
        scales.append(bound)
    return scales


def largest_activation(sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    """λ_l = max(largest activation, largest weight): data-based, Diehl et al. 2015, algorithm 2."""
    scales: list[np.ndarray] = []
    for layer, found in zip(sample.layers, sample.activations, strict=True):
        if isinstance(layer, MaxPool):
            scales.append(scales[-1])
            continue
        activation = _of_positive(100.0, found, layer.name)
        scales.append(np.asarray([max(activation, _largest_weight(layer))]))
    return scales


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
    scales: list[np.ndarray] = []
    for i, (layer, found) in enumerate(zip(sample.layers, sample.activations, strict=True)):
        if isinstance(layer, MaxPool):
            scales.append(scales[-1])
            continue
        whole = _of_positive(p, found, layer.name)
        if not per_channel or i == len(sample.layers) - 1:
            scales.append(np.asarray([whole]))
            continue
        by_channel = found.reshape(-1, channels(layer)).T
        # A channel that is silent on the calibration images takes the layer's scale.
        scales.append(
            np.asarray(
                [_of_positive(p, c, layer.name) if c.max() > 0 else whole for c in by_channel]
            )
        )
    return scales


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
    scales: list[np.ndarray] = []
    for i, layer in enumerate(sample.layers):
        if isinstance(layer, MaxPool):
            scales.append(scales[-1])
        elif isinstance(layer.activation, Quantised):
            scales.append(np.asarray([layer.activation.threshold]))
        elif i == len(sample.layers) - 1:
            scales.append(np.asarray([_of_positive(100.0, sample.activations[i], layer.name)]))
        else:
            raise ValueError(
                f"model, {layer.name}: its activation is a ReLU, which has no trained threshold; "
                "expected QCFS, or a recipe that finds the scales on data"
            )
    return scales


def divided(rule: Scale, number: int) -> Scale:
    """λ_l / number, of another rule's λ_l: for neurons that emit up to `number` spikes a step."""
    return partial(_divided, rule, positive_int(number, "divided, number"))


def _divided(rule: Scale, number: int, sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    return [scale / number for scale in rule(sample, recipe)]


def least_error(num_steps: int) -> Scale:
    """λ_l = what makes E (qcfs(z; λ, T) - max(z, 0))² smallest: rounding against saturation.

    Minimal mean squared error, Li et al. 2021, "A free lunch from ANN: towards efficient, accurate
    spiking neural networks calibration", ICML, section 3.2, over 100 fractions of the maximum.
    """
    return partial(_least_error, positive_int(num_steps, "least_error, num_steps"))


def _least_error(num_steps: int, sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    scales: list[np.ndarray] = []
    for layer, found in zip(sample.layers, sample.activations, strict=True):
        if isinstance(layer, MaxPool):
            scales.append(scales[-1])
            continue
        candidates = _of_positive(100.0, found, layer.name) * np.arange(1, 101) / 100
        errors = _rounding_errors(found[:_ENOUGH], candidates.astype(found.dtype), num_steps)
        scales.append(candidates[[int(np.argmin(errors))]])
    return scales


@partial(jax.jit, static_argnames="num_steps")
def _rounding_errors(values: jax.Array, candidates: jax.Array, num_steps: int) -> jax.Array:
    """Mean squared error of activations [n, N] as rates, for each λ of [candidates]."""
    rectified = jnp.maximum(values, 0)
    return jax.lax.map(
        lambda c: jnp.mean((qcfs(values, c, num_steps) - rectified) ** 2), candidates
    )


_ENOUGH = 500
"""Images on which a mean over all neurons is known well enough."""


def largest_input(num_steps: int = 100) -> Scale:
    """λ_l = the largest input of the spiking layer itself in any step, layer after layer.

    Threshold balancing ("Spike-Norm"), Sengupta et al. 2019, "Going deeper in spiking neural
    networks", Front. Neurosci. 13, 95, algorithm 1: the layers before it already spike, as the
    recipe has them.
    """
    return partial(_largest_input, positive_int(num_steps, "largest_input, num_steps"))


def _largest_input(num_steps: int, sample: Sample, recipe: Recipe) -> list[np.ndarray]:
    scales: list[np.ndarray] = []
    for i, layer in enumerate(sample.layers):
        if isinstance(layer, MaxPool):
            scales.append(scales[-1])
            continue
        listening = replace(recipe, read=potentials())
        before = prepare(sample.layers[: i + 1], [*scales, np.ones(1)], listening)
        potential = evidence_over_time(
            build(before, listening), listening, sample.images, num_steps, sample.key
        )
        inputs = np.diff(potential, axis=1, prepend=np.float32(0))
        scales.append(np.asarray([_of_positive(100.0, inputs, layer.name)]))
    return scales


def _largest_weight(layer: Weighted) -> float:
    return max(
        float(jnp.max(leaf))
        for part in layer.parts
        if has_weights(part)
        for leaf in jax.tree.leaves(part)
    )
