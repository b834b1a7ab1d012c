"""Learning one image after another; an interrupted run resumes bit for bit."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

import jsnn
from experiments.cli import write_atomically
from experiments.mnist.data import Images
from experiments.mushroom_body.network import (
    NUM_MBON,
    NUM_STEPS,
    SUPERVISION,
    input_currents,
    next_image,
)
from jsnn.recording import SpikesOf

IMAGES_PER_CALL = 250
"""Number of images that a compiled call learns; the state is written after each call."""


class Learnt(NamedTuple):
    """The result of learning.

    Attributes:
      state: after the last image.
      kc_spikes: int32 [n], spikes of all Kenyon cells for each image.
      seen: int [m], the numbers of images after which the accuracy was measured.
      accuracy: float [m], the accuracy after each of these numbers.
      checkpoint: the file that holds all this; the caller removes it.
    """

    state: jsnn.State
    kc_spikes: np.ndarray
    seen: np.ndarray
    accuracy: np.ndarray
    checkpoint: Path


def learn_all(
    network: jsnn.Network,
    images: Images,
    directory: Path,
    measure: Callable[[np.ndarray], float],
) -> Learnt:
    """Learn all images in their order, with a progress bar.

    The state is kept in `directory` after every call, under a name made of all inputs. An
    interrupted run that is started again with the same inputs goes on from there.

    Args:
      network: a network that learns.
      images: the images to learn.
      directory: for the state.
      measure: learnt weights [KC, MBON] -> accuracy; called after 250, 500, 1000, 2000, ... images
        and after the last.
    """
    num_images = len(images.labels)
    checkpoint = directory / f"learning-{_fingerprint(network, images)}.npz"
    learnt = _load(checkpoint, jsnn.init(network))
    done = len(learnt.kc_spikes)
    with tqdm(total=num_images, initial=done, unit="image", desc="learning") as bar:
        while done < num_images:
            now = slice(done, min(done + IMAGES_PER_CALL, num_images))
            labels = images.labels[now].astype(np.int32)
            state, spikes = learn(network, learnt.state, input_currents(images.pixels[now]), labels)
            learnt = learnt._replace(
                state=state, kc_spikes=np.concatenate([learnt.kc_spikes, spikes])
            )
            done = now.stop
            bar.update(len(labels))
            if done == num_images or _doubled(done):
                learnt = learnt._replace(
                    seen=np.append(learnt.seen, done),
                    accuracy=np.append(learnt.accuracy, measure(weights_of(state))),
                )
            _save(learnt)
    return learnt


@jax.jit
def learn(
    network: jsnn.Network, state: jsnn.State, currents: jax.Array, labels: jax.Array
) -> tuple[jsnn.State, jax.Array]:
    """Show images in sequence, each with a current into the output neuron of its digit.

    Args:
      network: a network that learns.
      state: after the images before.
      currents: [B, PN], in nA.
      labels: int32 [B].

    Returns:
      The state after the last image, and the spikes of all Kenyon cells for each image, int32 [B].
    """

    def present(
        state: jsnn.State, image: tuple[jax.Array, jax.Array]
    ) -> tuple[jsnn.State, jax.Array]:
        current, label = image
        teacher = SUPERVISION * jax.nn.one_hot(label, NUM_MBON, dtype=current.dtype)
        state, kept = jsnn.simulate(
            network,
            {"PN": current, "MBON": teacher},
            NUM_STEPS,
            state=next_image(network, state),
            record={"kc_spikes": _kc_spikes},
        )
        return state, kept["kc_spikes"].sum().astype(jnp.int32)

    return jax.lax.scan(present, state, (currents, labels))


def _kc_spikes(state: jsnn.State, spikes: SpikesOf) -> jax.Array:
    return spikes["KC"].sum()


def weights_of(state: jsnn.State) -> np.ndarray:
    """Return the learnt weights, float32 [KC, MBON], in nA."""
    return np.asarray(state.projections["KC_to_MBON"].plasticity.synapses["weight"])


def _doubled(done: int) -> bool:
    calls, rest = divmod(done, IMAGES_PER_CALL)
    return not rest and calls.bit_count() == 1


def _fingerprint(network: jsnn.Network, images: Images) -> str:
    digest = hashlib.sha256()
    for array in (*jax.tree.leaves(network), *images):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _load(checkpoint: Path, fresh: jsnn.State) -> Learnt:
    if not checkpoint.exists():
        return Learnt(fresh, np.zeros(0, np.int32), np.zeros(0, int), np.zeros(0), checkpoint)
    leaves, structure = jax.tree.flatten(fresh)
    with np.load(checkpoint) as kept:
        state = jax.tree.unflatten(structure, [kept[f"state{i}"] for i in range(len(leaves))])
        return Learnt(state, kept["kc_spikes"], kept["seen"], kept["accuracy"], checkpoint)


def _save(learnt: Learnt) -> None:
    leaves = {f"state{i}": leaf for i, leaf in enumerate(jax.tree.leaves(learnt.state))}
    curves = {name: getattr(learnt, name) for name in ("kc_spikes", "seen", "accuracy")}
    content = io.BytesIO()
    np.savez(content, **leaves, **curves)
    write_atomically(learnt.checkpoint, content.getvalue())
