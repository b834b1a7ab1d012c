"""Evaluation of a network on a whole data set: batches, progress, accuracy."""

import itertools
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import (
    check_flag,
    check_known,
    check_type,
    check_untraced,
    host_array,
    number_of_steps,
    positive_int,
)
from jsnn._devices import checked_devices
from jsnn._engine.record_checks import checked_record
from jsnn._engine.recording_plan import check_memory, plan_recordings
from jsnn.evaluation.batches import Drives, batches, check_drives
from jsnn.evaluation.between import Between, fresh
from jsnn.evaluation.devices import mesh_of
from jsnn.evaluation.presentation import How, SourceError, compile_program, plan_presentations
from jsnn.evaluation.progress import presentations_bar
from jsnn.evaluation.readouts import Readout
from jsnn.evaluation.results import Evaluation, IncompleteError, Results
from jsnn.network.network import Network, check_numbers
from jsnn.recording import Recordings, SpikeCount, Spikes
from jsnn.spike_events import check_capacities


def evaluate(
    network: Network,
    drives: Drives,
    labels: ArrayLike,
    num_steps: int,
    readout: Readout,
    *,
    between: Between = fresh,
    batch_size: int | None = None,
    max_bytes: int | None = None,
    record: Recordings | None = None,
    key: jax.Array | None = None,
    first_index: int = 0,
    progress: bool = False,
    scheduled: bool = True,
    devices: Sequence[jax.Device] | None = None,
) -> Evaluation:
    """Present every input of a data set and read out the answers.

    Args:
      network: the network; new weights or parameters of the same shapes never recompile.
      drives: as the `drive` of `simulate`, with one more axis in front: [n, N] for a population,
        `jsnn.over_time(x)` with x [n, T, N] for time courses. Arrays, memory-mapped ones too, or
        an iterable whose items hold the next few presentations each, in the same form.
      labels: [n] integers, each the index of a neuron in the population of the readout.
      num_steps: the length of a presentation.
      readout: the rule that reads the answer, such as `jsnn.spike_count(population)`.
      between: the rule for the state between presentations. With `jsnn.fresh` presentations run in
        batches; with any other function they run in sequence, since each depends on the one before.
      batch_size: the number of presentations in one compiled call; by default as many as
        `max_bytes` have room for. The results do not depend on it.
      max_bytes: the most bytes that one call may take on each device for inputs, results and
        intermediate values, as XLA counts them; by default the size of the cache of a CPU, or 1 GiB
        on other devices.
      record: {name: recording}, more to keep of each presentation.
      key: `jax.random.key(seed)` if the network is random. Presentation i uses
        `jax.random.fold_in(key, i)`, in batches and in sequence.
      first_index: the index i of the first presentation. With it, parts of a data set that are
        evaluated one after the other have the random numbers of the whole.
      progress: show a progress bar with images/s and running accuracy (needs tqdm).
      scheduled: run populations in the quickest order, as in `simulate`; the results are the same.
      devices: the devices that share the presentations of a batch; by default all devices, also
        those of other processes (`jax.distributed`), each of which makes the same call. The results
        do not depend on the devices. Presentations in sequence run on the first one.

    Raises:
      TypeError: if an argument is of another type; raised before anything is compiled.
      ValueError: if an argument does not fit the network; raised before anything is compiled. Also
        if there are more spikes in a presentation than a `SpikeEvents` has room for.
      IncompleteError: if data that are read on the way do not fit; the error has the results so
        far.

    Warns:
      UserWarning: if the currents are most likely grey levels, or a readout of spikes had no spike
        to read.
    """
    for name, flag in (("progress", progress), ("scheduled", scheduled)):
        check_flag(flag, f"evaluate, {name}")
    given = (network, key, labels, drives if isinstance(drives, Mapping) else None)
    check_untraced(given, "evaluate", "jax.vmap of jsnn.simulate can be traced")
    check_type(network, Network, "network")
    check_type(drives, Iterable, "drives", " by population, like the drive of simulate")
    check_type(readout, Readout, "readout", ", such as jsnn.spike_count(population)")
    if not callable(between):
        raise TypeError(f"between: given {between!r}; expected a function such as jsnn.fresh")
    num_steps = number_of_steps(num_steps, "num_steps")
    first_index = positive_int(first_index, "first_index", least=0)
    if network.mesh is not None:
        raise ValueError(
            "evaluate: given a network that is divided over devices; expected a whole one, since "
            "presentations are spread over devices (devices=)"
        )
    check_numbers(network)
    check_known([readout.population], network.sizes, "readout", "population")
    readout.check_steps(num_steps)
    num_classes = network.sizes[readout.population]
    labels = check_labels(labels, num_classes)
    one, drive, drives = _first_of(drives, network, len(labels), num_steps)
    warn_of_grey_levels(one, network)
    answers = _Answers(readout, tuple(network.sizes), checked_record(record))
    plan = plan_presentations(
        network, drive, num_steps, answers.recordings, between, scheduled=scheduled
    )
    kept = plan_recordings(network, record, num_steps)
    check_memory(network, kept, num_steps, len(labels))
    devices = checked_devices(devices)
    how = How(plan, answers, between, mesh_of(devices if between is fresh else devices[:1]))

    began = time.perf_counter()
    program = compile_program(
        network, one, len(labels), how, key=key, batch_size=batch_size, max_bytes=max_bytes
    )
    compile_seconds = time.perf_counter() - began
    began = time.perf_counter()
    results = Results(labels, network.sizes, num_classes)
    source = batches(network, drives, len(labels), num_steps, program.size)
    with presentations_bar(len(labels), progress) as advance:
        try:
            for batch in program.results(source, len(labels), first_index):
                check_capacities(record or {}, batch["recorded"])
                advance(*results.add(batch))
        except SourceError as error:
            run_seconds = time.perf_counter() - began
            partly = results.evaluation(run_seconds, compile_seconds) if results.done else None
            raise IncompleteError(str(error), partly) from error
    evaluation = results.evaluation(time.perf_counter() - began, compile_seconds)
    _warn_of_silence(evaluation, readout)
    return evaluation


