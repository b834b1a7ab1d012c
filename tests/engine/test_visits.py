"""Learning by visits to the synapses of the neurons that spiked, against passes over all."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._engine import plasticity_step
from jsnn._kernels import native
from tests.networks import F32, FORCE, FORCED, assert_same

pytestmark = pytest.mark.skipif(
    not native.available(), reason="without a C++ compiler nothing is visited"
)

NUM_PRE, NUM_POST, NUM_STEPS = 30, 20, 60


def _mean_of_all(p: Any, x: Any, dt: Any) -> Any:
    return {"trace": 0.5 * (x["trace"] + jnp.mean(x["trace"]))}


def _count_visits(p: Any, s: Any, pre: Any, post: Any) -> Any:
    return {
        "weight": s["weight"] + p["size"] * jnp.where(post["input"] > 0, pre["trace"], 1),
        "visits": s["visits"] + 1,
        "seen": pre["spike"] * post["spike"] > 0,
    }


COUPLED = jsnn.PlasticityModel(
    params={"size": 0.25},
    variables={"visits": 0, "seen": False},
    pre={"trace": 0.0},
    post={},
    on_pre=_count_visits,
    on_post=_count_visits,
    update_pre=_mean_of_all,
    spike_pre=lambda p, x: {"trace": x["trace"] + 1},
    reads_post=("input",),
)
"""A rule with variables of several dtypes and with traces that are coupled."""


@pytest.fixture(autouse=True, scope="module")
def visits_in_small_networks() -> Iterator[None]:
    jax.clear_caches()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plasticity_step, "_FEWEST", 0)
        yield
    jax.clear_caches()


def sparse(random: np.random.Generator, *, is_sorted: bool) -> jsnn.Sparse:
    """600 synapses, some between the same neurons."""
    pre, post = random.integers(NUM_PRE, size=600), random.integers(NUM_POST, size=600)
    weights = random.uniform(0.2, 0.8, 600).astype(F32)
    pre = np.sort(pre) if is_sorted else pre
    return jsnn.Sparse(pre, post, weights, NUM_PRE, NUM_POST)


def drives(random: np.random.Generator) -> dict[str, Any]:
    """Spikes of no neuron, of few, of many and of all, with all changes between them."""
    rates = random.choice([0, 0.05, 0.3, 1], (2, NUM_STEPS, 1))
    return {
        name: jsnn.over_time(((random.random((NUM_STEPS, n)) < rate) * 2 * FORCE).astype(F32))
        for name, n, rate in (("a", NUM_PRE, rates[0]), ("b", NUM_POST, rates[1]))
    }


def network_of(seed: int, rules: dict[str, Any]) -> jsnn.Network:
    random = np.random.default_rng(seed)
    dense = jsnn.Dense(random.uniform(0.2, 0.8, (NUM_PRE, NUM_POST)).astype(F32))
    each = {
        "dense": dense,
        "sorted": sparse(random, is_sorted=True),
        "unsorted": sparse(random, is_sorted=False),
    }
    return jsnn.Network(
        [jsnn.Population("a", NUM_PRE, FORCED), jsnn.Population("b", NUM_POST, FORCED)],
        [
            jsnn.Projection("a", "b", each[name], plasticity=jsnn.Plasticity(rule), name=name)
            for name, rule in rules.items()
        ],
    )


def learnt(network: jsnn.Network, drive: Any, **how: Any) -> Any:
    state, _ = jsnn.simulate(network, drive, NUM_STEPS, **how)
    return {name: part.plasticity for name, part in state.projections.items()}


@pytest.mark.parametrize(
    "rules",
    [
        {"dense": jsnn.TRIPLET_STDP, "unsorted": jsnn.VOGELS_2011},
        {"dense": COUPLED, "sorted": jsnn.REWARD_STDP},
    ],
)
def test_visits_change_what_passes_change(rules: dict[str, Any]) -> None:
    network, drive = network_of(0, rules), drives(np.random.default_rng(1))
    assert_same(learnt(network, drive), learnt(network, drive, scheduled=False))


def test_visits_in_a_batch_of_networks_and_parameters() -> None:
    """One program visits the synapses of all; each row is the row of a pass over all synapses."""
    rules = {"dense": jsnn.STDP, "sorted": jsnn.STDP_SYMMETRIC}
    networks = [network_of(seed, rules) for seed in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    drive = drives(np.random.default_rng(2))
    a_plus = jnp.array([0.01, 0.02, 0.05], F32)

    def run(network: jsnn.Network, a_plus: Any, **how: Any) -> Any:
        network = network.with_params({"dense": {"plasticity": {"a_plus": a_plus}}})
        return learnt(network, drive, **how)

    together = jax.jit(jax.vmap(run))(stacked, a_plus)
    for i, network in enumerate(networks):
        of_one = jax.tree.map(lambda leaf, i=i: leaf[i], together)
        assert_same(of_one, run(network, a_plus[i], scheduled=False))


def test_gradients_are_those_of_passes() -> None:
    network, drive = network_of(0, {"sorted": jsnn.STDP}), drives(np.random.default_rng(1))

    def total(a_plus: jax.Array, scheduled: bool) -> jax.Array:
        changed = network.with_params({"sorted": {"plasticity": {"a_plus": a_plus}}})
        return learnt(changed, drive, scheduled=scheduled)["sorted"].synapses["weight"].sum()

    ours, expected = (jax.grad(total)(F32(0.001), scheduled) for scheduled in (True, False))
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
    assert abs(expected) > 1


def test_weights_are_changed_in_place() -> None:
    """No step copies the weights: the only copies are made before the first step."""
    network, drive = network_of(0, {"sorted": jsnn.STDP}), drives(np.random.default_rng(1))

    def run(network: jsnn.Network, drive: Any) -> Any:
        return learnt(network, drive)

    program = jax.jit(run).lower(network, drive).compile().as_text()
    copies = [
        x for x in program.splitlines() if " copy(" in x and "f32[600]" in x.split("copy(")[0]
    ]
    assert "jsnn_visits" in program
    assert all("(%get-tuple-element" not in copy for copy in copies), copies
