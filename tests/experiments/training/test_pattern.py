"""Pattern: the picture, the count of matched spikes, and small runs of the experiment."""

import numpy as np
import pytest

from experiments.training import pattern as experiment
from tests.experiments.training.small_runs import run


def test_every_neuron_has_time_between_the_spikes_of_the_picture():
    picture = experiment.picture()
    assert picture.shape == (experiment.NUM_STEPS, experiment.NUM_OUTPUTS)
    assert picture.any(axis=0).sum() > 30
    for train in picture.T:
        assert np.diff(np.flatnonzero(train)).min(initial=99) >= 5


def test_a_target_is_matched_by_a_spike_of_its_own_neuron_within_2_ms():
    target, spikes = np.zeros((50, 2), bool), np.zeros((50, 2), bool)
    target[[5, 20, 49], 0] = target[10, 1] = True
    spikes[[7, 17, 47, 10], 0] = True
    assert experiment.matched(spikes, target) == 2


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("--recurrent", "--delays")])
def test_a_picture_is_learnt(flags, tmp_path, monkeypatch, capsys):
    small = ("--updates", "20", "--hidden", "30")
    results = run(experiment, monkeypatch, tmp_path, *small, *flags)
    assert results["distance"]["after"] < 0.6 * results["distance"]["before"]
    assert results["target_spikes"] == experiment.picture().sum()
    assert "target spikes within 2 ms" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--hidden", "--updates"])
def test_bad_flags_are_named(flag, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(experiment, monkeypatch, tmp_path, flag, "0")
    assert f"error: {flag}: given 0; expected at least 1" in capsys.readouterr().err
