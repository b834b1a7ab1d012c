"""Rewiring: networks in which synapses go and come, against networks made of those that remain."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._kernels import native
from tests.networks import F32, assert_same

T = 30
NUM_PRE, NUM_POST, NUM_SYNAPSES, CAPACITY = 60, 40, 1300, 1400
"""Sizes for which synapses that learn are visited one by one, if there is a C++ compiler."""

RULES = {"late": None, "axonal": jsnn.REWARD_STDP}
"""Rule of each kind of synapses: with delays of their own, and with axonal parts too."""


def drawn(kind: str, number: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw synapses."""
    delays = random.integers(1, 4, number)
    synapses = {
        "pre": random.integers(NUM_PRE, size=number),
        "post": random.integers(NUM_POST, size=number),
        "weights": random.uniform(0.001, 0.2, number).astype(F32),
        "delays": delays,
        "axonal": random.integers(delays),
    }
    synapses["delays"][0], synapses["axonal"][0] = 3, 2  # the longest stay
    if kind == "late":
        del synapses["axonal"]
    return synapses


def network(connectivities: dict[str, jsnn.Sparse]) -> jsnn.Network:
    """Return a network with a projection for each kind of synapses."""
    return jsnn.Network(
        [
            jsnn.Population("a", NUM_PRE, jsnn.IF),
            jsnn.Population("b", NUM_POST, jsnn.LIF, {"v_thresh": -60.0}),
        ],
        [
            jsnn.Projection(
                *("a", "b", connectivity, jsnn.EXPONENTIAL if kind == "late" else jsnn.DELTA),
                plasticity=RULES[kind]
                and jsnn.Plasticity(RULES[kind], {"reward": 0.01, "w_min": 1e-3, "w_max": 4.0}),
                name=kind,
            )
            for kind, connectivity in connectivities.items()
        ],
    )


def sparse(synapses: dict[str, np.ndarray], **fields: Any) -> jsnn.Sparse:
    synapses = dict(synapses)
    given = (synapses.pop(name) for name in ("pre", "post", "weights"))
    return jsnn.Sparse(*given, NUM_PRE, NUM_POST, **synapses, **fields)


DRIVE = {"a": np.linspace(0.1, 0.9, NUM_PRE, dtype=F32)}
MASKS = np.random.default_rng(2)
REMOVE = (MASKS.random(CAPACITY) < 0.4) & (np.arange(CAPACITY) > 0)
ADD = (REMOVE | (np.arange(CAPACITY) >= NUM_SYNAPSES)) & (MASKS.random(CAPACITY) < 0.3)
EXISTS = ((np.arange(CAPACITY) < NUM_SYNAPSES) & ~REMOVE) | ADD


@pytest.fixture(scope="module")
def pair() -> list[tuple[jsnn.Network, jsnn.State]]:
    """Networks in the middle of a run: one that was rewired, and one of the synapses that remain.

    Of the second all but the values of the synapses is the state of the first.
    """
    random = np.random.default_rng(0)
    old = {kind: drawn(kind, NUM_SYNAPSES, random) for kind in RULES}
    new = {kind: drawn(kind, CAPACITY, random) for kind in RULES}
    net = network({kind: sparse(old[kind], capacity=CAPACITY) for kind in RULES})
    state, _ = run(net, jsnn.init(net))
    for kind in RULES:
        net, state = jsnn.rewire(net, state, kind, REMOVE, ADD, **new[kind])
    remain = {
        kind: {
            name: np.where(ADD, new[kind][name], np.resize(values, CAPACITY))[EXISTS]
            for name, values in old[kind].items()
        }
        for kind in RULES
    }
    fresh = network({kind: sparse(remain[kind]) for kind in RULES})
    return [(net, state), (fresh, without_empty(state))]


def without_empty(state: jsnn.State) -> jsnn.State:
    """Return a state with the values of the synapses that exist."""
    projections = dict(state.projections)
    for kind, part in projections.items():
        if part.plasticity is not None:
            own = {k: x[..., EXISTS] for k, x in part.plasticity.synapses.items()}
            plasticity = dataclasses.replace(part.plasticity, synapses=own)
            projections[kind] = dataclasses.replace(part, plasticity=plasticity)
    return dataclasses.replace(state, projections=projections)


def run(net: jsnn.Network, state: jsnn.State, scale: Any = 1.0) -> Any:
    drive = {"a": DRIVE["a"] * scale}
    return jsnn.simulate(net, drive, T, record={"b": jsnn.Spikes("b")}, state=state)


