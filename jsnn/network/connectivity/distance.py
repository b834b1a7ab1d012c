"""Builder that joins neurons by the distance between their positions."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jsnn._checks import probability, real_number
from jsnn.network.connectivity.draw import Delay, Draw, Pairs, Weight
from jsnn.network.connectivity.indices import LONGEST_DELAY, check_number
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.spatial import Array, Profile, checked_pair, checked_period, distances

_BLOCK = 2**20
"""Number of pairs that are looked at together; the draws do not depend on it."""
_ROUNDING = 1e-9
"""Most by which a profile may leave [0, 1], since numbers are rounded."""


def by_distance(
    key: jax.Array,
    pre_positions: Any,
    post_positions: Any,
    p: float | Profile,
    weight: Weight | Profile,
    *,
    period: float | Sequence[float] | None = None,
    max_distance: float = np.inf,
    autapses: bool = True,
    delay: Delay | Profile = None,
    axonal: Delay | Profile = None,
    dtype: Any = np.float32,
) -> Sparse:
    """Join every pair of neurons with a probability that depends on the distance between them.

    Pairs are drawn independently of each other. A profile is one of `jsnn.spatial`, such as
    `jsnn.spatial.gaussian(0.8, sd=0.1)`, or `jsnn.spatial.Profile(function)`.

    Args:
      key: from `jax.random.key(seed)`.
      pre_positions: the positions of the presynaptic neurons, [pre, d], d being 1, 2 or 3.
      post_positions: the positions of the postsynaptic neurons, [post, d].
      p: the probability, in [0, 1]: a profile or a number.
      weight: the weight of each synapse, in nA: a profile, a number, an initializer or an array
        [S].
      period: the length of the box along each axis, or one for all, if its boundaries are periodic:
        neurons at opposite sides are neighbours.
      max_distance: neurons that are further apart are not joined.
      autapses: allow a synapse from neuron i to neuron i. False is for a population that projects
        onto itself.
      delay: the delay of each synapse, in steps: None, a profile or an initializer (both rounded to
        whole steps), or an integer array [S].
      axonal: the part of each delay that lies before the synapse, in steps: None, a profile or an
        initializer (both rounded to whole steps), or an integer array [S].
      dtype: the dtype of the weights, float32 or float64.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if positions do not fit, an argument is out of range, a profile returns numbers
        out of range or of another shape, or an array has another size than S.
    """
    pre_positions, post_positions = checked_pair(pre_positions, post_positions, "by_distance")
    num_pre, num_post = len(pre_positions), len(post_positions)
    draw = Draw("by_distance", key, num_pre, num_post, dtype, autapses)
    p = _as_profile(p)
    box = checked_period(period, pre_positions.shape[1], "by_distance, period")
    reach = real_number(max_distance, "by_distance, max_distance")
    if reach < 0:
        raise ValueError(f"by_distance, max_distance: given {reach}; expected a distance >= 0")
    pairs, apart = _joined(draw, pre_positions, post_positions, box, reach, p)
    if isinstance(weight, Profile):
        weight = _numbers(weight, apart, "weight").astype(draw.dtype)
    if isinstance(delay, Profile):
        delay = _steps(delay, apart, 1, "delay")
    if isinstance(axonal, Profile):
        axonal = _steps(axonal, apart, 0, "axonal")
    return draw.synapses(*draw.divided(pairs), weight, delay, axonal)


def _joined(
    draw: Draw, pre: Array, post: Array, period: Array | None, reach: float, p: Profile
) -> tuple[Pairs, Array]:
    """Draw the pairs that are joined, some presynaptic neurons at a time, with their distances."""
    pairs, apart, number = [], [], 0
    at_a_time = max(1, _BLOCK // draw.num_post)
    for first in range(0, draw.num_pre, at_a_time):
        some = pre[first : first + at_a_time, None]
        between = distances(some, post[None], period)
        is_near = between <= reach
        if not draw.autapses:
            np.fill_diagonal(is_near[:, first:], False)
        near, between = np.flatnonzero(is_near), between[is_near]
        chances = _probabilities(p, between)
        joined = draw.rng.random(near.size) < chances
        pairs.append(near[joined] + first * draw.num_post)
        apart.append(between[joined])
        number += pairs[-1].size
        check_number(number, "by_distance, p")
    return np.concatenate(pairs), np.concatenate(apart)


def _as_profile(p: Any) -> Profile:
    if isinstance(p, Profile):
        return p
    if callable(p):
        raise TypeError(
            f"by_distance, p: given {p!r}; expected a number or a profile (of a function of "
            "distance, jsnn.spatial.Profile(function) makes one)"
        )
    return Profile(np.full_like, (probability(p, "by_distance, p"),))


def _probabilities(p: Profile, between: Array) -> Array:
    values = _numbers(p, between, "p")
    outside = np.flatnonzero((values < -_ROUNDING) | (values > 1 + _ROUNDING))
    if outside.size:
        first = outside[0]
        raise ValueError(
            f"by_distance, p: given {p!r}, which is {values[first]:g} at a distance of "
            f"{between[first]:g}; expected probabilities in [0, 1] (max_distance leaves out what "
            "lies further apart)"
        )
    return values


def _steps(profile: Profile, apart: Array, least: int, name: str) -> Array:
    steps = np.rint(_numbers(profile, apart, name))
    outside = np.flatnonzero((steps < least) | (steps > LONGEST_DELAY))
    if outside.size:
        first = outside[0]
        raise ValueError(
            f"by_distance, {name}: given {profile!r}, which is {steps[first]:g} steps at a "
            f"distance of {apart[first]:g}; expected {least} to {LONGEST_DELAY}"
        )
    return steps.astype(np.int32)


def _numbers(profile: Profile, apart: Array, name: str) -> Array:
    """Return what a profile makes of distances, one number for each."""
    what = f"by_distance, {name}"
    values = np.asarray(profile(apart.copy()))  # a function may work in place
    if values.shape != apart.shape:
        raise ValueError(
            f"{what}: given {profile!r}, which returns shape {values.shape} for distances of shape "
            f"{apart.shape}; expected a number for each distance"
        )
    if values.dtype.kind not in "iuf":
        raise TypeError(
            f"{what}: given {profile!r}, which returns {values.dtype}; expected numbers"
        )
    faulty = np.flatnonzero(~np.isfinite(values))
    if faulty.size:
        first = faulty[0]
        raise ValueError(
            f"{what}: given {profile!r}, which is {values[first]} at a distance of "
            f"{apart[first]:g}; expected finite numbers"
        )
    return values.astype(np.float64)
