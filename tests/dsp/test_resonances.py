from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from luthier.dsp.resonances import LOWEST_HZ, gains_at_harmonics


@pytest.mark.parametrize(("n_gains", "rate"), [(2, 16000), (48, 16000), (7, 44100)])
def test_gains_lie_equally_far_apart_in_octaves(n_gains: int, rate: int) -> None:
    gains = torch.randn(1, 3, n_gains, dtype=torch.float64)
    f0_hz = torch.tensor([30.0, 440.0, 0.4 * rate], dtype=torch.float64).reshape(1, 3, 1)
    found = gains_at_harmonics(gains, f0_hz, n_harmonics=20, sample_rate=rate)
    octaves = np.linspace(0.0, np.log2(rate / 2 / LOWEST_HZ), n_gains)
    for frame in range(3):
        asked = np.log2(f0_hz[0, frame].numpy() * np.arange(1, 21) / LOWEST_HZ)
        np.testing.assert_allclose(found[0, frame].numpy(), np.interp(asked, octaves, gains[0, frame].numpy()))


def test_two_notes_meet_the_same_resonance_with_different_harmonics() -> None:
    gains = torch.randn(1, 1, 30).expand(1, 2, 30)
    read = gains_at_harmonics(gains, torch.tensor([[[200.0], [300.0]]]), n_harmonics=3, sample_rate=16000)
    assert float(read[0, 0, 2]) == pytest.approx(float(read[0, 1, 1]), abs=1e-5)  # 600 Hz in both


def test_every_gain_gets_a_gradient_from_the_harmonics_beside_it_only() -> None:
    gains = torch.zeros(1, 1, 4, requires_grad=True)
    gains_at_harmonics(gains, torch.full((1, 1, 1), 4000.0), n_harmonics=1, sample_rate=16000).sum().backward()
    assert (gains.grad != 0).tolist() == [[[False, False, True, True]]]


def test_a_pitch_that_is_no_number_spoils_its_own_frame_only() -> None:
    f0_hz = torch.tensor([[[math.nan], [440.0], [math.inf], [0.0], [-5.0]]])
    found = gains_at_harmonics(torch.randn(1, 5, 10), f0_hz, n_harmonics=3, sample_rate=16000)
    assert found.isfinite().all(dim=-1).tolist() == [[False, True, True, True, True]]
