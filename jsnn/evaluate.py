"""A whole data set through a network: batches, progress, accuracy."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, positive_int
from jsnn._pytree import replace
from jsnn.batches import Drives, batches, check_drives
from jsnn.devices import ROWS, WHOLE, fetched, mesh_of, replicated, spread
from jsnn.drive import check_drive
from jsnn.network import Network, check_numbers
from jsnn.readout import Readout
from jsnn.record import Plan, Recording, Recordings, SpikeCount, plan
from jsnn.schedule import bytes_over_time, scheduled
from jsnn.simulate import simulate
from jsnn.state import State, abstract_state, init

Between = Callable[[Network, State], State]
"""(network, state after a presentation) -> state before the next one; pure, at module level.

Called before the first presentation too, on a fresh state.
"""


def fresh(network: Network, state: State) -> State:
    """Nothing is kept: every presentation is independent of the others, so they run in batches."""
    return init(network, state.key)


def keep_in_flight(network: Network, state: State) -> State:
    """Neurons and current sources start anew; spikes in flight and synaptic currents stay.

    This is what GeNN's tutorial does when it zeroes the voltages at the start of each image.
    """
    new = init(network, state.key)
    return replace(state, variables=new.variables, sources=new.sources)


@dataclass(frozen=True)
class Evaluation:
    """What came of a data set of n presentations.

    Attributes:
      predictions: int32 [n], the class read out, -1 where there was no answer.
      labels: int32 [n], the true classes.
      num_classes: how many classes the output population has.
      spikes: {population: int32 [n]}, how many spikes each population emitted.
      recorded: {name: [n, ...]}, what else was asked for.
      run_seconds: the time that the presentations took, compilation apart.
      compile_seconds: the time that tracing and compiling took; about 0 when done before.
    """

    predictions: np.ndarray
    labels: np.ndarray
    num_classes: int
    spikes: dict[str, np.ndarray]
    recorded: dict[str, Any]
    run_seconds: float
    compile_seconds: float

    @property
    def accuracy(self) -> float:
        """The fraction of presentations whose prediction is the label."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def spikes_per_presentation(self) -> dict[str, float]:
        """The mean number of spikes of each population."""
        return {name: float(np.mean(counts)) for name, counts in self.spikes.items()}

    @property
    def confusion_matrix(self) -> np.ndarray:
        """int64 [num_classes, num_classes + 1]: how often label (row) was read as class (column).

        The last column counts the presentations without an answer.
        """
        matrix = np.zeros((self.num_classes, self.num_classes + 1), np.int64)
        np.add.at(matrix, (self.labels, self.predictions), 1)  # -1 is the last column
        return matrix


