"""Loops over the steps of a run."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Body = Callable[[Any, Any], tuple[Any, Any]]
"""A step, (carry, what changes) -> (carry, what is kept of the step)."""


def all_steps(
    body: Body, first: Any, varying: Any, num_steps: int, checkpoint_every: int | None = None
) -> tuple[Any, Any]:
    """Take all steps of a run.

    Args:
      body: takes one step.
      first: the carry before the first step.
      varying: what changes from step to step, [T, ...].
      num_steps: T.
      checkpoint_every: K, if derivatives are to keep the carry of every K-th step alone and to take
        the steps between once more.

    Returns:
      The carry after the last step, and what is kept of all steps, [T, ...].
    """
    if checkpoint_every is None or checkpoint_every >= num_steps:
        return _scan(body, first, varying, num_steps)
    blocks, rest = divmod(num_steps, checkpoint_every)

    def block(length: int) -> Body:
        def steps(carry: Any, rows: Any) -> tuple[Any, Any]:
            return _scan(body, carry, rows, length)

        return jax.checkpoint(steps, prevent_cse=False)

    whole = blocks * checkpoint_every
    head = jax.tree.map(
        lambda rows: rows[:whole].reshape(blocks, checkpoint_every, *rows.shape[1:]), varying
    )
    carry, kept = jax.lax.scan(block(checkpoint_every), first, head, length=blocks)
    kept = jax.tree.map(lambda rows: rows.reshape(whole, *rows.shape[2:]), kept)
    if not rest:
        return carry, kept
    carry, last = block(rest)(carry, jax.tree.map(lambda rows: rows[whole:], varying))
    return carry, jax.tree.map(lambda *rows: jnp.concatenate(rows), kept, last)


def _scan(body: Body, first: Any, varying: Any, num_steps: int) -> tuple[Any, Any]:
    if num_steps == 1:
        return _first_of_two(body, first, varying)
    return jax.lax.scan(body, first, varying, length=num_steps)


def _first_of_two(body: Body, first: Any, varying: Any) -> tuple[Any, Any]:
    """Run a scan of one step as two.

    XLA would unroll a scan of one step, and then fuse and round differently.
    """

    def keeping_the_carry(carry: Any, now: Any) -> tuple[Any, Any]:
        carry, stacked = body(carry, now)
        return carry, (carry, stacked)

    twice = jax.tree.map(lambda rows: jnp.concatenate([rows, rows]), varying)
    _, (carries, stacked) = jax.lax.scan(keeping_the_carry, first, twice, length=2)
    return jax.tree.map(lambda rows: rows[0], carries), jax.tree.map(lambda r: r[:1], stacked)
