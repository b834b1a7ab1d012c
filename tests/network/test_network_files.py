"""Networks and states in files: round trips, and every way in which a file can be wrong."""

import dataclasses
import inspect
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import jsnn
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.conversion.neurons import RELAY, TOTAL, counted
from jsnn.conversion.rearranged import Rearranged
from jsnn.network import connectivity, initializers
from jsnn.network.network_files import FORMAT
from jsnn.network.stored_trees import TreeReader
from jsnn.network.whole_files import read_checked, write_checked
from tests.networks import F32, assert_same
from tests.profiles import chosen_examples
from tests.random_networks import random_case


def assert_the_same_in_all(given: Any, expected: Any) -> None:
    """Check bits, dtypes, names, sizes and models; weak types too, which would recompile."""
    assert jax.tree.structure(given) == jax.tree.structure(expected)
    assert_same(given, expected)
    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(expected), strict=True):
        assert isinstance(a, jax.Array)
        assert jax.typeof(a) == jax.typeof(jnp.asarray(b))


@chosen_examples()
@given(st.integers(0, 2**32 - 1))
@example(1073)  # noise and learning
@pytest.mark.filterwarnings("ignore:.*the readout")
def test_a_run_goes_on_from_a_file_with_the_same_bits(tmp_path: Path, seed: int) -> None:
    case = random_case(seed)
    drive, path = case.drives[0], tmp_path / f"{seed}"
    half, _ = jsnn.simulate(case.network, drive, case.num_steps, key=case.key)
    whole, _ = jsnn.simulate(case.network, drive, case.num_steps, state=half)
    jsnn.save(path, case.network, half)
    network, state = jsnn.load(path)
    assert_the_same_in_all((network, state), (case.network, half))
    assert_same(jsnn.simulate(network, drive, case.num_steps, state=state)[0], whole)


LEARNING = jsnn.PlasticityModel(
    name="LEARNING",
    params={"rate": 0.05},
    variables={"changes": 0},
    pre={"trace": 0.0},
    post={},
    spike_pre=lambda p, x: {"trace": x["trace"] + 1},
    on_post=lambda p, s, pre, post: {
        "weight": s["weight"] + p["rate"] * pre["trace"],
        "changes": s["changes"] + 1,
    },
)


def learning_network(dtype: Any) -> jsnn.Network:
    """Poisson spikes, axonal delays, a rule with variables, a running sum, and noise."""
    keys = jax.random.split(jax.random.key(1), 2)
    delay = initializers.uniform(3, 6)
    drawn = initializers.uniform(0.0, 2.0)
    inputs, recurrent = (
        jsnn.fixed_probability(key, *sizes, 0.4, 3.0, delay=delay, axonal=drawn, dtype=dtype)
        for key, sizes in zip(keys, [(9, 7), (7, 7)], strict=True)
    )
    return jsnn.Network(
        [
            jsnn.Population("poisson", 9, jsnn.POISSON_NEURON, {"rate": 300.0}),
            jsnn.Population("cells / α", 7, jsnn.LIF, initial={"v": np.arange(7, dtype=dtype)}),
        ],
        [
            jsnn.Projection(
                *("poisson", "cells / α", inputs, jsnn.EXPONENTIAL),
                back_propagation=2,
                plasticity=jsnn.Plasticity(LEARNING),
            ),
            jsnn.Projection("cells / α", "cells / α", recurrent),
        ],
        [jsnn.CurrentSource("noise", "cells / α", jsnn.GAUSSIAN_NOISE)],
        dt=0.5,
    )


IN_A_FRESH_PROCESS = """
import os, jax, numpy as np, jsnn
jsnn.cache_compilations(os.environ["JSNN_TESTS_PROGRAMS"])
network, state = jsnn.load({path!r})
state, _ = jsnn.simulate(network, {{}}, 30, state=state)
print(*[np.asarray(leaf).tobytes().hex() for leaf in jax.tree.leaves(state)[:-1]])
"""


