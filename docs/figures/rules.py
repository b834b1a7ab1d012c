"""Plasticity rules: the change of a weight by two events, against the time between them."""

from functools import cache

import jax
import numpy as np

import jsnn
from figures import BLACK, GREY, ORANGE
from figures.played import MEMBRANE, PLAYED

DT, STEPS, FIRST, REWARD = 0.5, 800, 300, 600  # ms; steps
INTERVALS = np.arange(-160, 161, 4)  # steps
REST, WEIGHT = -70.6, 0.5  # mV
PARAMS = {
    "SUPERSPIKE_RULE": {"period": 2 * STEPS * DT},  # beyond the end
    "EPROP": {"rate": 0.1},
    "EPROP_ALIF": {"rate": 0.1},
}
"""Parameters in place of the defaults."""
INITIAL_POST = {"CLOPATH_2010_HOMEOSTATIC": {"u_mean": REST + 1.5 * 7.75}}  # mV


def reads_error(rule: jsnn.PlasticityModel) -> bool:
    """Return True if the rule is taught by an error."""
    return "error" in rule.reads_post


@cache
def changes() -> dict[str, np.ndarray]:
    """Return {MODEL: changes of the weight [intervals]} of all rules, from one vmap.

    Of `jsnn.SUPERSPIKE_RULE`, the gradient, since it normalises the change.

    The first event is a presynaptic spike. The second is a postsynaptic spike, with the voltage of
    a spike, or an error of 1 for a step at a voltage of -53 mV, if the rule reads one.
    """
    rules = {k: m for k, m in vars(jsnn).items() if isinstance(m, jsnn.PlasticityModel)}
    synapses = [
        jsnn.Projection(
            *("pre", "taught" if reads_error(rule) else "post"),
            jsnn.Dense(np.float32([[WEIGHT]])),
            plasticity=jsnn.Plasticity(
                rule, PARAMS.get(k, {}), initial_post=INITIAL_POST.get(k, {})
            ),
            name=k,
        )
        for k, rule in rules.items()
    ]
    played = [jsnn.Population(name, 1, PLAYED) for name in ("pre", "post", "taught")]
    network = jsnn.Network(played, synapses, dt=DT)
    reward = np.zeros(STEPS, np.float32)
    reward[REWARD:] = np.exp(-DT * np.arange(STEPS - REWARD) / 10) / 10  # 1/ms

    @jax.jit
    @jax.vmap
    def pair(second, voltage):
        drive = {
            "pre": {"spike": jsnn.over_time(np.eye(STEPS, dtype=np.float32)[FIRST])},
            "post": {"spike": jsnn.over_time(second), "v": jsnn.over_time(voltage)},
            "taught": {"error": jsnn.over_time(second), "v": -53.0},
            "REWARD_STDP": {"plasticity": {"reward": jsnn.over_time(reward)}},
        }
        state, _ = jsnn.simulate(network, drive, STEPS)
        learnt = {k: state.projections[k].plasticity.synapses for k in rules}
        after = {k: synapses["weight"][0, 0] - WEIGHT for k, synapses in learnt.items()}
        return after | {"SUPERSPIKE_RULE": learnt["SUPERSPIKE_RULE"]["gradient"][0, 0]}

    seconds = np.eye(STEPS, dtype=np.float32)[FIRST + INTERVALS]
    shape = action_potential()
    voltages = np.stack([REST + np.convolve(row, shape)[:STEPS] for row in seconds])
    return jax.tree.map(np.asarray, pair(seconds, voltages.astype(np.float32)))


def action_potential() -> np.ndarray:
    """Return the voltage above rest after a spike: 100 mV for 2 ms, then 10 mV that decay."""
    t = DT * np.arange(400)  # ms
    return np.where(t < 2, 100.0, 10 * np.exp(-(t - 2) / 40))


@jsnn.plot.style()
def draw(rule: jsnn.PlasticityModel):
    """Draw the change of a weight of 0.5 against the time from the first event to the second."""
    figure, axes = jsnn.plot.figure(height=46)
    change = changes()[rule.name]
    axes.axhline(0, color=GREY, lw=0.6)
    axes.axvline(0, color=GREY, lw=0.6)
    for side in (INTERVALS < 0, INTERVALS >= 0):
        axes.plot(DT * INTERVALS[side], change[side], ".-", color=BLACK, ms=3, lw=0.8)
    second = "error" if reads_error(rule) else "postsynaptic spike"
    what = "gradient" if rule is jsnn.SUPERSPIKE_RULE else "change of weight"
    axes.set(xlabel=f"{second} - presynaptic spike [ms]", ylabel=what)
    return figure


@jsnn.plot.style()
def draw_short_term():
    """Draw what each of ten spikes at 20 Hz delivers, and one more spike after a pause."""
    kinds = {
        "tau_rec = 800 ms": ({}, BLACK),
        "u_0 = 0.05, tau_rec = 100 ms, tau_fac = 1000 ms": (
            {"u_0": 0.05, "tau_rec": 100.0, "tau_fac": 1000.0},
            ORANGE,
        ),
    }
    cells = [jsnn.Population(name, 1, MEMBRANE) for name in kinds]
    synapses = [
        jsnn.Projection(
            *("pre", name, jsnn.Dense(np.float32([[1.0]]))),
            plasticity=jsnn.Plasticity(jsnn.TSODYKS_MARKRAM, params),
        )
        for name, (params, _) in kinds.items()
    ]
    network = jsnn.Network([jsnn.Population("pre", 1, PLAYED), *cells], synapses, dt=1.0)
    train = np.zeros(1200, np.float32)
    train[[*range(20, 520, 50), 1020]] = 1
    drive = {"pre": {"spike": jsnn.over_time(train)}}
    record = {name: jsnn.Variable(name, "current") for name in kinds}
    _, delivered = jsnn.simulate(network, drive, len(train), record=record)
    figure, axes = jsnn.plot.figure(height=46)
    for name, (_, colour) in kinds.items():
        course = np.asarray(delivered[name])[:, 0]
        at = np.flatnonzero(course)
        axes.vlines(at, 0, course[at], color=colour, alpha=0.5)
        axes.plot(at, course[at], "o", color=colour, ms=4, label=name)
    axes.set(xlabel="time [ms]", ylabel="delivered weight", ylim=(0, None), xlim=(0, None))
    axes.legend(loc="upper right")
    return figure
