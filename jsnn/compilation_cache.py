"""Compilation cache: compiled programs kept on disk."""

import os
import tempfile
from pathlib import Path

import jax


def cache_directory() -> Path:
    """Return the directory of all that jsnn compiles, jsnn/ in the user's cache directory.

    A user without a home gets a directory of their own among the temporary files.

    Raises:
      OSError: if that one belongs to another user, or others can write to it.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jsnn"
    except RuntimeError:  # no HOME, and no entry among the users of this machine
        return temporary_directory()


def temporary_directory() -> Path:
    """Return the user's own directory among the temporary files; make it if it is not there.

    Raises:
      OSError: if it belongs to another user, or others can write to it.
    """
    return make_private(Path(tempfile.gettempdir()) / f"jsnn-{os.getuid()}")


def make_private(directory: Path) -> Path:
    """Return a directory for code; make it if it is not there.

    Raises:
      OSError: if it belongs to another user, or others can write to it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = directory.lstat()  # a link, which may lead anywhere, counts as writable by others
    if about.st_uid != os.getuid() or about.st_mode & 0o022:
        raise OSError(
            f"{directory}: owned by user {about.st_uid} with mode {about.st_mode & 0o777:o}; "
            f"expected user {os.getuid()} and no one else who can write to it (chmod go-w)"
        )
    return directory


def cache_compilations(directory: str | os.PathLike[str] | None = None) -> Path:
    """Keep compiled programs on disk, so that the next process need not compile them again.

    Switch on JAX's persistent compilation cache, for all programs of this process, however small.
    Call this function before anything is compiled. Delete the directory to empty the cache.

    Args:
      directory: where to keep the programs, by default `~/.cache/jsnn/programs`.

    Returns:
      The directory.
    """
    path = cache_directory() / "programs" if directory is None else Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return path