def test_a_fresh_process_goes_on_with_the_same_bits(tmp_path: Path, run_python: Any) -> None:
    network = jsnn.Network(
        [
            jsnn.Population("poisson", 9, jsnn.POISSON_NEURON, {"rate": 300.0}),
            jsnn.Population("cells", 7, jsnn.IF, {"v_thresh": 2.0}),
        ],
        [
            jsnn.Projection(
                *("poisson", "cells", jsnn.Dense(np.full((9, 7), 0.5, F32)), jsnn.EXPONENTIAL),
                *({}, {}, 3, 1),
                plasticity=jsnn.Plasticity(jsnn.STDP, {"a_plus": 0.1}),
            )
        ],
    )
    half, _ = jsnn.simulate(network, {}, 30, key=jax.random.key(7))
    whole, _ = jsnn.simulate(network, {}, 30, state=half)
    path = str(tmp_path / "file")
    jsnn.save(path, network, half)
    expected = [np.asarray(leaf).tobytes().hex() for leaf in jax.tree.leaves(whole)[:-1]]
    assert run_python(IN_A_FRESH_PROCESS.format(path=path)).split() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_loaded_is_what_was_saved(tmp_path: Path, dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        network = learning_network(np.dtype(dtype))
        state = jsnn.init(network, jax.random.key(3))
        jsnn.save(tmp_path / "deep" / "file", network, state)
        found = jsnn.load(tmp_path / "deep" / "file", models={"LEARNING": LEARNING, "unused": 1})
        assert_the_same_in_all(found, (network, state))
        assert str(found) == str((network, state))
        assert [list(state.populations)] == [list(found[1].populations)]
    if dtype == "float64":
        with pytest.raises(TypeError, match=r"file.*float64 while jax_enable_x64 is off"):
            jsnn.load(tmp_path / "deep" / "file", models={"LEARNING": LEARNING})


def test_a_network_without_a_state(tmp_path: Path) -> None:
    network = jsnn.feedforward([np.ones((3, 2), F32)], jsnn.IF)
    jsnn.save(tmp_path / "file", network)
    jsnn.save(tmp_path / "file", network)  # in place of the other
    assert jsnn.load(tmp_path / "file")[1] is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_loaded_network_shares_no_memory_with_its_state(tmp_path: Path) -> None:
    network = jsnn.feedforward([np.ones((64, 64), F32)], jsnn.IF)
    jsnn.save(tmp_path / "file", network, jsnn.init(network))
    leaves = jax.tree.leaves(jsnn.load(tmp_path / "file"))
    places = [leaf.unsafe_buffer_pointer() for leaf in leaves]
    assert len(set(places)) == len(places)


# -- every kind of connectivity --------------------------------------------------------------------


def a_row(key: Any, neuron: Any, num_post: int, dtype: Any) -> Any:
    return jnp.zeros(2, jnp.int32) + neuron, jnp.ones(2, dtype)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Ring:
    """A connectivity of a user: neuron i reaches neuron i + 1."""

    weight: jax.Array
    number: int = dataclasses.field(metadata={"static": True})

    @property
    def num_pre(self) -> int:
        return self.number

    num_post = num_pre

    @property
    def dtype(self) -> Any:
        return self.weight.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        return self.weight * jnp.roll(spikes, 1)


KEY = jax.random.key(5)
DRAWN = np.random.default_rng(0).random((6, 6)).astype(F32)
DELAYS = np.arange(36).reshape(6, 6) % 4 + 1
FORWARD = jsnn.Projection("a", "a", jsnn.Dense(DRAWN), name="forward")
CONNECTIVITIES = {
    "shared": jsnn.Shared(FORWARD, transposed=True),
    "dense": jsnn.Dense(DRAWN, precision="high"),
    "dense with delays": jsnn.Dense(DRAWN, delays=DELAYS, axonal=DELAYS - 1),
    "learnt delays": jsnn.LearntDelays(DRAWN, 1 + 3 * DRAWN, 4, width=0.5),
    "sparse": jsnn.Sparse([2, 0, 2], [1, 1, 5], DRAWN[0, :3], 6, 6, [3, 1, 2], axonal=[1, 0, 0]),
    "no synapses": jsnn.Sparse([], [], DRAWN[0, :0], 6, 6),
    "one to one": jsnn.OneToOne(DRAWN[0]),
    "all to all": jsnn.AllToAll(DRAWN[0, 0], 6, 6),
    "convolution": jsnn.Conv2D(DRAWN[:1, :3, None, None], (2, 3, 1), 1, "SAME"),
    "grouped convolution": jsnn.Conv2D(DRAWN[None, :3, None, :2], (1, 3, 2), 1, "SAME", groups=2),
    "chain": jsnn.Chain((jsnn.AveragePool2D((2, 3, 1), 1), jsnn.Dense(DRAWN))),
    "average": jsnn.AveragePool2D((2, 3, 1), (1, 1)),
    "row": jsnn.Procedural(KEY, 6, 6, a_row),
    "ring": Ring(jnp.ones((), F32), 6),
    **{
        repr(drawn): jsnn.Procedural.fixed_out_degree(KEY, 6, 6, 2, drawn)
        for drawn in (
            initializers.constant(1),
            initializers.uniform(0, 1),
            initializers.normal(0, 1),
            initializers.clipped_normal(0, 1, -1, np.inf),
            initializers.exponential(1),
            initializers.gamma(1, 2),
            initializers.binomial(3, 0.5),
        )
    },
    "probability": jsnn.Procedural.fixed_probability(KEY, 6, 6, 0.3, 0.5),
}
OF_USER = {"a_row": a_row, "Ring": Ring, "LEARNING": LEARNING}


@pytest.mark.parametrize("name", CONNECTIVITIES)
def test_every_connectivity_can_be_stored(tmp_path: Path, name: str) -> None:
    learns = hasattr(CONNECTIVITIES[name], "of_pre")
    rule = jsnn.Plasticity(LEARNING) if learns else None
    network = jsnn.Network(
        [jsnn.Population("a", 6, jsnn.IF)],
        [FORWARD, jsnn.Projection("a", "a", CONNECTIVITIES[name], plasticity=rule)],
    )
    state = jsnn.init(network)
    jsnn.save(tmp_path / "file", network, state)
    assert_the_same_in_all(jsnn.load(tmp_path / "file", OF_USER), (network, state))


def test_no_connectivity_and_no_initializer_is_left_out() -> None:
    kinds = {
        name
        for name in connectivity.__all__
        if dataclasses.is_dataclass(getattr(connectivity, name)) and name != "Divided"
    }
    assert kinds <= {type(each).__name__ for each in CONNECTIVITIES.values()}
    functions = {
        name
        for name, value in inspect.getmembers(initializers, inspect.isfunction)
        if inspect.signature(value).return_annotation is initializers.Initializer
        and not name.startswith("_")
    }
    drawn = {name.split("(")[0] for name in CONNECTIVITIES}
    assert functions - {"as_initializer"} <= drawn


def test_the_parts_of_a_converted_network_can_be_stored(tmp_path: Path) -> None:
    pool = MaxPool2D((2, 3, 1), (1, 2), (1, 1), np.dtype(F32))
    network = jsnn.Network(
        [
            jsnn.Population("a", 6, counted(jsnn.IF_SOFT_RESET)),
            jsnn.Population("b", 4, RELAY),
            jsnn.Population("c", 4, counted(jsnn.IF)),
        ],
        [
            jsnn.Projection("a", "b", pool, TOTAL),
            jsnn.Projection("a", "c", Rearranged((5, -1, 0, 0), 6, np.dtype(F32))),
        ],
    )
    jsnn.save(tmp_path / "file", network)
    assert_the_same_in_all(jsnn.load(tmp_path / "file")[0], network)


# -- what a user may do wrong ----------------------------------------------------------------------


def one_population(model: jsnn.NeuronModel, other: jsnn.NeuronModel = jsnn.IF) -> jsnn.Network:
    return jsnn.Network([jsnn.Population("a", 2, model), jsnn.Population("b", 2, other)])


def mine(name: str = "mine", v_thresh: float = 1.0, **params: float) -> jsnn.NeuronModel:
    return jsnn.NeuronModel(
        name=name,
        params={"v_thresh": v_thresh, **params},
        variables={"v": 0.0},
        update=lambda p, x, current, dt: {"v": x["v"] + current * dt},
        threshold=lambda p, x: x["v"] - p["v_thresh"],
    )


MINE = mine()
NET = jsnn.feedforward([DRAWN, DRAWN], jsnn.IF)


def procedural(row: Any) -> jsnn.Network:
    synapses = jsnn.Procedural(KEY, 2, 2, row)
    return jsnn.Network([jsnn.Population("a", 2, jsnn.IF)], [jsnn.Projection("a", "a", synapses)])


@dataclasses.dataclass(frozen=True)
class Row:
    """A row with a part that cannot be stored."""

    part: Any

    def __call__(self, *given: Any) -> Any:
        return a_row(*given)


BAD_SAVES: dict[str, tuple[Callable[[], tuple[Any, ...]], type[Exception], str]] = {
    "swapped": (lambda: ("path", "file"), TypeError, "save, network: given str; expected a Netw"),
    "no state": (lambda: (NET, NET), TypeError, "state: given Network; expected a State"),
    "another's state": (
        lambda: (NET, jsnn.init(one_population(jsnn.IF))),
        ValueError,
        r"state.populations\['layer0'\].*given nothing",
    ),
    "a batch": (
        lambda: (NET, jax.tree.map(lambda x: jnp.stack([x, x]), jsnn.init(NET))),
        ValueError,
        r"state.step: given int32\[2\]; expected int32\[\]",
    ),
    "divided": (
        lambda: (jsnn.divide(NET),),
        ValueError,
        "network that is divided over . devices; expected the whole network",
    ),
    "NaN": (
        lambda: (jax.tree.map(lambda x: np.full_like(x, np.nan), NET),),
        ValueError,
        "NaN or infinite",
    ),
    "no name": (
        lambda: (one_population(mine("")),),
        ValueError,
        r"network.populations\[0\].model is a NeuronModel without a name; expected.*models=",
    ),
    "one name": (
        lambda: (one_population(mine(), mine()),),
        ValueError,
        r"network.populations\[1\].model is another NeuronModel of the name 'mine'; expected",
    ),
    "lambda": (
        lambda: (procedural(lambda *row: a_row(*row)),),
        ValueError,
        r"network.projections\[0\].connectivity.row is a function without a name",
    ),
    "odd": (
        lambda: (procedural(Row(frozenset())),),
        TypeError,
        r"connectivity.row.part is frozenset, which cannot be stored; expected arrays",
    ),
}


@pytest.mark.parametrize("name", BAD_SAVES)
def test_what_cannot_be_saved(tmp_path: Path, name: str) -> None:
    make, error, message = BAD_SAVES[name]
    with pytest.raises(error, match=message):
        jsnn.save(tmp_path / "file", *make())
    assert not list(tmp_path.iterdir())


def test_a_traced_network_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"save: called inside jax\.jit"):
        jax.jit(lambda network: jsnn.save(tmp_path / "file", network))(NET)