def warn_of_grey_levels(one: Mapping[str, Any], network: Network) -> None:
    """Warn if the current of a presentation is most likely an image of bytes.

    Args:
      one: the drive of one presentation, [1, ...].
      network: the network that is driven.
    """
    for name in one.keys() & network.sizes.keys():
        pixels = np.asarray(jax.tree.leaves(one[name])[0])
        if pixels.size > 1 and _are_grey_levels(pixels):
            warnings.warn(
                f"drives of {name!r}: given whole numbers up to {pixels.max():g}, as the grey "
                "levels of an image; expected currents in nA (GeNN's tutorial takes 0.01 nA for a "
                "grey level)",
                stacklevel=3,
            )


def _are_grey_levels(pixels: np.ndarray) -> bool:
    in_range = pixels.min() >= 0 and 128 <= pixels.max() <= 255
    return bool(in_range and np.all(pixels == np.round(pixels)))


def _warn_of_silence(evaluation: Evaluation, readout: Readout) -> None:
    """Warn if a readout of spikes named classes without a single spike to read."""
    silent = not evaluation.spikes[readout.population].any()
    answered = (evaluation.predictions >= 0).any()
    if silent and answered and isinstance(readout.recording, (SpikeCount, Spikes)):
        warnings.warn(
            f"evaluate: {readout.population!r}, the population of the readout, never spiked in "
            f"{len(evaluation.labels):,} presentations, so the predictions mean nothing; expected "
            "spikes (more or stronger drives, larger weights, lower thresholds, or more steps)",
            stacklevel=3,
        )


