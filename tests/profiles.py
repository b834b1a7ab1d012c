"""Numbers of examples that Hypothesis draws: a few fixed ones, or many new ones a night."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

UNHURRIED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile(
    "quick",
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],  # shrinking compiles for minutes
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=UNHURRIED,
)
settings.register_profile(
    "nightly",
    max_examples=200,
    derandomize=False,
    deadline=None,
    suppress_health_check=UNHURRIED,
)
CHOSEN = os.environ.get("HYPOTHESIS_PROFILE", "quick")
settings.load_profile(CHOSEN)


def examples(number: int) -> Any:
    """Draw another number of examples in the quick profile, and the usual one at night."""
    return settings(max_examples=number) if CHOSEN == "quick" else settings()


def chosen_examples() -> Any:
    """Run the examples that a test names in the quick profile, and many others at night."""
    return settings(phases=[Phase.explicit]) if CHOSEN == "quick" else settings()
