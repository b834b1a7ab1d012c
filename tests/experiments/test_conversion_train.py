import dataclasses
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments import idx
from experiments.conversion import augment, checkpoints, data, models, settings, spiking, train
from experiments.conversion.convolution import convolved
from experiments.idx import Images
from jsnn.conversion import QCFS
from tests.experiments.few_images import few_images
from tests.networks import assert_same


@pytest.fixture(autouse=True, scope="module")
def promotion():
    with jax.numpy_dtype_promotion("standard"):  # optax's optimizers need it
        yield


def config_of(out: Path, **fields):
    return settings.Config(out=out, **({"epochs": 2, "batch_size": 25} | fields))


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model))]


def assert_same_model(one, other):
    assert_same(leaves(one), leaves(other))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"hidden_dropout": 0.2, "input_dropout": 0.1, "augment": True, "spike_penalty": 1e-3},
        {"model": "cnn", "batch_norm": True, "reduction": "stride", "adversarial": 1.0},
    ],
    ids=["mlp", "cnn"],
)
def test_an_interrupted_training_goes_on_to_the_same_result(tmp_path, fields, monkeypatch):
    training, held_out = few_images(100), few_images(20, 1)
    whole = train.train(config_of(tmp_path / "whole", **fields), training, held_out)

    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    config = config_of(tmp_path / "part", **fields)
    with monkeypatch.context() as patch:
        patch.setattr(train, "measure", interrupted)  # after the checkpoint of the first epoch
        with pytest.raises(KeyboardInterrupt):
            train.train(config, training, held_out)
    assert checkpoints.checkpoints_in(config.out).latest_step() == 1
    again = train.train(config, training, held_out)
    assert_same_model(again, whole)
    assert_same_model(checkpoints.load(config.out), whole)
    assert_same_model(train.train(config, training, held_out), whole)  # nothing is left to do


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
def test_a_damaged_checkpoint_is_named_and_the_training_goes_on_from_the_one_before(
    tmp_path, capsys
):
    config, data_sets = config_of(tmp_path, epochs=3), (few_images(50), few_images(20, 1))
    whole = train.train(config, *data_sets)
    last = tmp_path / "checkpoints" / "epoch-3.checkpoint"
    flip_a_bit(last)
    with pytest.raises(
        ValueError, match=r"epoch-3\.checkpoint: damaged.*remove it and train again"
    ):
        checkpoints.load(tmp_path)
    assert_same_model(train.train(config, *data_sets), whole)
    assert f"warning: {last}: damaged" in capsys.readouterr().err
    assert_same_model(checkpoints.load(tmp_path), whole)
    for path in last.parent.iterdir():
        flip_a_bit(path)
    with pytest.raises(ValueError, match=r"epoch-3\.checkpoint: damaged.*to start anew"):
        train.train(config, *data_sets)


@pytest.mark.parametrize("content", ['{"model": "mlp', '{"other": 1}', "[1]", "\0"])
def test_a_damaged_description_is_named(content, tmp_path):
    (tmp_path / "architecture.json").write_text(content)
    with pytest.raises(ValueError, match=r"architecture\.json: damaged"):
        checkpoints.load(tmp_path)
    (tmp_path / "training.json").write_text(content)
    with pytest.raises(ValueError, match=r"training\.json: damaged|holds a training with"):
        settings.check(config_of(tmp_path))


def begun(config):
    """Write what a training writes before its first epoch."""
    checkpoints.describe(
        config.out,
        settings.settings_of(config) | {"origin": settings.origin_of(config)},
        settings.architecture_of(config),
    )


def test_an_unfinished_training_by_other_code_or_teachers_is_refused(tmp_path, monkeypatch):
    teacher = config_of(tmp_path / "teacher")
    begun(teacher)
    checkpoints.checkpoints_in(teacher.out).save(1, {"weights": np.zeros(3)})
    config = config_of(tmp_path / "pupil", distil=(teacher.out,))
    begun(config)
    settings.check(config)
    message = "holds an unfinished training by another version"
    monkeypatch.setattr(settings, "made_with", lambda: {"code": "another"})
    with pytest.raises(ValueError, match=message):
        settings.check(config)
    monkeypatch.undo()
    checkpoints.checkpoints_in(teacher.out).save(1, {"weights": np.ones(3)})
    with pytest.raises(ValueError, match=message):
        settings.check(config)
    checkpoints.checkpoints_in(config.out).save(config.epochs, {"weights": np.zeros(3)})
    settings.check(config)  # it is finished


