from __future__ import annotations

import pytest
import torch

from luthier.dsp.a_weighting import a_weighting_power


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gains_are_those_of_the_standard(dtype: torch.dtype) -> None:
    gains_db = 10 * torch.log10(a_weighting_power(torch.tensor([31.62, 100.0, 1000.0, 8000.0], dtype=dtype)))
    torch.testing.assert_close(gains_db, torch.tensor([-39.4, -19.1, 0.0, -1.1], dtype=dtype), atol=0.1, rtol=0)


def test_single_precision_is_enough_from_nothing_to_far_above_hearing() -> None:
    frequencies_hz = torch.logspace(-3.0, 5.0, 1000)
    exact = a_weighting_power(frequencies_hz.double()).float()
    torch.testing.assert_close(a_weighting_power(frequencies_hz), exact, rtol=1e-5, atol=0.0)
    assert float(a_weighting_power(torch.zeros(()))) == 0.0
