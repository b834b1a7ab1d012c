"""Writing of networks of jsnn, and of what NIR cannot say."""

from typing import Any

import jax
import jax.numpy as jnp
import nir
import numpy as np
import pytest

import jsnn
from tests.nir import by_the_book
from tests.nir.graphs import same

RANDOM = np.random.default_rng(0)
DENSE = jsnn.Dense(np.ones((3, 2), np.float32))
DT = 0.5


def weights(*shape: int) -> np.ndarray:
    return RANDOM.normal(0.3, 1.0, shape).astype(np.float32)


def spikes(network: jsnn.Network, drive: Any, steps: int, name: str) -> np.ndarray:
    _, found = jsnn.simulate(network, drive, steps, record={"s": jsnn.Spikes(name)})
    return np.asarray(found["s"])


def test_a_recurrent_network_of_lifs_in_millivolts_is_read_with_its_spikes(tmp_path) -> None:
    without = {"tau_refrac": 0.0, "i_offset": np.linspace(0, 0.7, 6, dtype=np.float32)}
    network = jsnn.Network(
        [
            jsnn.Population("in", 5, jsnn.SPIKE_SOURCE),
            jsnn.Population("hidden", 6, jsnn.LIF, without),
            jsnn.Population("out", 3, jsnn.LIF, {"tau_refrac": 0.0}),
        ],
        [
            jsnn.Projection("in", "hidden", jsnn.Dense(5 * weights(5, 6)), delay=0),
            jsnn.Projection("hidden", "hidden", jsnn.Dense(weights(6, 6)), delay=1),
            jsnn.Projection("hidden", "out", jsnn.Dense(20 * weights(6, 3)), delay=3),
        ],
        [jsnn.CurrentSource("bias", "out", jsnn.CONSTANT, {"magnitude": 0.4})],
        dt=DT,
    )
    trains = RANDOM.random((200, 5)) < 0.3
    written = jsnn.nir.write(network, tmp_path / "a.nir")
    reading = jsnn.nir.read(tmp_path / "a.nir", DT, integration="end_of_step")
    assert reading.one_step == (("hidden", "hidden_to_hidden"),)
    expected = spikes(network, {"in": jsnn.over_time(trains)}, 200, "out")
    found = spikes(reading.network, reading.drive(trains), 200, "out")
    np.testing.assert_array_equal(found, expected)
    assert 10 < expected.sum() < 500
    assert {type(n).__name__ for n in written.graph.nodes.values()} == {
        *("Input", "Output", "Linear", "Affine", "LIF", "Delay")
    }
    delay = written.graph.nodes["hidden_to_out.delay"].delay
    np.testing.assert_allclose(delay, np.full(6, 1.5e-3))
    assert same(written.graph, jsnn.nir.write(reading).graph)


def test_v_at_the_threshold_of_an_if_stays_a_spike() -> None:
    network = jsnn.feedforward([np.eye(1, dtype=np.float32)], jsnn.IF, delay=0)
    reading = jsnn.nir.read(jsnn.nir.write(network).graph, 1.0, integration="end_of_step")
    found = spikes(reading.network, reading.drive(np.ones((3, 1))), 3, "layer1")
    np.testing.assert_array_equal(found, np.ones((3, 1)))


