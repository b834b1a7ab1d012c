"""An own convolutional network in Flax, trained on MNIST, becomes a spiking one."""

import jax
import numpy as np
import optax
from experiments.mnist.data import held_out_images
from flax import nnx
from matplotlib import pyplot as plt

import jsnn
from jsnn.conversion import recipes


class CNN(nnx.Module):
    def __init__(self, rngs):
        self.conv1 = nnx.Conv(1, 8, (5, 5), strides=2, rngs=rngs)
        self.conv2 = nnx.Conv(8, 16, (3, 3), strides=2, rngs=rngs)
        self.out = nnx.Linear(16 * 7 * 7, 10, rngs=rngs)

    def __call__(self, x):  # [n, 28, 28, 1] -> [n, 10]
        x = nnx.relu(self.conv2(nnx.relu(self.conv1(x))))
        return self.out(x.reshape(len(x), -1))


@nnx.jit
def update(model, optimizer, x, y):
    def loss(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    optimizer.update(model, nnx.grad(loss)(model))


pixels, labels = held_out_images()
images = np.float32(pixels / 255).reshape(-1, 28, 28, 1)
model = CNN(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)
rng = np.random.default_rng(0)
for _ in range(400):
    rows = rng.integers(4000, size=100)
    update(model, optimizer, images[rows], labels[rows].astype(np.int32))
import time; t=time.time()
network, conversion = jsnn.convert(model, images[:500], recipes.rueckauer_2017(v_init=0.5))
print(conversion, time.time()-t)
ann = np.mean(np.argmax(model(images[4000:]), 1) == labels[4000:])
print(ann)
result = jsnn.evaluate(network, conversion.drive(images[4000:]), labels[4000:], 32, conversion.readout)
print(result)
print(time.time()-t)
from jsnn.conversion import assess
print(assess(network, conversion, images[4000:], labels[4000:], num_steps=32), time.time()-t)
