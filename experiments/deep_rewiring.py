"""Deep rewiring: a spiking classifier of digits that learns which of its few synapses to have.

Bellec, Kappel, Maass & Legenstein 2018, "Deep rewiring: training very sparse deep networks", ICLR;
GeNN's custom connectivity updates and mlGeNN's DeepR do the same. A synapse keeps the sign that it
is drawn with, and learns its strength θ by gradient descent through surrogate spikes, with a pull
to 0 and noise:

    θ <- θ - η (∂E/∂θ + α) + sqrt(2 η T) ν      (Adam in place of the plain gradient)

If θ falls below 0, the synapse goes, and another comes with θ = 0 between neurons that are not
joined. All batches of an epoch are one compiled loop, which carries the network. For comparison the
network learns with the synapses that it has at the start, too.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.idx import Images
from experiments.mnist.data import held_out_images, input_currents, test_images

NUM_PIXELS, NUM_HIDDEN, NUM_CLASSES = 784, 128, 10
NUM_STEPS = 10
INPUT_SCALE = 0.5 / 255
"""Current of a pixel: the brightest one spikes in every second step."""
BATCH_SIZE = 50
NUM_LEARNT = 4_000
"""Number of the 5,000 held-out training images that are learnt; choices are made on the others."""

RATE, PULL, TEMPERATURE = 0.01, 0.1, 1e-5
"""The constants η, α and T."""
DECAY_1, DECAY_2, EPSILON = 0.9, 0.999, 1e-8
"""The constants of Adam."""

REWIRED, READOUT = "pixels_to_hidden", "hidden_to_classes"


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a run of a minute or two."""

    connectivity: float = 0.005
    """The share of the pairs of a pixel and a hidden neuron that are joined."""
    epochs: int = 10
    """The number of times that each image is learnt."""
    test: bool = False
    """Measure on the 10,000 test images, and not on 1,000 training images that are not learnt."""


class Adam(NamedTuple):
    """Moments of a gradient, and the number of steps that each of them has seen."""

    first: jax.Array
    second: jax.Array
    age: jax.Array


class Learner(NamedTuple):
    """Parts of the classifier that change from batch to batch.

    Attributes:
      network: with its synapses and weights.
      signs: 1 or -1 for each place of a synapse that is rewired.
      adam: {projection: the moments of its weights}.
      moved: the number of synapses that have gone, int32 ().
      key: of the noise and of the new synapses.
    """

    network: jsnn.Network
    signs: jax.Array
    adam: dict[str, Adam]
    moved: jax.Array
    key: jax.Array


def new_learner(connectivity: float, seed: int) -> Learner:
    """Draw a network whose pixels reach a share of the hidden neurons."""
    random = np.random.default_rng(seed)
    num_pairs = NUM_PIXELS * NUM_HIDDEN
    number = round(connectivity * num_pairs)
    pre, post = np.divmod(random.choice(num_pairs, number, replace=False), NUM_HIDDEN)
    signs = random.choice([-1, 1], number).astype(np.float32)
    weights = signs * np.abs(random.normal(0, 0.5, number)).astype(np.float32)
    matrix = random.normal(0, 0.1, (NUM_HIDDEN, NUM_CLASSES)).astype(np.float32)
    network = jsnn.Network(
        [
            jsnn.Population("pixels", NUM_PIXELS, jsnn.IF, {"v_thresh": 1.0}),
            jsnn.Population("hidden", NUM_HIDDEN, jsnn.IF, {"v_thresh": 1.0}),
            jsnn.Population("classes", NUM_CLASSES, jsnn.INTEGRATOR),
        ],
        [
            jsnn.Projection(
                *("pixels", "hidden"),
                jsnn.Sparse(pre, post, weights, NUM_PIXELS, NUM_HIDDEN, capacity=number),
            ),
            jsnn.Projection("hidden", "classes", jsnn.Dense(matrix)),
        ],
    )
    adam = {
        p.name: Adam(*(jnp.zeros_like(p.connectivity.weights) for _ in range(3)))
        for p in network.projections
    }
    return Learner(network, jnp.asarray(signs), adam, jnp.int32(0), jax.random.key(seed))


def with_weights(network: jsnn.Network, weights: dict[str, jax.Array]) -> jsnn.Network:
    """Return the network with other weights, {projection: array}."""
    return network.with_params({name: {"weights": w} for name, w in weights.items()})


def loss(weights: dict[str, jax.Array], network: jsnn.Network, images: Any, labels: Any) -> Any:
    """Return the mean cross entropy of the potentials at the end."""
    network = with_weights(network, weights)

    def potentials(currents: jax.Array) -> jax.Array:
        record = {"v": jsnn.FinalVariable("classes")}
        return jsnn.simulate(network, {"pixels": currents}, NUM_STEPS, record=record)[1]["v"]

    scores = jax.nn.log_softmax(jax.vmap(potentials)(images))
    return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))


def descent(adam: Adam, gradient: jax.Array) -> tuple[Adam, jax.Array]:
    """Return the moments after a gradient, and the direction in which Adam descends."""
    age = adam.age + 1
    first = DECAY_1 * adam.first + (1 - DECAY_1) * gradient
    second = DECAY_2 * adam.second + (1 - DECAY_2) * gradient**2
    mean, variance = first / (1 - DECAY_1**age), second / (1 - DECAY_2**age)
    return Adam(first, second, age), mean / (jnp.sqrt(variance) + EPSILON)