def test_a_convolutional_network_is_read_with_its_spikes() -> None:
    image = (6, 5, 2)
    frame = ((0, 1), (2, 1))
    first = jsnn.Conv2D(weights(3, 2, 1, 4), image, stride=(2, 1), padding=frame, groups=2)
    pool = jsnn.AveragePool2D(first.output_shape, 2)
    network = jsnn.Network(
        [
            jsnn.Population("in", 60, jsnn.SPIKE_SOURCE),
            jsnn.Population(
                "conv", first.num_post, jsnn.IF, {"v_thresh": 1 + np.abs(weights(first.num_post))}
            ),
            jsnn.Population("out", 3, jsnn.IF, {"v_thresh": 2.0}),
        ],
        [
            jsnn.Projection("in", "conv", first, delay=0),
            jsnn.Projection(
                "conv",
                "out",
                jsnn.Chain((pool, jsnn.Dense(np.abs(weights(pool.num_post, 3))))),
                delay=0,
            ),
        ],
    )
    graph = jsnn.nir.write(network).graph
    reading = jsnn.nir.read(graph, 1.0, integration="end_of_step")
    assert dict(reading.inputs) == {"in": (2, 6, 5)}
    trains = RANDOM.random((30, 6, 5, 2)) < 0.4
    expected = spikes(network, {"in": jsnn.over_time(trains.reshape(30, 60))}, 30, "out")
    drive = reading.drive(trains.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(spikes(reading.network, drive, 30, "out"), expected)
    assert 10 < expected.sum() < 90
    first_image = trains[0].transpose(2, 0, 1).astype(float)
    conv_node = next(n for n in graph.nodes.values() if isinstance(n, nir.Conv2d))
    by_book = by_the_book.convolved(conv_node, first_image)
    by_jsnn = np.asarray(first.deliver(jnp.asarray(trains[0].ravel(), np.float32)))
    np.testing.assert_allclose(
        by_book, by_jsnn.reshape(first.output_shape).transpose(2, 0, 1), atol=1e-5
    )


def between(connectivity: Any, *sources: Any, **options: Any) -> jsnn.Network:
    """Join three and two IF neurons."""
    model = options.pop("model", jsnn.IF)
    populations = [jsnn.Population("a", 3, model), jsnn.Population("b", 2, jsnn.IF)]
    return jsnn.Network(populations, [jsnn.Projection("a", "b", connectivity, **options)], sources)


def test_populations_named_for_the_ends_keep_their_names() -> None:
    populations = [jsnn.Population("input", 3, jsnn.IF), jsnn.Population("output", 2, jsnn.IF)]
    network = jsnn.Network(populations, [jsnn.Projection("input", "output", DENSE, delay=0)])
    graph = jsnn.nir.write(network).graph
    assert graph.edges == [
        *(("input", "input_to_output"), ("input_", "input")),
        *(("input_to_output", "output"), ("output", "output_")),
    ]
    assert isinstance(graph.nodes["output_"], nir.Output)


def test_lists_of_synapses_become_a_matrix() -> None:
    network = between(jsnn.Sparse([0, 2], [1, 0], weights(2), 3, 2), delay=0)
    written = jsnn.nir.write(network)
    expected = np.zeros((2, 3), np.float32)
    expected[[1, 0], [0, 2]] = np.asarray(network.projections[0].connectivity.weights)
    np.testing.assert_array_equal(written.graph.nodes["a_to_b"].weight, expected)
    assert "Sparse is written as a matrix" in written.notes[0]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            between(DENSE, model=jsnn.IF_SOFT_RESET),
            "population 'a', model IF_SOFT_RESET: its reset",
        ),
        (between(DENSE, model=jsnn.LIF), "population 'a', parameter 'tau_refrac': a refractory"),
        (
            between(DENSE, plasticity=jsnn.Plasticity(jsnn.STDP)),
            "projection 'a_to_b', plasticity: NIR has weights that do not change",
        ),
        (between(DENSE, synapse=jsnn.EXPONENTIAL), "projection 'a_to_b', synapse: EXPONENTIAL"),
        (between(DENSE, target="v"), "projection 'a_to_b', target: 'v'"),
        (
            between(DENSE, jsnn.CurrentSource("noise", "b", jsnn.GAUSSIAN_NOISE)),
            "current source 'noise': of model GAUSSIAN_NOISE, and NIR has no sources",
        ),
    ],
)
def test_a_loss_is_an_error_or_listed(network: jsnn.Network, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jsnn.nir.write(network)
    assert any(message in text for text in jsnn.nir.write(network, strict=False).lost)


@pytest.mark.parametrize(
    ("network", "options", "error", "message"),
    [
        (
            jsnn.Network([jsnn.Population("a", 3, jsnn.ALIF)]),
            {"strict": False},
            ValueError,
            "population 'a': given model ALIF, and NIR has no node with its equations; expected o",
        ),
        (
            jsnn.Network([jsnn.Population("a", 3, jsnn.LIF_CURR_EXP)]),
            {},
            ValueError,
            "given model LIF_CURR_EXP, and NIR has no node with its 3 inputs",
        ),
        (
            between(jsnn.Sparse([0, 1], [1, 0], weights(2), 3, 2, delays=[1, 3])),
            {},
            ValueError,
            "projection 'a_to_b': given Sparse with a delay for each synapse",
        ),
        (between(DENSE), {"outputs": {"o": "c"}}, ValueError, "unknown population 'c'"),
        (between(DENSE), {"inputs": ["a"]}, TypeError, "inputs: given list; expected a dict"),
        (
            between(DENSE),
            {"inputs": {"x": "a"}, "outputs": {"x": "b"}},
            ValueError,
            "given 'x' in inputs and in outputs; expected two names",
        ),
        (
            between(DENSE, model=jsnn.SPIKE_SOURCE),
            {"inputs": {"x": "a"}},
            ValueError,
            "inputs: given population 'a' of model SPIKE_SOURCE, which is an Input itself",
        ),
        (
            jsnn.Network(
                [jsnn.Population(name, 3, jsnn.SPIKE_SOURCE) for name in "ab"],
                [jsnn.Projection("a", "b", jsnn.OneToOne(np.ones(3, np.float32)))],
            ),
            {},
            ValueError,
            "projection 'a_to_b': leads into population 'b' of model SPIKE_SOURCE",
        ),
        (
            between(DENSE, name="a/b"),
            {"strict": False},
            ValueError,
            "node 'a/b': no name that a file of NIR can hold; expected one without '/'",
        ),
        (
            jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), between(DENSE)),
            {},
            ValueError,
            r"given shape \(2,\)",
        ),
        (between(DENSE), {"path": 3}, TypeError, "path: given int; expected a path"),
        (None, {}, TypeError, "network: given NoneType; expected a Network"),
    ],
)
def test_bad_input_is_named(network: Any, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        jsnn.nir.write(network, **options)


def test_a_reading_and_a_writing_print_short_tables() -> None:
    written = jsnn.nir.write(between(DENSE, delay=0))
    assert repr(written).splitlines()[0] == "Graph of NIR with 5 nodes and 4 edges"
    assert "<table>" in written._repr_html_()
    assert "<table>" in jsnn.nir.read(written.graph, 1.0)._repr_html_()
