"""Bad connectivity: an error that names the culprit, what was given, what was expected."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

import jsnn
from jsnn.network import initializers, spatial
from tests.networks import F32

KEY = jax.random.key(0)
TWO_KEYS = jax.random.split(KEY)
OTHER_KEY = jax.random.key(0, impl="rbg")
Case = tuple[Callable[[], Any], type[Exception], tuple[str, ...]]


def probability(p: Any = 0.5, num_pre: Any = 4, num_post: Any = 4, **given: Any) -> jsnn.Sparse:
    return jsnn.fixed_probability(
        given.pop("key", KEY), num_pre, num_post, p, given.pop("weight", 1.0), **given
    )


PLANE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])


def nearby(p: Any = 1.0, pre: Any = PLANE, post: Any = PLANE, **given: Any) -> jsnn.Sparse:
    return jsnn.by_distance(given.pop("key", KEY), pre, post, p, given.pop("weight", 1.0), **given)


def conv(kernel: tuple[int, ...] = (3, 3, 2, 4), image: Any = (5, 5, 2), **given: Any) -> Any:
    return jsnn.Conv2D(np.ones(kernel, F32), image, **given)


def no_targets(key: Any, pre: Any, num_post: int, dtype: Any) -> Any:
    return jnp.ones(3, dtype)


def float_targets(key: Any, pre: Any, num_post: int, dtype: Any) -> Any:
    return jnp.ones(3, dtype), jnp.ones(3, dtype)


def fewer_weights(key: Any, pre: Any, num_post: int, dtype: Any) -> Any:
    return jnp.ones(3, jnp.int32), jnp.ones(2, dtype)


def weights_alone(key: Any, pre: Any, num_post: int, dtype: Any) -> Any:
    return jnp.ones(3, jnp.int32), jnp.ones(3, dtype)


def float_delays(key: Any, pre: Any, num_post: int, dtype: Any) -> Any:
    return jnp.ones(3, jnp.int32), jnp.ones(3, dtype), jnp.ones(3, dtype)


def procedural(row: Any = fewer_weights, key: Any = KEY, **given: Any) -> jsnn.Procedural:
    return jsnn.Procedural(key, 4, 4, row, **given)


# Refused before anything is compiled.
AT_ONCE: dict[str, Case] = {
    "a probability above 1": (
        lambda: probability(1.5),
        ValueError,
        ("fixed_probability, p", "1.5", r"\[0, 1\]"),
    ),
    "a negative probability": (lambda: probability(-0.1), ValueError, ("-0.1", r"\[0, 1\]")),
    "a NaN probability": (lambda: probability(np.nan), ValueError, ("p", "nan")),
    "a probability in words": (lambda: probability("half"), TypeError, ("'half'", "number")),
    "no autapses between two populations": (
        lambda: probability(num_post=5, autapses=False),
        ValueError,
        ("autapses", "4 presynaptic", "5 postsynaptic", "equal"),
    ),
    "no neurons": (lambda: probability(num_pre=0), ValueError, ("num_pre", "0", ">= 1")),
    "half a neuron": (lambda: probability(num_post=2.5), TypeError, ("num_post", "2.5", "integer")),
    "a seed in place of a key": (
        lambda: probability(key=3),
        TypeError,
        ("fixed_probability, key", "int", r"jax\.random\.key"),
    ),
    "several keys": (
        lambda: probability(key=TWO_KEYS),
        ValueError,
        ("key", r"\(2,\)", "one"),
    ),
    "weights of float16": (
        lambda: probability(dtype=np.float16),
        TypeError,
        ("float16", "float32"),
    ),
    "weights of float64 without x64": (
        lambda: probability(dtype=np.float64),
        TypeError,
        ("float64", "jax_enable_x64"),
    ),
    "an in-degree above the population": (
        lambda: jsnn.fixed_in_degree(KEY, 10, 5, 11, 1.0),
        ValueError,
        ("fixed_in_degree, degree", "11", "at most 10", "presynaptic", "replace=True"),
    ),
    "an out-degree above the population": (
        lambda: jsnn.fixed_out_degree(KEY, 10, 5, 6, 1.0),
        ValueError,
        ("fixed_out_degree, degree", "6", "at most 5", "postsynaptic", "replace=True"),
    ),
    "a total above the number of pairs": (
        lambda: jsnn.fixed_total(KEY, 10, 5, 51, 1.0),
        ValueError,
        ("fixed_total, total", "51", "at most 50", "pairs"),
    ),
    "a total of no pairs": (
        lambda: jsnn.fixed_total(KEY, 1, 1, 3, 1.0, replace=True, autapses=False),
        ValueError,
        ("fixed_total, total", "given 3; expected 0", "no pairs of neurons to draw from"),
    ),
    "a degree without neurons to reach": (
        lambda: jsnn.fixed_out_degree(KEY, 1, 1, 3, 1.0, replace=True, autapses=False),
        ValueError,
        ("fixed_out_degree, degree", "given 3; expected 0", "no postsynaptic neurons"),
    ),
    "a negative degree": (
        lambda: jsnn.fixed_in_degree(KEY, 10, 5, -1, 1.0),
        ValueError,
        ("degree", "-1", ">= 0"),
    ),
    "more synapses than int32 numbers, by probability": (
        lambda: probability(0.5, 100_000, 100_000),
        ValueError,
        ("fixed_probability, p", "5000000000 synapses", "at most 2147483520"),
    ),
    "more synapses than int32 numbers, by in-degree": (
        lambda: jsnn.fixed_in_degree(KEY, 10**6, 10**6, 3000, 1.0),
        ValueError,
        ("fixed_in_degree, degree", "3000000000 synapses", "several projections"),
    ),
    "more synapses than int32 numbers, by out-degree": (
        lambda: jsnn.fixed_out_degree(KEY, 10**6, 10**6, 3000, 1.0),
        ValueError,
        ("fixed_out_degree, degree", "3000000000 synapses", "several projections"),
    ),
    "more synapses than int32 numbers, in total": (
        lambda: jsnn.fixed_total(KEY, 10**6, 10**6, 2**31 - 1, 1.0),
        ValueError,
        ("fixed_total, total", "2147483647 synapses", "several projections"),
    ),
    "more synapses than int32 numbers, as a list": (
        lambda: jsnn.Sparse([0], [0], np.broadcast_to(F32(1), 2**31), 2, 2),
        ValueError,
        ("Sparse weights", "2147483648 synapses", "at most 2147483520"),
    ),
    "more slots than int32 numbers": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 200_000, [20_000]),
        ValueError,
        ("Sparse, delays", "20000 steps", "200000 postsynaptic", "<= 2147483520"),
    ),
    "axonal parts without delays": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 2, axonal=[0]),
        ValueError,
        ("Sparse, axonal", "without delays"),
    ),
    "axonal parts of a matrix without delays": (
        lambda: jsnn.Dense(np.ones((1, 2), F32), axonal=[[0, 0]]),
        ValueError,
        ("Dense, axonal", "without delays"),
    ),
    "an axonal part as long as its delay": (
        lambda: jsnn.Sparse([0, 1], [0, 1], np.ones(2, F32), 2, 2, [3, 2], axonal=[2, 2]),
        ValueError,
        ("Sparse, axonal", "given 2 for synapse 1, of a delay of 2", "at most 1"),
    ),
    "an axonal part as long as its delay, in a matrix": (
        lambda: jsnn.Dense(np.ones((1, 2), F32), delays=[[3, 2]], axonal=[[0, 5]]),
        ValueError,
        ("Dense, axonal", "given 5 for synapse 1, of a delay of 2", "at most 1"),
    ),
    "a negative axonal part": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 2, [3], axonal=[-1]),
        ValueError,
        ("Sparse, axonal", "given -1 for synapse 0", "expected 0 to"),
    ),
    "an axonal part that is a float": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 2, [3], axonal=[1.0]),
        TypeError,
        ("Sparse, axonal", "float64", "integers"),
    ),
    "axonal parts of another shape": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 2, [3], axonal=[1, 1]),
        ValueError,
        ("Sparse, axonal", r"\(2,\)", r"expected \(1,\)"),
    ),
    "one axonal part for all": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 2, [3], axonal=1),
        ValueError,
        ("Sparse, axonal", r"given shape \(\)", r"expected \(1,\)"),
    ),
    "more sources than int32 numbers": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 200_000, 2, [20_000], axonal=[19_999]),
        ValueError,
        ("Sparse, axonal", "19999 steps", "200000 presynaptic", "<= 2147483520"),
    ),
    "more neurons than int32 numbers": (
        lambda: jsnn.Sparse([0], [0], np.ones(1, F32), 2**31, 2),
        ValueError,
        ("Sparse, num_pre", "2147483648", "<= 2147483520"),
    ),
    "a dense array for SciPy's": (
        lambda: jsnn.from_scipy(np.ones((2, 2), F32)),
        TypeError,
        ("from_scipy", "ndarray", "SciPy sparse matrix"),
    ),
    "a sparse vector": (
        lambda: jsnn.from_scipy(scipy.sparse.coo_array(np.ones(3, F32))),
        TypeError,
        ("coo_array", r"\[pre, post\]"),
    ),
    "a matrix for one to one": (
        lambda: jsnn.OneToOne(np.ones((3, 3), F32)),
        ValueError,
        ("OneToOne weights", r"\(3, 3\)", r"expected \(N,\)"),
    ),
    "integers for one to one": (
        lambda: jsnn.OneToOne(np.ones(3, int)),
        TypeError,
        ("OneToOne weights", "int64", "float32 or float64"),
    ),
    "a NaN for one to one": (
        lambda: jsnn.OneToOne(np.array([1, np.nan], F32)),
        ValueError,
        ("1 of 2", "nan at index", "finite"),
    ),
    "many weights for all to all": (
        lambda: jsnn.AllToAll(np.ones(3, F32), 3, 4),
        ValueError,
        ("AllToAll weight", r"\(3,\)", r"expected \(\)"),
    ),
    "a Python number for all to all": (
        lambda: jsnn.AllToAll(0.5, 3, 4),
        TypeError,
        ("AllToAll weight", "given float; expected a number of float32", r"np\.float32\(x\)"),
    ),
    "no neurons for all to all": (
        lambda: jsnn.AllToAll(F32(1), 3, 0),
        ValueError,
        ("AllToAll num_post", "0", ">= 1"),
    ),
    "positions without an axis for dimensions": (
        lambda: nearby(pre=np.arange(3.0)),
        ValueError,
        ("by_distance, pre_positions", r"shape \(3,\)", r"\[N, d\]"),
    ),
    "positions of four dimensions": (
        lambda: nearby(post=np.ones((3, 4))),
        ValueError,
        ("by_distance, post_positions", r"\(3, 4\)", "1 to 3 coordinates in the last axis"),
    ),
    "positions in a plane and in space": (
        lambda: nearby(post=np.ones((3, 3))),
        ValueError,
        ("by_distance, post_positions", "given 3 dimensions for positions of 2"),
    ),
    "no positions": (
        lambda: nearby(post=np.ones((0, 2))),
        ValueError,
        ("by_distance, post_positions", r"\(0, 2\)"),
    ),
    "NaN among positions": (
        lambda: nearby(pre=[[0, np.nan]]),
        ValueError,
        ("by_distance, pre_positions", "NaN", "finite"),
    ),
    "positions that are no numbers": (
        lambda: nearby(pre=np.array([["a", "b"]])),
        TypeError,
        ("by_distance, pre_positions", "numbers"),
    ),
    "no autapses between two places": (
        lambda: nearby(post=PLANE[:2], autapses=False),
        ValueError,
        ("by_distance, autapses", "3 presynaptic", "2 postsynaptic"),
    ),
    "a traced key for neighbours": (
        lambda: jax.eval_shape(lambda key: nearby(key=key).weights, KEY),
        TypeError,
        ("by_distance, key", "traced"),
    ),
    "a period for each of three axes": (
        lambda: nearby(period=(1.0, 1.0, 1.0)),
        ValueError,
        ("by_distance, period", "given 3 for positions of 2 dimensions"),
    ),
    "a period of 0": (lambda: nearby(period=0.0), ValueError, ("period", "0.0", "> 0")),
    "an infinite period": (lambda: nearby(period=np.inf), ValueError, ("period", "inf", "finite")),
    "a negative reach": (
        lambda: nearby(max_distance=-1.0),
        ValueError,
        ("by_distance, max_distance", "-1", ">= 0"),
    ),
    "a NaN reach": (lambda: nearby(max_distance=np.nan), ValueError, ("max_distance", "nan")),
    "a chance above 1": (lambda: nearby(1.5), ValueError, ("by_distance, p", "1.5", r"\[0, 1\]")),
    "a profile above 1": (
        lambda: nearby(spatial.gaussian(1.5, 1.0)),
        ValueError,
        ("by_distance, p", r"gaussian\(1.5, 1\), which is 1.5 at a distance of 0", r"\[0, 1\]"),
    ),
    "a profile that falls below 0": (
        lambda: nearby(spatial.linear(1, -0.6)),
        ValueError,
        ("by_distance, p", "-0.2 at a distance of 2", "max_distance"),
    ),
    "a function in place of a profile": (
        lambda: nearby(np.exp),
        TypeError,
        ("by_distance, p", "exp", r"jsnn\.spatial\.Profile\(function\)"),
    ),
    "a profile of no function": (
        lambda: spatial.Profile(0.5),  # type: ignore[arg-type]
        TypeError,
        ("Profile, function", "float", "function of distances"),
    ),
    "a profile of another shape": (
        lambda: nearby(spatial.Profile(lambda d: d[:-1])),
        ValueError,
        ("by_distance, p", r"returns shape \(8,\) for distances of shape \(9,\)"),
    ),
    "a profile of truths": (
        lambda: nearby(spatial.Profile(np.isfinite)),
        TypeError,
        ("by_distance, p", "bool", "numbers"),
    ),
    "a grid of one number": (
        lambda: spatial.grid(4, (1.0,)),  # type: ignore[arg-type]
        ValueError,
        ("grid, shape", "4", "1 axes"),
    ),
    "a grid in four dimensions": (
        lambda: spatial.grid((2, 2, 2, 2), (1.0, 1.0, 1.0, 1.0)),
        ValueError,
        ("grid, extent", "1 to 3 axes"),
    ),
    "a grid of other axes than its box": (
        lambda: spatial.grid((2, 2), (1.0,)),
        ValueError,
        ("grid, shape", r"\(2, 2\)", "1 axes"),
    ),
    "a grid without cells": (
        lambda: spatial.grid((2, 0), (1.0, 1.0)),
        ValueError,
        ("grid, shape", "0", ">= 1"),
    ),
    "a box without a length": (
        lambda: spatial.free(KEY, 3, 1.0),  # type: ignore[arg-type]
        ValueError,
        ("free, extent", "1.0", "axes"),
    ),
    "a flat box": (
        lambda: spatial.free(KEY, 3, (1.0, 0.0)),
        ValueError,
        ("free, extent", "0.0", "> 0"),
    ),
    "a seed for positions": (
        lambda: spatial.free(3, 3, (1.0,)),  # type: ignore[arg-type]
        TypeError,
        ("free, key", "int", r"jax\.random\.key"),
    ),
    "distances between a line and a plane": (
        lambda: spatial.distance(PLANE, [[1.0]]),
        ValueError,
        ("distance, b", "given 1 dimensions for positions of 2"),
    ),
    "a Gaussian without width": (
        lambda: spatial.gaussian(1, 0),
        ValueError,
        ("gaussian, sd", "0.0", "> 0"),
    ),
    "an exponential without scale": (
        lambda: spatial.exponential(1, -1),
        ValueError,
        ("exponential, scale", "-1.0", "> 0"),
    ),
    "an infinite slope": (
        lambda: spatial.linear(1, np.inf),
        ValueError,
        ("linear, slope", "inf", "finite"),
    ),
    "a flat kernel": (
        lambda: conv((3, 3)),
        ValueError,
        ("Conv2D kernel", r"\(3, 3\)", r"\(height, width, channels in, channels out\)"),
    ),
    "other channels": (
        lambda: conv((3, 3, 4, 2)),
        ValueError,
        ("Conv2D kernel", r"\(3, 3, 4, 2\)", r"\(height, width, 2, channels out\)"),
    ),
    "other channels in a group": (
        lambda: conv((3, 3, 2, 4), groups=2),
        ValueError,
        ("Conv2D kernel", r"\(3, 3, 2, 4\)", r"\(height, width, 1, channels out\)", "2 groups"),
    ),
    "groups that do not divide the channels of the image": (
        lambda: conv((3, 3, 1, 3), groups=3),
        ValueError,
        ("Conv2D, groups", "given 3 for 2 channels of the image", "a divisor of 2"),
    ),
    "groups that do not divide the channels out": (
        lambda: conv((3, 3, 1, 3), groups=2),
        ValueError,
        ("Conv2D, groups", "given 2 for 3 channels out", "a divisor of 3"),
    ),
    "no groups": (
        lambda: conv(groups=0),
        ValueError,
        ("Conv2D, groups", "0", ">= 1"),
    ),
    "a kernel larger than the image": (
        lambda: conv((3, 7, 2, 4)),
        ValueError,
        ("Conv2D kernel", "3 x 7", "5 x 5"),
    ),
    "an unknown padding": (
        lambda: conv(padding="same"),
        ValueError,
        ("padding", "'same'", "'VALID', 'SAME' or"),
    ),
    "one number as padding": (
        lambda: conv(padding=1),
        ValueError,
        ("Conv2D, padding", "given 1", r"\(\(top, bottom\), \(left, right\)\)"),
    ),
    "padding down and across": (
        lambda: conv(padding=(1, 1)),
        ValueError,
        ("Conv2D, padding", r"\(1, 1\)", "top, bottom"),
    ),
    "ragged padding": (
        lambda: conv(padding=((1, 1), 1)),
        ValueError,
        ("Conv2D, padding", r"\(\(1, 1\), 1\)"),
    ),
    "negative padding": (
        lambda: conv(padding=((0, -1), (0, 0))),
        ValueError,
        ("Conv2D, padding", "-1", ">= 0"),
    ),
    "half a pixel of padding": (
        lambda: conv(padding=((0, 0.5), (0, 0))),
        TypeError,
        ("Conv2D, padding", "0.5", "integer"),
    ),
    "a kernel larger than the image and its frame": (
        lambda: conv((3, 7, 2, 4), padding=((0, 0), (1, 0))),
        ValueError,
        ("Conv2D kernel", "3 x 7", "5 x 6"),
    ),
    "an image without channels": (
        lambda: conv(image=(5, 5)),
        ValueError,
        ("image_shape", r"\(5, 5\)", r"\(height, width, channels\)"),
    ),
    "no stride": (lambda: conv(stride=0), ValueError, ("stride", "0", ">= 1")),
    "three strides": (lambda: conv(stride=(1, 1, 1)), ValueError, ("stride", r"\(1, 1, 1\)")),
    "a window larger than the image": (
        lambda: jsnn.AveragePool2D((4, 4, 1), (5, 2)),
        ValueError,
        ("AveragePool2D, window", "5 x 2", "4 x 4"),
    ),
    "a row without targets": (
        lambda: procedural(no_targets),
        ValueError,
        ("row", "float32", "int32"),
    ),
    "a row of float targets": (
        lambda: procedural(float_targets),
        ValueError,
        (r"float32\[3\], float32\[3\]", r"int32\[K\]"),
    ),
    "a row of fewer weights": (
        lambda: procedural(fewer_weights),
        ValueError,
        (r"int32\[3\], float32\[2\]", "weights float32"),
    ),
    "a row without its delays": (
        lambda: procedural(weights_alone, max_delay=3),
        ValueError,
        (r"int32\[3\], float32\[3\]", r"delays int32\[K\], as there is a max_delay"),
    ),
    "a row of float delays": (
        lambda: procedural(float_delays, max_delay=3),
        ValueError,
        (r"float32\[3\], float32\[3\]", r"delays int32\[K\]"),
    ),
    "a row with delays and no longest": (
        lambda: procedural(float_delays),
        ValueError,
        ("Procedural, row", r"weights float32\[K\]$"),
    ),
    "a negative longest delay": (
        lambda: procedural(float_delays, max_delay=-1),
        ValueError,
        ("Procedural, max_delay", "-1", ">= 0"),
    ),
    "a longest delay beyond all": (
        lambda: procedural(float_delays, max_delay=2**15 + 1),
        ValueError,
        ("Procedural, max_delay", "32769", "32768"),
    ),
    "one procedural delay for all": (
        lambda: jsnn.Procedural.fixed_out_degree(KEY, 4, 4, 2, 1.0, delay=3),
        TypeError,
        (r"Procedural\.fixed_out_degree, delay", "3", "Projection"),
    ),
    "procedural delays without bounds": (
        lambda: jsnn.Procedural.fixed_probability(
            KEY, 4, 4, 0.5, 1.0, delay=initializers.normal(5, 1)
        ),
        ValueError,
        (r"Procedural\.fixed_probability, delay", r"normal\(5, 1\)", "-inf to inf", "bounds"),
    ),
    "procedural delays of 0": (
        lambda: jsnn.Procedural.fixed_out_degree(
            KEY, 4, 4, 2, 1.0, delay=initializers.uniform(0, 5)
        ),
        ValueError,
        (r"uniform\(0, 5\)", "within 1 to 32768"),
    ),
    "a procedural delay of two kinds": (
        lambda: jsnn.Projection(
            "a",
            "b",
            jsnn.Procedural.fixed_out_degree(KEY, 4, 4, 2, 1.0, delay=initializers.uniform(1, 5)),
            delay=2,
        ),
        ValueError,
        ("projection 'a_to_b', delay", "given 2", "a delay for each synapse"),
    ),
    "a row that is none": (lambda: procedural(3), TypeError, ("row", "int", "function")),
    "a procedural seed": (
        lambda: procedural(key=1),
        TypeError,
        ("Procedural, key", "int", r"jax\.random\.key"),
    ),
    "a key whose numbers depend on the batch": (
        lambda: procedural(key=OTHER_KEY),
        ValueError,
        ("Procedural, key", "rbg", "threefry2x32"),
    ),
    "a procedural probability": (
        lambda: jsnn.Procedural.fixed_probability(KEY, 4, 4, 2, 1.0),
        ValueError,
        (r"Procedural\.fixed_probability, p", "2", r"\[0, 1\]"),
    ),
    "a procedural degree of 0": (
        lambda: jsnn.Procedural.fixed_out_degree(KEY, 4, 4, 0, 1.0),
        ValueError,
        (r"Procedural\.fixed_out_degree, degree", "0", ">= 1"),
    ),
    "a procedural array of weights": (
        lambda: jsnn.Procedural.fixed_out_degree(KEY, 4, 4, 2, np.ones(8, F32)),
        TypeError,
        ("weight", r"\(8,\)", "a number or an initializer"),
    ),
    "bounds that have changed places": (
        lambda: initializers.clipped_normal(0, 1, 2, -2),
        ValueError,
        ("clipped_normal", "2.0 and -2.0", "low < high"),
    ),
    "bounds out of sight": (
        lambda: initializers.clipped_normal(0, 1, 20, 30),
        ValueError,
        ("clipped_normal", "20.0 and 30.0", "20 standard deviations", "at most 10"),
    ),
    "a clipped sd of 0": (
        lambda: initializers.clipped_normal(0, 0, -1, 1),
        ValueError,
        ("clipped_normal, sd", "0.0", "> 0"),
    ),
    "a negative sd": (lambda: initializers.normal(0, -1), ValueError, ("normal, sd", "-1", ">= 0")),
    "an infinite mean": (
        lambda: initializers.normal(np.inf, 1),
        ValueError,
        ("normal, mean", "inf", "finite"),
    ),
    "an empty interval": (
        lambda: initializers.uniform(2, 1),
        ValueError,
        ("uniform, high", "1.0", ">= 2"),
    ),
    "no scale": (lambda: initializers.gamma(2, 0), ValueError, ("gamma, scale", "0.0", "> 0")),
    "no shape": (lambda: initializers.gamma(0, 2), ValueError, ("gamma, shape", "0.0", "> 0")),
    "a negative mean": (
        lambda: initializers.exponential(-1),
        ValueError,
        ("exponential, mean", "-1"),
    ),
    "half a trial": (
        lambda: initializers.binomial(2.5, 0.5),
        TypeError,
        ("binomial, n", "2.5", "integer"),
    ),
    "fewer than no trials": (
        lambda: initializers.binomial(-1, 0.5),
        ValueError,
        ("binomial, n", "-1", ">= 0"),
    ),
    "more trials than float32 counts": (
        lambda: initializers.binomial(2**24 + 1, 0.5),
        ValueError,
        ("binomial, n", "16777217", "16777216"),
    ),
    "a probability of success above 1": (
        lambda: initializers.binomial(3, 1.5),
        ValueError,
        ("binomial, p", "1.5", r"\[0, 1\]"),
    ),
    "a NaN constant": (
        lambda: initializers.constant(np.nan),
        ValueError,
        ("constant, value", "nan"),
    ),
    "a constant in words": (lambda: initializers.constant("a"), TypeError, ("'a'", "number")),
    "a truth": (lambda: initializers.constant(True), TypeError, ("bool", "number")),
}

# What shows only once the synapses have been drawn.
ONCE_DRAWN: dict[str, Case] = {
    "too few weights": (
        lambda: probability(1.0, weight=np.ones(3, F32)),
        ValueError,
        ("fixed_probability, weight", r"\(3,\)", r"expected \(16,\)"),
    ),
    "weights of another dtype": (
        lambda: probability(1.0, weight=np.ones(16)),
        TypeError,
        ("weight", "float64", "expected float32"),
    ),
    "an infinite weight": (
        lambda: probability(1.0, weight=np.inf),
        ValueError,
        ("weight", "inf", "finite"),
    ),
    "an initializer of another dtype": (
        lambda: probability(1.0, weight=lambda key, shape, dtype: jnp.ones(shape, jnp.int32)),
        ValueError,
        ("weight", "int32", "float32"),
    ),
    "too few delays": (
        lambda: probability(1.0, delay=np.ones(3, int)),
        ValueError,
        ("fixed_probability, delay", r"\(3,\)", r"expected \(16,\)"),
    ),
    "delays below a step": (
        lambda: probability(1.0, delay=initializers.constant(0.4)),
        ValueError,
        ("delay", "0 steps", ">= 1"),
    ),
    "too few axonal parts": (
        lambda: probability(1.0, delay=initializers.constant(3), axonal=np.ones(3, int)),
        ValueError,
        ("fixed_probability, axonal", r"\(3,\)", r"expected \(16,\)"),
    ),
    "axonal parts below 0": (
        lambda: probability(1.0, delay=initializers.constant(3), axonal=initializers.constant(-1)),
        ValueError,
        ("axonal", "-1 steps", ">= 0"),
    ),
    "traced axonal parts": (
        lambda: jax.jit(
            lambda x: jsnn.Sparse([0], [0], np.ones(1, F32), 2, 2, [3], axonal=x).weights
        )(np.ones(1, int)),
        TypeError,
        ("Sparse, axonal", "traced"),
    ),
    "a profile of one number": (
        lambda: nearby(weight=spatial.Profile(np.mean)),
        ValueError,
        ("by_distance, weight", r"mean\(\), which returns shape \(\)", "for each distance"),
    ),
    "a profile that is infinite at 0": (
        lambda: nearby(weight=spatial.Profile(lambda d: np.where(d > 0, d, np.inf))),
        ValueError,
        ("by_distance, weight", "inf at a distance of 0", "finite"),
    ),
    "a delay of 0 at a distance": (
        lambda: nearby(delay=spatial.linear(0.4, 1)),
        ValueError,
        ("by_distance, delay", "0 steps at a distance of 0", "1 to 32768"),
    ),
    "a negative axonal part at a distance": (
        lambda: nearby(delay=spatial.linear(1, 1), axonal=spatial.linear(-1, 1)),
        ValueError,
        ("by_distance, axonal", "-1 steps at a distance of 0", "0 to 32768"),
    ),
    "a delay beyond the longest": (
        lambda: nearby(delay=spatial.linear(1, 1e9)),
        ValueError,
        ("by_distance, delay", r"steps at a distance of 1", "1 to 32768"),
    ),
    "one delay for all": (
        lambda: probability(1.0, delay=3),
        TypeError,
        ("delay", "3", "initializer", "Projection"),
    ),
    "a traced key": (
        lambda: jax.jit(lambda key: probability(1.0, key=key).weights)(KEY),
        TypeError,
        ("fixed_probability, key", "traced", r"jsnn\.Procedural"),
    ),
}


def check(case: Case) -> None:
    act, error, says = case
    with pytest.raises(error) as caught:
        act()
    for pattern in says:
        assert re.search(pattern, str(caught.value)), f"{pattern!r} is not in: {caught.value}"


@pytest.mark.parametrize("name", AT_ONCE)
def test_bad_connectivity_is_named_before_anything_compiles(name: str, compilations) -> None:
    with compilations() as compiled:
        check(AT_ONCE[name])
    assert compiled == []


@pytest.mark.parametrize("name", ONCE_DRAWN)
def test_weights_and_delays_that_do_not_fit_are_named(name: str) -> None:
    check(ONCE_DRAWN[name])
