"""Every model against a formula from the textbook, in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.networks import CHARGE, F32, PROBE


@dataclass(frozen=True)
class Case:
    name: str
    measured: Callable[[], Any]
    expected: Any
    rtol: float = 0.0


def driven(
    model: jsnn.NeuronModel,
    current: np.ndarray,
    num_steps: int,
    *,
    dt: float = 1.0,
    variable: str = "v",
    params: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
) -> dict[str, np.ndarray]:
    """One population under a constant current: spikes and a variable, [T, N]."""
    current = np.asarray(current, F32)
    population = jsnn.Population("a", current.size, model, params or {}, variables or {})
    network = jsnn.Network([population], dt=dt)
    record = {"spikes": jsnn.Spikes("a"), "variable": jsnn.Variable("a", variable=variable)}
    return jsnn.simulate(network, {"a": current}, num_steps, record=record)[1]


def received(
    synapse: jsnn.SynapseModel,
    num_steps: int,
    *,
    weights: np.ndarray,
    dt: float = 1.0,
    model: jsnn.NeuronModel = CHARGE,
    variable: str = "q",
    params: dict[str, Any] | None = None,
) -> np.ndarray:
    """What one spike, emitted in step 0 and delayed by 1, does to the postsynaptic side: [T, N]."""
    network = jsnn.Network(
        [jsnn.Population("pre", 1, jsnn.IF), jsnn.Population("post", weights.size, model)],
        [jsnn.Projection("pre", "post", jsnn.Dense(weights[None]), synapse, params or {})],
        dt=dt,
    )
    once = np.zeros((num_steps, 1), F32)
    once[0] = 1 / dt
    record = {"post": jsnn.Variable("post", variable=variable), "pre": jsnn.Spikes("pre")}
    recorded = jsnn.simulate(network, {"pre": jsnn.over_time(once)}, num_steps, record=record)[1]
    assert recorded["pre"].sum() == 1
    return recorded["post"]


def from_source(
    model: jsnn.CurrentSourceModel, params: dict[str, Any], num_steps: int, size: int
) -> np.ndarray:
    """The current [T, N] that a source delivers."""
    network = jsnn.Network(
        [jsnn.Population("a", size, PROBE)],
        sources=[jsnn.CurrentSource("s", "a", model, params)],
    )
    record = {"current": jsnn.Variable("a", variable="current")}
    key = jax.random.key(0) if network.stochastic else None
    return jsnn.simulate(network, {}, num_steps, record=record, key=key)[1]["current"]


def first_and_period(spikes: np.ndarray) -> np.ndarray:
    """For each neuron the steps from rest to its first spike, and those between later ones."""
    result = []
    for column in np.asarray(spikes).T:
        steps = np.flatnonzero(column) + 1
        assert steps.size > 2
        periods = np.unique(np.diff(steps))
        assert periods.size == 1
        result.append([steps[0], periods[0]])
    return np.array(result)


CURRENTS = np.array([1 / 64, 3 / 64, 1 / 8, 5 / 16, 1.0, 1.5])
IF_PERIOD = np.ceil(1.25 / CURRENTS)
HALF_MS = np.ceil(1.25 / (CURRENTS * 0.5))

TAU, R, REST, RESET, THRESH, T_REF = 16.0, 8.0, -64.0, -72.0, -50.0, 3.0
LIF = {
    "tau_m": TAU,
    "r_m": R,
    "v_rest": REST,
    "v_reset": RESET,
    "v_thresh": THRESH,
    "tau_refrac": T_REF,
}
AT_REST = {"v": REST}
STRONG = np.array([2.0, 2.5, 3.0, 5.0, 11.0])
V_INF = REST + R * STRONG
WEAK = np.array([-1.0, 0.0, 0.5, 1.0, 1.7])


def lif_steps(start: float, dt: float) -> np.ndarray:
    """Steps from `start` to the threshold, by the solution of the membrane equation."""
    return np.ceil(TAU * np.log((V_INF - start) / (V_INF - THRESH)) / dt)


def lif_first_and_period(dt: float) -> np.ndarray:
    return np.stack([lif_steps(REST, dt), np.ceil(T_REF / dt) + lif_steps(RESET, dt)], axis=1)


def milliseconds(num_steps: int, dt: float) -> np.ndarray:
    return (np.arange(num_steps) + 1)[:, None] * dt


WEIGHTS = np.array([1.0, -0.5, 0.25], F32)
SYN_TAU = np.array([5.0, 2.0, 20.0], F32)
TABLE = np.arange(12, dtype=F32).reshape(4, 3) - 5


def lif_membrane(num_steps: int, dt: float) -> np.ndarray:
    return REST + R * WEAK * (1 - np.exp(-milliseconds(num_steps, dt) / TAU))


def exponential_charge(num_steps: int, dt: float) -> np.ndarray:
    """The spike of step 0 arrives at the start of step 1."""
    since = np.maximum(milliseconds(num_steps, dt) - dt, 0)
    return WEIGHTS * SYN_TAU * (1 - np.exp(-since / SYN_TAU))


def exponential_decay(num_steps: int, dt: float) -> np.ndarray:
    """The mean of w exp(-t / tau) over each step."""
    t = milliseconds(num_steps, dt) - 2 * dt
    mean = SYN_TAU * (np.exp(-t / SYN_TAU) - np.exp(-(t + dt) / SYN_TAU)) / dt
    return np.where(t >= 0, WEIGHTS * mean, 0)


CASES = [
    Case(
        "IF: first spike and period are ceil(thresh / (I dt))",
        lambda: first_and_period(
            driven(jsnn.IF, CURRENTS, 300, params={"v_thresh": 1.25})["spikes"]
        ),
        np.stack([IF_PERIOD, IF_PERIOD], axis=1),
    ),
    Case(
        "IF: the same with a step of 0.5 ms",
        lambda: first_and_period(
            driven(jsnn.IF, CURRENTS, 600, dt=0.5, params={"v_thresh": 1.25})["spikes"]
        ),
        np.stack([HALF_MS, HALF_MS], axis=1),
    ),
    Case(
        "IF: V grows by I dt below threshold",
        lambda: driven(jsnn.IF, CURRENTS, 9, dt=0.5, params={"v_thresh": 50.0})["variable"],
        milliseconds(9, 0.5) * CURRENTS,
    ),
    Case(
        "IF: V == v_thresh spikes",
        lambda: driven(jsnn.IF, np.array([0.25]), 8)["spikes"][:, 0],
        [False, False, False, True] * 2,
    ),
    Case(
        "IF: v_reset is where V goes",
        lambda: driven(jsnn.IF, np.array([1.0]), 3, params={"v_reset": -1.0})["variable"][:, 0],
        [-1.0, 0.0, -1.0],
    ),
    Case(
        "LIF: v_inf (1 - exp(-t / tau)) below threshold",
        lambda: driven(jsnn.LIF, WEAK, 80, params=LIF, variables=AT_REST)["variable"],
        lif_membrane(80, 1.0),
        rtol=1e-6,
    ),
    Case(
        "LIF: the solution does not depend on dt",
        lambda: driven(jsnn.LIF, WEAK, 640, dt=0.125, params=LIF, variables=AT_REST)["variable"],
        lif_membrane(640, 0.125),
        rtol=1e-5,
    ),
    Case(
        "LIF: i_offset adds to the current",
        lambda: driven(
            jsnn.LIF,
            np.zeros(5),
            80,
            params=LIF | {"i_offset": WEAK.astype(F32)},
            variables=AT_REST,
        )["variable"],
        lif_membrane(80, 1.0),
        rtol=1e-6,
    ),
    Case(
        "LIF: period is t_ref + tau ln((v_inf - v_reset) / (v_inf - v_thresh))",
        lambda: first_and_period(
            driven(jsnn.LIF, STRONG, 200, params=LIF, variables=AT_REST)["spikes"]
        ),
        lif_first_and_period(1.0),
    ),
    Case(
        "LIF: the same with a step of 0.25 ms",
        lambda: first_and_period(
            driven(jsnn.LIF, STRONG, 800, dt=0.25, params=LIF, variables=AT_REST)["spikes"]
        ),
        lif_first_and_period(0.25),
    ),
    Case(
        "LIF: without a refractory time the period is tau ln(...) alone",
        lambda: first_and_period(
            driven(jsnn.LIF, STRONG, 200, params=LIF | {"tau_refrac": 0.0}, variables=AT_REST)[
                "spikes"
            ]
        )[:, 1],
        lif_steps(RESET, 1.0),
    ),
    Case(
        "delta synapse: w for the one step in which the spike arrives",
        lambda: received(jsnn.DELTA, 5, weights=WEIGHTS, model=PROBE, variable="current"),
        np.outer([0, 1, 0, 0, 0], WEIGHTS),
    ),
    Case(
        "exponential synapse: the charge of a spike is w tau",
        lambda: received(jsnn.EXPONENTIAL, 400, weights=WEIGHTS, params={"tau": SYN_TAU})[-1],
        WEIGHTS * SYN_TAU,
        rtol=1e-5,
    ),
    Case(
        "exponential synapse: the charge does not depend on dt",
        lambda: received(jsnn.EXPONENTIAL, 1600, dt=0.25, weights=WEIGHTS, params={"tau": SYN_TAU})[
            -1
        ],
        WEIGHTS * SYN_TAU,
        rtol=1e-5,
    ),
    Case(
        "exponential synapse: charge grows as w tau (1 - exp(-t / tau))",
        lambda: received(jsnn.EXPONENTIAL, 40, weights=WEIGHTS, params={"tau": SYN_TAU}),
        exponential_charge(40, 1.0),
        rtol=1e-5,
    ),
    Case(
        "exponential synapse: the current is the mean of w exp(-t / tau) over the step",
        lambda: received(
            jsnn.EXPONENTIAL,
            40,
            dt=0.5,
            weights=WEIGHTS,
            params={"tau": SYN_TAU},
            model=PROBE,
            variable="current",
        ),
        exponential_decay(40, 0.5),
        rtol=1e-5,
    ),
    Case(
        "constant source: I = magnitude",
        lambda: from_source(jsnn.CONSTANT, {"magnitude": CURRENTS.astype(F32)}, 4, 6),
        np.tile(CURRENTS, (4, 1)),
    ),
    Case(
        "playback source: the table row by row, then 0",
        lambda: from_source(jsnn.PLAYBACK, {"currents": TABLE}, 7, 3),
        np.concatenate([TABLE, np.zeros((3, 3))]),
    ),
    Case(
        "playback source: one column is every neuron's",
        lambda: from_source(jsnn.PLAYBACK, {"currents": TABLE[:, :1]}, 5, 3),
        np.concatenate([np.tile(TABLE[:, :1], 3), np.zeros((1, 3))]),
    ),
    Case(
        "noise without variance is its mean",
        lambda: from_source(jsnn.GAUSSIAN_NOISE, {"mean": 0.75, "sd": 0.0}, 5, 3),
        np.full((5, 3), 0.75),
    ),
    Case(
        "Poisson input without rate is nothing",
        lambda: from_source(jsnn.POISSON_INPUT, {"rate": 0.0, "weight": 3.0}, 5, 3),
        np.zeros((5, 3)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_model_agrees_with_its_closed_form(case: Case) -> None:
    measured = np.asarray(case.measured())
    assert measured.shape == np.shape(case.expected)
    np.testing.assert_allclose(measured, case.expected, rtol=case.rtol, atol=case.rtol)
