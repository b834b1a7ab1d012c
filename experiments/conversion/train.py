"""Train a network that is to be converted, with checkpoints: an interrupted training goes on."""

import dataclasses
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
from flax import nnx
from tqdm import tqdm

from experiments import cli
from experiments.conversion.augment import augmented
from experiments.conversion.data import DataSet, as_square, images
from experiments.conversion.models import Architecture, Model, build, inputs_of
from experiments.conversion.spiking import Answer, answer, spikes_per_image, spiking_answer
from experiments.idx import Images

ARCHITECTURE = "architecture.json"
TRAINING = "training.json"


@dataclass(frozen=True)
class Config(cli.Config):
    """AdamW with a cosine schedule on 55,000 images; choices are made on 5,000 held out."""

    model: Model = "mlp128"
    """mlp128: 784-128-10. mlp256_128: 784-256-128-10. mlp1200: 784-1200-1200-10. cnn:
    12c5-64c5-10."""
    activation: Literal["relu", "qcfs"] = "qcfs"
    """After every hidden layer."""
    levels: int = 4
    """L, the quantisation steps of qcfs."""
    reduction: Literal["average", "max", "stride"] = "average"
    """How a cnn halves its images: pooled after the activation, or convolved with a stride of 2."""
    batch_norm: bool = True
    """Batch normalisation after every convolution of a cnn."""
    input_dropout: float = 0.0
    """Fraction of the pixels that are dropped in training."""
    hidden_dropout: float = 0.0
    """Fraction of the hidden units that are dropped in training."""
    dataset: DataSet = "mnist"
    """Which images."""
    epochs: int = 20
    """Passes over the training images."""
    batch_size: int = 256
    """Images per update."""
    learning_rate: float = 2e-3
    """Of AdamW, at the start of the cosine schedule."""
    weight_decay: float = 1e-4
    """Of AdamW, for the parameters that are matrices or convolutions."""
    label_smoothing: float = 0.0
    """Share of each label that is spread over all classes."""
    average: float = 0.998
    """The model is a moving average of the parameters, with this decay per update; 0: their last
    value."""
    spike_penalty: float = 0.0
    """Added to the loss for every spike per image in L steps (in --steps, where they are given)."""
    steps: int = 0
    """Train through the spiking network itself in so many steps; 0: as the artificial network."""
    augment: bool = False
    """Turn, scale, shear, shift and bend the images, anew in every epoch."""
    strength: float = 1.0
    """Of --augment."""
    distil: tuple[Path, ...] = ()
    """Directories of trained models, the teachers: their mean answer is learnt along."""
    distil_weight: float = 0.7
    """Share of the teachers in the loss; the labels have the rest."""
    temperature: float = 2.0
    """By which the answers of teachers and pupil are divided before they are compared."""
    start: Path | None = None
    """Directory of a trained model of the same sizes, with whose parameters the training starts."""
    out: Path = Path("results/conversion")
    """Directory of the checkpoints; a training that was interrupted goes on."""
    test: bool = False
    """Measure the accuracy on the test images too, once all choices are made."""


class Progress(NamedTuple):
    """All that a training goes on from."""

    parameters: Any
    statistics: Any
    optimizer: Any
    average: Any
    epoch: jax.Array


class Parts(NamedTuple):
    """A model apart: its structure, what is learnt, and what batch normalisation keeps."""

    structure: Any
    parameters: Any
    statistics: Any

    def whole(self) -> nnx.Sequential:
        return nnx.merge(*self)


def architecture_of(config: Config) -> Architecture:
    names = [field.name for field in dataclasses.fields(Architecture)]
    return Architecture(**{name: getattr(config, name) for name in names})


def load(directory: Path) -> nnx.Sequential:
    """The model that was trained into `directory`, as of its last epoch, in evaluation mode."""
    model = build(load_architecture(directory), nnx.Rngs(0))
    with _manager(directory) as manager:
        if manager.latest_step() is None:
            raise ValueError(f"{directory}: holds no checkpoint")
        kept = _apart(model)[1:]
        restored = manager.restore(
            manager.latest_step(), args=ocp.args.Composite(model=ocp.args.StandardRestore(kept))
        )
    nnx.update(model, *restored["model"])
    model.eval()
    return model


