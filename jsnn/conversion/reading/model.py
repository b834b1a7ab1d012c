"""Model: any callable from images, or from one image, to logits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from jsnn._checks import is_concrete
from jsnn.conversion.layers import Layer
from jsnn.conversion.reading.affine import Affine
from jsnn.conversion.reading.equation import line_of_error
from jsnn.conversion.reading.equations import Reader
from jsnn.conversion.reading.graph import Graph
from jsnn.conversion.reading.labels import Labels, parameters


@dataclass(frozen=True)
class Model:
    """Function of a model.

    Attributes:
      given: the model as it was given.
      function: from images [n, ...] to logits [n, classes], or from one image to [classes].
      batched: True if the function takes a batch of images.
    """

    given: Any
    function: Callable[[Any], Any]
    batched: bool

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Compute the model's own logits, [n, classes], with products of full precision."""
        function = self.function if self.batched else jax.vmap(self.function)
        logits = jax.jit(lambda images: function(images))  # a bound Linen module has no hash
        with jax.default_matmul_precision("highest"), promotion():
            return np.asarray(logits(jnp.asarray(images)))


@contextmanager
def promotion() -> Iterator[None]:
    """Let a model mix data types and ranks as JAX does by default; layers of Flax need it."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def model_of(given: Any, images: np.ndarray) -> Model:
    """Return the function of a model in evaluation mode, and leave the model as it is.

    Args:
      given: an NNX module, a bound Linen module, a module of Equinox, or any other callable.
      images: [n, ...], as the model takes them.

    Raises:
      TypeError: if the model cannot be called, has no numbers, or returns no array.
      ValueError: if it refuses the images, or returns other shapes than logits.
    """
    check_has_numbers(given)
    if isinstance(given, linen.Module) and given.scope is None:
        raise TypeError(
            f"model: given {type(given).__name__}, a Linen module without parameters; expected "
            "module.bind(variables)"
        )
    if isinstance(given, type):
        raise TypeError(
            f"model: given the class {given.__name__}; expected an instance of it, with parameters"
        )
    if not callable(given):
        raise TypeError(
            f"model: given {type(given).__name__}; expected one that can be called: a module, "
            "module.bind(variables) of Flax Linen, or a function of an image"
        )
    function = _evaluated(given) if isinstance(given, nnx.Module) else given
    dtype = jnp.asarray(images[:1]).dtype
    batches = [(1, *images.shape[1:]), images.shape]
    refusals = []
    for batched, shapes in ((True, batches), (False, [images.shape[1:]])):
        found = [_refused(function, jax.ShapeDtypeStruct(each, dtype), batched) for each in shapes]
        errors = [(each, error) for each, error in zip(shapes, found, strict=True) if error]
        if not errors:
            return Model(given, function, batched)
        refusals.append(errors[0])
    raise _refusal(refusals)


def _evaluated(module: nnx.Module) -> Callable[[Any], Any]:
    """Return the function of a copy of an NNX module in evaluation mode.

    A call makes its own copy, which may change, as that of a weight normalisation does.
    """
    copied = nnx.clone(module)
    copied.eval()
    return lambda images: nnx.clone(copied)(images)


def _refused(function: Callable[[Any], Any], images: Any, batched: bool) -> Exception | None:
    """Return the error of a model for images of a shape, or None if it returns logits."""
    try:
        with promotion():
            result = jax.eval_shape(function, images)
    except Exception as error:
        return error
    number = images.shape[:1] if batched else ()
    if hasattr(result, "shape") and result.shape[:-1] == number and result.ndim:
        return None
    return _other_result(result)


def _other_result(result: Any) -> Exception:
    if not hasattr(result, "shape"):
        return TypeError(
            f"model: returns a {type(result).__name__}; expected one array, the logits"
        )
    return ValueError(
        f"model: returns shape {tuple(result.shape)}; expected the logits, [n, classes] of a batch "
        "of n images or [classes] of one image"
    )


def _refusal(refusals: list[tuple[tuple[int, ...], Exception]]) -> Exception:
    """Return the error of a model that takes neither a batch nor one image."""
    for _, error in refusals:
        if str(error).startswith("model: returns"):
            return error
    (batch, first), (one, second) = refusals
    for error in (first, second):
        if isinstance(error, _NUMBERS_NEEDED):
            line = line_of_error(error)
            return ValueError(
                f"model: it needs the numbers of its image{f' at {line}' if line else ''} "
                f"({type(error).__name__}); expected jax.numpy in place of NumPy, and no "
                "condition, loop or index in Python that depends on the image"
            )
    reasons = list(dict.fromkeys(f"{type(e).__name__}: {_short(e)}" for e in (first, second)))
    error = ValueError(
        f"calibration_images: the model takes neither a batch of shape {list(batch)} nor one image "
        f"of shape {list(one)} ({'; '.join(reasons)}); expected images as the model takes them, "
        "and a model in evaluation mode that needs nothing else"
    )
    error.__cause__ = first
    return error


_NUMBERS_NEEDED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def _short(error: Exception) -> str:
    text, line = " ".join(str(error).split()), line_of_error(error)
    return (text if len(text) < 200 else f"{text[:200]} ...") + (f" at {line}" if line else "")


def check_has_numbers(model: Any) -> None:
    """Raise TypeError if a parameter of a model is a mere shape, or traced."""
    for path, leaf in parameters(model):
        what = f"model, {'.'.join(path)}"
        if isinstance(leaf, jax.ShapeDtypeStruct):
            raise TypeError(
                f"{what}: given the shape {leaf.shape} without numbers; expected a model with "
                "parameters (restore them, and put them in with nnx.update or module.bind)"
            )
        if not is_concrete(leaf):
            raise TypeError(
                f"{what}: given traced values; expected numbers (convert outside jax.jit, vmap and "
                "grad, and trace the network)"
            )


def read(model: Model, images: np.ndarray) -> list[Layer]:
    """Read the layers of a model from its equations.

    Args:
      model: the model.
      images: [n, ...], of which the shape and the data type count.

    Raises:
      ValueError: if an equation, named with its line, cannot be converted.
      TypeError: if it computes in another data type.
    """
    shape = images.shape[1:]
    closed = _traced(model, images[:1])
    dtype = np.dtype(closed.out_avals[0].dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(
            f"model: returns logits of {dtype}; expected float32, or float64 with jax_enable_x64"
        )
    graph = Graph(shape, batched=model.batched)
    labels = Labels(model.given)
    (logits,) = Reader(graph, labels, dtype).read(closed.jaxpr, closed.consts, [graph.image()])
    if isinstance(logits, np.ndarray | jax.Array):
        raise ValueError(
            "model: its logits do not depend on the image; expected a model that answers one image "
            "by itself (without statistics of the batch)"
        )
    if not isinstance(logits, Affine):
        raise ValueError(
            "model: its result is no sum of activations; expected logits that depend on the image "
            "and have no condition or max pooling on them"
        )
    _check_has_weights(graph, logits)
    return graph.layers(logits, dtype)


def _traced(model: Model, image: np.ndarray) -> Any:
    """Trace a model with an image of 32 bits or, if it refuses that, of the image's data type."""
    trace = jax.make_jaxpr(model.function)
    own, short = (jnp.asarray(image if model.batched else image[0], d) for d in (None, np.float32))
    with promotion():
        try:
            return trace(short)
        except TypeError:
            return trace(own)


def _check_has_weights(graph: Graph, logits: Affine) -> None:
    values = [logits, *(node.base for node in graph.nodes)]
    if not any(term.has_weights for value in values for term in value.terms):
        raise ValueError("model: given no layer with weights; expected at least one")
    node = graph.node_of(logits)
    if node is not None:
        name = node.label or ", ".join(node.base.labels)
        raise ValueError(
            f"model, {name}: given as the last layer; expected the logits to come from a layer "
            "with weights or average pooling, with no activation on them"
        )
