"""Sessions for all work on jsnn, each in an environment of its own."""

import json
import shutil
import statistics
import subprocess
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True

BRIAN2 = ("brian2==2.9.*", "numpy<2.4")
NEST = ("nest-simulator==3.10.*",)
SPARX = ("sparxml==0.1.1",)
SPYX = ("spyx==1.0.0",)
TORCH = ("torch==2.13.0", "loguru", "nir", "nirtorch", "pbr", "scipy")
"""PyTorch, and what the peers in PyTorch import."""
TORCH_PEERS = (
    ("snntorch==1.0.0", TORCH[0]),  # named each time, so that no requirement brings another
    ("--no-deps", "spikingjelly==2.0.0"),  # would bring torchvision and torchaudio
    ("--no-deps", "norse==1.1.0"),  # torchvision
)


KERNELS = ("tests/kernels", "tests/network/test_sparse.py")
"""Tests that call the C++ kernels with all kinds of operands."""

WITHOUT_KERNELS = (
    *("tests/engine", *KERNELS, "tests/evaluation/test_data_set.py", "tests/test_simulation.py"),
)
"""Tests whose results have to be the same with and without the C++ kernels."""


def run_tests(session: nox.Session, *arguments: str, **environment: str | None) -> None:
    """Run pytest in two processes of one thread each."""
    session.install("-e", ".[test]")
    session.run(
        *("pytest", "-n", "2", *arguments, *session.posargs),
        env={"OMP_NUM_THREADS": "1"} | environment,
    )


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite, without the tests that take long."""
    run_tests(session, "-m", "not slow")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take long: experiments that train, and several processes."""
    run_tests(session, "-m", "slow")


