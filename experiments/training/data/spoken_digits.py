"""Spoken digits: the Free Spoken Digit Dataset as spikes of a cochlea.

3,000 recordings of the digits 0 to 9 by six speakers, 50 of each digit by each (Jackson et al.,
release 1.0.10, CC BY-SA 4.0). They are fetched once, or read from a folder or zip archive. The
events are kept in the user's cache, too.
"""

import hashlib
import io
import re
import tempfile
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.training.data import cochlea
from experiments.training.data.spoken import Spoken, of_recordings
from jsnn.network.whole_files import write_whole

ADDRESS = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"
SHA256 = "8fed8b0b058a7efa7544bbb3e8e98607ecdcbd47a2f0ea31139cab18a6b679c9"
"""SHA-256 of the names and contents of the recordings, by `digest_of`."""

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
RATE = 8000
"""Samples per second."""

_NAME = re.compile(r"(?:.*/)?(\d)_([a-z]+)_(\d+)\.wav$")


def spoken_digits(
    source: Path | str | None = None, num_channels: int = 64
) -> tuple[Spoken, np.ndarray]:
    """Return all recordings as events, and the index of each among those of its digit and speaker.

    Recordings are sorted by digit,
    speaker and index. `official_split` and `without_speaker` divide them.

    Args:
      source: a folder or zip archive of the recordings, {digit}_{speaker}_{index}.wav, in any
        folder of it; by default the release, which is fetched.
      num_channels: the number of channels of the cochlea, such as 64 or 700.

    Raises:
      ValueError: if there is no recording, or one has another name or form.
    """
    files = dict(sorted(_files(source), key=lambda pair: _meaning(pair[0])))
    if not files:
        raise ValueError(f"{source}: found no recording; expected {{digit}}_{{speaker}}_0.wav ...")
    digest = digest_of(files)
    if source is None and digest != SHA256:
        raise ValueError(f"{ADDRESS}: altered: SHA-256 is {digest}; expected {SHA256}")
    digits, speakers, indices = np.array([_meaning(name) for name in files], np.int32).T
    path = _cache() / f"{num_channels}-channels-{digest[:16]}-{_version()}.npz"
    if path.exists():
        with np.load(path) as saved:
            events = Spoken(*(saved[name] for name in Spoken._fields[:-1]), num_channels)
        return events, indices
    sounds = [samples_of(content, name) for name, content in files.items()]
    pairs = cochlea.spikes_of_sounds(sounds, RATE, num_channels)
    events = of_recordings(pairs, digits, speakers, num_channels)
    packed = io.BytesIO()
    np.savez_compressed(packed, **dict(zip(Spoken._fields[:-1], events[:-1], strict=True)))
    write_whole(path, packed.getvalue())
    return events, indices


def official_split(events: Spoken, indices: np.ndarray) -> tuple[Spoken, Spoken]:
    """Return the recordings for training, and those for the test: indices 0 to 4."""
    return events.only(indices >= 5), events.only(indices < 5)


def without_speaker(events: Spoken, speaker: int) -> tuple[Spoken, Spoken]:
    """Return the recordings of the other speakers for training, and those of one for the test."""
    return events.only(events.speakers != speaker), events.only(events.speakers == speaker)


def samples_of(content: bytes, name: str) -> np.ndarray:
    """Return the samples of a WAV file, int16 [T].

    Raises:
      ValueError: if it is not one of 16 bits, one channel and 8 kHz.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = file.getnchannels(), file.getsampwidth(), file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{name}: no WAV file, or a truncated one: {error}") from None
    if form != (1, 2, RATE):
        raise ValueError(f"{name}: given (channels, bytes, Hz) = {form}; expected {(1, 2, RATE)}")
    return samples


def digest_of(files: dict[str, bytes]) -> str:
    """Return the SHA-256 of names and contents, in the order of the names."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name} {len(files[name])}\n".encode())
        whole.update(files[name])
    return whole.hexdigest()


def _files(source: Path | str | None) -> Iterator[tuple[str, bytes]]:
    """Yield the names, without folders, and contents of the recordings."""
    if source is not None and Path(source).is_dir():
        for path in Path(source).rglob("*.wav"):
            yield path.name, path.read_bytes()
        return
    archive = _fetched() if source is None else Path(source)
    try:
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                if name.endswith(".wav"):
                    yield name.rsplit("/", 1)[-1], file.read(name)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{archive}: no zip archive, or a truncated one: {error}") from None


def _meaning(name: str) -> tuple[int, int, int]:
    """Return the digit, the speaker and the index in the name of a recording."""
    found = _NAME.match(name)
    if found is None or found[2] not in SPEAKERS:
        raise ValueError(
            f"{name}: expected {{digit}}_{{speaker}}_{{index}}.wav with a speaker of "
            f"{', '.join(SPEAKERS)}"
        )
    return int(found[1]), SPEAKERS.index(found[2]), int(found[3])


def _fetched() -> Path:
    """Return the archive of the release; fetch it if it is not there yet."""
    import pooch

    path = _cache() / "v1.0.10.zip"
    if not path.exists():
        print(f"fetching {path.name} from {ADDRESS}", flush=True)
        with tempfile.TemporaryDirectory() as directory:
            part = Path(directory) / path.name
            pooch.HTTPDownloader(progressbar=True, timeout=20)(ADDRESS, str(part), pooch)
            write_whole(path, part.read_bytes())
    return path


def _version() -> str:
    """Return a hash of the cochlea, so that events of another one are not taken from the cache."""
    return hashlib.sha256(Path(cochlea.__file__).read_bytes()).hexdigest()[:8]


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("jsnn")) / "spoken_digits"
