"""Ports of GeNN's tests/features/test_event_propagation.py: spikes and events reach neurons."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

import jsnn
from tests.genn_features.patterns import DECODER, F32, decoded, listed, margin
from tests.networks import PROBE

EYE = jsnn.over_time(np.eye(16, dtype=bool))
"""Spike trains: neuron i spikes in step i."""

ID_AT_T = jsnn.SynapseModel(
    name="ID_AT_T",
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    event=lambda p, pre: margin(p["step"] == jnp.arange(pre["spike"].size)),
)
"""Events of neuron i in step i, by the clock alone."""

AT_PRE_SPIKE = jsnn.SynapseModel(
    name="AT_PRE_SPIKE",
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    sends_each=lambda p, weight, pre, post: weight * post["spike"],
)
"""GeNN's `addToPre(g)` at a presynaptic spike: through the projection back, from post to pre."""

KERNELS = {
    "horizontal": np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], F32),
    "vertical": np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], F32),
}


def digits(key: Any, neuron: jax.Array, num_post: int, dtype: Any) -> Any:
    """Make the synapses to the binary digits of neuron + 1."""
    target = jnp.arange(num_post, dtype=jnp.int32)
    is_joined = ((neuron + 1) >> target) & 1 == 1
    return jnp.where(is_joined, target, -1), jnp.ones(num_post, dtype)


def all_digits(key: Any, neuron: jax.Array, num_post: int, dtype: Any) -> Any:
    """Make synapses to all outputs, with weights that are the binary digits of neuron + 1."""
    target = jnp.arange(num_post, dtype=jnp.int32)
    return target, (((neuron + 1) >> target) & 1).astype(dtype)


OUTPUTS: dict[str, tuple[Any, jsnn.SynapseModel]] = {
    "sparse": (listed(DECODER), jsnn.DELTA),
    "dense": (jsnn.Dense(DECODER), jsnn.DELTA),
    "sparse transposed": (jsnn.transposed(listed(DECODER.T.copy())), jsnn.DELTA),
    "procedural": (jsnn.Procedural(jax.random.key(0), 16, 4, digits), jsnn.DELTA),
    "dense procedural": (jsnn.Procedural(jax.random.key(0), 16, 4, all_digits), jsnn.DELTA),
    "sparse events": (listed(DECODER), ID_AT_T),
    "dense events": (jsnn.Dense(DECODER), ID_AT_T),
}


@functools.cache
def outputs_of_the_decoder(scheduled: bool) -> dict[str, np.ndarray]:
    network = jsnn.Network(
        [
            jsnn.Population("source", 16, jsnn.SPIKE_SOURCE),
            *(jsnn.Population(name, 4, PROBE) for name in OUTPUTS),
        ],
        [jsnn.Projection("source", name, *how) for name, how in OUTPUTS.items()],
    )
    record = {name: jsnn.Variable(name, "current") for name in OUTPUTS}
    return jsnn.simulate(network, {"source": EYE}, 16, record=record, scheduled=scheduled)[1]


@pytest.mark.parametrize("scheduled", [True, False])
@pytest.mark.parametrize("output", OUTPUTS)
def test_one_hot_spikes_are_decoded(output: str, scheduled: bool) -> None:
    """GeNN: test_event_propagation.py, test_forward and test_forward_procedural.

    In step n, the outputs are the binary digits of n: neuron n - 1 spiked in the step before.
    """
    currents = outputs_of_the_decoder(scheduled)[output]
    np.testing.assert_array_equal(decoded(currents), np.arange(16))


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_delays_of_synapses_make_all_spikes_arrive_at_once(kind: str) -> None:
    """GeNN: test_event_propagation.py, test_forward_den_delay, with a batch of 5 too.

    Neuron i spikes in step i and has a dendritic delay of 9 - i steps.
    """
    delays = 1 + np.arange(9, -1, -1)[:, None]
    ones = np.ones((10, 1), F32)
    synapses = jsnn.Dense(ones, delays=delays) if kind == "dense" else listed(ones, delays)
    network = jsnn.Network(
        [jsnn.Population("source", 10, jsnn.SPIKE_SOURCE), jsnn.Population("post", 1, PROBE)],
        [jsnn.Projection("source", "post", synapses)],
    )

    @jax.jit
    @functools.partial(jax.vmap, in_axes=(None, 0))
    def currents(network: jsnn.Network, trains: jax.Array) -> jax.Array:
        record = {"post": jsnn.Variable("post", "current")}
        drive = {"source": jsnn.over_time(trains)}
        return jsnn.simulate(network, drive, 11, record=record)[1]["post"]

    trains = np.broadcast_to(np.eye(11, 10, dtype=bool), (5, 11, 10))
    expected = np.where(np.arange(11) == 10, 10.0, 0.0)
    np.testing.assert_array_equal(currents(network, trains)[..., 0], [expected] * 5)


