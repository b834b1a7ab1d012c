"""The C++ kernels are safe for any bytes: they stay inside their arrays, and say what is wrong.

`nox -s sanitize` runs these tests with sanitizers, which see reads and writes outside.
"""

from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jsnn._kernels import native
from jsnn._kernels.delivery import List, Route
from tests.networks import F32
from tests.reference import sequential_sum

pytestmark = pytest.mark.skipif(
    not native.available(), reason="without a C++ compiler there are no kernels"
)

INT32 = np.iinfo(np.int32)
EDGES = [0, 1, -1, 2, -2, INT32.max, INT32.min, INT32.max - 1, 2**30, -(2**30)]


def any_integers(random: np.random.Generator, size: int, near: int) -> np.ndarray:
    """int32 [size]: in range, just outside of it, at the edges of int32, or anything."""
    kinds = [
        random.integers(0, max(near, 1), size),
        random.integers(-near - 2, 2 * near + 3, size),
        random.choice(EDGES, size),
        random.integers(INT32.min, INT32.max, size, endpoint=True),
    ]
    return np.choose(random.integers(0, 4, size), kinds).astype(np.int32)


def any_floats(random: np.random.Generator, size: int) -> np.ndarray:
    values = random.normal(size=size).astype(F32)
    special = np.array([0.0, -0.0, 1e-30, 1e30, 1.0], F32)
    return np.where(random.random(size) < 0.5, values, random.choice(special, size))


DEPTH = 3
"""Rows of a ring of sums."""


def delivery(num_pre: int, num_post: int, delay: int, rows: int) -> Route:
    """Return the route of one list of synapses into one ring, of `DEPTH` rows."""
    return Route((List(0, 0, num_pre, 0, delay, rows),), ((0, 0),), (num_post,))


@pytest.mark.parametrize("seed", range(12))
def test_sums_over_synapses_of_any_numbers(seed: int) -> None:
    """Synapses that do not exist are not visited; slots that do not exist get nothing."""
    random = np.random.default_rng(seed)
    pre, synapses, post = ((3, 17, 5), (40, 9, 1), (1, 64, 100))[seed % 3]
    for _ in range(20):
        starts = any_integers(random, pre + 1, synapses)
        if random.random() < 0.3:
            starts.sort()
        delay, rows = (int(x) for x in random.integers(1, DEPTH + 1, 2))
        step = any_integers(random, 1, 9)[0]
        slots, weights = any_integers(random, synapses, rows * post), any_floats(random, synapses)
        spikes = any_floats(random, pre)
        ring = any_floats(random, DEPTH * post).reshape(DEPTH, post)
        expected = ring.copy()
        for neuron in np.flatnonzero(spikes):
            for k in range(max(starts[neuron], 0), min(starts[neuron + 1], synapses)):
                if 0 <= slots[k] < rows * post:
                    row, target = divmod(int(slots[k]), post)
                    expected[(int(step) + delay + row) % DEPTH, target] += weights[k]
        operands = map(jnp.asarray, (step, spikes, starts, slots, weights, ring))
        filled, sums = native.deliver(*operands, route=delivery(pre, post, delay, rows))
        row = (int(step) + 1) % DEPTH
        np.testing.assert_array_equal(sums, expected[row])
        expected[row] = 0
        np.testing.assert_array_equal(filled, expected)


