"""The experiments that train, convert and compare, on few images that are quickly learnt."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.conversion import (
    bench,
    catalogue,
    checkpoints,
    compare,
    folding,
    frontier,
    models,
    settings,
)
from experiments.conversion.catalogue import Goal, Outcome, Row, Training
from jsnn.conversion import recipes
from tests.experiments.few_images import few_images

NUM_IMAGES = {"training": 100, "held_out": 40, "test": 40}


@pytest.fixture(autouse=True, scope="module")
def promotion():
    with jax.numpy_dtype_promotion("standard"):  # optax's optimizers need it
        yield


@pytest.fixture(scope="module")
def few():
    """Few images, and a catalogue of two small networks."""

    def images(dataset, part):
        return few_images(NUM_IMAGES[part], list(NUM_IMAGES).index(part))

    quick = settings.Config(epochs=2, batch_size=25)
    trainings = {
        "teacher": Training(
            dataclasses.replace(quick, model="cnn", activation="relu", batch_norm=True, epochs=1)
        ),
        "pupil": Training(quick, "teacher"),
    }
    rows = {
        "all": Row("pupil", recipes.qcfs, 4, Goal(50, 1000, agreement=True)),
        "half": Row("pupil", recipes.qcfs, 2, Goal(loss=100.0, halves="all", ann_near="all")),
    }
    with pytest.MonkeyPatch.context() as patch:
        for module in (frontier, compare, bench, folding):
            patch.setattr(module, "images", images)
        patch.setattr(frontier, "TRAININGS", trainings)
        patch.setattr(frontier, "ROWS", rows)
        patch.setattr(models, "CHANNELS", {"cnn": (2, 3)})
        yield


@pytest.fixture(scope="module")
def measured(few, tmp_path_factory):
    """A frontier of one row and the row that it needs: its settings and its results."""
    config = frontier.Config(rows=("half",), num_seeds=2, out=tmp_path_factory.mktemp("frontier"))
    return config, frontier.main(config)


@pytest.fixture(scope="module")
def teacher(measured):
    """Directory of a convolutional network with batch normalisation."""
    return measured[0].out / "trained" / "teacher" / "seed0"


@pytest.fixture(scope="module")
def pupil(measured):
    """Directory of a perceptron."""
    return measured[0].out / "trained" / "pupil" / "seed0"


@pytest.mark.slow
def test_the_frontier_trains_measures_and_finds_what_it_trained(measured, monkeypatch):
    config, first = measured
    assert list(first["rows"]) == ["all", "half"]  # what a row is held against comes along
    row = first["rows"]["all"]
    assert row["agreement"] == [1, 1]  # QCFS, one hidden layer, T = L
    assert row["accuracy"] == row["ann_accuracy"]
    assert row["spikes"] > first["rows"]["half"]["spikes"]
    table = (config.out / "frontier_held_out.md").read_text()
    assert len(table.splitlines()) == 4
    assert "784-128-10" in table
    assert (config.out / "frontier_held_out.png").read_bytes().startswith(b"\x89PNG")

    def again(*arguments):
        raise AssertionError("trained twice")

    monkeypatch.setattr(frontier, "train", again)
    assert frontier.main(config) == first
    test = frontier.main(dataclasses.replace(config, test=True))
    assert test["images"] == "test"
    assert (config.out / "frontier_test.md").exists()


@pytest.mark.slow
def test_all_recipes_are_compared_on_one_network(pupil, tmp_path):
    names = ("qcfs", "rueckauer-half", "light", "few-spikes")
    config = compare.Config(model=pupil, out=tmp_path, recipes=names, steps=(4, 2))
    compared = compare.main(config)
    found = compared["recipes"]
    assert set(found) == set(names)
    assert all(list(measured) == [2, 4] for measured in found.values())
    accuracy, spikes = found["qcfs"][4]
    assert accuracy == compared["ann_accuracy"]
    assert 0 < found["qcfs"][2][1] < spikes
    assert "T = 4" in (tmp_path / "compare.md").read_text()
    assert (tmp_path / "compare.png").exists()
    with pytest.raises(ValueError, match="--recipes: given quick; expected some of copy, "):
        compare.main(dataclasses.replace(config, recipes=("quick",)))


@pytest.mark.slow
def test_the_benchmark_of_a_conversion_runs_and_refuses_bad_flags(teacher):
    config = bench.Config(model=teacher, steps=2, num_images=20, repeats=2)
    assert len(bench.main(config)["again"]) == 2
    with pytest.raises(ValueError, match="--steps: given 0; expected at least 1"):
        bench.main(dataclasses.replace(config, steps=0))


@pytest.mark.slow
def test_batch_normalisation_is_folded_but_for_rounding(teacher):
    found = folding.main(folding.Config(model=teacher))
    assert 0 < found["largest_change_float32"] < 1e-5
    assert found["largest_change_float64"] < 1e-13


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rows": ("z",)}, "--rows: given z; expected some of all, half"),
        ({"num_seeds": 0}, "--num-seeds: given 0; expected at least 1"),
    ],
)
def test_what_no_frontier_can_do_is_refused(few, fields, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        frontier.main(frontier.Config(out=tmp_path, **fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": (0,)}, "--steps: given 0; expected numbers of at least 1"),
        ({"steps": ()}, "--steps: given none"),
        ({"num_images": 5001}, "--num-images: given 5001; expected 1 to 5000"),
        ({}, "holds no architecture.json; expected a trained model"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields, message, tmp_path):
    if fields:
        checkpoints.describe(tmp_path, {}, models.Architecture())
    with pytest.raises(ValueError, match=message):
        compare.main(compare.Config(model=tmp_path, out=tmp_path, **fields))


def outcome(accuracy, ann=0.99, agreement=1.0, spikes=100.0):
    columns = [accuracy, [ann] * len(accuracy), [agreement] * 2, [spikes] * 2, [1.0] * 2]
    return Outcome(*np.asarray(columns))


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (Goal(), None),
        (Goal(98.5), True),
        (Goal(98.6), False),
        (Goal(spikes=100), True),
        (Goal(98.5, 99), False),
        (Goal(loss=0.5), True),
        (Goal(loss=0.4), False),
        (Goal(agreement=True), False),
        (Goal(halves="worse"), True),
        (Goal(halves="same"), False),
        (Goal(ann_near="better"), False),
        (Goal(ann_near="same"), True),
    ],
)
def test_a_goal_is_reached_by_the_mean_over_seeds(goal, expected):
    own = outcome([0.98, 0.99], agreement=0.999)
    found = {
        "own": own,
        "same": own,
        "worse": outcome([0.98, 0.98]),
        "better": outcome([0.98, 0.99], ann=0.993),
    }
    assert catalogue.reached(Row("x", recipes.qcfs, 4, goal), found, "own") is expected


def test_every_row_of_the_catalogue_is_trained_and_held_against_another_row():
    for row in catalogue.ROWS.values():
        chosen = catalogue.TRAININGS[row.training]
        assert chosen.teacher is None or chosen.teacher in catalogue.TRAININGS
        assert set(row.goal.needs) <= set(catalogue.ROWS)
        row.recipe()
