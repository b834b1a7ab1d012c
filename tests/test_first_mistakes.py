"""Mistakes of a first hour: the message holds the line to write, and that line works."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import pytest

import jsnn
from tests.networks import F32

T, N = 10, 6
NETWORK = jsnn.feedforward([np.ones((N, 5), F32), np.ones((5, 3), F32)], jsnn.IF)
CELLS = jsnn.Population("cells", N, jsnn.LIF)
NOISY = jsnn.Network([CELLS], [], [jsnn.CurrentSource("noise", "cells", jsnn.GAUSSIAN_NOISE)])
LEARNING = jsnn.Network(
    [CELLS],
    [
        jsnn.Projection(
            *("cells", "cells", jsnn.Dense(np.zeros((N, N), F32))),
            plasticity=jsnn.Plasticity(jsnn.STDP),
        )
    ],
)
SHARING = jsnn.Network(
    [CELLS],
    [
        *LEARNING.projections,
        jsnn.Projection("cells", "cells", jsnn.Shared(LEARNING.projections[0]), name="shared"),
    ],
)
GIVEN = jsnn.Network([jsnn.Population("given", 2, jsnn.SPIKE_SOURCE)])
LABELS = np.arange(7) % 3


def simulated(current: Any) -> Any:
    return jsnn.simulate(NETWORK, {"layer0": current}, T)


def over_time(values: Any) -> Any:
    return simulated(jsnn.over_time(values))


def recorded(record: Any) -> Any:
    return jsnn.simulate(NETWORK, {}, T, record=record)


def evaluated(labels: Any) -> Any:
    drives, readout = {"layer0": np.ones((7, N), F32)}, jsnn.max_voltage("layer2")
    return jsnn.evaluate(NETWORK, drives, labels, num_steps=T, readout=readout)


def run_for(num_steps: Any) -> Any:
    return jsnn.simulate(NETWORK, {}, num_steps)


def delayed(delay: Any) -> Any:
    return jsnn.Projection("a", "b", jsnn.Dense(np.ones((2, 2), F32)), delay=delay)


def nothing(result: Any) -> None:
    """Take the result of a line that runs by itself."""


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A value `x` that does not fit, and the line in the message that mends it.

    Attributes:
      name: of the mistake.
      x: the value.
      act: what is done with it.
      line: Python for the mended value, which the message holds.
      then: what is done with the mended value; as before by default.
    """

    name: str
    x: Any
    act: Callable[[Any], Any]
    line: str
    then: Callable[[Any], Any] | None = None


