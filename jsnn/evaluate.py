"""A whole data set through a network: batches, progress, accuracy."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_dtype, check_finite, check_known, check_type, positive_int
from jsnn._pytree import replace
from jsnn.drive import check_drive
from jsnn.network import Network, check_numbers
from jsnn.readout import Readout
from jsnn.record import Recording, Recordings, SpikeCount, plan
from jsnn.simulate import simulate
from jsnn.state import State, init

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
      spikes: {population: int64 [n]}, how many spikes each population emitted.
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


def evaluate(
    network: Network,
    drives: Mapping[str, Any],
    labels: ArrayLike,
    num_steps: int,
    readout: Readout,
    *,
    between: Between = fresh,
    batch_size: int = 500,
    record: Recordings | None = None,
    key: jax.Array | None = None,
    progress: bool = False,
    plain: bool = False,
) -> Evaluation:
    """Present every input of a data set and read out the answers.

    Args:
      network: what to run; new weights or parameters of the same shapes never recompile.
      drives: as the `drive` of `simulate`, with one more axis in front: [n, N] a population, say.
      labels: [n] integers, each the index of a neuron in the readout's population.
      num_steps: the length of a presentation.
      readout: how the answer is read, see `jsnn.readout`.
      between: what happens between presentations. With `fresh`, they run in batches; with any
        other function they run in sequence, since each then depends on the one before.
      batch_size: how many presentations one compiled call takes. The results do not depend on it.
      record: what else to keep of each presentation.
      key: `jax.random.key(seed)` if a current source is random. Presentation i uses
        `jax.random.fold_in(key, i)`, in batches and in sequence.
      progress: show a progress bar with images/s and running accuracy (needs tqdm).
      plain: as in `simulate`; the results are the same.

    Raises ValueError or TypeError, before anything is compiled, where something does not fit.
    """
    check_type(network, Network, "network")
    check_type(drives, Mapping, "drives", " by population, like the drive of simulate")
    check_type(readout, Readout, "readout", ", such as jsnn.spike_count(population)")
    if not callable(between):
        raise TypeError(f"between: given {between!r}; expected a function such as jsnn.fresh")
    num_steps = positive_int(num_steps, "num_steps")
    check_numbers(network)
    plan(network, record, num_steps)
    check_known([readout.population], network.sizes, "readout", "population")
    num_classes = network.sizes[readout.population]
    labels = _check_labels(labels, num_classes)
    _check_drives(network, drives, len(labels), num_steps)
    batch_size = min(positive_int(batch_size, "batch_size"), len(labels))
    options = {
        "num_steps": num_steps,
        "readout": readout,
        "record": tuple(sorted((record or {}).items())),
        "between": between,
        "plain": plain,
    }

    def batch_from(start: int) -> tuple[dict[str, Any], np.ndarray]:
        batch = jax.tree.map(lambda leaf: _padded(leaf, start, batch_size), dict(drives))
        return batch, np.arange(start, start + batch_size, dtype=np.int32)

    state = init(network, key)
    began = time.perf_counter()
    _check_predictions(_present.eval_shape(network, state, key, *batch_from(0), **options)[1])
    _present.lower(network, state, key, *batch_from(0), **options).compile()
    compile_seconds = time.perf_counter() - began

    began = time.perf_counter()
    batches: list[dict[str, Any]] = []
    with _progress_bar(len(labels), progress) as advance:
        for start in range(0, len(labels), batch_size):
            state, results = _present(network, state, key, *batch_from(start), **options)
            expected = labels[start : start + batch_size]
            valid = len(expected)
            batches.append(jax.tree.map(lambda leaf: np.asarray(leaf)[:valid], results))  # noqa: B023
            advance(valid, int(np.sum(batches[-1]["predictions"] == expected)))
    run_seconds = time.perf_counter() - began

    results = jax.tree.map(lambda *leaves: np.concatenate(leaves), *batches)
    _check_answers(results["predictions"], num_classes)
    return Evaluation(
        predictions=results["predictions"],
        labels=labels,
        num_classes=num_classes,
        spikes={name: results["spikes"][name].astype(np.int64) for name in network.sizes},
        recorded=results["recorded"],
        run_seconds=run_seconds,
        compile_seconds=compile_seconds,
    )


@partial(jax.jit, static_argnames=("num_steps", "readout", "record", "between", "plain"))
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
) -> tuple[State, dict[str, Any]]:
    """Presentations `indices` of the data set: side by side if fresh, else one after another."""
    recordings: dict[str, Any] = {
        "answer": readout.recording,
        **{f"spikes of {name}": SpikeCount(name) for name in network.sizes},
        **{f"asked for {name}": recording for name, recording in record},
    }

    def own_key(index: jax.Array) -> jax.Array | None:
        return None if key is None else jax.random.fold_in(key, index)

    def present(drive: dict[str, Any], **start: Any) -> tuple[State, dict[str, Any]]:
        state, kept = simulate(network, drive, num_steps, record=recordings, plain=plain, **start)
        return state, {
            "predictions": readout.predict(kept["answer"]),
            "spikes": {
                name: kept[f"spikes of {name}"].astype(jnp.int32).sum() for name in network.sizes
            },
            "recorded": {name: kept[f"asked for {name}"] for name, _ in record},
        }

    if between is fresh:

        def present_fresh(drive: dict[str, Any], index: jax.Array) -> dict[str, Any]:
            return present(drive, key=own_key(index))[1]

        return state, jax.vmap(present_fresh)(drives, indices)

    def present_next(state: State, now: tuple[Any, jax.Array]) -> tuple[State, dict[str, Any]]:
        drive, index = now
        return present(drive, state=replace(between(network, state), key=own_key(index)))

    return jax.lax.scan(present_next, state, (drives, indices))


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


def _padded(values: Any, start: int, size: int) -> np.ndarray:
    """`size` presentations from `start`, the last one repeated where the data set ends."""
    rows = np.asarray(values[start : start + size])
    return np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])


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


def _check_drives(
    network: Network, drives: Mapping[str, Any], num_presentations: int, num_steps: int
) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(dict(drives)):
        what = f"drives{jax.tree_util.keystr(path)}"
        if np.ndim(leaf) < 1 or len(leaf) != num_presentations:
            raise ValueError(
                f"{what}: given shape {np.shape(leaf)}; expected ({num_presentations}, ...), one "
                "row for each label"
            )
        check_dtype(np.asarray(leaf), network.dtype, what)
        check_finite(leaf, what)
    check_drive(network, jax.tree.map(lambda leaf: leaf[0], dict(drives)), num_steps)


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