def load_architecture(directory: Path) -> Architecture:
    """Of the model that was trained into `directory`."""
    path = directory / ARCHITECTURE
    if not path.exists():
        raise ValueError(f"{directory}: holds no {ARCHITECTURE}; expected a trained model")
    return Architecture(**json.loads(path.read_text()))


def train(config: Config, training: Images, held_out: Images) -> nnx.Sequential:
    """Train as configured or go on with it, with a progress bar; in evaluation mode."""
    num_batches = len(training.labels) // config.batch_size
    if not num_batches:
        raise ValueError(
            f"--batch-size: given {config.batch_size}; expected at most {len(training.labels)}, "
            "the number of training images"
        )
    architecture = architecture_of(config)
    structure, optimizer, progress = _start(config, num_batches)
    model = build(architecture, nnx.Rngs(0))
    run_epoch = _epoch(config, structure, optimizer, num_batches)
    data = _training_data(config, training)
    _write_configuration(config)
    with _manager(config.out) as manager, tqdm(total=config.epochs, unit="epoch") as bar:
        progress = _resumed(manager, progress)
        bar.update(int(progress.epoch))
        nnx.update(model, *progress.average)
        while int(progress.epoch) < config.epochs:
            progress, loss = run_epoch(progress, data)
            _save(manager, progress)
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
    """On a set of images."""

    accuracy: float
    spikes: float
    """Per image, of all hidden neurons; of an artificial network, as QCFS has it in L steps."""


def measure(
    model: nnx.Sequential, architecture: Architecture, given: Images, steps: int = 0
) -> Measured:
    """Of the artificial network, or, where there are steps, of the spiking one."""
    model.eval()
    structure, *kept = _apart(model)
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


def _apart(model: nnx.Sequential) -> Parts:
    return Parts(*nnx.split(model, nnx.Param, ...))


def _start(config: Config, num_batches: int) -> tuple[Any, Any, Progress]:
    """Structure, optimizer, and the state of the training before its first epoch."""
    model = build(architecture_of(config), nnx.Rngs(config.seed))
    if config.start is not None:
        _take_parameters(model, config.start)
    if config.steps:
        model.eval()  # batch normalisation as it was learnt; dropout is drawn by a given key
        for layer in model.layers:
            if isinstance(layer, nnx.Dropout):
                layer.deterministic = False
    structure, parameters, statistics = _apart(model)
    schedule = optax.cosine_decay_schedule(config.learning_rate, num_batches * config.epochs)
    matrices = jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)
    optimizer = optax.adamw(schedule, weight_decay=config.weight_decay, mask=matrices)
    kept = (parameters, statistics)
    progress = Progress(*kept, optimizer.init(parameters), kept, jnp.zeros((), jnp.int32))
    return structure, optimizer, _own(progress)


def _own(progress: Progress) -> Progress:
    """The same in arrays of its own, of the very types that an epoch returns."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, leaf.dtype, copy=True), progress)


def _take_parameters(model: nnx.Sequential, directory: Path) -> None:
    """Give `model` the parameters in `directory`, which may have had other dropout."""

    def with_state(model: nnx.Sequential) -> list[Any]:
        return [layer for layer in model.layers if jax.tree.leaves(nnx.state(layer))]

    own, given = with_state(model), with_state(load(directory))
    for to, source in zip(own, given, strict=True):
        nnx.update(to, nnx.state(source))


class _Data(NamedTuple):
    pixels: jax.Array
    """uint8 [n, 784]."""
    labels: jax.Array
    teaching: jax.Array | None
    """The teachers' answers [n, 10] at the given temperature, to images as they are."""
    teachers: list[Any]
    """What those teachers know that answer anew in each epoch, as images are never the same."""


