"""Cochlea: sound becomes the spikes of channels, from low to high frequencies.

Three parts, in the order of Cramer et al. 2022 (IEEE TNNLS 33), with other equations for the
first:

1. Basilar membrane: gammatone filters of fourth order, a complex pole four times each (Hohmann
   2002, Acta Acustica 88). Centres are evenly spaced in equivalent rectangular
   bandwidths, ERB(f) = 24.7 + f / 9.265 Hz (Glasberg & Moore 1990, Hearing Research 47).

2. Inner hair cells: Meddis 1986 (JASA 79), with the constants of Meddis, Hewitt & Shackleton 1990
   (JASA 87) for a high spontaneous rate. The membrane lets transmitter pass
   with k = g (s + A) / (s + A + B), and none if s < -A, which rectifies and compresses. The pool q,
   the cleft c and the store w follow

       dq/dt = y (1 - q) + x w - k q,   dc/dt = k q - (l + r) c,   dw/dt = r c - x w

   so that responses adapt. A fibre of the auditory nerve fires at the rate h c.

3. Bushy cells: a leaky integrate-and-fire neuron for each channel, of the mean rate of its fibres,
   τ dv/dt = -v + h c / θ, that spikes at v = 1 and is silent for a refractory time.

So the spikes are a function of the sound alone: nothing is drawn.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

LOWEST, HIGHEST = 80.0, 3800.0
"""Centres of the first and the last channel, Hz; half the rate of sampling is above them."""
LEVEL = 60.0
"""Level to which a recording is scaled, dB. The model has an amplitude of 1 at 30 dB."""

A, B, G = 5.0, 300.0, 2000.0
"""Permeability: two amplitudes, and the largest rate in 1/s."""
Y, X, L, R = 5.05, 66.31, 2500.0, 6580.0
"""Replenishing, return from the store, loss from the cleft and uptake from it, 1/s."""
H = 50_000.0
"""Rate of a fibre for a full cleft, Hz."""

TAU, REFRACTORY = 0.002, 0.005
"""Time constant and refractory time of a bushy cell, s."""
THETA = 80.0
"""Rate of its fibres that keeps a bushy cell at threshold, Hz; in silence the rate is 65 Hz."""

_BLOCK = 2000
"""Samples to a multiple of which recordings are padded, so that few lengths are compiled."""
_BATCH_VALUES = 20_000_000
"""Number of samples times channels that are processed at once."""


Cell = dict[str, jax.Array]


def centres(num_channels: int) -> np.ndarray:
    """Return the centres of the channels, Hz, [num_channels], evenly spaced on the ERB scale."""
    of_scale = np.log([LOWEST + 24.7 * 9.265, HIGHEST + 24.7 * 9.265])
    return np.exp(np.linspace(*of_scale, num_channels)) - 24.7 * 9.265


def filters(num_channels: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the poles and gains of the gammatone filters, [1, num_channels] each.

    Args:
      num_channels: the number of channels.
      rate: of sampling, Hz.
    """
    of_channels = centres(num_channels)[None]
    bandwidths = 1.019 * (24.7 + of_channels / 9.265)
    poles = np.exp(2 * np.pi / rate * (-bandwidths + 1j * of_channels))
    gains = 2 * (1 - np.abs(poles)) ** 4  # a tone at the centre keeps its amplitude
    return poles.astype(np.complex64), gains.astype(np.complex64)


def spikes_of_sounds(
    sounds: Sequence[np.ndarray], rate: float, num_channels: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn recordings into events.

    Args:
      sounds: the samples of each recording, [T], in any unit.
      rate: of sampling, Hz.
      num_channels: the number of channels.

    Returns:
      Times in ms, at the end of a sample, and channels of the events of each recording.
    """
    events: list[tuple[np.ndarray, np.ndarray]] = [(np.empty(0), np.empty(0, np.int32))] * len(
        sounds
    )
    by_length: dict[int, list[int]] = {}
    for index, sound in enumerate(sounds):
        by_length.setdefault(-(-len(sound) // _BLOCK) * _BLOCK, []).append(index)
    for length, indices in sorted(by_length.items()):
        size = max(1, min(len(indices), _BATCH_VALUES // (length * num_channels)))
        for start in range(0, len(indices), size):
            chosen = indices[start : start + size]
            batch = np.zeros((size, length), np.float32)
            for row, index in zip(batch, chosen, strict=False):
                row[: len(sounds[index])] = _at_level(sounds[index])
            spikes = np.asarray(_spikes(batch, *filters(num_channels, rate), rate))
            for index, of_sound in zip(chosen, spikes.transpose(1, 0, 2), strict=False):
                steps, channels = np.nonzero(of_sound[: len(sounds[index])])
                events[index] = (steps + 1) * 1000 / rate, channels.astype(np.int32)
    return events


def _at_level(sound: np.ndarray) -> np.ndarray:
    """Return a recording at `LEVEL`; silence stays silence."""
    samples = np.asarray(sound, np.float64)
    power = np.mean(samples**2) if len(samples) else 0.0
    return samples * (10 ** ((LEVEL - 30) / 20) / np.sqrt(power) if power else 0.0)


def hair_cell(cell: Cell, sample: jax.Array, dt: float) -> Cell:
    """Return the transmitter {"q", "c", "w"} of hair cells after a step; the cleft decays exactly.

    Args:
      cell: before the step.
      sample: s, the motion of the basilar membrane.
      dt: the length of the step, s.
    """
    q, c, w = cell["q"], cell["c"], cell["w"]
    excited = jnp.maximum(sample + A, 0)
    k = G * excited / (excited + B)
    decay = np.exp(-dt * (L + R))
    return {
        "q": q + dt * (Y * (1 - q) + X * w - k * q),
        "c": c * float(decay) + float((1 - decay) / (L + R)) * k * q,
        "w": w + dt * (R * c - X * w),
    }


def at_rest(shape: tuple[int, ...]) -> Cell:
    """Return the transmitter of hair cells in silence."""
    k = G * A / (A + B)
    c = Y * k / (L * k + Y * (L + R))
    values = {"q": c * (L + R) / k, "c": c, "w": c * R / X}
    return {name: jnp.full(shape, value, jnp.float32) for name, value in values.items()}


@partial(jax.jit, static_argnames="rate")
def _spikes(sounds: jax.Array, poles: jax.Array, gains: jax.Array, rate: float) -> jax.Array:
    """Return the spikes of sounds [n, T] as bool [T, n, channels]."""
    dt = 1 / rate
    shape = (len(sounds), poles.shape[1])
    cell = at_rest(shape)

    def step(before: Any, sample: jax.Array) -> tuple[Any, jax.Array]:
        stages, cell, v, waits = before
        filtered = sample.astype(gains.dtype)[:, None] * gains
        passed = [filtered := filtered + poles * stage for stage in stages]
        cell = hair_cell(cell, filtered.real, dt)
        v = jnp.where(waits > 0, 0, v + dt / TAU * (H / THETA * cell["c"] - v))
        spiked = v >= 1
        v = jnp.where(spiked, 0, v)
        waits = jnp.where(spiked, round(REFRACTORY * rate), waits - 1)
        return (passed, cell, v, waits), spiked

    stages = [jnp.zeros(shape, gains.dtype)] * 4
    first = (stages, cell, H / THETA * cell["c"], jnp.zeros(shape, jnp.int32))
    return jax.lax.scan(step, first, sounds.T)[1]
