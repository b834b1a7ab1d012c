"""Training of a network on a data set: batches, progress, validation, checkpoints."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_flag, check_known, check_type, check_untraced, positive_int
from jsnn._devices import checked_devices, on_all
from jsnn._progress import progress_bar
from jsnn.evaluation.data_set import check_labels
from jsnn.evaluation.devices import mesh_of, spread
from jsnn.evaluation.readouts import Readout
from jsnn.network.connectivity import LearntDelays
from jsnn.network.network import Network, check_numbers
from jsnn.training.batches import Arrays, Batch, Seekable, batches_of, padded
from jsnn.training.gradients import Gradient, check_gradient
from jsnn.training.gradients import surrogate as by_surrogate
from jsnn.training.history import Epoch, Training
from jsnn.training.losses import Loss
from jsnn.training.saved import Progress, fingerprint, load_training, save_training
from jsnn.training.trainable import Train, Values, trainable, within_bounds
from jsnn.training.update import (
    Division,
    Learner,
    Optimizer,
    Rows,
    Sums,
    Task,
    compile_assessment,
    compile_update,
)

_SECONDS_BETWEEN_CHECKPOINTS = 60

OverEpochs = Mapping[str, Mapping[str, Callable[[int], Any]]]
"""Parameters that change from epoch to epoch, {part: {name: function of the epoch}}."""


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
        on from it, to the same bits.
      progress: show a progress bar with loss, accuracy and firing rates (needs tqdm).

    Raises:
      TypeError: if an argument is of another type; raised before anything is compiled.
      ValueError: if an argument does not fit the network; raised before anything is compiled. Also
        if nothing can be learnt, since no neuron spikes and the gradient is 0.
      FloatingPointError: if the loss is NaN or infinite; the message names the batch and the last
        checkpoint.

    Warns:
      UserWarning: if the readout's population is silent in the whole first epoch.
    """
    fitting = _Fitting(
        network=network,
        num_steps=num_steps,
        loss=loss,
        optimizer=optimizer,
        train=train,
        gradient=by_surrogate() if gradient is None else gradient,
        readout=readout,
        over_epochs=over_epochs or {},
        batch_size=batch_size,
        key=key,
        shards=shards,
        devices=devices,
    )
    check_flag(progress, "fit, progress")
    epochs = positive_int(epochs, "fit, epochs")
    source = fitting.source(drives, targets, seed)
    held_out = None if validation is None else fitting.held_out(validation)
    if patience is not None:
        patience = positive_int(patience, "fit, patience")
        if held_out is None:
            raise ValueError("fit, patience: given without validation; expected validation data")
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and not isinstance(source, Seekable):
        raise ValueError(
            "fit, checkpoint: given with an iterable that cannot start anywhere; expected arrays, "
            "or an object with a method batches(epoch, first)"
        )

    learner = fitting.start()
    best, place = learner.values, Progress()
    made_for = fitting.fingerprint(seed)
    if path is not None and path.exists():
        (learner, best), place = load_training(path, made_for, (learner, best))
    total = len(source) if hasattr(source, "__len__") else None
    while place.epoch < epochs and not _is_over(place, patience):
        began = time.perf_counter()
        title = f"epoch {place.epoch + 1}/{epochs}"
        with progress_bar(total, "batch", done=place.batch, shown=progress, title=title) as bar:
            saved = began
            for item in batches_of(source, place.epoch, place.batch):
                batch = padded(item, fitting.batch_size, network, num_steps, _what(place))
                learner, sums, moves = fitting.update(learner, batch, place)
                _add(place, sums, batch.number)
                fitting.check(place, moves, path)
                if bar is not None:
                    bar.set_postfix(fitting.epoch(place, 0.0).words(), refresh=False)
                    bar.update()
                if path is not None and time.perf_counter() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
                    save_training(path, made_for, (learner, best), place)
                    saved = time.perf_counter()
            if not place.number:
                raise ValueError(f"{_what(place)}: given no presentations; expected at least one")
            assessed = fitting.assess(learner.values, held_out, place.epoch)
            result = fitting.epoch(place, time.perf_counter() - began, assessed)
        if _is_best(place, result):
            best, place.best = learner.values, place.epoch
        place = Progress(place.epoch + 1, history=[*place.history, result], best=place.best)
        fitting.warn_of_silence(place)
        if path is not None:
            save_training(path, made_for, (learner, best), place)
    values = learner.values if patience is None else best
    return Training(
        fitting.network_of(values, max(place.epoch - 1, 0)),
        jax.tree.map(jnp.asarray, values),
        tuple(place.history),
    )


def _what(place: Progress) -> str:
    return f"fit, epoch {place.epoch}, batch {place.batch}"


def _is_over(place: Progress, patience: int | None) -> bool:
    return patience is not None and place.epoch - 1 - place.best >= patience


def _is_best(place: Progress, result: Epoch) -> bool:
    before = place.history[place.best].validation_loss if place.history else None
    now = result.validation_loss
    return now is None or before is None or now < before