BAD_MODELS: dict[str, tuple[Any, type[Exception], str]] = {
    "none": (None, ValueError, r"given none; expected 'mine' among them.*models=\{'mine'"),
    "another": ({"other": MINE}, ValueError, r"given 'other'; expected 'mine' among them"),
    "no mapping": ([MINE], TypeError, "load, models: given list; expected a dict by name"),
    "no model": ({"mine": 3}, TypeError, "models, 'mine': given int; expected a Model"),
    "another kind": ({"mine": jsnn.STDP}, ValueError, "given PlasticityModel.*NeuronModel"),
    "parameters": (
        {"mine": mine(tau=1.0)},
        ValueError,
        r"model 'mine': given NeuronModel \(params: tau, v_thresh\).*expected",
    ),
    "domain": (
        {"mine": mine(v_thresh=jsnn.Quantity(5.0, above=3))},  # type: ignore[arg-type]
        ValueError,
        r"file.*'v_thresh': given 1.0.*expected a number > 3",
    ),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_models_of_the_user_have_to_be_those_of_the_network(tmp_path: Path, name: str) -> None:
    jsnn.save(tmp_path / "file", one_population(MINE))
    assert jsnn.load(tmp_path / "file", {"mine": MINE})[0].population("a").model is MINE
    models, error, message = BAD_MODELS[name]
    with pytest.raises(error, match=message):
        jsnn.load(tmp_path / "file", models)


def test_a_model_of_a_user_that_has_the_name_of_one_of_jsnn_is_not_mistaken_for_it(
    tmp_path: Path,
) -> None:
    models = {
        "IF": mine("IF"),
        "LIF": dataclasses.replace(jsnn.LIF, params={**jsnn.LIF.params, "tau_m": 5.0}),
    }
    jsnn.save(tmp_path / "file", one_population(models["IF"], models["LIF"]))
    with pytest.raises(ValueError, match="expected 'IF' among them"):
        jsnn.load(tmp_path / "file")
    network, _ = jsnn.load(tmp_path / "file", models)
    assert all(p.model is models[p.model.name] for p in network.populations)


# -- what can be wrong with a file -----------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    jsnn.save(tmp_path / "file.jsnn", NET, jsnn.init(NET))
    return tmp_path / "file.jsnn"


def test_any_flipped_bit_is_found(path: Path) -> None:
    content = path.read_bytes()
    random = np.random.default_rng(0)
    for position in [0, 64, 65, 80, 90, *random.integers(0, len(content), 100)]:
        flipped = bytearray(content)
        flipped[position] ^= 1 << random.integers(8)
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"file\.jsnn: (of another kind, or )?damaged"):
            jsnn.load(path)


