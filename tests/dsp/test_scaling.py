from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from luthier.dsp.scaling import (
    harmonics_below_nyquist,
    inverse_modified_sigmoid,
    modified_sigmoid,
    normalise_harmonics,
)

ANY_REAL = st.floats(-60, 60, allow_nan=False)


def test_known_values() -> None:
    raw = torch.tensor([0.0, 100.0, -100.0], dtype=torch.float64)
    expected = torch.tensor([2 * 0.5 ** math.log(10) + 1e-7, 2 + 1e-7, 1e-7], dtype=torch.float64)
    assert torch.allclose(modified_sigmoid(raw), expected, atol=1e-12)


@given(st.lists(ANY_REAL, min_size=2, max_size=2))
def test_grows_and_stays_in_its_range(pair: list[float]) -> None:
    low, high = modified_sigmoid(torch.tensor(sorted(pair), dtype=torch.float64)).tolist()
    assert 1e-7 <= low <= high <= 2 + 1e-7


@given(st.floats(1e-6, 1.999))
def test_the_inverse_leads_back(amplitude: float) -> None:
    wanted = torch.tensor([amplitude], dtype=torch.float64)
    assert float(modified_sigmoid(inverse_modified_sigmoid(wanted))) == pytest.approx(amplitude, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_inverse_is_finite_for_what_cannot_be_reached(dtype: torch.dtype) -> None:
    raw = inverse_modified_sigmoid(torch.tensor([-1.0, 0.0, 1e-7, 2.0, 2.1, 50.0], dtype=dtype))
    assert torch.isfinite(raw).all()
    assert raw[0] < -10
    assert raw[-1] > 10


def test_gradient_is_the_derivative_and_finite_far_out() -> None:
    raw = torch.linspace(-8, 8, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(modified_sigmoid, (raw,))
    far = torch.tensor([-500.0, -90.0, 90.0, 500.0], requires_grad=True)
    modified_sigmoid(far).sum().backward()
    assert torch.isfinite(far.grad).all()


def test_harmonics_sound_only_strictly_below_nyquist() -> None:
    f0 = torch.tensor([4000.0, 3999.0, 1000.0, 8000.0, 0.0, -5.0]).view(1, -1, 1)
    counts = harmonics_below_nyquist(f0, 10, 16000).sum(dim=-1)
    assert counts.flatten().tolist() == [1, 2, 7, 0, 0, 0]


def test_a_distribution_sums_to_one_below_nyquist_and_is_zero_above() -> None:
    f0 = torch.tensor([100.0, 1500.0, 3999.0, 9000.0, 0.0]).view(1, -1, 1)
    distribution = normalise_harmonics(torch.rand(1, 5, 60) + 0.1, f0, 16000)
    assert torch.allclose(distribution.sum(dim=-1).flatten(), torch.tensor([1.0, 1, 1, 0, 0]), atol=1e-6)
    assert distribution[0, 1, 5:].abs().max() == 0
    assert distribution.min() >= 0


@given(st.floats(0.1, 1000.0))
def test_only_the_ratio_of_strengths_counts(factor: float) -> None:
    strengths, f0 = torch.arange(1.0, 9.0).view(1, 1, 8), torch.full((1, 1, 1), 200.0)
    once, scaled = (normalise_harmonics(scale * strengths, f0, 16000) for scale in (1.0, factor))
    assert torch.allclose(once, scaled, atol=1e-5)


def test_normalising_has_the_right_gradient() -> None:
    strengths = (torch.rand(1, 3, 5, dtype=torch.float64) + 0.1).requires_grad_()
    f0 = torch.tensor([500.0, 2500.0, 9000.0], dtype=torch.float64).view(1, 3, 1)
    assert torch.autograd.gradcheck(lambda values: normalise_harmonics(values, f0, 16000), (strengths,))
