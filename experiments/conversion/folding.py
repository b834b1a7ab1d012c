"""Change of the logits if batch normalisation is folded into the weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import jsnn
from experiments import cli
from experiments.conversion.catalogue import NUM_CALIBRATION
from experiments.conversion.checkpoints import load, load_architecture
from experiments.conversion.data import images
from experiments.conversion.models import inputs_of
from jsnn.conversion import recipes
from jsnn.conversion.layers import activations


@dataclass(frozen=True)
class Config(cli.Config):
    """Measure a network that is trained already, on 1,000 held-out images."""

    model: Path = Path("results/conversion/trained/cnn-average/seed0")
    """Directory of the trained network, which has batch normalisation."""


def main(config: Config) -> dict[str, Any]:
    architecture, model = load_architecture(config.model), load(config.model)
    x = inputs_of(architecture, images("mnist", "held_out").pixels[:NUM_CALIBRATION])
    results: dict[str, Any] = {"model": str(config.model)}
    print(f"{architecture.title}, {len(x):,} images:")
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(dtype == np.float64):
            change, largest = changed(model, x.astype(dtype))
        name = np.dtype(dtype).name
        results |= {f"largest_change_{name}": change, f"largest_logit_{name}": largest}
        print(f"  {name}: logits up to {largest:.3g}, changed by {change:.2g} at most")
    return results


def changed(model: nnx.Module, x: np.ndarray) -> tuple[float, float]:
    """Return the largest change of a logit, and the largest logit.

    Args:
      model: the trained model.
      x: images, [n, ...], in whose data type everything is computed.
    """
    structure, state = nnx.split(model)
    given = nnx.merge(structure, jax.tree.map(lambda leaf: jnp.asarray(leaf, x.dtype), state))
    _, conversion = jsnn.convert(given, x, recipes.rueckauer_2017())
    folded = activations(conversion.ann, conversion.rows(x))[-1]
    own = np.asarray(given(jnp.asarray(x)))
    return float(np.abs(folded - own).max()), float(np.abs(own).max())


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
