"""Training of a network on a data set: batches, progress, validation, checkpoints."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._checks import positive_int
from jsnn._progress import progress_bar
from jsnn.evaluation.readouts import Readout
from jsnn.network.network import Network
from jsnn.training.batches import Data
from jsnn.training.checkpoint import Checkpoint
from jsnn.training.checks import (
    OverEpochs,
    check_epoch,
    check_learns,
    checked_course,
    checked_over_epochs,
    checked_task,
    warn_of_silence,
)
from jsnn.training.course import Course
from jsnn.training.data import training_data, validation_data
from jsnn.training.gradients import Gradient
from jsnn.training.gradients import surrogate as by_surrogate
from jsnn.training.history import Epoch, Training
from jsnn.training.losses import Loss
from jsnn.training.trainable import Train
from jsnn.training.trainer import Trainer, divided
from jsnn.training.update import Optimizer


def fit(
    network: Network,
    drives: Any,
    targets: Any,
    num_steps: int,
    loss: Loss,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    train: Train | None = None,
    gradient: Gradient | None = None,
    readout: Readout | None = None,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    over_epochs: OverEpochs | None = None,
    seed: int = 0,
    key: jax.Array | None = None,
    shards: int = 1,
    devices: Sequence[jax.Device] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: bool = False,
) -> Training:
    """Train a network on a data set.

        training = jsnn.fit(
            network, {"input": jsnn.over_time(trains)}, labels, num_steps=100,
            loss=jsnn.losses.cross_entropy(readout), optimizer=optax.adam(1e-3),
            epochs=10, batch_size=64, readout=readout,
        )

    Each batch makes one update, by the mean gradient of its presentations; each presentation begins
    from a fresh state. Nothing is compiled for the last batch, which is filled up with
    presentations that do not count.

    Args:
      network: the network.
      drives: as for `evaluate`: by part, [n, ...], arrays or memory-mapped files. Or an iterable of
        (drives, targets), a batch each and at most `batch_size` presentations, with `targets` None;
        one that has `batches(epoch, first)` can start anywhere.
      targets: [n, ...], what the loss compares with: labels, or a pytree of arrays.
      num_steps: T, the length of a presentation.
      loss: such as `jsnn.losses.cross_entropy(jsnn.max_voltage("output"))`.
      optimizer: of optax, such as `optax.adam(1e-3)`.
      epochs: the number of passes over the data.
      batch_size: the number of presentations of an update.
      train: what is trained, as for `jsnn.trainable`; by default all weights.
      gradient: of `jsnn.gradients`; by default that of surrogate derivatives.
      readout: the rule that reads an answer, for the accuracy; the targets are labels then.
      validation: (drives, targets) of presentations that are assessed after each epoch, with
        delays in whole steps.
      patience: stop if the validation loss has not become smaller in so many epochs, and return the
        network of the epoch where it was least.
      over_epochs: {part: {parameter: function of the epoch 0, 1, ...}}, such as the `width` of
        `jsnn.LearntDelays`.
      seed: of the order of the presentations.
      key: `jax.random.key(seed)` if the network is random.
      shards: divide each batch into so many parts, of which the gradients are made one by one and
        added in pairs. The result depends on this number.
      devices: the devices that share the shards; by default as many as divide their number. With
        several processes (`jax.distributed`) each makes the same call. The result does not depend
        on them.
      checkpoint: a file to write after each epoch, and once a minute. If it is there, training goes
        on from it, to the same bits. One of another training is an error; the numbers of the
        optimiser are not compared. With several processes, one that all of them can read.
      progress: show a progress bar with loss, accuracy and firing rates (needs tqdm).

    Raises:
      TypeError: if an argument is of another type; raised before anything is compiled.
      ValueError: if an argument does not fit the network; raised before anything is compiled. Also
        if nothing can be learnt, since no neuron spikes and the gradient is 0.
      FloatingPointError: if the loss, the gradient or a trained value is NaN or infinite; the
        message names the batch and the last checkpoint.

    Warns:
      UserWarning: if the readout's population is silent in the whole first epoch.
    """
    gradient = by_surrogate() if gradient is None else gradient
    task = checked_task(network, num_steps, loss, optimizer, gradient, readout, train, key)
    epochs = checked_course(epochs, patience, validation, progress)
    batch_size = positive_int(batch_size, "fit, batch_size")
    seed = positive_int(seed, "fit, seed", least=0)
    trainer = Trainer(
        *(network, task, optimizer, gradient, checked_over_epochs(network, over_epochs, train)),
        *(batch_size, key, divided(batch_size, shards, devices)),
    )
    data = training_data(network, task, drives, targets, batch_size, seed)
    held_out = validation_data(network, task, validation, batch_size)
    saved = _checkpoint(checkpoint, trainer, data, held_out, seed)

    learner = trainer.start()
    (learner, best), course = saved.read((learner, learner.values))
    learner = trainer.on_devices(learner)
    while course.epoch < epochs and not course.has_waited(patience):
        began = time.perf_counter()
        with _bar(course, epochs, data, progress) as show:
            for batch in data.batches(course.epoch, course.batch):
                learner, sums, sizes = trainer.update(learner, batch, course)
                check_learns(course, sums, sizes, saved)
                course.add(sums)
                show(course.so_far())
                saved.write_now_and_then((learner, best), course)
        assessed = trainer.assess(learner.values, held_out, course.epoch)
        check_epoch(course, assessed, saved)
        course.finish_epoch(assessed, time.perf_counter() - began)
        best = learner.values if course.is_best else best
        warn_of_silence(course, readout)
        saved.write((learner, best), course)
    values, epoch = (learner.values, course.epoch - 1) if patience is None else (best, course.best)
    return Training(
        trainer.trained(values, epoch), jax.tree.map(jnp.asarray, values), tuple(course.history)
    )


def _checkpoint(
    path: Any, trainer: Trainer, data: Data, held_out: Data | None, seed: int
) -> Checkpoint:
    """Return the checkpoint of a training.

    Raises:
      TypeError: if `path` is no path.
      ValueError: if the data cannot start anywhere.
    """
    if path is None:
        return Checkpoint(None, "")
    if not isinstance(path, str | PathLike):
        raise TypeError(f"fit, checkpoint: given {type(path).__name__}; expected a path")
    if Path(path).is_dir():
        raise ValueError(f"fit, checkpoint: given the folder {path}; expected a file in one")
    if not data.is_seekable:
        raise ValueError(
            "fit, checkpoint: given with an iterable that cannot start anywhere; expected arrays, "
            "or an object with a method batches(epoch, first)"
        )
    return Checkpoint(Path(path), trainer.fingerprint(data, held_out, seed))


@contextmanager
def _bar(course: Course, epochs: int, data: Data, shown: bool) -> Iterator[Callable[[Epoch], None]]:
    """Yield a function that shows the means over the batches so far, once for each batch."""
    title = f"epoch {course.epoch + 1}/{epochs}"
    total, done = data.number_of_batches, course.batch
    with progress_bar(total, "batch", done=done, shown=shown, title=title) as bar:

        def show(so_far: Epoch) -> None:
            if bar is not None:
                bar.set_postfix(so_far.words(), refresh=False)
                bar.update()

        yield show
