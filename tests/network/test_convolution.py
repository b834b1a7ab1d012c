"""Convolution and pooling against loops over places and pixels."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

import jsnn
from tests import reference
from tests.networks import F32

# image shape, kernel height and width, channels out, stride, padding, groups
CONVOLUTIONS = [
    ((7, 6, 2), (3, 3), 5, 1, "VALID", 1),
    ((8, 5, 3), (2, 3), 4, (2, 1), "SAME", 1),
    ((9, 8, 1), (4, 2), 3, (3, 2), "VALID", 1),
    ((2, 2, 2), (3, 5), 4, 1, "SAME", 1),
    ((6, 7, 2), (3, 2), 3, (2, 1), ((1, 1), (0, 2)), 1),
    ((7, 5, 4), (3, 2), 6, (2, 1), "SAME", 2),
    ((5, 6, 3), (3, 3), 6, 1, "VALID", 3),
]
POOLS = [((6, 6, 3), 2, None), ((7, 8, 2), (3, 2), None), ((7, 7, 1), 3, 2)]


def images(seed: int, shape: tuple[int, int, int], *batch: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((*batch, *shape)) < 0.4).astype(F32)


def kernel(seed: int, *shape: int) -> np.ndarray:
    """Weights whose sums depend on the order."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3, shape)).astype(F32)