@pytest.mark.parametrize("seed", range(4))
def test_visits_to_synapses_of_any_numbers(seed: int) -> None:
    """Each round lists synapses that exist; all rounds list those of the neurons that spiked."""
    random = np.random.default_rng(seed)
    sizes, num = (7, 5), (150, 40, 1, 90)[seed]
    sides, expected = [], []
    for own, other in (sizes, sizes[::-1]):
        starts = any_integers(random, own + 1, num)
        order, others = any_integers(random, num, num), any_integers(random, num, other)
        spikes = any_floats(random, own)
        sides.append([jnp.asarray(x[None]) for x in (spikes, starts, order, others)])
        expected.append(
            [
                (min(max(order[k], 0), num - 1), neuron, min(max(others[k], 0), other - 1))
                for neuron in np.flatnonzero(spikes)
                for k in range(max(starts[neuron], 0), min(starts[neuron + 1], num))
            ]
        )
    layouts = [(other, 0, 0, INT32.max) for other in sizes[::-1]]
    progress, found, rounds = jnp.zeros(9, np.int32), ([], []), 0
    while not rounds or progress[8]:
        progress, visits = native.visits(progress, sides, (), 1, layouts, (64, 64))
        for listed, side, count in zip(found, visits, (progress[3], progress[7]), strict=True):
            columns = np.stack([side.which, side.own, side.other], axis=1)
            assert not columns[count:].any()
            listed += map(tuple, columns[:count].tolist())
        rounds += 1
        assert rounds < 100
    assert found == tuple(expected)


def test_rows_of_any_numbers_are_those_of_single_calls() -> None:
    random = np.random.default_rng(1)
    rows, pre, synapses, post = 6, 9, 30, 11
    operands = [
        any_integers(random, rows, 9),
        any_floats(random, rows * pre).reshape(rows, pre),
        any_integers(random, rows * (pre + 1), synapses).reshape(rows, pre + 1),
        any_integers(random, rows * synapses, 2 * post).reshape(rows, synapses),
        any_floats(random, rows * synapses).reshape(rows, synapses),
        any_floats(random, rows * DEPTH * post).reshape(rows, DEPTH, post),
    ]
    route = delivery(pre, post, 1, 2)
    for shared in (None, 0, 1, 2, 3, 4):
        given = [x[0] if i == shared else x for i, x in enumerate(operands)]
        together = native.deliver(*map(jnp.asarray, given), route=route)
        for row in range(rows):
            own = [jnp.asarray(x if i == shared else x[row]) for i, x in enumerate(given)]
            for got, expected in zip(together, native.deliver(*own, route=route), strict=True):
                np.testing.assert_array_equal(got[row], expected)


@pytest.mark.parametrize("pre", [1, 7, 64, 130])
def test_bools_of_any_bytes_count_by_their_lowest_bit(pre: int) -> None:
    random = np.random.default_rng(pre)
    count = 5 * 3 * pre
    spikes = random.integers(0, 256, count, np.uint8).reshape(5, 3, pre)
    weights = random.normal(size=(pre, 4)).astype(F32)
    sums = native.product_over_time(jnp.asarray(spikes.view(bool)), jnp.asarray(weights), delay=0)
    expected = [[sequential_sum(row.astype(F32) % 2, weights) for row in step] for step in spikes]
    np.testing.assert_array_equal(sums, expected)
    index = random.integers(0, pre, (2, 7)).astype(np.int32)
    weights = random.normal(size=(7, 4)).astype(F32)
    trains = spikes[:, 0]
    sums = native.train_product(
        jnp.asarray(trains.view(bool)), jnp.asarray(index), jnp.asarray(weights)
    )
    expected = [[sequential_sum(t[row].astype(F32) % 2, weights) for row in index] for t in trains]
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize("outside", [-1, 5, INT32.max, INT32.min])
@pytest.mark.parametrize("row", [0, 30])
def test_a_train_that_is_not_in_the_table_is_an_error(outside: int, row: int) -> None:
    """Also if another thread meets it."""
    index = np.zeros((40, 6), np.int32)
    index[row, 3] = outside
    trains, weights = jnp.ones((9, 5), bool), jnp.ones((6, 4))
    with pytest.raises(Exception, match=rf"index: given {outside}; expected 0 to 4"):
        jax.block_until_ready(native.train_product(trains, jnp.asarray(index), weights))
    index[row, 3] = 4
    native.train_product(trains, jnp.asarray(index), weights).block_until_ready()


def test_a_run_of_bits_of_any_value_is_found_again() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 300, np.uint32)  # NaN of many kinds too
    bits[::3] = bits[0]
    values = bits.view(F32)
    table, count, index = native.distinct(jnp.asarray(values), 300)
    assert count == len(np.unique(bits))
    np.testing.assert_array_equal(np.asarray(table).view(np.uint32)[np.asarray(index)], bits)