@pytest.fixture(scope="module")
def expected(pair: list[Any]) -> Any:
    """State and spikes after a run of the network of the synapses that remain."""
    state, recorded = run(*pair[1])
    assert 0 < np.mean(recorded["b"]) < 1
    return state, recorded


@pytest.mark.parametrize("way", ["kernels", "passes", "batch"])
def test_a_rewired_network_is_one_made_of_the_synapses_that_remain(
    pair: list[Any], expected: Any, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, before = pair[0]
    if way == "passes":
        jax.clear_caches()
        monkeypatch.setattr(native, "available", lambda: False)
    if way == "batch":
        scales = np.array([0.5, 1], F32)
        batch = jax.vmap(run, (None, None, 0))(net, before, scales)
        state, recorded = jax.tree.map(lambda x: x[1], batch)
    else:
        state, recorded = run(net, before)
    assert_same((without_empty(state), recorded), expected)
    old, new = (s.projections["axonal"].plasticity.synapses for s in (before, state))
    assert not np.any(new["weight"][~EXISTS])
    assert np.any(new["weight"] != old["weight"])
    for name, values in new.items():
        np.testing.assert_array_equal(values[~EXISTS], old[name][~EXISTS])
    if way == "passes":
        jax.clear_caches()


def test_derivatives_are_those_of_the_synapses_that_remain(pair: list[Any]) -> None:
    def voltage(weights: jax.Array, net: jsnn.Network) -> Any:
        after, _ = jsnn.simulate(net.with_params({"late": {"weights": weights}}), DRIVE, 8)
        return after.populations["b"]["v"].sum()

    gradients = []
    for net, _ in pair:
        late = net.projection("late")
        alone = jsnn.Network(net.populations, [late])
        gradients.append(jax.jit(jax.grad(voltage))(late.connectivity.weights, alone))
    got, wanted = gradients
    np.testing.assert_array_equal(got[EXISTS], wanted)
    assert not np.any(got[~EXISTS])
    assert np.any(wanted)


def test_arrays_of_a_rewired_connectivity_are_those_of_the_synapses(pair: list[Any]) -> None:
    (net, _), (fresh, _) = pair
    for kind in RULES:
        got, expected = (n.projection(kind).connectivity for n in (net, fresh))
        np.testing.assert_array_equal(got.exists, EXISTS)
        assert (got.num_synapses, got.capacity) == (EXISTS.sum(), CAPACITY)
        for name in ("pre", "post", "weights", "delays", "axonal"):
            if getattr(expected, name) is not None:
                np.testing.assert_array_equal(
                    np.asarray(getattr(got, name))[EXISTS], getattr(expected, name)
                )
        got.check_indices("here")
    spikes = jnp.asarray(np.arange(NUM_PRE) % 2, F32)
    got, expected = (n.projection("late").connectivity for n in (net, fresh))
    assert_same(got.deliver(spikes), expected.deliver(spikes))
    assert_same(got.deliver_events(spikes), expected.deliver(spikes))
    assert f"{2 * EXISTS.sum():,} synapses" in str(net)


@pytest.mark.parametrize("axis", ["post", "pre"])
def test_weights_of_synapses_that_remain_are_normalised(pair: list[Any], axis: str) -> None:
    state, expected = (jsnn.normalise_weights(*each, "axonal", F32(4), axis=axis) for each in pair)
    weights, wanted = (
        s.projections["axonal"].plasticity.synapses["weight"] for s in (state, expected)
    )
    np.testing.assert_allclose(weights[EXISTS], wanted, rtol=1e-6)
    assert not np.any(weights[~EXISTS])


# In compiled loops.

PRE, POST = MASKS.integers(6, size=20), MASKS.integers(4, size=20)
LATE = MASKS.integers(1, 4, size=20)
PLACES = 24


def small(kind: str, **fields: Any) -> jsnn.Network:
    delays = None if kind == "sparse" else LATE
    axonal = MASKS.integers(LATE) if kind == "axonal" else None
    connectivity = jsnn.Sparse(
        *(PRE, POST, np.linspace(0.1, 0.5, 20, dtype=F32), 6, 4, delays),
        axonal=axonal,
        capacity=PLACES,
    )
    learning = jsnn.Plasticity(jsnn.REWARD_STDP, {"reward": 1e-3})
    plasticity = None if kind == "late" else learning
    return jsnn.Network(
        [jsnn.Population("a", 6, jsnn.IF), jsnn.Population("b", 4, jsnn.LIF)],
        [jsnn.Projection("a", "b", connectivity, **{"plasticity": plasticity} | fields)],
    )


def masks(random: np.random.Generator, exists: Any) -> dict[str, Any]:
    """Draw any number of synapses that go and come."""
    remove = random.random(PLACES) < random.random()
    add = (remove | ~np.asarray(exists)) & (random.random(PLACES) < random.random())
    return {"remove": remove, "add": add}


def new(random: np.random.Generator, kind: str) -> dict[str, Any]:
    steps = {"delays": random.integers(2, 4, PLACES), "axonal": random.integers(2, size=PLACES)}
    return {
        "pre": random.integers(6, size=PLACES),
        "post": random.integers(4, size=PLACES),
        "weights": random.random(PLACES).astype(F32),
        **{k: steps[k] for k in {"sparse": (), "late": ("delays",)}.get(kind, tuple(steps))},
    }


@pytest.mark.parametrize("kind", ["sparse", "late", "axonal"])
def test_a_scan_rewires_as_the_host_does(kind: str) -> None:
    random = np.random.default_rng(3)
    net = small(kind)
    carry, changes = (net, jsnn.init(net)), []
    for _ in range(6):
        exists = carry[0].projections[0].connectivity.exists
        changes.append(masks(random, exists) | new(random, kind))
        carry = jsnn.rewire(*carry, "a_to_b", **changes[-1])
    assert len({int(c["add"].sum()) for c in changes}) > 3

    def once(carry: Any, change: Any) -> Any:
        return jsnn.rewire(*carry, "a_to_b", **change), None

    def stacked(changes: Any) -> Any:
        return jax.tree.map(lambda *x: jnp.stack(x), *changes)

    start = (net, jsnn.init(net))
    scan = jax.jit(lambda carry, changes: jax.lax.scan(once, carry, changes)[0])
    assert_same(scan(start, stacked(changes)), carry)
    if kind == "axonal":
        exists = net.projections[0].connectivity.exists
        both = [masks(random, exists) | new(random, kind) for _ in range(2)]
        in_batch = jax.jit(jax.vmap(lambda change: once(start, change)[0]))(stacked(both))
        singly = [once(start, change)[0] for change in both]
        assert_same(in_batch, stacked(singly))


def test_a_traced_delay_outside_its_range_delivers_nothing_and_is_found() -> None:
    net = small("axonal", plasticity=jsnn.Plasticity(jsnn.STDP))
    change = masks(np.random.default_rng(7), net.projections[0].connectivity.exists)
    change |= new(np.random.default_rng(8), "axonal")
    change |= {"delays": np.full(PLACES, 4), "axonal": np.ones(PLACES, int)}
    changed, _ = jax.jit(lambda c: jsnn.rewire(net, jsnn.init(net), "a_to_b", **c))(change)
    connectivity = changed.projections[0].connectivity
    kept = net.projections[0].connectivity.exists & ~change["remove"]
    targets = np.asarray(net.projections[0].connectivity.post)[kept]
    weights = np.asarray(net.projections[0].connectivity.weights)[kept]
    sums = connectivity.deliver(jnp.ones(6, F32))
    np.testing.assert_allclose(sums, np.bincount(targets, weights, 4), rtol=1e-6)
    with pytest.raises(ValueError, match=f"given {change['add'].sum()} indices outside"):
        jsnn.simulate(changed, {}, 1)


def test_any_number_of_synapses_compiles_nothing_anew(compilations: Any) -> None:
    random = np.random.default_rng(4)
    net = small("axonal")

    def rewired_run(net: jsnn.Network, state: jsnn.State) -> Any:
        exists = net.projections[0].connectivity.exists
        change = masks(random, exists) | new(random, "axonal")
        net, state = jsnn.rewire(net, state, "a_to_b", **change)
        return net, jsnn.simulate(net, {"a": DRIVE["a"][:6]}, 5, state=state)[0]

    carry = rewired_run(*rewired_run(net, jsnn.init(net)))
    numbers = set()
    with compilations() as names:
        for _ in range(4):
            carry = rewired_run(*carry)
            numbers.add(carry[0].projections[0].connectivity.num_synapses)
    assert names == []
    assert len(numbers) > 2


# Values of new synapses.


def test_variables_of_new_synapses_start_as_given() -> None:
    each = np.arange(PLACES, dtype=F32)
    rule = jsnn.Plasticity(jsnn.REWARD_STDP, initial={"eligibility": each})
    net = small("sparse", plasticity=rule)
    state = jsnn.init(net)
    random = np.random.default_rng(5)
    change = masks(random, net.projections[0].connectivity.exists) | new(random, "sparse")
    for given in (None, {"eligibility": 7.0}, {"eligibility": -each}):
        start = 0 if given is None else given["eligibility"]
        new_net, after = jsnn.rewire(net, state, "a_to_b", **change, variables=given)
        changed = change["remove"] | change["add"]
        got = after.projections["a_to_b"].plasticity.synapses["eligibility"]
        np.testing.assert_array_equal(got, np.where(changed, start, each))
        assert_same(jsnn.init(new_net).projections, after.projections)


def test_a_projection_that_does_not_learn_can_be_rewired() -> None:
    net = small("sparse", plasticity=None)
    state = jsnn.init(net)
    one = np.arange(PLACES) == 3
    given = new(np.random.default_rng(6), "sparse")
    new_net, after = jsnn.rewire(net, state, "a_to_b", one, one, **given)
    assert_same(after, state)
    weights, before = (n.projections[0].connectivity.weights for n in (new_net, net))
    np.testing.assert_array_equal(weights, np.where(one, given["weights"], before))


def test_empty_places_may_be_outside_the_bounds_of_the_rule() -> None:
    rule = jsnn.Plasticity(jsnn.STDP, {"w_min": 0.1})
    net = small("sparse", plasticity=rule)
    jsnn.step(net, jsnn.init(net), {})
    jsnn.divide(net, jax.devices()[:1])
    new_net = net.with_params({"a_to_b": {"weights": net.projections[0].connectivity.weights}})
    assert new_net.projections[0].connectivity.num_synapses == 20


def test_weights_given_for_empty_places_become_0() -> None:
    net = small("sparse").with_params({"a_to_b": {"weights": np.full(PLACES, 0.5, F32)}})
    expected = np.where(np.arange(PLACES) < 20, F32(0.5), F32(0))
    np.testing.assert_array_equal(net.projections[0].connectivity.weights, expected)
    np.testing.assert_array_equal(
        jsnn.init(net).projections["a_to_b"].plasticity.synapses["weight"], expected
    )


def test_builders_make_synapses_that_get_a_capacity() -> None:
    built = jsnn.fixed_probability(jax.random.key(0), 6, 4, 0.5, F32(1))
    roomy = built.with_capacity(30)
    assert (roomy.capacity, roomy.num_synapses) == (30, built.num_synapses)
    np.testing.assert_array_equal(roomy.pre[: built.num_synapses], built.pre)
    np.testing.assert_array_equal(roomy.pre[built.num_synapses :], 6)
    np.testing.assert_array_equal(roomy.post[built.num_synapses :], 4)
    assert built.exists is None


# What does not fit.

NONE, ONE = np.zeros(PLACES, bool), np.arange(PLACES) == 1
ZEROS, WEIGHTS = np.zeros(PLACES, int), np.full(PLACES, 0.5, F32)
GOOD = {"remove": ONE, "add": ONE, "pre": ZEROS, "post": ZEROS, "weights": WEIGHTS}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"remove": [1, 2]}, r"remove: given int64; expected a mask, bool \(24,\)"),
        ({"remove": ONE.astype(F32)}, "remove: given float32; expected a mask"),
        ({"add": ONE[:5]}, r"add: given shape \(5,\); expected \(24,\), the capacity"),
        ({"add": np.append(ONE, True)}, r"add: given shape \(25,\)"),
        ({"add": True}, r"add: given shape \(\)"),
        ({"remove": NONE}, "add: given True at 1, where a synapse is; expected it where a place"),
        ({"pre": np.full(PLACES, 6)}, "pre: given 6 for synapse 1; expected 0 to 5"),
        ({"post": np.full(PLACES, -1)}, "post: given -1 for synapse 1; expected 0 to 3"),
        ({"post": [0, 1]}, r"post: given shape \(2,\); expected \(24,\)"),
        ({"post": ZEROS.astype(F32)}, "post: given float32; expected integers"),
        ({"weights": WEIGHTS[:3]}, r"weights: given shape \(3,\); expected \(24,\)"),
        ({"weights": WEIGHTS * np.nan}, "1 of 24 values are NaN or infinite"),
        ({"weights": WEIGHTS.astype(int)}, "weights: given an array of int64"),
        ({"weights": 3 * WEIGHTS}, r"given 1 of 1 weights outside w_min to w_max .* 1\.5"),
        ({"delays": ZEROS}, "delays of new synapses: given some"),
        ({"axonal": ZEROS}, "axonal of new synapses: given some"),
        ({"variables": {"sign": 1.0}}, "unknown variable 'sign'.*eligibility"),
        ({"variables": {"eligibility": [1.0]}}, r"'eligibility': given shape \(1,\)"),
        ({"variables": {"eligibility": np.nan}}, "'eligibility'.*NaN"),
        ({"variables": [1.0]}, "variables: given list; expected a dict"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    net = small("sparse")
    with pytest.raises((ValueError, TypeError), match=f"rewire of 'a_to_b'.*{message}"):
        jsnn.rewire(net, jsnn.init(net), "a_to_b", **GOOD | changes)


def test_what_does_not_count_may_be_anything() -> None:
    given = {
        "pre": np.where(ONE, 2, 6),
        "post": np.where(ONE, 3, -1),
        "weights": np.where(ONE, F32(0.25), F32(np.nan)),
    }
    net = small("sparse")
    changed, _ = jsnn.rewire(net, jsnn.init(net), "a_to_b", **GOOD | given)
    before, after = (n.projections[0].connectivity for n in (net, changed))
    np.testing.assert_array_equal(after.pre, np.where(ONE, 2, before.pre))
    np.testing.assert_array_equal(after.post, np.where(ONE, 3, before.post))
    np.testing.assert_array_equal(after.weights, np.where(ONE, F32(0.25), before.weights))


def test_delays_and_axonal_parts_fit_those_of_the_others() -> None:
    late = small("late", plasticity=None)
    for delays, message in (
        (None, "delays of new synapses: given none"),
        (np.full(PLACES, 4), "delays: given 4 for synapse 1; expected 1 to 3"),
    ):
        with pytest.raises(ValueError, match=message):
            jsnn.rewire(late, jsnn.init(late), "a_to_b", **GOOD, delays=delays)
    axonal = small("axonal")
    steps = {"delays": ZEROS + 1, "axonal": ZEROS + 1}
    with pytest.raises(ValueError, match="axonal: given 1 for synapse 1, of a delay of 1"):
        jsnn.rewire(axonal, jsnn.init(axonal), "a_to_b", **GOOD, **steps)
    connectivity = jsnn.Sparse([0], [0], np.ones(1, F32), 6, 4, [3], capacity=PLACES)
    shared = small("late")
    shared = jsnn.Network(
        shared.populations,
        [
            jsnn.Projection(
                *("a", "b", connectivity), axonal=1, plasticity=jsnn.Plasticity(jsnn.STDP)
            )
        ],
    )
    with pytest.raises(ValueError, match="delays: given 1 for synapse 1; expected 2 to 3"):
        jsnn.rewire(shared, jsnn.init(shared), "a_to_b", **GOOD, delays=ZEROS + 1)


def test_only_sparse_connectivity_with_a_capacity_is_rewired() -> None:
    matrix = np.ones((6, 4), F32)
    for connectivity, message in (
        (jsnn.Dense(matrix), "given Dense; expected a Sparse"),
        (jsnn.Sparse([0], [0], np.ones(1, F32), 6, 4), "Sparse, capacity: given none"),
    ):
        net = jsnn.Network(small("late").populations, [jsnn.Projection("a", "b", connectivity)])
        with pytest.raises(TypeError, match=f"rewire of 'a_to_b'.*{message}"):
            jsnn.rewire(net, jsnn.init(net), "a_to_b", **GOOD)
    net, given = small("sparse", plasticity=None), {"eligibility": 1.0}
    with pytest.raises(ValueError, match="variables: given some without a plasticity"):
        jsnn.rewire(net, jsnn.init(net), "a_to_b", **GOOD, variables=given)
    for capacity in (0, 23, -1):
        with pytest.raises(ValueError, match=f"capacity for 24 synapses: given {capacity}; exp"):
            jsnn.Sparse(ZEROS, ZEROS, WEIGHTS, 6, 4, capacity=capacity)
    with pytest.raises(ValueError, match="Sparse, capacity: given twice"):
        small("sparse").projections[0].connectivity.with_capacity(30)


def test_rewiring_joins_no_pair_twice_where_that_is_not_allowed() -> None:
    connectivity = jsnn.Sparse([0, 1], [0, 1], np.ones(2, F32), 3, 3, multapses=False, capacity=4)
    net = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF)], [jsnn.Projection("a", "a", connectivity)]
    )
    add, one = np.arange(4) == 3, np.ones(4, int)
    given = (one, one, one.astype(F32))
    with pytest.raises(ValueError, match=r"rewire of 'a_to_a': Sparse, multapses: .* 1 to 1"):
        jsnn.rewire(net, jsnn.init(net), "a_to_a", one < 0, add, *given)
    moved, _ = jsnn.rewire(net, jsnn.init(net), "a_to_a", np.arange(4) == 1, add, *given)
    np.testing.assert_array_equal(moved.projections[0].connectivity.pre, [0, 3, 3, 1])
