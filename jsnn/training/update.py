"""One update of the trained values, compiled: gradients of a batch, optimiser, bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding

from jsnn.evaluation.devices import ROWS, WHOLE
from jsnn.evaluation.readouts import Readout
from jsnn.network.network import Network
from jsnn.recording import Rate, Recording
from jsnn.training.gradients import Gradient, losses_of
from jsnn.training.losses import Loss
from jsnn.training.trainable import Train, Values, within_bounds


@runtime_checkable
class Optimizer(Protocol):
    """An optimiser, as `optax.GradientTransformation` is one."""

    def init(self, params: Values) -> Any:
        """Return the state before the first update."""
        ...

    def update(self, updates: Values, state: Any, params: Values) -> tuple[Values, Any]:
        """Return the changes of the values for a gradient, and the state."""
        ...


class Learner(NamedTuple):
    """All that changes from update to update.

    Attributes:
      values: what is trained.
      optimizer: the state of the optimiser.
    """

    values: Values
    optimizer: Any


class Sums(NamedTuple):
    """Sums over the presentations of a batch.

    Attributes:
      loss: of the losses, ().
      right: the number of right answers, (), or None without a readout.
      rates: {population: ()}, of mean rates in Hz.
    """

    loss: jax.Array
    right: jax.Array | None
    rates: dict[str, jax.Array]


class Sizes(NamedTuple):
    """Largest absolute values of an update, NaN if one is NaN.

    Attributes:
      gradient: of the mean gradient, ().
      values: of the values after the update, ().
    """

    gradient: Any
    values: Any


class Rows(NamedTuple):
    """Presentations of a batch, [B, ...].

    Attributes:
      drives: by part.
      targets: of each presentation.
      counts: [B], 1 for a presentation that counts, 0 for one that fills the batch.
      indices: int32 [B], of each presentation in its epoch.
    """

    drives: dict[str, Any]
    targets: Any
    counts: Any
    indices: Any


@dataclass(frozen=True)
class Task:
    """A task to learn, as it is given to `jsnn.fit`.

    Attributes:
      loss: the loss.
      num_steps: T.
      readout: the rule that reads the answer, or None.
      populations: the names of the populations.
      train: what is trained, with its constraints.
    """

    loss: Loss
    num_steps: int
    readout: Readout | None
    populations: tuple[str, ...]
    train: Train | None = field(default=None, hash=False)

    @property
    def record(self) -> dict[str, Recording]:
        """The recordings beside those of the loss, by internal names."""
        rates: dict[str, Recording] = {_rate_of(name): Rate(name) for name in self.populations}
        return rates if self.readout is None else {**rates, _ANSWER: self.readout.recording}

    def sums(self, loss: jax.Array, recorded: Mapping[str, Any], rows: Rows) -> Sums:
        """Return sums over the presentations that count, with the sum of their losses given."""
        right = None
        if self.readout is not None:
            answers = jax.vmap(self.readout.predict)(recorded[_ANSWER])
            right = jnp.sum(jnp.where(answers == rows.targets, rows.counts, 0))
        rates = {
            name: jnp.sum(recorded[_rate_of(name)].mean(axis=1) * rows.counts)
            for name in self.populations
        }
        return Sums(loss, right, rates)


_ANSWER = "answer of fit"


def _rate_of(population: str) -> str:
    return f"rate of {population} in fit"


def _keys(key: jax.Array | None, indices: jax.Array) -> jax.Array | None:
    """Return a key for each presentation of an epoch."""
    return None if key is None else jax.vmap(partial(jax.random.fold_in, key))(indices)


@dataclass(frozen=True)
class Division:
    """The division of a batch into shards, and of the shards over devices.

    Attributes:
      shards: a multiple of the number of devices.
      mesh: the devices.
    """

    shards: int
    mesh: Mesh

    def summed(self, of_shard: Callable[..., Any], whole: Any, rows: Rows) -> Any:
        """Return the sum of a function over the shards of the rows, added in pairs.

        Args:
          of_shard: (whole, rows of a shard) -> pytree.
          whole: a pytree that every device holds.
          rows: those of the batch.
        """
        of_device = self.shards // self.mesh.size

        def on_device(whole: Any, rows: Rows) -> Any:
            parts = []
            for part in range(of_device):
                mine = jax.tree.map(lambda x: jnp.split(x, of_device)[part], rows)  # noqa: B023
                parts.append(of_shard(*jax.lax.optimization_barrier((whole, mine))))
                parts[-1] = jax.lax.optimization_barrier(parts[-1])
            return jax.tree.map(lambda *x: jnp.stack(x), *parts)

        if self.mesh.size == 1:
            each = on_device(whole, rows)
        else:
            each = jax.shard_map(
                on_device,
                mesh=self.mesh,
                in_specs=(WHOLE, ROWS),
                out_specs=ROWS,
                check_vma=False,
            )(whole, rows)
            each = jax.lax.with_sharding_constraint(each, NamedSharding(self.mesh, WHOLE))
        return jax.tree.map(_sum_in_pairs, each)


def _sum_in_pairs(parts: jax.Array) -> jax.Array:
    """Return the sum of [S, ...] over its first axis: of pairs, of pairs of pairs and so on."""
    while len(parts) > 1:
        even, odd = parts[0::2], parts[1::2]
        pairs = even[: len(odd)] + odd
        parts = jnp.concatenate([pairs, even[len(odd) :]])
    return parts[0]


@partial(jax.jit, static_argnames=("task", "gradient", "optimizer", "division"))
def update(
    network: Network,
    learner: Learner,
    rows: Rows,
    key: jax.Array | None,
    task: Task,
    gradient: Gradient,
    optimizer: Optimizer,
    division: Division,
) -> tuple[Learner, Sums, Sizes]:
    """Return the learner after a batch, its sums, and the sizes of what changed.

    Args:
      network: the network before training.
      learner: before the batch.
      rows: the batch.
      key: of the epoch, if the network is random.
      task: what to learn.
      gradient: the way to make gradients.
      optimizer: turns a gradient into a change of the values.
      division: of the batch over devices.
    """
    value_and_grad = gradient.of(task.loss, task.num_steps, task.record)

    def of_shard(whole: Any, rows: Rows) -> tuple[Sums, Values]:
        network, values, key = whole
        (loss, recorded), gradients = value_and_grad(
            *(network, values, rows.drives, rows.targets),
            shares=rows.counts,
            keys=_keys(key, rows.indices),
        )
        return task.sums(loss, recorded, rows), gradients

    sums, total = division.summed(of_shard, (network, learner.values, key), rows)
    mean = jax.tree.map(lambda x: x / rows.counts.sum(), total)
    changes, state = optimizer.update(mean, learner.optimizer, learner.values)
    moved = jax.tree.map(jnp.add, learner.values, changes)
    values = within_bounds(network, moved, task.train)
    return Learner(values, state), sums, Sizes(_largest(mean), _largest(values))


def _largest(tree: Any) -> jax.Array:
    """Return the largest absolute value, or NaN if one is NaN."""
    return jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree)]))


@partial(jax.jit, static_argnames=("task", "gradient", "division"))
def assess(
    network: Network,
    rows: Rows,
    key: jax.Array | None,
    task: Task,
    gradient: Gradient,
    division: Division,
) -> Sums:
    """Return the sums of a batch, without an update; arguments as for `update`."""

    def of_shard(whole: Any, rows: Rows) -> Sums:
        network, key = whole
        losses, recorded = losses_of(
            *(task.loss, gradient.network(network), rows.drives, rows.targets),
            *(task.num_steps, _keys(key, rows.indices), task.record),
        )
        return task.sums(jnp.sum(losses * rows.counts), recorded, rows)

    return division.summed(of_shard, (network, key), rows)
