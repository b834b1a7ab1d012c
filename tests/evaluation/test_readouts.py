import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import F32

T = 12


def read(readout: jsnn.Readout, currents: list[float], model: jsnn.NeuronModel = jsnn.IF) -> int:
    """The answer of neurons that each get a constant current; theta = 1."""
    network = jsnn.Network([jsnn.Population("out", len(currents), model)])
    _, kept = jsnn.simulate(
        network, {"out": np.array(currents, F32)}, T, record={"answer": readout.recording}
    )
    answer = readout.predict(kept["answer"])
    assert answer.dtype == jnp.int32
    assert answer.shape == ()
    return int(answer)


@pytest.mark.parametrize(
    ("currents", "answer"),
    [
        ([0.125, 0.5, 0.25], 1),
        ([0.125, 0.25, 0.5], 2),
        ([0.25, 0.5, 0.5], 1),  # among equals the lowest index
        ([0.5, 0.5, 0.5], 0),
        ([0.0, 0.0, 0.0], 0),  # no spike at all reads as class 0
        ([-5.0, 0.01, 0.02], 0),
    ],
)
def test_spike_count_names_the_neuron_that_spiked_most(currents: list[float], answer: int) -> None:
    assert read(jsnn.spike_count("out"), currents) == answer


@pytest.mark.parametrize(
    ("currents", "answer"),
    [
        ([0.125, 0.5, 0.25], 1),
        ([0.25, 0.5, 0.5], 1),
        ([1.0, 2.0, 3.0], 0),  # all in the first step
        ([0.0, 0.0, 0.125], 2),
        ([0.0, 0.0, 0.0], -1),
    ],
)
def test_first_spike_names_the_neuron_that_spiked_first(currents: list[float], answer: int) -> None:
    assert read(jsnn.first_spike("out"), currents) == answer


@pytest.mark.parametrize(
    ("currents", "answer"),
    [
        ([0.01, 0.03, 0.02], 1),
        ([0.02, 0.03, 0.03], 1),
        ([-1.0, -0.5, -2.0], 1),
        ([0.5, 0.09, 1.0], 1),  # highest are 0.5, 0.09 * 11 and 0: a spike sends V back
    ],
)
def test_max_voltage_names_the_neuron_whose_v_was_highest(
    currents: list[float], answer: int
) -> None:
    assert read(jsnn.max_voltage("out"), currents) == answer


VOLTAGES = np.full((T, 3), [0.0, 0.4, 0.1])
VOLTAGES[4, 0], VOLTAGES[-1, 2] = 0.9, 0.5


@pytest.mark.parametrize(
    ("readout", "scores"),
    [
        (jsnn.max_voltage("out"), VOLTAGES.max(axis=0)),
        (jsnn.mean_voltage("out"), VOLTAGES.mean(axis=0)),
        (jsnn.sum_voltage("out"), VOLTAGES.sum(axis=0)),
        (jsnn.last_voltage("out"), VOLTAGES[-1]),
        (jsnn.spike_count("out"), [0, 0, 0]),
        (jsnn.first_spike("out"), [-T, -T, -T]),
    ],
    ids=["max", "mean", "sum", "last", "count", "first"],
)
def test_scores_are_largest_for_the_class_read(readout: jsnn.Readout, scores: np.ndarray) -> None:
    assert readout.scores is not None
    network = jsnn.Network([jsnn.Population("out", 3, jsnn.IF)])
    current = np.diff(VOLTAGES, axis=0, prepend=0).astype(F32)
    drive = {"out": jsnn.over_time(current)}
    _, kept = jsnn.simulate(network, drive, T, record={"answer": readout.recording})
    np.testing.assert_allclose(readout.scores(kept["answer"]), scores, rtol=1e-5, atol=1e-6)
    silent = isinstance(readout.recording, jsnn.FirstSpikeTime)
    assert readout.predict(kept["answer"]) == (-1 if silent else np.argmax(scores))


def test_a_spike_in_the_last_step_is_no_silence() -> None:
    network = jsnn.Network([jsnn.Population("out", 3, jsnn.IF)], dt=0.5)
    readout = jsnn.first_spike("out")
    drive, record = {"out": np.array([0, 0.25, 0], F32)}, {"answer": readout.recording}
    _, kept = jsnn.simulate(network, drive, 8, record=record)
    assert readout.predict(kept["answer"]) == 1
    assert readout.scores is not None
    np.testing.assert_array_equal(readout.scores(kept["answer"]), np.full(3, -4, F32))


def test_max_voltage_of_another_variable() -> None:
    model = jsnn.NeuronModel(
        params={},
        variables={"u": 0.0},
        update=lambda p, x, current, dt: {"u": x["u"] * 0.5 + current},
        threshold=lambda p, x: jnp.full_like(x["u"], -1.0),
    )
    assert read(jsnn.max_voltage("out", "u"), [1.0, 3.0, 2.0], model) == 1


def test_answers_are_the_same_under_vmap() -> None:
    counts = np.array([[0, 3, 3], [2, 1, 0], [0, 0, 0]], F32)
    answers = jax.vmap(jsnn.spike_count("out").predict)(counts)
    np.testing.assert_array_equal(answers, [1, 0, 0])
    first = np.array([[-1, 4, 4], [-3, -3, -3], [0, 9, 0]], np.int32)
    answers = jax.vmap(jsnn.first_spike("out").predict)(first)
    np.testing.assert_array_equal(answers, [1, -1, 0])


def test_readouts_of_the_same_kind_are_equal() -> None:
    assert jsnn.spike_count("out") == jsnn.spike_count("out")
    assert hash(jsnn.spike_count("out")) == hash(jsnn.spike_count("out"))
    assert jsnn.spike_count("out") != jsnn.first_spike("out")
