"""Train a network for conversion, with checkpoints from which an interrupted training continues."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments import cli
from experiments.checkpoints import only_process_in
from experiments.conversion.augment import augmented
from experiments.conversion.checkpoints import (
    Progress,
    checkpoints_in,
    copied,
    describe,
    load,
    load_architecture,
    resumed,
    save,
    split,
)
from experiments.conversion.data import as_square, images
from experiments.conversion.models import Architecture, build, inputs_of, without_parameters
from experiments.conversion.settings import Config, architecture_of, check, origin_of, settings_of
from experiments.conversion.spiking import Answer, answer, spikes_per_image, spiking_answer
from experiments.idx import Images


def train(config: Config, training: Images, held_out: Images) -> nnx.Sequential:
    """Train or continue to train, with a progress bar, and return the model in evaluation mode."""
    num_batches = len(training.labels) // config.batch_size
    if not num_batches:
        raise ValueError(
            f"--batch-size: given {config.batch_size}; expected at most {len(training.labels)}, "
            "the number of training images"
        )
    architecture = architecture_of(config)
    checkpoints = checkpoints_in(config.out)
    with only_process_in(config.out), cli.progress_bar(config.epochs, "epoch") as bar:
        structure, optimizer, progress = _start(config, num_batches)
        model = without_parameters(architecture)
        run_epoch = _epoch(config, structure, optimizer, num_batches)
        data = _training_data(config, training)
        if checkpoints.latest_step() is None:
            settings = settings_of(config) | {"origin": origin_of(config)}
            describe(config.out, settings, architecture)
        progress = resumed(checkpoints, progress)
        bar.update(int(progress.epoch))
        nnx.update(model, *progress.average)
        while int(progress.epoch) < config.epochs:
            progress, loss = run_epoch(progress, data)
            save(checkpoints, progress)
            nnx.update(model, *progress.average)
            measured = measure(model, architecture, held_out, config.steps)
            bar.update()
            bar.set_postfix(
                loss=f"{float(loss):.4f}",
                held_out=f"{measured.accuracy:.2%}",
                spikes=f"{measured.spikes:.0f}",
            )
    model.eval()
    return model


class Measured(NamedTuple):
    """Performance on a set of images.

    Attributes:
      accuracy: accuracy.
      spikes: spikes per image of all hidden neurons; for an artificial network, those that QCFS
        stands for in L steps.
    """

    accuracy: float
    spikes: float


def measure(
    model: nnx.Sequential, architecture: Architecture, given: Images, steps: int = 0
) -> Measured:
    """Measure the spiking network in `steps` steps, or the artificial network if there are none."""
    model.eval()
    structure, *kept = split(model)
    right = spikes = 0.0
    for start in range(0, len(given.labels), 1000):
        part = slice(start, start + 1000)
        x = inputs_of(architecture, given.pixels[part])
        predictions, count = _predictions(structure, kept, x, steps, architecture.levels)
        right += float(np.sum(np.asarray(predictions) == given.labels[part]))
        spikes += float(count) * len(x)
    return Measured(right / len(given.labels), spikes / len(given.labels))


def _predict(
    structure: Any, kept: Any, x: jax.Array, steps: int, levels: int
) -> tuple[jax.Array, jax.Array]:
    model = nnx.merge(structure, *kept)
    logits, rates = spiking_answer(model, x, steps) if steps else answer(model, x)
    return jnp.argmax(logits, axis=1), spikes_per_image(rates, steps or levels)


_predictions = jax.jit(_predict, static_argnums=(0, 3, 4))


def _start(config: Config, num_batches: int) -> tuple[Any, Any, Progress]:
    """Return structure, optimizer, and the state of the training before its first epoch."""
    model = build(architecture_of(config), nnx.Rngs(config.seed))
    if config.start is not None:
        _take_parameters(model, config.start)
    if config.steps:
        model.eval()  # batch normalisation as it was learnt; dropout is drawn by a given key
        for layer in model.layers:
            if isinstance(layer, nnx.Dropout):
                layer.deterministic = False
    structure, parameters, statistics = split(model)
    schedule = optax.cosine_decay_schedule(config.learning_rate, num_batches * config.epochs)
    matrices = jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)
    optimizer = optax.adamw(schedule, weight_decay=config.weight_decay, mask=matrices)
    kept = (parameters, statistics)
    progress = Progress(*kept, optimizer.init(parameters), kept, jnp.zeros((), jnp.int32))
    return structure, optimizer, copied(progress)


def _take_parameters(model: nnx.Sequential, directory: Path) -> None:
    """Give `model` the parameters in `directory`, whose model may have other dropout."""

    def with_state(model: nnx.Sequential) -> list[Any]:
        modules = [layer for layer in model.layers if isinstance(layer, nnx.Module)]
        return [module for module in modules if jax.tree.leaves(nnx.state(module))]

    own, given = with_state(model), with_state(load(directory))
    for to, source in zip(own, given, strict=True):
        nnx.update(to, nnx.state(source))


class _Data(NamedTuple):
    """Images with labels and, if there are teachers, their answers or their parameters.

    Attributes:
      pixels: uint8 [n, 784].
      labels: [n].
      teaching: mean answer of the teachers to images as they are, at the temperature, [n, 10].
      teachers: parameters and statistics of the teachers if images are augmented, so that the
        teachers answer anew in each epoch.
    """

    pixels: jax.Array
    labels: jax.Array
    teaching: jax.Array | None
    teachers: list[Any]


def _training_data(config: Config, training: Images) -> _Data:
    labels = jnp.asarray(training.labels.astype(np.int32))
    data = _Data(jnp.asarray(training.pixels), labels, None, [])
    if not config.distil:
        return data
    models = [split(load(directory))[1:] for directory in config.distil]
    if config.augment:
        return data._replace(teachers=models)
    teach = jax.jit(_teaching(config))
    parts = [
        teach(models, as_square(training.pixels[start : start + 1000])[..., 0])
        for start in range(0, len(training.labels), 1000)
    ]
    return data._replace(teaching=jnp.concatenate(parts))


def _teaching(config: Config) -> Callable[[list[Any], jax.Array], jax.Array]:
    """Return the function (parameters of teachers, images [n, 28, 28]) -> mean answer [n, 10]."""
    architectures = [load_architecture(directory) for directory in config.distil]
    structures = []
    for architecture in architectures:
        model = without_parameters(architecture)
        model.eval()
        structures.append(split(model).structure)

    def teach(teachers: list[Any], x: jax.Array) -> jax.Array:
        answers = []
        for architecture, structure, kept in zip(architectures, structures, teachers, strict=True):
            logits = answer(nnx.merge(structure, *kept), _shaped(architecture, x)).logits
            answers.append(jax.nn.softmax(logits / config.temperature))
        return sum(answers[1:], answers[0]) / len(answers)

    return teach


def _shaped(architecture: Architecture, x: jax.Array) -> jax.Array:
    """Reshape images, [n, 28, 28], to the inputs of the model."""
    return x[..., None] if architecture.takes_squares else x.reshape(len(x), -1)


def _epoch(
    config: Config, structure: Any, optimizer: Any, num_batches: int
) -> Callable[[Progress, _Data], tuple[Progress, jax.Array]]:
    """Return one pass over the training images, (progress, data) -> (progress, mean loss)."""
    architecture, teach = architecture_of(config), _teaching(config)
    root = jax.random.key(config.seed)

    def run(progress: Progress, data: _Data) -> tuple[Progress, jax.Array]:
        key = jax.random.fold_in(root, progress.epoch)
        order = jax.random.permutation(key, len(data.labels))
        order = order[: num_batches * config.batch_size].reshape(num_batches, config.batch_size)

        def update(progress: Progress, of_batch: Any) -> tuple[Progress, jax.Array]:
            batch, key = of_batch
            bend_key, dropout_key = jax.random.split(key)
            x = data.pixels[batch].reshape(-1, 28, 28).astype(jnp.float32) / 255
            if config.augment:
                x = augmented(x, bend_key, config.strength)
            if data.teachers:
                teaching = teach(data.teachers, x)
            else:
                teaching = None if data.teaching is None else data.teaching[batch]

            def loss_of(parameters: Any, x: jax.Array) -> tuple[jax.Array, Any]:
                model = nnx.merge(structure, parameters, progress.statistics, copy=True)
                given = _shaped(architecture, x)
                if config.steps:
                    answered = spiking_answer(model, given, config.steps, dropout_key)
                else:
                    answered = answer(model, given, dropout_key)
                number = len(x)
                taught = None if teaching is None else teaching[:number]
                loss = loss_of_answer(config, answered, data.labels[batch[:number]], taught)
                return loss, split(model).statistics

            if config.adversarial:
                x = half_moved(lambda x: loss_of(progress.parameters, x)[0], x, config.adversarial)
            gradient_of = jax.value_and_grad(loss_of, has_aux=True)
            (loss, statistics), gradients = gradient_of(progress.parameters, x)
            updates, optimizer_state = optimizer.update(
                gradients, progress.optimizer, progress.parameters
            )
            parameters = optax.apply_updates(progress.parameters, updates)
            count = optax.tree.get(optimizer_state, "count", filtering=_is_of_adam)
            average = _moved(progress.average, (parameters, statistics), config.average, count)
            new = Progress(parameters, statistics, optimizer_state, average, progress.epoch)
            return new, loss

        keys = jax.random.split(jax.random.fold_in(key, 1), num_batches)
        progress, losses = jax.lax.scan(update, progress, (order, keys))
        return progress._replace(epoch=progress.epoch + 1), jnp.mean(losses)

    return jax.jit(run, donate_argnums=0)


def half_moved(
    loss_of: Callable[[jax.Array], jax.Array], images: jax.Array, distance: float
) -> jax.Array:
    """Move each image of the first half along d loss / dx.

    Adversarial training: Goodfellow et al. 2015, "Explaining and harnessing adversarial examples",
    ICLR, with the norm of Miyato et al. 2016, "Distributional smoothing with virtual adversarial
    training", ICLR.

    Args:
      loss_of: loss of the images of the first half.
      images: [n, ...].
      distance: Euclidean distance.
    """
    moved = images[: len(images) // 2]
    gradient = jax.grad(loss_of)(moved).reshape(len(moved), -1)
    length = jnp.sqrt(jnp.sum(gradient**2, axis=1, keepdims=True))
    step = distance * gradient / jnp.maximum(length, jnp.finfo(length.dtype).tiny)
    return images.at[: len(moved)].add(step.reshape(moved.shape))


def _is_of_adam(path: Any, value: Any) -> bool:
    return "ScaleByAdamState" in str(path)


def _moved(average: Any, towards: Any, decay: float, count: jax.Array) -> Any:
    """Advance the moving average by one update; the first updates count for more."""
    count = count.astype(jnp.float32)
    kept = jnp.minimum(decay, count / (count + 10))
    return jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, average, towards)


def loss_of_answer(
    config: Config, answered: Answer, labels: jax.Array, teaching: jax.Array | None
) -> jax.Array:
    """Add the cross-entropies to labels and to the teachers' answers, and the penalty of spikes."""
    targets = optax.smooth_labels(jax.nn.one_hot(labels, 10), config.label_smoothing)
    loss = jnp.mean(optax.softmax_cross_entropy(answered.logits, targets))
    if teaching is not None:
        warm = config.temperature
        taught = jnp.mean(optax.softmax_cross_entropy(answered.logits / warm, teaching))
        loss = (1 - config.distil_weight) * loss + config.distil_weight * warm**2 * taught
    if config.spike_penalty:
        spikes = spikes_per_image(answered.rates, config.steps or config.levels)
        loss = loss + config.spike_penalty * jnp.maximum(spikes - config.spike_budget, 0)
    return loss


def main(config: Config) -> dict[str, Any]:
    check(config)
    architecture = architecture_of(config)
    training, held_out = (images(config.dataset, part) for part in ("training", "held_out"))
    started = time.perf_counter()
    model = train(config, training, held_out)
    results: dict[str, Any] = settings_of(config) | {"train_seconds": time.perf_counter() - started}
    parts = [("held_out", held_out)]
    parts += [("test", images(config.dataset, "test"))] if config.test else []
    for name, given in parts:
        ann = measure(model, architecture, given)
        results[f"ann_{name}_accuracy"] = ann.accuracy
        print(f"{name}: artificial network {ann.accuracy:.2%}")
        if config.activation == "qcfs":
            for steps in sorted({1, 2, architecture.levels, config.steps or 4}):
                snn = measure(model, architecture, given, steps)
                results[f"snn_{name}_accuracy_{steps}"] = snn.accuracy
                results[f"snn_{name}_spikes_{steps}"] = snn.spikes
                print(f"  {steps} steps: {snn.accuracy:.2%}, {snn.spikes:.1f} spikes per image")
    return results


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
