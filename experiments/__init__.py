"""Research scripts; each has --help and --json, and needs jsnn's extra `experiments`."""

from importlib.util import find_spec

PACKAGES = ("matplotlib", "orbax", "pooch", "requests", "tqdm", "tyro")

_missing = [package for package in PACKAGES if find_spec(package) is None]
if _missing:
    raise ModuleNotFoundError(
        f"the experiments need {', '.join(_missing)}, not installed: "
        'python -m pip install -e ".[experiments]"',
        name=_missing[0],
    )
