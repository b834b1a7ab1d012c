"""Spikes as events: the spikes of a raster, and a capacity that is never exceeded in silence."""

from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.networks import F32, random_images, random_weights

SIZES = (11, 8, 5)
T = 23
CAPACITY = T * max(SIZES)
NETWORK = jsnn.feedforward(random_weights(0, SIZES), jsnn.IF)
IMAGES = random_images(0, 3, SIZES[0])


def run(drive: Any, record: dict[str, Any], **given: Any) -> dict[str, Any]:
    return jsnn.simulate(NETWORK, {"layer0": drive}, T, record=record, **given)[1]


def both(population: str, neurons: Any = None, capacity: int = CAPACITY) -> dict[str, Any]:
    return {
        "events": jsnn.SpikeEvents(population, capacity, neurons),
        "spikes": jsnn.Spikes(population, neurons),
    }


def assert_events(events: jsnn.Events, spikes: Any, neurons: Any = None) -> None:
    steps, places = np.nonzero(np.asarray(spikes))
    assert events.count == len(steps) > 0
    listed = jsnn.spike_list(events)
    np.testing.assert_array_equal(listed[0], steps)
    np.testing.assert_array_equal(listed[1], places if neurons is None else neurons[places])
    np.testing.assert_array_equal(events.steps[len(steps) :], -1)
    np.testing.assert_array_equal(events.neurons[len(steps) :], -1)
    assert events.steps.dtype == events.neurons.dtype == events.count.dtype == np.int32


@pytest.mark.parametrize("scheduled", [True, False])
def test_events_are_the_spikes_of_a_raster(scheduled: bool) -> None:
    record = {
        f"{name} {kind}": recording
        for name in NETWORK.sizes
        for kind, recording in both(name).items()
    }
    got = run(IMAGES[0], record, scheduled=scheduled)
    for name in NETWORK.sizes:
        assert_events(got[f"{name} events"], got[f"{name} spikes"])


def test_events_of_chosen_neurons_have_the_indices_of_the_population() -> None:
    neurons = np.array([6, 2, 3])
    got = run(IMAGES[0], both("layer1", neurons))
    assert_events(got["events"], got["spikes"], neurons)


def test_events_of_no_neurons_are_none() -> None:
    events = run(IMAGES[0], both("layer1", []))["events"]
    assert events.count == 0
    np.testing.assert_array_equal(events.neurons, -1)


def test_events_of_a_batch_are_those_of_each_presentation() -> None:
    got = jax.jit(jax.vmap(lambda image: run(image, both("layer1"))))(IMAGES)
    for i in range(len(IMAGES)):
        one = jax.tree.map(lambda leaf: leaf[i], got)  # noqa: B023
        assert_events(one["events"], one["spikes"])


def test_gradients_pass_a_run_with_events() -> None:
    def count(image: jax.Array) -> jax.Array:
        return run(image, both("layer1") | {"n": jsnn.SpikeCount("layer2")})["n"].sum()

    def plain(image: jax.Array) -> jax.Array:
        return run(image, {"n": jsnn.SpikeCount("layer2")})["n"].sum()

    np.testing.assert_array_equal(jax.grad(count)(IMAGES[0]), jax.grad(plain)(IMAGES[0]))


def test_more_spikes_than_the_capacity_are_an_error() -> None:
    number = int(run(IMAGES[0], both("layer1"))["events"].count)
    exact = run(IMAGES[0], both("layer1", capacity=number))
    assert_events(exact["events"], exact["spikes"])
    with pytest.raises(ValueError, match=rf"'events'.*capacity={number - 1}.*found {number} "):
        run(IMAGES[0], both("layer1", capacity=number - 1))


def test_more_spikes_than_the_capacity_in_a_compiled_batch_are_counted() -> None:
    got = jax.vmap(lambda image: run(image, both("layer1", capacity=2)))(IMAGES)
    np.testing.assert_array_equal(got["events"].count, got["spikes"].sum((1, 2)))
    steps, neurons = np.nonzero(np.asarray(got["spikes"][0]))
    np.testing.assert_array_equal(got["events"].steps[0], steps[:2])
    np.testing.assert_array_equal(got["events"].neurons[0], neurons[:2])
    with pytest.raises(ValueError, match=r"given events of \(3,\) presentations"):
        jsnn.spike_list(got["events"])
    with pytest.raises(ValueError, match=f"given 2 events of {len(steps)} spikes"):
        jsnn.spike_list(jax.tree.map(lambda leaf: leaf[0], got["events"]))


def test_more_spikes_than_the_capacity_in_a_data_set_are_an_error() -> None:
    def evaluated(capacity: int) -> jsnn.Evaluation:
        return jsnn.evaluate(
            *(NETWORK, {"layer0": IMAGES}, np.zeros(3, int), T, jsnn.spike_count("layer2")),
            record=both("layer1", capacity=capacity),
        )

    got = evaluated(CAPACITY).recorded
    assert_events(jax.tree.map(lambda leaf: leaf[1], got["events"]), got["spikes"][1])
    most = got["spikes"].sum((1, 2)).max()
    with pytest.raises(ValueError, match=f"recording 'events'.*found {most} spikes of 'layer1'"):
        evaluated(3)


def test_more_steps_and_neurons_than_an_index_counts_are_an_error() -> None:
    population = jsnn.Network([jsnn.Population("a", 2**21, jsnn.IF)])
    record = {"s": jsnn.SpikeEvents("a", 10)}
    assert jsnn.recorded_bytes(population, record, 2**10 - 1) == 84
    with pytest.raises(ValueError, match=r"'a': given 1024 steps of 2097152 neurons.*in_blocks"):
        jsnn.simulate(population, {"a": F32(0.1)}, 2**10, record=record)
