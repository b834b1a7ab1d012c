"""Learning rules against closed forms and loops over spikes by the book."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import F32, FORCE, FORCED, assert_same
from tests.reference import learnt_weight, traced

F64 = np.float64
BOTH = pytest.mark.parametrize("dtype", [F32, F64])
TOLERANCE = {F32: 2e-6, F64: 1e-13}


@pytest.fixture(autouse=True)
def with_x64():
    with jax.enable_x64(True):
        yield


def forced(trains: np.ndarray, dtype: Any) -> np.ndarray:
    """Spike trains bool [T, N] as a drive of `FORCED` neurons."""
    return jsnn.over_time((trains * 2 * FORCE).astype(dtype))


def at_steps(num_steps: int, steps: Sequence[Sequence[int]]) -> np.ndarray:
    """bool [T, N], neuron i spiking in the steps[i]."""
    trains = np.zeros((num_steps, len(steps)), bool)
    for neuron, own in enumerate(steps):
        trains[list(own), neuron] = True
    return trains


def joined(*projections: jsnn.Projection, dt: float = 1.0) -> jsnn.Network:
    """Projections from a population "a" to a population "b" of neurons that are driven."""
    connectivity = projections[0].connectivity
    dtype = connectivity.dtype
    return jsnn.Network(
        [
            jsnn.Population("a", connectivity.num_pre, FORCED),
            jsnn.Population("b", connectivity.num_post, FORCED),
        ],
        projections,
        dt=dtype.type(dt),
    )


def as_sparse(weights: np.ndarray) -> jsnn.Sparse:
    """A dense matrix as a list of synapses, backwards."""
    pre, post = (indices.ravel()[::-1] for indices in np.indices(weights.shape))
    return jsnn.Sparse(pre, post, weights[pre, post], *weights.shape)


def as_matrix(sparse: jsnn.Sparse, values: jax.Array) -> np.ndarray:
    matrix = np.zeros((sparse.num_pre, sparse.num_post), values.dtype)
    matrix[sparse.pre, sparse.post] = values
    return matrix


def learnt(
    rule: jsnn.PlasticityModel,
    pre: np.ndarray,
    post: np.ndarray,
    *,
    w: float = 0.0,
    dt: float = 1.0,
    dtype: Any = F64,
    reward: np.ndarray | None = None,
    **params: float,
) -> np.ndarray:
    """The weights [pre, post] after spike trains [T, pre] and [T, post].

    Dense synapses and sparse ones, with a delay of 1 and of 0, learn alike.
    """
    weights = np.full((pre.shape[1], post.shape[1]), w, dtype)
    sparse = as_sparse(weights)
    learning = jsnn.Plasticity(rule, params)
    network = joined(
        jsnn.Projection("a", "b", jsnn.Dense(weights), plasticity=learning),
        jsnn.Projection("a", "b", sparse, plasticity=learning, name="sparse"),
        jsnn.Projection("a", "b", sparse, delay=0, plasticity=learning, name="at once"),
        dt=dt,
    )
    drive: dict[str, Any] = {"a": forced(pre, dtype), "b": forced(post, dtype)}
    if reward is not None:
        drive |= {
            p.name: {"plasticity": {"reward": jsnn.over_time(reward.astype(dtype))}}
            for p in network.projections
        }
    state, kept = jsnn.simulate(network, drive, len(pre), record={"a": SPIKES_A, "b": SPIKES_B})
    np.testing.assert_array_equal(kept["a"], pre)
    np.testing.assert_array_equal(kept["b"], post)
    dense = np.asarray(state.projections["a_to_b"].plasticity.synapses["weight"])
    assert dense.dtype == dtype
    listed = as_matrix(sparse, state.projections["sparse"].plasticity.synapses["weight"])
    np.testing.assert_allclose(listed, dense, rtol=TOLERANCE[dtype], atol=1e-3 * TOLERANCE[dtype])
    assert_same(state.projections["at once"].plasticity, state.projections["sparse"].plasticity)
    return dense


def _recover(p: Any, s: Any, pre: Any, post: Any, dt: Any) -> Any:
    u, x = s["u"] * jnp.exp(-dt / p["tau_f"]), 1 + (s["x"] - 1) * jnp.exp(-dt / p["tau_d"])
    return s | {"u": u, "x": x}


def _release(p: Any, s: Any, pre: Any, post: Any) -> Any:
    u = s["u"] + p["u_0"] * (1 - s["u"])
    return {"u": u, "x": s["x"] - u * s["x"], "weight": u * s["x"]}


TSODYKS_MARKRAM = jsnn.PlasticityModel(
    params={"u_0": 0.2, "tau_f": 50.0, "tau_d": 100.0},
    variables={"u": 0.0, "x": 1.0},
    pre={},
    post={},
    each_step=_recover,
    on_pre=_release,
    delivers_learnt_weight=True,
)


SPIKES_A, SPIKES_B = jsnn.Spikes("a"), jsnn.Spikes("b")


# Every distance of a pair. Neuron 50 + d of "a" spikes d steps after neuron 0 of "b".

DISTANCES = np.arange(-50, 51)
PAIRS = (at_steps(300, [[54 - d] for d in DISTANCES]), at_steps(300, [[54], [], [], []]))
WINDOW = {"a_plus": 0.01, "a_minus": 0.012, "tau_plus": 20.0, "tau_minus": 30.0, "w_min": -1.0}
SYMMETRIC = {"a": 0.01, "tau_stdp": 15.0, "rho": 0.25, "w_min": -1.0}


def window(dt: float) -> np.ndarray:
    """A+ exp(-Δt/τ+) from Δt = 0 on, -A- exp(Δt/τ-) before."""
    t = DISTANCES * dt
    return np.where(t >= 0, 0.01 * np.exp(-abs(t) / 20), -0.012 * np.exp(-abs(t) / 30))


@BOTH
@pytest.mark.parametrize("dt", [1.0, 0.25])
@pytest.mark.parametrize("rule", [jsnn.STDP, jsnn.STDP_NEAREST])
def test_a_pair_changes_the_weight_by_a_exp_of_its_distance(rule, dt: float, dtype) -> None:
    change = learnt(rule, *PAIRS, dt=dt, dtype=dtype, **WINDOW)[:, 0]
    np.testing.assert_allclose(change, window(dt), rtol=0, atol=0.01 * TOLERANCE[dtype])


@BOTH
@pytest.mark.parametrize("rule", [jsnn.STDP_MULTIPLICATIVE, jsnn.STDP_MULTIPLICATIVE_NEAREST])
def test_a_multiplicative_pair_is_in_proportion_to_the_room_ahead(rule, dtype) -> None:
    change = learnt(rule, *PAIRS, w=0.25, dtype=dtype, **(WINDOW | {"w_max": 2.0}))[:, 0] - 0.25
    room = np.where(DISTANCES >= 0, 2.0 - 0.25, 0.25 + 1.0)
    np.testing.assert_allclose(change, window(1.0) * room, rtol=0, atol=0.1 * TOLERANCE[dtype])


@BOTH
@pytest.mark.parametrize("rule", [jsnn.STDP_SYMMETRIC, jsnn.STDP_SYMMETRIC_NEAREST])
def test_a_symmetric_pair_does_not_know_its_order(rule, dtype) -> None:
    """Both spikes cost a rho; at distance 0 both see the other one, as in GeNN's mushroom body."""
    change = learnt(rule, *PAIRS, dtype=dtype, **SYMMETRIC)[:, 0]
    times = np.where(DISTANCES == 0, 2, 1)
    expected = 0.01 * (times * np.exp(-abs(DISTANCES) / 15) - 2 * 0.25)
    np.testing.assert_allclose(change, expected, rtol=0, atol=0.01 * TOLERANCE[dtype])


