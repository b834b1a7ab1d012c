"""Data sets for learning through time, against published values and definitions."""

import io
import wave
import zipfile
from pathlib import Path

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.mnist import data as mnist
from experiments.training.data import cochlea, spoken_digits
from experiments.training.data.heidelberg import heidelberg
from experiments.training.data.latency_mnist import latency_mnist
from experiments.training.data.mnist_1d import mnist_1d
from experiments.training.data.spoken import of_recordings
from experiments.training.data.yin_yang import DOTS, YANG, YIN, class_of, input_times, yin_yang

# The first points of the published generator with seed 40, from the spike times and labels that
# Göltz et al. 2021 publish with their networks (github.com/JulianGoeltz/fastAndDeep).
PUBLISHED_TIMES = [
    [0.58307879, 0.89319120],
    [1.53995869, 1.01624866],
    [0.40590182, 1.20626485],
    [0.35520814, 1.22266732],
    [0.35852415, 1.11986746],
    [0.65432905, 1.13994259],
    [1.62354031, 0.92615297],
    [0.91583191, 0.64353059],
    [0.53369686, 1.18057890],
    [0.57475571, 1.12500917],
    [1.15188000, 0.19275336],
    [1.51798247, 1.56955642],
    [0.76837468, 1.50245301],
    [0.29659316, 0.77211593],
    [0.91001702, 1.97471714],
    [0.89626498, 1.42514889],
    [0.56269809, 0.83749206],
    [1.39904165, 0.99865086],
    [1.01843329, 0.63713064],
    [0.25931329, 1.02285172],
]
PUBLISHED_LABELS = [2, 2, 1, 1, 1, 2, 2, 0, 2, 2, 0, 1, 1, 1, 1, 1, 1, 2, 0, 1]


def test_yin_yang_has_the_points_of_the_published_generator() -> None:
    points = yin_yang(20, seed=40)
    times = input_times(points.values, 0.15, 2.0)
    np.testing.assert_allclose(times[:, :2], PUBLISHED_TIMES, atol=1e-8)
    np.testing.assert_allclose(times[:, 2:], 2.15 - times[:, :2], atol=1e-12)
    np.testing.assert_array_equal(points.labels, PUBLISHED_LABELS)


def test_yin_and_yang_are_each_other_turned_by_half() -> None:
    x, y = np.random.default_rng(0).uniform(0, 1, (2, 2000))
    inside = np.hypot(x - 0.5, y - 0.5) < 0.5
    classes, turned = class_of(x[inside], y[inside]), class_of(1 - x[inside], 1 - y[inside])
    np.testing.assert_array_equal(classes == YIN, turned == YANG)
    assert class_of(0.25, 0.5) == class_of(0.75, 0.5) == DOTS
    area = 2 * 0.1**2 / 0.5**2  # of the dots, as a share of the figure
    np.testing.assert_allclose((classes == DOTS).mean(), area, atol=0.03)


def test_mnist_1d_is_the_published_data() -> None:
    """Values of mnist1d_data.pkl, github.com/greydanus/mnist1d."""
    training, test = mnist_1d()
    assert training.values.shape == (4000, 40)
    assert test.values.shape == (1000, 40)
    np.testing.assert_allclose(
        training.values[0, :6],
        [-0.33200567, -0.47191037, -0.77869708, -1.00974083, -0.88235257, 0.10393481],
        atol=1e-8,
    )
    np.testing.assert_allclose(
        test.values[-1, :6],
        [-0.51932871, -0.69872276, -1.28103769, -2.16101485, -2.38942113, -0.242339],
        atol=1e-8,
    )
    assert training.labels[:12].tolist() == [2, 6, 4, 5, 6, 6, 6, 0, 3, 1, 6, 9]
    assert test.labels[-6:].tolist() == [1, 2, 5, 9, 6, 4]


def test_latency_mnist_has_a_spike_for_each_bright_pixel() -> None:
    images = latency_mnist("held_out", 18.0, darkest=51)
    pixels = mnist.held_out_images().pixels
    np.testing.assert_array_equal(np.isfinite(images.times), pixels >= 51)
    bright = pixels >= 51
    np.testing.assert_allclose(images.times[bright], 18 * (1 - pixels[bright] / 255), atol=1e-5)
    assert images.times.dtype == np.float32


