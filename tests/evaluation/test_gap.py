from __future__ import annotations

import math

import pytest

from luthier.evaluation.gap import gap


def test_the_oracle_is_at_zero_and_the_base_at_one() -> None:
    assert gap(4.9, oracle=4.9, base=8.4) == 0
    assert gap(8.4, oracle=4.9, base=8.4) == 1
    assert gap(6.3, oracle=4.9, base=8.4) == pytest.approx(0.4)
    assert gap(4.2, oracle=4.9, base=8.4) < 0


@pytest.mark.parametrize("base", [4.9, 4.0, math.nan])
def test_without_a_scale_there_is_no_gap(base: float) -> None:
    assert math.isnan(gap(6.0, oracle=4.9, base=base))