# 60 pairs at 10 Hz.


@BOTH
@pytest.mark.parametrize("d", [10, -10])
def test_sixty_pairs_at_10_hz_add_up_as_the_closed_form_says(d: int, dtype) -> None:
    num, period = 60, 100
    first = np.arange(num) * period + 50
    trains = at_steps(num * period + 50, [first]), at_steps(num * period + 50, [first + d])
    params = WINDOW | {"a_plus": 1e-3, "a_minus": 1.2e-3}
    plus, minus = 1e-3 * np.exp(-np.array([10, 90]) / 20), 1.2e-3 * np.exp(-np.array([10, 90]) / 30)

    def series(count: int, tau: float) -> float:
        """1 + ... over all earlier pairs too: Σ_{j=1}^{count} Σ_{k=0}^{j-1} q^k."""
        q = np.exp(-period / tau)
        return (count - q * (1 - q**count) / (1 - q)) / (1 - q)

    near, far = (0, 1) if d > 0 else (1, 0)
    pairs_ahead, pairs_behind = (num, num - 1) if d > 0 else (num - 1, num)
    every = plus[near] * series(pairs_ahead, 20) - minus[far] * series(pairs_behind, 30)
    nearest = plus[near] * pairs_ahead - minus[far] * pairs_behind
    tolerance = {F32: 2e-6, F64: 1e-13}[dtype]
    for rule, expected in ((jsnn.STDP, every), (jsnn.STDP_NEAREST, nearest)):
        change = learnt(rule, *trains, dtype=dtype, **params)
        np.testing.assert_allclose(change, [[expected]], rtol=0, atol=tolerance)


