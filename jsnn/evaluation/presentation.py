"""A batch of presentations as one program."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jsnn._engine.inputs import check_drive
from jsnn._engine.recording_plan import plan
from jsnn._engine.schedule import bytes_over_time, scheduled
from jsnn._pytree import replace
from jsnn.evaluation.between import Between, fresh
from jsnn.evaluation.devices import ROWS, WHOLE, spread
from jsnn.evaluation.readouts import Readout
from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state
from jsnn.recording import Recording, SpikeCount
from jsnn.simulation import simulate


@dataclass(frozen=True)
class How:
    """What is static about the presentations of a data set; see `jsnn.evaluate`."""

    num_steps: int
    readout: Readout
    record: tuple[tuple[str, Recording], ...]
    between: Between
    plain: bool
    mesh: Mesh


@partial(jax.jit, static_argnames="how")
def present(
    network: Network,
    state: State,
    key: jax.Array | None,
    drives: dict[str, Any],
    indices: jax.Array,
    how: How,
) -> tuple[State, dict[str, Any]]:
    """Presentations `indices` of the data set: side by side if fresh, else one after another."""
    recordings: dict[str, Any] = {
        "answer": how.readout.recording,
        **{f"spikes of {name}": SpikeCount(name) for name in network.sizes},
        **{f"asked for {name}": recording for name, recording in how.record},
    }

    def present_one(
        network: Network, drive: dict[str, Any], **start: Any
    ) -> tuple[State, dict[str, Any]]:
        state, kept = simulate(
            network, drive, how.num_steps, record=recordings, plain=how.plain, **start
        )
        return state, {
            "predictions": how.readout.predict(kept["answer"]),
            "spikes": {
                name: kept[f"spikes of {name}"].astype(jnp.int32).sum() for name in network.sizes
            },
            "recorded": {name: kept[f"asked for {name}"] for name, _ in how.record},
        }

    if how.between is fresh:

        def present_fresh(
            network: Network, key: jax.Array | None, drive: dict[str, Any], index: jax.Array
        ) -> dict[str, Any]:
            return present_one(network, drive, key=_own_key(key, index))[1]

        share = jax.shard_map(
            jax.vmap(present_fresh, in_axes=(None, None, 0, 0)),
            mesh=how.mesh,
            in_specs=(WHOLE, WHOLE, ROWS, ROWS),
            out_specs=ROWS,
            check_vma=False,
        )
        return state, share(network, key, drives, indices)

    def present_next(state: State, now: tuple[Any, jax.Array]) -> tuple[State, dict[str, Any]]:
        drive, index = now
        before = replace(how.between(network, state), key=_own_key(key, index))
        return present_one(network, drive, state=before)

    return jax.lax.scan(present_next, state, (drives, indices))


def _own_key(key: jax.Array | None, index: jax.Array) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, index)


def compiled(
    network: Network,
    state: State,
    key: jax.Array | None,
    one: dict[str, Any],
    size: int,
    max_bytes: int | None,
    how: How,
) -> tuple[Any, int]:
    """`present` compiled for batches of `size`, or fewer where `max_bytes` ask for it; their size.

    `one` is a drive, [1, ...]. The size is a multiple of the number of devices.

    Raises ValueError where a presentation on each device is too many.
    """
    least = how.mesh.size
    while True:
        size = -(-max(size, 1) // least) * least
        rows = jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf), size, axis=0), one)  # noqa: B023
        arguments = spread((rows, np.arange(size, dtype=np.int32)), how.mesh)
        lowered = present.lower(network, state, key, *arguments, how)
        _check_predictions(lowered.out_info[1])
        program = lowered.compile()
        used = _bytes_used(program)
        if max_bytes is None or used <= max_bytes:
            return program, size
        if size == least:
            raise ValueError(
                f"max_bytes: given {max_bytes:,}; expected at least {used:,}, which one "
                f"presentation of {how.num_steps} steps needs"
            )
        size = min(size * max_bytes // used, size - 1)


def bytes_of_one(network: Network, one: dict[str, Any], how: How) -> int:
    """About what one presentation takes; what all of them do is then measured."""
    drive = jax.tree.map(lambda leaf: leaf[0], one)
    constant, varying = check_drive(network, drive, how.num_steps)
    planned = plan(network, dict(how.record), how.num_steps)
    schedule = scheduled(network, constant, varying, planned, how.num_steps)
    leaves = jax.tree.leaves((one, replace(abstract_state(network), key=None)))
    numbers = sum(np.size(leaf) * np.dtype(leaf.dtype).itemsize for leaf in leaves)
    return 2 * numbers + bytes_over_time(network, schedule.stages, how.num_steps)


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
