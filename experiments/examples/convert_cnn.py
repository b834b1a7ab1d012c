"""A convolutional network of one's own, trained on MNIST with Flax, becomes a spiking one."""

import numpy as np
import optax
from flax import nnx
from matplotlib import pyplot as plt

import jsnn
from experiments.mnist.data import held_out_images


@nnx.jit
def update(model, optimizer, x, y):
    loss = optax.softmax_cross_entropy_with_integer_labels
    optimizer.update(model, nnx.grad(lambda model: loss(model(x), y).mean())(model))


rngs = nnx.Rngs(0)
first = nnx.Conv(1, 8, (5, 5), strides=2, rngs=rngs)
second = nnx.Conv(8, 16, (3, 3), strides=2, rngs=rngs)
last = nnx.Linear(16 * 7 * 7, 10, rngs=rngs)
model = nnx.Sequential(first, nnx.relu, second, nnx.relu, lambda x: x.reshape(len(x), -1), last)
optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)

pixels, labels = held_out_images()
images, labels = np.float32(pixels / 255).reshape(-1, 28, 28, 1), np.int32(labels)
batches = np.random.default_rng(0).integers(4500, size=(300, 100))  # the last 500 are for the test
for rows in batches:
    update(model, optimizer, images[rows], labels[rows])
recipe = jsnn.conversion.recipes.rueckauer_2017(v_init=0.5)
network, conversion = jsnn.convert(model, images[:500], recipe)
report = jsnn.conversion.assess(network, conversion, images[4500:], labels[4500:], num_steps=16)
print(report)
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
axes.plot(range(1, 17), 100 * report.accuracy, "o-", label="spiking")  # after each step
axes.axhline(100 * report.ann_accuracy, color="k", label="artificial")
axes.set(xlabel="steps", ylabel="accuracy [%]")
axes.legend()
figure.savefig("convert_cnn.png")
