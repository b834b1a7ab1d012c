"""The C++ kernels give the sums of a loop, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jsnn._kernels import dense as products
from jsnn._kernels import native, over_time
from tests.networks import F32, random_weights, spike_trains
from tests.reference import sequential_sum

pytestmark = pytest.mark.skipif(
    not native.available(), reason="without a C++ compiler there are no kernels"
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("post", [1, 3, 4, 16, 17, 64, 83, 200])
def test_the_kernels_add_in_order(post: int, dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        weights = np.random.default_rng(0).normal(size=(37, post)).astype(dtype)
        for rate in (0.0, 0.1, 1.0):
            spikes = spike_trains(post, (9, 20, 37), rate)
            expected = np.stack(
                [[sequential_sum(s, weights) for s in rows.astype(dtype)] for rows in spikes]
            )
            for block in (10, 37):
                parts = [slice(i, i + block) for i in range(0, 37, block)]
                in_blocks = sum(
                    np.stack([sequential_sum(s[part], weights[part]) for s in spikes[0]])
                    for part in parts
                )
                for rows in (slice(0, 2), slice(None)):
                    few = jnp.asarray(spikes[0][rows].astype(dtype))
                    sums = native.event_product(few, jnp.asarray(weights), block)
                    np.testing.assert_array_equal(sums, in_blocks[rows])
            for delay in (0, 1, 4, 20):
                late = np.zeros_like(expected)
                late[delay:] = expected[: max(0, 9 - delay)]
                sums = native.product_over_time(spikes, jnp.asarray(weights), delay)
                np.testing.assert_array_equal(sums, late)


@pytest.mark.parametrize("delay", [0, 3, 20])
def test_the_product_over_time_of_other_devices(delay: int) -> None:
    weights = random_weights(0, (37, 30))[0]
    spikes = spike_trains(0, (9, 8, 37), 0.3)
    static = {"precision": "highest", "delay": delay}
    ours = over_time.whole_sums(jnp.asarray(spikes), jnp.asarray(weights), **static)
    expected = native.product_over_time(jnp.asarray(spikes), jnp.asarray(weights), delay)
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("delay", [0, 3, 20])
@pytest.mark.parametrize("dtype", [F32, np.float64])
def test_outer_products_of_spikes_are_those_of_numpy(delay: int, dtype: type) -> None:
    spikes = spike_trains(1, (9, 4, 70), 0.3)
    with jax.enable_x64(dtype == np.float64):
        numbers = np.random.default_rng(2).normal(size=(9, 4, 21)).astype(dtype)
        late = np.zeros((9, 4, 70), np.float64)
        late[delay:] = spikes[: max(0, 9 - delay)]
        expected = np.einsum("trp,trq->pq", late, numbers)
        sums = native.spike_outer(jnp.asarray(spikes), jnp.asarray(numbers), delay)
        np.testing.assert_allclose(sums, expected, rtol=1e-4, atol=1e-5)
        static = {"precision": "highest", "delay": delay}
        whole = over_time.whole_outer(jnp.asarray(spikes), jnp.asarray(numbers), **static)
        np.testing.assert_allclose(whole, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_steps", [1, 7, 64, 100, 129])
def test_the_sums_of_trains_are_those_of_every_step(num_steps: int) -> None:
    random = np.random.default_rng(num_steps)
    trains = random.random((num_steps, 25)) < random.choice([0.0, 0.02, 0.3, 1.0], 25)
    trains[:, 20:] = trains[:, :5]  # equal trains under other numbers
    index = random.integers(0, 25, (6, 37)).astype(np.int32)
    weights = random.normal(size=(37, 83)).astype(F32)
    expected = [
        [sequential_sum(trains[t, row].astype(F32), weights) for row in index]
        for t in range(num_steps)
    ]
    sums = products.product_of_trains(jnp.asarray(trains), jnp.asarray(index), jnp.asarray(weights))
    np.testing.assert_array_equal(sums, np.stack(expected))


def test_distinct_values_are_found_and_counted() -> None:
    values = np.random.default_rng(0).choice(np.array([0.0, -0.0, 1e-30, 3.5, np.pi], F32), (7, 9))
    table, count, index = native.distinct(jnp.asarray(values), 8)
    bits = values.view(np.int32)
    assert count == np.unique(bits).size
    np.testing.assert_array_equal(np.asarray(table)[np.asarray(index)].view(np.int32), bits)
    assert native.distinct(jnp.asarray(values), 3)[1] == 4