def _add(place: Progress, sums: Sums, number: int) -> None:
    """Add a batch to the sums of an epoch."""
    host = jax.device_get(sums)
    place.batch += 1
    place.number += number
    place.loss += float(host.loss)
    place.right += float(host.right)
    for name, rate in host.rates.items():
        place.rates[name] = place.rates.get(name, 0.0) + float(rate)


class _Fitting:
    """A training, with its arguments checked and its programs made."""

    def __init__(
        self,
        *,
        network: Network,
        num_steps: int,
        loss: Loss,
        optimizer: Optimizer,
        train: Train | None,
        gradient: Gradient,
        readout: Readout | None,
        over_epochs: OverEpochs,
        batch_size: int,
        key: jax.Array | None,
        shards: int,
        devices: Sequence[jax.Device] | None,
    ) -> None:
        check_type(network, Network, "network")
        check_untraced((network, key), "fit", "jax.grad of jsnn.simulate can be traced")
        if network.mesh is not None:
            raise ValueError("fit: given a network that is divided over devices; expected a whole")
        check_numbers(network)
        check_type(loss, Loss, "fit, loss", ", such as jsnn.losses.cross_entropy(readout)")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"fit, optimizer: given {type(optimizer).__name__}; expected one of optax, such as "
                "optax.adam(1e-3)"
            )
        check_gradient(gradient)
        loss.check(network)
        if readout is not None:
            check_type(readout, Readout, "fit, readout", ", such as jsnn.max_voltage(population)")
            check_known([readout.population], network.sizes, "readout", "population")
        if network.stochastic and key is None:
            raise ValueError("fit, key: given none for a random network; expected a PRNG key")
        self.network, self.train, self.optimizer = network, train, optimizer
        self.num_steps = positive_int(num_steps, "num_steps")
        self.batch_size = positive_int(batch_size, "fit, batch_size")
        self.readout, self.key = readout, key
        self.over_epochs = over_epochs
        self.task = Task(loss, self.num_steps, readout, tuple(network.sizes))
        self.gradient = gradient
        gradient.network(network)  # which raises an error for models that cannot have gradients
        division = _division(self.batch_size, shards, devices)
        self.mesh = division.mesh
        bounded = lambda values: within_bounds(network, values, train)  # noqa: E731
        self._update = compile_update(self.task, gradient, optimizer, bounded, division)
        self._assess = compile_assessment(self.task, gradient, division)

    def start(self) -> Learner:
        """Return the learner before the first update."""
        values = trainable(self.network, self.train)
        return on_all(Learner(values, self.optimizer.init(values)), self.mesh)

    def source(self, drives: Any, targets: Any, seed: int) -> Any:
        """Return the batches of the data set, checked as far as they are known."""
        if isinstance(drives, Mapping):
            seed = positive_int(seed, "fit, seed", least=0)
            source = Arrays(drives, targets, self.batch_size, seed)
            self._check(source, "fit")
            return source
        if targets is not None:
            raise ValueError("fit, targets: given with an iterable of (drives, targets)")
        if isinstance(drives, Seekable):
            return drives
        if not hasattr(drives, "__iter__") or hasattr(drives, "__next__"):
            raise TypeError(
                f"fit, drives: given {type(drives).__name__}; expected arrays by population, or an "
                "iterable of (drives, targets) that can be iterated once for each epoch"
            )
        return drives

    def held_out(self, validation: Any) -> Arrays:
        """Return the batches of the validation data."""
        if not isinstance(validation, tuple) or len(validation) != 2:
            raise TypeError(f"fit, validation: given {validation!r}; expected (drives, targets)")
        drives, targets = validation
        check_type(drives, Mapping, "fit, validation", " of drives by population")
        source = Arrays(drives, targets, self.batch_size, 0)
        self._check(source, "fit, validation")
        return source

    def _check(self, source: Arrays, what: str) -> None:
        if source.targets is None:
            raise ValueError(f"{what}, targets: given none; expected one for each presentation")
        first = next(source.in_order())
        padded(first, self.batch_size, self.network, self.num_steps, what)
        rows = {len(leaf) for leaf in jax.tree.leaves((source.drives, source.targets))}
        if len(rows) != 1:
            raise ValueError(
                f"{what}: given {sorted(rows)} rows of drives and targets; expected one number"
            )
        if self.readout is not None:
            check_labels(source.targets, self.network.sizes[self.readout.population])
        self.task.loss.check(self.network, source.targets)

    def update(self, learner: Learner, batch: Batch, place: Progress) -> tuple[Learner, Sums, Any]:
        """Return the learner after a batch."""
        network = self._of_epoch(self.network, place.epoch)
        key = None if self.key is None else jax.random.fold_in(self.key, place.epoch)
        return self._update(network, learner, self._rows(batch, place.number), key)

    def assess(self, values: Values, source: Arrays | None, epoch: int) -> Sums | None:
        """Return the means over the validation data, with delays in whole steps."""
        if source is None:
            return None
        network = _with_whole_delays(self.network_of(values, epoch))
        key = None if self.key is None else jax.random.fold_in(self.key, 2**31 - 1)
        total, start = Progress(), 0
        for item in source.in_order():
            batch = padded(item, self.batch_size, network, self.num_steps, "fit, validation")
            _add(total, self._assess(network, self._rows(batch, start), key), batch.number)
            start += batch.number
        return Sums(total.loss / start, total.right / start, {})  # type: ignore[arg-type]

    def _rows(self, batch: Batch, start: int) -> Rows:
        counts = (np.arange(self.batch_size) < batch.number).astype(self.network.dtype)
        indices = (start + np.arange(self.batch_size)).astype(np.int32)
        return spread(Rows(batch.drives, batch.targets, counts, indices), self.mesh)

    def network_of(self, values: Values, epoch: int) -> Network:
        """Return the network with trained values."""
        return self._of_epoch(self.network, epoch).with_params(jax.device_get(values))

    def _of_epoch(self, network: Network, epoch: int) -> Network:
        if not self.over_epochs:
            return network
        return network.with_params(
            {
                part: {name: function(epoch) for name, function in functions.items()}
                for part, functions in self.over_epochs.items()
            }
        )

    def epoch(self, place: Progress, seconds: float, assessed: Sums | None = None) -> Epoch:
        """Return the means over the batches of an epoch."""
        has_answers = self.readout is not None
        return Epoch(
            loss=place.loss / place.number,
            accuracy=place.right / place.number if has_answers else None,
            rates={name: rate / place.number for name, rate in place.rates.items()},
            validation_loss=None if assessed is None else float(assessed.loss),
            validation_accuracy=float(assessed.right) if assessed and has_answers else None,
            seconds=seconds,
        )

    def check(self, place: Progress, moves: Any, path: Path | None) -> None:
        """Raise an error if the loss is not finite, or nothing can be learnt."""
        if not np.isfinite(place.loss):
            saved = f"; the last checkpoint is {path}" if path is not None and path.exists() else ""
            raise FloatingPointError(
                f"fit: the loss is {place.loss} in epoch {place.epoch}, batch {place.batch - 1}; "
                f"expected a finite number (a smaller learning rate, or optax.clip){saved}"
            )
        is_first = place.epoch == 0 and place.batch == 1
        if is_first and not bool(moves):
            rates = ", ".join(
                f"{name!r} {rate / place.number:.3g} Hz" for name, rate in place.rates.items()
            )
            raise ValueError(
                f"fit: the gradient of the first batch is 0, so nothing can be learnt; mean firing "
                f"rates are {rates}; expected spikes (larger weights or drives, lower thresholds), "
                "or a wider surrogate"
            )

    def warn_of_silence(self, place: Progress) -> None:
        """Warn if the population of the readout is silent in the first epoch."""
        if place.epoch != 1 or self.readout is None:
            return
        rates = place.history[0].rates
        recorded = type(self.readout.recording).__name__
        if "Spike" in recorded and rates[self.readout.population] == 0:
            named = ", ".join(f"{name!r} {rate:.3g} Hz" for name, rate in rates.items())
            warnings.warn(
                f"fit: {self.readout.population!r}, the population of the readout, never spiked in "
                f"the first epoch; mean firing rates are {named}; expected spikes (larger weights, "
                "or jsnn.losses.rates_below)",
                stacklevel=3,
            )

    def fingerprint(self, seed: int) -> str:
        """Return a hash of all that a training depends on, but for the numbers of the data."""
        settings = (
            f"{seed} {self.batch_size} {self.num_steps} {self.train} {self.gradient} "
            f"{sorted(self.task.loss.record)} {jax.tree.structure(self.start())}"
        )
        text = np.frombuffer(settings.encode(), np.uint8)
        return fingerprint(self.network, text, self.key)


def _division(batch_size: int, shards: int, devices: Sequence[jax.Device] | None) -> Division:
    """Return the shards and their devices."""
    shards = positive_int(shards, "fit, shards")
    if batch_size % shards:
        raise ValueError(
            f"fit, shards: given {shards} with a batch size of {batch_size}; expected a divisor"
        )
    if devices is not None and shards % len(checked_devices(devices)):
        raise ValueError(
            f"fit, devices: given {len(devices)} with {shards} shards; expected a divisor"
        )
    found = checked_devices(devices)
    number = max(n for n in range(1, len(found) + 1) if shards % n == 0)
    return Division(shards, mesh_of(found[:number]))


def _with_whole_delays(network: Network) -> Network:
    """Return a network whose learnt delays count as the nearest whole steps."""
    learnt = {
        p.name: {"width": 0.0}
        for p in network.projections
        if isinstance(p.connectivity, LearntDelays)
    }
    return network.with_params(learnt) if learnt else network