def _training_data(config: Config, training: Images) -> _Data:
    labels = jnp.asarray(training.labels.astype(np.int32))
    data = _Data(jnp.asarray(training.pixels), labels, None, [])
    if not config.distil:
        return data
    models = [_apart(load(directory))[1:] for directory in config.distil]
    if config.augment:
        return data._replace(teachers=models)
    teach = jax.jit(_teaching(config))
    parts = [
        teach(models, as_square(training.pixels[start : start + 1000])[..., 0])
        for start in range(0, len(training.labels), 1000)
    ]
    return data._replace(teaching=jnp.concatenate(parts))


def _teaching(config: Config) -> Callable[[list[Any], jax.Array], jax.Array]:
    """(what the teachers know, images [n, 28, 28]) -> their mean answer [n, 10]."""
    architectures = [load_architecture(directory) for directory in config.distil]
    structures = []
    for architecture in architectures:
        model = build(architecture, nnx.Rngs(0))
        model.eval()
        structures.append(_apart(model).structure)

    def teach(teachers: list[Any], x: jax.Array) -> jax.Array:
        answers = []
        for architecture, structure, kept in zip(architectures, structures, teachers, strict=True):
            logits = answer(nnx.merge(structure, *kept), _shaped(architecture, x)).logits
            answers.append(jax.nn.softmax(logits / config.temperature))
        return sum(answers[1:], answers[0]) / len(answers)

    return teach


def _shaped(architecture: Architecture, x: jax.Array) -> jax.Array:
    """[n, 28, 28] images as the model takes them."""
    return x[..., None] if architecture.takes_squares else x.reshape(len(x), -1)


def _epoch(
    config: Config, structure: Any, optimizer: Any, num_batches: int
) -> Callable[[Progress, _Data], tuple[Progress, jax.Array]]:
    """One pass over the training images: (progress, data) -> (progress, mean loss)."""
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

            def loss_of(parameters: Any) -> tuple[jax.Array, Any]:
                model = nnx.merge(structure, parameters, progress.statistics, copy=True)
                given = _shaped(architecture, x)
                if config.steps:
                    answered = spiking_answer(model, given, config.steps, dropout_key)
                else:
                    answered = answer(model, given, dropout_key)
                loss = loss_of_answer(config, answered, data.labels[batch], teaching)
                return loss, _apart(model).statistics

            gradient_of = jax.value_and_grad(loss_of, has_aux=True)
            (loss, statistics), gradients = gradient_of(progress.parameters)
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


def _is_of_adam(path: Any, value: Any) -> bool:
    return "ScaleByAdamState" in str(path)


def _moved(average: Any, towards: Any, decay: float, count: jax.Array) -> Any:
    """The moving average after one more update; the first ones count for more."""
    count = count.astype(jnp.float32)
    kept = jnp.minimum(decay, count / (count + 10))
    return jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, average, towards)


def loss_of_answer(
    config: Config, answered: Answer, labels: jax.Array, teaching: jax.Array | None
) -> jax.Array:
    """Cross-entropy to the labels and to the teachers' answers, plus the penalty of the spikes."""
    targets = optax.smooth_labels(jax.nn.one_hot(labels, 10), config.label_smoothing)
    loss = jnp.mean(optax.softmax_cross_entropy(answered.logits, targets))
    if teaching is not None:
        warm = config.temperature
        taught = jnp.mean(optax.softmax_cross_entropy(answered.logits / warm, teaching))
        loss = (1 - config.distil_weight) * loss + config.distil_weight * warm**2 * taught
    if config.spike_penalty:
        spikes = spikes_per_image(answered.rates, config.steps or config.levels)
        loss = loss + config.spike_penalty * spikes
    return loss


def _manager(directory: Path) -> ocp.CheckpointManager:
    options = ocp.CheckpointManagerOptions(max_to_keep=1, enable_async_checkpointing=False)
    return ocp.CheckpointManager(directory.absolute() / "checkpoints", options=options)


def _save(manager: ocp.CheckpointManager, progress: Progress) -> None:
    rest = progress._replace(average=None)
    manager.save(
        int(progress.epoch),
        args=ocp.args.Composite(
            model=ocp.args.StandardSave(progress.average), training=ocp.args.StandardSave(rest)
        ),
    )


