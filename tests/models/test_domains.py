"""Domains of the quantities of built-in models: the values that are refused, and why."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.models.model import Model
from tests.networks import F32

LIF_DOMAINS = "tau_m > 0, r_m > 0, v_reset < v_thresh, tau_refrac >= 0, refractory >= 0"
BOUNDS = "w_min <= w_max"
PAIR = f"a_plus >= 0, a_minus >= 0, tau_plus > 0, tau_minus > 0, {BOUNDS}"
SYMMETRIC = f"rho >= 0, tau_stdp > 0, {BOUNDS}"
CLOPATH = f"a_ltp >= 0, a_ltd >= 0, tau_x > 0, tau_plus > 0, tau_minus > 0, {BOUNDS}"
EPROP = f"tau_m > 0, tau_out > 0, v_rest < v_thresh, gamma > 0, {BOUNDS}"
DOMAINS = {
    "ADEX": "c_m > 0, g_leak >= 0, delta_t > 0, tau_w > 0, v_reset < v_cut",
    "ALIF": f"{LIF_DOMAINS}, tau_a > 0, beta >= 0, adaptation >= 0",
    "ALPHA": "tau > 0",
    "BIEXPONENTIAL": "tau_rise > 0 and <= tau_decay, tau_decay > 0",
    "CLOPATH_2010": CLOPATH,
    "CLOPATH_2010_HOMEOSTATIC": f"{CLOPATH}, u_ref > 0, tau_mean > 0",
    "CONDUCTANCE": "tau > 0, g >= 0",
    "CONSTANT": "",
    "DELTA": "",
    "EIF": "tau_m > 0, r_m > 0, delta_t > 0, v_reset < v_cut, tau_refrac >= 0, refractory >= 0",
    "EPROP": EPROP,
    "EPROP_ALIF": f"{EPROP}, tau_a > 0, beta >= 0",
    "EXPONENTIAL": "tau > 0",
    "GAP_JUNCTION": "",
    "GAUSSIAN_NOISE": "sd >= 0",
    "GLIF": "c_m > 0, g_leak > 0, tau_refrac >= 0, keep_v >= 0 and <= 1, tau_1 > 0, "
    "keep_1 >= 0 and <= 1, tau_2 > 0, keep_2 >= 0 and <= 1, tau_spike > 0, tau_voltage > 0, "
    "refractory >= 0",
    "GRADED": "v_slope > 0",
    "HODGKIN_HUXLEY": "c_m > 0, g_leak >= 0, g_na >= 0, g_k >= 0, "
    "m >= 0 and <= 1, h >= 0 and <= 1, n >= 0 and <= 1",
    "IF": "v_reset < v_thresh",
    "IF_SOFT_RESET": "v_thresh > 0",
    "INTEGRATOR": "",
    "IZHIKEVICH": "c < 29.99",
    "IZHIKEVICH_GENN": "c < 29.99",
    "LEAKY_INTEGRATOR": "tau_m > 0, r_m > 0",
    "LIF": LIF_DOMAINS,
    "LIF_COND_EXP": f"{LIF_DOMAINS}, tau_syn_e > 0, tau_syn_i > 0, g_e >= 0, g_i >= 0",
    "LIF_CURR_EXP": f"{LIF_DOMAINS}, tau_syn_e > 0, tau_syn_i > 0",
    "LIF_SOFT_RESET": "tau_m > 0, r_m > 0, v_rest < v_thresh, tau_refrac >= 0, refractory >= 0",
    "LIF_TWO_COMPARTMENTS": "c_m > 0, g_leak > 0, c_dendrite > 0, g_dendrite > 0, "
    "g_coupling >= 0, v_reset < v_thresh, tau_refrac >= 0, refractory >= 0",
    "NMDA": "tau_rise > 0 and <= tau_decay, tau_decay > 0, mg >= 0, rise >= 0, g >= 0",
    "ORNSTEIN_UHLENBECK": "sd >= 0, tau > 0",
    "PLAYBACK": "step >= 0",
    "POISSON_EXPONENTIAL": "rate >= 0, tau > 0",
    "POISSON_INPUT": "rate >= 0",
    "POISSON_NEURON": "rate >= 0, probability >= 0 and <= 1",
    "QIF": "tau_m > 0, r_m > 0, a > 0, v_rest < v_crit, v_reset < v_cut",
    "RAMP_CURRENT": "stop > start, step >= 0",
    "REWARD_STDP": f"{PAIR}, tau_c > 0",
    "SINE_CURRENT": "step >= 0",
    "SPIKE_SOURCE": "",
    "STDP": PAIR,
    "STDP_MULTIPLICATIVE": PAIR,
    "STDP_MULTIPLICATIVE_NEAREST": PAIR,
    "STDP_NEAREST": PAIR,
    "STDP_SYMMETRIC": SYMMETRIC,
    "STDP_SYMMETRIC_NEAREST": SYMMETRIC,
    "STEP_CURRENT": "stop >= start, step >= 0",
    "SUPERSPIKE_RULE": "rate >= 0, period > 0, tau_rms > 0, tau_rise > 0 and < tau_decay, "
    f"tau_decay > 0, beta > 0, {BOUNDS}",
    "TRIPLET_STDP": "a2_plus >= 0, a3_plus >= 0, a2_minus >= 0, a3_minus >= 0, "
    f"tau_plus > 0, tau_x > 0, tau_minus > 0, tau_y > 0, {BOUNDS}",
    "TSODYKS_MARKRAM": "u_0 >= 0 and <= 1, tau_rec > 0, tau_fac >= 0, "
    "u >= 0 and <= 1, x >= 0 and <= 1",
    "VOGELS_2011": f"target_rate >= 0, tau_stdp > 0, {BOUNDS}",
}
"""Everything that has bounds. What is not here may be any number: potentials, currents, weights of
either sign, the `a` of Izhikevich (negative for spikes induced by inhibition), `a` and `eta` of
rules that change inhibition written as negative currents."""

MODELS = {
    name: model for name in jsnn.models.__all__ if isinstance(model := getattr(jsnn, name), Model)
}
DENSE = jsnn.Dense(np.full((2, 2), 0.5, F32))


@pytest.mark.parametrize("name", MODELS)
def test_each_quantity_has_the_domain_of_the_table(name: str) -> None:
    declared = {**MODELS[name].params, **MODELS[name].variables}
    bounded = {f"{k} {quantity.domain}" for k, quantity in declared.items() if quantity.domain}
    assert bounded == set(filter(None, DOMAINS[name].split(", ")))


def part(model: Any, params: dict[str, Any], initial: dict[str, Any]) -> Any:
    """Return the part of a network that holds a model."""
    match model:
        case jsnn.NeuronModel():
            return jsnn.Population("a", 2, model, params, initial)
        case jsnn.CurrentSourceModel():
            source = jsnn.CurrentSource("s", "a", model, params, initial)
            return jsnn.Network([jsnn.Population("a", 2, jsnn.IF)], sources=[source])
        case jsnn.SynapseModel():
            return jsnn.Projection("a", "b", DENSE, model, params, initial)
        case jsnn.PlasticityModel():
            learning = jsnn.Plasticity(model, params, initial)
            return jsnn.Projection("a", "b", DENSE, plasticity=learning)


BOUNDED = [
    (name, quantity)
    for name, domains in DOMAINS.items()
    for quantity in [domain.split()[0] for domain in domains.split(", ") if domain]
]


@pytest.mark.parametrize(("name", "quantity"), BOUNDED)
def test_a_value_outside_its_domain_is_refused(name: str, quantity: str) -> None:
    model = MODELS[name]
    declared = {**model.params, **model.variables}[quantity]
    values = {k: q.default for k, q in model.params.items()}
    beyond = []
    for bound in (declared.above, declared.at_least):
        beyond += [] if bound is None else [values.get(bound, bound) - 1]
    for bound in (declared.below, declared.at_most):
        beyond += [] if bound is None else [values.get(bound, bound) + 1]
    assert beyond
    for value in beyond:
        given = ({quantity: value}, {}) if quantity in model.params else ({}, {quantity: value})
        with pytest.raises(ValueError, match=f"{quantity}': given {value}; expected a number"):
            part(model, *given)


def test_a_negative_depression_is_explained_to_users_of_brian() -> None:
    with pytest.raises(ValueError, match=r"'a_minus': given -0.02; .* >= 0 .*Brian2"):
        jsnn.Plasticity(jsnn.STDP, {"a_minus": -0.02})


def test_an_equal_reset_and_threshold_would_spike_for_ever() -> None:
    for model in (jsnn.IF, jsnn.LIF, jsnn.ALIF):
        with pytest.raises(ValueError, match=r"'v_reset'.*< v_thresh \(v_thresh is 1\)"):
            jsnn.Population("a", 2, model, {"v_reset": [0.0, 1.0], "v_thresh": 1.0})


LIF = jsnn.Network([jsnn.Population("a", 2, jsnn.LIF)], [jsnn.Projection("a", "a", DENSE)])
LEARNING = dataclasses.replace(
    LIF, projections=[jsnn.Projection("a", "a", DENSE, plasticity=jsnn.Plasticity(jsnn.STDP))]
)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": {"tau_m": -1.0}}, "'tau_m': given -1.0"),
        ({"a": {"v_thresh": -80.0}}, r"'v_reset': given -70.0; .* \(v_thresh is -80\)"),
        ({"a": {"tau_m": 1e-46}}, "'tau_m': given 0.0 as float32"),
        ({"a_to_a": {"plasticity": {"a_minus": -1.0}}}, "'a_minus': given -1.0"),
        ({"a_to_a": {"plasticity": {"w_max": 0.25}}}, "4 of 4 weights outside w_min to w_max"),
    ],
)
def test_other_parameters_are_checked_again(params: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LEARNING.with_params(params)


def test_what_is_traced_is_not_checked() -> None:
    def changed(tau: jax.Array) -> jax.Array:
        return LIF.with_params({"a": {"tau_m": tau}}).population("a").params["tau_m"]

    assert jax.jit(changed)(-1.0) == -1


# After the cast to the dtype of the network.


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tau_m": 1e-46}, r"'tau_m': given 0.0 as float32; expected a number > 0, in ms"),
        ({"tau_m": 1e-40}, r"'tau_m': given 0.0 as float32"),  # XLA may flush it to 0
        ({"v_thresh": 1.0, "v_reset": 1 - 1e-9}, r"'v_reset': given 1.0 as float32; .*v_thresh"),
        ({"v_thresh": 1e39}, r"'v_thresh'.*inf"),
        ({"v_thresh": 2**24 + 1}, "'v_thresh': given 16777217, which float32 rounds to 16777216"),
        ({"v_thresh": [0, 2**24 + 1]}, "'v_thresh': given 16777217, which float32 rounds to"),
        ({"v_thresh": np.int64(2**24 + 1)}, "'v_thresh': given 16777217, which float32 rounds"),
        ({"v_thresh": 10**30}, "'v_thresh': given 1000.*, which float32 rounds to"),
        ({"v_thresh": 10**400}, "'v_thresh': given a number too large for a float"),
        ({"v_thresh": np.inf}, "'v_thresh': .* inf"),
    ],
)
def test_a_number_that_float32_changes_too_much_is_refused(params: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jsnn.Network([jsnn.Population("a", 2, jsnn.LIF, params)])


def test_numbers_that_float32_rounds_a_little_are_taken() -> None:
    params = {"tau_m": 0.1, "v_thresh": 2**24, "v_reset": -(2.0**24 + 1)}
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.LIF, params)])
    assert network.population("a").params["v_thresh"] == 2**24
    with jax.enable_x64(True):
        exact = jsnn.Network([jsnn.Population("a", 2, jsnn.LIF, {"v_thresh": 2**24 + 1})])
        assert exact.population("a").params["v_thresh"] == 2**24 + 1


@pytest.mark.parametrize("dt", [0.0, -1.0, 1e-45, 1e-39, 1e-50])
def test_a_step_that_is_no_time_is_refused(dt: float) -> None:
    with pytest.raises(ValueError, match=r"network, dt: given .*; expected one time in ms > 0"):
        jsnn.Network([jsnn.Population("a", 2, jsnn.LIF)], dt=dt)


# Numbers of other kinds.


class Tensor:
    """A stand-in for a tensor of PyTorch."""

    __module__ = "torch"
    dtype = "torch.float32"

    def __init__(self, values: Any, *, requires_grad: bool = False) -> None:
        self.values, self.requires_grad = np.asarray(values, F32), requires_grad

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.values


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "NoneType None"),
        ("20", "str '20'"),
        ([1, "a"], "<U21"),
        ([1.0, [2.0]], "a list that is no array of numbers"),
        (1 + 2j, "complex"),
        ([1j, 2j], "complex128"),
        (True, "bool True"),
        ([True, False], "an array of bool"),
        (np.array([True, False]), "an array of bool"),
        ({"mean": 1.0}, "dict"),
        ({1.0, 2.0}, "set"),
        (jsnn.Quantity(1.0), r"Quantity Quantity\(1.0\)"),
        (jsnn.STDP, "PlasticityModel PlasticityModel STDP;"),
        (jsnn.initializers.normal(0, 1), r"an initializer; expected numbers \(draw them"),
        (np.ma.masked_array([1.0, 2.0], [True, False], F32), "a masked array"),
        (Tensor([1, 2], requires_grad=True), r"a Tensor .*requires grad.*detach\(\)"),
        (np.array(["a", "b"]), "<U1"),
        (jax.ShapeDtypeStruct((2,), F32), "the shape of an array"),
        (np.array([None, 1.0]), "object"),
        (np.datetime64("2020-01-01"), "datetime64"),
        (jax.random.key(0), "key<fry>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_is_refused(value: Any, says: str) -> None:
    for quantity, given in (("'tau'", ({"tau": value}, {})), ("'i_syn'", ({}, {"i_syn": value}))):
        with pytest.raises(TypeError, match=f"projection 'a_to_b', .* {quantity}: given .*{says}"):
            part(jsnn.EXPONENTIAL, *given)
    with pytest.raises(TypeError, match="NeuronModel, parameter 'tau'"):
        jsnn.NeuronModel({"tau": None}, {}, jsnn.IF.update, jsnn.IF.threshold)


def test_an_array_of_another_library_is_taken_if_numpy_can_convert_it() -> None:
    population = jsnn.Population("a", 2, jsnn.LIF, {"tau_m": Tensor([10, 20])}, {"v": Tensor(-65)})
    params = jsnn.Network([population]).population("a").params
    np.testing.assert_array_equal(params["tau_m"], [10, 20])
    np.testing.assert_array_equal(jsnn.Dense(Tensor([[1, 2]])).weights, [[1, 2]])
    with pytest.raises(TypeError, match=r"Dense weights: given a Tensor .*detach\(\)"):
        jsnn.Dense(Tensor([[1, 2]], requires_grad=True))
    with pytest.raises(TypeError, match="Dense weights: given a masked array"):
        jsnn.Dense(np.ma.masked_array(np.ones((2, 2), F32)))


def test_a_parameter_of_flax_is_an_array_also_if_it_is_traced() -> None:
    nnx = pytest.importorskip("flax.nnx")
    kernel = nnx.Param(jnp.ones((2, 3)))
    assert jax.jit(lambda k: jsnn.Dense(k).weights.sum())(kernel) == 6


def test_a_bool_variable_takes_bools() -> None:
    for given in (True, [True, False], np.array([True, False])):
        population = jsnn.Population("a", 2, jsnn.HODGKIN_HUXLEY, initial={"was_above": given})
        state = jsnn.init(jsnn.Network([population], dt=0.1))
        np.testing.assert_array_equal(state.populations["a"]["was_above"], given)