@pytest.mark.parametrize("length", [1, 64, 70, 99, 200, 3000, -1])
def test_a_truncated_file_is_damaged(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"file\.jsnn: .*damaged"):
        jsnn.load(path)


def test_a_file_of_another_version_is_named_with_both(path: Path) -> None:
    content = read_checked(path)
    title = f"format {FORMAT}, jsnn {jsnn.__version__}".encode()
    assert title in content
    write_checked(path, content.replace(title, b"format 99, jsnn 7.8.9"))
    message = rf"file\.jsnn: of format 99.*jsnn 7\.8\.9.*format {FORMAT}.*{jsnn.__version__} reads"
    with pytest.raises(ValueError, match=message):
        jsnn.load(path)


def changed(path: Path, change: Callable[[Any], None]) -> None:
    """Change the network of a file as another version of jsnn might write it."""
    content = read_checked(path)
    start = content.index(b"\n") + 1
    with np.load(io.BytesIO(content[start:])) as saved:
        arrays = dict(saved)
    trees = json.loads(arrays["trees"].tobytes())
    change(trees[0]["fields"]["populations"]["tuple"][0])
    arrays["trees"] = np.frombuffer(json.dumps(trees).encode(), np.uint8)
    new = io.BytesIO()
    np.savez(new, **arrays)
    write_checked(path, content[:start].replace(b"0.", b"9.") + new.getvalue())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["fields"].pop("size"), "Population: given the fields name, .*expected name, "),
        (lambda p: p["fields"].update(colour="red"), "given the fields .*, colour; expected "),
        (lambda p: p.update(object=["jsnn.network", "Herd"]), "'Herd' of jsnn.network; expected"),
        (lambda p: p.update(object=["os", "system"]), "given 'os'; expected a package of jsnn"),
        (lambda p: p["fields"]["model"].update(model=["jsnn.models", "XIF"]), "'XIF' of jsnn.m"),
        (lambda p: p["fields"].update(size=7), "given weights of shape|expected"),
    ],
)
def test_parts_that_this_version_does_not_have(
    path: Path, change: Callable[[Any], None], message: str
) -> None:
    changed(path, change)
    with pytest.raises(ValueError, match=rf"file\.jsnn, written by jsnn 9\..*{message}"):
        jsnn.load(path)


