"""The experiments as a user runs them: flags in, messages, files and JSON out."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import matplotlib.image
import numpy as np
import PIL.Image
import pytest

import jsnn
from experiments import cli
from experiments.checkpoints import Checkpoints
from experiments.mnist import animate, bench, data, evaluate, explore, present, sweep, train
from experiments.mnist.data import Images, held_out_images, input_currents
from experiments.mnist.network import WEIGHTS, spiking_evaluation
from jsnn.network.whole_files import write_whole

ROOT = Path(__file__).parents[2]
SHIPPED = jsnn.load_weights(WEIGHTS)


def first(images, n):
    return Images(images.pixels[:n], images.labels[:n])


def run(module, *flags, monkeypatch):
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, flags)])
    cli.run(module.Config, module.main, "")


@pytest.fixture
def weights_directory(tmp_path):
    """A copy of the shipped weights that a test may spoil."""
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    return tmp_path / "weights"


def test_the_shipped_network_is_close_to_its_ann_and_spikes_as_published_at_the_input():
    images = data.test_images()
    result = spiking_evaluation(SHIPPED, images)
    # PyGeNN 5.4 gives 4838.1977 input spikes per image, whatever the weights.
    assert round(result.spikes_per_presentation["layer0"], 4) == 4838.1977
    ann = train.ann_accuracy(SHIPPED, images)
    assert ann >= 0.978
    assert result.accuracy >= ann - 0.003


def test_evaluate_writes_every_result_and_prints_the_tutorials_lines(tmp_path, monkeypatch, capsys):
    path = tmp_path / "deep" / "e.json"
    run(evaluate, "--limit", 30, "--print-each", "--json", path, monkeypatch=monkeypatch)
    results = json.loads(path.read_text())
    labels = data.test_images().labels[:30]
    assert results["num_images"] == 30
    assert results["accuracy"] == np.mean(np.array(results["predictions"]) == labels)
    assert len(results["spikes_per_image"]) == 3
    assert {"run_seconds", "compile_seconds", "peak_memory_mb"} <= results.keys()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Example=")]
    assert lines[8] == f"Example=8, true label=5, predicted label={results['predictions'][8]}"
    assert len(lines) == 30


def test_animate_writes_a_frame_for_every_other_step(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(animate, "NUM_STEPS", 12)
    monkeypatch.setattr(animate, "HELD_FRAMES", 1)
    run(animate, "--image-index", 3, "--out", tmp_path / "digit.gif", monkeypatch=monkeypatch)
    with PIL.Image.open(tmp_path / "digit.gif") as film:
        assert film.n_frames in (6, 7)  # equal frames may be one
    assert "true label=0" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run(animate, "--out", tmp_path / "digit.png", monkeypatch=monkeypatch)
    assert "expected .gif" in capsys.readouterr().err


def test_present_writes_a_picture_and_counts_what_evaluate_counts(tmp_path, monkeypatch):
    picture, path = tmp_path / "raster.png", tmp_path / "p.json"
    run(present, "--image-index", 3, "--out", picture, "--json", path, monkeypatch=monkeypatch)
    image = data.test_images()
    one = spiking_evaluation(SHIPPED, Images(image.pixels[3:4], image.labels[3:4]))
    results = json.loads(path.read_text())
    assert results["spikes"] == [int(n) for n in one.spikes_per_presentation.values()]
    assert results["prediction"] == one.predictions[0]
    assert matplotlib.image.imread(picture).shape[2] == 4


@pytest.mark.filterwarnings("ignore:.* never spiked")  # in a single step no spike gets that far
def test_accuracy_over_time_out_of_one_run_is_that_of_shorter_runs():
    images = first(data.test_images(), 200)
    course = explore.over_time(SHIPPED, images, 40)
    for num_steps in (1, 7, 15, 40):
        shorter = spiking_evaluation(SHIPPED, images, num_steps=num_steps)
        assert course["accuracy"][num_steps - 1] == shorter.accuracy
        spikes = sum(shorter.spikes_per_presentation.values())
        np.testing.assert_allclose(course["spikes"][num_steps - 1], spikes)


@pytest.mark.filterwarnings("ignore:.* never spiked")  # with a high threshold and weak input
def test_a_sweep_is_one_evaluation_per_setting(tmp_path):
    images = first(held_out_images(), 70)  # not a multiple of what one call takes
    thresholds, scales = [2.0, 5.0, 9.0], [0.005, 0.01]
    swept = sweep.sweep(SHIPPED, images, thresholds, scales, 20, tmp_path)
    for i, v_thresh in enumerate(thresholds):
        for j, scale in enumerate(scales):
            single = spiking_evaluation(
                SHIPPED, images, num_steps=20, v_thresh=v_thresh, input_scale=scale
            )
            assert swept.accuracy[i, j] == single.accuracy
            total = sum(single.spikes_per_presentation.values())
            np.testing.assert_allclose(swept.spikes[i, j], total)


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path, monkeypatch):
    images = first(held_out_images(), 400)
    arguments = (SHIPPED, images, [2.0, 5.0], [0.005, 0.01], 10)
    whole = sweep.sweep(*arguments, tmp_path / "whole")
    batch, calls = sweep._batch, []

    def interrupted_at_third(*args):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return batch(*args)

    monkeypatch.setattr(sweep, "_batch", interrupted_at_third)
    with pytest.raises(KeyboardInterrupt):
        sweep.sweep(*arguments, tmp_path)
    resumed = sweep.sweep(*arguments, tmp_path)
    assert len(calls) == 4  # 160 images a call: two, the interrupted one, and the last
    np.testing.assert_array_equal(resumed.accuracy, whole.accuracy)
    np.testing.assert_array_equal(resumed.spikes, whole.spikes)
    other = sweep.sweep(*arguments[:-1], 11, tmp_path)  # other inputs start from the beginning
    assert len(calls) == 7
    assert (other.spikes > whole.spikes).all()


def test_the_cheapest_good_setting_is_chosen():
    grid = sweep.Sweep(
        v_thresh=np.array([2.5, 5.0]),
        input_scale=np.array([0.005, 0.01, 0.02]),
        accuracy=np.array([[0.95, 0.979, 0.98], [0.9789, 0.98, 0.99]]),
        spikes=np.array([[10.0, 30.0, 40.0], [20.0, 50.0, 25.0]]),
        checkpoints=Checkpoints(Path("none"), "sweep"),
    )
    assert explore.default_setting(grid) == (1, 1)
    assert explore.cheapest_good_setting(grid) == (1, 2)


@pytest.mark.slow
def test_explore_chooses_on_held_out_images_and_leaves_nothing_behind(tmp_path, monkeypatch):
    few = first(data.test_images(), 300)
    monkeypatch.setattr(explore, "test_images", lambda: few)
    path = tmp_path / "e.json"
    run(
        explore,
        *("--quick", "--num-steps", 30, "--out", tmp_path / "out", "--json", path),
        monkeypatch=monkeypatch,
    )
    results = json.loads(path.read_text())
    assert len(results["over_time"]["accuracy"]) == 30
    for setting in results["settings"]:
        single = spiking_evaluation(
            SHIPPED,
            first(held_out_images(), 1000),
            num_steps=30,
            v_thresh=setting["v_thresh"],
            input_scale=setting["input_scale"],
        )
        assert setting["held_out_accuracy"] == single.accuracy
    tutorial, chosen = results["settings"]
    assert chosen["held_out_accuracy"] >= tutorial["held_out_accuracy"] - 0.001 - 1e-9
    assert chosen["held_out_spikes"] <= tutorial["held_out_spikes"]
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"accuracy_over_time.png", "spikes_against_accuracy.png", "table.md"}


@pytest.mark.slow
def test_training_learns_and_is_reproducible(tmp_path):
    config = train.Config(hidden=(32, 16), epochs=4, batch_size=50, out=tmp_path)
    images = first(held_out_images(), 2000)
    held_out = Images(held_out_images().pixels[2000:3000], held_out_images().labels[2000:3000])
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        models = [train.train(config, images, held_out) for _ in range(2)]
    weights, again = ([w.copy() for w in train.dense_weights(model)] for model in models)
    assert [w.shape for w in weights] == [(784, 32), (32, 16), (16, 10)]
    for a, b in zip(weights, again, strict=True):
        np.testing.assert_array_equal(a, b)
    accuracy = train.ann_accuracy(weights, held_out)
    assert accuracy > 0.5
    logits = models[0](held_out.pixels.astype(np.float32) / 255)
    predictions = np.argmax(np.asarray(logits), axis=1)
    assert accuracy == np.mean(predictions == held_out.labels)


def test_training_refuses_a_directory_with_more_layers_before_it_trains(
    weights_directory, monkeypatch, capsys
):
    np.save(weights_directory / "weights_2_3.npy", np.zeros((10, 10), np.float32))
    with pytest.raises(SystemExit):
        run(train, "--out", weights_directory, monkeypatch=monkeypatch)
    assert "weights_2_3.npy" in capsys.readouterr().err


def test_what_the_benchmark_compares_gives_the_same_answers_and_spikes():
    currents = input_currents(data.test_images().pixels[:40], 0.01)
    by_hand = jax.vmap(bench.hand_written, in_axes=(None, 0))(SHIPPED, currents)
    by_numpy = bench.numpy_loop(SHIPPED, currents)
    result = spiking_evaluation(SHIPPED, first(data.test_images(), 40))
    for predictions, spikes in (by_hand, by_numpy):
        np.testing.assert_array_equal(result.predictions, predictions)
        np.testing.assert_array_equal(list(result.spikes.values()), np.stack(spikes))


def test_the_bare_products_are_all_products_of_all_steps():
    random = np.random.default_rng(0)
    for batch_size in (2, 300):
        spikes = [(random.random((batch_size, len(w))) < 0.5).astype(np.float32) for w in SHIPPED]
        sums = bench.bare_products(SHIPPED, spikes)
        for total, s, w in zip(sums, spikes, SHIPPED, strict=True):
            np.testing.assert_allclose(total, 100 * (s @ w), rtol=1e-3, atol=1e-2)


def spoil(directory, name, array):
    np.save(directory / name, array)


def transpose(directory):
    for path in directory.iterdir():
        np.save(path, np.load(path).T)


def nan_weight(directory):
    w = SHIPPED[0].copy()
    w[3, 4] = np.nan
    np.save(directory / "weights_0_1.npy", w)


SPOILT = {
    "missing file": (lambda d: (d / "weights_0_1.npy").unlink(), "weights_0_1.npy is missing"),
    "no files": (lambda d: [p.unlink() for p in d.iterdir()], "expected weights_0_1.npy"),
    "gap": (
        lambda d: (d / "weights_1_2.npy").rename(d / "weights_2_3.npy"),
        "weights_1_2.npy is missing",
    ),
    "truncated": (
        lambda d: (d / "weights_0_1.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr'"),
        "weights_0_1.npy: truncated",
    ),
    "text": (lambda d: spoil(d, "weights_0_1.npy", np.array([["a"]])), "expected float32"),
    "float64": (
        lambda d: spoil(d, "weights_0_1.npy", SHIPPED[0].astype(float)),
        "weights_0_1.npy: given float64; expected float32",
    ),
    "no chain": (
        lambda d: spoil(d, "weights_1_2.npy", np.zeros((100, 10), np.float32)),
        r"given shapes \(784, 128\) and \(100, 10\)",
    ),
    "transposed": (transpose, r"transposed\? each is to be \(pre, post\)"),
    "other input": (
        lambda d: spoil(d, "weights_0_1.npy", np.zeros((100, 128), np.float32)),
        "given 100 presynaptic neurons; expected 784",
    ),
    "NaN": (nan_weight, r"1 of 100352 values are NaN or infinite.*\(3, 4\)"),
}


@pytest.mark.parametrize("module", [evaluate, present, explore])
@pytest.mark.parametrize("how", SPOILT)
def test_spoilt_weights_end_with_a_message(how, module, weights_directory, monkeypatch, capsys):
    spoiling, message = SPOILT[how]
    spoiling(weights_directory)
    with pytest.raises(SystemExit) as ended:
        run(module, "--weights", weights_directory, monkeypatch=monkeypatch)
    assert ended.value.code == 1
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("module", "flags", "message"),
    [
        (evaluate, ["--weights", "/nowhere"], "/nowhere: no such directory"),
        (evaluate, ["--num-steps", 0], "num_steps: given 0; expected an integer >= 1"),
        (evaluate, ["--batch-size", -1], "batch_size: given -1; expected an integer >= 1"),
        (evaluate, ["--v-thresh", "nan"], "parameter 'v_thresh'.* NaN or infinite"),
        (evaluate, ["--v-thresh", "inf"], "parameter 'v_thresh'.* NaN or infinite"),
        (evaluate, ["--input-scale", "nan"], "'layer0'.* NaN or infinite"),
        (evaluate, ["--limit", 0], "--limit: given 0; expected 1 to 10000"),
        (animate, ["--image-index", -1], "--image-index: given -1; expected 0 to 9999"),
        (present, ["--image-index", 10_000], "--image-index: given 10000; expected 0 to 9999"),
        (present, ["--num-steps", -5], "num_steps: given -5"),
        (explore, ["--num-steps", 0], "num_steps: given 0"),
        (bench, ["--repeats", 0], "--repeats: given 0"),
        (train, ["--hidden", 0], "--hidden: given 0"),
        (train, ["--epochs", 0], "--epochs: given 0"),
    ],
)
def test_bad_flags_end_with_a_message(module, flags, message, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        run(module, *flags, monkeypatch=monkeypatch)
    assert ended.value.code == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_failed_run_prints_no_traceback_and_help_names_every_flag():
    def python(*arguments):
        command = [sys.executable, "-m", "experiments.mnist.evaluate", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    failed = python("--weights", "/nowhere")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: /nowhere: no such directory")
    assert "Traceback" not in failed.stderr
    flags = "weights num-steps v-thresh input-scale batch-size limit between-images print-each"
    described = python("--help").stdout
    for flag in [*flags.split(), "seed", "json"]:
        assert f"--{flag}" in described


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_whole(path, b"old")

    def fail(*_):
        raise OSError

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match=r"^$"):
        write_whole(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert path.read_bytes() == b"old"
