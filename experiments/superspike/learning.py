"""Two layers of neurons learn spikes at given times, online: Zenke & Ganguli 2018."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np

import jsnn

SIZES = {"input": 100, "hidden": 100, "output": 10}
TRIAL, EARLIEST, APART, WITHIN = 500, 50, 20, 3  # ms, and steps
RATES = np.repeat(np.float32([1, 0.1, 0.01]), (200, 150, 50))  # of learning, in each trial
MEMBRANE = {"tau_m": 10.0, "r_m": 1.0, "v_rest": -60.0, "v_reset": -60.0, "v_thresh": -50.0}
SIGNALS = {"current": 0.0, "target": 0.0, "error": 0.0}
LEARNER = replace(
    jsnn.LIF,
    params=jsnn.LIF.params | MEMBRANE | {"tau_refrac": 5.0},
    variables={"v": -60.0, "refractory": 0.0} | SIGNALS,
    inputs=tuple(SIGNALS),
    update=lambda p, x, signals, dt: jsnn.LIF.update(p, x | signals, signals["current"], dt),
)
ERROR = replace(jsnn.BIEXPONENTIAL, sends=lambda p, pre: pre["target"] - pre["spike"])
TIMES = {"tau_rise": 5.0, "tau_decay": 10.0}  # of the rule too
FEEDBACK = replace(jsnn.DELTA, sends=lambda p, pre: pre["error"])


def draw(random: np.random.Generator) -> tuple[jsnn.Network, dict[str, Any]]:
    """Draw the network, and the drive of a trial: noise of 10 Hz and five targets per output."""

    def learning(pre: str, post: str) -> jsnn.Projection:
        drawn = random.normal(0, 50 / SIZES[pre] ** 0.5, (SIZES[pre], SIZES[post]))
        weights = jsnn.Dense(drawn.astype(np.float32))
        rule = jsnn.Plasticity(jsnn.SUPERSPIKE_RULE, {"period": TRIAL})
        return jsnn.Projection(pre, post, weights, jsnn.EXPONENTIAL, plasticity=rule)

    first, second = learning("input", "hidden"), learning("hidden", "output")
    own, back = jsnn.OneToOne(np.ones(10, np.float32)), jsnn.Shared(second, transposed=True)
    errors = [
        jsnn.Projection("output", "output", own, ERROR, TIMES, target="error"),
        jsnn.Projection("output", "hidden", back, FEEDBACK, target="error"),
    ]
    models = {"input": jsnn.SPIKE_SOURCE, "hidden": LEARNER, "output": LEARNER}
    populations = [jsnn.Population(name, SIZES[name], model) for name, model in models.items()]
    noise, target = random.random((TRIAL, SIZES["input"])) < 0.01, np.zeros((TRIAL, 10))
    for train in target.T:
        steps = random.choice(TRIAL - EARLIEST - 4 * APART, 5, replace=False)
        train[EARLIEST + np.sort(steps) + APART * np.arange(5)] = 1
    drive = {"input": jsnn.over_time(noise), "output": {"target": jsnn.over_time(target)}}
    return jsnn.Network(populations, [first, second, *errors]), drive


@jax.jit
def learn(network: jsnn.Network, drive: dict[str, Any], rates: jax.Array) -> jax.Array:
    """Learn with a rate for each trial; return output spikes, bool [trials, steps, outputs]."""

    def trial(state: jsnn.State, rate: jax.Array) -> tuple[jsnn.State, dict[str, jax.Array]]:
        learning = {p.name: {"plasticity": {"rate": rate}} for p in network.projections[:2]}
        record = {"spikes": jsnn.Spikes("output")}
        return jsnn.simulate(network, drive | learning, TRIAL, state=state, record=record)

    return jax.lax.scan(trial, jsnn.init(network), rates)[1]["spikes"]


def matched(spikes: np.ndarray, target: np.ndarray) -> int:
    """Count the target spikes, [steps, outputs], that have an output spike within 3 ms."""
    padded = np.pad(spikes, ((WITHIN, WITHIN), (0, 0)))
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * WITHIN + 1, axis=0).any(-1)
    return int(target[near].sum())
