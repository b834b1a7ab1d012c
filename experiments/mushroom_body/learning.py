"""Learning one image after another; an interrupted run resumes bit for bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.checkpoints import Checkpoints, fingerprint
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
      checkpoints: the files that hold all this; the caller removes them.
    """

    state: jsnn.State
    kc_spikes: np.ndarray
    seen: np.ndarray
    accuracy: np.ndarray
    checkpoints: Checkpoints


def learn_all(
    network: jsnn.Network,
    images: Images,
    directory: Path,
    measure: Callable[[np.ndarray], float],
    measured_on: Any = None,
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
      measured_on: pytree of the arrays, numbers and strings that `measure` depends on.
    """
    num_images = len(images.labels)
    calls = [slice(i, i + IMAGES_PER_CALL) for i in range(0, num_images, IMAGES_PER_CALL)]
    ends = [min(call.stop, num_images) for call in calls]
    seen = np.array([end for end in ends if end == num_images or _doubled(end)])
    name = f"learning-{fingerprint(network, images, seen, measured_on)}"
    learnt = Learnt(
        jsnn.init(network),
        np.zeros(num_images, np.int32),
        seen,
        np.zeros(len(seen)),
        Checkpoints(directory, name),
    )
    done, learnt = _resumed(learnt)
    with cli.progress_bar(num_images, "image", "learning", done=done) as bar:
        for now, end in zip(calls, ends, strict=True):
            if end <= done:
                continue
            labels = images.labels[now].astype(np.int32)
            state, spikes = learn(network, learnt.state, input_currents(images.pixels[now]), labels)
            learnt = learnt._replace(state=state)
            learnt.kc_spikes[now] = spikes
            bar.update(len(labels))
            if end in seen:
                learnt.accuracy[seen == end] = measure(weights_of(state))
            learnt.checkpoints.save(end, _kept(learnt))
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


def _kept(learnt: Learnt) -> dict[str, Any]:
    return {name: getattr(learnt, name) for name in ("state", "kc_spikes", "accuracy")}


def _resumed(fresh: Learnt) -> tuple[int, Learnt]:
    """Return the number of images that are learnt, and what is learnt."""
    found = fresh.checkpoints.restore(_kept(fresh))
    return (0, fresh) if found is None else (found[0], fresh._replace(**found[1]))
