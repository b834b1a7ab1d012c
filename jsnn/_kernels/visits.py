"""Changes of the synapses of the neurons that spiked, with no work for the others."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._kernels import native
from jsnn._kernels.native import Visits
from jsnn._pytree import pytree, static

Values = dict[str, jax.Array]
Change = Callable[[Any, Values, Values, Values, Values], Values]

_FEWEST, _MOST = 64, 512
"""Bounds of the number of synapses that a round visits on one side."""

_SPIKES = 8
"""Number of spikes for which a round has room, between these bounds."""


@pytree
class SynapsesOf:
    """An index of the synapses of each neuron on one side of a projection.

    Attributes:
      starts: int32 [n + 1]; numbers starts[i] to starts[i + 1] of a list are the synapses of neuron
        i.
      order: int32 [S], the synapses in this list; [0] if it is in their order.
      others: int32 [S], the neuron on the other side of each synapse of the list.
      num_synapses: S.
      num_others: the number of neurons on the other side.
      strides: (0, 0), or (a, b) in a matrix, in which i * a + k * b is the synapse from neuron i to
        neuron k on the other side; then there is no list, and the arrays are empty.
      degree: the mean number of synapses of a neuron.
      most: the most synapses to visit in rounds; a pass over all is quicker than more.
    """

    starts: jax.Array
    order: jax.Array
    others: jax.Array
    num_synapses: int = static()
    num_others: int = static()
    strides: tuple[int, int] = static()
    degree: int = static()
    most: int = static()


class Rule(NamedTuple):
    """A change of synapses at the spikes of presynaptic neurons, and one at those of postsynaptic.

    Attributes:
      changes: (params, each, synapses, pre, post) -> synapses, for any synapses, [C] each.
      passes: (synapses, params, each, sides, passed_on) -> synapses, for all synapses, of which
        those of silent neurons stay.
    """

    changes: tuple[Change, Change]
    passes: tuple[Callable[..., Values], Callable[..., Values]]


def change_visited(
    rule: Rule,
    indices: tuple[SynapsesOf, SynapsesOf],
    synapses: Values,
    params: Any,
    each: Values,
    sides: tuple[Values, Values],
    passed_on: Any,
    after: Sequence[jax.Array],
) -> Values:
    """Change the synapses of the presynaptic neurons that spiked, then of the postsynaptic ones.

    This needs a CPU with `jsnn._kernels.native`.

    Args:
      rule: the changes.
      indices: the synapses of each presynaptic neuron, and of each postsynaptic one.
      synapses: variables of the synapses, [S], or [pre, post] if they are a matrix.
      params: pytree of scalars.
      each: parameters of the synapses, in the shape of their variables; they stay.
      sides: variables of the presynaptic neurons, [pre], and of the postsynaptic ones, [post], with
        "spike" among them.
      passed_on: arrays for the passes of the rule.
      after: arrays that have to be computed before the synapses are changed.
    """
    operands = (indices, synapses, params, each, sides, passed_on, tuple(after))
    leaves, structure = jax.tree.flatten(operands)
    names = sorted(synapses)
    capacities = [_capacity(index) for index in indices]

    def with_rows(*leaves: jax.Array) -> list[jax.Array]:
        """Change synapses [R, ...]; operands have R rows, or one row if it is the same for all."""
        rows = max(leaf.shape[0] for leaf in leaves)
        indices, synapses, params, each, sides, passed_on, after = jax.tree.unflatten(
            structure, leaves
        )
        # A reshaped array would be copied in every step.
        arrays = [_of_rows(synapses[k], rows) for k in names]
        fixed = {k: _of_rows(x, rows) for k, x in each.items()}
        lists = [
            (side["spike"], index.starts, index.order, index.others)
            for index, side in zip(indices, sides, strict=True)
        ]
        layouts = [(i.num_others, *i.strides, i.most * rows) for i in indices]

        def visit(start: jax.Array, after: Sequence[jax.Array]) -> Any:
            return native.visits(start, lists, after, rows, layouts, capacities)

        def changed(progress: jax.Array, visits: list[Visits], arrays: Any) -> Any:
            for side in (0, 1):
                values = new_values(side, visits[side], arrays)
                arrays = native.put(arrays, values, progress, visits[side], rows, side)
            return arrays

        def new_values(side: int, at: Visits, arrays: list[jax.Array]) -> list[jax.Array]:
            def of_rows(array: jax.Array, *where: jax.Array) -> jax.Array:
                if array.shape[0] == 1:
                    return _taken(array[0], *where)
                return _taken(array, at.row, *where)

            own_other = (at.own, at.other) if side == 0 else (at.other, at.own)
            synapse = (at.which,) if indices[side].strides == (0, 0) else own_other
            where = (at.row, *synapse) if rows > 1 else synapse
            seen = [_taken(array, *where) for array in arrays]
            own = {k: _taken(x, *where) for k, x in fixed.items()}
            p = jax.tree.map(of_rows, params)
            pre, post = (
                {k: of_rows(x, at.own if i == side else at.other) for k, x in sides[i].items()}
                for i in (0, 1)
            )
            change, of_params = rule.changes[side], jax.tree.map(lambda x: 0 if x.ndim else None, p)
            if any(x.ndim for x in jax.tree.leaves(p)):  # a rule sees scalars
                change = jax.vmap(change, (of_params, 0, 0, 0, 0))
            new = change(p, own, dict(zip(names, seen, strict=True)), pre, post)
            return [
                jnp.broadcast_to(new[k], x.shape).astype(x.dtype)
                for k, x in zip(names, seen, strict=True)
            ]

        def round_(carry: Any) -> Any:
            progress, visits = visit(carry[0], ())
            return progress, changed(progress, visits, carry[1])

        def at_once(arrays: list[jax.Array]) -> list[jax.Array]:
            for side, change in enumerate(rule.passes):

                def passed(arrays: list[jax.Array], change: Any = change) -> list[jax.Array]:
                    now = {
                        k: x if rows > 1 else x[None] for k, x in zip(names, arrays, strict=True)
                    }
                    new = _for_rows(change, rows, now, params, each, sides, passed_on)
                    return native.overwrite(arrays, [_of_rows(new[k], rows) for k in names])

                spiked = jnp.any(sides[side]["spike"] > 0)
                arrays = jax.lax.cond(spiked, passed, lambda arrays: arrays, arrays)
            return arrays

        progress, visits = visit(jnp.zeros(9, np.int32), after)
        arrays = changed(progress, visits, arrays)
        # XLA copies no array for a loop and a condition, but does for one in the other.
        _, arrays = jax.lax.while_loop(lambda now: now[0][8] == 1, round_, (progress, arrays))
        arrays = jax.lax.cond(progress[8] == 2, at_once, lambda arrays: arrays, arrays)
        return arrays if rows > 1 else [array[None] for array in arrays]

    new = merging_rows(with_rows)(*(leaf[None] for leaf in leaves))
    return {k: array[0] for k, array in zip(names, new, strict=True)}


def _capacity(index: SynapsesOf) -> int:
    """Return the number of synapses that a round visits, a multiple of 64."""
    room = _SPIKES * index.degree
    return int(np.clip(-(-room // _FEWEST) * _FEWEST, _FEWEST, _MOST))


def _of_rows(array: jax.Array, rows: int) -> jax.Array:
    """Return an array with an axis of rows, or without that axis if there is one row."""
    return array[0] if rows == 1 else jnp.broadcast_to(array, (rows, *array.shape[1:]))


def _taken(array: jax.Array, *where: jax.Array) -> jax.Array:
    return array.at[where].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _for_rows(function: Callable[..., Values], rows: int, *arguments: Any) -> Values:
    """Call a function for each row of its arguments, which may have one row for all."""
    leaves, structure = jax.tree.flatten(arguments)
    shared = [leaf.shape[0] == 1 for leaf in leaves]
    given = [leaf[0] if one else leaf for leaf, one in zip(leaves, shared, strict=True)]

    def of_leaves(*leaves: jax.Array) -> Values:
        return function(*jax.tree.unflatten(structure, leaves))

    if rows == 1:
        return {k: x[None] for k, x in of_leaves(*given).items()}
    return jax.vmap(of_leaves, [None if one else 0 for one in shared])(*given)


def merging_rows(function: Callable[..., list[jax.Array]]) -> Callable[..., list[jax.Array]]:
    """Return a function that `vmap` calls once, with more rows.

    Args:
      function: of operands with an axis of rows in front, of length 1 if an operand is the same for
        all rows; it returns arrays with this axis.
    """
    merged = jax.custom_batching.custom_vmap(function)

    @merged.def_vmap
    def _(size: int, batched: Sequence[bool], *operands: jax.Array) -> Any:
        rows = max(x.shape[is_batched] for x, is_batched in zip(operands, batched, strict=True))

        def flat(x: jax.Array, is_batched: bool) -> jax.Array:
            if not is_batched and x.shape[0] == 1:
                return x
            whole = x if is_batched else x[None]
            shape = (size, rows, *whole.shape[2:])
            return jnp.broadcast_to(whole, shape).reshape(size * rows, *shape[2:])

        results = merged(*map(flat, operands, batched))
        shapes = [(size, rows, *x.shape[1:]) for x in results]
        shaped = [
            jnp.broadcast_to(x.reshape(-1, rows, *x.shape[1:]), shape)
            for x, shape in zip(results, shapes, strict=True)
        ]
        return shaped, [True] * len(shaped)

    return merged
