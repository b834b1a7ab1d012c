"""A whole data set through a network: batches, progress, accuracy."""

import itertools
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, positive_int
from jsnn._engine.recording_plan import plan
from jsnn.evaluation.batches import Drives, batches, check_drives
from jsnn.evaluation.between import Between, fresh
from jsnn.evaluation.devices import fetched, mesh_of, replicated, spread
from jsnn.evaluation.presentation import How, bytes_of_one, compiled
from jsnn.evaluation.progress import progress_bar
from jsnn.evaluation.readouts import Readout
from jsnn.evaluation.results import Evaluation, IncompleteError, Results
from jsnn.network.network import Network, check_numbers
from jsnn.network.state import init
from jsnn.recording import Recordings


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
    plain: bool = False,
    devices: Sequence[jax.Device] | None = None,
) -> Evaluation:
    """Present every input of a data set and read out the answers.

    Args:
      network: what to run; new weights or parameters of the same shapes never recompile.
      drives: as the `drive` of `simulate`, with one more axis in front: [n, N] a population, say.
        Arrays, memory-mapped ones too, or an iterable whose items hold the next few presentations
        each, in the same form.
      labels: [n] integers, each the index of a neuron in the readout's population.
      num_steps: the length of a presentation.
      readout: how the answer is read, see `jsnn.readout`.
      between: what happens between presentations. With `fresh`, they run in batches; with any
        other function they run in sequence, since each then depends on the one before.
      batch_size: how many presentations one compiled call takes; by default as many as `max_bytes`
        have room for. The results do not depend on it.
      max_bytes: that one call may take on each device for inputs, results and all between, as XLA
        counts them; by default what a CPU's cache holds, or on other devices 1 GiB.
      record: what else to keep of each presentation.
      key: `jax.random.key(seed)` if a current source is random. Presentation i uses
        `jax.random.fold_in(key, i)`, in batches and in sequence.
      first_index: i of the first presentation; so parts of a data set, evaluated one after the
        other, have the random numbers of the whole.
      progress: show a progress bar with images/s and running accuracy (needs tqdm).
      plain: as in `simulate`; the results are the same.
      devices: that share the presentations of a batch; by default all there are, those of other
        processes too (`jax.distributed`), each of which makes the same call. The results do not
        depend on them. Presentations in sequence run on the first.

    Raises ValueError or TypeError, before anything is compiled, where something does not fit; and
    IncompleteError, which has the results so far, where data that are read on the way do not.
    """
    check_type(network, Network, "network")
    check_type(drives, Iterable, "drives", " by population, like the drive of simulate")
    check_type(readout, Readout, "readout", ", such as jsnn.spike_count(population)")
    if not callable(between):
        raise TypeError(f"between: given {between!r}; expected a function such as jsnn.fresh")
    num_steps = positive_int(num_steps, "num_steps")
    first_index = positive_int(first_index, "first_index", least=0)
    check_numbers(network)
    plan(network, record, num_steps)
    check_known([readout.population], network.sizes, "readout", "population")
    labels = check_labels(labels, network.sizes[readout.population])
    if isinstance(drives, Mapping):
        check_drives(network, drives, len(labels), num_steps)
        one = jax.tree.map(lambda leaf: leaf[:1], dict(drives))
    else:
        first, drives = _first_of(drives, network, num_steps)
        one = jax.tree.map(lambda leaf: leaf[:1], first)
    devices = jax.devices() if devices is None else devices
    mesh = mesh_of(devices if between is fresh else devices[:1])
    recordings = tuple(sorted((record or {}).items()))
    how = How(num_steps, readout, recordings, between, plain, mesh)
    if batch_size is None:
        room = _room(max_bytes) // bytes_of_one(network, one, how)
        size = min(max(room, 1) * mesh.size, len(labels))
    elif max_bytes is None:
        size = min(positive_int(batch_size, "batch_size"), len(labels))
    else:
        raise ValueError("max_bytes: given together with batch_size; expected one of them")

    began = time.perf_counter()
    network, state, key = replicated((network, init(network, key), key), mesh)
    program, size = compiled(network, state, key, one, size, max_bytes, how)
    compile_seconds = time.perf_counter() - began

    def run(*rows: Any) -> Any:
        nonlocal state
        after, batch = program(network, state, key, *rows)
        if between is not fresh:
            state = after
        return fetched(batch)

    began = time.perf_counter()
    results = Results(labels, network.sizes, network.sizes[readout.population])
    indices = first_index + np.arange(size, dtype=np.int32)
    running: deque[Future[Any]] = deque()
    source = batches(network, drives, len(labels), num_steps, size)
    # Batches that do not depend on each other overlap: one is made ready or read out, or steps
    # through a scan on one core, while others compute.
    in_turn = between is not fresh or jax.process_count() > 1
    calls = 1 if in_turn else _CALLS if mesh.size == 1 else _CALLS_ON_MANY
    with progress_bar(len(labels), progress) as advance, ThreadPoolExecutor(calls) as pool:
        for start in range(0, len(labels) + size, size):
            try:
                rows = next(source, None)
            except Exception as error:
                while running:
                    results.add(running.popleft().result())
                run_seconds = time.perf_counter() - began
                partly = results.evaluation(run_seconds, compile_seconds) if results.done else None
                raise IncompleteError(str(error), partly) from error
            if rows is not None:
                running.append(pool.submit(run, *spread((rows, indices + start), mesh)))
            while len(running) > (calls if rows is not None else 0):
                advance(*results.add(running.popleft().result()))
    return results.evaluation(time.perf_counter() - began, compile_seconds)


_CALLS = 3
"""How many batches are under way at once: on two cores a third one still pays."""

_CALLS_ON_MANY = 2
"""The same on several devices, which overlap with each other."""


def _first_of(
    items: Iterable[Mapping[str, Any]], network: Network, num_steps: int
) -> tuple[Mapping[str, Any], Iterable[Mapping[str, Any]]]:
    """The first of the items, checked, and all of them."""
    rest = iter(items)
    for first in rest:
        check_drives(network, first, None, num_steps, "drives, batch 0")
        return first, itertools.chain([first], rest)
    raise ValueError("drives: given no batches; expected at least one")


def _room(max_bytes: int | None) -> int:
    if max_bytes is not None:
        return positive_int(max_bytes, "max_bytes")
    return 2**24 if jax.default_backend() == "cpu" else 2**30


def check_labels(labels: ArrayLike, num_classes: int) -> np.ndarray:
    """`labels` as int32 [n], or an error; each the index of a neuron of the output population."""
    array = np.asarray(labels)
    if not array.size:
        raise ValueError("labels: given an empty data set; expected at least one presentation")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(
            f"labels: given {array.dtype} of shape {array.shape}; expected integers of shape (n,)"
        )
    outside = np.flatnonzero((array < 0) | (array >= num_classes))
    if outside.size:
        raise ValueError(
            f"labels: given {array[outside[0]]} at index {outside[0]}; expected 0 to "
            f"{num_classes - 1}, the classes of the output population"
        )
    return array.astype(np.int32)
