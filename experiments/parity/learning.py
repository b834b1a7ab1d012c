"""Learning in jsnn beside Brian2's and NEST's: CUBA, and trains of spikes onto neurons.

Delays are those of the other simulator. NEST's `stdp_synapse` has them in the dendrite, which a
spike of the postsynaptic neuron passes on its way to the synapse. A pair that meets there in one
step changes nothing, and a spike delivers the weight after learning; `NEST_STDP` is its rule.
"""

import dataclasses
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments.balanced.network import DT, Run, draw
from experiments.balanced.plastic import plastic_network
from experiments.balanced.simulate import simulate
from experiments.parity.apart import apart
from experiments.parity.comparison import Comparison, at_most, equal_spikes
from jsnn.models.model import Values

NUM_PRE, NUM_POST = 100, 10
RATE = 20.0
"""Mean rate of the presynaptic trains, in Hz."""
DELAY = 15
"""Steps."""
NEURON = {
    "tau_m": 20.0,
    "r_m": 20.0,
    "v_rest": -65.0,
    "v_reset": -65.0,
    "v_thresh": -50.0,
    "tau_refrac": 2.0,
    "tau_syn_e": 5.0,
}
W_MAX = 0.2
"""In nA."""
RULE = {
    "a_plus": 0.02 * W_MAX,
    "a_minus": 0.021 * W_MAX,
    "tau_plus": 20.0,
    "tau_minus": 30.0,
    "w_min": 0.0,
    "w_max": W_MAX,
}


class Start(NamedTuple):
    """Spike trains of the presynaptic neurons, and initial weights."""

    trains: np.ndarray
    """Bool [T, pre]; every train ends with a spike in the last step, as NEST learns at these."""
    weights: np.ndarray
    """In nA, [pre, post]."""


class Learnt(NamedTuple):
    """Spikes of the postsynaptic neurons, and the weights after the run."""

    run: Run
    weights: np.ndarray
    """In nA, [pre, post]."""


def _nest_on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    up = s["weight"] + p["a_plus"] * pre["trace"] * post["spike"]
    down = jnp.clip(up, p["w_min"], p["w_max"]) - p["a_minus"] * post["trace"]
    return s | {"weight": jnp.clip(down, p["w_min"], p["w_max"])}


def _nest_on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    up = s["weight"] + p["a_plus"] * pre["trace"] * (1 - pre["spike"])
    return s | {"weight": jnp.clip(up, p["w_min"], p["w_max"])}


NEST_STDP = dataclasses.replace(
    jsnn.STDP,
    name="NEST_STDP",
    on_pre=_nest_on_pre,
    on_post=_nest_on_post,
    delivers_learnt_weight=True,
)


def compared(seed: int, num_steps: int) -> Iterator[Comparison]:
    """Compare spikes and weights with Brian2's, and with NEST's if it is installed, float64."""
    from experiments.parity import brian, brian_learning, brian_plastic

    for delay in (0, DELAY):
        definition = draw("cuba", seed=seed)
        theirs = brian.simulate(definition, num_steps, delay, build=brian_plastic.build)
        with jax.enable_x64(True):
            ours = simulate(definition, num_steps, delay, np.float64, make=plastic_network)
        what = f"CUBA with plastic synapses and Brian2, delay {delay}, {num_steps * DT:.0f} ms"
        yield equal_spikes(what, ours, theirs)

    start = drawn_start(seed, num_steps)
    for before, back in ((0, 0), (DELAY, 0), (DELAY, 7)):
        learnt = learn(start, jsnn.STDP, before + 1, axonal=before, back_propagation=back)
        in_brian = brian_learning.simulate(start, before, back)
        what = f"STDP and Brian2, delays {before} on_pre, {back} on_post"
        yield from both(what, num_steps, learnt, in_brian)
    if find_spec("nest"):
        from experiments.parity import nest_learning

        learnt = learn(start, NEST_STDP, DELAY + 1, axonal=0, back_propagation=DELAY)
        in_nest = apart(nest_learning.simulate, start, DELAY)
        yield from both(f"STDP and NEST, delay {DELAY}", num_steps, learnt, in_nest)


def both(what: str, num_steps: int, ours: Learnt, theirs: Learnt) -> Iterator[Comparison]:
    what = f"{what}, {num_steps * DT:.0f} ms"
    yield equal_spikes(f"{what}: spikes", ours.run, theirs.run)
    apart = np.abs(ours.weights - theirs.weights).max() / W_MAX
    yield at_most(f"{what}: largest difference of weights, relative", float(apart), 1e-9)


def drawn_start(seed: int, num_steps: int) -> Start:
    random = np.random.default_rng(seed)
    trains = random.random((num_steps, NUM_PRE)) < 1e-3 * RATE * DT
    trains[-1] = True
    return Start(trains, random.uniform(0, W_MAX, (NUM_PRE, NUM_POST)))


def learn(
    start: Start, rule: jsnn.PlasticityModel, delay: int, *, axonal: int, back_propagation: int
) -> Learnt:
    """Run a network in float64; delays are those of `jsnn.Projection`."""
    with jax.enable_x64(True):
        synapses = jsnn.Projection(
            *("pre", "post", jsnn.Dense(start.weights)),
            delay=delay,
            axonal=axonal,
            back_propagation=back_propagation,
            plasticity=jsnn.Plasticity(rule, RULE),
            target="excitatory",
            name="synapses",
        )
        populations = [
            jsnn.Population("pre", NUM_PRE, jsnn.SPIKE_SOURCE),
            jsnn.Population("post", NUM_POST, jsnn.LIF_CURR_EXP, params=NEURON),
        ]
        state, recorded = jsnn.simulate(
            jsnn.Network(populations, [synapses], dt=DT),
            {"pre": jsnn.over_time(start.trains)},
            len(start.trains),
            record={"spikes": jsnn.Spikes("post")},
        )
        run = Run(*jsnn.spike_list(recorded["spikes"]), 0.0, 0.0)
        weights = state.projections["synapses"].plasticity.synapses["weight"]
        return Learnt(run, np.asarray(weights))