@pytest.mark.slow
def test_training_learns_and_the_loaded_model_answers_in_evaluation_mode(tmp_path):
    config = config_of(tmp_path, epochs=8, hidden_dropout=0.2)
    held_out = few_images(50, 1)
    model = train.train(config, few_images(200), held_out)
    measured = train.measure(model, settings.architecture_of(config), held_out)
    assert measured.accuracy > 0.9
    loaded = checkpoints.load(tmp_path)
    x = data.as_flat(held_out.pixels)
    np.testing.assert_array_equal(loaded(x), loaded(x))
    assert checkpoints.load_architecture(tmp_path) == settings.architecture_of(config)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Directory of a trained convolutional network."""
    out = tmp_path_factory.mktemp("teacher")
    config = config_of(out, model="cnn", reduction="max", activation="relu", epochs=1)
    train.train(config, few_images(100), few_images(50, 1))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("augmented", [False, True])
def test_a_pupil_learns_of_a_teacher(teacher, tmp_path, augmented):
    training, held_out = few_images(100), few_images(50, 1)
    pupil = config_of(tmp_path, distil=(teacher,), augment=augmented, steps=2)
    settings.check(pupil)
    model = train.train(pupil, training, held_out)
    assert all(np.isfinite(leaf).all() for leaf in leaves(model))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp128", "cnn"])
def test_a_training_starts_from_another_model(tmp_path, kind):
    training, held_out = few_images(100), few_images(50, 1)
    fields = {"model": kind, "reduction": "stride", "epochs": 1}
    first = config_of(tmp_path / "first", hidden_dropout=0.1, **fields)
    model = train.train(first, training, held_out)
    second = config_of(tmp_path / "second", start=first.out, learning_rate=1e-20, **fields)
    settings.check(second)
    again = train.train(second, training, held_out)
    learnt, kept = (jax.tree.leaves(nnx.split(each, nnx.Param, ...)[1]) for each in (model, again))
    for a, b in zip(learnt, kept, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, "--epochs: given 0; expected at least 1"),
        ({"levels": 0}, "--levels: given 0; expected at least 1"),
        ({"batch_size": 0}, "--batch-size: given 0"),
        ({"learning_rate": 0.0}, "--learning-rate: given 0.0; expected a number > 0"),
        ({"temperature": -1.0}, "--temperature: given -1.0"),
        ({"steps": -1}, "--steps: given -1"),
        ({"weight_decay": -1.0}, "--weight-decay: given -1.0"),
        ({"strength": float("nan")}, "--strength: given nan"),
        ({"adversarial": -1.0}, "--adversarial: given -1.0; expected a number >= 0"),
        ({"label_smoothing": 1.0}, r"--label-smoothing: given 1.0; expected .* \[0, 1\)"),
        ({"average": 1.0}, "--average: given 1.0"),
        ({"input_dropout": -0.1}, "--input-dropout: given -0.1"),
        ({"distil_weight": 1.1}, "--distil-weight: given 1.1"),
        ({"activation": "relu", "spike_penalty": 1.0}, "--spike-penalty: there are no spikes"),
        ({"spike_budget": 9.0}, "--spike-budget: given 9.0 without --spike-penalty"),
        ({"activation": "relu", "steps": 2}, "--steps: there are no spikes"),
        ({"model": "cnn", "reduction": "max", "steps": 2}, "--steps: given with --reduction max"),
        ({"distil": (Path("nowhere"),)}, "nowhere: holds no architecture.json"),
        ({"start": Path("nowhere")}, "nowhere: holds no architecture.json"),
    ],
)
def test_what_no_training_can_go_on_with_is_refused(fields, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        settings.check(config_of(tmp_path, **fields))


def test_a_directory_with_another_training_is_refused(tmp_path):
    config = config_of(tmp_path, epochs=1)
    train.train(config, few_images(50), few_images(20))
    settings.check(config)
    settings.check(dataclasses.replace(config, test=True, json=tmp_path / "x.json"))
    with pytest.raises(ValueError, match="holds a training with seed 0, not 1"):
        settings.check(dataclasses.replace(config, seed=1))
    with pytest.raises(
        ValueError, match=r"--start: the model in .* has model mlp128; expected cnn"
    ):
        settings.check(config_of(tmp_path / "other", model="cnn", start=tmp_path))


def test_too_large_a_batch_is_refused(tmp_path):
    with pytest.raises(ValueError, match="--batch-size: given 25; expected at most 20"):
        train.train(config_of(tmp_path), few_images(20), few_images(20))


def test_augmented_images_keep_their_shape_and_range():
    images = few_images(6).pixels.reshape(-1, 28, 28).astype(np.float32) / 255
    augmented = jax.jit(augment.augmented)
    distorted = np.asarray(augmented(images, jax.random.key(0), 1.0))
    assert distorted.shape == images.shape
    assert distorted.dtype == np.float32
    assert distorted.min() >= 0
    assert distorted.max() <= 1
    assert not np.array_equal(distorted, images)
    same = augmented(images, jax.random.key(0), 0.0)
    np.testing.assert_allclose(same, images, atol=1e-5)


def test_augmented_images_are_shifted_as_their_coordinates_say():
    images = few_images(2).pixels.reshape(-1, 28, 28).astype(np.float32) / 255
    rows, columns = (jnp.asarray(a, jnp.float32) for a in np.mgrid[:28, :28])
    at = [jnp.broadcast_to(a, images.shape) for a in (rows + 3, columns - 0.5)]
    moved = jax.jit(augment._interpolated)(images, *at)
    expected = np.zeros_like(images)
    expected[:, :-3, 1:] = (images[:, 3:, :-1] + images[:, 3:, 1:]) / 2
    expected[:, :-3, 0] = images[:, 3:, 0] / 2
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_half_of_the_images_move_up_the_slope():
    images = jnp.asarray(np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32))
    moved = train.half_moved(lambda x: 3 * jnp.sum(x**2), images, 2.0)  # the slope is along x
    length = np.sqrt(np.sum(np.asarray(images) ** 2, axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(moved[:2], (images * (1 + 2 / length))[:2], rtol=1e-5)
    np.testing.assert_array_equal(moved[2:], images[2:])
    flat = train.half_moved(lambda x: 0 * jnp.sum(x), images, 2.0)
    np.testing.assert_array_equal(flat, images)


def test_the_spike_penalty_is_what_numpy_says():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, 10)).astype(np.float32)
    rates = [generator.random((3, 7)), generator.random((3, 2, 2, 5))]
    labels = np.array([1, 0, 9], np.int32)
    answered = spiking.Answer(
        jnp.asarray(logits), [jnp.asarray(r.astype(np.float32)) for r in rates]
    )

    def loss(**fields):
        config = settings.Config(levels=4, **fields)
        return train.loss_of_answer(config, answered, jnp.asarray(labels), None)

    expected = np.log(np.exp(logits).sum(1)) - logits[np.arange(3), labels]
    entropy = loss()
    np.testing.assert_allclose(entropy, expected.mean(), rtol=1e-5)
    spikes = 4 * sum(rate.sum() / 3 for rate in rates)
    priced = loss(spike_penalty=0.01)
    np.testing.assert_allclose(priced - entropy, 0.01 * spikes, rtol=1e-5)
    beyond = loss(spike_penalty=0.01, spike_budget=spikes - 5)
    np.testing.assert_allclose(beyond - entropy, 0.05, rtol=1e-5)
    assert loss(spike_penalty=0.01, spike_budget=spikes + 5) == entropy


def random_model(architecture, threshold=0.7):
    model = models.build(architecture, nnx.Rngs(3))
    for layer in model.layers:
        if isinstance(layer, QCFS):
            layer.threshold[...] = jnp.asarray(threshold, jnp.float32)
    model.eval()
    return model


@pytest.mark.parametrize(("model", "levels"), [("mlp128", 4), ("mlp256_128", 1), ("cnn", 1)])
def test_the_spiking_network_is_the_artificial_one(model, levels):
    """With one hidden layer and T = L, and at any depth with T = L = 1."""
    architecture = models.Architecture(model, levels=levels)
    network = random_model(architecture)
    x = models.inputs_of(architecture, few_images(8).pixels)
    artificial = nnx.jit(spiking.answer)(network, x)
    spikes = nnx.jit(spiking.spiking_answer, static_argnums=2)(network, x, levels)
    np.testing.assert_allclose(spikes.logits, artificial.logits, atol=1e-4)
    for one, other in zip(spikes.rates, artificial.rates, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_spiking_network_is_what_numpy_says():
    network = random_model(models.Architecture("mlp256_128"))
    x = data.as_flat(few_images(4).pixels)
    spikes = x[None].repeat(3, 0)
    matrices = [layer for layer in network.layers if isinstance(layer, nnx.Linear)]
    for linear in matrices[:-1]:
        currents = spikes @ np.asarray(linear.kernel) + np.asarray(linear.bias)
        potential, spikes = np.full_like(currents[0], 0.35), np.zeros_like(currents)
        for step in range(3):
            potential += currents[step]
            spikes[step] = np.where(potential >= 0.7, np.float32(0.7), 0)
            potential -= spikes[step]
    expected = spikes.mean(0) @ np.asarray(matrices[-1].kernel) + np.asarray(matrices[-1].bias)
    answered = nnx.jit(spiking.spiking_answer, static_argnums=2)(network, x, 3)
    np.testing.assert_allclose(answered.logits, expected, atol=1e-4)
    np.testing.assert_allclose(answered.rates[-1], spikes.mean(0) / 0.7, atol=1e-5)


def test_the_artificial_network_is_the_model_itself():
    architecture = models.Architecture("cnn", "relu", reduction="max")
    network = random_model(architecture)
    x = models.inputs_of(architecture, few_images(4).pixels)
    np.testing.assert_allclose(spiking.answer(network, x).logits, network(x), atol=1e-5)


def test_fashion_mnist_is_fetched_from_a_package_of_debian(tmp_path, monkeypatch):
    header = b"\0\0\x08\x03" + np.array([3, 2, 2], ">u4").tobytes()
    content = header + np.arange(12, dtype=np.uint8).tobytes()
    name = "t10k-images-idx3-ubyte"

    def command(arguments, cwd, **rest):
        directory = Path(cwd)
        if arguments[0] == "apt-get":
            (directory / "a.deb").touch()
        else:
            (directory / "unpacked").mkdir()
            packed = idx.gzip.compress(content)
            (directory / "unpacked" / f"{name}.gz").write_bytes(packed)
        return subprocess.CompletedProcess(arguments, 0)

    def no_mirror(url, name):
        raise OSError("no network")

    monkeypatch.setattr(data, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(data, "from_mirror", no_mirror)
    monkeypatch.setattr(data.subprocess, "run", command)
    monkeypatch.setattr(data.shutil, "which", lambda program: program)
    monkeypatch.setitem(data.SHA256, name, idx.hashlib.sha256(content).hexdigest())
    assert data._from_cache(name) == content
    assert (tmp_path / name).exists()


def test_the_parts_of_a_data_set_do_not_overlap(monkeypatch):
    pixels = np.arange(60_000 * 2).reshape(60_000, 2) % 256
    whole = Images(pixels.astype(np.uint8), np.zeros(60_000, np.uint8))
    monkeypatch.setattr(data, "read_images", lambda prefix, read: whole)
    training, held_out = (data.images("fashion", part) for part in ("training", "held_out"))
    np.testing.assert_array_equal(np.concatenate([training.pixels, held_out.pixels]), whole.pixels)
    assert len(held_out.labels) == 5_000


@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (2, 3)])
def test_a_convolution_row_by_row_is_that_of_the_layer(strides):
    x = jax.random.normal(jax.random.key(0), (3, 13, 12, 2))
    plain = nnx.Conv(2, 5, (5, 4), strides, padding="VALID", rngs=nnx.Rngs(0))
    plain.bias[...] = jnp.arange(5.0)
    np.testing.assert_allclose(convolved(plain, x), plain(x), atol=1e-5)


def test_other_convolutions_are_left_to_their_layer():
    x = jax.random.normal(jax.random.key(0), (3, 13, 12, 2))
    for other in ({"padding": "SAME"}, {"use_bias": False}, {"kernel_dilation": 2}):
        layer = nnx.Conv(2, 5, (5, 4), **({"padding": "VALID"} | other), rngs=nnx.Rngs(0))
        np.testing.assert_array_equal(convolved(layer, x), layer(x))