# Many spikes against loops over them.


@dataclass(frozen=True)
class Case:
    rule: jsnn.PlasticityModel
    params: dict[str, float]
    at_pre: Callable[..., float]
    at_post: Callable[..., float]
    nearest: bool = False


BOUNDS = {"w_min": 0.1, "w_max": 0.9}
STRONG = {"a_plus": 0.06, "a_minus": 0.05, "tau_plus": 17.0, "tau_minus": 34.0} | BOUNDS
FIT = {
    "a2_plus": 0.002,
    "a3_plus": 0.0005,
    "a2_minus": 0.002,
    "a3_minus": 0.0002,
    "tau_plus": 16.8,
    "tau_x": 101.0,
    "tau_minus": 33.7,
    "tau_y": 125.0,
} | BOUNDS

CASES = {
    "additive": Case(
        jsnn.STDP,
        STRONG,
        lambda w, x, y: w - 0.05 * y(34.0),
        lambda w, x, y: w + 0.06 * x(17.0),
    ),
    "multiplicative": Case(
        jsnn.STDP_MULTIPLICATIVE,
        STRONG,
        lambda w, x, y: w - 0.05 * (w - 0.1) * y(34.0),
        lambda w, x, y: w + 0.06 * (0.9 - w) * x(17.0),
    ),
    "symmetric": Case(
        jsnn.STDP_SYMMETRIC,
        {"a": 0.03, "rho": 2.1, "tau_stdp": 15.0} | BOUNDS,
        lambda w, x, y: w + 0.03 * (y(15.0, own=True) - 2.1),
        lambda w, x, y: w + 0.03 * (x(15.0) - 2.1),
    ),
    "triplet": Case(
        jsnn.TRIPLET_STDP,
        FIT,
        lambda w, x, y: w - y(33.7) * (0.002 + 0.0002 * x(101.0, own=False)),
        lambda w, x, y: w + x(16.8) * (0.002 + 0.0005 * y(125.0, own=False)),
    ),
    "Vogels": Case(
        jsnn.VOGELS_2011,
        {"eta": 0.02, "target_rate": 120.0, "tau_stdp": 15.0} | BOUNDS,
        lambda w, x, y: w + 0.02 * (y(15.0) - 2 * 120e-3 * 15),
        lambda w, x, y: w + 0.02 * x(15.0),
    ),
}
CASES |= {
    "additive, nearest": dataclasses.replace(
        CASES["additive"], rule=jsnn.STDP_NEAREST, nearest=True
    ),
    "multiplicative, nearest": dataclasses.replace(
        CASES["multiplicative"], rule=jsnn.STDP_MULTIPLICATIVE_NEAREST, nearest=True
    ),
    "symmetric, nearest": Case(
        jsnn.STDP_SYMMETRIC_NEAREST,
        {"a": 0.03, "rho": 0.7, "tau_stdp": 15.0} | BOUNDS,
        lambda w, x, y: w + 0.03 * (y(15.0, own=True) - 0.7),
        lambda w, x, y: w + 0.03 * (x(15.0) - 0.7),
        nearest=True,
    ),
}

RANDOM = np.random.default_rng(1)
TRAINS = RANDOM.random((300, 5)) < 0.08, RANDOM.random((300, 4)) < 0.06
# With silent neurons, so that they are of the shape of `PAIRS` and of its compiled programs.
PADDED = np.pad(TRAINS[0], ((0, 0), (0, len(DISTANCES) - 5))), TRAINS[1]


def by_the_book(case: Case, dt: float, w: float) -> np.ndarray:
    """[pre, post] in float64; the presynaptic trace counts a spike at the same time."""
    times = [[np.flatnonzero(train) * dt for train in trains.T] for trains in TRAINS]

    def after(pre: Sequence[float], post: Sequence[float]) -> float:
        def at(change: Callable[..., float]) -> Callable[[float, float], float]:
            def new(w: float, now: float) -> float:
                def x(tau: float, own: bool = True) -> float:
                    return traced(pre, now, tau, own=own, nearest=case.nearest)

                def y(tau: float, own: bool = False) -> float:
                    return traced(post, now, tau, own=own, nearest=case.nearest)

                return float(np.clip(change(w, x, y), 0.1, 0.9))

            return new

        return learnt_weight(w, pre, post, at(case.at_pre), at(case.at_post))

    return np.array([[after(pre, post) for post in times[1]] for pre in times[0]])


