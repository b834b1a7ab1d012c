"""C++ kernels for the CPU, compiled if there is a compiler; everything works without them.

They are compiled once, when first used, and kept in the user's cache directory under a name made of
the source, the compiler, the processor and the jaxlib they were compiled with. Without a compiler,
jsnn takes the plain path in XLA, which gives the same results.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.compilation_cache import cache_directory

_SOURCE = Path(__file__).with_name("kernels.cc")
_TARGETS = (
    "jsnn_event_product",
    "jsnn_product_over_time",
    "jsnn_train_product",
    "jsnn_sparse_product",
    "jsnn_distinct",
)
_FLAGS = (
    "-std=c++17",
    "-O3",
    "-fno-tree-loop-distribute-patterns",
    "-march=native",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
)


@lru_cache
def available() -> bool:
    """Return True if the kernels can be used; compile and register them the first time."""
    compiler = _compiler()
    if compiler is None:
        return False
    try:
        library = ctypes.CDLL(str(_compiled(compiler)))
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or error
        warnings.warn(
            f"jsnn runs without its C++ kernels, slower and with the same results: {detail}",
            stacklevel=2,
        )
        return False
    for target in _TARGETS:
        jax.ffi.register_ffi_target(
            target, jax.ffi.pycapsule(getattr(library, target)), platform="cpu"
        )
    return True


def event_product(spikes: jax.Array, weights: jax.Array, block: int) -> jax.Array:
    """Turn spikes [R, pre] into sums [R, post], spikes @ weights, with work for the spikes alone.

    Weights are added up in order within every `block` presynaptic neurons, then the blocks' sums.

    Args:
      spikes: 0 or 1, [R, pre].
      weights: [pre, post].
      block: the number of presynaptic neurons in a block.
    """
    sums = jax.ShapeDtypeStruct((spikes.shape[0], weights.shape[1]), weights.dtype)
    return jax.ffi.ffi_call("jsnn_event_product", sums)(spikes, weights, block=np.int64(block))


def product_over_time(spikes: jax.Array, weights: jax.Array, delay: int) -> jax.Array:
    """Turn spikes over time into the sums that arrive in each step, [T, R, post].

    Args:
      spikes: bool [T, R, pre].
      weights: [pre, post].
      delay: steps from a spike to its arrival.
    """
    sums = jax.ShapeDtypeStruct((*spikes.shape[:2], weights.shape[1]), weights.dtype)
    call = jax.ffi.ffi_call("jsnn_product_over_time", sums)
    return call(spikes, weights, delay=np.int64(delay))


def train_product(trains: jax.Array, index: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the sums of all steps, [T, R, post], for neurons that share few spike trains.

    Args:
      trains: bool [T, U].
      index: int32 [R, pre]; neuron i of row r has train index[r, i].
      weights: [pre, post].
    """
    shape = (trains.shape[0], index.shape[0], weights.shape[1])
    sums = jax.ShapeDtypeStruct(shape, weights.dtype)
    return jax.ffi.ffi_call("jsnn_train_product", sums)(trains, index, weights)


def sparse_product(
    spikes: jax.Array, starts: jax.Array, post: jax.Array, weights: jax.Array, num_post: int
) -> jax.Array:
    """Return the summed weights of the synapses of the neurons that spiked, [R, num_post].

    Synapses starts[i] to starts[i + 1] are those of presynaptic neuron i. An operand that is the
    same for all rows may have one row.

    Args:
      spikes: [R, pre].
      starts: int32 [R, pre + 1].
      post: int32 [R, S].
      weights: [R, S].
      num_post: the number of postsynaptic neurons.
    """
    rows = max(operand.shape[0] for operand in (spikes, starts, post, weights))
    sums = jax.ShapeDtypeStruct((rows, num_post), weights.dtype)
    return jax.ffi.ffi_call("jsnn_sparse_product", sums)(spikes, starts, post, weights)


def distinct(values: jax.Array, capacity: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the distinct values of an array, and the place of each value among them.

    Args:
      values: floats of any shape.
      capacity: most values to return.

    Returns:
      table: the distinct values, [capacity]; it ends with zeros.
      count: the number of distinct values, int32 (). If there are more than `capacity`, the count
        is capacity + 1 and the other results have no meaning.
      index: int32, in the shape of `values`, so that table[index] are the values, bit for bit.
    """
    results = (
        jax.ShapeDtypeStruct((capacity,), values.dtype),
        jax.ShapeDtypeStruct((), jnp.int32),
        jax.ShapeDtypeStruct(values.shape, jnp.int32),
    )
    table, count, index = jax.ffi.ffi_call("jsnn_distinct", results)(values)
    return table, count, index


def _compiler() -> str | None:
    candidates = (os.environ.get("CXX"), "c++", "g++", "clang++")
    return next((path for name in candidates if name and (path := shutil.which(name))), None)


def _compiled(compiler: str) -> Path:
    """Return the path of the library; compile it if it is not yet there."""
    about = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    made_of = (
        _SOURCE.read_text(),
        *_FLAGS,
        about.stdout,
        version("jaxlib"),
        platform.machine(),
        _processor(),
    )
    name = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]
    cache = cache_directory() / "native"
    library = cache / f"kernels-{name}.so"
    if not library.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            made = Path(directory) / library.name
            include = ("-isystem", jax.ffi.include_dir())
            subprocess.run(
                [compiler, *_FLAGS, *include, str(_SOURCE), "-o", str(made)],
                capture_output=True,
                text=True,
                check=True,
            )
            made.replace(library)
    return library


def _processor() -> str:
    """Return a description of the processor, as code for one may not run on another."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    lines = cpuinfo.read_text().splitlines()
    return "".join(
        next((x for x in lines if x.startswith(key)), "") for key in ("model name", "flags")
    )
