"""Each kind of bad input of `fit`: an error that names the culprit before anything compiles."""

import re
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jsnn
from tests.networks import F32
from tests.test_bad_input import Bad, spoilt
from tests.training.toy import LABELS, LOSS, SIZE, SPIKES, drives, fitted, network

NET = network()
POPULATIONS, (FIRST, SECOND) = NET.populations, NET.projections
RULE = jsnn.Plasticity(jsnn.STDP, {"w_min": -2.0, "w_max": 2.0})
LEARNS = jsnn.Network(
    POPULATIONS, [jsnn.Projection("in", "hidden", FIRST.connectivity, plasticity=RULE), SECOND]
)
NOISE = jsnn.CurrentSource("noise", "hidden", jsnn.GAUSSIAN_NOISE)
DIVIDED = jsnn.divide(NET)
CURRENT = np.ones((10, 3), F32)
KEY = jax.random.key(0)


def items() -> Iterator[Any]:
    yield drives(), LABELS


class Items:
    """An iterable of the items given."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


def iterated(*given: Any) -> Any:
    return fitted(drives=Items(*given), targets=None)


def other_targets(targets: Any, **given: Any) -> Any:
    loss = jsnn.losses.mean_squared_error(jsnn.Rate("hidden"))
    return fitted(**{"loss": loss, "targets": targets, "readout": None} | given)


NAN_NET = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), NET)
WITH = {"validation": (drives(), LABELS)}

TASK = [
    ("no network", {"network": LOSS}, TypeError, ("fit, network", "Loss", "a Network")),
    ("a divided network", {"network": DIVIDED}, ValueError, ("fit", "divided", "shards=")),
    ("NaN weights", {"network": NAN_NET}, ValueError, ("'in_to_hidden'", "18 of 18", "NaN")),
    ("no steps", {"num_steps": 0}, ValueError, ("fit, num_steps", "given 0", ">= 1")),
    (
        "a loss of an unknown population",
        {"loss": jsnn.losses.rates_above("hiden", 5.0)},
        ValueError,
        ("loss", "unknown population 'hiden'", "did you mean 'hidden'"),
    ),
    (
        "a loss without its readout",
        {"loss": jsnn.losses.cross_entropy},
        TypeError,
        ("fit, loss", "function", r"losses\.cross_entropy\(readout\)"),
    ),
    (
        "a readout of an unknown population",
        {"readout": jsnn.max_voltage("output")},
        ValueError,
        ("fit, readout", "'output'", "known: 'in', 'hidden', 'out'"),
    ),
    ("a class as optimiser", {"optimizer": optax.adam}, TypeError, ("optimizer", r"adam\(1e-3\)")),
    ("a rate as optimiser", {"optimizer": 0.1}, TypeError, ("optimizer", "float", "optax")),
    (
        "a gradient by name",
        {"gradient": "surrogate"},
        TypeError,
        ("fit, gradient", "'surrogate'", r"jsnn\.gradients\.surrogate\(\)"),
    ),
    (
        "a gradient that is not called",
        {"gradient": jsnn.gradients.exact},
        TypeError,
        ("fit, gradient", "function", r"surrogate\(\)"),
    ),
    (
        "exact gradients of weights that learn",
        {"network": LEARNS, "gradient": jsnn.gradients.exact(), "train": {"hidden": ["v_thresh"]}},
        ValueError,
        ("exact", "'in_to_hidden'", "plasticity"),
    ),
    ("no key", {"network": network(0, NOISE)}, ValueError, ("fit, key", r"jax\.random\.key")),
    ("a number as key", {"key": 3}, TypeError, ("fit, key", "expected")),
    ("several keys", {"key": jax.random.split(KEY, 3)}, ValueError, ("fit, key", r"\(3,\)")),
]

TRAIN = [
    (
        "an unknown part",
        {"train": {"in_to_hiden": ["weights"]}},
        ValueError,
        ("train", "'in_to_hiden'", "did you mean 'in_to_hidden'"),
    ),
    (
        "an unknown parameter",
        {"train": {"hidden": ["vthresh"]}},
        ValueError,
        ("train of 'hidden'", "'vthresh'", "did you mean 'v_thresh'"),
    ),
    ("a list", {"train": ["in_to_hidden"]}, TypeError, ("train", "list", "dict of names")),
    (
        "plastic weights",
        {"network": LEARNS, "train": {"in_to_hidden": ["weights"]}},
        ValueError,
        ("train of 'in_to_hidden'", "weights", "plasticity"),
    ),
    (
        "whole delays",
        {"train": {"in_to_hidden": ["delays"]}},
        ValueError,
        ("train of 'in_to_hidden'", "Dense", "whole steps", "LearntDelays"),
    ),
    (
        "a number over epochs",
        {"over_epochs": {"hidden": {"v_thresh": 0.9}}},
        TypeError,
        ("over_epochs of 'hidden', 'v_thresh'", "float", "function of the epoch"),
    ),
    (
        "an unknown parameter over epochs",
        {"over_epochs": {"hidden": {"v_tresh": lambda epoch: 1.0}}},
        ValueError,
        ("'v_tresh'", "did you mean 'v_thresh'"),
    ),
    (
        "a width of whole delays over epochs",
        {"over_epochs": {"in_to_hidden": {"width": lambda epoch: 1.0}}},
        TypeError,
        ("'in_to_hidden'", "Dense", "LearntDelays"),
    ),
    (
        "trained weights over epochs",
        {"over_epochs": {"in_to_hidden": {"weights": lambda epoch: 1.0}}},
        ValueError,
        ("over_epochs of 'in_to_hidden'", "'weights'", "is trained"),
    ),
]

COURSE = [
    ("no batch", {"batch_size": 0}, ValueError, ("fit, batch_size", "given 0", ">= 1")),
    ("half a batch", {"batch_size": 2.5}, TypeError, ("fit, batch_size", "given 2.5")),
    ("no epochs", {"epochs": 0}, ValueError, ("fit, epochs", "given 0", ">= 1")),
    ("a negative seed", {"seed": -1}, ValueError, ("fit, seed", "given -1", ">= 0")),
    ("a number for progress", {"progress": 1}, TypeError, ("fit, progress", "True or False")),
    ("patience alone", {"patience": 2}, ValueError, ("fit, patience", r"validation=\(drives")),
    ("no patience", {"patience": 0, **WITH}, ValueError, ("fit, patience", "given 0", ">= 1")),
    ("shards that divide no batch", {"shards": 3}, ValueError, ("fit, shards", "3", "size of 4")),
    ("no shards", {"shards": 0}, ValueError, ("fit, shards", "given 0")),
    ("devices by name", {"devices": "cpu"}, TypeError, ("devices", "'cpu'", r"jax\.devices")),
    ("True as checkpoint", {"checkpoint": True}, TypeError, ("fit, checkpoint", "bool", "path")),
    ("a folder", {"checkpoint": "tests"}, ValueError, ("fit, checkpoint", "folder tests", "file")),
]

DATA = [
    ("no targets", {"targets": None}, ValueError, ("fit, targets", "none", "each presentation")),
    (
        "a label outside",
        {"targets": LABELS + 1},
        ValueError,
        ("fit, targets", "given 2 at index 1", "0 to 1", "classes"),
    ),
    (
        "labels that are floats",
        {"targets": LABELS.astype(F32)},
        TypeError,
        ("fit, targets", "float32", "integers", r"\(n,\)"),
    ),
    (
        "labels of which each is a row",
        {"targets": np.eye(2, dtype=np.int32)[LABELS]},
        TypeError,
        ("fit, targets", r"\(10, 2\)", r"integers of shape \(n,\)"),
    ),
    (
        "targets of another length",
        {"targets": LABELS[:5]},
        ValueError,
        ("fit, targets", "given 5 for 10 presentations"),
    ),
    ("ragged targets", {"targets": [[0], [1, 2]]}, TypeError, ("fit, targets", "lengths")),
    ("a word as targets", {"targets": "labels"}, TypeError, ("fit, targets", "str", "array")),
    ("no data", {"targets": LABELS[:0]}, ValueError, ("fit, targets", r"\(0,\)", "one row")),
    (
        "rates with a readout",
        {
            "loss": jsnn.losses.mean_squared_error(jsnn.Rate("hidden")),
            "targets": np.ones((10, 3), F32),
        },
        TypeError,
        ("fit, targets", "float32", "a readout is for labels"),
    ),
    ("drives without a name", {"drives": SPIKES}, TypeError, (r"\(10, 8, 6\)", "by population")),
    (
        "a list of drives",
        {"drives": [SPIKES]},
        ValueError,
        ("fit, targets", "list", "by population"),
    ),
    (
        "drives of an unknown population",
        {"drives": {"inn": jsnn.over_time(SPIKES)}},
        ValueError,
        ("fit, drives", "'inn'", "did you mean 'in'"),
    ),
    (
        "drives that are not marked",
        {"drives": {"in": SPIKES}},
        ValueError,
        ("fit, drives", "'in'", r"\(8, 6\)", r"jsnn\.over_time"),
    ),
    (
        "drives of another size",
        {"drives": drives(SPIKES[:, :, :4])},
        ValueError,
        ("fit, drives", "'in'", r"\(8, 4\)", r"\(8, 6\)"),
    ),
    (
        "drives of another length",
        {"drives": drives(SPIKES[:, :5])},
        ValueError,
        ("fit, drives", r"\(5, 6\)", "8 values"),
    ),
    (
        "drives in double precision",
        {"drives": drives(SPIKES.astype(float))},
        TypeError,
        ("fit, drives", "float64", r"astype\(np.float32\)"),
    ),
    (
        "NaN in the last presentation",
        {"drives": {"hidden": spoilt(CURRENT, (9, 1), np.nan)}},
        ValueError,
        (r"fit, drives\['hidden'\]", r"\(9, 1\)", "finite"),
    ),
    (
        "a generator",
        {"drives": items(), "targets": None},
        TypeError,
        ("fit, drives", "generator", "only once", "__iter__"),
    ),
    (
        "targets beside an iterable",
        {"drives": Items()},
        ValueError,
        ("fit, targets", "Items", "None"),
    ),
    (
        "a checkpoint of an iterable",
        {"drives": Items(), "targets": None, "checkpoint": "a"},
        ValueError,
        ("fit, checkpoint", "cannot start anywhere", r"batches\(epoch, first\)"),
    ),
    (
        "a list as validation",
        {"validation": [drives(), LABELS]},
        TypeError,
        ("fit, validation", "list", r"tuple \(drives, targets\)"),
    ),
    (
        "a label outside in the validation",
        {"validation": (drives(), LABELS + 1)},
        ValueError,
        ("fit, validation, targets", "given 2"),
    ),
    (
        "drives of another size in the validation",
        {"validation": (drives(SPIKES[:, :, :2]), LABELS)},
        ValueError,
        ("fit, validation, drives", r"\(8, 2\)"),
    ),
    ("half a validation", {"validation": (drives(), None)}, ValueError, ("validation, targets",)),
    (
        "an iterable as validation",
        {"validation": (Items(), LABELS)},
        TypeError,
        ("fit, validation, drives", "Items", "dict of arrays"),
    ),
]

TABLES = {"task": TASK, "train": TRAIN, "course": COURSE, "data": DATA}
ALL = [
    pytest.param(Bad(row[0], lambda given=row[1]: fitted(**given), *row[2:]), id=f"{t}: {row[0]}")
    for t, table in TABLES.items()
    for row in table
]


@pytest.fixture(autouse=True, scope="module")
def programs_of_inputs() -> None:
    """Compile what makes arrays and keys, and trains nothing."""
    jax.random.key(0)
    jsnn.trainable(NET)


def check(bad: Bad) -> None:
    with pytest.raises(bad.error) as caught:
        bad.act()
    for pattern in bad.says:
        assert re.search(pattern, str(caught.value)), f"{pattern!r} is not in: {caught.value}"


@pytest.mark.parametrize("bad", ALL)
def test_bad_input_is_named_before_anything_compiles(bad: Bad, compilations) -> None:
    with compilations() as compiled:
        check(bad)
    assert compiled == []


def test_numbers_that_are_not_finite_are_named_in_targets() -> None:
    targets = spoilt(CURRENT, (7, 2), np.nan)
    says = ("fit, targets", r"1 of 30", r"\(7, 2\)")
    check(Bad("NaN", lambda: other_targets(targets), ValueError, says))
    given = {"drives": Items((drives(SPIKES[:4]), targets[6:])), "targets": None}
    says = ("fit, epoch 0, batch 0, targets", r"\(1, 2\)")
    check(Bad("NaN", lambda: other_targets(**given), ValueError, says))


ITEMS = [
    ((), ValueError, ("fit, epoch 0", "no presentations")),
    ((SPIKES,), TypeError, ("fit, epoch 0, batch 0", "ndarray", r"tuple \(drives, targets\)")),
    (((drives(), LABELS),), ValueError, ("batch 0", "given 10", "at most 4", "batch size")),
    (((drives(SPIKES[:3]), LABELS[:3] + 5),), ValueError, ("batch 0, targets", "given 5")),
    (((drives(SPIKES[:3]), LABELS[:2]),), ValueError, ("batch 0, targets", "2 for 3")),
    (((drives(SPIKES[:3, :4]), LABELS[:3]),), ValueError, ("batch 0, drives", r"\(4, 6\)")),
]


@pytest.mark.parametrize(("given", "error", "says"), ITEMS)
def test_a_bad_item_is_named_with_its_epoch_and_batch(given: Any, error: Any, says: Any) -> None:
    check(Bad("item", lambda: iterated(*given), error, says))


def test_an_iterable_that_ends_for_good_is_named_in_the_second_epoch() -> None:
    class Once(Items):
        def __iter__(self) -> Iterator[Any]:
            while self.items:
                yield self.items[0]
                self.items = self.items[1:]

    once = Once((drives(SPIKES[:SIZE]), LABELS[:SIZE]))
    says = ("fit, epoch 1", "no presentations", "only once")
    check(Bad("ends", lambda: fitted(drives=once, targets=None), ValueError, says))


def test_a_traced_network_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"fit: called inside jax\.jit.*outside"):
        jax.jit(lambda net: fitted(network=net).values)(NET)


def test_a_silent_network_is_an_error_with_its_rates() -> None:
    silent = network().with_params({"hidden": {"v_thresh": 1000.0}})
    gradient = jsnn.gradients.surrogate(jsnn.surrogates.rectangular())
    says = ("fit, epoch 0, batch 0", "gradient is 0", "'hidden' 0 Hz", "'in' [1-9]", "surrogate")
    check(Bad("silent", lambda: fitted(network=silent, gradient=gradient), ValueError, says))


def test_a_loss_that_is_nan_is_an_error_with_its_epoch_and_batch() -> None:
    nan = jsnn.losses.Loss(LOSS.record, lambda recorded, label: jnp.float32(jnp.nan))
    says = ("fit, epoch 0, batch 0", "loss is nan", "learning rate", "no checkpoint")
    check(Bad("NaN", lambda: fitted(loss=LOSS + nan), FloatingPointError, says))
    targets = np.full((10, 3), 1e30, F32)  # of which the squares are infinite
    given: dict[str, Any] = {"targets": CURRENT, "validation": (drives(), targets)}
    says = ("validation of epoch 0", "loss is (inf|nan)", "no checkpoint")
    check(Bad("infinite", lambda: other_targets(**given), FloatingPointError, says))
