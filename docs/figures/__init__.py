"""The figures of the catalogue: what each built-in model does by itself."""

import jsnn

BLACK, ORANGE, SKY, GREEN, _ = jsnn.plot.PALETTE
GREY = "0.55"