def test_events_are_sorted_and_those_without_a_time_dropped() -> None:
    pairs = [
        (np.array([3.0, np.inf, 1.0, np.nan]), np.array([2, 0, 1, 0])),
        (np.array([]), np.array([], int)),
        (np.array([9.5, 9.6, 50.0]), np.array([0, 0, 1])),
    ]
    spoken = of_recordings(pairs, np.array([4, 5, 6]), np.array([0, 1, 1]), 3)
    times, channels = spoken.events(0)
    assert times.tolist() == [1.0, 3.0]
    assert channels.tolist() == [1, 2]
    assert len(spoken.events(1)[0]) == 0
    trains = spoken.trains(10, 1.0)
    assert np.argwhere(trains).tolist() == [[0, 1, 1], [0, 3, 2], [2, 9, 0]]
    one = spoken.only(spoken.speakers == 1)
    assert one.labels.tolist() == [5, 6]
    assert one.events(1)[0].tolist() == [9.5, 9.6, 50.0]


def test_a_channel_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="channels: given 3 to 3; expected 0 to 2"):
        of_recordings([(np.array([1.0]), np.array([3]))], np.zeros(1), np.zeros(1), 3)
    with pytest.raises(ValueError, match="recording 0: given 2 times and 1 channels"):
        of_recordings([(np.zeros(2), np.array([0]))], np.zeros(1), np.zeros(1), 3)


@pytest.mark.parametrize("has_speakers", [True, False])
def test_files_of_the_layout_of_shd_and_ssc(tmp_path: Path, has_speakers: bool) -> None:
    path = tmp_path / "shd_test.h5"
    times = [np.array([0.5, 0.25, np.inf], np.float16), np.array([1.0], np.float16)]
    units = [np.array([699, 3, 7], np.uint16), np.array([0], np.uint16)]
    with h5py.File(path, "w") as file:
        for name, rows, dtype in (("times", times, np.float16), ("units", units, np.uint16)):
            stored = file.create_dataset(f"spikes/{name}", (2,), h5py.vlen_dtype(dtype))
            for index, row in enumerate(rows):
                stored[index] = row
        file["labels"] = np.array([11, 4], np.uint16)
        if has_speakers:
            file["extra/speaker"] = np.array([3, 9], np.uint16)
    spoken = heidelberg(path)
    assert spoken.num_channels == 700
    assert spoken.events(0)[0].tolist() == [250.0, 500.0]
    assert spoken.events(0)[1].tolist() == [3, 699]
    assert spoken.events(1)[0].tolist() == [1000.0]
    assert spoken.labels.tolist() == [11, 4]
    assert spoken.speakers.tolist() == ([3, 9] if has_speakers else [-1, -1])


