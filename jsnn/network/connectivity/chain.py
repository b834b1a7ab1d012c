"""Chain of connectivities, without neurons in between."""

from functools import reduce
from typing import Any

import jax

from jsnn._pytree import pytree


@pytree
class Chain:
    """Linear maps in a row, such as average pooling followed by a convolution.

    Attributes:
      parts: connectivities, the first one reached by the presynaptic neurons; each has as many
        postsynaptic neurons as the next one has presynaptic neurons.

    Raises:
      ValueError: if there is no part, the synapses of a part have delays of their own, or the sizes
        of two neighbours differ.
    """

    parts: tuple[Any, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts:
            raise ValueError("Chain, parts: given none; expected at least one connectivity")
        for i, part in enumerate(self.parts):
            if getattr(part, "max_delay", 0):
                raise ValueError(
                    f"Chain, part {i}: given {type(part).__name__} with a delay for each synapse; "
                    "expected synapses without delays (a projection has one for the whole chain)"
                )
        for i, (first, second) in enumerate(zip(self.parts, self.parts[1:], strict=False)):
            if first.num_post != second.num_pre:
                raise ValueError(
                    f"Chain, parts {i} and {i + 1}: given {first.num_post} neurons after the first "
                    f"and {second.num_pre} before the second; expected as many"
                )

    @property
    def num_pre(self) -> int:
        return int(self.parts[0].num_pre)

    @property
    def num_post(self) -> int:
        return int(self.parts[-1].num_post)

    @property
    def dtype(self) -> Any:
        return self.parts[0].dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], through one part after the other."""
        return reduce(lambda values, part: part.deliver(values), self.parts, spikes)
