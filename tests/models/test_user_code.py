"""An error in a function of the user shows the file, the line and the source of the user."""

import dataclasses
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import jsnn

HELPER = """
def scaled(x, p):
    return x * p["gain"]  # reads gain
"""
FUNCTIONS = """
import jax
import jax.numpy as jnp
import numpy as np
from helper_of_a_user import scaled

def reads(p, x, i, dt):
    return {"v": x["u"] + i}  # reads

def adds_text(p, x, i, dt):
    return {"v": jnp.add(x["v"], "a")}  # adds_text

def adds_two(p, x, i, dt):
    return {
        "v": x["v"] + jnp.ones(2),  # adds_two
    }

def tests(p, x, i, dt):
    if x["v"][0] > 1:  # tests
        return x
    return {"v": x["v"] + i}

def calls_numpy(p, x, i, dt):
    return {"v": np.linalg.norm(x["v"]) + i}  # calls_numpy

def fills(p, x, i, dt):
    return {"v": x["v"].fill(1) + i}  # fills

def calls_a_helper(p, x, i, dt):
    return {"v": scaled(x["v"], p) + i}

def loops(p, x, i, dt):
    return {"v": jax.lax.fori_loop(0, 3, lambda _, v: v + p["b"], x["v"])}  # loops

def not_vmappable(p, x, i, dt):
    kept = jax.ShapeDtypeStruct((3,), i.dtype)
    return {"v": jax.pure_callback(lambda v: v, kept, x["v"])}  # not_vmappable

def takes_three(p, x, i):  # takes_three
    return x

def drops(p, x, i, dt):  # drops
    return {}

def of_neurons(p, x):
    return x["w"]  # of_neurons

def of_source(p, x, key, dt):
    return x, p["w"]  # of_source

def of_synapse(p, x, arriving, post, dt):
    return x, p["w"]  # of_synapse

def of_rule(p, s, pre, post):
    return s | {"weight": post["w"]}  # of_rule
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The functions above, in files of a user."""
    (tmp_path / "helper_of_a_user.py").write_text(HELPER)
    path = tmp_path / "functions_of_a_user.py"
    path.write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "helper_of_a_user", raising=False)
    spec = importlib.util.spec_from_file_location("functions_of_a_user", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shows(error: Any, folder: Path, file: str, source: str) -> None:
    """Assert that the last place in a message is the line of `file` whose comment is `source`."""
    message = str(error.value).splitlines()
    assert len(message) <= 8
    message = [line for line in message if "checked with N = 3 neurons" not in line]
    lines = (folder / file).read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if line.endswith(f"# {source}"))
    assert f'File "{folder / file}", line {number + 1}, in ' in message[-2]
    assert message[-1].strip() == lines[number].strip()


@pytest.mark.parametrize(
    "name",
    [
        *("reads", "adds_text", "adds_two", "tests", "calls_numpy", "fills", "loops"),
        *("not_vmappable", "takes_three", "drops"),
    ],
)
def test_the_line_of_a_faulty_update_is_shown(name: str, user: ModuleType, tmp_path: Path) -> None:
    model = dataclasses.replace(jsnn.IF, update=getattr(user, name))
    with pytest.raises(
        ValueError, match=r"(?s)population 'a': .*checked with N = 3 neurons"
    ) as error:
        jsnn.Network([jsnn.Population("a", 4, model)])
    shows(error, tmp_path, "functions_of_a_user.py", name)
    assert (error.value.__cause__ is None) == (name == "drops")


def test_the_line_may_be_in_another_file(user: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="update reads 'gain'") as error:
        jsnn.check_model(dataclasses.replace(jsnn.IF, update=user.calls_a_helper))
    shows(error, tmp_path, "helper_of_a_user.py", "reads gain")


@pytest.mark.parametrize(
    ("model", "part", "function"),
    [
        (jsnn.IF, "threshold", "of_neurons"),
        (jsnn.IF, "reset", "of_neurons"),
        (jsnn.CONSTANT, "current", "of_source"),
        (jsnn.EXPONENTIAL, "update", "of_synapse"),
        (jsnn.STDP, "on_pre", "of_rule"),
        (jsnn.STDP, "on_post", "of_rule"),
    ],
)
def test_the_line_of_any_part_is_shown(
    model: Any, part: str, function: str, user: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"{part} reads 'w'") as error:
        jsnn.check_model(dataclasses.replace(model, **{part: getattr(user, function)}))
    shows(error, tmp_path, "functions_of_a_user.py", function)


def test_the_line_of_what_is_sent_is_shown(user: ModuleType, tmp_path: Path) -> None:
    synapse = dataclasses.replace(jsnn.GRADED, sends=user.of_neurons)
    dense = jsnn.Dense(np.ones((2, 2), np.float32))
    with pytest.raises(ValueError, match="projection 'a_to_a': sends fails") as error:
        jsnn.Network(
            [jsnn.Population("a", 2, jsnn.IF)], [jsnn.Projection("a", "a", dense, synapse)]
        )
    shows(error, tmp_path, "functions_of_a_user.py", "of_neurons")


def test_an_error_in_a_built_in_part_has_no_line_of_the_user() -> None:
    model = dataclasses.replace(jsnn.IF, params={"v_thresh": 1.0}, reset=jsnn.IF.reset)
    with pytest.raises(ValueError, match="reset reads 'v_reset'") as error:
        jsnn.check_model(model)
    assert "File" not in str(error.value)


def test_a_model_that_fails_at_its_own_number_of_neurons_alone_says_so() -> None:
    three = dataclasses.replace(
        jsnn.IF, update=lambda p, x, current, dt: {"v": x["v"] + current * np.ones(3, "f")}
    )
    jsnn.Network([jsnn.Population("a", 3, three)])
    with pytest.raises(ValueError, match=r"(?s)'b': its model .*test_user_code.*with N = 5 neuro"):
        jsnn.Network([jsnn.Population("b", 5, three)])