def test_nothing_but_names_of_jsnn_and_of_the_user_is_looked_up() -> None:
    reader = TreeReader({}, {})
    for reference in (["jsnn", "pickle"], ["jsnn.network", "write_whole"], ["os", "system"]):
        with pytest.raises(ValueError, match="expected"):
            reader.value({"function": reference})


@pytest.mark.parametrize("kind", ["npz", "npy", "pickle", "text", "checked", "empty"])
def test_a_file_of_another_kind_is_not_read(tmp_path: Path, kind: str) -> None:
    path, content = tmp_path / "file", io.BytesIO()
    if kind == "npz":
        np.savez(content, weights=DRAWN)
    elif kind == "npy":
        np.save(content, DRAWN)
    elif kind == "pickle":
        content.write(pickle.dumps(DRAWN))
    elif kind == "text":
        content.write(b"jsnn network, format 1, jsnn 0.1.0\n" * 9)
    path.write_bytes(content.getvalue())
    if kind == "checked":
        write_checked(path, b"of a long computation")
    fault = "empty" if kind == "empty" else "of another kind"
    with pytest.raises(ValueError, match=rf"file: {fault}.*expected a file that jsnn\.save wrote"):
        jsnn.load(path)


def test_a_folder_of_weights_is_not_read(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, [DRAWN])
    with pytest.raises(ValueError, match=r"is a directory.*jsnn\.load_weights"):
        jsnn.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        jsnn.load(tmp_path / "nowhere")


def test_a_file_holds_numbers_alone(path: Path) -> None:
    content = read_checked(path)
    with np.load(io.BytesIO(content[content.index(b"\n") + 1 :]), allow_pickle=False) as saved:
        assert {array.dtype.kind for array in saved.values()} <= set("fiub")
