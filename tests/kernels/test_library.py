"""The library of the C++ kernels: loaded whatever the user's machine looks like, or done without.

Compilers are shell scripts that copy a library, so that nothing is compiled.
"""

import _ctypes
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import pytest

from jsnn._kernels import native
from jsnn._kernels.native import library
from jsnn.compilation_cache import cache_directory, temporary_directory

pytestmark = pytest.mark.skipif(
    not native.available(), reason="without a C++ compiler there is no library"
)

Script = Callable[..., str]
COPY = 'for last; do :; done; cp "{made}" "$last"'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with all kernels."""
    copy = tmp_path_factory.mktemp("made") / "made.so"
    for compiler in library._compilers():
        library._library(compiler)
        kept = library._folder().glob(f"kernels-{library._made_of(compiler)}-*.so")
        return Path(shutil.copy(next(kept), copy))
    raise AssertionError("there was a compiler a moment ago")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and without a compiler, on which nothing is registered."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("JSNN_KERNELS", raising=False)
    monkeypatch.setattr(jax.ffi, "register_ffi_target", lambda *args, **kwargs: None)
    return tmp_path


@pytest.fixture
def script(machine: Path, made: Path) -> Script:
    """Write a compiler: what it does when it compiles, and when it is asked for its version."""

    def write(name: str, compile: str = COPY, about: str = "echo 1.0") -> str:
        path = machine / "bin" / name
        path.write_text(
            "#!/bin/sh\nPATH=/usr/bin:/bin\n"
            f'case "$*" in *--version*) {about}; exit;; esac\n'
            f"echo compiled >> {machine}/log\n{compile.format(made=made)}\n"
        )
        path.chmod(0o755)
        return str(path)

    return write


def available() -> bool:
    return library.available.__wrapped__()


def libraries(machine: Path) -> list[Path]:
    return sorted((machine / "cache" / "jsnn" / "kernels").iterdir())


def compilations(machine: Path) -> int:
    return len((machine / "log").read_text().splitlines())


def test_a_library_is_compiled_once_and_kept(machine: Path, script: Script) -> None:
    script("g++")
    assert available()
    (kept,) = libraries(machine)
    assert available()
    assert libraries(machine) == [kept]
    assert compilations(machine) == 1
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "one bit": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_library_is_made_anew(machine: Path, script: Script, damage: str) -> None:
    script("g++")
    assert available()
    (kept,) = libraries(machine)
    content = kept.read_bytes()
    kept.unlink()  # the process has it mapped
    kept.write_bytes(DAMAGES[damage](content))
    assert available()
    assert compilations(machine) == 2
    assert libraries(machine)[0].read_bytes() == content


BAD_COMPILERS = {
    "fails": {"compile": "printf 'no such \\377 flag' >&2; exit 1", "says": "no such"},
    "cannot say its version": {"about": "printf '\\377' >&2; exit 3", "says": "returned 3"},
    "hangs": {"about": "sleep 60", "says": "timed out"},
    "hangs later": {"compile": "sleep 60", "says": "timed out"},
    "makes nothing": {"compile": ":", "says": "kernels.so"},
    "makes text": {"compile": 'for last; do :; done; echo text > "$last"', "says": "kernels.so"},
    "lacks the kernels": {
        "compile": f'for last; do :; done; cp "{_ctypes.__file__}" "$last"',
        "says": "undefined symbol",
    },
}


@pytest.mark.parametrize("fault", BAD_COMPILERS)
def test_after_a_bad_compiler_the_next_one_is_tried(
    machine: Path, script: Script, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    bad = dict(BAD_COMPILERS[fault])
    says = bad.pop("says")
    if "hangs" in fault:
        for limit in ("_SECONDS_TO_ANSWER", "_SECONDS_TO_COMPILE"):
            monkeypatch.setattr(library, limit, 1.0)
    monkeypatch.setenv("CXX", script("bad", **bad))
    with pytest.warns(UserWarning, match=f"(?s)without its C.. kernels.*bad: .*{says}") as caught:
        assert not available()
    assert len(caught) == 1
    script("g++")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert available()
    assert len(libraries(machine)) == 1


@pytest.mark.parametrize("given", ["", "no-such-compiler", "'open quote", "  "])
def test_a_compiler_that_does_not_exist_is_left_out(
    script: Script, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("CXX", given)
    script("c++")
    assert available()


def test_the_compiler_may_be_a_command_with_arguments(
    machine: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("ccache", compile=f'PATH={machine}/bin; "$@"')
    script("g++")
    monkeypatch.setenv("CXX", "ccache g++")
    assert available()
    assert compilations(machine) == 2  # ccache itself, then g++


def test_without_a_compiler_there_are_no_kernels_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not available()


def test_the_environment_switches_the_kernels_off(
    machine: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("g++")
    monkeypatch.setenv("JSNN_KERNELS", "0")
    assert not available()
    assert not (machine / "log").exists()
    monkeypatch.setenv("JSNN_KERNELS", "off")
    with pytest.raises(ValueError, match="JSNN_KERNELS: given 'off'; expected 0"):
        available()


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o500])
def test_a_folder_that_others_can_write_to_is_not_used(
    machine: Path, script: Script, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    folder = machine / "cache" / "jsnn" / "kernels"
    folder.mkdir(parents=True)
    folder.chmod(mode)
    if mode == 0o500:  # to root every folder is writable
        monkeypatch.setattr(os, "access", lambda path, _: Path(path) != folder)
    script("g++")
    assert available()
    assert list(folder.iterdir()) == []
    assert len(list(temporary_directory().iterdir())) == 1


def test_a_folder_of_another_user_is_not_used(
    machine: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    library._folder()
    us = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: us + 1)
    script("g++")
    with pytest.warns(UserWarning, match=f"owned by user {us} .*expected user {us + 1}"):
        assert not available()
    assert libraries(machine) == []


@pytest.mark.parametrize("home", [None, "/proc/no/such/folder"])
def test_a_user_without_a_home_has_kernels_too(
    script: Script, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: Path(home) if home else no_home())
    script("g++")
    assert available()
    assert len(list(temporary_directory().iterdir())) == 1
    assert home or cache_directory() == temporary_directory()


def test_two_processes_that_compile_at_once_do_not_hurt_each_other(
    machine: Path, script: Script
) -> None:
    compiler = script("g++", compile="sleep 0.3; " + COPY)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(library._library, [(compiler,)] * 2))
    assert compilations(machine) == 2
    assert len(libraries(machine)) == 1


def test_the_name_of_a_library_tells_processors_apart(tmp_path: Path) -> None:
    arm = "processor\t: {}\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd{}\nCPU part\t: {}\n"
    texts = {
        "small": arm.format(0, "", "0xd03"),
        "small, other clock": arm.format(0, "", "0xd03").replace("50.00", "38.40"),
        "large": arm.format(0, "", "0xd0c"),
        "vectors": arm.format(0, " sve", "0xd0c"),
        "small and large": arm.format(0, "", "0xd03") + arm.format(1, "", "0xd0c"),
    }
    described = {}
    for name, text in texts.items():
        (tmp_path / "cpuinfo").write_text(text)
        described[name] = library._processor(tmp_path / "cpuinfo")
    assert described["small"] == described["small, other clock"]
    assert len(set(described.values())) == 4
