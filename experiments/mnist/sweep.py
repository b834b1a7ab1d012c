"""Sweep over a grid of settings on the same images: one compiled call under vmap, resumable."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

import jsnn
from experiments.cli import write_atomically
from experiments.mnist.data import Images, input_currents
from experiments.mnist.network import check_pixels, output_of, spiking_network

_LANES = 640  # (image, setting) pairs per call: more would not fit the cache


@dataclass(frozen=True)
class Sweep:
    """The results of a grid of settings.

    Attributes:
      v_thresh: [V].
      input_scale: [S].
      accuracy: [V, S], fractions.
      spikes: [V, S], spikes per image, all layers together.
      checkpoint: the file that holds the sums; the caller removes it.
    """

    v_thresh: np.ndarray
    input_scale: np.ndarray
    accuracy: np.ndarray
    spikes: np.ndarray
    checkpoint: Path


def sweep(
    weights: Sequence[np.ndarray],
    images: Images,
    v_thresh: Sequence[float],
    input_scale: Sequence[float],
    num_steps: int,
    directory: Path,
) -> Sweep:
    """Measure accuracy and spikes of every (threshold, scale).

    Sums are kept in `directory` after every batch of images, under a name made of all inputs. An
    interrupted sweep that is started again with the same inputs goes on from there.

    Args:
      weights: [pre, post], one matrix per projection.
      images: shown under every setting.
      v_thresh: the thresholds of the grid.
      input_scale: the input scales of the grid.
      num_steps: the length of a presentation.
      directory: for the sums.
    """
    network = spiking_network(weights)
    check_pixels(network, images.pixels)
    shape = (len(v_thresh), len(input_scale))
    checkpoint = (
        directory / f"sweep-{_fingerprint(weights, images, v_thresh, input_scale, num_steps)}.npz"
    )
    start, right, spikes = _load(checkpoint, shape)
    batch, num_images = max(1, _LANES // right.size), len(images.labels)
    thresholds = np.asarray(v_thresh, np.float32)
    with tqdm(total=num_images, initial=start, unit="image", desc=f"{right.size} settings") as bar:
        for first in range(start, num_images, batch):
            # The last image fills up the last batch, under a label that no prediction equals.
            rows = np.arange(first, first + batch)
            known = rows < num_images
            pixels = images.pixels[np.minimum(rows, num_images - 1)]
            labels = images.labels[np.minimum(rows, num_images - 1)].astype(np.int32)
            labels[~known] = -1
            currents = np.stack([input_currents(pixels, scale) for scale in input_scale])
            right_here, spikes_here = _batch(network, thresholds, currents, labels, num_steps)
            right += np.asarray(right_here, np.int64)
            spikes += np.asarray(spikes_here, np.int64)
            _save(checkpoint, min(first + batch, num_images), right, spikes)
            bar.update(int(known.sum()))
    return Sweep(
        np.asarray(v_thresh),
        np.asarray(input_scale),
        right / num_images,
        spikes / num_images,
        checkpoint,
    )


@partial(jax.jit, static_argnames="num_steps")
def _batch(
    network: jsnn.Network,
    thresholds: jax.Array,
    currents: jax.Array,
    labels: jax.Array,
    num_steps: int,
) -> tuple[jax.Array, jax.Array]:
    """Return the numbers of right answers and of spikes under every setting, int32 [V, S] each.

    Args:
      network: the network, with any threshold.
      thresholds: [V].
      currents: [S, B, 784].
      labels: int32 [B], -1 for an image that does not count.
      num_steps: the length of a presentation.
    """
    first, readout = network.populations[0].name, jsnn.spike_count(output_of(network))
    record = {name: jsnn.SpikeCount(name) for name in network.sizes}

    def present(v_thresh: jax.Array, current: jax.Array, label: jax.Array):
        params = {name: {"v_thresh": v_thresh} for name in network.sizes}
        _, counts = jsnn.simulate(
            network.with_params(params), {first: current}, num_steps, record=record
        )
        right = readout.predict(counts[readout.population]) == label
        spikes = sum(count.sum() for count in counts.values())
        return right, jnp.where(label >= 0, spikes, 0).astype(jnp.int32)

    # Every pair of setting and image is a lane of one vmap: [V, S, B] in all.
    shape = (len(thresholds), *currents.shape[:2])
    right, spikes = jax.vmap(present)(
        jnp.broadcast_to(thresholds[:, None, None], shape).ravel(),
        jnp.broadcast_to(currents, (shape[0], *currents.shape)).reshape(-1, currents.shape[-1]),
        jnp.broadcast_to(labels, shape).ravel(),
    )
    return right.reshape(shape).sum(-1), spikes.reshape(shape).sum(-1)


def _fingerprint(
    weights: Sequence[np.ndarray],
    images: Images,
    v_thresh: Sequence[float],
    input_scale: Sequence[float],
    num_steps: int,
) -> str:
    digest = hashlib.sha256(repr((v_thresh, input_scale, num_steps)).encode())
    for array in (*weights, *images):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _load(checkpoint: Path, shape: tuple[int, int]) -> tuple[int, np.ndarray, np.ndarray]:
    if not checkpoint.exists():
        return 0, np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    with np.load(checkpoint) as kept:
        return int(kept["done"]), kept["right"], kept["spikes"]


def _save(checkpoint: Path, done: int, right: np.ndarray, spikes: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez(content, done=done, right=right, spikes=spikes)
    write_atomically(checkpoint, content.getvalue())