class IncompleteError(ValueError):
    """The data of an evaluation did not go on as they should.

    Attributes:
      evaluation: what came of the presentations before, or None if there were none.
    """

    def __init__(self, message: str, evaluation: Evaluation | None) -> None:
        super().__init__(message)
        self.evaluation = evaluation


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
    check_numbers(network)
    planned = plan(network, record, num_steps)
    check_known([readout.population], network.sizes, "readout", "population")
    labels = _check_labels(labels, network.sizes[readout.population])
    if isinstance(drives, Mapping):
        check_drives(network, drives, len(labels), num_steps)
        one = jax.tree.map(lambda leaf: leaf[:1], dict(drives))
    else:
        first, drives = _first_of(drives, network, num_steps)
        one = jax.tree.map(lambda leaf: leaf[:1], first)
    mesh = mesh_of(
        (jax.devices() if devices is None else devices)[: None if between is fresh else 1]
    )
    if batch_size is None:
        room = _room(max_bytes)
        per_device = room // _bytes_of_one(network, one, planned, num_steps)
        size = min(max(per_device, 1) * mesh.size, len(labels))
    else:
        if max_bytes is not None:
            raise ValueError("max_bytes: given together with batch_size; expected one of them")
        size = min(positive_int(batch_size, "batch_size"), len(labels))
    state = init(network, key)
    options = {
        "num_steps": num_steps,
        "readout": readout,
        "record": tuple(sorted((record or {}).items())),
        "between": between,
        "plain": plain,
        "mesh": mesh,
    }

    def arguments(rows: dict[str, Any], start: int) -> tuple[Any, ...]:
        return spread((rows, np.arange(start, start + size, dtype=np.int32)), mesh)

    began = time.perf_counter()
    network, state, key = replicated((network, state, key), mesh)
    while True:
        size = -(-max(size, 1) // mesh.size) * mesh.size
        rows = jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf), size, axis=0), one)  # noqa: B023
        lowered = _present.lower(network, state, key, *arguments(rows, 0), **options)
        _check_predictions(lowered.out_info[1])
        program = lowered.compile()
        used = _bytes_used(program)
        if max_bytes is None or used <= max_bytes:
            break
        if size == mesh.size:
            raise ValueError(
                f"max_bytes: given {max_bytes:,}; expected at least {used:,}, which "
                f"{size} presentation{'s' * (size > 1)} of {num_steps} steps need"
            )
        size = min(size * max_bytes // used, size - 1)
    compile_seconds = time.perf_counter() - began

    def run(*rows: Any) -> Any:
        nonlocal state
        after, batch = program(network, state, key, *rows)
        if between is not fresh:
            state = after
        return fetched(batch)

    began = time.perf_counter()
    results = _Results(labels, network, network.sizes[readout.population])
    running: deque[Future[Any]] = deque()
    source = batches(network, drives, len(labels), num_steps, size)
    # Batches that do not depend on each other overlap: one is made ready or read out, or steps
    # through a scan on one core, while others compute.
    calls = 1 if between is not fresh or jax.process_count() > 1 else _CALLS
    with _progress_bar(len(labels), progress) as advance, ThreadPoolExecutor(calls) as pool:
        for start in range(0, len(labels) + size, size):
            try:
                rows = next(source, None)
            except (ValueError, TypeError) as error:
                while running:
                    results.add(running.popleft().result())
                run_seconds = time.perf_counter() - began
                partly = results.evaluation(run_seconds, compile_seconds) if results.done else None
                raise IncompleteError(str(error), partly) from error
            if rows is not None:
                running.append(pool.submit(run, *arguments(rows, start)))
            while len(running) > (calls if rows is not None else 0):
                advance(*results.add(running.popleft().result()))
    return results.evaluation(time.perf_counter() - began, compile_seconds)


_CALLS = 3
"""How many batches are under way at once: on two cores a third one still pays."""


class _Results:
    """Arrays for all presentations, filled from the front."""

    def __init__(self, labels: np.ndarray, network: Network, num_classes: int) -> None:
        self.labels, self.network, self.num_classes = labels, network, num_classes
        self.rows: Any = None
        self.done = 0

    def add(self, batch: dict[str, Any]) -> tuple[int, int]:
        """Take in a batch, padded or not; how many presentations it had and how many were right."""
        number = min(len(batch["predictions"]), len(self.labels) - self.done)
        here = slice(self.done, self.done + number)
        if self.rows is None:
            total = len(self.labels)
            self.rows = jax.tree.map(lambda x: np.empty((total, *x.shape[1:]), x.dtype), batch)

        def put(all_rows: np.ndarray, new: np.ndarray) -> None:
            all_rows[here] = new[:number]

        jax.tree.map(put, self.rows, batch)
        self.done += number
        return number, int(np.sum(self.rows["predictions"][here] == self.labels[here]))

    def evaluation(self, run_seconds: float, compile_seconds: float) -> Evaluation:
        rows = jax.tree.map(lambda leaf: leaf[: self.done], self.rows)
        _check_answers(rows["predictions"], self.num_classes)
        return Evaluation(
            predictions=rows["predictions"],
            labels=self.labels[: self.done],
            num_classes=self.num_classes,
            spikes={name: rows["spikes"][name] for name in self.network.sizes},
            recorded=rows["recorded"],
            run_seconds=run_seconds,
            compile_seconds=compile_seconds,
        )


@partial(jax.jit, static_argnames=("num_steps", "readout", "record", "between", "plain", "mesh"))
def _present(
    network: Network,
    state: State,
    key: jax.Array | None,
    drives: dict[str, Any],
    indices: jax.Array,
    *,
    num_steps: int,
    readout: Readout,
    record: tuple[tuple[str, Recording], ...],
    between: Between,
    plain: bool,
    mesh: Mesh,
) -> tuple[State, dict[str, Any]]:
    """Presentations `indices` of the data set: side by side if fresh, else one after another."""
    recordings: dict[str, Any] = {
        "answer": readout.recording,
        **{f"spikes of {name}": SpikeCount(name) for name in network.sizes},
        **{f"asked for {name}": recording for name, recording in record},
    }

    def present(
        network: Network, drive: dict[str, Any], **start: Any
    ) -> tuple[State, dict[str, Any]]:
        state, kept = simulate(network, drive, num_steps, record=recordings, plain=plain, **start)
        return state, {
            "predictions": readout.predict(kept["answer"]),
            "spikes": {
                name: kept[f"spikes of {name}"].astype(jnp.int32).sum() for name in network.sizes
            },
            "recorded": {name: kept[f"asked for {name}"] for name, _ in record},
        }

    if between is fresh:

        def present_fresh(
            network: Network, key: jax.Array | None, drive: dict[str, Any], index: jax.Array
        ) -> dict[str, Any]:
            return present(network, drive, key=_own_key(key, index))[1]

        share = jax.shard_map(
            jax.vmap(present_fresh, in_axes=(None, None, 0, 0)),
            mesh=mesh,
            in_specs=(WHOLE, WHOLE, ROWS, ROWS),
            out_specs=ROWS,
            check_vma=False,
        )
        return state, share(network, key, drives, indices)

    def present_next(state: State, now: tuple[Any, jax.Array]) -> tuple[State, dict[str, Any]]:
        drive, index = now
        before = replace(between(network, state), key=_own_key(key, index))
        return present(network, drive, state=before)

    return jax.lax.scan(present_next, state, (drives, indices))


def _own_key(key: jax.Array | None, index: jax.Array) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, index)


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
    return 2**25 if jax.default_backend() == "cpu" else 2**30


