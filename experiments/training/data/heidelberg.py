"""Spiking Heidelberg Digits and Spiking Speech Commands, from their HDF5 files.

Cramer, Stradmann, Schemmel & Zenke 2022, "The Heidelberg spiking data sets for the systematic
evaluation of spiking neural networks", IEEE Transactions on Neural Networks and Learning Systems
33. The files are shd_train.h5, shd_test.h5, ssc_train.h5, ssc_valid.h5 and ssc_test.h5, unpacked.
"""

from pathlib import Path

import numpy as np

from experiments.training.data.spoken import Spoken, of_recordings

NUM_CHANNELS = 700


def heidelberg(path: Path | str) -> Spoken:
    """Read a file: "spikes/times" in s, "spikes/units", "labels" and, for SHD, "extra/speaker".

    Times are stored in half precision, in which some are infinite. They are read in double
    precision, and events whose times are not finite are dropped.

    Raises:
      ValueError: if the file is no HDF5 file of this layout.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            labels = np.asarray(file["labels"])
            known = "extra" in file and "speaker" in file["extra"]
            speakers = np.asarray(file["extra/speaker"]) if known else np.full(len(labels), -1)
            stored = zip(file["spikes/times"], file["spikes/units"], strict=True)
            pairs = [(1000 * np.asarray(at, np.float64), np.asarray(of)) for at, of in stored]
    except KeyError as error:
        raise ValueError(f"{path}: not a file of SHD or SSC: {error}") from None
    except OSError as error:
        if not Path(path).exists():
            raise
        raise ValueError(f"{path}: no HDF5 file, or a truncated one: {error}") from None
    return of_recordings(pairs, labels, speakers, NUM_CHANNELS)
