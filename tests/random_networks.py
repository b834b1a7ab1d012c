"""Networks drawn at random: models, graphs, connectivities, delays, learning and input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from tests.networks import F32

SIZES = (1, 2, 3, 5, 8, 17, 33)


@dataclass(frozen=True)
class Kind:
    """A neuron model, values that replace its defaults, and a current that makes it spike."""

    model: jsnn.NeuronModel
    current: float
    params: tuple[tuple[str, float], ...] = ()


EQUAL = (
    Kind(jsnn.IF, 0.3),
    Kind(jsnn.IF_SOFT_RESET, 0.3),
    Kind(jsnn.INTEGRATOR, 0.3),
    Kind(jsnn.LEAKY_INTEGRATOR, 1.0),
    Kind(jsnn.LIF, 2.0, (("tau_refrac", 1.0),)),
    Kind(jsnn.ALIF, 3.0, (("tau_refrac", 1.0),)),
    Kind(jsnn.LIF_CURR_EXP, 8.0, (("tau_refrac", 1.0), ("tau_syn_i", 20.0))),
    Kind(jsnn.LIF_COND_EXP, 8.0, (("tau_refrac", 1.0),)),
    Kind(jsnn.LIF_TWO_COMPARTMENTS, 6.0, (("tau_refrac", 1.0),)),
    Kind(jsnn.GLIF, 2.0, (("tau_refrac", 1.0), ("keep_1", 0.9), ("keep_2", 0.9))),
    Kind(jsnn.EIF, 8.0, (("tau_refrac", 1.0),)),
    Kind(jsnn.QIF, 30.0),
    Kind(jsnn.IZHIKEVICH, 15.0),
    Kind(jsnn.IZHIKEVICH_GENN, 15.0),
    Kind(jsnn.POISSON_NEURON, 20.0, (("rate", 100.0),)),
)
"""Built-in neurons that have the same bits by every path."""

BOUNDED = (Kind(jsnn.ADEX, 2.0), Kind(jsnn.HODGKIN_HUXLEY, 2.0))
"""Built-in neurons that may differ in their last bits from path to path."""

RULES = (
    *(jsnn.STDP, jsnn.STDP_NEAREST, jsnn.STDP_MULTIPLICATIVE, jsnn.STDP_MULTIPLICATIVE_NEAREST),
    *(jsnn.STDP_SYMMETRIC, jsnn.STDP_SYMMETRIC_NEAREST, jsnn.TRIPLET_STDP, jsnn.VOGELS_2011),
    *(jsnn.REWARD_STDP, jsnn.TSODYKS_MARKRAM),
)


@dataclass(frozen=True)
class Grammar:
    """An update rule made of random terms, v <- v + Σ term, u <- u + (v - u) c dt.

    Some terms look at other neurons, at the index of a neuron, or at the number of neurons.
    """

    terms: tuple[str, ...]

    def __call__(self, p: Any, x: Any, current: Any, dt: Any) -> Any:
        v, u, n = x["v"], x["u"], x["v"].shape[0]
        index = jnp.arange(n, dtype=v.dtype)
        of_key = jax.random.uniform(jax.random.key(0), (n,), v.dtype)
        known: dict[str, Callable[[], Any]] = {
            "input": lambda: current * dt,
            "leak": lambda: -p["c"] * v * dt,
            "square": lambda: p["c"] * v * v * dt,
            "recovery": lambda: -p["c"] * u * dt,
            "by index": lambda: current * dt * (1 + 0.1 * index),
            "by size": lambda: current * (1 / n),
            "of a key": lambda: current * of_key,
            "mean field": lambda: p["c"] * (jnp.mean(v) - v) * dt,
            "neighbour": lambda: p["c"] * (jnp.roll(v, 1) - v) * dt,
            "running sum": lambda: 0.01 * jnp.cumsum(v),
            "highest": lambda: jnp.where(v == jnp.max(v), current, 0),
        }
        return {"v": v + sum(known[t]() for t in self.terms), "u": u + (v - u) * p["c"] * dt}


TERMS = (
    *("leak", "square", "recovery", "by index", "by size", "of a key"),
    *("mean field", "neighbour", "running sum", "highest"),
)


def _margin(p: Any, x: Any) -> Any:
    return x["v"] - p["v_thresh"]


def _to_zero(p: Any, x: Any) -> Any:
    return x | {"v": jnp.zeros_like(x["v"])}


def user_kind(random: np.random.Generator) -> Kind:
    """Draw a model that a user might write."""
    terms = random.choice(TERMS, random.integers(1, 4), replace=False)
    model = jsnn.NeuronModel(
        params={"c": 0.1, "v_thresh": 1.0},
        variables={"v": 0.0, "u": 0.0},
        update=Grammar(("input", *map(str, terms))),
        threshold=_margin,
        reset=_to_zero,
    )
    return Kind(model, 0.3)


@dataclass(frozen=True)
class Case:
    """A network and its input.

    Attributes:
      network: the network.
      drives: of three presentations.
      num_steps: the steps of a presentation.
      key: of the run, or None.
    """

    network: jsnn.Network
    drives: list[dict[str, Any]]
    num_steps: int
    key: jax.Array | None


def random_case(seed: int, *, equal: bool = True) -> Case:
    """Draw a network and three presentations of input from a seed.

    All its models have the same bits by every path if `equal`; otherwise one of them may not.
    """
    random = np.random.default_rng(seed)
    names = [f"p{i}" for i in range(random.integers(1, 5))]
    sizes = {name: int(random.choice(SIZES)) for name in names}
    kinds = {name: EQUAL[random.integers(len(EQUAL))] for name in names}
    are_grouped = random.random() < 0.5
    if are_grouped:
        kinds = dict.fromkeys(names, kinds[names[0]])
    if not equal:
        is_built_in = random.random() < 0.25
        built_in = BOUNDED[random.integers(len(BOUNDED))]
        kinds[names[-1]] = built_in if is_built_in else user_kind(random)
    populations = [
        jsnn.Population(name, sizes[name], kind.model, _params(random, kind, sizes[name]))
        for name, kind in kinds.items()
    ]
    pairs = [
        (i, j)
        for i in range(len(names))
        for j in range(len(names))
        if random.random() < (0.8 if i < j else 0.3)
    ] or [(0, 0)]
    projections = [
        _projection(
            random,
            f"c{k}",
            names[i],
            names[j],
            sizes,
            kinds[names[j]],
            may_be_0=i < j,
            has_running_sum=are_grouped and random.random() < 0.9,
        )
        for k, (i, j) in enumerate(pairs)
    ]
    sources = [
        _source(random, f"s{k}", name, kinds[name])
        for k, name in enumerate(names)
        if random.random() < 0.25
    ]
    dt = float(random.choice([0.05, 0.1, 0.2]))
    network = jsnn.Network(populations, projections, sources, dt=F32(dt))
    num_steps = int(random.integers(20, 50))
    courses = {name: _course(random) for name in names}
    drives = [
        {
            name: _drive(random, courses[name], kind, sizes[name], num_steps)
            for name, kind in kinds.items()
            if courses[name] != "none"
        }
        for _ in range(3)
    ]
    key = jax.random.key(seed) if network.stochastic else None
    return Case(network, drives, num_steps, key)


def _params(random: np.random.Generator, kind: Kind, size: int) -> dict[str, Any]:
    params: dict[str, Any] = dict(kind.params)
    for name, quantity in kind.model.params.items():
        if random.random() < 0.3 and quantity.ndim == 0:
            value = params.get(name, quantity.default)
            shape = (size,) if random.random() < 0.5 else ()
            params[name] = (value * random.uniform(0.98, 1.02, shape)).astype(F32)
    return params


def _projection(
    random: np.random.Generator,
    name: str,
    pre: str,
    post: str,
    sizes: dict[str, int],
    kind: Kind,
    *,
    may_be_0: bool,
    has_running_sum: bool,
) -> jsnn.Projection:
    shape = (sizes[pre], sizes[post])
    scale = 3 * kind.current
    target = str(random.choice(kind.model.inputs)) if kind.model.inputs else "current"
    conducts = target != "current" and "g_e" in kind.model.variables
    synapses = [jsnn.DELTA, jsnn.DELTA, jsnn.EXPONENTIAL, jsnn.ALPHA, jsnn.BIEXPONENTIAL]
    if "v" in kind.model.variables and not conducts:
        synapses += [jsnn.CONDUCTANCE, jsnn.NMDA]
    synapse = synapses[random.integers(len(synapses))]
    if has_running_sum:
        synapse, may_be_0 = jsnn.DELTA, False
    if synapse in (jsnn.CONDUCTANCE, jsnn.NMDA) or conducts:
        scale *= 0.02
    params = {}
    for tau in {"tau", "tau_decay"} & set(synapse.params):
        if random.random() < 0.5:
            params[tau] = random.uniform(2, 6, shape[1]).astype(F32)
    learns = random.random() < 0.35
    weights = random.normal(0.3, 0.5, shape) * scale / np.sqrt(shape[0])
    weights = (abs(weights) if learns or conducts else weights).astype(F32)
    rule = RULES[random.integers(len(RULES))]
    delivers_learnt = learns and rule.delivers_learnt_weight
    delay = int(random.integers(0 if may_be_0 and not delivers_learnt else 1, 5))
    connectivity, has_delays = _connectivity(
        random, weights, learns=learns, is_listed=has_running_sum
    )
    shortest = int(np.min(connectivity.delays)) if has_delays else delay
    has_axonal = has_delays and connectivity.max_axonal is not None
    bound = F32(max(2 * scale, float(weights.max())))
    bounds = {"w_max": bound} if rule.weight_bounds else {}
    learning = jsnn.Plasticity(rule, bounds) if learns else None
    return jsnn.Projection(
        *(pre, post, connectivity, synapse, params),
        delay=None if has_delays else delay,
        axonal=int(random.integers(max(shortest, 1))) if learns and not has_axonal else None,
        back_propagation=int(random.integers(3)) if learns else 0,
        plasticity=learning,
        name=name,
        target=target,
    )


def _connectivity(
    random: np.random.Generator, weights: np.ndarray, *, learns: bool, is_listed: bool
) -> tuple[Any, bool]:
    """Draw a connectivity; return it, and True if its synapses have delays of their own."""
    num_pre, num_post = weights.shape
    lists = ["sorted", "unsorted", "delays", "dense delays"]
    which = random.choice(lists if is_listed else ["dense", *lists, "one", "all"])
    if which == "one" and num_pre == num_post:
        return jsnn.OneToOne(weights[0]), False
    if which == "all" and not learns:
        return jsnn.AllToAll(weights[0, 0], num_pre, num_post), False
    if which in ("sorted", "unsorted", "delays"):
        pre, post = np.nonzero(random.random(weights.shape) < 0.5)
        if which != "sorted":
            order = random.permutation(len(pre))
            pre, post = pre[order], post[order]
        delays = None
        if which == "delays" and len(pre):
            delays = random.integers(1, 5, len(pre))
        given = (pre, post, weights[pre, post], num_pre, num_post, delays)
        sparse = jsnn.Sparse(*given, axonal=_axonal(random, delays))
        return _with_empty_places(sparse) if len(pre) % 3 else sparse, delays is not None
    if which == "dense delays":
        delays = random.integers(1, 5, weights.shape)
        return jsnn.Dense(weights, delays=delays, axonal=_axonal(random, delays)), True
    return jsnn.Dense(weights), False


def _with_empty_places(sparse: jsnn.Sparse) -> jsnn.Sparse:
    """Return synapses with a capacity; some places are empty, also before others."""
    goes = np.arange(sparse.num_synapses + 2) % 5 == 1
    nothing = np.zeros(len(goes), np.int32)
    late, axonal = (None if x is None else nothing for x in (sparse.delays, sparse.axonal))
    return sparse.with_capacity(len(goes)).rewired(
        *(goes, np.zeros(len(goes), bool), nothing, nothing),
        *(nothing.astype(F32), late, axonal),
    )


def _axonal(random: np.random.Generator, delays: np.ndarray | None) -> np.ndarray | None:
    return None if delays is None or random.random() < 0.5 else random.integers(delays)


def _source(
    random: np.random.Generator, name: str, population: str, kind: Kind
) -> jsnn.CurrentSource:
    current = F32(kind.current)
    choices: list[tuple[jsnn.CurrentSourceModel, dict[str, Any]]] = [
        (jsnn.GAUSSIAN_NOISE, {"mean": current / 2, "sd": current / 4}),
        (jsnn.POISSON_INPUT, {"rate": F32(500), "weight": current}),
        (jsnn.POISSON_EXPONENTIAL, {"rate": F32(500), "weight": current, "tau": F32(2)}),
        (jsnn.CONSTANT, {"magnitude": current / 3}),
        (jsnn.ORNSTEIN_UHLENBECK, {"mean": current / 2, "sd": current / 4}),
        (jsnn.STEP_CURRENT, {"magnitude": current / 2, "start": F32(0.4), "stop": F32(2)}),
        (jsnn.RAMP_CURRENT, {"at_stop": current, "stop": F32(3)}),
        (jsnn.SINE_CURRENT, {"amplitude": current, "frequency": F32(300)}),
    ]
    return jsnn.CurrentSource(name, population, *choices[random.integers(len(choices))])


def _course(random: np.random.Generator) -> str:
    return str(random.choice(["constant", "constant", "scalar", "[T]", "[T, N]", "none"]))


def _drive(random: np.random.Generator, course: str, kind: Kind, size: int, num_steps: int) -> Any:
    shapes = {"constant": (size,), "scalar": (), "[T]": (num_steps,), "[T, N]": (num_steps, size)}
    values = (kind.current * random.uniform(0, 2, shapes[course])).astype(F32)
    return jsnn.over_time(values) if "T" in course else values


def recordings(case: Case, names: Sequence[str], *, traces: bool) -> dict[str, Any]:
    """Return recordings of every variable and of the spikes, step by step or folded."""
    network, record = case.network, {}
    for name in names:
        for variable in network.population(name).model.variables:
            make = jsnn.Variable if traces else jsnn.FinalVariable
            record[f"{name}.{variable}"] = make(name, variable)
        record[f"{name} spikes"] = jsnn.Spikes(name) if traces else jsnn.SpikeCount(name)
    return record