@BOTH
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_many_spikes_are_those_of_a_loop_over_their_pairs(case: Case, dtype) -> None:
    expected = by_the_book(case, 0.5, 0.4)
    assert len(np.unique(expected)) >= 8
    weights = learnt(case.rule, *PADDED, w=0.4, dt=0.5, dtype=dtype, **case.params)[:5]
    np.testing.assert_allclose(weights, expected, rtol=0, atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bounds_are_reached_and_never_crossed(case: Case) -> None:
    weights = np.full((5, 4), 0.4, F32)
    stronger = {k: v * 20 for k, v in case.params.items() if k.startswith(("a", "eta"))}
    learning = jsnn.Plasticity(case.rule, case.params | stronger)
    network = joined(jsnn.Projection("a", "b", jsnn.Dense(weights), plasticity=learning))
    drive = {"a": forced(TRAINS[0], F32), "b": forced(TRAINS[1], F32)}
    _, kept = jsnn.simulate(network, drive, 300, record={"w": weight_of_step})
    assert F32(0.1) <= kept["w"].min() < 0.11
    assert F32(0.9) >= kept["w"].max() > 0.89


def weight_of_step(state: jsnn.State, spikes: Any) -> jax.Array:
    return state.projections["a_to_b"].plasticity.synapses["weight"]


def frequency_protocol(rate: float, d: int, **params: float) -> float:
    """The change by 60 pairs at a distance of d ms, a pair every 1/rate."""
    period = round(1000 / rate)
    first = np.arange(60) * period + 50
    trains = at_steps(60 * period + 50, [first]), at_steps(60 * period + 50, [first + d])
    return float(learnt(jsnn.TRIPLET_STDP, *trains, w=0.5, w_max=10.0, **params)[0, 0]) - 0.5


def test_triplets_make_potentiation_of_high_rates_as_published() -> None:
    """Pfister & Gerstner 2006, figure 6: without triplets in 10 s none; above 40 Hz no order."""
    rare, fast = frequency_protocol(0.5, 10), frequency_protocol(50, 10)
    assert abs(rare) < 0.02
    assert fast > 0.4
    assert frequency_protocol(10, -10) < -0.2
    assert frequency_protocol(50, -10) > 0.2


# Reward.

REWARDED = {"a_plus": 0.3, "a_minus": 0.4, "tau_plus": 20.0, "tau_minus": 30.0, "tau_c": 50.0}


@BOTH
def test_a_reward_makes_weight_of_what_pairs_have_left(dtype) -> None:
    """dw/dt = c reward with c = A exp(-Δt/τ) exp(-t/τc), a reward that changes in every step."""
    reward = np.zeros(200)
    reward[60:] = np.linspace(0.01, 0.02, 140)
    pre, post = at_steps(200, [[5], [30], [10]]), at_steps(200, [[15]])
    weights = learnt(
        jsnn.REWARD_STDP, pre, post, dt=0.5, dtype=dtype, reward=reward, w_min=-9.0, **REWARDED
    )[:, 0]
    tag = [0.3 * np.exp(-5 / 20), -0.4 * np.exp(-7.5 / 30), 0.3 * np.exp(-2.5 / 20)]
    tagged = np.array([15, 30, 15]) * 0.5
    ends = np.arange(200) * 0.5
    since = ends - tagged[:, None]
    integral = 50 * (np.exp(-(since - 0.5) / 50) - np.exp(-since / 50))
    expected = np.array(tag) * (integral * reward)[:, 60:].sum(axis=1)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=5 * TOLERANCE[dtype])


def test_without_a_reward_only_what_is_eligible_changes() -> None:
    network = joined(
        jsnn.Projection(
            "a",
            "b",
            jsnn.Dense(np.full((5, 4), 0.5)),
            plasticity=jsnn.Plasticity(jsnn.REWARD_STDP, REWARDED),
        )
    )
    drive = {"a": forced(TRAINS[0], F64), "b": forced(TRAINS[1], F64)}
    state, _ = jsnn.simulate(network, drive, 300)
    synapses = state.projections["a_to_b"].plasticity.synapses
    np.testing.assert_array_equal(synapses["weight"], 0.5)
    expected = np.zeros((5, 4))
    for i, pre in enumerate(TRAINS[0].T):
        for j, post in enumerate(TRAINS[1].T):
            for t in np.flatnonzero(pre):
                for u in np.flatnonzero(post):
                    ahead = 0.3 * np.exp(-(u - t) / 20) if u >= t else -0.4 * np.exp((u - t) / 30)
                    expected[i, j] += ahead * np.exp(-(299 - max(t, u)) / 50)
    np.testing.assert_allclose(synapses["eligibility"], expected, rtol=1e-10)


# Homeostasis.


