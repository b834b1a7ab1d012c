"""Fit of rates: the CV of intervals, the current's deviation, and a small run."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.training import fit_rates as experiment
from experiments.training import four_weights
from tests.experiments.training.small_runs import run


def test_cv_counts_intervals_over_the_edges_of_windows():
    spikes = np.random.default_rng(0).random((60, 5)) < 0.3
    last, weighted = jnp.full(5, -1), []
    for start in (0, 20, 40):
        cv, last = four_weights.cv_of(jnp.float32(spikes[start : start + 20]), last)
        weighted.append(float(cv))
    later = [np.diff(np.append(-1, np.flatnonzero(train))) for train in spikes.T]
    ends = [np.flatnonzero(train) for train in spikes.T]
    for window, cv in enumerate(weighted):
        of_window = [x[end // 20 == window] for x, end in zip(later, ends, strict=True)]
        intervals = np.concatenate(of_window)
        assert cv == pytest.approx(intervals.std() / intervals.mean(), rel=1e-5)


def test_the_current_of_poisson_spikes_has_the_deviation_that_is_assumed():
    rate, weight, dt = 20.0, -8.0, 0.05
    random, current, recorded = np.random.default_rng(0), np.zeros(500), []
    for _ in range(4000):
        arriving = random.poisson(20 * rate * dt / 1000, 500)  # from a tenth of 200 neurons
        current = np.exp(-dt / four_weights.TAU_SYN) * current + weight * arriving
        recorded.append(current)
    weights = {f"{pre}_to_i": {"weight": weight if pre == "i" else 0.0} for pre in ("e", "i")}
    with_noise = four_weights.deviation(weights, {"e": 0.0, "i": rate}, "i")
    noise = four_weights.NOISE["sd"] ** 2
    assert float(with_noise) ** 2 - noise == pytest.approx(np.var(recorded[1000:]), rel=0.03)


@pytest.mark.slow
def test_rates_and_cv_come_nearer_to_their_targets(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(four_weights, "NUM_STEPS", 400)
    results = run(experiment, monkeypatch, tmp_path, "--updates", "30", "--rates", "10", "18")
    targets, before, after = (np.array(results[x]) for x in ("targets", "before", "after"))
    np.testing.assert_array_equal(targets[0], [10, 18])
    assert np.abs(after / targets - 1).max() < 0.3 * np.abs(before / targets - 1).max()
    assert "| excitatory CV |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--updates", "0"), "--updates: given 0; expected at least 1"),
        (("--rates", "8", "0"), "--rates: given (8.0, 0.0); expected numbers > 0"),
        (("--cv", "-1", "1"), "--cv: given (-1.0, 1.0); expected numbers > 0"),
    ],
)
def test_bad_flags_are_named(flags, expected, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(experiment, monkeypatch, tmp_path, *flags)
    assert f"error: {expected}" in capsys.readouterr().err
