"""Folding: factors and rearrangements become part of the weights beside them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.lax import padtype_to_pads

from jsnn.conversion.channel_scaling import each_neuron, scaled
from jsnn.conversion.reading.affine import Moved, Part, Term, uniform
from jsnn.network.connectivity import AveragePool2D, Conv2D, Dense, OneToOne

_ONE = np.ones(())


def with_gain_folded(term: Term, scale: float, dtype: Any) -> tuple[Part, ...]:
    """Return the parts of a term with scale * gain in the last weights that it reaches.

    A factor for each channel goes through pooling, and every factor through a rearrangement, to the
    weights in front. Where it does not get there it becomes a `OneToOne`.
    """
    gain = np.asarray(term.gain * scale)
    if abs(gain - 1).max() < 1e-12:
        gain = _ONE
    parts = list(term.parts)
    for i in reversed(range(len(parts))):
        part = parts[i]
        if isinstance(part, Dense | Conv2D | OneToOne):
            scaled = _times(part, gain)
            if scaled is None:
                return tuple(_with_factors(parts, i + 1, gain, dtype))
            return (*parts[:i], scaled, *parts[i + 1 :])
        before = _before(part, gain)
        if before is None:
            return tuple(_with_factors(parts, i + 1, gain, dtype))
        gain = before
    return tuple(_with_factors(parts, 0, gain, dtype, term.num_pre))


def _with_factors(
    parts: Sequence[Part], place: int, gain: np.ndarray, dtype: Any, size: int | None = None
) -> list[Part]:
    size = int(parts[place - 1].num_post) if size is None else size
    factors = np.broadcast_to(gain, (size,)).astype(dtype)
    return [*parts[:place], OneToOne(factors), *parts[place:]]


def _times(part: Dense | Conv2D | OneToOne, gain: np.ndarray) -> Part | None:
    """Return weights times a gain of each output, or None if they cannot hold it."""
    if gain is _ONE:
        return part
    if isinstance(part, Conv2D) and gain.ndim:
        of_channels = per_channel(gain, part.output_shape[2])
        return None if of_channels is None else _scaled(part, np.ones(1), of_channels)
    return _scaled(part, np.ones(1), np.atleast_1d(gain))


def _scaled(part: Part, before: np.ndarray, after: np.ndarray) -> Part:
    """Return weights times a gain of each input, or channel, and one of each output."""
    weighted: Part = scaled(part, before, after)
    return weighted


def _before(part: Part, gain: np.ndarray) -> np.ndarray | None:
    """Return the gain in front of a map without weights that is the same as one behind it."""
    if uniform(gain):
        return gain.reshape(-1)[0] * _ONE
    if isinstance(part, Moved):
        before = np.ones(part.num_pre)
        reached = part.index >= 0
        before[part.index[reached]] = gain[reached]
        return before if np.array_equal(before[part.index[reached]], gain[reached]) else None
    assert isinstance(part, AveragePool2D)
    return _same_channels(gain, part.image_shape[2], part.num_pre)


def _same_channels(gain: np.ndarray, channels: int, size: int) -> np.ndarray | None:
    """Return a gain of each channel for an image of another size, [size]."""
    of_channels = per_channel(gain, channels)
    return None if of_channels is None else each_neuron(of_channels, size)


def per_channel(gain: np.ndarray, channels: int) -> np.ndarray | None:
    """Return the gain of each channel if it is the same at every place, [channels]."""
    by_place = gain.reshape(-1, channels)
    return by_place[0] if np.all(by_place == by_place[0]) else None


def behind_weights(term: Term, weights: Part, dtype: Any) -> Term:
    """Return a term with another map behind it, and what is between the two in the weights.

    The gain goes into the weights in front, if there are any, or else into those behind.
    """
    gain = term.gain
    if uniform(gain):
        gain = gain.reshape(-1)[0] * _ONE
        return _joined(term, term.parts, weights, gain)
    if term.has_weights:
        return _joined(term, with_gain_folded(term, 1.0, dtype), weights, _ONE)
    if isinstance(weights, AveragePool2D):
        after = _same_channels(gain, weights.image_shape[2], weights.num_post)
        if after is not None:
            return _joined(term, term.parts, weights, after)
    folded = _entered_by(weights, gain)
    if folded is None:
        return _joined(term, (*term.parts, OneToOne(gain.astype(dtype))), weights, _ONE)
    return _joined(term, term.parts, folded, _ONE)


def _joined(term: Term, parts: tuple[Part, ...], weights: Part, gain: np.ndarray) -> Term:
    if parts and isinstance(parts[-1], Moved):
        parts = (*parts[:-1], *_after_moved(parts[-1], weights))
    else:
        parts = (*parts, weights)
    return Term(term.source, term.num_pre, parts, gain, term.labels)


def _entered_by(part: Part, gain: np.ndarray) -> Part | None:
    """Return weights that are multiplied by a gain of each input."""
    if isinstance(part, Conv2D):
        of_channels = per_channel(gain, part.image_shape[2])
        return None if of_channels is None else _scaled(part, of_channels, np.ones(1))
    return _scaled(part, gain, np.ones(1)) if isinstance(part, Dense) else None


def _after_moved(moved: Moved, part: Part) -> tuple[Part, ...]:
    """Return a rearrangement and weights behind it as weights alone, if that is possible."""
    if isinstance(part, Dense):
        return (_dense_after(moved, part),)
    if isinstance(part, Conv2D):
        folded = _conv_in_frame(moved, part) or _conv_of_channels(moved, part)
        if folded is not None:
            return (folded,)
    return (moved, part)


def _dense_after(moved: Moved, part: Dense) -> Dense:
    weights = np.asarray(part.weights)
    reached = moved.index >= 0
    rows = np.zeros((moved.num_pre, weights.shape[1]), weights.dtype)
    if moved.is_permutation:
        rows[moved.index] = weights
    else:
        np.add.at(rows, moved.index[reached], weights[reached])
    return Dense(rows)


def _conv_in_frame(moved: Moved, part: Conv2D) -> Conv2D | None:
    """Return a convolution of an image that was framed with zeros as one with padding."""
    index = moved.index.reshape(part.image_shape)
    inside = index[:, :, 0] >= 0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    (top, below), (left, right) = ((int(place[0]), int(place[-1]) + 1) for place in (rows, columns))
    image = index[top:below, left:right]
    if image.size != moved.num_pre or not np.array_equal(image.ravel(), np.arange(image.size)):
        return None
    if (index >= 0).sum() != image.size:
        return None
    (more_top, more_bottom), (more_left, more_right) = frame_of(part)
    frame = (
        (top + more_top, index.shape[0] - below + more_bottom),
        (left + more_left, index.shape[1] - right + more_right),
    )
    return convolution(np.asarray(part.kernel), image.shape, part.stride, frame)


def _conv_of_channels(moved: Moved, part: Conv2D) -> Conv2D | None:
    """Return a convolution of channels in other places as one of the channels as they were."""
    height, width, channels = part.image_shape
    if moved.num_pre % (height * width) or part.kernel.shape[2] != channels:
        return None
    before = moved.num_pre // (height * width)
    index = moved.index.reshape(-1, channels)
    first = index[0]
    places = np.arange(height * width)[:, None]
    if not np.array_equal(index, np.where(first < 0, -1, places * before + first)):
        return None
    kernel = np.asarray(part.kernel)
    taken_from = np.zeros((*kernel.shape[:2], before, kernel.shape[3]), kernel.dtype)
    reached = np.flatnonzero(first >= 0)
    for channel in reached:
        taken_from[:, :, first[channel]] += kernel[:, :, channel]
    return convolution(taken_from, (height, width, before), part.stride, frame_of(part))


def frame_of(part: Conv2D) -> Any:
    """Return the padding of a convolution as ((top, bottom), (left, right))."""
    if isinstance(part.padding, str):
        return padtype_to_pads(
            part.image_shape[:2], part.kernel.shape[:2], part.stride, part.padding
        )
    return part.padding


def convolution(kernel: Any, image_shape: Any, stride: Any, frame: Any) -> Conv2D:
    """Return a convolution with a frame of zeros, ((top, bottom), (left, right)).

    Its groups follow from the channels of the kernel and those of the image.
    """
    frame = tuple((int(low), int(high)) for low, high in frame)
    padding: Any = frame
    for word in ("VALID", "SAME"):
        pads = padtype_to_pads(image_shape[:2], kernel.shape[:2], stride, word)
        if frame == tuple(map(tuple, pads)):
            padding = word
            break
    shape = (int(image_shape[0]), int(image_shape[1]), int(image_shape[2]))
    groups = shape[2] // kernel.shape[2]
    return Conv2D(kernel, shape, stride=stride, padding=padding, groups=groups)
