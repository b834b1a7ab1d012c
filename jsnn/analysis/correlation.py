"""Spikes of several neurons at one time: correlations of pairs, and synchrony of all."""

import numpy as np

from jsnn._checks import positive_int
from jsnn.analysis.spike_counts import counts_in_bins
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import check_trains
from jsnn.analysis.units import Array


def correlations(
    trains: SpikeTrains, width: float, *, num_neurons: int = 200, seed: int = 0
) -> Array:
    """Return Pearson's correlation of the binned counts of pairs of neurons.

        ρᵢⱼ = Cov(nᵢ, nⱼ) / √(Var(nᵢ) Var(nⱼ))

    The pairs are those of a sample of the neurons, since all of them are many. Neurons with the
    same count in every bin, such as those that never spike, have no correlation. Cohen & Kohn
    2011, Nat. Neurosci. 14, 811-819.

    Args:
      trains: the spikes.
      width: of a bin, in ms.
      num_neurons: the most neurons to draw, each set of them equally likely.
      seed: of the sample.

    Returns:
      float [K (K - 1) / 2], each pair of the K neurons once, of those drawn whose counts vary.

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`.
    """
    check_trains(trains, "correlations")
    most = positive_int(num_neurons, "correlations, num_neurons", least=2)
    rng = np.random.default_rng(seed)
    size = min(most, trains.num_neurons)
    sample = np.sort(rng.choice(trains.num_neurons, size, replace=False))
    counts = counts_in_bins(trains.of(sample), width, "correlations")
    deviations = counts - counts.mean(axis=0)
    length = np.sqrt((deviations**2).sum(axis=0))
    varies = (counts != counts[:1]).any(axis=0)
    unit = deviations[:, varies] / length[varies]
    return (unit.T @ unit)[np.triu_indices(unit.shape[1], 1)]


def synchrony(trains: SpikeTrains, width: float) -> float:
    """Return the synchrony χ of the binned counts of all neurons.

        χ² = Var(⟨n⟩ᵢ) / ⟨Var(nᵢ)⟩ᵢ

    ⟨⟩ᵢ is the mean over neurons, Var the variance over bins. χ is 1 if all neurons have the same
    counts, and close to 1/√N if N neurons are independent. Golomb & Rinzel 1994, Physica D 72,
    259-282, who take voltages; with counts it depends on the width of the bins.

    Args:
      trains: the spikes.
      width: of a bin, in ms.

    Returns:
      a number from 0 to 1; NaN if no count varies, as in silence.

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`.
    """
    counts = counts_in_bins(trains, width, "synchrony")
    of_each = counts.var(axis=0).mean()
    return float(np.sqrt(counts.mean(axis=1).var() / of_each)) if of_each else float("nan")
