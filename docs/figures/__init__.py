"""The figures of the catalogue: what each built-in model does by itself."""

from matplotlib import rcParams

BLUE, GREEN, GREY = "#0072B2", "#009E73", "#888888"

rcParams.update(
    {
        "figure.dpi": 130,
        "font.size": 8,
        "lines.linewidth": 1.2,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
    }
)
