"""Exchange of spikes among devices: flags that say nothing to measure."""

from typing import Any

import pytest

from experiments.exchange import Config, main


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"neurons": (10, 0)}, "--neurons: given .*0"),
        ({"devices": ()}, "--devices: given"),
        ({"devices": (-1,)}, "--devices: given .*-1"),
        ({"num_steps": 0}, "--num-steps: given .*0"),
    ],
)
def test_a_flag_that_is_no_number_of_something_is_named(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"{message}.*expected integers >= 1"):
        main(Config(**given))
