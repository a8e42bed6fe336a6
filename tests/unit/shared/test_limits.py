from __future__ import annotations

import pytest

from shared.model import Limits


@pytest.mark.parametrize(
    ("time_s", "cell_time_s", "longest"),
    [(120.0, None, 30.0), (120.0, 100.0, 100.0), (20.0, 30.0, 20.0), (20.0, 0.5, 0.5)],
)
def test_a_cell_has_a_quarter_of_the_run_unless_it_is_said_and_never_more_than_all(
    time_s: float, cell_time_s: float | None, longest: float
) -> None:
    assert Limits(time_s=time_s, cell_time_s=cell_time_s).longest_cell_s == longest