def convolution(shape, window, out, stride, padding, groups) -> jsnn.Conv2D:
    weights = kernel(0, *window, shape[2] // groups, out)
    return jsnn.Conv2D(weights, shape, stride, padding, groups=groups)


def by_the_book(connectivity: Any, image: np.ndarray) -> np.ndarray:
    if isinstance(connectivity, jsnn.AveragePool2D):
        return reference.average_pool(image, connectivity.window, connectivity.stride)
    weights, groups = np.asarray(connectivity.kernel), connectivity.groups
    return reference.convolution(image, weights, connectivity.stride, connectivity.padding, groups)


ALL = [convolution(*given) for given in CONVOLUTIONS] + [
    jsnn.AveragePool2D(shape, window, stride) for shape, window, stride in POOLS
]
PLAIN, FRAMED, GROUPED, POOL = ALL[0], ALL[1], ALL[5], ALL[7]
NAMES = ["convolution", "groups", "pool"]

deliver = jax.jit(lambda connectivity, spikes: connectivity.deliver(spikes))
in_batches = jax.jit(jax.vmap(deliver, (None, 0)))
deliver_events = jax.jit(lambda connectivity, spikes: connectivity.deliver_events(spikes))


@pytest.mark.parametrize("connectivity", ALL, ids=lambda c: f"{type(c).__name__}{c.image_shape}")
def test_sums_are_those_of_the_book(connectivity: Any) -> None:
    shown = images(1, connectivity.image_shape, 5)
    expected = np.array([by_the_book(connectivity, image) for image in shown])
    assert expected.any()
    assert connectivity.output_shape == expected.shape[1:]
    assert connectivity.num_post == expected[0].size
    for image, sums in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(deliver(connectivity, image.ravel()), sums.ravel())


@pytest.mark.parametrize("connectivity", [PLAIN, GROUPED, POOL], ids=NAMES)
@pytest.mark.parametrize("size", [3, 20, 70])
def test_no_batch_changes_a_bit(connectivity: Any, size: int) -> None:
    shown = images(2, connectivity.image_shape, size)
    got = in_batches(connectivity, shown.reshape(size, -1))
    expected = [by_the_book(connectivity, image).ravel() for image in shown]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("connectivity", [PLAIN, GROUPED], ids=NAMES[:2])
def test_by_events_the_sums_are_the_same_bit_for_bit(connectivity: Any) -> None:
    shown = images(3, connectivity.image_shape, 70)
    expected = np.array([by_the_book(connectivity, image).ravel() for image in shown])
    rows = shown.reshape(70, -1)
    np.testing.assert_array_equal(deliver_events(connectivity, rows[0]), expected[0])
    got = jax.vmap(deliver_events, (None, 0))(connectivity, rows)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("connectivity", [PLAIN, GROUPED], ids=NAMES[:2])
def test_all_steps_of_a_run_are_as_step_by_step(connectivity: Any) -> None:
    shown = images(4, connectivity.image_shape, 9)
    got = jax.jit(connectivity.deliver_over_time, static_argnums=1)(shown.reshape(9, -1) > 0, 2)
    expected = [by_the_book(connectivity, image).ravel() for image in shown[:7]]
    np.testing.assert_array_equal(got, [*np.zeros((2, connectivity.num_post)), *expected])


def test_the_book_is_a_correlation() -> None:
    image, weights = images(2, (9, 8, 1)), kernel(2, 3, 4, 1, 1)
    got = reference.convolution(image, weights, (1, 1), "VALID")[:, :, 0]
    expected = scipy.signal.correlate2d(image[:, :, 0], weights[:, :, 0, 0], "valid")
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("padding", "stride", "groups"),
    [
        ("SAME", 1, 1),
        ("SAME", (2, 3), 1),
        ("VALID", (2, 3), 1),
        (((1, 2), (0, 3)), (2, 2), 1),
        ("SAME", (2, 1), 2),
    ],
)
def test_frame_and_groups_are_those_of_lax(padding: Any, stride: Any, groups: int) -> None:
    image, weights = images(3, (10, 11, 2)), kernel(3, 4, 3, 2 // groups, 6)
    convolution = jsnn.Conv2D(weights, (10, 11, 2), stride, padding, groups=groups)
    got = deliver(convolution, image.ravel())
    steps = (stride, stride) if isinstance(stride, int) else stride
    axes = ("NHWC", "HWIO", "NHWC")
    lax = jax.lax.conv_general_dilated(
        image[None], weights, steps, padding, dimension_numbers=axes, feature_group_count=groups
    )
    np.testing.assert_allclose(got, np.ravel(lax), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("given", CONVOLUTIONS)
def test_stored_synapses_deliver_the_same_sums(given: Any) -> None:
    connectivity = convolution(*given)
    stored = connectivity.stored()
    assert stored.order is None
    spikes = images(6, connectivity.image_shape, 3).reshape(3, -1)
    for row in spikes:
        expected = by_the_book(connectivity, row.reshape(connectivity.image_shape))
        np.testing.assert_array_equal(deliver(stored, row), expected.ravel())


def test_stored_synapses_learn_each_by_itself() -> None:
    shape = (4, 4, 1)
    stored = jsnn.Conv2D(np.full((3, 3, 1, 2), 0.2, F32), shape, padding="SAME").stored()
    network = jsnn.Network(
        [jsnn.Population("a", 16, jsnn.SPIKE_SOURCE), jsnn.Population("b", 32, jsnn.IF)],
        [jsnn.Projection("a", "b", stored, plasticity=jsnn.Plasticity(jsnn.STDP))],
    )
    drive = {"a": np.eye(16, dtype=F32)[5], "b": np.full(32, 2, F32)}
    state, _ = jsnn.simulate(network, drive, 4)
    learnt = np.asarray(state.projections["a_to_b"].plasticity.synapses["weight"])
    changed = learnt != np.asarray(stored.weights)
    assert changed.any()
    np.testing.assert_array_equal(changed, np.asarray(stored.pre) == 5)


def test_the_kernel_of_stored_synapses_can_be_traced() -> None:
    shape, spikes = (7, 6, 2), images(4, (7, 6, 2)).ravel()
    weights = kernel(4, 3, 3, 2, 5)
    of_kernel = jax.jit(lambda kernel: jsnn.Conv2D(kernel, shape).stored().deliver(spikes))
    np.testing.assert_array_equal(of_kernel(weights), deliver(jsnn.Conv2D(weights, shape), spikes))


def test_kernels_in_a_batch() -> None:
    shape, kernels = (7, 6, 2), kernel(4, 3, 3, 3, 2, 5)
    spikes = images(4, shape).ravel()
    got = jax.jit(jax.vmap(lambda k: jsnn.Conv2D(k, shape).deliver(spikes)))(kernels)
    expected = [deliver(jsnn.Conv2D(k, shape), spikes) for k in kernels]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("connectivity", [FRAMED, GROUPED, POOL], ids=NAMES)
def test_derivatives_are_those_of_the_equivalent_matrix(connectivity: Any) -> None:
    @jax.jit
    def by_kernel_and_spikes(connectivity: Any, spikes: jax.Array) -> Any:
        return jax.grad(weighted, argnums=(0, 1))(connectivity, spikes)

    def weighted(connectivity: Any, spikes: jax.Array) -> jax.Array:
        return jnp.vdot(connectivity.deliver(spikes), jnp.arange(connectivity.num_post, dtype=F32))

    one_neuron_each = np.eye(connectivity.num_pre, dtype=F32)
    matrix = np.asarray(in_batches(connectivity, one_neuron_each))
    spikes = images(5, connectivity.image_shape).ravel()
    by_kernel, by_spikes = by_kernel_and_spikes(connectivity, spikes)
    np.testing.assert_allclose(by_spikes, matrix @ np.arange(connectivity.num_post), rtol=1e-4)
    for leaf, given in zip(jax.tree.leaves(by_kernel), jax.tree.leaves(connectivity), strict=True):
        # Sums are linear in the kernel: the derivative along the kernel is the sum itself.
        np.testing.assert_allclose(jnp.vdot(leaf, given), weighted(connectivity, spikes), rtol=1e-4)
