import hypothesis.strategies as st
import nir
import numpy as np
import pytest
from hypothesis import assume, given

import jsnn
from tests.nir import by_the_book
from tests.nir.graphs import DT, graphs, same
from tests.profiles import examples

pytestmark = pytest.mark.filterwarnings("ignore:overflow")


@given(graphs())
@examples(40)
def test_what_was_written_is_read_and_written_as_it_was(tmp_path, graph: nir.NIRGraph) -> None:
    first = jsnn.nir.write(jsnn.nir.read(graph, DT), tmp_path / "a.nir").graph
    second = jsnn.nir.write(jsnn.nir.read(tmp_path / "a.nir", DT)).graph
    assert same(first, second)
    kinds = sorted(type(node).__name__ for node in graph.nodes.values())
    assert {k for k in kinds if k not in ("Scale", "Delay")} <= {
        type(node).__name__ for node in first.nodes.values()
    }


@given(graphs(cyclic=False), st.integers(0, 2**32 - 1))
@examples(6)
def test_a_graph_runs_as_by_the_book(graph: nir.NIRGraph, seed: int) -> None:
    shape = next(n for n in graph.nodes.values() if isinstance(n, nir.Input)).input_type["input"]
    signals = np.random.default_rng(seed).integers(0, 2, (12, *shape)).astype(float)
    expected, nearest = by_the_book.run(graph, signals, DT / 1000)
    assume(nearest > 1e-4)  # nearer ones may round to the other side
    reading = jsnn.nir.read(graph, DT, integration="euler")
    _, found = jsnn.simulate(reading.network, reading.drive(signals), 12, record=reading.record)
    for name, rows in expected.items():
        largest = 1 + np.abs(rows).max()
        np.testing.assert_allclose(
            np.asarray(found[name]).reshape(rows.shape), rows, rtol=0, atol=1e-5 * largest
        )
