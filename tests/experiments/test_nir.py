import nir
import numpy as np
import pytest

import jsnn
from experiments.nir import conformance, run
from experiments.nir.trained import DT, graph


def test_without_a_reference_and_without_torch_nothing_is_measured(capsys) -> None:
    assert run.main(run.Config()) == {}
    assert "not measured: give --reference" in capsys.readouterr().out


def test_a_folder_without_the_graphs_is_an_error(tmp_path) -> None:
    with pytest.raises(ValueError, match="holds no lif_norse"):
        run.main(run.Config(reference=tmp_path))


def test_a_trace_is_compared_bin_by_bin() -> None:
    v, trace = np.array([0.0, 0.5, 0.0]), np.array([0.0, 0.25, 0.5])
    row = conformance.compared("exact", "b", v, np.array([0, 0, 1]), trace, np.array([0, 1, 1]))
    assert row["largest distance of V"] == 0.5
    assert row["bins with another spike"] == 1


def test_a_graph_is_run_and_written_twice(tmp_path) -> None:
    nir.write(tmp_path / "a.nir", graph(0))
    row = conformance.loaded(tmp_path / "a.nir", DT, "euler")
    assert row["written again as before"]
    assert row["populations"] == 4
    written = jsnn.nir.write(jsnn.nir.read(graph(1), DT)).graph
    assert not conformance.equal(written, jsnn.nir.write(jsnn.nir.read(graph(0), DT)).graph)
