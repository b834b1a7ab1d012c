"""Each kind of bad input: an error that names the culprit, what was given, what was expected.

Nothing is compiled before the error. Weight files have their own table in test_weight_files.py,
faulty models in test_checker.py, values that a model does not take in test_domains.py.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

import jsnn
from jsnn import conversion
from tests.networks import F32, random_images, random_weights

SIZES = (6, 5, 3)
WEIGHTS = random_weights(0, SIZES)
IMAGES = random_images(0, 7, 6)
LABELS = np.arange(7) % 3
NET = jsnn.feedforward(WEIGHTS, jsnn.IF)
NOISY = jsnn.Network(
    [jsnn.Population("a", 4, jsnn.IF)],
    sources=[
        jsnn.CurrentSource("noise", "a", jsnn.GAUSSIAN_NOISE),
        jsnn.CurrentSource("film", "a", jsnn.PLAYBACK),
    ],
)
READOUT = jsnn.spike_count("layer2")
DENSE = jsnn.Dense(WEIGHTS[0])
A, B = jsnn.Population("a", 6, jsnn.IF), jsnn.Population("b", 5, jsnn.IF)
KEY = jax.random.key(0)
STATE = jsnn.init(NET)
LATE = jnp.int32(2**31 - 5)
DIVIDED = jsnn.divide(NET)
MEAN_FIELD = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0},
    update=lambda p, x, current, dt: {"v": x["v"] + current * dt - x["v"].mean()},
    threshold=lambda p, x: x["v"] - 1,
)


@dataclass(frozen=True)
class Bad:
    """What is done wrong, and patterns that the message must hold, in any order."""

    name: str
    act: Callable[[], Any]
    error: type[Exception]
    says: tuple[str, ...]


def spoilt(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    copy = np.array(array)
    copy[index] = value
    return copy


def pop(name: str = "a", size: Any = 6, **given: Any) -> jsnn.Population:
    model = given.pop("model", jsnn.IF)
    return jsnn.Population(name, size, model, given.pop("params", {}), given.pop("variables", {}))


def link(pre: str = "a", post: str = "b", dense: Any = DENSE, **given: Any) -> jsnn.Projection:
    return jsnn.Projection(pre, post, dense, **given)


def simulated(drive: Any, num_steps: Any = 4, network: Any = NET, **given: Any) -> Any:
    return jsnn.simulate(network, drive, num_steps, **given)


def evaluated(**given: Any) -> Any:
    arguments: dict[str, Any] = {
        "network": NET,
        "drives": {"layer0": IMAGES},
        "labels": LABELS,
        "num_steps": 4,
        "readout": READOUT,
    }
    return jsnn.evaluate(**arguments | given)


NAN_WEIGHTS = [WEIGHTS[0], spoilt(WEIGHTS[1], (2, 1), np.nan)]
# NaN that no constructor saw.
NAN_TREE = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), NET)

WRONG_WEIGHTS = [
    Bad(
        "weights that do not chain",
        lambda: jsnn.feedforward([np.ones((6, 128), F32), np.ones((100, 3), F32)], jsnn.IF),
        ValueError,
        (r"0_1 and 1_2", r"\(6, 128\)", r"\(100, 3\)", "expected"),
    ),
    Bad(
        "transposed weights",
        lambda: jsnn.feedforward([w.T for w in WEIGHTS], jsnn.IF),
        ValueError,
        (r"0_1 and 1_2", r"\(5, 6\)", r"\(3, 5\)", "transposed", r"\(pre, post\)"),
    ),
    Bad(
        "a transposed projection",
        lambda: jsnn.Network([A, B], [link("b", "a")]),
        ValueError,
        ("projection 'b_to_a'", r"\(6, 5\)", "transposed", r"expected \(5, 6\)"),
    ),
    Bad(
        "a projection of the wrong shape",
        lambda: jsnn.Network([A, pop("c", 9)], [link("a", "c")]),
        ValueError,
        ("projection 'a_to_c'", r"\(6, 5\)", r"expected \(6, 9\)", "'a'", "'c'"),
    ),
    Bad(
        "NaN weights",
        lambda: jsnn.Dense(NAN_WEIGHTS[1]),
        ValueError,
        (r"weights", r"\(5, 3\)", "1 of 15", r"nan at index \(2, 1\)", "expected finite"),
    ),
    Bad(
        "infinite weights",
        lambda: jsnn.Dense(spoilt(WEIGHTS[1], (4, 2), np.inf)),
        ValueError,
        (r"inf at index \(4, 2\)", "expected finite"),
    ),
    Bad(
        "NaN weights in a chain: which matrix",
        lambda: jsnn.feedforward(NAN_WEIGHTS, jsnn.IF),
        ValueError,
        (r"1_2|layer1_to_layer2", r"nan at index \(2, 1\)", "expected finite"),
    ),
    Bad(
        "float64 weights in a chain: which matrix",
        lambda: jsnn.feedforward([WEIGHTS[0], WEIGHTS[1].astype(float)], jsnn.IF),
        TypeError,
        (r"1_2|layer1_to_layer2", "float64", "float32"),
    ),
    Bad(
        "float64 weights",
        lambda: jsnn.Dense(np.ones((2, 2))),
        TypeError,
        ("weights", "float64", "expected float32", "enable_x64"),
    ),
    Bad(
        "integer weights",
        lambda: jsnn.Dense(np.ones((2, 2), int)),
        TypeError,
        ("weights", "int64", "expected", "float32"),
    ),
    Bad(
        "weights that are a list",
        lambda: jsnn.Dense([[1.0, 2.0]]),
        TypeError,
        ("weights", "list", "expected an array"),
    ),
    Bad(
        "weights with one axis",
        lambda: jsnn.Dense(np.ones(4, F32)),
        ValueError,
        ("weights", r"\(4,\)", r"expected \(pre, post\)"),
    ),
    Bad(
        "one matrix in place of a list of them",
        lambda: jsnn.feedforward(WEIGHTS[0], jsnn.IF),
        TypeError,
        (r"one array of shape \(6, 5\)", "expected a list"),
    ),
    Bad(
        "no weights at all",
        lambda: jsnn.feedforward([], jsnn.IF),
        ValueError,
        ("no weights", "expected at least one"),
    ),
    Bad(
        "weights of a dtype that cannot count far",
        lambda: jsnn.Dense(WEIGHTS[0].astype(np.float16)),
        TypeError,
        ("Dense weights", "given an array of float16", "expected an array of float32 or float64"),
    ),
    Bad(
        "an array in place of a connectivity",
        lambda: link(dense=WEIGHTS[0]),
        TypeError,
        ("projection 'a_to_b'", "ndarray", r"expected .*jsnn\.Dense"),
    ),
    Bad(
        "NaN in a network that no constructor saw, simulated",
        lambda: simulated({"layer0": IMAGES[0]}, network=NAN_TREE),
        ValueError,
        ("layer0", "nan", "expected finite"),
    ),
    Bad(
        "NaN in a network that no constructor saw, evaluated",
        lambda: evaluated(network=NAN_TREE),
        ValueError,
        ("layer0", "nan", "expected finite"),
    ),
]

MASKED = np.ma.masked_array([0, 1], mask=[True, False])
RAGGED = [[0], [1, 2]]
ONE = np.ones(1, F32)
TWO = np.ones(2, F32)


class Foreign:
    """An array of another library that NumPy cannot read, such as one on a GPU."""

    shape, dtype, ndim = (2, 2), "float32", 2

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise RuntimeError("cannot be read")


SPARSE = jsnn.Network(
    [jsnn.Population("a", 2, jsnn.IF)],
    [jsnn.Projection("a", "a", jsnn.Sparse([0, 1], [1, 0], TWO, 2, 2, capacity=2))],
)


def with_state(**changes: Any) -> Any:
    return simulated({}, state=dataclasses.replace(STATE, **changes))


def rewired(remove: Any) -> Any:
    add = [False, False]
    return jsnn.rewire(SPARSE, jsnn.init(SPARSE), "a_to_a", remove, add, [0, 0], [1, 1], TWO)


WRONG_ARRAYS = [
    Bad(name, act, error, says)
    for name, act, error, says in (
        (
            "masked presynaptic neurons",
            lambda: jsnn.Sparse(MASKED, [0, 1], TWO, 2, 2),
            TypeError,
            ("Sparse, pre: given a masked array", "filled"),
        ),
        (
            "ragged presynaptic neurons",
            lambda: jsnn.Sparse(RAGGED, [0, 1], TWO, 2, 2),
            TypeError,
            ("Sparse, pre: given a list that is no array", "inhomogeneous"),
        ),
        (
            "presynaptic neurons that are times",
            lambda: jsnn.Sparse(np.array([0, 1], "m8[s]"), [0, 1], TWO, 2, 2),
            TypeError,
            ("Sparse, pre: given timedelta64", "expected integers"),
        ),
        (
            "masked synapses to remove",
            lambda: rewired(MASKED),
            TypeError,
            ("rewire of 'a_to_a': Sparse, remove: given a masked array",),
        ),
        (
            "a bool in place of a mask of synapses to remove",
            lambda: rewired(True),
            ValueError,
            ("rewire of 'a_to_a': Sparse, remove", r"given shape \(\)"),
        ),
        (
            "the state of another network to rewire",
            lambda: jsnn.rewire(SPARSE, STATE, "a_to_a", [False] * 2, *[[0, 0]] * 3, TWO),
            ValueError,
            ("rewire of 'a_to_a', state", "'layer0'", "expected one of .*'a_to_a'"),
        ),
        (
            "the state of another network to reset",
            lambda: jsnn.reset(SPARSE, STATE, {"a": ["v"]}),
            ValueError,
            ("reset, state", "'layer0'", "expected one of .*'a_to_a'"),
        ),
        (
            "a time as a parameter",
            lambda: pop(params={"v_thresh": np.timedelta64(1, "s")}),
            TypeError,
            ("'v_thresh'", "timedelta64", "expected a real number"),
        ),
        (
            "a sparse matrix as dense weights",
            lambda: jsnn.Dense(scipy.sparse.csr_matrix(np.eye(2, dtype=F32))),
            TypeError,
            ("Dense weights", "csr_matrix", "expected a number or an array"),
        ),
        (
            "an unknown precision",
            lambda: jsnn.Dense(np.ones((2, 2), F32), "exact"),
            ValueError,
            ("Dense, precision", "'exact'", "'highest'"),
        ),
        (
            "more in flight than int32 numbers",
            lambda: link(delay=10**9),
            ValueError,
            ("projection 'a_to_b', delay", "given 1000000000 steps", "expected at most 32768"),
        ),
        (
            "masked labels",
            lambda: evaluated(labels=np.ma.masked_array(LABELS, mask=LABELS > 1)),
            TypeError,
            ("labels: given a masked array", "filled"),
        ),
        (
            "labels that cannot be read",
            lambda: evaluated(labels=Foreign()),
            TypeError,
            ("labels: given a Foreign", "cannot be read"),
        ),
        (
            "a raster that cannot be read",
            lambda: jsnn.spike_list(Foreign()),
            TypeError,
            ("spike_list: given a Foreign", "cannot be read"),
        ),
        (
            "weights to save that cannot be read",
            lambda: jsnn.save_weights("nowhere", [Foreign()]),
            TypeError,
            ("weights 0_1: given a Foreign", "cannot be read"),
        ),
        (
            "masked weights to save",
            lambda: jsnn.save_weights("nowhere", [np.ma.masked_array(WEIGHTS[0], mask=True)]),
            TypeError,
            ("weights 0_1: given a masked array",),
        ),
        (
            "a number as the step of a state",
            lambda: with_state(step=0),
            TypeError,
            (r"state\.step: given int; expected an array",),
        ),
        (
            "a list in a state",
            lambda: with_state(populations=STATE.populations | {"layer1": {"v": [0.0] * 5}}),
            TypeError,
            ("state", "'layer1'", "given float; expected an array"),
        ),
        (
            "a state without numbers",
            lambda: simulated({}, state=jax.eval_shape(lambda: STATE)),
            TypeError,
            ("state", "ShapeDtypeStruct; expected an array"),
        ),
        (
            "a readout that names no class",
            lambda: evaluated(readout=dataclasses.replace(READOUT, predict=lambda count: None)),
            TypeError,
            ("readout, predict: returns NoneType", "integer array"),
        ),
    )
]

LIF_NET = jsnn.Network(
    [jsnn.Population("a", 2, jsnn.LIF)],
    [
        jsnn.Projection(
            "a", "a", jsnn.Dense(np.full((2, 2), 0.5, F32)), plasticity=jsnn.Plasticity(jsnn.STDP)
        )
    ],
    [jsnn.CurrentSource("noise", "a", jsnn.GAUSSIAN_NOISE)],
)


def mapped(where: str, change: Callable[[Any], Any]) -> Any:
    """Simulate a network after `jax.tree.map` changed the arrays whose path holds `where`."""

    def new(path: Any, leaf: Any) -> Any:
        return change(np.asarray(leaf)) if where in jax.tree_util.keystr(path) else leaf

    return jsnn.simulate(jax.tree_util.tree_map_with_path(new, LIF_NET), {}, 2, key=KEY)


WRONG_MAPS = [
    Bad(f"{where} that is {kind}", lambda where=where, change=change: mapped(where, change), *says)
    for where, kind, change, *says in (
        ("tau_m", "negative", np.negative, ValueError, ("'a', parameter 'tau_m'", "-20.0", "> 0")),
        ("sd", "negative", lambda x: x - 3, ValueError, ("'noise', parameter 'sd'", ">= 0")),
        ("a_minus", "negative", np.negative, ValueError, ("plasticity, parameter 'a_minus'",)),
        ("weights", "beyond its bounds", lambda x: x + 9, ValueError, ("'a_to_a'", "w_min to")),
        ("weights", "float16", lambda x: x.astype("e"), TypeError, ("weights", "float16", "32")),
        ("tau_m", "a number", float, TypeError, ("'tau_m'", "float; expected an array of float32")),
        ("tau_m", "a batch", lambda x: x[None], ValueError, ("'tau_m'", r"\(1,\)", "a scalar")),
        ("dt", "negative", np.negative, ValueError, ("dt", "-1.0", "> 0")),
        ("dt", "gone", lambda x: None, TypeError, ("dt", "NoneType", "array of float32")),
        ("", "float64", lambda x: x.astype(float), TypeError, ("dt", "float64", "enable x64")),
        ("", "a shape", lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), TypeError, ("dt",)),
    )
]

WRONG_PARTS = [
    Bad(
        "a misspelt parameter",
        lambda: pop(params={"vthresh": 5.0}),
        ValueError,
        ("population 'a'", "parameter 'vthresh'", "did you mean 'v_thresh'", "'v_reset'"),
    ),
    Bad(
        "a misspelt variable",
        lambda: pop(variables={"V": 5.0}),
        ValueError,
        ("population 'a'", "variable 'V'", "known: 'v'"),
    ),
    Bad(
        "a misspelt parameter of a chain",
        lambda: jsnn.feedforward(WEIGHTS, jsnn.IF, params={"v_tresh": 5.0}),
        ValueError,
        ("population 'layer0'", "'v_tresh'", "did you mean 'v_thresh'"),
    ),
    Bad(
        "a misspelt parameter of a synapse",
        lambda: link(synapse=jsnn.EXPONENTIAL, params={"tua": 5.0}),
        ValueError,
        ("projection 'a_to_b'", "parameter 'tua'", "did you mean 'tau'"),
    ),
    Bad(
        "a parameter of a synapse that has none",
        lambda: link(params={"tau": 5.0}),
        ValueError,
        ("projection 'a_to_b'", "parameter 'tau'", "known: none"),
    ),
    Bad(
        "a misspelt parameter of a source",
        lambda: jsnn.CurrentSource("noise", "a", jsnn.GAUSSIAN_NOISE, {"std": 1.0}),
        ValueError,
        ("current source 'noise'", "parameter 'std'", "did you mean 'sd'"),
    ),
    Bad(
        "misspelt in with_params",
        lambda: NET.with_params({"layer1": {"vthresh": 1.0}}),
        ValueError,
        ("population 'layer1'", "parameter 'vthresh'", "did you mean 'v_thresh'"),
    ),
    Bad(
        "an unknown part in with_params",
        lambda: NET.with_params({"layer7": {"v_thresh": 1.0}}),
        ValueError,
        ("with_params", "'layer7'", "known: .*'layer1'"),
    ),
    Bad(
        "a parameter array of the wrong length",
        lambda: pop(params={"v_thresh": np.ones(5, F32)}),
        ValueError,
        ("population 'a'", "parameter 'v_thresh'", r"\(5,\)", r"scalar or \(6,\)"),
    ),
    Bad(
        "a parameter array with two axes",
        lambda: pop(params={"v_thresh": np.ones((6, 1), F32)}),
        ValueError,
        ("population 'a'", "parameter 'v_thresh'", r"\(6, 1\)", r"scalar or \(6,\)"),
    ),
    Bad(
        "an initial value of the wrong length",
        lambda: pop(variables={"v": [0.0, 1.0]}),
        ValueError,
        ("population 'a'", "variable 'v'", r"\(2,\)", r"scalar or \(6,\)"),
    ),
    Bad(
        "a parameter of a synapse of the wrong length",
        lambda: link(synapse=jsnn.EXPONENTIAL, params={"tau": np.ones(6, F32)}),
        ValueError,
        ("projection 'a_to_b'", "parameter 'tau'", r"\(6,\)", r"\(5,\)"),
    ),
    Bad(
        "a parameter of a source of the wrong length",
        lambda: jsnn.Network(
            [A], sources=[jsnn.CurrentSource("dc", "a", jsnn.CONSTANT, {"magnitude": [1.0, 2.0]})]
        ),
        ValueError,
        ("current source 'dc'", "parameter 'magnitude'", r"\(2,\)", r"\(6,\)"),
    ),
    Bad(
        "a table of the wrong width",
        lambda: jsnn.Network(
            [A],
            sources=[
                jsnn.CurrentSource("film", "a", jsnn.PLAYBACK, {"currents": np.ones((9, 5), F32)})
            ],
        ),
        ValueError,
        ("current source 'film'", "parameter 'currents'", r"\(9, 5\)", r"\(rows, 6\)"),
    ),
    Bad(
        "a table without rows",
        lambda: jsnn.Network(
            [A],
            sources=[
                jsnn.CurrentSource("film", "a", jsnn.PLAYBACK, {"currents": np.ones((0, 6), F32)})
            ],
        ),
        ValueError,
        ("current source 'film'", "parameter 'currents'", r"\(0, 6\)", r"\(rows, 6\)"),
    ),
    Bad(
        "a float64 parameter array",
        lambda: jsnn.Network([pop(params={"v_thresh": np.ones(6)})]),
        TypeError,
        ("population 'a'", "'v_thresh'", "float64", "expected float32"),
    ),
    Bad(
        "a parameter that is text",
        lambda: jsnn.Network([pop(params={"v_thresh": "high"})]),
        TypeError,
        ("population 'a'", "'v_thresh'", "'high'", "expected a number"),
    ),
    Bad(
        "a parameter that is a list of texts",
        lambda: jsnn.Network([pop(params={"v_thresh": ["a"] * 6})]),
        TypeError,
        ("population 'a'", "'v_thresh'", "expected"),
    ),
    Bad(
        "a parameter that is a bool",
        lambda: jsnn.Network([pop(params={"v_thresh": True})]),
        TypeError,
        ("population 'a'", "'v_thresh'", "True", "expected a number"),
    ),
    Bad(
        "a parameter that is complex",
        lambda: jsnn.Network([pop(params={"v_thresh": np.complex64(1)})]),
        TypeError,
        ("population 'a'", "'v_thresh'", "complex64", "expected a real number"),
    ),
    Bad(
        "a NaN threshold",
        lambda: jsnn.Network([pop(params={"v_thresh": float("nan")})]),
        ValueError,
        ("population 'a'", "'v_thresh'", "nan", "expected finite"),
    ),
    Bad(
        "one infinite threshold",
        lambda: jsnn.Network([pop(params={"v_thresh": spoilt(np.ones(6, F32), (4,), np.inf)})]),
        ValueError,
        ("population 'a'", "'v_thresh'", "1 of 6", r"inf at index \(4,\)", "expected finite"),
    ),
    Bad(
        "a NaN threshold through with_params",
        lambda: NET.with_params({"layer1": {"v_thresh": np.nan}}),
        ValueError,
        ("population 'layer1'", "'v_thresh'", "nan", "expected finite"),
    ),
    Bad(
        "a NaN initial value",
        lambda: pop(variables={"v": np.nan}),
        ValueError,
        ("population 'a'", "variable 'v'", "nan", "expected finite"),
    ),
    Bad(
        "a NaN parameter of a source",
        lambda: jsnn.Network(
            [A], sources=[jsnn.CurrentSource("dc", "a", jsnn.CONSTANT, {"magnitude": np.nan})]
        ),
        ValueError,
        ("current source 'dc'", "'magnitude'", "nan", "expected finite"),
    ),
    Bad(
        "parameters that are no dict",
        lambda: jsnn.Population("a", 6, jsnn.IF, [("v_thresh", 1.0)]),
        TypeError,
        ("population 'a'", "params", "list", "expected a dict"),
    ),
    Bad(
        "half an integer as an initial value",
        lambda: jsnn.Network(
            [
                jsnn.Population(
                    "a",
                    2,
                    dataclasses.replace(
                        jsnn.IF,
                        variables={"v": 0.0, "n": 0},
                    ),
                    initial={"n": 1.5},
                )
            ]
        ),
        ValueError,
        ("population 'a'", "variable 'n'", "1.5", "a whole number"),
    ),
    Bad("no neurons", lambda: pop(size=0), ValueError, ("population 'a', size", "0", ">= 1")),
    Bad("half a neuron", lambda: pop(size=2.5), TypeError, ("population 'a', size", "2.5", ">= 1")),
    Bad("no name", lambda: pop(name=""), TypeError, ("population, name", "''", "non-empty")),
    Bad("a number as a name", lambda: pop(name=3), TypeError, ("population, name", "3", "string")),
    Bad(
        "a model that is a name",
        lambda: pop(model="IF"),
        TypeError,
        ("population 'a'", "'IF'|str", r"expected a (jsnn\.)?NeuronModel"),
    ),
    Bad(
        "a synapse that is a name",
        lambda: link(synapse="delta"),
        TypeError,
        ("projection 'a_to_b'", "'delta'|str", r"expected a (jsnn\.)?SynapseModel"),
    ),
    Bad(
        "a neuron model as a source",
        lambda: jsnn.CurrentSource("dc", "a", jsnn.IF),
        TypeError,
        ("current source 'dc'", r"expected a (jsnn\.)?CurrentSourceModel"),
    ),
    Bad(
        "a negative delay",
        lambda: link(delay=-1),
        ValueError,
        ("projection 'a_to_b', delay", "-1", ">= 0"),
    ),
    Bad(
        "a delay of half a step",
        lambda: link(delay=0.5),
        TypeError,
        ("projection 'a_to_b', delay", "0.5", "integer"),
    ),
    Bad(
        "a time of NumPy as a delay",
        lambda: link(delay=np.float32(1.5)),
        TypeError,
        ("projection 'a_to_b', delay", "1.5", "integer", r"jsnn\.steps"),
    ),
    Bad(
        "a delay for each synapse of a projection",
        lambda: link(delay=np.full((6, 5), 2)),
        TypeError,
        ("projection 'a_to_b', delay", r"shape \(6, 5\)", r"jsnn\.Dense"),
    ),
    Bad(
        "a time as the axonal part of a delay",
        lambda: link(delay=2, axonal=0.0),
        TypeError,
        ("projection 'a_to_b', axonal", r"0\.0", "integer"),
    ),
    Bad(
        "an axonal part for each synapse of a projection",
        lambda: link(delay=2, axonal=np.ones((6, 5), int)),
        TypeError,
        ("projection 'a_to_b', axonal", r"shape \(6, 5\)", r"jsnn\.Dense"),
    ),
    Bad(
        "no axonal parts of synapses that learn with delays of their own",
        lambda: link(
            dense=jsnn.Dense(np.zeros((6, 5), F32), delays=np.full((6, 5), 2)),
            plasticity=jsnn.Plasticity(jsnn.STDP),
        ),
        ValueError,
        ("projection 'a_to_b', axonal", "given none", "`axonal=` of the connectivity"),
    ),
    Bad(
        "a traced time in steps",
        lambda: jax.jit(lambda ms: jsnn.steps(ms, 0.1))(1.5),
        TypeError,
        ("steps, ms", "traced", "outside"),
    ),
    Bad(
        "a negative delay of a chain",
        lambda: jsnn.feedforward(WEIGHTS, jsnn.IF, delay=-2),
        ValueError,
        ("layer0_to_layer1", "delay", "-2", ">= 0"),
    ),
    Bad(
        "an unknown postsynaptic population",
        lambda: jsnn.Network([A, B], [link("a", "bb")]),
        ValueError,
        ("projection 'a_to_bb'", "population 'bb'", "did you mean 'b'", "'a', 'b'"),
    ),
    Bad(
        "an unknown presynaptic population",
        lambda: jsnn.Network([A, B], [link("x", "b")]),
        ValueError,
        ("projection 'x_to_b'", "population 'x'", "known: 'a', 'b'"),
    ),
    Bad(
        "a source for nobody",
        lambda: jsnn.Network([A], sources=[jsnn.CurrentSource("dc", "z", jsnn.CONSTANT)]),
        ValueError,
        ("current source 'dc'", "population 'z'", "known: 'a'"),
    ),
    Bad(
        "a name given twice",
        lambda: jsnn.Network([A, A]),
        ValueError,
        ("'a'", "more than once", "unique"),
    ),
    Bad(
        "two projections of one name",
        lambda: jsnn.Network([A, B], [link(), link()]),
        ValueError,
        ("'a_to_b'", "more than once", "`name`"),
    ),
    Bad("no populations", lambda: jsnn.Network([]), ValueError, ("no populations", "at least one")),
    Bad(
        "a projection among the populations",
        lambda: jsnn.Network([A, link()]),
        TypeError,
        ("populations", "Projection", "expected a Population"),
    ),
    Bad("a step of no time", lambda: jsnn.Network([A], dt=0.0), ValueError, ("dt", "0.0", "> 0")),
    Bad("a step back", lambda: jsnn.Network([A], dt=-1.0), ValueError, ("dt", "-1.0", "> 0")),
    Bad("a NaN step", lambda: jsnn.Network([A], dt=np.nan), ValueError, ("dt", "nan")),
    Bad(
        "steps of several lengths",
        lambda: jsnn.Network([A], dt=np.ones(6, F32)),
        ValueError,
        ("dt", "expected one time"),
    ),
    Bad("a step in words", lambda: jsnn.Network([A], dt="1 ms"), TypeError, ("dt", "1 ms")),
]

WRONG_RUNS = [
    Bad(
        "an unknown population in a drive",
        lambda: simulated({"layer00": IMAGES[0]}),
        ValueError,
        ("drive", "'layer00'", "did you mean 'layer0'", "'layer2'"),
    ),
    Bad(
        "a drive that is an array",
        lambda: simulated(IMAGES[0]),
        TypeError,
        ("drive", "ndarray", "expected a dict"),
    ),
    Bad(
        "an image of the wrong size",
        lambda: simulated({"layer0": IMAGES[0][:5]}),
        ValueError,
        ("drive of 'layer0'", r"\(5,\)", r"\(6,\)"),
    ),
    Bad(
        "a batch of images without vmap",
        lambda: simulated({"layer0": IMAGES}),
        ValueError,
        ("drive of 'layer0'", r"\(7, 6\)", r"\(6,\)", r"jax\.vmap"),
    ),
    Bad(
        "a changing drive of the wrong length",
        lambda: simulated({"layer0": jsnn.over_time(np.ones((3, 6), F32))}),
        ValueError,
        ("drive of 'layer0'", r"\(3, 6\)", "4 values along its first axis", "one for each step"),
    ),
    Bad(
        "a changing drive for one step",
        lambda: jsnn.step(NET, STATE, {"layer0": np.ones((3, 6), F32)}),
        ValueError,
        ("drive of 'layer0'", r"\(3, 6\)", r"\(6,\)"),
    ),
    Bad(
        "an image of bytes",
        lambda: simulated({"layer0": np.ones(6, np.uint8)}),
        TypeError,
        ("drive of 'layer0'", "uint8", "expected float32"),
    ),
    Bad(
        "an image of float64",
        lambda: simulated({"layer0": np.ones(6)}),
        TypeError,
        ("drive of 'layer0'", "float64", "expected float32", "astype"),
    ),
    Bad(
        "an image with a NaN",
        lambda: simulated({"layer0": spoilt(IMAGES[0], (3,), np.nan)}),
        ValueError,
        ("drive of 'layer0'", "1 of 6", r"nan at index \(3,\)", "expected finite"),
    ),
    Bad(
        "a current in words",
        lambda: simulated({"layer0": "much"}),
        TypeError,
        ("drive of 'layer0'", "'much'", "expected a number"),
    ),
    Bad(
        "no current",
        lambda: simulated({"layer0": None}),
        TypeError,
        ("drive of 'layer0'", "None", "expected a number"),
    ),
    Bad(
        "parameters for a population",
        lambda: simulated({"layer0": {"magnitude": 1.0}}),
        ValueError,
        ("drive of 'layer0'", "unknown input or parameter 'magnitude'", "known: 'current'"),
    ),
    Bad(
        "a current for a source",
        lambda: simulated({"noise": np.ones(4, F32)}, network=NOISY, key=KEY),
        TypeError,
        ("drive of 'noise'", "ndarray", "expected a dict"),
    ),
    Bad(
        "a misspelt parameter of a source in a drive",
        lambda: simulated({"noise": {"men": 1.0}}, network=NOISY, key=KEY),
        ValueError,
        ("drive of 'noise'", "'men'", "did you mean 'mean'"),
    ),
    Bad(
        "a parameter of a source of the wrong length in a drive",
        lambda: simulated({"noise": {"mean": np.ones(3, F32)}}, network=NOISY, key=KEY),
        ValueError,
        ("drive of 'noise'", "'mean'", r"\(3,\)", r"\(4,\)"),
    ),
    Bad(
        "no steps",
        lambda: simulated({}, 0),
        ValueError,
        ("num_steps", "given 0", ">= 1"),
    ),
    Bad("negative steps", lambda: simulated({}, -3), ValueError, ("num_steps", "-3", ">= 1")),
    Bad(
        "more steps than an int32 counts",
        lambda: simulated({}, 2**31),
        ValueError,
        ("num_steps", "2147483648", "<= 2147483647"),
    ),
    Bad(
        "a state that cannot count the steps",
        lambda: simulated({}, 10, state=dataclasses.replace(STATE, step=LATE)),
        ValueError,
        (r"state\.step", "2147483643 before 10 steps", "<= 2147483647", "new count"),
    ),
    Bad("half a step", lambda: simulated({}, 2.5), TypeError, ("num_steps", "2.5", "integer")),
    Bad(
        "a bool of steps", lambda: simulated({}, True), TypeError, ("num_steps", "True", "integer")
    ),
    *[
        Bad(
            f"a spike of {value}",
            lambda value=value: simulated({"layer0": value}, network=SPIKING),
            ValueError,
            ("drive of 'layer0'", f"given {value:g}", "expected spikes, 0 or 1", "SPIKE_SOURCE"),
        )
        for value in (0.5, 3, -1)
    ],
    Bad(
        "a spike of 2 in a time course",
        lambda: simulated(
            {"layer0": jsnn.over_time(spoilt(np.ones((4, 6), F32), (3, 1), 2.0))}, network=SPIKING
        ),
        ValueError,
        ("drive of 'layer0'", "given 2", "expected spikes, 0 or 1"),
    ),
    Bad(
        "a missing key",
        lambda: simulated({}, network=NOISY),
        ValueError,
        ("key", "None", r"jax\.random\.key", "'noise'"),
    ),
    Bad(
        "a missing key: sources that draw nothing are not blamed",
        lambda: simulated({}, network=NOISY),
        ValueError,
        (r"^(?!.*'film')",),
    ),
    Bad(
        "an old key",
        lambda: simulated({}, network=NOISY, key=np.zeros(2, np.uint32)),
        TypeError,
        ("key", "uint32", r"expected .*jax\.random\.key"),
    ),
    Bad(
        "a seed in place of a key",
        lambda: simulated({}, network=NOISY, key=7),
        TypeError,
        ("key", "int", r"expected .*jax\.random\.key"),
    ),
    Bad(
        "many keys at once",
        lambda: simulated({}, network=NOISY, key=KEYS),
        ValueError,
        ("key", r"\(3,\)", "expected"),
    ),
    Bad(
        "a key whose numbers depend on the batch size",
        lambda: simulated({}, network=NOISY, key=RBG_KEY),
        ValueError,
        ("key", "given a key of rbg", "expected one of threefry2x32", "impl="),
    ),
    Bad(
        "a key whose numbers depend on the batch size, in a state",
        lambda: simulated({}, state=dataclasses.replace(STATE, key=RBG_KEY)),
        ValueError,
        ("key", "given a key of rbg", "expected one of threefry2x32"),
    ),
    Bad(
        "a key beside a state",
        lambda: simulated({}, state=STATE, key=KEY),
        ValueError,
        ("key", "state", "expected one"),
    ),
    Bad(
        "something else as a state",
        lambda: simulated({}, state={"v": 0}),
        TypeError,
        ("state", "dict", r"expected a (jsnn\.)?State"),
    ),
    Bad(
        "the state of another network",
        lambda: simulated({}, state=OTHER_STATE),
        ValueError,
        ("state", "layer1", r"float32\[9\]", r"expected float32\[5\]"),
    ),
    Bad(
        "a state of float64",
        lambda: simulated({}, state=jax.tree.map(lambda x: np.asarray(x, float), STATE)),
        ValueError,
        ("state", "float64", "expected"),
    ),
]

KEYS = jax.random.split(KEY, 3)
RBG_KEY = jax.random.key(0, impl="rbg")
OTHER_STATE = jsnn.init(jsnn.feedforward(random_weights(0, (6, 9, 3)), jsnn.IF))


def recorded(**record: Any) -> Any:
    return simulated({"layer0": IMAGES[0]}, record=record)


WRONG_RECORDINGS = [
    Bad(
        "an unknown population in a recording",
        lambda: recorded(raster=jsnn.Spikes("layer9")),
        ValueError,
        ("recording 'raster'", "population 'layer9'", "known: 'layer0'"),
    ),
    *[
        Bad(
            f"an unknown population in a {type(recording).__name__}",
            lambda recording=recording: recorded(kept=recording),
            ValueError,
            ("recording 'kept'", "unknown population", "'out'", "known: 'layer0'"),
        )
        for recording in (
            jsnn.SpikeCount("out"),
            jsnn.FirstSpike("out"),
            jsnn.MaxVariable("out"),
            jsnn.Variable("out"),
        )
    ],
    Bad(
        "an unknown variable",
        lambda: recorded(trace=jsnn.Variable("layer1", variable="u")),
        ValueError,
        ("recording 'trace'", "'layer1'", "variable 'u'", "known: 'v'"),
    ),
    Bad(
        "an unknown variable of a maximum",
        lambda: recorded(peak=jsnn.MaxVariable("layer1", "u")),
        ValueError,
        ("recording 'peak'", "'layer1'", "variable 'u'", "known: 'v'"),
    ),
    Bad(
        "a neuron beyond the population",
        lambda: recorded(raster=jsnn.Spikes("layer1", neurons=[0, 5])),
        ValueError,
        ("recording 'raster'", "neuron 5", "'layer1'", "0 to 4"),
    ),
    Bad(
        "a negative neuron",
        lambda: recorded(raster=jsnn.Spikes("layer1", neurons=[-1])),
        ValueError,
        ("recording", "-1", "'layer1'", "expected .*(0 to 4|>= 0)"),
    ),
    Bad(
        "half a neuron",
        lambda: jsnn.Spikes("layer1", neurons=[1.5]),
        TypeError,
        ("'layer1'", "neurons", "1.5", "expected"),
    ),
    Bad(
        "a mask in place of neurons",
        lambda: jsnn.Spikes("layer1", neurons=np.array([True, False, True, False, False])),
        TypeError,
        ("'layer1'", "neurons", "expected"),
    ),
    Bad(
        "one number in place of neurons",
        lambda: jsnn.Spikes("layer1", neurons=3),
        TypeError,
        ("'layer1'", "neurons", "3", "expected"),
    ),
    Bad(
        "every 0 steps",
        lambda: jsnn.Spikes("layer1", every=0),
        ValueError,
        ("'layer1', every", "0", ">= 1"),
    ),
    Bad(
        "every half a step",
        lambda: jsnn.Variable("layer1", every=0.5),
        TypeError,
        ("'layer1', every", "0.5", "integer"),
    ),
    Bad(
        "a name in place of a recording",
        lambda: recorded(raster="layer1"),
        TypeError,
        ("recording 'raster'", "given the name 'layer1'", r"expected .*jsnn\.Spikes"),
    ),
    Bad(
        "a recording without its population",
        lambda: recorded(count=jsnn.SpikeCount),
        TypeError,
        ("recording 'count'", "expected"),
    ),
    Bad(
        "recordings without names",
        lambda: simulated({}, record=[jsnn.Spikes("layer0")]),
        TypeError,
        ("record", "list", "expected a dict"),
    ),
    Bad(
        "a number as the name of a recording",
        lambda: simulated({}, record={1: jsnn.Spikes("layer0"), "a": jsnn.Spikes("layer0")}),
        TypeError,
        ("record", "name 1", "expected a string"),
    ),
    Bad(
        "more to record than there is memory",
        lambda: simulated(
            {}, 2**31 - 1, record={f"v{i}": jsnn.Variable("layer1") for i in range(1000)}
        ),
        ValueError,
        (
            "record",
            r"4\.29e\+04 GB",
            "being the largest",
            "memory of this machine",
            "every=",
        ),
    ),
    Bad(
        "bytes of an unknown population",
        lambda: jsnn.recorded_bytes(NET, {"raster": jsnn.Spikes("out")}, 4),
        ValueError,
        ("recording 'raster'", "population 'out'"),
    ),
    Bad(
        "bytes of no steps",
        lambda: jsnn.recorded_bytes(NET, {"raster": jsnn.Spikes("layer0")}, 0),
        ValueError,
        ("num_steps", "0", ">= 1"),
    ),
    Bad(
        "bytes of no presentations",
        lambda: jsnn.recorded_bytes(NET, {"raster": jsnn.Spikes("layer0")}, 4, num_presentations=0),
        ValueError,
        ("num_presentations", "0", ">= 1"),
    ),
    Bad(
        "events without room",
        lambda: jsnn.SpikeEvents("layer0", 0),
        ValueError,
        ("recording of 'layer0', capacity", "given 0", ">= 1"),
    ),
    Bad(
        "events without a capacity",
        lambda: simulated({}, record={"raster": jsnn.SpikeEvents("layer0")}),
        ValueError,
        ("recording of 'layer0', capacity", "given None", "simulate_in_blocks needs none"),
    ),
    Bad(
        "events of an unknown population",
        lambda: simulated({}, record={"raster": jsnn.SpikeEvents("out", 10)}),
        ValueError,
        ("recording 'raster'", "population 'out'", "known: 'layer0'"),
    ),
    Bad(
        "events of a neuron that does not exist",
        lambda: simulated({}, record={"raster": jsnn.SpikeEvents("layer0", 10, neurons=[6])}),
        ValueError,
        ("recording 'raster'", "neuron 6 of 'layer0'", "expected 0 to 5"),
    ),
    Bad(
        "a batch in place of one raster",
        lambda: jsnn.spike_list(np.zeros((2, 3, 4), bool)),
        ValueError,
        ("spike_list", r"\(2, 3, 4\)", r"\[num_steps, N\]"),
    ),
    Bad(
        "potentials in place of spikes",
        lambda: jsnn.spike_list(np.full((4, 2), -65.0)),
        ValueError,
        ("spike_list", "given -65.0", "expected spikes, 0 or 1"),
    ),
]


def in_blocks(**given: Any) -> Any:
    arguments: dict[str, Any] = {"network": NET, "drive": {}, "num_steps": 10, "steps_per_block": 4}
    return jsnn.simulate_in_blocks(**arguments | given)


WRONG_BLOCKS = [
    Bad("no steps", lambda: in_blocks(num_steps=0), ValueError, ("num_steps", "given 0", ">= 1")),
    Bad(
        "blocks without steps",
        lambda: in_blocks(steps_per_block=0),
        ValueError,
        ("steps_per_block", "given 0", ">= 1"),
    ),
    Bad(
        "half a block from one save to the next",
        lambda: in_blocks(blocks_per_save=0.5),
        TypeError,
        ("blocks_per_save", "given 0.5", "expected an integer"),
    ),
    Bad(
        "a recording that straddles blocks",
        lambda: in_blocks(record={"v": jsnn.Variable("layer1", every=3)}),
        ValueError,
        ("recording 'v'", "every=3", "divisor of steps_per_block", "4"),
    ),
    Bad(
        "a list to take the records",
        lambda: in_blocks(on_block=[]),
        TypeError,
        ("on_block", "given list", "expected a function"),
    ),
    Bad(
        "a number as the directory",
        lambda: in_blocks(directory=3),
        TypeError,
        ("directory", "given int", "expected a path"),
    ),
    Bad(
        "a time course of one block",
        lambda: in_blocks(drive={"layer0": jsnn.over_time(np.zeros(4, F32))}),
        ValueError,
        ("drive of 'layer0'", r"\(4,\)", "expected 10 values"),
    ),
    Bad(
        "a key beside a state",
        lambda: in_blocks(state=STATE, key=KEY),
        ValueError,
        ("key", "together with a state"),
    ),
    Bad(
        "blocks inside jit",
        lambda: jax.jit(lambda current: in_blocks(drive={"layer0": current}))(F32(1)),
        TypeError,
        ("simulate_in_blocks", "jax.jit", "jsnn.simulate"),
    ),
    Bad(
        "more records than memory",
        lambda: in_blocks(
            num_steps=2**31 - 1,
            record={"v": jsnn.Variable("layer0")}
            | {f"v{i}": jsnn.Variable("layer0", neurons=[0] * 3000 + [i]) for i in range(6)},
        ),
        ValueError,
        ("record", "recordings", "memory of this machine"),
    ),
]

WRONG_EVALUATIONS = [
    Bad(
        "labels outside the classes",
        lambda: evaluated(labels=spoilt(LABELS, (4,), 3)),
        ValueError,
        ("labels", "3 at index 4", "0 to 2"),
    ),
    Bad(
        "a negative label",
        lambda: evaluated(labels=spoilt(LABELS, (0,), -1)),
        ValueError,
        ("labels", "-1 at index 0", "0 to 2"),
    ),
    Bad(
        "labels that are no integers",
        lambda: evaluated(labels=LABELS.astype(F32)),
        TypeError,
        ("labels", "float32", "expected integers"),
    ),
    Bad(
        "one-hot labels",
        lambda: evaluated(labels=np.eye(3, dtype=int)[LABELS]),
        TypeError,
        ("labels", r"\(7, 3\)", r"\(n,\)"),
    ),
    Bad(
        "fewer labels than images",
        lambda: evaluated(labels=LABELS[:5]),
        ValueError,
        ("layer0", r"\(7, 6\)", r"\(5, \.\.\.\)", "label"),
    ),
    Bad(
        "an empty data set",
        lambda: evaluated(drives={"layer0": IMAGES[:0]}, labels=LABELS[:0]),
        ValueError,
        ("empty", "expected at least one"),
    ),
    Bad(
        "an empty data set as a list",
        lambda: evaluated(drives={"layer0": IMAGES[:0]}, labels=[]),
        ValueError,
        ("empty", "expected at least one"),
    ),
    Bad(
        "images of the wrong size",
        lambda: evaluated(drives={"layer0": IMAGES[:, :5]}),
        ValueError,
        ("drive.*layer0", r"\(5,\)", r"\(6,\)"),
    ),
    Bad(
        "images of bytes",
        lambda: evaluated(drives={"layer0": np.ones((7, 6), np.uint8)}),
        TypeError,
        ("drive.*layer0", "uint8", "expected float32"),
    ),
    Bad(
        "images of float64",
        lambda: evaluated(drives={"layer0": np.ones((7, 6))}),
        TypeError,
        ("drive.*layer0", "float64", "expected float32"),
    ),
    Bad(
        "one NaN in one image",
        lambda: evaluated(drives={"layer0": spoilt(IMAGES, (5, 2), np.nan)}),
        ValueError,
        ("layer0", "1 of 42", r"nan at index \(5, 2\)", "expected finite"),
    ),
    Bad(
        "an unknown population in drives",
        lambda: evaluated(drives={"input": IMAGES}),
        ValueError,
        ("drive", "'input'", "known: 'layer0'"),
    ),
    Bad(
        "drives that are an array",
        lambda: evaluated(drives=IMAGES),
        TypeError,
        ("drives", "ndarray", "expected a dict"),
    ),
    Bad(
        "drives that are a list",
        lambda: evaluated(drives=[IMAGES]),
        TypeError,
        ("drives, batch 0", "ndarray", "expected a dict"),
    ),
    Bad(
        "an unknown population of a readout",
        lambda: evaluated(readout=jsnn.spike_count("output")),
        ValueError,
        ("readout", "population 'output'", "known: 'layer0'"),
    ),
    Bad(
        "an unknown variable of a readout",
        lambda: evaluated(readout=jsnn.max_voltage("layer2", "u")),
        ValueError,
        ("readout|answer", "variable 'u'", "known: 'v'"),
    ),
    Bad(
        "a name in place of a readout",
        lambda: evaluated(readout="layer2"),
        TypeError,
        ("readout", "str", "expected"),
    ),
    Bad(
        "an unknown population in a recording of an evaluation",
        lambda: evaluated(record={"raster": jsnn.Spikes("output")}),
        ValueError,
        ("recording 'raster'", "population 'output'"),
    ),
    Bad(
        "recordings of an evaluation without names",
        lambda: evaluated(record=[jsnn.Spikes("layer0")]),
        TypeError,
        ("record", "list", "expected a dict"),
    ),
    Bad("no batch", lambda: evaluated(batch_size=0), ValueError, ("batch_size", "0", ">= 1")),
    Bad(
        "a negative batch",
        lambda: evaluated(batch_size=-5),
        ValueError,
        ("batch_size", "-5", ">= 1"),
    ),
    Bad(
        "half a batch",
        lambda: evaluated(batch_size=2.5),
        TypeError,
        ("batch_size", "2.5", "integer"),
    ),
    Bad("no steps", lambda: evaluated(num_steps=0), ValueError, ("num_steps", "0", ">= 1")),
    Bad("negative steps", lambda: evaluated(num_steps=-1), ValueError, ("num_steps", "-1", ">= 1")),
    Bad(
        "more steps than an int32 counts",
        lambda: evaluated(num_steps=2**31),
        ValueError,
        ("num_steps", "2147483648", "<= 2147483647"),
    ),
    Bad(
        "a missing key",
        lambda: evaluated(network=NOISY, drives={}, readout=jsnn.spike_count("a")),
        ValueError,
        ("key", "None", "'noise'"),
    ),
    Bad(
        "a key whose numbers depend on the batch size",
        lambda: evaluated(
            network=NOISY,
            drives={},
            readout=jsnn.spike_count("a"),
            key=RBG_KEY,
        ),
        ValueError,
        ("key", "given a key of rbg", "expected one of threefry2x32"),
    ),
    Bad(
        "a seed in place of a key",
        lambda: evaluated(network=NOISY, drives={}, readout=jsnn.spike_count("a"), key=3),
        TypeError,
        ("key", "int", r"expected .*jax\.random\.key"),
    ),
    Bad(
        "ragged labels",
        lambda: evaluated(labels=[[0], [1, 2]]),
        TypeError,
        ("labels", "different lengths", r"integers of shape \(n,\)"),
    ),
    Bad(
        "no devices",
        lambda: evaluated(devices=[]),
        ValueError,
        ("devices", r"given \[\]", "at least one", r"jax\.devices\(\)"),
    ),
    Bad(
        "divide, divided already",
        lambda: jsnn.divide(DIVIDED),
        ValueError,
        ("divide", "divided already", "expected a whole one"),
    ),
    Bad(
        "divide, nothing to divide",
        lambda: jsnn.divide(jsnn.Network([A])),
        ValueError,
        ("divide", "without Sparse or Dense", "expected one"),
    ),
    Bad(
        "divide, inside jit",
        lambda: jax.jit(jsnn.divide)(NET),
        TypeError,
        ("divide", "inside jax.jit", "expected a call outside"),
    ),
    Bad(
        "divide, a device twice",
        lambda: jsnn.divide(NET, jax.devices()[:1] * 2),
        ValueError,
        ("devices", "expected at least one, and each once"),
    ),
    Bad(
        "divide, neurons that look at others",
        lambda: jsnn.divide(
            jsnn.Network(
                [pop(model=MEAN_FIELD)], [link("a", "a", jsnn.Dense(np.ones((6, 6), F32)))]
            )
        ),
        ValueError,
        ("population 'a'", "may depend on others", "expected models that work on each neuron"),
    ),
    Bad(
        "divide, learning that cannot be divided",
        lambda: jsnn.divide(
            jsnn.Network(
                [A],
                [
                    link(
                        "a",
                        "a",
                        jsnn.OneToOne(np.ones(6, F32)),
                        plasticity=jsnn.Plasticity(jsnn.STDP),
                    )
                ],
            )
        ),
        ValueError,
        ("projection 'a_to_a'", "OneToOne", "learn", "expected Sparse or Dense"),
    ),
    Bad(
        "divide, delays of procedural synapses",
        lambda: jsnn.divide(
            jsnn.Network(
                [A],
                [
                    link(
                        "a",
                        "a",
                        jsnn.Procedural.fixed_out_degree(
                            KEY, 6, 6, 2, 1.0, delay=jsnn.initializers.uniform(1, 4)
                        ),
                    )
                ],
            )
        ),
        ValueError,
        ("projection 'a_to_a'", "Procedural", "have delays", "expected Sparse or Dense"),
    ),
    Bad(
        "divide, axonal parts of each synapse",
        lambda: jsnn.divide(
            jsnn.Network(
                [A],
                [
                    link(
                        "a",
                        "a",
                        jsnn.Sparse([0], [1], np.ones(1, F32), 6, 6, [2], axonal=[1]),
                        plasticity=jsnn.Plasticity(jsnn.STDP),
                    )
                ],
            )
        ),
        ValueError,
        ("divide", "projection 'a_to_a'", "one projection for each axonal part"),
    ),
    Bad(
        "divide, then evaluate",
        lambda: evaluated(network=DIVIDED),
        ValueError,
        ("evaluate", "divided over devices", "expected a whole one"),
    ),
    Bad(
        "divide, then other weights",
        lambda: DIVIDED.with_params({"layer0_to_layer1": {"weights": WEIGHTS[0]}}),
        TypeError,
        ("layer0_to_layer1", "Divided", "before jsnn.divide"),
    ),
    Bad(
        "a device twice",
        lambda: evaluated(devices=jax.devices()[:1] * 2),
        ValueError,
        ("devices", "each once"),
    ),
    Bad(
        "one device in place of a list",
        lambda: evaluated(devices=jax.devices()[0]),
        TypeError,
        ("devices", "CpuDevice", "expected a list"),
    ),
    Bad(
        "a recording of an evaluation with a number as its name",
        lambda: evaluated(record={1: jsnn.SpikeCount("layer0"), "a": jsnn.SpikeCount("layer0")}),
        TypeError,
        ("record", "name 1", "expected a string"),
    ),
    Bad(
        "a recording with the name of one of evaluate's own",
        lambda: evaluated(record={"answer of evaluate": jsnn.SpikeCount("layer0")}),
        ValueError,
        ("record", "'answer of evaluate'", "another"),
    ),
    Bad(
        "more to record of all presentations than there is memory",
        lambda: evaluated(
            num_steps=2**31 - 1,
            record={f"v{i}": jsnn.Variable("layer1") for i in range(1000)},
        ),
        ValueError,
        (
            "record",
            r"3\.01e\+05 GB",
            "'v0'",
            "memory of this machine",
            "every=",
            "neurons=",
        ),
    ),
    Bad(
        "a readout of another population",
        lambda: jsnn.Readout("layer2", jsnn.SpikeCount("layer1"), np.argmax),
        ValueError,
        ("readout, recording", "'layer1'", "expected 'layer2'"),
    ),
    Bad(
        "too few steps for a readout",
        lambda: evaluated(readout=dataclasses.replace(READOUT, least_steps=5)),
        ValueError,
        ("num_steps", "given 4", "at least 5", "readout of 'layer2'"),
    ),
    Bad(
        "too many steps for a readout",
        lambda: evaluated(readout=dataclasses.replace(READOUT, most_steps=3)),
        ValueError,
        ("num_steps", "given 4", "at most 3", "readout of 'layer2'"),
    ),
    Bad(
        "half a spike in a later presentation",
        lambda: evaluated(network=SPIKING, drives={"layer0": spoilt(SPIKES, (5, 1), 0.5)}),
        ValueError,
        ("drives, presentation 5", "'layer0'", "given 0.5", "expected spikes, 0 or 1"),
    ),
    Bad(
        "a deviation below zero in a later presentation",
        lambda: evaluated(**with_deviations(spoilt(np.ones(7, F32), (3,), -2.0))),
        ValueError,
        ("drives, presentation 3", "'input'", "'sd'", "given -2.0", "expected a number >= 0"),
    ),
    Bad(
        "a deviation below zero in one neuron and one step of a later presentation",
        lambda: evaluated(
            **with_deviations(jsnn.over_time(spoilt(np.ones((7, 4, 6), F32), (3, 2, 1), -2.0)))
        ),
        ValueError,
        ("drives, presentation 3", "'input'", "'sd'", "given -2.0", "expected a number >= 0"),
    ),
]

WRONG_FLAGS = [
    Bad(
        f"{function.__name__}, {flag}",
        lambda function=function, arguments=arguments, flag=flag: function(
            *arguments, **{flag: "no"}
        ),
        TypeError,
        (function.__name__, flag, "given 'no'; expected True or False"),
    )
    for function, arguments, flags in (
        (jsnn.simulate, (NET, {}, 4), ("scheduled", "check_finite")),
        (jsnn.simulate_in_blocks, (NET, {}, 4), ("progress", "scheduled")),
        (
            jsnn.evaluate,
            (NET, {"layer0": IMAGES}, LABELS, 4, READOUT),
            ("scheduled", "progress"),
        ),
        (jsnn.Sparse, ([0], [1], np.ones(1, F32), 4, 4), ("multapses",)),
        (jsnn.fixed_probability, (KEY, 4, 4, 0.5, 1.0), ("autapses",)),
        (jsnn.fixed_in_degree, (KEY, 4, 4, 2, 1.0), ("autapses", "replace")),
        (jsnn.fixed_out_degree, (KEY, 4, 4, 2, 1.0), ("autapses", "replace")),
        (jsnn.fixed_total, (KEY, 4, 4, 2, 1.0), ("autapses", "replace")),
        (conversion.recipes.qcfs, (), ("signed",)),
        (conversion.recipes.rueckauer_2017, (), ("per_channel",)),
        (conversion.percentile, (), ("per_channel",)),
        (conversion.least_error, (4,), ("per_channel",)),
        (conversion.signed_digits, (4,), ("eager",)),
    )
    for flag in flags
]
SPIKING = jsnn.Network(
    [jsnn.Population("layer0", 6, jsnn.SPIKE_SOURCE), jsnn.Population("layer2", 3, jsnn.IF)],
    [jsnn.Projection("layer0", "layer2", jsnn.Dense(random_weights(0, (6, 3))[0]))],
)
SPIKES = np.ones((7, 6), F32)
DRIVEN = jsnn.Network(
    SPIKING.populations, sources=[jsnn.CurrentSource("input", "layer0", jsnn.GAUSSIAN_NOISE)]
)


def with_deviations(sd: Any) -> dict[str, Any]:
    return {"network": DRIVEN, "drives": {"input": {"sd": sd}}, "key": KEY}


TABLES = {
    "weights": WRONG_WEIGHTS,
    "array": WRONG_ARRAYS,
    "map": WRONG_MAPS,
    "parts": WRONG_PARTS,
    "run": WRONG_RUNS,
    "record": WRONG_RECORDINGS,
    "blocks": WRONG_BLOCKS,
    "evaluate": WRONG_EVALUATIONS,
    "flag": WRONG_FLAGS,
}
ALL = [pytest.param(bad, id=f"{t}: {bad.name}") for t, table in TABLES.items() for bad in table]


@pytest.fixture(autouse=True, scope="module")
def programs_of_inputs() -> None:
    """Compile what makes arrays, keys and states of the given numbers, and runs nothing."""
    jnp.asarray([1.0, 2.0], jnp.float32)
    jax.random.key(0)
    jsnn.init(NET)
    jsnn.init(SPARSE)


@pytest.mark.parametrize("bad", ALL)
def test_bad_input_is_named_before_anything_compiles(bad: Bad, compilations) -> None:
    with compilations() as compiled, pytest.raises(bad.error) as caught:
        bad.act()
    for pattern in bad.says:
        assert re.search(pattern, str(caught.value)), f"{pattern!r} is not in: {caught.value}"
    assert compiled == []


def test_the_same_input_made_good_is_accepted() -> None:
    state, _ = simulated({"layer0": IMAGES[0]}, record={"n": jsnn.SpikeCount("layer2")})
    assert state.step == 4
    assert len(evaluated(num_steps=20).predictions) == 7
    network = jsnn.Network([A, B], [link()], dt=jnp.float32(0.5))
    assert simulated({"a": IMAGES[0]}, network=network)[0].step == 4
