"""Assessment of a converted network on labelled images."""

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_key, check_type, finite_number
from jsnn.conversion.conversion import Conversion
from jsnn.conversion.decoding import drives_of
from jsnn.conversion.presentation_length import check_steps
from jsnn.conversion.report.operations import Energy
from jsnn.conversion.report.report import Report
from jsnn.conversion.report.sums import Sums, recordings
from jsnn.evaluation.data_set import check_labels, evaluate
from jsnn.network.network import Network
from jsnn.simulation import recorded_bytes

_MOST_BYTES = 2**26
"""Size of the recordings of all images of a part."""


def assess(
    network: Network,
    conversion: Conversion,
    images: ArrayLike,
    labels: ArrayLike,
    num_steps: int,
    *,
    energy_of: Energy = Energy(),  # noqa: B008
    key: jax.Array | None = None,
    progress: bool = False,
) -> Report:
    """Present labelled images to a converted network and report its performance.

    Args:
      network: the network of the conversion, perhaps with other parameters.
      conversion: from `jsnn.convert`.
      images: [n, ...], as the model takes them.
      labels: classes, integers [n].
      num_steps: T, at least the `least_steps` of the conversion. The report has the accuracy after
        every step up to T.
      energy_of: energy of one operation.
      key: `jax.random.key(seed)` for a random coding.
      progress: show a bar for each part of the images.

    Raises:
      ValueError: if an argument does not fit the conversion, or there is one class alone.
      TypeError: if an argument is of the wrong type.

    Warns:
      UserWarning: if the images are on another scale than those of the calibration, see
        `Conversion.rows`.
    """
    _check_network(network, conversion)
    num_steps = check_steps(num_steps, network, conversion.recipe)
    energy_of = _checked_energy(energy_of)
    if key is not None:
        check_key(key, "key")
    rows = conversion.rows(images)
    classes = check_labels(labels, conversion.ann[-1].size)
    if len(rows) != len(classes):
        raise ValueError(
            f"labels: given {len(classes)} for {len(rows)} images; expected one for each image"
        )
    record = recordings(network, conversion)
    size = int(np.clip(_MOST_BYTES // recorded_bytes(network, record, num_steps), 1, len(rows)))
    sums = Sums(network, conversion, num_steps)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        result = evaluate(
            network,
            drives_of(conversion.built, conversion.recipe, rows[part]),
            classes[part],
            num_steps,
            conversion.readout,
            record=record,
            key=key,
            first_index=start,
            progress=progress,
        )
        sums.add(rows[part], result.recorded)
    return sums.report(classes, energy_of)


def _check_network(network: Network, conversion: Conversion) -> None:
    check_type(network, Network, "network")
    check_type(conversion, Conversion, "conversion", ", which jsnn.convert returns too")
    expected = conversion.built.network.sizes
    if network.sizes != expected:
        raise ValueError(
            f"network: given populations {network.sizes}; expected those of the conversion, "
            f"{expected}"
        )
    if conversion.ann[-1].size < 2:
        raise ValueError(
            "conversion: given a model with 1 class; expected at least 2, since an answer is the "
            "class that leads the others"
        )


def _checked_energy(given: Energy) -> Energy:
    check_type(given, Energy, "energy_of")
    numbers = given._asdict().items()
    return Energy(*(finite_number(pj, f"energy_of, {name}", least=0) for name, pj in numbers))