def learn_batch(learner: Learner, batch: Any, *, rewires: bool) -> tuple[Learner, jax.Array]:
    """Learn a batch of images; return the learner and the loss before."""
    network = learner.network
    weights = {p.name: p.connectivity.weights for p in network.projections}
    error, gradients = jax.value_and_grad(loss)(weights, network, *batch)
    stepped = {name: descent(learner.adam[name], gradients[name]) for name in weights}
    weights = {name: weights[name] - RATE * stepped[name][1] for name in weights}
    learner = learner._replace(adam={name: adam for name, (adam, _) in stepped.items()})
    if not rewires:
        return learner._replace(network=with_weights(network, weights)), error
    key, for_noise = jax.random.split(learner.key)
    noise = np.sqrt(2 * RATE * TEMPERATURE) * jax.random.normal(for_noise, learner.signs.shape)
    weights[REWIRED] += learner.signs * (noise - RATE * PULL)
    network = with_weights(network, weights)
    return rewired(learner._replace(network=network, key=key)), error


def rewired(learner: Learner) -> Learner:
    """Remove the synapses whose strength is below 0, and add others with a strength of 0."""
    network, signs = learner.network, learner.signs
    synapses: Any = network.projection(REWIRED).connectivity
    places = jnp.arange(synapses.capacity)
    goes = synapses.exists & (signs * synapses.weights < 0)
    key, for_pairs, for_signs = jax.random.split(learner.key, 3)
    num_pairs = NUM_PIXELS * NUM_HIDDEN
    pairs = jax.random.randint(for_pairs, places.shape, 0, num_pairs)
    joined = jnp.zeros(num_pairs, bool)
    joined = joined.at[synapses.pre * NUM_HIDDEN + synapses.post].set(True, mode="drop")
    first = jnp.full(num_pairs, synapses.capacity).at[pairs].min(places)
    comes = (goes | ~synapses.exists) & ~joined[pairs] & (first[pairs] == places)
    network, _ = jsnn.rewire(
        *(network, jsnn.init(network), REWIRED, goes, comes),
        *(pairs // NUM_HIDDEN, pairs % NUM_HIDDEN, jnp.zeros_like(signs)),
    )
    fresh = Adam(*(jnp.where(goes | comes, 0, x) for x in learner.adam[REWIRED]))
    return Learner(
        network,
        jnp.where(comes, jax.random.rademacher(for_signs, signs.shape, signs.dtype), signs),
        learner.adam | {REWIRED: fresh},
        learner.moved + jnp.sum(goes, dtype=jnp.int32),
        key,
    )


@partial(jax.jit, static_argnames="rewires")
def learn_epoch(learner: Learner, batches: Any, *, rewires: bool) -> tuple[Learner, jax.Array]:
    """Learn batches one after the other; return the learner and the mean loss."""
    learner, errors = jax.lax.scan(partial(learn_batch, rewires=rewires), learner, batches)
    return learner, errors.mean()


def batches_of(images: Images, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return images in a random order, as currents [n, BATCH_SIZE, 784], and their labels."""
    order = random.permutation(len(images.labels)).reshape(-1, BATCH_SIZE)
    return input_currents(images.pixels, INPUT_SCALE)[order], images.labels[order].astype(np.int32)


def accuracy(network: jsnn.Network, images: Images) -> float:
    """Return the share of images whose class has the highest potential at the end."""
    currents = input_currents(images.pixels, INPUT_SCALE)
    readout = jsnn.last_voltage("classes")
    result = jsnn.evaluate(network, {"pixels": currents}, images.labels, NUM_STEPS, readout)
    return result.accuracy


class Compilations:
    """A count of the programs that JAX compiles."""

    def __init__(self) -> None:
        self.number = 0
        jax.monitoring.register_event_duration_secs_listener(self._note)

    def _note(self, event: str, seconds: float, **_: Any) -> None:
        self.number += event == "/jax/core/compile/backend_compile_duration"


def learn(config: Config, images: Images, measured_on: Images, *, rewires: bool) -> dict[str, Any]:
    """Let a network learn, and return what is to be reported of it."""
    learner = new_learner(config.connectivity, config.seed)
    random = np.random.default_rng(config.seed)
    compilations, errors, compiled = Compilations(), [], []
    with cli.progress_bar(config.epochs, "epoch", "rewired" if rewires else "fixed") as bar:
        for _ in range(config.epochs):
            learner, error = learn_epoch(learner, batches_of(images, random), rewires=rewires)
            errors.append(float(error))
            compiled.append(compilations.number)
            bar.update()
    synapses: Any = learner.network.projection(REWIRED).connectivity
    return {
        "accuracy": accuracy(learner.network, measured_on),
        "loss": errors,
        "synapses": synapses.num_synapses,
        "capacity": synapses.capacity,
        "moved": int(learner.moved),
        "pixels_in_use": len(np.unique(np.asarray(synapses.pre)[np.asarray(synapses.exists)])),
        "compilations_after_the_first_epoch": compiled[-1] - compiled[0],
    }


def main(config: Config) -> dict[str, Any]:
    if not 0 < config.connectivity <= 0.5:
        raise ValueError(f"--connectivity: given {config.connectivity}; expected up to 0.5")
    cli.check_at_least_1(config, "epochs")
    held_out = held_out_images()
    images = Images(*(x[:NUM_LEARNT] for x in held_out))
    measured_on = test_images() if config.test else Images(*(x[NUM_LEARNT:] for x in held_out))
    results = {}
    for name, rewires in (("fixed", False), ("rewired", True)):
        results[name] = one = learn(config, images, measured_on, rewires=rewires)
        print(
            f"{name:>7}: {one['accuracy']:.2%} of {len(measured_on.labels):,} images right, "
            f"{one['synapses']:,} synapses of {one['pixels_in_use']} pixels; "
            f"{one['moved']:,} moved, {one['compilations_after_the_first_epoch']} compilations "
            "after the first epoch"
        )
    return {"seed": config.seed, "measured_on": "test" if config.test else "held out"} | results


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