def result(*shape: int, dtype: Any = F32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, F32)


def ints(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.int32)


def bools(*shape: int) -> np.ndarray:
    return np.ones(shape, bool)


HALF, BRAIN, SHORT = np.float16, ml_dtypes.bfloat16, np.int16
ONE, FEW = {"block": np.int64(1)}, {"delay": np.int64(0)}
EVENTS = (floats(2, 3), floats(3, 4))
OVER_TIME = (bools(5, 2, 3), floats(3, 4))
TRAINS = (bools(5, 6), ints(2, 3), floats(3, 4))
LIST = (ints(), floats(3), ints(4), ints(7), floats(7), floats(2, 5))
FILLED = (result(2, 5), result(5))


def ways(**changes: int) -> dict[str, Any]:
    """Return the attributes of a delivery from 3 neurons to 5 through one list."""
    of_list = {"source": 0, "first": 0, "pre": 3, "ring": 0, "delay": 1, "rows": 1} | changes
    rings = {"row": 0, "at": 0} | {k: of_list.pop(k) for k in ("row", "at") if k in of_list}
    return {
        "num_sources": np.int64(1),
        "lists": np.array(list(of_list.values())),
        "rings": np.array(list(rings.values())),
    }


COUNT, INDEX = result(dtype=np.int32), result(9, dtype=np.int32)

