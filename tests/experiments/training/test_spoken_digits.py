"""Spoken digits: variation of recordings, folds, and small runs of the experiment and its peer."""

import jax
import numpy as np
import pytest

from experiments.training import spoken_digits as experiment
from experiments.training.data.folds import fold_of
from experiments.training.data.spoken import of_recordings
from experiments.training.data.variation import LATEST, SHIFT, STRETCH, VariedBatches, varied
from tests.experiments.training.small_runs import run

SPEAKERS, INDICES, DIGITS = (0, 1, 3), range(12), (0, 1)


def recordings():
    """Make recordings of two words: one of low channels, and one of high channels."""
    pairs, of = [], []
    for digit in DIGITS:
        for speaker in SPEAKERS:
            for index in INDICES:
                random = np.random.default_rng([digit, speaker, index])
                channels = 5 * speaker + 30 * digit + random.integers(5, 15, 100)
                pairs.append((random.uniform(0, 100, 100), channels))
                of.append((digit, speaker, index))
    digits, speakers, indices = np.array(of, np.int32).T
    return of_recordings(pairs, digits, speakers, 64), indices


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    monkeypatch.setattr(experiment, "spoken_digits", lambda source, channels: recordings())
    for name, number in (("BATCH_SIZE", 7), ("NUM_STEPS", 25), ("LONGEST", 4)):
        monkeypatch.setattr(experiment, name, number)
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        yield


def test_events_of_a_recording_move_together_but_for_jitter():
    times, channels = np.array([100.0, 200.0, 300.0]), np.array([10, 30, 20])
    pairs = [(times, channels), (np.empty(0), np.empty(0, int)), (times, channels)] * 40
    before = of_recordings(pairs, np.arange(120), np.zeros(120), 64)
    after = varied(before, np.random.default_rng(0))
    assert after.first.tolist() == before.first.tolist()
    assert len(after.events(1)[0]) == 0
    shifts, spans = set(), []
    for index in (i for i in range(120) if i % 3 != 1):
        moved, of = after.events(index)
        assert len(set((of - channels).tolist())) == 1
        shifts.add(int(of[0] - 10))
        spans.append(moved[2] - moved[0])
        assert 60 < moved[0] < 100 * STRETCH + LATEST + 20
    assert shifts == set(range(-SHIFT, SHIFT + 1))
    assert 120 < min(spans) < 180 < 220 < max(spans) < 290


def test_events_that_leave_the_channels_or_the_recording_are_dropped():
    edges = of_recordings([(np.zeros(200), np.array([0, 63] * 100))] * 50, range(50), range(50), 64)
    after = varied(edges, np.random.default_rng(0))
    assert 0 < len(after.times) < len(edges.times)
    assert after.times.min() >= 0
    assert set(np.unique(after.channels)) == {*range(SHIFT + 1), *range(63 - SHIFT, 64)}
    for index in range(50):
        assert (np.diff(after.events(index)[0]) >= 0).all()


def test_varied_batches_go_on_from_any_place_and_differ_between_epochs():
    events, _ = recordings()
    batches = VariedBatches(events, experiment.drive, 30, seed=3)
    whole, rest = list(batches.batches(1, 0)), list(batches.batches(1, 2))
    assert [len(labels) for _, labels in whole] == [30, 30, 12]
    trains = [np.asarray(drive["channels"].values) for drive, _ in (whole[2], rest[0])]
    np.testing.assert_array_equal(*trains)
    labels = np.concatenate([labels for _, labels in whole])
    np.testing.assert_array_equal(np.sort(labels), np.sort(events.labels))
    (other, _), *_ = batches.batches(0, 2)
    assert (np.asarray(other["channels"].values) != trains[0]).any()


def test_a_speaker_is_left_out_and_the_official_split_leaves_indices_0_to_4():
    events, indices = recordings()
    fold = fold_of(events, indices, "jackson")
    assert [len(part.labels) for part in fold] == [28, 20, 24]
    assert [sorted(set(part.speakers.tolist())) for part in fold] == [[0, 3], [0, 3], [1]]
    assert [len(part.labels) for part in fold_of(events, indices, "official")] == [12, 30, 30]
    with pytest.raises(ValueError, match="--speaker: given theo, with 42, 30, 0 recordings"):
        fold_of(events, indices, "theo")


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [(), ("--delays",), ("--peer", "gru")],
    ids=("weights", "delays", "gru"),
)
def test_words_are_learnt(flags, tmp_path, monkeypatch, capsys):
    small = ("--hidden", "16", "--epochs", "20", "--test", "--speaker", "jackson")
    results = run(experiment, monkeypatch, tmp_path, *small, *flags)
    losses = [epoch["loss"] for epoch in results["epochs"]]
    assert len(losses) == 20
    assert losses[-1] < 0.7 * losses[0]
    assert results["test_accuracy"] > 0.8  # by chance 0.5
    expected = 64 * 16 * (1 + ("--delays" in flags)) + 16 * 16 + 16 * 10
    of_seven_units = 3 * 7 * (64 + 7 + 1) + (7 + 1) * 2  # 1,528; of six 1,292
    assert results["parameters"] == (of_seven_units if results["peer"] else expected)
    best = min(results["epochs"], key=lambda epoch: epoch["validation_loss"])
    assert results["held_out_accuracy"] == pytest.approx(best["validation_accuracy"])
    assert "test accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--hidden", "0"), "--hidden: given 0; expected 1 to 256"),
        (("--hidden", "257"), "--hidden: given 257; expected 1 to 256"),
        (("--epochs", "0"), "--epochs: given 0; expected 1 to 1000"),
        (("--gradient", "eprop", "--delays"), "--gradient: given eprop with --delays; expected"),
        (("--gradient", "exact", "--peer", "gru"), "--gradient: given exact with --peer; expected"),
        (("--peer", "gru", "--checkpoint", "c.npz"), "--checkpoint: given with --peer"),
        (("--speaker", "theo"), "--speaker: given theo, with 42, 30, 0 recordings"),
    ],
)
def test_bad_flags_are_named(flags, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run(experiment, monkeypatch, tmp_path, *flags)
    assert f"error: {message}" in capsys.readouterr().err
