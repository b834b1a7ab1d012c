"""Conformance of jsnn.nir: the graphs of the NIR paper, and round trips through other programs.

The reference is the folder `paper/` of the public repository neuromorphs/NIR (Pedersen et al. 2024,
Nat. Commun. 15, 8122; BSD-3): `lif_norse.nir` with the trace of each platform, `lif_PLATFORM.csv`
(input, V, spikes), and that of the exact solution; `braille_noDelay_bias_zero.nir`;
`cnn_sinabs.nir`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import cli


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags."""

    reference: Path | None = None
    """Folder with the graphs and traces of the NIR paper."""
    torch_python: Path | None = None
    """Python of an environment with snnTorch and Norse."""


def main(config: Config) -> dict[str, Any]:
    if config.reference is not None and not (config.reference / "lif_norse.nir").is_file():
        raise ValueError(f"--reference: {config.reference} holds no lif_norse.nir")
    from experiments.nir import conformance

    results: dict[str, Any] = {}
    if config.reference is None:
        print("graphs and traces: not measured: give --reference")
    else:
        results["lif"] = conformance.lif(config.reference)
        results["graphs"] = conformance.graphs(config.reference)
    if config.torch_python is None:
        print("round trips: not measured: give --torch-python")
    else:
        python = str(config.torch_python)
        results["round_trips"] = conformance.round_trips(python, config.seed)
        if config.reference is not None:
            results["graphs_elsewhere"] = conformance.in_norse(
                python, config.reference, config.seed
            )
    for name, rows in results.items():
        print(f"\n{name}")
        for row in rows:
            print("  " + ", ".join(f"{key}: {value}" for key, value in row.items()))
    return results


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
