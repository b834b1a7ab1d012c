"""The steps of a training, each compiled once: update, assessment, and the network at an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jsnn._checks import positive_int
from jsnn._devices import checked_devices, on_all
from jsnn.evaluation.devices import mesh_of, spread
from jsnn.network.connectivity import LearntDelays
from jsnn.network.network import Network
from jsnn.training.batches import Batch, Data
from jsnn.training.checkpoint import fingerprint
from jsnn.training.checks import OverEpochs, values_of_epoch
from jsnn.training.course import Course, Totals
from jsnn.training.gradients import Gradient
from jsnn.training.trainable import Values, trainable
from jsnn.training.update import (
    Division,
    Learner,
    Optimizer,
    Rows,
    Sizes,
    Task,
    assess,
    update,
)

_KEY_OF_VALIDATION = 2**31 - 1
"""Number that is folded into the key in place of that of an epoch."""


@dataclass(frozen=True)
class Trainer:
    """Functions of a training that take the learner as an argument.

    Attributes:
      network: the network before training.
      task: what it is to learn.
      optimizer: of optax.
      gradient: the way to make gradients.
      over_epochs: parameters that change from epoch to epoch.
      batch_size: B.
      key: of the random numbers of the network, or None.
      division: of a batch over devices.
    """

    network: Network
    task: Task
    optimizer: Optimizer
    gradient: Gradient
    over_epochs: OverEpochs
    batch_size: int
    key: jax.Array | None
    division: Division

    def start(self) -> Learner:
        """Return the learner before the first update."""
        values = trainable(self.network, self.task.train)
        return Learner(values, self.optimizer.init(values))

    def on_devices(self, learners: Any) -> Any:
        """Return a pytree of arrays that each device holds."""
        return on_all(learners, self.division.mesh)

    def update(
        self, learner: Learner, batch: Batch, course: Course
    ) -> tuple[Learner, Totals, Sizes]:
        """Return the learner after a batch, the sums, and the sizes of what changed."""
        network = self.at_epoch(course.epoch)
        rows = self._rows(batch, course.totals.number)
        learner, sums, sizes = update(
            *(network, learner, rows, self._key(course.epoch)),
            *(self.task, self.gradient, self.optimizer, self.division),
        )
        return learner, Totals.of(sums, batch.number), jax.device_get(sizes)

    def assess(self, values: Values, data: Data | None, epoch: int) -> Totals | None:
        """Return sums over validation data, with delays in whole steps."""
        if data is None:
            return None
        network, key = (
            _with_whole_delays(self.trained(values, epoch)),
            self._key(_KEY_OF_VALIDATION),
        )
        totals = Totals()
        for batch in data.in_order():
            rows = self._rows(batch, totals.number)
            sums = assess(network, rows, key, self.task, self.gradient, self.division)
            totals.add(Totals.of(sums, batch.number))
        return totals

    def at_epoch(self, epoch: int) -> Network:
        """Return the network before training, with the parameters of an epoch."""
        if not self.over_epochs:
            return self.network
        return self.network.with_params(values_of_epoch(self.over_epochs, epoch))

    def trained(self, values: Values, epoch: int) -> Network:
        """Return the network with trained values and the parameters of an epoch."""
        return self.at_epoch(epoch).with_params(jax.device_get(values))

    def fingerprint(self, data: Data, held_out: Data | None, seed: int) -> str:
        """Return a hash of what a training depends on.

        The numbers of the optimiser and of most of the data are not in it.
        """
        learner, over_epochs = self.start(), self.over_epochs
        settings: tuple[Any, ...] = (
            *(seed, self.batch_size, self.task.num_steps, self.division.shards),
            *(repr(self.task.train), repr(self.gradient), repr(self.task.loss.value)),
            *(sorted(self.task.loss.record), repr(jax.tree.structure(learner))),
            {part: sorted(functions) for part, functions in over_epochs.items()},
        )
        samples = [None if each is None else each.sample() for each in (data, held_out)]
        return fingerprint(self.network, settings, samples, self.key)

    def _key(self, number: int) -> jax.Array | None:
        return None if self.key is None else jax.random.fold_in(self.key, number)

    def _rows(self, batch: Batch, start: int) -> Rows:
        counts = (np.arange(self.batch_size) < batch.number).astype(self.network.dtype)
        indices = (start + np.arange(self.batch_size)).astype(np.int32)
        return spread(Rows(batch.drives, batch.targets, counts, indices), self.division.mesh)


def divided(batch_size: int, shards: Any, devices: Sequence[jax.Device] | None) -> Division:
    """Return the shards of a batch and their devices.

    Raises:
      TypeError: if `shards` or `devices` are of another type.
      ValueError: if shards do not divide the batch, or devices do not divide the shards.
    """
    shards = positive_int(shards, "fit, shards")
    if batch_size % shards:
        raise ValueError(
            f"fit, shards: given {shards} with a batch size of {batch_size}; expected a divisor of "
            "it"
        )
    found = checked_devices(devices)
    number = max(n for n in range(1, len(found) + 1) if shards % n == 0)
    if devices is not None and number != len(found):
        raise ValueError(
            f"fit, devices: given {len(found)} with {shards} shards; expected a divisor (shards="
            f"{len(found)})"
        )
    used = {device.process_index for device in found[:number]}
    if len(used) != jax.process_count():
        raise ValueError(
            f"fit, shards: given {shards} with {len(found)} devices in {jax.process_count()} "
            f"processes; expected a multiple of the number of devices (shards={len(found)})"
        )
    return Division(shards, mesh_of(found[:number]))


def _with_whole_delays(network: Network) -> Network:
    """Return a network whose learnt delays count as the nearest whole steps."""
    learnt = {
        p.name: {"width": 0.0}
        for p in network.projections
        if isinstance(p.connectivity, LearntDelays)
    }
    return network.with_params(learnt) if learnt else network
