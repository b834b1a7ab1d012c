"""Advice for a value of a drive that has another shape than expected: the line to write."""

import math

Shape = tuple[int, ...]


def advice(shape: Shape, each: Shape, num_steps: int | None, part: str) -> str:
    """Return what to write in place of a value that is constant in time, or "".

    Args:
      shape: of the value that was given.
      each: (N,), the shape of one number for each neuron or synapse.
      num_steps: T, or None for a single step.
      part: the name of the part of the network that is driven.
    """
    if num_steps is not None and shape == (num_steps,):
        return "jsnn.over_time(x) gives one number a step to all neurons"
    if num_steps is not None and shape == (num_steps, *each):
        return f"jsnn.over_time(x) marks a time course; {_batch('x', num_steps, part)}"
    if len(shape) > 1 and shape[1:] == each:
        return _batch("x", num_steps, part)
    if len(shape) > 1 and math.prod(shape) == math.prod(each):
        return f"reshape it to {each}, one number for each neuron"
    if len(shape) > 2 and math.prod(shape[1:]) == math.prod(each):
        return _batch(f"x.reshape({shape[0]}, {math.prod(each)})", num_steps, part)
    if len(shape) > max(len(each), 1):
        return "jsnn.over_time(x) marks a time course; jax.vmap runs a batch"
    return ""


def advice_over_time(shape: Shape, each: Shape, num_steps: int) -> str:
    """Return what to write in place of a time course, or "".

    Args:
      shape: of the time course that was given.
      each: (N,), the shape of one number for each neuron or synapse.
      num_steps: T.
    """
    if shape == each:
        return "without over_time, one number for each neuron is constant in time"
    if shape == (num_steps, 1):
        return f"np.broadcast_to(x, {(num_steps, *each)}), or x[:, 0] for all neurons alike"
    if shape == (*each, num_steps):
        return "x.T has time first"
    if shape[1:] in ((num_steps,), (num_steps, *each)):
        return "jax.vmap runs a batch: over_time(x) belongs inside the function that it maps"
    return ""


def _batch(x: str, num_steps: int | None, part: str) -> str:
    call = (
        f'jsnn.step(network, state, {{"{part}": x}})'
        if num_steps is None
        else f'jsnn.simulate(network, {{"{part}": x}}, {num_steps})'
    )
    return f"a batch: jax.vmap(lambda x: {call})({x})"