def test_inhibition_grows_until_the_neuron_has_its_target_rate() -> None:
    """Neurons that begin at some 40 to 70 Hz all end at 10 Hz."""
    num, steps = 400, 30_000
    inhibition = jsnn.Projection(
        "inhibitory",
        "b",
        jsnn.Dense(np.full((num, 4), 1e-4, F32)),
        jsnn.CONDUCTANCE,
        {"tau": 10.0, "e_rev": -80.0},
        plasticity=jsnn.Plasticity(jsnn.VOGELS_2011, {"eta": 3e-5, "target_rate": 10.0}),
    )
    network = jsnn.Network(
        [
            jsnn.Population("inhibitory", num, jsnn.SPIKE_SOURCE),
            jsnn.Population("b", 4, jsnn.LIF),
        ],
        [inhibition],
    )
    trains = np.random.default_rng(2).random((steps, num)) < 0.01
    drive = {"inhibitory": jsnn.over_time(trains), "b": np.array([1.5, 1.8, 2.1, 2.4], F32)}
    record = {"b": jsnn.Spikes("b")}
    _, kept = jsnn.simulate(network, drive, steps, record=record)
    before = np.asarray(kept["b"][:500]).sum(axis=0) / 0.5
    after = np.asarray(kept["b"][-15_000:]).sum(axis=0) / 15.0
    assert before.min() > 30
    np.testing.assert_allclose(after, 10, rtol=0.1)


# The frame: rules of one's own, who is reached, runs that are split, batches, gradients.

COUNTING = jsnn.PlasticityModel(
    params={"code": 0.0},
    variables={"pairs": 0, "touched": False},
    pre={"spikes": 0},
    post={"last": -1.0},
    on_pre=lambda p, s, pre, post: s | {"weight": s["weight"] + 1 / 16},
    on_post=lambda p, s, pre, post: {
        "weight": s["weight"] + p["code"],
        "pairs": s["pairs"] + pre["spikes"],
        "touched": jnp.ones_like(s["touched"]),
    },
    spike_pre=lambda p, x: {"spikes": x["spikes"] + 1},
    spike_post=lambda p, x: {"last": p["code"] * jnp.ones_like(x["last"])},
)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_a_spike_reaches_exactly_the_synapses_of_its_neuron(kind: str) -> None:
    """Neuron j of "b" spikes alone with code 2^j, neuron i of "a" i + 1 times: all is read back."""
    num_pre, num_post = 7, 9
    random = np.random.default_rng(3)
    pre, post = random.integers(num_pre, size=40), random.integers(num_post, size=40)
    if kind == "dense":
        pre, post = (indices.ravel() for indices in np.indices((num_pre, num_post)))
        connectivity: Any = jsnn.Dense(np.zeros((num_pre, num_post)))
    else:
        connectivity = jsnn.Sparse(pre, post, np.zeros(40), num_pre, num_post)
        pre, post = np.asarray(connectivity.pre), np.asarray(connectivity.post)
    network = joined(jsnn.Projection("a", "b", connectivity, plasticity=jsnn.Plasticity(COUNTING)))
    steps = num_pre + num_post
    a = at_steps(steps, [range(i + 1) for i in range(num_pre)])
    b = at_steps(steps, [[num_pre + j] for j in range(num_post)])
    code = np.concatenate([np.zeros(num_pre), 2.0 ** np.arange(num_post)])
    drive = {
        "a": forced(a, F64),
        "b": forced(b, F64),
        "a_to_b": {"plasticity": {"code": jsnn.over_time(code)}},
    }
    plastic = jsnn.simulate(network, drive, steps)[0].projections["a_to_b"].plasticity
    values = {name: np.asarray(v).ravel() for name, v in plastic.synapses.items()}
    np.testing.assert_array_equal(values["weight"], (pre + 1) / 16 + 2.0**post)
    np.testing.assert_array_equal(values["pairs"], pre + 1)
    assert values["pairs"].dtype == np.int32
    assert values["touched"].all()
    np.testing.assert_array_equal(plastic.pre["spikes"], np.arange(num_pre) + 1)
    np.testing.assert_array_equal(plastic.post["last"], 2.0 ** np.arange(num_post))


FORGETTING = jsnn.PlasticityModel(
    params={"tau_w": 40.0},
    variables={},
    pre={},
    post={},
    each_step=lambda p, s, pre, post, dt: {"weight": s["weight"] * jnp.exp(-dt / p["tau_w"])},
)


def test_a_rule_of_ones_own_may_change_weights_without_spikes() -> None:
    jsnn.check_model(FORGETTING)
    silent = np.zeros((30, 2), bool)
    weights = learnt(FORGETTING, silent, silent, w=0.5, dt=0.5, tau_w=12.0)
    np.testing.assert_allclose(weights, 0.5 * np.exp(-15 / 12), rtol=1e-13)