@dataclass(frozen=True)
class _Answers:
    """The reduction of the recordings of a presentation to its answer and its numbers of spikes.

    Raises:
      ValueError: if a recording has a name that is used here.
    """

    readout: Readout
    populations: tuple[str, ...]
    record: tuple[tuple[str, Any], ...]

    def __post_init__(self) -> None:
        taken = {_ANSWER, *map(_spikes_of, self.populations)} & dict(self.record).keys()
        if taken:
            raise ValueError(f"record: given the name {min(taken)!r}; expected another one")

    @property
    def recordings(self) -> dict[str, Any]:
        """The recordings of each presentation, by internal names."""
        return {
            **dict(self.record),
            _ANSWER: self.readout.recording,
            **{_spikes_of(name): SpikeCount(name) for name in self.populations},
        }

    def __call__(self, recorded: dict[str, Any]) -> dict[str, Any]:
        return {
            "predictions": _checked(self.readout.predict(recorded[_ANSWER])),
            "spikes": {
                name: recorded[_spikes_of(name)].astype(jnp.int32).sum()
                for name in self.populations
            },
            "recorded": {name: recorded[name] for name, _ in self.record},
        }


def _checked(prediction: jax.Array) -> jax.Array:
    """Return the class that a readout names.

    Raises:
      TypeError: if it is not an integer of shape ().
    """
    if not isinstance(prediction, jax.Array):
        raise TypeError(
            f"readout, predict: returns {type(prediction).__name__}; expected an integer array of "
            "shape ()"
        )
    if prediction.ndim or not jnp.issubdtype(prediction.dtype, jnp.integer):
        raise TypeError(
            f"readout, predict: returns {prediction.dtype} of shape {prediction.shape}; expected "
            "an integer of shape ()"
        )
    return prediction


_ANSWER = "answer of evaluate"


def _spikes_of(population: str) -> str:
    return f"spikes of {population} in evaluate"


def _first_of(
    drives: Any, network: Network, num_presentations: int, num_steps: int
) -> tuple[dict[str, Any], dict[str, Any], Drives]:
    """Return the first presentation, [1, ...], its checked drive, and all drives."""
    everything: Drives = drives
    if isinstance(drives, Mapping):
        first = drives
        _, drive = check_drives(network, drives, num_presentations, num_steps)
    else:
        rest = iter(drives)
        try:
            first = next(rest)
        except StopIteration:
            raise ValueError("drives: given no batches; expected at least one") from None
        _, drive = check_drives(network, first, None, num_steps, "drives, batch 0")
        everything = itertools.chain([first], rest)
    return jax.tree.map(lambda leaf: leaf[:1], dict(first)), drive, everything


def check_labels(labels: ArrayLike, num_classes: int) -> np.ndarray:
    """Return labels as int32 [n], each the index of a neuron of the output population.

    Raises:
      TypeError: if labels are not integers of shape (n,).
      ValueError: if there are none, or one is outside the classes.
    """
    try:
        array = np.asarray(labels if isinstance(labels, list) else host_array(labels, "labels"))
    except ValueError:
        raise TypeError(
            "labels: given sequences of different lengths; expected integers of shape (n,)"
        ) from None
    if not array.size:
        raise ValueError("labels: given an empty data set; expected at least one presentation")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        kind = type(labels).__name__ if array.dtype == object else array.dtype
        raise TypeError(
            f"labels: given {kind} of shape {array.shape}; expected integers of shape (n,)"
            f"{_as_labels(array)}"
        )
    outside = np.flatnonzero((array < 0) | (array >= num_classes))
    if outside.size:
        raise ValueError(
            f"labels: given {array[outside[0]]} at index {outside[0]}; expected 0 to "
            f"{num_classes - 1}, the classes of the output population"
        )
    return array.astype(np.int32)


def _as_labels(given: np.ndarray) -> str:
    """Return how one-hot rows, whole floats and words become labels, or ""."""
    if given.ndim == 2 and given.dtype.kind in "iufb":
        return " (labels.argmax(1) of one-hot rows)"
    if given.ndim == 1 and given.dtype.kind in "fU":
        words = "np.unique(labels, return_inverse=True)[1]"
        return f" ({'labels.astype(int)' if given.dtype.kind == 'f' else words})"
    return ""
