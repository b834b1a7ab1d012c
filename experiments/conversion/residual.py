"""ResNet-8 on Fashion-MNIST becomes a spiking network, without training it again.

The network of He et al. 2016, "Deep residual learning for image recognition", CVPR, with one block
at each of three sizes and about 75,000 parameters. Every recipe scales both branches of a block to
one unit (Hu, Tang & Pan 2018, "Spiking deep residual networks").
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

import jsnn
from experiments import cli
from experiments.conversion.data import as_square, images
from experiments.idx import Images
from jsnn.conversion import Recipe, light, percentile, recipes

WIDTHS = (16, 32, 64)
NUM_CALIBRATION = 512


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a part of the images."""

    epochs: int = 2
    """Passes over the training images."""
    images: int = 10_000
    """Number of training images, at most 55,000."""
    full: bool = False
    """Learn all 55,000 images in 10 epochs."""
    batch_size: int = 128
    """Images per update."""
    learning_rate: float = 3e-3
    """Learning rate of AdamW at the start of a cosine schedule."""
    num_images: int = 5000
    """Number of held-out training images."""
    test: bool = False
    """Measure on the test images too; for the last measurement only."""


class Block(nnx.Module):
    """Two convolutions beside a shortcut, which has a convolution of 1 x 1 where sizes change."""

    def __init__(self, pre: int, post: int, rngs: nnx.Rngs) -> None:
        stride = 1 if pre == post else 2
        conv = partial(nnx.Conv, use_bias=False, rngs=rngs)
        self.first = conv(pre, post, (3, 3), strides=stride)
        self.second = conv(post, post, (3, 3))
        self.first_norm, self.second_norm = (nnx.BatchNorm(post, rngs=rngs) for _ in range(2))
        self.shortcut = conv(pre, post, (1, 1), strides=2) if stride == 2 else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = nnx.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return nnx.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet8(nnx.Module):
    """Images [n, 28, 28, 1] -> logits [n, 10]; the first convolution has a stride of 2."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.stem = nnx.Conv(1, WIDTHS[0], (3, 3), strides=2, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(WIDTHS[0], rngs=rngs)
        sizes = zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)
        self.blocks = nnx.List([Block(pre, post, rngs) for pre, post in sizes])
        self.last = nnx.Linear(WIDTHS[-1], 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.last(x.mean(axis=(1, 2)))


def recipes_of() -> dict[str, tuple[Recipe, int]]:
    """Return recipes and the number of steps after which each is measured, by name."""
    scale = percentile(99.9, per_channel=True)
    return {
        "soft reset": (replace(recipes.rueckauer_2017(v_init=0.5), scale=scale), 32),
        "signed spikes": (replace(recipes.signed(), scale=scale), 32),
        "digits of base 2": (recipes.residual(8, scale), 8),
        "digits of base 1.5": (recipes.residual(8, scale, base=1.5), 8),
        "digits of base 1.5, calibrated": (
            replace(recipes.residual(8, scale, base=1.5), calibrate=light(8)),
            8,
        ),
    }


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "epochs", "images", "batch_size", "num_images")
    epochs, number = (10, 55_000) if config.full else (config.epochs, config.images)
    training = images("fashion", "training")
    model = train(
        Images(training.pixels[:number], training.labels[:number]), epochs=epochs, config=config
    )
    size = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
    results: dict[str, Any] = {"parameters": size, "epochs": epochs, "images": number}
    for part in ("held_out", "test") if config.test else ("held_out",):
        given = images("fashion", part)
        if part == "held_out":
            given = Images(given.pixels[: config.num_images], given.labels[: config.num_images])
        results[part] = measured(model, as_square(training.pixels[:NUM_CALIBRATION]), given)
        print(f"{part}: ResNet-8 of {size:,} parameters {results[part]['resnet8']:.2%}")
        for name, of_recipe in results[part]["spiking"].items():
            print(f"  {name}, {of_recipe['steps']} steps: {of_recipe['accuracy']:.2%}")
    return results


def train(given: Images, *, epochs: int, config: Config) -> ResNet8:
    """Train by AdamW on images that are shifted and mirrored at random."""
    model = ResNet8(nnx.Rngs(config.seed))
    structure, parameters, statistics = nnx.split(model, nnx.Param, nnx.BatchStat)
    updates = epochs * -(-len(given.labels) // config.batch_size)
    schedule = optax.cosine_decay_schedule(config.learning_rate, updates)
    optimizer = optax.adamw(schedule, weight_decay=1e-3)

    def loss_of(parameters: Any, statistics: Any, x: jax.Array, labels: jax.Array) -> Any:
        model = nnx.merge(structure, parameters, statistics, copy=True)
        loss = optax.softmax_cross_entropy_with_integer_labels(model(x), labels)
        return loss.mean(), nnx.state(model, nnx.BatchStat)

    @jax.jit
    def update(
        parameters: Any, statistics: Any, state: Any, x: jax.Array, labels: jax.Array
    ) -> Any:
        gradient_of = jax.value_and_grad(loss_of, has_aux=True)
        (loss, statistics), gradient = gradient_of(parameters, statistics, x, labels)
        changes, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, changes), statistics, state, loss

    state = optimizer.init(parameters)
    with cli.progress_bar(updates, "update") as bar:
        for x, labels in batches(given, epochs, config):
            parameters, statistics, state, loss = update(parameters, statistics, state, x, labels)
            bar.update()
            if bar.n % 50 == 0:
                bar.set_postfix(loss=f"{float(loss):.4f}")
    nnx.update(model, parameters, statistics)
    model.eval()
    return model


def batches(given: Images, epochs: int, config: Config) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield whole batches of all epochs, each image moved by up to two pixels and half mirrored."""
    random = np.random.default_rng(config.seed)
    framed = np.pad(as_square(given.pixels), ((0, 0), (2, 2), (2, 2), (0, 0)))
    for _ in range(epochs):
        order = random.permutation(len(given.labels))
        for start in range(0, len(order), config.batch_size):
            chosen = np.resize(order[start : start + config.batch_size], config.batch_size)
            down, across = random.integers(0, 5, (2, len(chosen), 1))
            rows, columns = (by + np.arange(28) for by in (down, across))
            columns = np.where(random.random((len(chosen), 1)) < 0.5, columns, columns[:, ::-1])
            x = framed[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
            yield x, given.labels[chosen].astype(np.int32)


def measured(model: ResNet8, calibration: np.ndarray, given: Images) -> dict[str, Any]:
    """Measure the accuracy of the model and of the spiking networks."""
    x = as_square(given.pixels)
    logits = jax.jit(lambda x: model(x))
    parts = [np.asarray(logits(x[start : start + 500])) for start in range(0, len(x), 500)]
    right = np.concatenate(parts).argmax(axis=1) == given.labels
    spiking: dict[str, dict[str, float]] = {}
    for name, (recipe, steps) in recipes_of().items():
        network, conversion = jsnn.convert(model, calibration, recipe)
        result = jsnn.evaluate(
            network,
            conversion.drive(x),
            given.labels,
            steps,
            conversion.readout,
            progress=True,
        )
        spiking[name] = {"steps": steps, "accuracy": result.accuracy}
    return {"resnet8": float(np.mean(right)), "spiking": spiking}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
