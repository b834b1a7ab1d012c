"""Reading of files, of their faults, and of what cannot be read."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import jax
import nir
import numpy as np
import pytest

import jsnn
from jsnn.nir.flat import flat
from jsnn.nir.nodes import load
from jsnn.nir.report import Report
from jsnn.nir.shapes import shapes_of
from tests.nir.graphs import DT

RANDOM = np.random.default_rng(0)


def lif(*shape: int, **fields: Any) -> nir.LIF:
    given = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | fields
    return nir.LIF(**{key: np.full(shape, value) for key, value in given.items()})


def graph(nodes: dict[str, Any], *edges: tuple[str, str]) -> nir.NIRGraph:
    return nir.NIRGraph(nodes, list(edges), type_check=False)


def input_of(*shape: int) -> nir.Input:
    return nir.Input({"input": np.array(shape)})


def output_of(*shape: int) -> nir.Output:
    return nir.Output({"output": np.array(shape)})


def affine(post: int, pre: int) -> nir.Affine:
    return nir.Affine(RANDOM.normal(size=(post, pre)), RANDOM.normal(size=post))


def conv(pre: int, post: int, *kernel: int, **fields: Any) -> nir.Conv2d:
    given = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1} | fields
    weight = RANDOM.normal(size=(post, pre, *kernel))
    return nir.Conv2d(given.pop("image", None), weight, bias=np.zeros(post), **given)


def chain(*nodes: Any) -> nir.NIRGraph:
    names = [f"n{i}" for i in range(len(nodes))]
    edges = list(pairwise(names))
    return graph(dict(zip(names, nodes, strict=True)), *edges)


def shapes(given: nir.NIRGraph) -> tuple[dict[str, Any], Report]:
    report = Report()
    return shapes_of(flat(load(given), report), report), report


def test_a_recurrent_graph_with_a_nested_one_is_read() -> None:
    inner = graph(
        {"input": input_of(3), "lif": lif(3), "w_rec": affine(3, 3), "output": output_of(3)},
        *(("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")),
    )
    outer = {"in": input_of(2), "fc": affine(3, 2), "rnn": inner, "out": output_of(3)}
    reading = jsnn.nir.read(graph(outer, ("in", "fc"), ("fc", "rnn"), ("rnn", "out")), DT)
    assert dict(reading.inputs) == {"in": (2,)}
    assert dict(reading.outputs) == {"out": "rnn.lif"}
    assert reading.one_step == (("rnn.lif", "rnn.w_rec"),)
    assert [(p.name, p.delay) for p in reading.network.projections] == [("fc", 0), ("rnn.w_rec", 1)]
    assert "rnn.lif -> rnn.w_rec" in repr(reading)


def test_signals_that_reach_a_node_past_and_through_a_nested_graph_add_up() -> None:
    inner = graph({"input": input_of(2), "output": output_of(2)}, ("input", "output"))
    nodes = {"in": input_of(2), "g": inner, "i": nir.I(np.array([1.0, 2.0])), "out": output_of(2)}
    given = graph(nodes, ("in", "g"), ("g", "i"), ("in", "i"), ("i", "out"))
    reading = jsnn.nir.read(given, dt=1000.0)
    drive = reading.drive(np.array([[1.0, 1.0], [3.0, 0.0]]))
    _, found = jsnn.simulate(reading.network, drive, 2, record=reading.record)
    np.testing.assert_allclose(found["out"], [[2, 4], [8, 4]])


def test_a_delay_that_rounds_to_nothing_closes_a_cycle() -> None:
    nodes = {"in": input_of(2), "l": lif(2), "d": nir.Delay(np.full(2, 1e-9)), "o": output_of(2)}
    reading = jsnn.nir.read(graph(nodes, ("in", "l"), ("l", "d"), ("d", "l"), ("l", "o")), DT)
    assert reading.one_step == (("l", "d"),)
    assert [p.delay for p in reading.network.projections] == [0, 1]


def test_a_layer_of_one_neuron_needs_no_input() -> None:
    assert dict(jsnn.nir.read(lif(1), DT).inputs) == {"input": (1,)}


@pytest.mark.parametrize(
    ("edges", "one_step"),
    [
        ([("l", "w"), ("w", "l"), ("w", "p")], (("w", "l"),)),
        ([("l", "w"), ("w", "l"), ("j", "w")], (("j", "w"), ("l", "w"))),
        ([("l", "w"), ("w", "w"), ("w", "p")], (("w", "w"),)),
    ],
)
def test_edges_that_take_a_step_are_edges_of_the_graph(edges: Any, one_step: Any) -> None:
    nodes = {"in": input_of(2), "j": input_of(2), "l": lif(2), "w": affine(2, 2)}
    ends = {"o": output_of(2), "p": output_of(2)} if ("w", "p") in edges else {"o": output_of(2)}
    given = graph(nodes | ends, ("in", "l"), ("l", "o"), *edges)
    assert jsnn.nir.read(given, DT).one_step == one_step


def test_a_network_that_was_read_is_saved_and_loaded(tmp_path) -> None:
    network = jsnn.nir.read(chain(input_of(2), affine(3, 2), lif(3)), DT).network
    jsnn.save(tmp_path / "network.npz", network)
    loaded, _ = jsnn.load(tmp_path / "network.npz")
    assert jax.tree.structure(loaded) == jax.tree.structure(network)


def test_an_old_file_has_no_v_reset(tmp_path) -> None:
    nir.write(tmp_path / "new.nir", chain(input_of(2), lif(2, v_reset=-0.5), output_of(2)))
    with h5py.File(tmp_path / "new.nir", "a") as file:
        del file["node/nodes/n1/v_reset"]
    reading = jsnn.nir.read(tmp_path / "new.nir", DT)
    assert float(reading.network.population("n1").params["v_reset"]) == 0
    assert "'n1': no field 'v_reset'" in reading.notes[0]


def test_an_edge_to_no_node_is_left_out() -> None:
    given = graph({"a": input_of(2), "b": lif(2)}, ("a", "b"), ("b", "gone"))
    assert jsnn.nir.read(given, DT).notes[0] == (
        "edge 'b' -> 'gone': left out, as there is no node 'gone'"
    )


def test_an_end_that_edges_name_and_no_node_is_there() -> None:
    given = graph(
        {"fc": affine(3, 2), "lif": lif(3), "w": affine(3, 3)},
        *(("input", "fc"), ("fc", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")),
    )
    reading = jsnn.nir.read(given, DT)
    assert dict(reading.inputs) == {"input": (2,)}
    assert dict(reading.outputs) == {"output": "lif"}


def test_an_edge_from_no_node_is_an_error_unless_losses_are_allowed() -> None:
    given = graph({"a": input_of(2), "b": lif(2)}, ("a", "b"), ("gone", "b"))
    with pytest.raises(ValueError, match="'gone' -> 'b': there is no node 'gone'"):
        jsnn.nir.read(given, DT)
    assert len(jsnn.nir.read(given, DT, strict=False).lost) == 1


def test_one_number_stands_for_all_neurons_as_snntorch_exports_it() -> None:
    found, report = shapes(chain(input_of(2), affine(5, 2), lif(), output_of(5)))
    assert found["n2"] == ((5,), (5,))
    assert report.notes == ["node 'n2': one number in each field, taken for all 5 neurons"]


def test_shapes_that_nir_infers_wrongly_are_set_right() -> None:
    uneven = conv(2, 3, 3, 5, image=(8, 9))
    assert tuple(uneven.output_type["output"]) == (3, 6, 7)  # nir 1.0.8 takes it for square
    given = chain(input_of(2, 8, 9), uneven, nir.Output(uneven.output_type))
    found, report = shapes(given)
    assert found["n1"][1] == found["n2"][1] == (3, 6, 5)
    assert "states (3, 6, 7)" in report.notes[0]

    grouped = conv(1, 4, 3, 3, image=(8, 8), groups=2)
    assert tuple(grouped.input_type["input"]) == (1, 8, 8)  # it forgets the groups
    found, report = shapes(chain(nir.Input(grouped.input_type), grouped))
    assert found["n0"][1] == (2, 8, 8)
    assert any("states (1, 8, 8), but 'n1' takes (2, 8, 8)" in note for note in report.notes)


def test_missing_shapes_follow_from_the_signal() -> None:
    nodes = (
        *(input_of(2, 9, 7), conv(2, 4, 3, 3, padding=1), lif()),
        *(nir.AvgPool2d(2, 2, (0, 0)), nir.Flatten(None, 0, -1), affine(3, 48)),
    )
    found, _ = shapes(chain(*nodes))
    assert [found[f"n{i}"][1] for i in range(6)] == [
        *((2, 9, 7), (4, 9, 7), (4, 9, 7), (4, 4, 3), (48,), (3,))
    ]


def test_an_input_without_a_shape_has_that_of_what_follows() -> None:
    found, _ = shapes(chain(nir.Input({"input": None}), affine(5, 2)))
    assert found["n0"] == ((2,), (2,))


def test_a_drive_has_the_shape_of_nir() -> None:
    reading = jsnn.nir.read(chain(input_of(2, 3), lif(2, 3)), DT)
    signal = RANDOM.random((4, 2, 3))
    (drive,) = reading.drive(signal).values()
    np.testing.assert_array_equal(drive.values, signal.reshape(4, 6).astype(np.float32))
    for bad, message in (
        (signal[0], r"given shape \(2, 3\); expected \[T, 2, 3\]"),
        ({"n5": signal}, "unknown Input 'n5'"),
        ({}, "signals: given none for 'n0'"),
    ):
        with pytest.raises(ValueError, match=message):
            reading.drive(bad)


GOOD = chain(input_of(2), lif(2), output_of(2))


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        (GOOD, {}, TypeError, "dt: not given; expected the length of a step in ms"),
        (GOOD, {"dt": 0}, ValueError, "dt: given 0.0; expected a time in ms > 0"),
        (GOOD, {"dt": 11}, ValueError, "node 'n1', field 'tau': given 0.01 s with dt = 11 ms"),
        (GOOD, {"dt": 1, "integration": "Euler"}, ValueError, "did you mean 'euler'"),
        (GOOD, {"dt": 1, "strict": None}, TypeError, "strict: given None"),
        (17, {"dt": 1}, TypeError, "given int; expected the path of a NIR file"),
        ("none.nir", {"dt": 1}, FileNotFoundError, "none.nir; expected a file that exists"),
        (__file__, {"dt": 1}, ValueError, "not HDF5; expected a NIR file"),
        (
            chain(input_of(2), nir.IF(*np.ones((3, 2)))),
            {"dt": 1, "integration": "rockpool"},
            ValueError,
            "node 'n1': of type IF, for which 'rockpool' has no convention; expected one of LIF",
        ),
        (
            chain(input_of(2), lif(3)),
            {"dt": 1},
            ValueError,
            r"'n0' sends a signal of shape \(2,\); 'n1' expects \(3,\)",
        ),
        (
            chain(input_of(2), nir.Linear(np.full((3, 2), np.nan))),
            {"dt": 1},
            ValueError,
            "node 'n1', field 'weight': 6 of 6 values are NaN",
        ),
        (
            chain(input_of(2), nir.Delay(np.full(2, 1.5e-3)), lif(2)),
            {"dt": 1},
            ValueError,
            "node 'n1', field 'delay': 0.0015 s is no whole number of steps of 1 ms",
        ),
        (
            chain(input_of(2), lif(2, tau=-1.0)),
            {"dt": 1},
            ValueError,
            "node 'n1', field 'tau': given -1 s; expected a time > 0",
        ),
        (
            chain(input_of(1, 4, 4), conv(1, 2, 5, 5)),
            {"dt": 1},
            ValueError,
            r"node 'n1': its window of \(5, 5\) does not fit into a signal of shape \(1, 4, 4\)",
        ),
        (
            chain(input_of(1, 4, 4), conv(2, 2, 3, 3)),
            {"dt": 1},
            ValueError,
            r"node 'n1': a signal of shape \(1, 4, 4\) reaches it; expected \(2, height, width\)",
        ),
        (
            chain(input_of(2), nir.Delay(np.full(2, 1e30)), lif(2)),
            {"dt": 1},
            ValueError,
            r"node 'n1', field 'delay': given 1e\+30 s, 1e\+33 steps of 1 ms; expected at most",
        ),
        (
            chain(input_of(2), nir.Linear(np.full((3, 2), 1e300))),
            {"dt": 1},
            ValueError,
            r"node 'n1', field 'weight': given 1e\+300; expected numbers within float32",
        ),
        (
            chain(input_of(2, 3, 4), nir.Flatten(None, 2, 1)),
            {"dt": 1},
            ValueError,
            "node 'n1': start_dim 2 lies behind end_dim 1",
        ),
        (
            chain(input_of(2, 3, 4), nir.Flatten(None, 0.5)),
            {"dt": 1},
            ValueError,
            "node 'n1', field 'start_dim': given 0.5 .* expected a whole number",
        ),
        (
            chain(input_of(1, 4, 4), nir.SumPool2d(2, 2, "same")),
            {"dt": 1},
            ValueError,
            "node 'n1', field 'padding': given 'same'; expected numbers",
        ),
        (
            graph({"a": input_of(2), "b": "LIF"}, ("a", "b")),
            {"dt": 1},
            ValueError,
            "node 'b': given str; expected a node of `nir`",
        ),
        (
            graph({"a": input_of(2), "b": lif(2)}, ("a", "b", "c")),
            {"dt": 1},
            ValueError,
            r"graph, edges: given \('a', 'b', 'c'\); expected pairs of names",
        ),
        (
            graph({"in": input_of(2), "a": chain(lif(2)), "a.n0": lif(2)}, ("in", "a")),
            {"dt": 1},
            ValueError,
            "node 'a.n0': given in graph 'a' and by this name beside it",
        ),
        (
            graph({"in": input_of(2), "l": lif(2), "w": affine(2, 2)}, ("in", "l"), ("w", "w")),
            {"dt": 1},
            ValueError,
            "node 'w': in a cycle of linear nodes that no other signal reaches",
        ),
    ],
)
def test_bad_input_is_named(given: Any, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        jsnn.nir.read(given, **options)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["weights"] = 1.0
    with pytest.raises(ValueError, match=r"a\.h5: holds 'weights'; expected a group 'node'"):
        jsnn.nir.read(tmp_path / "a.h5", DT)
    nir.write(tmp_path / "b.nir", GOOD)
    with h5py.File(tmp_path / "b.nir", "a") as file:
        del file["node/nodes/n1/type"]
        file["node/nodes/n1/type"] = "Sigmoid"
    with pytest.raises(ValueError, match="node 'n1': of type 'Sigmoid'; expected one of Input"):
        jsnn.nir.read(tmp_path / "b.nir", DT)
    with h5py.File(tmp_path / "b.nir", "a") as file:
        del file["node/nodes/n1/type"], file["node/nodes/n1/tau"]
        file["node/nodes/n1/type"] = "LIF"
    with pytest.raises(ValueError, match="node 'n1', field 'tau': not given"):
        jsnn.nir.read(tmp_path / "b.nir", DT)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("node/edges", np.array([[b"n0", b"n1", b"n2"]] * 2), "graph, edges: given array"),
        ("node/nodes", 3.0, "graph: given no nodes"),
        ("node/nodes/n1/type", np.array([b"LIF"]), "node 'n1': given no type"),
        ("node/nodes/n1/tau", "long", "node 'n1', field 'tau': given 'long'; expected numbers"),
        ("node/nodes/n1/tau", np.zeros(0), r"'tau': given shape \(0,\); expected at least one"),
        ("node/nodes/n0/shape", np.array([2.5]), r"given \[2.5\]; expected whole numbers >= 1"),
    ],
)
def test_a_file_with_another_thing_in_a_place_is_named(
    tmp_path: Path, place: str, value: Any, message: str
) -> None:
    nir.write(tmp_path / "a.nir", GOOD)
    with h5py.File(tmp_path / "a.nir", "a") as file:
        del file[place]
        file[place] = value
    with pytest.raises(ValueError, match=message):
        jsnn.nir.read(tmp_path / "a.nir", DT)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.nir"
    nir.write(path, GOOD)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"a\.nir: damaged \(.*truncated"):
        jsnn.nir.read(path, DT)


def test_a_field_that_nir_does_not_know_is_a_loss(tmp_path: Path) -> None:
    nir.write(tmp_path / "a.nir", GOOD)
    with h5py.File(tmp_path / "a.nir", "a") as file:
        file["node/nodes/n1/refractory"] = 0.002
    with pytest.raises(ValueError, match="node 'n1', field 'refractory': a LIF of NIR has no such"):
        jsnn.nir.read(tmp_path / "a.nir", DT)
    assert len(jsnn.nir.read(tmp_path / "a.nir", DT, strict=False).lost) == 1