def _bytes_of_one(network: Network, one: dict[str, Any], planned: Plan, num_steps: int) -> int:
    """About what one presentation takes; what all of them do is then measured."""
    drive = jax.tree.map(lambda leaf: leaf[0], one)
    constant, _ = check_drive(network, drive, num_steps)
    schedule = scheduled(network, constant, planned, num_steps)
    leaves = jax.tree.leaves((one, replace(abstract_state(network), key=None)))
    numbers = sum(np.size(leaf) * np.dtype(leaf.dtype).itemsize for leaf in leaves)
    return 2 * numbers + bytes_over_time(network, schedule.stages, num_steps)


def _bytes_used(program: Any) -> int:
    """For arguments, results and what lies between, on one device."""
    memory = program.memory_analysis()
    return int(
        memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    )


def _check_predictions(results: dict[str, Any]) -> None:
    """Raise TypeError if the readout does not name one class for each presentation."""
    given = results["predictions"]
    if given.ndim != 1 or not jnp.issubdtype(given.dtype, jnp.integer):
        raise TypeError(
            f"readout, predict: returns {given.dtype} of shape {given.shape[1:]}; expected an "
            "integer of shape ()"
        )


def _check_answers(predictions: np.ndarray, num_classes: int) -> None:
    outside = predictions[(predictions < -1) | (predictions >= num_classes)]
    if outside.size:
        raise ValueError(
            f"readout, predict: returned {outside[0]}; expected 0 to {num_classes - 1}, or -1 for "
            "no answer"
        )


def _check_labels(labels: ArrayLike, num_classes: int) -> np.ndarray:
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


@contextmanager
def _progress_bar(total: int, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to call with how many presentations were done and how many were right."""
    if not shown:
        yield lambda done, right: None
        return
    try:
        from tqdm import tqdm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "progress=True needs tqdm: python -m pip install tqdm", name="tqdm"
        ) from error
    with tqdm(total=total, unit="image") as bar:
        total_right = 0

        def advance(done: int, right: int) -> None:
            nonlocal total_right
            total_right += right
            bar.update(done)
            bar.set_postfix(accuracy=f"{total_right / bar.n:.2%}")

        yield advance