def convolved(image_size: int, kernel: np.ndarray) -> np.ndarray:
    """Return the weights of a valid convolution as a matrix, [pre, post]."""
    size = image_size - 2
    weights = np.zeros((image_size, image_size, size, size), F32)
    for row in range(size):
        for column in range(size):
            weights[row : row + 3, column : column + 3, row, column] = kernel
    return weights.reshape(image_size**2, size**2)


def sobel_row(kernel: tuple[tuple[float, ...], ...], image_size: int) -> Any:
    """Return a row for `jsnn.Procedural` that makes the synapses of a pixel from a kernel."""

    def row(key: Any, neuron: jax.Array, num_post: int, dtype: Any) -> Any:
        size = image_size - 2
        down, across = jnp.divmod(jnp.arange(9, dtype=jnp.int32), 3)
        y, x = neuron // image_size - down, neuron % image_size - across
        is_inside = (y >= 0) & (y < size) & (x >= 0) & (x < size)
        return jnp.where(is_inside, y * size + x, -1), jnp.array(kernel, dtype).ravel()

    return row


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_find_edges(name: str) -> None:
    """GeNN: test_event_propagation.py, test_forward_kernel and test_forward_kernel_procedural.

    A kernel, the list of its synapses, and synapses that are made at each spike, against SciPy.
    """
    kernel, size = KERNELS[name], 16
    image = np.random.default_rng(0).random((size, size)) < 0.3
    matrix = convolved(size, kernel)
    row = sobel_row(tuple(map(tuple, kernel)), size)
    ways = {
        "kernel": jsnn.Conv2D(kernel[:, :, None, None], (size, size, 1)),
        "sparse": listed(matrix),
        "procedural": jsnn.Procedural(jax.random.key(0), *matrix.shape, row),
    }
    network = jsnn.Network(
        [
            jsnn.Population("image", size**2, jsnn.SPIKE_SOURCE),
            *(jsnn.Population(way, matrix.shape[1], PROBE) for way in ways),
        ],
        [jsnn.Projection("image", way, connectivity) for way, connectivity in ways.items()],
    )
    trains = np.stack([image.ravel(), np.zeros(size**2, bool)])
    state, _ = jsnn.simulate(network, {"image": jsnn.over_time(trains)}, 2)
    expected = scipy.signal.correlate2d(image.astype(F32), kernel, "valid").ravel()
    assert np.any(expected != 0)
    for way in ways:
        np.testing.assert_array_equal(state.populations[way]["current"], expected)


SOURCE_AND_PROBE = jsnn.NeuronModel(
    name="SOURCE_AND_PROBE",
    params={},
    variables={"spike": 0.0, "x": 0.0},
    inputs=("train", "back"),
    update=lambda p, x, inputs, dt: {"spike": inputs["train"], "x": inputs["back"]},
    threshold=lambda p, x: x["spike"] - 1,
)
"""A spike source that holds what comes back to it."""


def come_back(
    forward: Any, start: str, back: Any, model: jsnn.SynapseModel, *, silent: bool = False
) -> np.ndarray:
    """Return what comes back to neurons that spike one after the other, [T, pre].

    Args:
      forward: the connectivity from pre to post.
      start: the population from which the way back starts, "pre" or "post".
      back: its connectivity.
      model: its synapse model.
      silent: True for no spikes.
    """
    there = jsnn.Projection("pre", "post", forward)
    network = jsnn.Network(
        [
            jsnn.Population("pre", forward.num_pre, SOURCE_AND_PROBE),
            jsnn.Population("post", forward.num_post, PROBE),
        ],
        [there, jsnn.Projection(start, "pre", back, model, target="back", name="back")],
    )
    trains = (1 - silent) * np.eye(forward.num_pre, dtype=F32)
    record = {"x": jsnn.Variable("pre", "x")}
    drive = {"pre": {"train": jsnn.over_time(trains)}}
    return jsnn.simulate(network, drive, forward.num_pre, record=record)[1]["x"]