MISTAKES = [
    Mistake(
        "a batch of inputs",
        np.ones((7, N), F32),
        simulated,
        'jax.vmap(lambda x: jsnn.simulate(network, {"layer0": x}, 10))(x)',
        nothing,
    ),
    Mistake(
        "a batch of images",
        np.ones((7, 2, 3), F32),
        simulated,
        'jax.vmap(lambda x: jsnn.simulate(network, {"layer0": x}, 10))(x.reshape(7, 6))',
        nothing,
    ),
    Mistake(
        "a batch of inputs of one step",
        np.ones((7, N), F32),
        lambda x: jsnn.step(NETWORK, jsnn.init(NETWORK), {"layer0": x}),
        'jax.vmap(lambda x: jsnn.step(network, state, {"layer0": x}))(x)',
        nothing,
    ),
    Mistake("one number a step", np.ones(T, F32), simulated, "jsnn.over_time(x)"),
    Mistake("a number a step and neuron", np.ones((T, N), F32), simulated, "jsnn.over_time(x)"),
    Mistake("a column over time", np.ones((T, 1), F32), over_time, "np.broadcast_to(x, (10, 6))"),
    Mistake("a column over time, shared", np.ones((T, 1), F32), over_time, "x[:, 0]"),
    Mistake("time last", np.ones((N, T), F32), over_time, "x.T"),
    Mistake("float64 currents", np.ones(N), simulated, "x.astype(np.float32)"),
    Mistake("whole numbers of steps as a float", 100.0, run_for, "100"),
    Mistake("integer weights", np.ones((2, 2), int), jsnn.Dense, "np.asarray(x, np.float32)"),
    Mistake("one-hot labels", np.eye(3)[LABELS], evaluated, "labels.argmax(1)"),
    Mistake("labels as floats", LABELS.astype(float), evaluated, "labels.astype(int)"),
    Mistake(
        "labels in words",
        np.array(["a", "b", "c", "a", "b", "c", "a"]),
        evaluated,
        "np.unique(labels, return_inverse=True)[1]",
    ),
    Mistake("a delay in ms", 1.5, delayed, "jsnn.steps(ms, dt)"),
    Mistake("a time in ms", 1.5, run_for, "jsnn.steps(ms, dt)"),
    Mistake(
        "a list of names to record",
        ["layer0", "layer1"],
        recorded,
        '{"layer0": jsnn.Spikes("layer0"), "layer1": jsnn.Spikes("layer1")}',
    ),
    Mistake("one name to record", "layer0", recorded, '{"layer0": jsnn.Spikes("layer0")}'),
    Mistake(
        "one recording",
        jsnn.Variable("layer1", "v", neurons=[1], every=2),
        recorded,
        '{"layer1": jsnn.Variable("layer1", neurons=(1,), every=2)}',
    ),
    Mistake(
        "a list of recordings",
        [jsnn.Spikes("layer0"), jsnn.MaxVariable("layer1")],
        recorded,
        '{"layer0": jsnn.Spikes("layer0"), "layer1": jsnn.MaxVariable("layer1")}',
    ),
    Mistake(
        "a name as a recording",
        {"layer0": "layer0"},
        recorded,
        'jsnn.Spikes("layer0")',
        lambda spikes: recorded({"layer0": spikes}),
    ),
    Mistake("a seed", 3, lambda x: jsnn.simulate(NOISY, {}, 2, key=x), "jax.random.key(3)"),
    Mistake(
        "static weights to record",
        jsnn.Variable("layer0_to_layer1", "weight"),
        lambda x: recorded({"w": x}),
        "network.projection('layer0_to_layer1').connectivity.weights",
        nothing,
    ),
    Mistake(
        "spikes as a variable",
        jsnn.Variable("layer0", "spikes"),
        lambda x: recorded({"s": x}),
        "jsnn.Spikes('layer0')",
    ),
    Mistake(
        "a parameter without its population",
        {"v_thresh": 3.0},
        NETWORK.with_params,
        '{"layer0": {"v_thresh": value}}',
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_the_message_holds_a_line_that_works(mistake: Mistake) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        mistake.act(mistake.x)
    assert mistake.line in str(caught.value)
    names = {"jax": jax, "jsnn": jsnn, "np": np, "network": NETWORK, "state": jsnn.init(NETWORK)}
    names |= {"x": mistake.x, "labels": mistake.x, "ms": mistake.x, "dt": 0.5, "value": 3.0}
    (mistake.then or mistake.act)(eval(mistake.line, names))


def cells(*given: Any, **named: Any) -> Any:
    return jsnn.Population("cells", *given, **named)


def trained(**given: Any) -> Any:
    loss = jsnn.losses.cross_entropy(jsnn.max_voltage("layer2"))
    arguments: dict[str, Any] = {
        "drives": {"layer0": np.ones((7, N), F32)},
        "targets": LABELS,
        "num_steps": T,
        "loss": loss,
        "optimizer": optax.sgd(0.1),
        "epochs": 1,
        "batch_size": 7,
    }
    return jsnn.fit(NETWORK, **arguments | given)


def two_arguments(x: Any, current: Any) -> Any:
    """Take the arguments of other simulators."""
    return x


MESSAGES = [
    (lambda: cells((2, 3), jsnn.IF), "population 'cells', size: given (2, 3); expected the number"),
    (lambda: cells(6, "LIF"), "expected a NeuronModel, such as jsnn.LIF"),
    (
        lambda: cells(6, jsnn.LIF, {"v": -60.0}),
        "given 'v', which is a variable of the model",
    ),
    (
        lambda: cells(6, jsnn.LIF, {}, {"tau_m": 9.0}),
        "is a parameter of the model; expected it in",
    ),
    (
        lambda: jsnn.Network(CELLS),
        "network, populations: given Population; expected a list of",
    ),
    (lambda: jsnn.Network([CELLS], 0.1), "projections, sources, dt=dt)"),
    (lambda: jsnn.CurrentSource("n", CELLS, jsnn.CONSTANT), "a population's name, 'cells'"),
    (
        lambda: jsnn.CurrentSource("n", jsnn.CONSTANT, {}),
        "current source 'n', population: given",
    ),
    (lambda: jsnn.CurrentSource("n", "cells", jsnn.LIF), "such as jsnn.GAUSSIAN_NOISE"),
    (lambda: jsnn.Projection(CELLS, "b", None), "a population's name, 'cells'"),
    (
        lambda: jsnn.Projection("a", "b", np.ones((2, 2), F32)),
        "jsnn.Dense(weights), or",
    ),
    (lambda: jsnn.simulate(NETWORK, [1.0], 5), "such as {'layer0': current}, or {} for none"),
    (
        lambda: jsnn.simulate(NETWORK, {CELLS: 1.0}, 5),
        "given Population; expected a name, such as",
    ),
    (
        lambda: jsnn.simulate(NETWORK, {}, 5, state=(1, 2)),
        "the first of the two values",
    ),
    (lambda: simulated(lambda t: t), "of a function of time, jsnn.over_time(f(times))"),
    (lambda: simulated(np.ones((2, 3), F32)), "reshape it to (6,)"),
    (lambda: over_time(np.ones(N, F32)), "without over_time"),
    (lambda: over_time(np.ones((7, T, N), F32)), "jax.vmap runs a batch"),
    (lambda: jsnn.simulate(NOISY, {}, 5, key=jax.random.PRNGKey(0)), "not PRNGKey(seed)"),
    (lambda: trained(targets=np.eye(3)[LABELS]), "labels.argmax(1) of one-hot rows"),
    (lambda: trained(drives={"layer0": np.ones((7, N))}), "and weights of float64"),
    (lambda: jsnn.Dense(np.ones((2, 2))), 'jax.config.update("jax_enable_x64", True)'),
    (
        lambda: trained(num_steps=10.0),
        "fit, num_steps: given 10.0; expected an integer >= 1",
    ),
    (lambda: jsnn.losses.Loss(["layer0"], len), "loss, record: given a list of names; expected a"),
    (
        lambda: jsnn.simulate_in_blocks(NETWORK, {}, 5, record="layer0"),
        "record: given the name 'layer0'; expected a dict",
    ),
    (
        lambda: jsnn.simulate(NETWORK, {}, 5, record=["layer0"], check_finite=True),
        "record: given a list of names",
    ),
    (lambda: delayed("1.5 ms"), "delay: given '1.5 ms'; expected an integer, the number of steps"),
    (lambda: jsnn.Sparse([0], [1], 0.5, 2, 2), "(np.full(shape, x, np.float32))"),
    (lambda: jsnn.AllToAll(0.5, 2, 2), "(np.float32(x))"),
    (lambda: jsnn.Population("a", jsnn.LIF, 3), "given NeuronModel; expected an integer >= 1"),
    (
        lambda: jsnn.simulate(GIVEN, {"given": np.float32([0.5, 2.5, 7.0])}, T),
        "expected a scalar or (2,) (jsnn.encoding.trains_from_events makes spike trains",
    ),
    (lambda: jsnn.Spikes("a", neurons=3), "given 3; expected a sequence of indices, such as [0]"),
    (lambda: jsnn.Spikes("a", neurons=np.ones(2, bool)), "np.flatnonzero(mask)"),
    (
        lambda: jsnn.Network([cells(3, dataclasses.replace(jsnn.IF, update=two_arguments))]),
        "but 4 were given (help() of the class of the model lists its arguments)",
    ),
    (lambda: jsnn.feedforward({"a": np.ones((2, 2), F32)}, jsnn.IF), "given dict; expected a list"),
    (lambda: recorded(list("abcdef")), '"d": jsnn.Spikes("d"), ...}'),
    (
        lambda: recorded({"v": jsnn.Variable}),
        "given the class Variable; expected an instance",
    ),
    (
        lambda: recorded({"v": ["a"]}),
        "recording 'v': given list; expected one recording, such as",
    ),
    (
        lambda: recorded({"v": jsnn.MaxVariable(CELLS)}),
        "given Population; expected a name, such as",
    ),
    (
        lambda: recorded({"v": jsnn.Variable("layer9")}),
        "unknown population, projection or current",
    ),
    (lambda: recorded({"v": jsnn.Variable("layer0_to_layer1", "i")}), "variable 'i' (known: none)"),
    (
        lambda: jsnn.simulate(
            LEARNING, {}, 5, record={"w": jsnn.FinalVariable("cells_to_cells", "weights")}
        ),
        "'weights'; did you mean 'weight'? (known: 'weight', 'pre.trace', 'post.trace')",
    ),
    (
        lambda: jsnn.simulate(SHARING, {}, 5, record={"w": jsnn.Variable("shared", "weight")}),
        "or those of 'cells_to_cells', which learns the weights",
    ),
    (
        lambda: jsnn.simulate(
            LEARNING, {}, 5, record={"w": jsnn.Variable("cells_to_cells", "weight", neurons=[6])}
        ),
        "given 6; expected 0 to 5, indices along the last axis of 'weight' of 'cells_to_cells'",
    ),
    (
        lambda: jsnn.Readout("layer2", jsnn.FinalVariable("layer1"), len),
        "given one of 'layer1'; expected 'layer2'",
    ),
]


@pytest.mark.parametrize(("act", "says"), MESSAGES, ids=[says for _, says in MESSAGES])
def test_the_message_says_what_to_do(act: Callable[[], Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        act()
    assert says in str(caught.value)
