"""Every way to run a network gives one result, for models, graphs and input drawn at random."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import jsnn
from jsnn._kernels import native
from tests.networks import F32, assert_same
from tests.profiles import chosen_examples
from tests.random_networks import Case, random_case, recordings

Result = tuple[jsnn.State, dict[str, Any]]


def simulated(case: Case, drive: dict[str, Any], record: dict[str, Any], **how: Any) -> Result:
    key = None if "state" in how else case.key
    network = how.pop("network", case.network)
    num_steps = how.pop("num_steps", case.num_steps)
    return jsnn.simulate(network, drive, num_steps, record=record, key=key, **how)


def alone(case: Case, record: dict[str, Any], *, scheduled: bool) -> Result:
    return simulated(case, case.drives[0], record, scheduled=scheduled)


def in_a_batch(case: Case, record: dict[str, Any], size: int, *, scheduled: bool) -> Result:
    """Run the first presentation beside others, under `vmap`."""
    drives = jax.tree.map(lambda *rows: np.stack(rows), *case.drives[:size])

    def run(network: jsnn.Network, drive: dict[str, Any]) -> Result:
        return simulated(case, drive, record, network=network, scheduled=scheduled)

    batch = jax.vmap(run, in_axes=(None, 0), axis_size=size)
    return first(jax.jit(batch)(case.network, drives))


def in_a_sweep(case: Case, record: dict[str, Any], *, scheduled: bool) -> Result:
    """Run the network beside others that have another dt, under `vmap`."""

    def run(network: jsnn.Network, dt: jax.Array) -> Result:
        changed = dataclasses.replace(network, dt=dt)
        return simulated(case, case.drives[0], record, network=changed, scheduled=scheduled)

    dts = jnp.asarray([case.network.dt, 0.03, 0.07], F32)
    return first(jax.jit(jax.vmap(run, in_axes=(None, 0)))(case.network, dts))


def in_two_parts(case: Case, after: int, *, scheduled: bool) -> Result:
    """Run some steps, and the rest from the state in which they end; without recordings."""

    def part(course: Any, rows: slice) -> Any:
        return jsnn.over_time(course.values[rows]) if hasattr(course, "values") else course

    early, late = (
        {name: part(course, rows) for name, course in case.drives[0].items()}
        for rows in (slice(after), slice(after, None))
    )
    state, _ = simulated(case, early, {}, num_steps=after, scheduled=scheduled)
    rest = case.num_steps - after
    return simulated(case, late, {}, num_steps=rest, state=state, scheduled=scheduled)


def on_devices(case: Case, record: dict[str, Any]) -> dict[str, Any]:
    """Return the recordings of the first presentation, evaluated on all devices, at most two."""
    readout = jsnn.spike_count(case.network.populations[-1].name)
    drives = jax.tree.map(lambda *rows: np.stack(rows), *case.drives)
    evaluation = jsnn.evaluate(
        *(case.network, drives, np.zeros(3, int), case.num_steps, readout),
        record=record,
        key=case.key,
        batch_size=2,
        devices=jax.devices()[:2],
    )
    return first(evaluation.recorded)


def divided(case: Case, record: dict[str, Any], *, scheduled: bool) -> Result:
    """Run the first presentation with the neurons divided over all devices, at most two."""

    try:
        network = jsnn.divide(case.network, jax.devices()[:2])
    except ValueError:  # it has a part that cannot be divided
        return alone(case, record, scheduled=scheduled)
    return simulated(case, case.drives[0], record, network=network, scheduled=scheduled)


def first(rows: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], rows)


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Return a function that calls another one as on a machine without a C++ compiler."""

    def call(function: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(native, "available", lambda: False)
            jax.clear_caches()
            try:
                return function()
            finally:
                jax.clear_caches()

    return call


@chosen_examples()
@given(st.integers(0, 2**32 - 1))
@example(1546)  # a noisy group, in a sweep and without kernels
@example(1073)  # noise and learning, divided and in a batch
@example(652)  # several models, one of which learns, in a sweep and in two parts
@pytest.mark.filterwarnings("ignore:.*the readout")
def test_every_path_gives_the_same_bits(without_kernels: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    case = random_case(seed)
    record = recordings(case, list(case.network.sizes), traces=bool(random.integers(2)))
    expected = alone(case, record, scheduled=False)
    scheduled, after = bool(random.integers(2)), int(random.integers(1, case.num_steps))
    size = int(random.integers(1, 4))
    paths: list[Callable[[], Any]] = [
        lambda: in_a_batch(case, record, size, scheduled=scheduled),
        lambda: in_a_sweep(case, record, scheduled=scheduled),
        lambda: (in_two_parts(case, after, scheduled=scheduled)[0], expected[1]),
        lambda: divided(case, record, scheduled=scheduled),
        lambda: without_kernels(
            lambda: (in_two_parts(case, after, scheduled=True)[0], expected[1])
        ),
        lambda: (expected[0], on_devices(case, record)) if case.key is None else expected,
    ]
    assert_same(alone(case, record, scheduled=True), expected)
    for chosen in random.choice(len(paths), 2, replace=False):
        assert_same(paths[chosen](), expected)


@pytest.mark.parametrize("model", [jsnn.DELTA, jsnn.EXPONENTIAL])
def test_weights_are_summed_before_a_drive_is_added(without_kernels: Any, model: Any) -> None:
    """Sparse synapses into driven neurons, against NumPy by the book: one rounding a sum."""
    number, num_steps, random = 100, 60, np.random.default_rng(0)
    joined = random.random((number, number)) < 0.1
    weights = (random.normal(0.3, 0.1, joined.shape) * joined).astype(F32)
    pre, post = np.nonzero(joined)
    sparse = jsnn.Sparse(pre, post, weights[pre, post], number, number)
    network = jsnn.Network(
        [
            jsnn.Population("a", number, jsnn.IF),
            jsnn.Population("b", number, jsnn.IF, {"v_thresh": 2.0}),
        ],
        [jsnn.Projection("a", "b", sparse, model)],
    )
    drive = {"a": random.uniform(0, 1, number).astype(F32), "b": F32(0.1)}
    v_a, v_b, current = np.zeros((3, number), F32)
    spikes_a, expected = np.zeros(number, bool), np.zeros((num_steps, number), bool)
    left = np.asarray(jsnn.decay(F32(5), F32(1)))
    mean = F32(5) * (F32(1) - left)
    for step in range(num_steps):
        arriving = np.zeros(number, F32)
        for neuron in np.flatnonzero(spikes_a):
            arriving = arriving + weights[neuron]
        if model is jsnn.EXPONENTIAL:
            current, arriving = (current + arriving) * left, (current + arriving) * mean
        v_a, v_b = v_a + drive["a"], v_b + (arriving + drive["b"])
        spikes_a, expected[step] = v_a >= 1, v_b >= 2
        v_a, v_b = np.where(spikes_a, 0, v_a), np.where(expected[step], 0, v_b)

    def run(steps: int, **how: Any) -> tuple[jsnn.State, np.ndarray]:
        state, kept = jsnn.simulate(network, drive, steps, record={"b": jsnn.Spikes("b")}, **how)
        return state, np.asarray(kept["b"])

    def in_parts() -> np.ndarray:
        state, early = run(25)
        return np.concatenate([early, run(35, state=state)[1]])

    assert expected.sum() > 500
    for spikes in (
        run(num_steps)[1],
        run(num_steps, scheduled=False)[1],
        in_parts(),
        without_kernels(lambda: run(num_steps)[1]),
        without_kernels(in_parts),
    ):
        np.testing.assert_array_equal(spikes, expected)


BOUND = 1e-5
"""The largest difference of such a model from path to path, in parts of its largest number."""


@chosen_examples()
@given(st.integers(0, 2**32 - 1))
@example(11)  # AdEx
@example(24)  # neurons that look at each other
def test_other_models_agree_up_to_the_bound(seed: int) -> None:
    """Variables agree within the bound until a margin lies within it; until then, so do spikes."""
    random = np.random.default_rng(seed)
    case = random_case(seed, equal=False)
    record = recordings(case, list(case.network.sizes), traces=True)
    _, expected = alone(case, record, scheduled=False)
    scheduled, size = bool(random.integers(2)), int(random.integers(1, 4))
    _, batch = in_a_batch(case, record, size, scheduled=scheduled)
    _, alone_scheduled = alone(case, record, scheduled=True)
    for got in (batch, alone_scheduled):
        steps = first_difference_of_spikes(case, got, expected)
        for name in record:
            if not name.endswith("spikes"):
                a, b = np.asarray(got[name][:steps]), np.asarray(expected[name][:steps])
                scale = BOUND * max(1.0, float(np.max(np.abs(b), initial=0)))
                np.testing.assert_allclose(a, b, rtol=0, atol=scale, err_msg=name)


def first_difference_of_spikes(case: Case, got: Any, expected: Any) -> int:
    """Return the step in which spikes differ first; there, the margin has to be near 0."""
    first_step = case.num_steps
    for population in case.network.populations:
        spikes = [np.asarray(run[f"{population.name} spikes"]) for run in (got, expected)]
        steps, neurons = np.nonzero(spikes[0] != spikes[1])
        if not len(steps) or steps[0] >= first_step:
            continue
        first_step, neuron = int(steps[0]), int(neurons[0])
        silent = expected if spikes[0][first_step, neuron] else got
        variables = {
            name: jnp.asarray(silent[f"{population.name}.{name}"][first_step])
            for name in population.model.variables
        }
        params = {
            name: jnp.broadcast_to(value, (population.size,))
            for name, value in population.model.complete_params(
                population.params, case.network.dt
            ).items()
        }
        margin = population.model.threshold(params, variables)[neuron]
        assert abs(margin) < 100 * BOUND, (population.name, first_step, neuron, margin)
    return first_step
