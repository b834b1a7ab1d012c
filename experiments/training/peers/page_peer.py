"""Code of a page in PyTorch, run on the arrays of a file; prints what it leaves behind, as JSON.

python page_peer.py CODE.py ARRAYS.npz NAME...: the names are those of the results.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

code, arrays, *results = sys.argv[1:]
torch.set_num_threads(1)
names = {name: torch.from_numpy(array) for name, array in np.load(arrays).items()}
exec(Path(code).read_text(), names)
print(json.dumps({name: np.asarray(names[name], np.float64).tolist() for name in results}))
