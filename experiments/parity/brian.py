"""Brian2's CUBA and COBA, from the same definition; numbers are float64, potentials in mV.

Brian2's device and caches belong to the process: run the standalone backend in a process of its own
(`experiments.parity.apart`).
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import brian2 as b2
import numpy as np

from experiments.balanced.network import DT, STEPS_HELD, Definition, Edges, Model, Run

Backend = Literal["numpy", "cython", "standalone"]
Build = Callable[[Definition, int], tuple[b2.Network, b2.SpikeMonitor]]
"""A function (definition, delay in steps) -> network, and a monitor of its spikes."""

SYNAPSES = """
dg_e/dt = -g_e / tau_e : 1
dg_i/dt = -g_i / tau_i : 1
"""
EQUATIONS: dict[Model, str] = {
    "cuba": "dv/dt = (g_e + g_i - (v - v_rest)) / tau_m : 1 (unless refractory)" + SYNAPSES,
    "coba": "dv/dt = (g_e * (e_e - v) + g_i * (e_i - v) - (v - v_rest)) / tau_m : 1"
    " (unless refractory)" + SYNAPSES,
}
WALL_CLOCK = {
    "before_network_run": "timespec began, ended; clock_gettime(CLOCK_MONOTONIC, &began);",
    "after_network_run": """
        clock_gettime(CLOCK_MONOTONIC, &ended);
        std::ofstream("run_seconds")
            << ended.tv_sec - began.tv_sec + 1e-9 * (ended.tv_nsec - began.tv_nsec);
        """,
}
"""C++ for the standalone program, which by itself reports processor time on one thread."""
METHOD: dict[Model, str] = {"cuba": "exact", "coba": "exponential_euler"}


def simulate(
    definition: Definition,
    num_steps: int,
    delay: int = 0,
    backend: Backend = "cython",
    threads: int = 1,
    directory: Path | None = None,
    build: Build | None = None,
) -> Run:
    """Return every spike of a run.

    Args:
      definition: the network and its start.
      num_steps: the number of steps.
      delay: in steps.
      backend: the way in which Brian2 runs.
      threads: of the standalone backend.
      directory: in which the standalone backend finds the programs that an earlier run of the same
        network has compiled; by default it compiles everything anew.
      build: makes the network; by default `static`.
    """
    build = build or static
    if backend != "standalone":
        return run_in_python(build, definition, num_steps, delay, backend)
    if directory is not None:
        return run_standalone(build, definition, num_steps, delay, threads, directory)
    with tempfile.TemporaryDirectory() as temporary:
        return run_standalone(build, definition, num_steps, delay, threads, Path(temporary))


def run_in_python(
    build: Build, definition: Definition, num_steps: int, delay: int, backend: Backend
) -> Run:
    """Run in Brian2's runtime mode, which reports the time of its loop, without code generation."""
    b2.prefs.codegen.target = backend
    reported = []
    began = time.perf_counter()
    network, spikes = build(definition, delay)
    network.run(num_steps * DT * b2.ms, report=lambda elapsed, *_: reported.append(float(elapsed)))
    total = time.perf_counter() - began
    return Run(*spike_list(spikes), reported[-1], total - reported[-1])


def run_standalone(
    build: Build,
    definition: Definition,
    num_steps: int,
    delay: int,
    threads: int,
    directory: Path,
) -> Run:
    """Generate, compile and run a C++ program, which writes down the time of its loop."""
    b2.set_device("cpp_standalone", directory=str(directory), build_on_run=False)
    for slot, code in WALL_CLOCK.items():
        b2.device.insert_code(slot, code)
    b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    began = time.perf_counter()
    network, spikes = build(definition, delay)
    network.run(num_steps * DT * b2.ms)
    b2.device.build(directory=str(directory), run=False)
    built = time.perf_counter()
    b2.device.run(directory=str(directory), with_output=False, run_args=[])
    seconds = float((directory / "run_seconds").read_text())
    return Run(*spike_list(spikes), seconds, built - began)


def cuba_or_coba(definition: Definition) -> b2.NeuronGroup:
    """Return the neurons at their start."""
    b2.start_scope()
    b2.defaultclock.dt = DT * b2.ms
    c = definition.constants
    neurons = b2.NeuronGroup(
        definition.num_neurons,
        EQUATIONS[definition.model],
        threshold="v > v_thresh",
        reset="v = v_reset",
        refractory=(STEPS_HELD + 1) * DT * b2.ms,
        method=METHOD[definition.model],
        namespace={
            **{name: getattr(c, name) for name in ("v_rest", "v_thresh", "v_reset", "e_e", "e_i")},
            **{name: getattr(c, name) * b2.ms for name in ("tau_m", "tau_e", "tau_i")},
        },
    )
    neurons.v, neurons.g_e, neurons.g_i = definition.v, definition.g_e, definition.g_i
    return neurons


def static(definition: Definition, delay: int) -> tuple[b2.Network, b2.SpikeMonitor]:
    """Return the network with static synapses, and a monitor of its spikes."""
    neurons, c = cuba_or_coba(definition), definition.constants

    def synapses(edges: Edges, on_pre: str, weight: float) -> b2.Synapses:
        made = b2.Synapses(
            neurons, neurons, on_pre=on_pre, delay=delay * DT * b2.ms, namespace={"w": weight}
        )
        made.connect(i=edges.pre, j=edges.post)
        return made

    spikes = b2.SpikeMonitor(neurons)
    network = b2.Network(
        neurons,
        synapses(definition.excitatory, "g_e_post += w", c.w_e),
        synapses(definition.inhibitory, "g_i_post += w", c.w_i),
        spikes,
    )
    return network, spikes


def spike_list(spikes: b2.SpikeMonitor) -> tuple[np.ndarray, np.ndarray]:
    """Return (steps, neurons), sorted by step and neuron."""
    steps = np.rint(np.asarray(spikes.t / b2.ms) / DT).astype(np.int64)
    neurons = np.asarray(spikes.i, np.int64)
    order = np.lexsort((neurons, steps))
    return steps[order], neurons[order]