@pytest.mark.parametrize(
    "rule", [case.rule for case in CASES.values()] + [jsnn.REWARD_STDP, COUNTING]
)
def test_steps_without_spikes_leave_every_weight_as_it_is(rule) -> None:
    jsnn.check_model(rule)
    silent = [np.zeros_like(train) for train in PADDED]
    np.testing.assert_array_equal(learnt(rule, *silent, w=0.3), 0.3)


def delivered(
    rule: jsnn.PlasticityModel, w: float, pre: list[int], post: list[int], **params: float
) -> np.ndarray:
    """Return what arrives through one synapse in the step after each presynaptic spike.

    Dense and sparse, scheduled and plain, and a delay of 0 if the rule allows it, deliver alike.
    """
    drive = {"a": forced(at_steps(60, [pre]), F64), "b": forced(at_steps(60, [post]), F64)}
    rows = []
    for delay in (1,) if rule.delivers_learnt_weight else (1, 0):
        for connectivity in (
            jsnn.Dense(np.full((1, 1), w)),
            jsnn.Sparse([0], [0], np.full(1, w), 1, 1),
        ):
            learning = jsnn.Plasticity(rule, params)
            network = joined(
                jsnn.Projection("a", "b", connectivity, delay=delay, plasticity=learning)
            )
            for scheduled in (True, False):
                record = {"input": jsnn.Variable("b", "input")}
                _, kept = jsnn.simulate(network, drive, 60, record=record, scheduled=scheduled)
                rows.append(kept["input"][np.asarray(pre) + delay, 0] % (2 * FORCE))
    np.testing.assert_array_equal(rows[1:], rows[:-1])
    return rows[0]


def test_a_spike_delivers_the_weight_before_the_learning_of_its_step() -> None:
    """Spikes of "a" in steps 3 and 10 read the weight before they weaken it; "b" spikes in 1."""
    weights = delivered(jsnn.STDP, 0.5, [3, 10], [1], **(WINDOW | {"a_minus": 0.1}))
    after_the_first = 0.5 - 0.1 * np.exp(-2 / 30)
    np.testing.assert_allclose(weights, [0.5, after_the_first], rtol=1e-12)


def test_short_term_plasticity_delivers_the_weight_of_the_spike_itself() -> None:
    """Tsodyks, Pawelzik & Markram 1998, Neural Comput. 10, 821-835: amplitudes u x."""
    spikes = [0, 10, 20, 40]
    amplitudes = delivered(TSODYKS_MARKRAM, 0.0, spikes, [])
    u, x, last, expected = 0.0, 1.0, 0, []
    for step in spikes:
        u, x = u * np.exp(-(step - last) / 50), 1 + (x - 1) * np.exp(-(step - last) / 100)
        u += 0.2 * (1 - u)
        expected.append(u * x)
        x, last = x - u * x, step
    np.testing.assert_allclose(amplitudes, expected, rtol=1e-9)


