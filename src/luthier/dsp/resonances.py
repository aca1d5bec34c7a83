"""Resonances: gains over frequency that stay where they are while the harmonics of a melody move through them.

    gain   |     .-.         .--.            the body of the instrument
           |  .-'   '-.___.-'    '--.___
           +--|--|--|--|--|--|--|--|--|---   harmonics of one note, read off the same curve as those of the next

A note that was never recorded has harmonics where others have had theirs, but not with the same numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from luthier.units import hz_to_octaves

LOWEST_HZ = 80.0
"""Where the first gain stands: hardly an instrument plays lower, and none is shaped by its body there."""
SMALLEST_HZ = 1e-3
"""Frequencies below this count as this: no pitch is no frequency, and keeps its logarithm finite."""


def gains_at_harmonics(gains: Tensor, f0_hz: Tensor, *, n_harmonics: int, sample_rate: int) -> Tensor:
    """Read off, at every harmonic, a curve over frequency.

    Args:
        gains: (batch, n_frames, n_gains), any real numbers, as far apart in octaves, from 80 Hz to Nyquist.
        f0_hz: (batch, n_frames, 1), Hz.
        n_harmonics: how many harmonics to read.
        sample_rate: Hz.

    Returns:
        (batch, n_frames, n_harmonics), from straight lines between the gains; beyond the last ones it goes on level.

    Source: the source-filter model, Fant 1960, Acoustic Theory of Speech Production.
    """
    last = gains.shape[-1] - 1
    gains_in_octave = last / math.log2(sample_rate / 2 / LOWEST_HZ)
    # In float64: among many gains a float32 leaves too few digits for where between two of them a harmonic lies.
    numbers = torch.arange(1, n_harmonics + 1, dtype=torch.float64, device=f0_hz.device)
    fundamental = hz_to_octaves(f0_hz.clamp_min(SMALLEST_HZ).double() / LOWEST_HZ)
    place = (gains_in_octave * fundamental + gains_in_octave * hz_to_octaves(numbers)).clamp(0.0, last)
    below = place.floor()
    index = below.long().clamp(0, last)  # NaN lies nowhere, and stays NaN in the share
    share = (place - below).to(gains)
    return torch.lerp(gains.gather(-1, index), gains.gather(-1, (index + 1).clamp_max(last)), share)