@nox.session
def fallback(session: nox.Session) -> None:
    """Run the tests of simulations without the C++ kernels."""
    run_tests(session, "-m", "not slow", *WITHOUT_KERNELS, JSNN_KERNELS="0")


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the tests of the C++ kernels under AddressSanitizer and UndefinedBehaviorSanitizer."""
    libraries = (
        subprocess.check_output(("g++", f"-print-file-name={name}"), text=True).strip()
        for name in ("libasan.so", "libstdc++.so")
    )
    session.install("-e", ".[test]")
    session.run(
        *("pytest", *KERNELS, "--ignore", "tests/kernels/test_library.py"),
        *("-k", "not without_memory", *session.posargs),  # the sanitizer ends such a process
        env={
            "CXX": "g++ -g -fsanitize=address,undefined -fno-sanitize-recover=all",
            "LD_PRELOAD": " ".join(libraries),  # Python itself is not made for the sanitizer
            "ASAN_OPTIONS": "detect_leaks=0",
            "OMP_NUM_THREADS": "1",
        },
    )


@nox.session
def nightly(session: nox.Session) -> None:
    """Run the tests that draw their examples, with 200 new ones each, and 60 kills; takes hours."""
    two_devices = "--xla_force_host_platform_device_count=2"
    run_tests(session, "-m", "hypothesis", HYPOTHESIS_PROFILE="nightly", XLA_FLAGS=two_devices)
    run_tests(session, "tests/experiments/test_kills.py", HYPOTHESIS_PROFILE="nightly")


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the test suite and list the lines that it does not reach; takes half as long again."""
    session.install("-e", ".[test]")
    session.run(
        *("pytest", "-n", "2", "--cov", "--cov-report=term", *session.posargs),
        env={"OMP_NUM_THREADS": "1"},
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and format with Ruff."""
    session.install("ruff==0.17.6")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with Mypy, strict on jsnn/."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in docs/_build/html: run its pages, check spelling, links and pages."""
    session.install("-e", ".[docs]")
    session.run("codespell", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "jsnn")
    shutil.rmtree("docs/_build", ignore_errors=True)  # a page is run again only if its text changes
    session.run(
        *("sphinx-build", "--jobs", "2", "--fail-on-warning", "--keep-going"),
        *("docs", "docs/_build/html", *session.posargs),
        env={"OMP_NUM_THREADS": "1"},
    )
    session.run("pytest", "docs/checks", "-p", "no:cacheprovider")


@nox.session
def mnist(session: nox.Session) -> None:
    """Run the main job: evaluate, present, and explore in its quick form."""
    session.install("-e", ".[experiments]")
    session.run("python", "-m", "experiments.mnist.evaluate", "--json", "results/evaluate.json")
    session.run("python", "-m", "experiments.mnist.present", "--json", "results/present.json")
    session.run(
        "python", "-m", "experiments.mnist.explore", "--quick", "--json", "results/explore.json"
    )


@nox.session
def train(session: nox.Session) -> None:
    """Train with three seeds; print the accuracy of the ANNs and of their spiking networks."""
    session.install("-e", ".[experiments]")
    results = []
    for seed in ("0", "1", "2"):
        path = f"results/train/seed{seed}.json"
        session.run(
            *("python", "-m", "experiments.mnist.train", "--seed", seed),
            *("--out", f"results/train/seed{seed}", "--json", path, *session.posargs),
        )
        results.append(json.loads(Path(path).read_text()))
    for name in ("ann_test_accuracy", "snn_test_accuracy"):
        values = [100 * result[name] for result in results]
        mean = statistics.mean(values)
        print(f"{name}: mean {mean:.2f} %, range {min(values):.2f} to {max(values):.2f} %")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure jsnn beside others: the main job, or an experiment by name; flags may follow."""
    peers_of = {"balanced": (BRIAN2, NEST), "microcircuit": (NEST,), "training": (SPYX,)}
    named = bool(session.posargs) and session.posargs[0] in peers_of
    experiment = session.posargs[0] if named else "mnist"
    peers = peers_of.get(experiment, ())
    session.install("-e", ".[experiments]")
    for simulator in peers:  # the table says which one cannot be installed
        session.run("python", "-m", "pip", "install", *simulator, success_codes=[0, 1])
    session.run(
        *("python", "-m", f"experiments.{experiment}.bench"),
        *("--json", f"results/bench_{experiment}.json" if named else "results/bench.json"),
        *(sparx(session) if experiment in ("microcircuit", "training") else ()),
        *(in_torch(session) if experiment == "training" else ()),
        *session.posargs[named:],
    )


def sparx(session: nox.Session) -> tuple[str, ...]:
    """Install sparx in an environment of its own, as it needs Python 3.12, and return its flag."""
    environment = Path(session.virtualenv.location).with_name("sparx")
    python = str(environment / "bin" / "python")
    try:
        session.run("python3.12", "-m", "venv", str(environment), external=True)
        session.run(python, "-m", "pip", "install", *SPARX, external=True)
    except CommandFailed:
        return ()
    return ("--sparx-python", python)


def in_torch(session: nox.Session) -> tuple[str, ...]:
    """Install the peers in PyTorch in an environment of their own, and return its flag."""
    environment = Path(session.virtualenv.location).with_name("torch")
    python = str(environment / "bin" / "python")
    try:
        session.run("python", "-m", "venv", str(environment))
        for packages in (TORCH, *TORCH_PEERS):
            session.run(python, "-m", "pip", "install", *packages, external=True)
    except CommandFailed:
        return ()
    return ("--torch-python", python)


@nox.session
def nir(session: nox.Session) -> None:
    """Compare with the traces of the NIR paper, if --reference names them, and with other tools."""
    session.install("-e", ".[experiments,nir]")
    session.run(
        *("python", "-m", "experiments.nir.run", "--json", "results/nir.json"),
        *in_torch(session),
        *session.posargs,
    )


@nox.session
def balanced(session: nox.Session) -> None:
    """Run the balanced networks CUBA and COBA: figures and statistics."""
    session.install("-e", ".[experiments]")
    for model in ("cuba", "coba"):
        session.run(
            *("python", "-m", "experiments.balanced.run", "--model", model),
            *("--out", f"results/{model}.png", "--json", f"results/{model}.json"),
            *session.posargs,
        )


@nox.session
def microcircuit(session: nox.Session) -> None:
    """Run the cortical microcircuit, by default a fifth of it for a second: figure and speed."""
    session.install("-e", ".[experiments]")
    session.run(
        *("python", "-m", "experiments.microcircuit.run"),
        *("--out", "results/microcircuit.png", "--json", "results/microcircuit.json"),
        *session.posargs,
    )


@nox.session
def brunel(session: nox.Session) -> None:
    """Run Brunel's network for a second: figure and speed."""
    session.install("-e", ".[experiments]")
    session.run(
        *("python", "-m", "experiments.brunel.run"),
        *("--out", "results/brunel.png", "--json", "results/brunel.json"),
        *session.posargs,
    )


@nox.session
def parity(session: nox.Session) -> None:
    """Compare with Brian2 and NEST, if NEST installs; fail if something is not as required."""
    session.install(*BRIAN2, "-e", ".[experiments]")
    session.run("python", "-m", "pip", "install", *NEST, success_codes=[0, 1])
    session.run(
        *("python", "-m", "experiments.parity.run", "--json", "results/parity.json"),
        *session.posargs,
    )


@nox.session
def stored(session: nox.Session) -> None:
    """Make the results of other simulators that pages of the site draw, in docs/stored/."""
    session.install(*BRIAN2, *NEST, "-e", ".[experiments]")
    session.run(
        *("python", "-m", "experiments.parity.stored_voltages"),
        *("--json", "docs/stored/brian_nest.json"),
    )
    session.run(
        *("python", "-m", "experiments.training.stored_losses"),
        *("--json", "docs/stored/snntorch.json", *in_torch(session)),
    )


@nox.session
def conversion(session: nox.Session) -> None:
    """Train and convert the networks of the frontier, an hour or more; compare recipes on one."""
    session.install("-e", ".[experiments]")
    session.run(
        *("python", "-m", "experiments.conversion.frontier", "--test"),
        *("--json", "results/frontier.json", *session.posargs),
    )
    session.run(
        *("python", "-m", "experiments.conversion.compare", "--json", "results/compare.json")
    )


@nox.session
def scaling(session: nox.Session) -> None:
    """Measure work per device against devices, and memory against the size of the data set."""
    session.install("-e", ".[experiments]")
    session.run(
        *("python", "-m", "experiments.mnist.scaling", "--json", "results/scaling.json"),
        *session.posargs,
    )


@nox.session
def peers(session: nox.Session) -> None:
    """Measure jsnn beside other simulators; one that cannot be installed keeps its row."""
    session.install(*TORCH, "-e", ".[experiments]")
    for peer in (
        SPYX,
        ("jaxpike==0.1.4",),
        *TORCH_PEERS,
        ("--no-deps", "sinabs==3.1.3"),  # samna, for chips, and an older nir
    ):
        session.run("python", "-m", "pip", "install", *peer, success_codes=[0, 1])
    session.run(
        *("python", "-m", "experiments.mnist.peers", "--json", "results/peers.json"),
        *session.posargs,
    )


def oldest_versions() -> list[str]:
    """Return the lower bounds of pyproject.toml, of the core and of the experiments."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    requirements = [
        *project["dependencies"],
        *extras["plot"],
        *extras["nir"],
        *extras["neo"],
        *extras["experiments"],
    ]
    return [line.replace(">=", "==") for line in requirements if ">=" in line]


@nox.session
@nox.parametrize(
    ("python", "versions"),
    [("3.11", "floor"), *((python, "newest") for python in ("3.11", "3.12", "3.13", "3.14"))],
    ids=("3.11-floor", "3.11-newest", "3.12-newest", "3.13-newest", "3.14-newest"),
)
def versions(session: nox.Session, versions: str) -> None:
    """Run the test suite with the oldest versions of the dependencies, or with the newest."""
    chosen = oldest_versions() if versions == "floor" else ("--upgrade-strategy", "eager")
    session.install("--upgrade", "-e", ".[test]", *chosen)
    session.run("pytest", "-n", "2", *session.posargs, env={"OMP_NUM_THREADS": "1"})