@pytest.mark.parametrize("rule", [jsnn.STDP, jsnn.REWARD_STDP])
def test_a_run_that_is_split_and_resumed_is_one_run(rule) -> None:
    weights = np.full((5, 4), 0.4, F32)
    course = jsnn.over_time(np.linspace(0, 1e-2, 300, dtype=F32))
    reward = {"plasticity": {"reward": course}} if rule is jsnn.REWARD_STDP else {}
    learning = jsnn.Plasticity(rule)
    network = joined(
        jsnn.Projection("a", "b", jsnn.Dense(weights), plasticity=learning),
        jsnn.Projection("a", "b", as_sparse(weights), plasticity=learning, name="sparse"),
    )
    drive = {"a": forced(TRAINS[0], F32), "b": forced(TRAINS[1], F32)}
    drive |= dict.fromkeys(("a_to_b", "sparse"), reward)
    whole, _ = jsnn.simulate(network, drive, 300)
    state = None
    for rows in (slice(0, 101), slice(101, 102), slice(102, 300)):
        part = jax.tree.map(lambda trains, rows=rows: trains[rows], drive)
        state, _ = jsnn.simulate(network, part, rows.stop - rows.start, state=state)
    assert_same(state, whole)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_rows_of_a_batch_over_parameters_are_single_runs(kind: str) -> None:
    weights = np.full((5, 4), 0.4)
    connectivity = jsnn.Dense(weights) if kind == "dense" else as_sparse(weights)
    network = joined(jsnn.Projection("a", "b", connectivity, plasticity=jsnn.Plasticity(jsnn.STDP)))
    drive = {"a": forced(TRAINS[0], F64), "b": forced(TRAINS[1], F64)}

    def run(params: dict[str, jax.Array]) -> jax.Array:
        changed = network.with_params({"a_to_b": {"plasticity": params}})
        return (
            jsnn.simulate(changed, drive, 300)[0]
            .projections["a_to_b"]
            .plasticity.synapses["weight"]
        )

    params = {"a_plus": jnp.array([0.01, 0.02, 0.03]), "tau_minus": jnp.array([10.0, 20.0, 30.0])}
    together = jax.vmap(run)(params)
    for i in range(3):
        alone = run({name: values[i] for name, values in params.items()})
        np.testing.assert_allclose(together[i], alone, rtol=1e-14)
    assert len(np.unique(np.asarray(together)[:, 0, 0] if kind == "dense" else together[:, 0])) == 3


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_new_parameters_compile_nothing(compilations, kind: str) -> None:
    weights = np.full((5, 4), 0.4)
    connectivity = jsnn.Dense(weights) if kind == "dense" else as_sparse(weights)
    network = joined(jsnn.Projection("a", "b", connectivity, plasticity=jsnn.Plasticity(jsnn.STDP)))
    drive = {"a": forced(TRAINS[0], F64), "b": forced(TRAINS[1], F64)}
    others = [network.with_params({"a_to_b": {"plasticity": {"a_plus": a}}}) for a in (0.2, 0.3)]
    jsnn.simulate(others[0], drive, 300)
    with compilations() as names:
        jsnn.simulate(others[1], drive, 300)
    assert names == []


def test_the_gradient_with_respect_to_an_amplitude_is_the_sum_of_traces() -> None:
    network = joined(
        jsnn.Projection(
            "a", "b", jsnn.Dense(np.zeros((1, 1))), plasticity=jsnn.Plasticity(jsnn.STDP)
        )
    )
    drive = {"a": forced(at_steps(20, [[2, 5]]), F64), "b": forced(at_steps(20, [[8, 11]]), F64)}

    def weight(a_plus: jax.Array) -> jax.Array:
        changed = network.with_params({"a_to_b": {"plasticity": {"a_plus": a_plus, "w_min": -1.0}}})
        return (
            jsnn.simulate(changed, drive, 20)[0]
            .projections["a_to_b"]
            .plasticity.synapses["weight"][0, 0]
        )

    expected = np.exp(-np.array([6, 3, 9, 6]) / 20).sum()
    np.testing.assert_allclose(jax.grad(weight)(np.float64(0.01)), expected, rtol=1e-12)


def test_variables_of_synapses_start_where_the_projection_says() -> None:
    each = np.arange(6.0).reshape(3, 2)
    projection = jsnn.Projection(
        "a",
        "b",
        jsnn.Dense(np.zeros((3, 2))),
        plasticity=jsnn.Plasticity(jsnn.REWARD_STDP, initial={"eligibility": each}),
    )
    plastic = jsnn.init(joined(projection)).projections["a_to_b"].plasticity
    np.testing.assert_array_equal(plastic.synapses["eligibility"], each)


@dataclass(frozen=True)
class Shared:
    """One weight for all synapses: nothing that a learning rule could change one by one."""

    num_pre: int = 3
    num_post: int = 2
    dtype: Any = F64

    def deliver(self, spikes: jax.Array) -> jax.Array:
        return jnp.broadcast_to(spikes.sum(), (self.num_post,))


def plastic(
    rule: Any = jsnn.STDP, params: Any = None, initial: Any = None, **fields: Any
) -> jsnn.Network:
    given = {"connectivity": jsnn.Dense(np.zeros((3, 2)))} | fields
    learning = jsnn.Plasticity(rule, params or {}, initial or {})
    return joined(jsnn.Projection("a", "b", plasticity=learning, **given))


