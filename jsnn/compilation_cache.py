"""Compilation cache: compiled programs kept on disk."""

import os
from pathlib import Path

import jax


def cache_directory() -> Path:
    """Return the directory of all that jsnn compiles, jsnn/ in the user's cache directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jsnn"


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