def _resumed(manager: ocp.CheckpointManager, progress: Progress) -> Progress:
    """The state in the last checkpoint, or the given one where there is none."""
    if manager.latest_step() is None:
        return progress
    restored = manager.restore(
        manager.latest_step(),
        args=ocp.args.Composite(
            model=ocp.args.StandardRestore(progress.average),
            training=ocp.args.StandardRestore(progress._replace(average=None)),
        ),
    )
    return _own(restored["training"]._replace(average=restored["model"]))


def _settings(config: Config) -> dict[str, Any]:
    """What the result depends on, as JSON has it."""
    fields = dataclasses.asdict(config)
    for name in ("out", "json", "test"):
        del fields[name]
    return json.loads(json.dumps(fields, default=str))


def _write_configuration(config: Config) -> None:
    for name, content in (
        (ARCHITECTURE, dataclasses.asdict(architecture_of(config))),
        (TRAINING, _settings(config)),
    ):
        cli.write_atomically(config.out / name, json.dumps(content, indent=1).encode())


def check(config: Config) -> None:
    """Raise ValueError for a flag that no training can go on with."""
    for flag, number in (
        ("--levels", config.levels),
        ("--epochs", config.epochs),
        ("--batch-size", config.batch_size),
    ):
        if number < 1:
            raise ValueError(f"{flag}: given {number}; expected at least 1")
    for flag, value in (
        ("--learning-rate", config.learning_rate),
        ("--temperature", config.temperature),
    ):
        if not 0 < value < math.inf:
            raise ValueError(f"{flag}: given {value}; expected a number > 0")
    for flag, value in (
        ("--steps", config.steps),
        ("--weight-decay", config.weight_decay),
        ("--spike-penalty", config.spike_penalty),
        ("--strength", config.strength),
    ):
        if not 0 <= value < math.inf:
            raise ValueError(f"{flag}: given {value}; expected a number >= 0")
    for flag, rate in (
        ("--input-dropout", config.input_dropout),
        ("--hidden-dropout", config.hidden_dropout),
        ("--label-smoothing", config.label_smoothing),
        ("--average", config.average),
    ):
        if not 0 <= rate < 1:
            raise ValueError(f"{flag}: given {rate}; expected a fraction in [0, 1)")
    if not 0 <= config.distil_weight <= 1:
        raise ValueError(f"--distil-weight: given {config.distil_weight}; expected one in [0, 1]")
    if config.activation == "relu" and (config.steps or config.spike_penalty):
        flag = "--steps" if config.steps else "--spike-penalty"
        raise ValueError(f"{flag}: there are no spikes with --activation relu; expected qcfs")
    if config.steps and config.reduction == "max" and config.model == "cnn":
        raise ValueError("--steps: given with --reduction max; expected average or stride")
    for directory in config.distil:
        load_architecture(directory)
    if config.start is not None:
        _check_start(config, load_architecture(config.start))
    cli.check_writable(config.out)
    _check_same_training(config)


def _check_start(config: Config, given: Architecture) -> None:
    wanted = architecture_of(config)
    for name in ("model", "activation", "reduction", "batch_norm"):
        if getattr(given, name) != getattr(wanted, name):
            raise ValueError(
                f"--start: the model in {config.start} has {name} {getattr(given, name)}; "
                f"expected {getattr(wanted, name)}"
            )


def _check_same_training(config: Config) -> None:
    """A directory that holds another training is not gone on with."""
    path = config.out / TRAINING
    if not path.exists():
        return
    before, now = json.loads(path.read_text()), _settings(config)
    for name in now:
        if before.get(name) != now[name]:
            raise ValueError(
                f"--out: {config.out} holds a training with {name} {before.get(name)}, not "
                f"{now[name]}; expected another directory"
            )


def main(config: Config) -> dict[str, Any]:
    check(config)
    architecture = architecture_of(config)
    training, held_out = (images(config.dataset, part) for part in ("training", "held_out"))
    started = time.perf_counter()
    model = train(config, training, held_out)
    results: dict[str, Any] = _settings(config) | {"train_seconds": time.perf_counter() - started}
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
