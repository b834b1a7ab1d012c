"""Training (part 0): train a bias-free ReLU network on MNIST and write its weights."""

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import jsnn
from experiments import cli
from experiments.checkpoints import only_process_in
from experiments.mnist.data import Images, held_out_images, test_images, training_images
from experiments.mnist.network import spiking_evaluation
from jsnn.conversion import dense_weights
from jsnn.network.weight_files import check_no_others


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags of Adam with a cosine schedule on 55,000 images; 5,000 are held out for validation."""

    hidden: tuple[int, ...] = (128,)
    """Sizes of the hidden layers."""
    out: cli.OutputDirectory = Path("results/weights")
    """Directory for the weights_*.npy; the shipped ones are in experiments/mnist/weights."""
    epochs: int = 20
    """Passes over the training images."""
    batch_size: int = 128
    """Images per update."""
    learning_rate: float = 2e-3
    """Learning rate of Adam, at the start of the cosine schedule."""
    input_dropout: float = 0.1
    """Fraction of the pixels that are dropped in training."""
    hidden_dropout: float = 0.2
    """Fraction of the hidden units that are dropped in training."""


def multilayer_perceptron(
    sizes: tuple[int, ...], input_dropout: float, hidden_dropout: float, rngs: nnx.Rngs
) -> nnx.Sequential:
    """Make a network 784 -> hidden ... -> 10 without biases, with ReLU and dropout in between."""
    he_normal = nnx.initializers.he_normal()
    layers: list[Any] = [nnx.Dropout(input_dropout, rngs=rngs)]
    for pre, post in itertools.pairwise(sizes):
        if len(layers) > 1:
            layers += [nnx.relu, nnx.Dropout(hidden_dropout, rngs=rngs)]
        layers.append(nnx.Linear(pre, post, use_bias=False, kernel_init=he_normal, rngs=rngs))
    return nnx.Sequential(*layers)


def train(config: Config, training: Images, held_out: Images) -> nnx.Sequential:
    """Train as configured, with a progress bar; return the model in evaluation mode."""
    rngs = nnx.Rngs(config.seed)
    sizes = (training.pixels.shape[1], *config.hidden, 10)
    model = multilayer_perceptron(sizes, config.input_dropout, config.hidden_dropout, rngs)
    num_batches = len(training.labels) // config.batch_size
    if not num_batches:
        raise ValueError(
            f"--batch-size: given {config.batch_size}; expected at most {len(training.labels)}, "
            "the number of training images"
        )
    schedule = optax.cosine_decay_schedule(config.learning_rate, num_batches * config.epochs)
    optimizer = nnx.Optimizer(model, optax.adam(schedule), wrt=nnx.Param)
    shuffle = np.random.default_rng(config.seed)
    with cli.progress_bar(config.epochs * num_batches, "batch") as bar:
        update = nnx.cached_partial(_update, model, optimizer)
        for epoch in range(1, config.epochs + 1):
            order = shuffle.permutation(len(training.labels))[: num_batches * config.batch_size]
            for batch in order.reshape(num_batches, config.batch_size):
                loss = update(training.pixels[batch], training.labels[batch])
                bar.update()
            model.eval()
            accuracy = ann_accuracy(dense_weights(model), held_out)
            model.train()
            bar.set_postfix(epoch=epoch, loss=f"{float(loss):.3f}", held_out=f"{accuracy:.2%}")
    model.eval()
    return model


@nnx.jit
def _update(
    model: nnx.Sequential, optimizer: nnx.Optimizer, pixels: jax.Array, labels: jax.Array
) -> jax.Array:
    def loss_of(model: nnx.Sequential) -> jax.Array:
        logits = model(pixels.astype(jnp.float32) / 255)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(model)
    optimizer.update(model, gradients)
    return loss


def ann_accuracy(weights: list[np.ndarray], images: Images) -> float:
    """Return the fraction of images that the ReLU network with these weights names correctly."""
    activation = images.pixels.astype(np.float32) / 255
    for matrix in weights[:-1]:
        activation = np.maximum(activation @ matrix, 0)
    return float(np.mean(np.argmax(activation @ weights[-1], axis=1) == images.labels))


def check(config: Config) -> None:
    """Raise ValueError if training cannot run with a flag."""
    cli.check_at_least_1(config, "hidden", "epochs", "batch_size")
    if not 0 < config.learning_rate < math.inf:
        raise ValueError(f"--learning-rate: given {config.learning_rate}; expected a number > 0")
    for flag, rate in (
        ("--input-dropout", config.input_dropout),
        ("--hidden-dropout", config.hidden_dropout),
    ):
        if not 0 <= rate < 1:
            raise ValueError(f"{flag}: given {rate}; expected a fraction in [0, 1)")
    check_no_others(config.out, len(config.hidden) + 1)


def main(config: Config) -> dict[str, Any]:
    check(config)
    with only_process_in(config.out):
        model = train(config, training_images(), held_out_images())
        weights = dense_weights(model)
        paths = jsnn.save_weights(config.out, weights)
    test = test_images()
    ann = ann_accuracy(weights, test)
    snn = spiking_evaluation(weights, test).accuracy
    held_out = ann_accuracy(weights, held_out_images())
    print(f"held-out accuracy of the ANN: {held_out:.2%}")
    print(f"test accuracy: ANN {ann:.2%}, spiking network {snn:.2%}")
    print("wrote " + ", ".join(str(path) for path in paths))
    return {
        "seed": config.seed,
        "sizes": [weights[0].shape[0], *(w.shape[1] for w in weights)],
        "ann_held_out_accuracy": held_out,
        "ann_test_accuracy": ann,
        "snn_test_accuracy": snn,
        "weights": [str(path) for path in paths],
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
