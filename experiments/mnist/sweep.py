"""Sweep over a grid of settings on the same images: one compiled call under vmap, resumable."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.checkpoints import Checkpoints, fingerprint
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
      checkpoints: the files that hold the sums; the caller removes them.
    """

    v_thresh: np.ndarray
    input_scale: np.ndarray
    accuracy: np.ndarray
    spikes: np.ndarray
    checkpoints: Checkpoints


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
    name = f"sweep-{fingerprint(weights, images, v_thresh, input_scale, num_steps)}"
    checkpoints = Checkpoints(directory, name)
    fresh = {"right": np.zeros(shape, np.int64), "spikes": np.zeros(shape, np.int64)}
    start, sums = checkpoints.restore(fresh) or (0, fresh)
    right, spikes = sums["right"], sums["spikes"]
    batch, num_images = max(1, _LANES // right.size), len(images.labels)
    thresholds = np.asarray(v_thresh, np.float32)
    with cli.progress_bar(num_images, "image", f"{right.size} settings", done=start) as bar:
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
            checkpoints.save(min(first + batch, num_images), sums)
            bar.update(int(known.sum()))
    return Sweep(
        np.asarray(v_thresh),
        np.asarray(input_scale),
        right / num_images,
        spikes / num_images,
        checkpoints,
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
