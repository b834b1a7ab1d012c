"""Checks of a training before it begins, and while it goes on."""

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jsnn._checks import (
    check_flag,
    check_key,
    check_known,
    check_type,
    check_untraced,
    number_of_steps,
    positive_int,
)
from jsnn.evaluation.readouts import Readout
from jsnn.network.network import Network, check_numbers
from jsnn.recording import FirstSpikeTime, SpikeCount, Spikes
from jsnn.training.checkpoint import Checkpoint
from jsnn.training.course import Course, Totals
from jsnn.training.gradients import Gradient, check_gradient
from jsnn.training.losses import Loss
from jsnn.training.trainable import Train, trainable
from jsnn.training.update import Optimizer, Sizes, Task

OverEpochs = Mapping[str, Mapping[str, Callable[[int], Any]]]
"""Parameters that change from epoch to epoch, {part: {name: function of the epoch}}."""


_OF_SPIKES = SpikeCount, Spikes, FirstSpikeTime
"""Recordings of a readout that is blind while nothing spikes."""


def checked_task(
    network: Any,
    num_steps: Any,
    loss: Any,
    optimizer: Any,
    gradient: Any,
    readout: Any,
    train: Any,
    key: Any,
) -> Task:
    """Return what is to be learnt, with the arguments of `jsnn.fit` checked.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if one does not fit the network.
    """
    check_type(network, Network, "fit, network")
    check_untraced((network, key), "fit", "jax.grad of jsnn.simulate can be traced")
    if network.mesh is not None:
        raise ValueError(
            "fit: given a network that is divided over devices; expected a whole one, since "
            "presentations are spread over devices (shards=, devices=)"
        )
    check_numbers(network)
    num_steps = number_of_steps(num_steps, "fit, num_steps")
    check_type(loss, Loss, "fit, loss", ", such as jsnn.losses.cross_entropy(readout)")
    loss.check(network)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit, optimizer: given {type(optimizer).__name__}; expected one of optax, such as "
            "optax.adam(1e-3)"
        )
    _check_gradient(network, gradient)
    if readout is not None:
        check_type(readout, Readout, "fit, readout", ", such as jsnn.max_voltage(population)")
        check_known([readout.population], network.sizes, "fit, readout", "population")
        readout.check_steps(num_steps)
    if key is not None:
        check_key(key, "fit, key")
    if network.stochastic and key is None:
        raise ValueError(
            "fit, key: given none for a random network; expected a PRNG key (jax.random.key(seed))"
        )
    return Task(loss, num_steps, readout, tuple(network.sizes), copy.deepcopy(train))


def _check_gradient(network: Network, gradient: Gradient) -> None:
    check_gradient(gradient)
    gradient.network(network)  # which raises an error for models that cannot have gradients


def checked_over_epochs(network: Network, given: Any, train: Train | None) -> OverEpochs:
    """Return parameters that change from epoch to epoch, or none.

    Raises:
      TypeError: if `given` is no mapping of mappings of functions.
      ValueError: if a part or a parameter is unknown, or is trained.
    """
    trained = trainable(network, train)
    if given is None:
        return {}
    check_type(given, Mapping, "fit, over_epochs", " {part: {name: function of the epoch}}")
    for part, functions in given.items():
        check_type(functions, Mapping, f"fit, over_epochs of {part!r}", " {name: function}")
        for name, function in functions.items():
            if name in trained.get(part, {}):
                raise ValueError(
                    f"fit, over_epochs of {part!r}, {name!r}: it is trained; expected a parameter "
                    "that is not (see train=)"
                )
            if not callable(function):
                raise TypeError(
                    f"fit, over_epochs of {part!r}, {name!r}: given {type(function).__name__}; "
                    "expected a function of the epoch, such as lambda epoch: 0.9**epoch"
                )
    network.with_params(values_of_epoch(given, 0))
    return given


def values_of_epoch(over_epochs: OverEpochs, epoch: int) -> dict[str, dict[str, Any]]:
    """Return the parameters of an epoch, {part: {name: number}}."""
    return {
        part: {name: function(epoch) for name, function in functions.items()}
        for part, functions in over_epochs.items()
    }


def checked_course(epochs: Any, patience: Any, validation: Any, progress: Any) -> int:
    """Return the number of epochs, with the arguments that decide on the course checked.

    Raises:
      TypeError: if one is of another type.
      ValueError: if a number is not positive, or `patience` is given without validation.
    """
    check_flag(progress, "fit, progress")
    if patience is not None:
        positive_int(patience, "fit, patience")
        if validation is None:
            raise ValueError(
                "fit, patience: given without validation; expected validation data "
                "(validation=(drives, targets))"
            )
    return positive_int(epochs, "fit, epochs")


def check_learns(course: Course, batch: Totals, sizes: Sizes, checkpoint: Checkpoint) -> None:
    """Raise an error if a number of an update is not finite, or nothing can be learnt.

    Args:
      course: the place of the batch.
      batch: its sums.
      sizes: those of its gradient and of the values after it.
      checkpoint: of the training.

    Raises:
      FloatingPointError: if a number is NaN or infinite.
      ValueError: if the gradient of the first batch is 0.
    """
    found = {
        "the loss": batch.loss,
        "the gradient": sizes.gradient,
        "a trained value": sizes.values,
    }
    for name, number in found.items():
        if not np.isfinite(number):
            raise FloatingPointError(
                f"fit, {course}: {name} is {number}; expected a finite number (a smaller "
                "learning rate, or optax.clip_by_global_norm before the optimiser); "
                f"{checkpoint}"
            )
    is_first = course.epoch == 0 and course.batch == 0
    if is_first and sizes.gradient == 0 and batch.loss != 0:
        raise ValueError(
            f"fit, {course}: the gradient is 0, so nothing can be learnt; mean firing rates are "
            f"{_named(batch.mean_rates)}; expected spikes (larger weights or drives, lower "
            "thresholds), a wider surrogate, or a loss that depends on what is trained (exact "
            "gradients see no numbers of spikes, and no silent output without "
            "first_spike_loss(..., silent=))"
        )


def check_epoch(course: Course, held_out: Totals | None, checkpoint: Checkpoint) -> None:
    """Raise an error if an epoch had no batches, or its validation loss is not finite.

    Raises:
      FloatingPointError: if the validation loss is NaN or infinite.
      ValueError: if there were no presentations.
    """
    if not course.batch:
        again = ", which can be iterated only once" if course.epoch else ""
        raise ValueError(
            f"fit, epoch {course.epoch}: given no presentations{again}; expected an iterable that "
            "has some in each epoch"
        )
    if held_out is not None and not np.isfinite(held_out.loss):
        raise FloatingPointError(
            f"fit, validation of epoch {course.epoch}: the loss is {held_out.loss}; expected a "
            f"finite number (a smaller learning rate); {checkpoint}"
        )


def warn_of_silence(course: Course, readout: Readout | None) -> None:
    """Warn if spikes are read, and there was none to read in the first epoch."""
    if course.epoch != 1 or readout is None:
        return
    rates = course.history[0].rates
    if isinstance(readout.recording, _OF_SPIKES) and rates[readout.population] == 0:
        warnings.warn(
            f"fit: {readout.population!r}, the population of the readout, never spiked in the "
            f"first epoch; mean firing rates are {_named(rates)}; expected spikes (larger weights, "
            "or jsnn.losses.rates_below)",
            stacklevel=3,
        )


def _named(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{name!r} {rate:.3g} Hz" for name, rate in rates.items())
