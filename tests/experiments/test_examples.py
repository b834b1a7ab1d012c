"""The research scripts to be copied: each runs as it is, and its results are right."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import integrate, optimize, special, stats

FOLDER = Path(__file__).parents[2] / "experiments/examples"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
SLOW = (
    *("balanced_rates", "convert_cnn", "save_and_resume", "stdp_bimodal", "sweep_heat_map"),
    "train_latency_mnist",
)

Found = dict[str, Any]


def siegert(jump: float, in_degree: float, g: float, external: float) -> float:
    """Return the rate of Brunel's network in mean field, Hz (Brunel 2000, equations 5 and 21).

    A quarter as many inhibitory synapses as excitatory ones; external spikes in Hz, jumps in mV.
    """
    tau, v_thresh, v_reset, refractory = 0.02, 20.0, 10.0, 0.002  # s, mV

    def rate(nu: float) -> float:
        mean = jump * tau * (in_degree * nu * (1 - g / 4) + external)
        sd = jump * np.sqrt(tau * (in_degree * nu * (1 + g**2 / 4) + external))
        low, high = (v_reset - mean) / sd, (v_thresh - mean) / sd
        area = integrate.quad(lambda u: special.erfcx(-u), low, high)[0]
        return 1 / (refractory + tau * np.sqrt(np.pi) * area)

    return optimize.brentq(lambda nu: rate(nu) - nu, 0.01, 499.0)


def the_rate_is_the_closed_form(found: Found) -> None:
    """Intervals are those of the closed form, rounded up to whole steps."""
    currents, rates = found["currents"], np.asarray(found["rates"])
    above = currents > 0.951  # 19 mV over 20 MOhm
    interval = 2 - 20 * np.log(1 - 19 / (20 * currents[above]))
    one_spike = 1000 / found["duration"]
    assert np.all(rates[above] <= 1000 / interval + one_spike)
    assert np.all(rates[above] >= 1000 / (interval + found["dt"]) - one_spike)
    assert not rates[~above].any()


def rates_are_those_of_mean_field_and_intervals_irregular(found: Found) -> None:
    expected = siegert(0.2, 400, 8.0, 2 * 20 / (0.2 * 0.02))
    for spikes in found["spikes"].values():
        late = np.asarray(spikes)[1000:]  # from 100 ms on
        np.testing.assert_allclose(late.mean() / 0.0001, expected, rtol=0.1)
        intervals = [np.diff(np.flatnonzero(train)) for train in late.T if train.sum() >= 5]
        assert 0.8 < np.mean([each.std() / each.mean() for each in intervals]) < 1.1


def weights_become_bimodal(found: Found) -> None:
    """Sarle's coefficient, (skewness² + 1) / kurtosis, is 5/9 for a uniform distribution."""
    first, *_, last = (
        (stats.skew(w) ** 2 + 1) / stats.kurtosis(w, fisher=False) for w in found["weights"]
    )
    assert first < 5 / 9 < last
    counts = np.histogram(found["weights"][-1], 5, (0, 1))[0]
    assert counts[[0, -1]].min() > 1.5 * counts[2]
    assert found["rates"][-1] < 20 < 100 < found["rates"][0]  # Hz


def digits_are_learnt(found: Found) -> None:
    accuracy = found["training"].course("validation_accuracy")
    assert accuracy[0] < accuracy[-1]
    assert accuracy[-1] > 0.92


def the_spiking_network_agrees_with_its_model(found: Found) -> None:
    images, labels = found["images"][4500:], found["labels"][4500:]
    artificial = np.argmax(found["model"](images), axis=1)
    assert np.mean(artificial == labels) > 0.93
    assert np.mean(found["report"].predictions[:, -1] == artificial) > 0.98


def rates_of_the_map_are_those_of_mean_field(found: Found) -> None:
    rates, g, external = (np.asarray(found[name]) for name in ("rates", "g", "external"))
    inhibited, driven = g >= 6, external >= 1.25
    expected = [[siegert(0.5, 80, h, x * 2000) for h in g[inhibited]] for x in external[driven]]
    np.testing.assert_allclose(rates[np.ix_(driven, inhibited)], expected, rtol=0.25)
    assert np.all(rates[driven][:, g < 3] > 300)  # excitation wins: near 1 / tau_refrac


def the_shunt_moves_the_curve(found: Found) -> None:
    """Rates are those of the mean conductance, where the neuron is well above threshold."""
    currents = np.asarray(found["currents"])
    for rate, simulated in found["curves"].items():
        g = 0.025 + 100 * rate / 1000 * 5.0 * 0.00125  # uS; 100 neurons, 5 ms
        above = currents > 1.3 * 15 * g
        interval = -0.5 / g * np.log(1 - 15 * g / currents[above])
        np.testing.assert_allclose(simulated[above], 1000 / interval, rtol=0.04)


def more_spikes_are_read_sooner(found: Found) -> None:
    slow, middle, fast = found["accuracy"].values()
    assert slow[19] + 0.2 < middle[19] < fast[19] - 0.05  # after 20 ms
    assert slow[-1] > 0.85
    assert fast[-1] > 0.97


def the_run_goes_on_to_the_same_bits(found: Found) -> None:
    joined = np.concatenate([found["before"]["e"], found["after"]["e"]])
    np.testing.assert_array_equal(joined, found["whole"]["e"])
    assert joined[:200].mean() / 0.0005 > 30  # Hz, in the first 100 ms
    assert 5 < joined[-2000:].mean() / 0.0005 < 9  # learning brings it to 5 Hz
    assert found["network"] is not found["middle"]


def the_liquid_remembers(found: Found) -> None:
    liquid, alone = found["accuracy"].values()
    assert alone[0] > 95
    assert alone[1:].max() < 60  # chance is 50 %, and the test has 300 trials
    assert liquid[1] > 90
    assert liquid[2:4].min() > 65


CHECKS: dict[str, Callable[[Found], None]] = {
    "balanced_rates": rates_are_those_of_mean_field_and_intervals_irregular,
    "convert_cnn": the_spiking_network_agrees_with_its_model,
    "f_i_curve": the_rate_is_the_closed_form,
    "liquid_state_machine": the_liquid_remembers,
    "poisson_images": more_spikes_are_read_sooner,
    "save_and_resume": the_run_goes_on_to_the_same_bits,
    "stdp_bimodal": weights_become_bimodal,
    "sweep_heat_map": rates_of_the_map_are_those_of_mean_field,
    "train_latency_mnist": digits_are_learnt,
    "two_inputs": the_shunt_moves_the_curve,
}


@pytest.mark.usefixtures("as_users_have_it")
@pytest.mark.parametrize(
    "script", [pytest.param(s, marks=[pytest.mark.slow] * (s in SLOW)) for s in SCRIPTS]
)
def test_a_script_runs_and_is_right(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("Agg")
    found = runpy.run_path(str(FOLDER / f"{script}.py"))
    plt.close("all")
    assert capsys.readouterr().out
    assert Path(f"{script}.png").read_bytes().startswith(b"\x89PNG")
    CHECKS[script](found)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_short_and_asks_nothing(script):
    text = (FOLDER / f"{script}.py").read_text()
    assert len(text.splitlines()) <= 40
    assert "__main__" not in text
    assert "sys.argv" not in text