def driven(**parameters: Any) -> Any:
    return jsnn.simulate(plastic(), {"a_to_b": {"plasticity": parameters}}, 4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: plastic(connectivity=Shared()),
            "plasticity: given with Shared, which does not store a weight for each synapse",
        ),
        (lambda: plastic("STDP"), "plasticity, model: given str; expected a PlasticityModel"),
        (
            lambda: joined(
                jsnn.Projection("a", "b", jsnn.Dense(np.zeros((3, 2))), plasticity=jsnn.STDP)
            ),
            r"'a_to_b', plasticity: given PlasticityModel; expected a Plasticity, such as jsnn\.Pl",
        ),
        (
            lambda: plastic(params={"a_pluss": 1.0}),
            "plasticity STDP: unknown parameter 'a_pluss'; did you mean 'a_plus'",
        ),
        (
            lambda: plastic(params={"a_plus": np.zeros(2)}),
            r"plasticity, parameter 'a_plus': given shape \(2,\); expected a scalar",
        ),
        (
            lambda: plastic(params={"tau_plus": 0.0}),
            "plasticity STDP, parameter 'tau_plus': given 0.0; expected a number > 0, in ms",
        ),
        (
            lambda: plastic(jsnn.REWARD_STDP, initial={"eligibility": np.zeros((2, 3))}),
            r"'a_to_b', plasticity, variable 'eligibility': given shape \(2, 3\); expected a scalar"
            r" or \(3, 2\)",
        ),
        (
            lambda: plastic(dataclasses.replace(jsnn.STDP, on_pre=lambda p, s, pre, post: {})),
            "its plasticity cannot be simulated:\n.*on_pre drops variable 'weight'",
        ),
        (
            lambda: driven(reward=1.0),
            "drive of 'a_to_b': unknown parameter of its plasticity 'reward'",
        ),
        (
            lambda: driven(a_plus=np.zeros(3)),
            r"parameter of its plasticity 'a_plus': given shape \(3,\); expected a scalar or",
        ),
        (
            lambda: driven(a_plus=np.nan),
            "drive of 'a_to_b', parameter of its plasticity 'a_plus': 1 of 1 values are NaN",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong: Callable[[], Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        wrong()


VOLTAGE_RULE = jsnn.PlasticityModel(
    params={"rate": 0.5},
    variables={},
    pre={},
    post={},
    on_pre=lambda p, s, pre, post: s | {"weight": s["weight"] + p["rate"] * post["v"]},
    reads_post=("v",),
)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_a_rule_reads_the_variables_of_neurons_as_they_are_after_the_step(kind: str) -> None:
    jsnn.check_model(VOLTAGE_RULE)
    pre, post = np.indices((2, 3)).reshape(2, -1)
    zeros = np.zeros(6, F64)
    connectivity = {
        "dense": jsnn.Dense(zeros.reshape(2, 3)),
        "sparse": jsnn.Sparse(pre, post, zeros, 2, 3),
    }[kind]
    network = jsnn.Network(
        [jsnn.Population("a", 2, FORCED), jsnn.Population("b", 3, jsnn.IF, {"v_thresh": 100.0})],
        [jsnn.Projection("a", "b", connectivity, plasticity=jsnn.Plasticity(VOLTAGE_RULE))],
    )
    trains = at_steps(4, [[1], [0, 3]])
    drive = {"a": forced(trains, F64), "b": np.array([1.0, 2.0, 3.0])}
    state, recorded = jsnn.simulate(network, drive, 4, record={"v": jsnn.Variable("b")})
    v, weights = np.zeros(3), np.zeros((2, 3))
    arriving = np.zeros(3)
    for step in range(4):
        v = v + drive["b"] + arriving
        arriving = trains[step] @ weights
        np.testing.assert_allclose(recorded["v"][step], v, rtol=1e-13)
        weights += 0.5 * trains[step][:, None] * v
    found = np.reshape(state.projections["a_to_b"].plasticity.synapses["weight"], (2, 3))
    np.testing.assert_allclose(found, weights, rtol=1e-13)


def test_a_rule_cannot_read_what_the_neurons_do_not_have() -> None:
    rule = dataclasses.replace(VOLTAGE_RULE, reads_post=("calcium",))
    with pytest.raises(ValueError, match=r"'a_to_b', plasticity, reads_post: .*'calcium'"):
        jsnn.Network(
            [jsnn.Population("a", 2, FORCED), jsnn.Population("b", 3, jsnn.IF)],
            [
                jsnn.Projection(
                    *("a", "b", jsnn.Dense(np.ones((2, 3), F32))), plasticity=jsnn.Plasticity(rule)
                )
            ],
        )
    with pytest.raises(ValueError, match=r"reads_pre 'spike': this is also a trace"):
        dataclasses.replace(VOLTAGE_RULE, reads_pre=("spike",))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"w_max": 0.5}, r"'a_to_b': given 1 of 2 weights outside w_min to w_max .* 0\.7; .* 0\.5"),
        (
            {"w_min": 2.0},
            r"parameter 'w_min': given 2.0; expected a number <= w_max \(w_max is 1\)",
        ),
    ],
)
def test_weights_start_within_the_bounds_of_their_rule(params: Any, message: str) -> None:
    weights = jsnn.Dense(np.array([[0.2, 0.7]]))
    with pytest.raises(ValueError, match=message):
        jsnn.Projection("a", "b", weights, plasticity=jsnn.Plasticity(jsnn.STDP, params))