PLACES = DECODER * 2 ** np.arange(4, dtype=F32)
SUMS_OF_ROWS = jsnn.OneToOne(PLACES.sum(axis=1))


@pytest.mark.parametrize(
    "way",
    [
        (listed(PLACES), "post", jsnn.transposed(listed(PLACES)), AT_PRE_SPIKE),
        (jsnn.Dense(PLACES), "post", jsnn.transposed(jsnn.Dense(PLACES)), AT_PRE_SPIKE),
        (listed(PLACES), "pre", SUMS_OF_ROWS, jsnn.DELTA),
        (listed(PLACES), "pre", SUMS_OF_ROWS, ID_AT_T),
    ],
    ids=["sparse", "dense", "sums of static weights", "events"],
)
def test_a_presynaptic_spike_adds_its_weights_to_its_own_neuron(way: Any) -> None:
    """GeNN: test_event_propagation.py, test_reverse, with `addToPre` at a presynaptic spike.

    The weights are place values, so what comes back in step n is n.
    """
    x = come_back(*way, silent=way[3] is ID_AT_T)
    np.testing.assert_array_equal(x.sum(axis=1), np.arange(16))


@pytest.mark.parametrize("kind", ["sparse", "procedural"])
def test_a_kernel_leads_back_to_as_many_windows_as_hold_the_pixel(kind: str) -> None:
    """GeNN: test_event_propagation.py, test_reverse_kernel and test_reverse_kernel_procedural."""
    ones = ((1.0,) * 3,) * 3
    if kind == "sparse":
        synapses = listed(convolved(8, np.array(ones)))
    else:
        synapses = jsnn.Procedural(jax.random.key(0), 64, 36, sobel_row(ones, 8)).stored()
    x = come_back(synapses, "post", jsnn.transposed(synapses), AT_PRE_SPIKE)
    along = [1, 2, 3, 3, 3, 3, 2, 1]
    counts = np.outer(along, along).ravel()
    np.testing.assert_array_equal(x[0], np.zeros(64))
    np.testing.assert_array_equal(x[1:], np.diag(counts)[:-1])


WEIGHTS_BACK = DECODER.T.copy()
FORWARD = {"sparse": listed(WEIGHTS_BACK), "dense": jsnn.Dense(WEIGHTS_BACK)}
BACK = [
    (kind, way, sent)
    for kind in FORWARD
    for way in ("transposed", "shared")
    for sent in ("spikes", "events")
]


@functools.cache
def presynaptic_inputs() -> dict[str, np.ndarray]:
    """Return the inputs of populations that a source of spikes reaches backwards."""
    populations, projections = [jsnn.Population("source", 16, jsnn.SPIKE_SOURCE)], []
    for kind, way, sent in BACK:
        name = f"{kind} {way} {sent}"
        there = jsnn.Projection(name, "source", FORWARD[kind])
        shared = jsnn.Shared(there, transposed=True)
        back = shared if way == "shared" else jsnn.transposed(FORWARD[kind])
        model = jsnn.DELTA if sent == "spikes" else ID_AT_T
        populations.append(jsnn.Population(name, 4, PROBE))
        projections += [there, jsnn.Projection("source", name, back, model)]
    network = jsnn.Network(populations, projections)
    record = {p.name: jsnn.Variable(p.name, "current") for p in populations[1:]}
    return jsnn.simulate(network, {"source": EYE}, 16, record=record)[1]


@pytest.mark.parametrize(("kind", "way", "sent"), BACK)
def test_postsynaptic_spikes_are_decoded_by_the_presynaptic_neurons(
    kind: str, way: str, sent: str
) -> None:
    """GeNN: test_event_propagation.py, test_reverse_post: `addToPre` at a postsynaptic spike."""
    inputs = presynaptic_inputs()[f"{kind} {way} {sent}"]
    np.testing.assert_array_equal(decoded(inputs), np.arange(16))