MISFITS: dict[str, tuple[str, tuple[np.ndarray, ...], Any, dict[str, Any], str]] = {
    "half weights": (
        *("event_product", (EVENTS[0], EVENTS[1].astype(HALF)), result(2, 4, dtype=HALF), ONE),
        r"weights: given F16\[3, 4\]; expected F32 or F64",
    ),
    "bfloat16": (
        *("event_product", tuple(x.astype(BRAIN) for x in EVENTS), result(2, 4, dtype=BRAIN), ONE),
        r"weights: given BF16\[3, 4\]; expected F32 or F64",
    ),
    "integers": (
        *("event_product", tuple(x.astype(np.int32) for x in EVENTS), result(2, 4), ONE),
        r"weights: given S32\[3, 4\]",
    ),
    "complex": (
        *("event_product", (EVENTS[0], EVENTS[1].astype(np.complex64)), result(2, 4), ONE),
        r"weights: given C64\[3, 4\]",
    ),
    "spikes of another dtype": (
        *("event_product", (bools(2, 3), EVENTS[1]), result(2, 4), ONE),
        r"spikes: given PRED\[2, 3\]; expected F32\[2, 3\]",
    ),
    "sums of another dtype": (
        *("event_product", EVENTS, result(2, 4, dtype=np.int32), ONE),
        r"sums: given S32\[2, 4\]; expected F32\[2, 4\]",
    ),
    "more neurons than weights": (
        *("event_product", (floats(2, 30), EVENTS[1]), result(2, 4), ONE),
        r"spikes: given F32\[2, 30\]; expected F32\[2, 3\]",
    ),
    "sums of fewer rows": (
        *("event_product", EVENTS, result(1, 4), ONE),
        r"sums: given F32\[1, 4\]; expected F32\[2, 4\]",
    ),
    "one axis": (
        *("event_product", (floats(3), EVENTS[1]), result(2, 4), ONE),
        r"spikes: given F32\[3\]; expected 2 axes",
    ),
    "no axis": (
        *("event_product", (EVENTS[0], floats()), result(2, 4), ONE),
        r"weights: given F32\[\]; expected 2 axes",
    ),
    "a block of 0": (
        *("event_product", EVENTS, result(2, 4), {"block": np.int64(0)}),
        r"block: given 0; expected >= 1",
    ),
    "a negative delay": (
        *("product_over_time", OVER_TIME, result(5, 2, 4), {"delay": np.int64(-1)}),
        r"delay: given -1; expected >= 0",
    ),
    "a negative delay of outer products": (
        *("spike_outer", (bools(5, 2, 3), floats(5, 2, 4)), result(3, 4), {"delay": np.int64(-1)}),
        r"delay: given -1; expected >= 0",
    ),
    "numbers of fewer rows": (
        *("spike_outer", (bools(5, 2, 3), floats(5, 1, 4)), result(3, 4), FEW),
        r"numbers: given F32\[5, 1, 4\]; expected F32\[5, 2, 4\]",
    ),
    "outer products of other neurons": (
        *("spike_outer", (bools(5, 2, 3), floats(5, 2, 4)), result(2, 4), FEW),
        r"sums: given F32\[2, 4\]; expected F32\[3, 4\]",
    ),
    "float spikes over time": (
        *("product_over_time", (floats(5, 2, 3), OVER_TIME[1]), result(5, 2, 4), FEW),
        r"spikes: given F32\[5, 2, 3\]; expected PRED\[5, 2, 3\]",
    ),
    "spikes of one row": (
        *("product_over_time", (bools(5, 3), OVER_TIME[1]), result(5, 2, 4), FEW),
        r"spikes: given PRED\[5, 3\]; expected 3 axes",
    ),
    "float trains": (
        *("train_product", (floats(5, 6), *TRAINS[1:]), result(5, 2, 4), {}),
        r"trains: given F32\[5, 6\]; expected PRED\[5, 6\]",
    ),
    "short indices of trains": (
        *("train_product", (TRAINS[0], ints(2, 3).astype(SHORT), TRAINS[2]), result(5, 2, 4), {}),
        r"index: given S16\[2, 3\]; expected S32\[2, 3\]",
    ),
    "indices of other neurons": (
        *("train_product", (TRAINS[0], ints(2, 8), TRAINS[2]), result(5, 2, 4), {}),
        r"index: given S32\[2, 8\]; expected S32\[2, 3\]",
    ),
    "sums of other steps": (
        *("train_product", TRAINS, result(4, 2, 4), {}),
        r"sums: given F32\[4, 2, 4\]; expected F32\[5, 2, 4\]",
    ),
    "one start too few": (
        *("deliver", (*LIST[:2], ints(3), *LIST[3:]), FILLED, ways()),
        r"starts: given S32\[3\]; expected S32\[4\]",
    ),
    "fewer slots than weights": (
        *("deliver", (*LIST[:3], ints(6), *LIST[4:]), FILLED, ways()),
        r"weights: given F32\[7\]; expected F32\[6\]",
    ),
    "rows of a single delivery": (
        *("deliver", (LIST[0], floats(2, 3), *LIST[2:]), FILLED, ways()),
        r"spikes: given F32\[2, 3\]; expected F32\[1, 3\]",
    ),
    "rows that do not match": (
        *("deliver", (LIST[0], floats(2, 3), *LIST[2:5], floats(3, 2, 5))),
        *((result(3, 2, 5), result(3, 5)), ways()),
        r"spikes: given F32\[2, 3\]; expected F32\[3, 3\]",
    ),
    "float slots": (
        *("deliver", (*LIST[:3], floats(7), *LIST[4:]), FILLED, ways()),
        r"slots: given F32\[7\]; expected S32\[7\]",
    ),
    "a ring of another depth": (
        *("deliver", (*LIST[:5], floats(3, 5)), FILLED, ways()),
        r"ring: given F32\[3, 5\]; expected F32\[2, 5\]",
    ),
    "a step that is a float": (
        *("deliver", (floats(), *LIST[1:]), FILLED, ways()),
        r"step: given F32\[\]; expected S32\[\]",
    ),
    "more neurons than spikes": (
        *("deliver", LIST, FILLED, ways(first=1)),
        r"pre: given 3; expected 0 to 2",
    ),
    "a ring that is not there": (
        *("deliver", LIST, FILLED, ways(ring=1)),
        r"ring: given 1; expected 0 to 0",
    ),
    "slots beyond the ring": (
        *("deliver", LIST, FILLED, ways(rows=3)),
        r"rows: given 3; expected 0 to 2",
    ),
    "sums beyond their array": (
        *("deliver", LIST, FILLED, ways(at=1)),
        r"size: given 5; expected 0 to 4",
    ),
    "an operand too few": (
        *("deliver", LIST[:-1], FILLED, ways()),
        r"operands: given 5; expected 6",
    ),
    "an index of another size": (
        *("distinct", (floats(8),), (result(4), COUNT, INDEX), {}),
        r"index: given S32\[9\]; expected as many S32 as there are values, 8",
    ),
    "distinct integers": (
        *("distinct", (ints(9),), (result(4, dtype=np.int32), COUNT, INDEX), {}),
        r"values: given S32\[9\]; expected F32 or F64",
    ),
    "several counts": (
        *("distinct", (floats(9),), (result(4), result(2, dtype=np.int32), INDEX), {}),
        r"count: given S32\[2\]; expected S32\[\]",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_operands_that_do_not_fit_are_named(name: str) -> None:
    kernel, operands, results, attributes, message = MISFITS[name]
    call = jax.ffi.ffi_call(f"jsnn_{kernel}", results)
    with pytest.raises(Exception, match=message):
        jax.block_until_ready(call(*map(jnp.asarray, operands), **attributes))


def test_float64_and_float32_do_not_mix() -> None:
    with jax.enable_x64(True):
        call = jax.ffi.ffi_call("jsnn_event_product", result(2, 4, dtype=np.float64))
        with pytest.raises(Exception, match=r"spikes: given F32\[2, 3\]; expected F64\[2, 3\]"):
            jax.block_until_ready(call(EVENTS[0], EVENTS[1].astype(float), **ONE))


SIZES = [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)]


@pytest.mark.parametrize(("rows", "pre", "post"), SIZES)
def test_nothing_makes_nothing(rows: int, pre: int, post: int) -> None:
    zeros = np.zeros((rows, post))
    spikes, weights = jnp.ones((rows, pre)), jnp.ones((pre, post))
    np.testing.assert_array_equal(native.event_product(spikes, weights, 2), zeros)
    for steps in (0, 3):
        over_time = native.product_over_time(jnp.ones((steps, rows, pre), bool), weights, 1)
        assert over_time.shape == (steps, rows, post)
        assert not over_time.any()
        numbers = jnp.ones((steps, rows, post))
        outer = native.spike_outer(jnp.zeros((steps, rows, pre), bool), numbers, 1)
        assert outer.shape == (pre, post)
        assert not outer.any()
        trains = native.train_product(jnp.zeros((steps, 1), bool), ints(rows, pre), weights)
        assert trains.shape == (steps, rows, post)
        assert not trains.any()
    for capacity in (0, 2):
        _, count, index = native.distinct(jnp.ones((rows, pre)), capacity)
        assert count == min(rows * pre, 1)
        assert index.shape == (rows, pre)


WITHOUT_MEMORY = """
import resource
import jax, jax.numpy as jnp
from jsnn._kernels import native
from jsnn._kernels.delivery import List, Route
assert native.available()
pre = 10_000_000
spikes, weights = jnp.zeros((30, 1, pre), bool), jnp.zeros((pre, 1))
run = jax.jit(native.product_over_time, static_argnums=2).lower(spikes, weights, 0).compile()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, resource.RLIM_INFINITY))
try:
    run(spikes, weights).block_until_ready()
except jax.errors.JaxRuntimeError as error:
    print(str(error).splitlines()[0])
"""


def test_a_kernel_without_memory_is_an_error_and_not_the_end(run_python) -> None:
    """Its list of events has no room, in the caller's thread and in those of the pool."""
    assert run_python(WITHOUT_MEMORY) == "RESOURCE_EXHAUSTED: product_over_time: out of memory"


def test_a_list_without_synapses_sends_nothing() -> None:
    operands = (jnp.int32(4), jnp.ones(3), ints(4), ints(0), floats(0), floats(DEPTH, 5))
    filled, sums = native.deliver(*map(jnp.asarray, operands), route=delivery(3, 5, 1, 1))
    np.testing.assert_array_equal(filled, np.array([[1], [1], [0]]) * floats(1, 5))
    np.testing.assert_array_equal(sums, np.ones(5))