def test_files_of_another_layout_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["labels"] = np.zeros(2)
    with pytest.raises(ValueError, match=r"other\.h5: not a file of SHD or SSC"):
        heidelberg(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(ValueError, match=r"other\.h5: no HDF5 file"):
        heidelberg(path)
    with pytest.raises(FileNotFoundError):
        heidelberg(tmp_path / "missing.h5")


RATE = 8000


def tone(frequency: float, seconds: float = 0.2) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def test_a_tone_excites_the_channels_around_it_and_silence_none() -> None:
    centres = cochlea.centres(16)
    assert centres[[0, -1]] == pytest.approx([cochlea.LOWEST, cochlea.HIGHEST])
    sounds = [tone(centres[4]), tone(centres[11]), np.zeros(1600), tone(centres[4], 0.1)]
    low, high, silence, short = cochlea.spikes_of_sounds(sounds, RATE, 16)
    for (times, channels), place in ((low, 4), (high, 11)):
        counts = np.bincount(channels, minlength=16)
        assert counts.argmax() == place
        assert counts[[0, -1]].sum() < counts[place] / 2
        assert 0 < times.min() < times.max() <= 200
    assert len(silence[0]) == 0
    early = low[0] <= 100  # the two sounds are the same until then, but not their lengths and level
    assert np.bincount(short[1], minlength=16).argmax() == 4
    assert abs(early.sum() - len(short[0])) <= 0.1 * len(short[0])


def test_a_recording_has_the_same_events_alone_and_among_others() -> None:
    sounds = [tone(300.0), tone(900.0, 0.15)]
    together = cochlea.spikes_of_sounds(sounds, RATE, 16)
    for sound, (times, channels) in zip(sounds, together, strict=True):
        ((alone, of_alone),) = cochlea.spikes_of_sounds([sound], RATE, 16)
        np.testing.assert_array_equal(alone, times)
        np.testing.assert_array_equal(of_alone, channels)


def meddis(amplitudes: np.ndarray, dt: float) -> np.ndarray:
    """Meddis's equations by small Euler steps: the rate of a fibre over time."""
    k_rest = 2000 * 5 / 305
    c = k_rest * 5.05 / (2500 * k_rest + 5.05 * (2500 + 6580))
    q, w = c * (2500 + 6580) / k_rest, c * 6580 / 66.31
    rates = []
    for s in amplitudes:
        k = 2000 * max(s + 5, 0) / (max(s + 5, 0) + 300)
        q, c, w = (
            q + dt * (5.05 * (1 - q) + 66.31 * w - k * q),
            c + dt * (k * q - (2500 + 6580) * c),
            w + dt * (6580 * c - 66.31 * w),
        )
        rates.append(50_000 * c)
    return np.array(rates)


def test_the_hair_cell_rests_in_silence_and_adapts_to_a_sound() -> None:
    fine, ratio = 1 / 800_000, 100
    amplitudes = np.repeat([0.0, 100.0, -50.0, 10.0], [100, 400, 200, 400])
    expected = meddis(np.repeat(amplitudes, ratio), fine)[ratio - 1 :: ratio]
    step = lambda cell, s: (cell := cochlea.hair_cell(cell, s, 1 / RATE), cell["c"])  # noqa: E731
    _, cleft = jax.lax.scan(step, cochlea.at_rest(()), jnp.asarray(amplitudes, jnp.float32))
    rates = cochlea.H * np.asarray(cleft)
    np.testing.assert_allclose(rates[:100], expected[0], rtol=1e-4)
    np.testing.assert_allclose(rates, expected, rtol=0.1, atol=2)
    assert expected[100:120].max() > 1.5 * expected[499] > 1.5 * expected[0]


def test_a_tone_at_the_centre_of_a_filter_keeps_its_amplitude() -> None:
    (poles,), (gains,) = cochlea.filters(8, RATE)
    for pole, gain, centre in zip(poles, gains, cochlea.centres(8), strict=True):
        at = np.exp(2j * np.pi / RATE * np.array([centre, 1.3 * centre]))
        response = np.abs(0.5 * gain / (1 - pole / at) ** 4)
        assert response[0] == pytest.approx(1, rel=1e-3)
        assert response[1] < 0.6


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 20_000).astype("<i2").tobytes())
    return packed.getvalue()


RECORDINGS = {
    "3_theo_4.wav": wav(tone(400.0)),
    "0_george_10.wav": wav(tone(800.0)),
    "0_george_2.wav": wav(tone(1600.0)),
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(spoken_digits, "_cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_spoken_digits_from_a_folder_an_archive_and_the_cache(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, content in RECORDINGS.items():
        (folder / name).write_bytes(content)
    events, indices = spoken_digits.spoken_digits(folder, 16)
    assert events.labels.tolist() == [0, 0, 3]
    assert events.speakers.tolist() == [0, 0, 4]
    assert indices.tolist() == [2, 10, 4]
    assert all(len(events.events(i)[0]) for i in range(3))
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in RECORDINGS.items():
            file.writestr(f"release-1.0/recordings/{name}", content)
    again, _ = spoken_digits.spoken_digits(archive, 16)
    for one, other in zip(events, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(list(cache.iterdir())) == 1
    training, test = spoken_digits.official_split(events, indices)
    assert (training.labels.tolist(), test.labels.tolist()) == ([0], [0, 3])
    training, test = spoken_digits.without_speaker(events, 4)
    assert (training.labels.tolist(), test.labels.tolist()) == ([0, 0], [3])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("3_nobody_1.wav", RECORDINGS["3_theo_4.wav"], "3_nobody_1.wav: expected .*a speaker of"),
        ("3_theo_1.wav", b"RIFF", "3_theo_1.wav: no WAV file"),
        ("3_theo_1.wav", wav(tone(400.0), 16_000), r"given .* = \(1, 2, 16000\); expected"),
        ("notes.txt", b"", "found no recording"),
    ],
)
def test_recordings_of_another_form_are_refused(
    cache: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        spoken_digits.spoken_digits(tmp_path, 16)


def test_an_archive_that_is_none_is_refused(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "digits.zip"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"digits\.zip: no zip archive"):
        spoken_digits.spoken_digits(path)
