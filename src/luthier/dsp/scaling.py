"""Between what a network says and what a synthesiser plays: scalings, their inverses, Nyquist."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SIGMOID_EXPONENT = math.log(10.0)
SIGMOID_MAXIMUM = 2.0
SIGMOID_FLOOR = 1e-7
"""Keeps the output, and with it every later logarithm, above zero."""

DISTRIBUTION_EPSILON = 1e-8
"""Keeps the division finite where no harmonic lies below Nyquist."""


def modified_sigmoid(raw: Tensor) -> Tensor:
    """Turn any real number into an amplitude between 1e-7 and 2, about exponentially.

    Args:
        raw: any shape, any value.

    Returns:
        The input's shape: 2 * sigmoid(raw) ** ln(10) + 1e-7.

    Source: Engel et al. 2020, section B.5 ("modified sigmoid", `exp_sigmoid` in magenta/ddsp).
    """
    return SIGMOID_MAXIMUM * torch.sigmoid(raw) ** SIGMOID_EXPONENT + SIGMOID_FLOOR


def inverse_modified_sigmoid(amplitude: Tensor) -> Tensor:
    """Find the number that `modified_sigmoid` turns into this amplitude.

    Args:
        amplitude: any shape; values outside (1e-7, 2 + 1e-7) are moved to the nearest that can be reached.

    Returns:
        The input's shape, finite.
    """
    margin = torch.finfo(amplitude.dtype).eps
    ratio = ((amplitude - SIGMOID_FLOOR) / SIGMOID_MAXIMUM).clamp(1e-12, 1.0 - margin)
    return torch.logit(ratio ** (1.0 / SIGMOID_EXPONENT), eps=margin)


def harmonics_below_nyquist(f0_hz: Tensor, n_harmonics: int, sample_rate: int) -> Tensor:
    """Say which harmonics may sound: above 0 Hz and below half the sample rate.

    Args:
        f0_hz: (batch, n_frames, 1), Hz; not positive means no pitch.
        n_harmonics: how many harmonics to judge.
        sample_rate: Hz.

    Returns:
        (batch, n_frames, n_harmonics), bool.
    """
    numbers = torch.arange(1, n_harmonics + 1, dtype=f0_hz.dtype, device=f0_hz.device)
    return (f0_hz > 0.0) & (f0_hz * numbers < sample_rate / 2)


def normalise_harmonics(strengths: Tensor, f0_hz: Tensor, sample_rate: int) -> Tensor:
    """Silence harmonics at or above Nyquist and make the rest of each frame sum to one.

    Args:
        strengths: (batch, n_frames, n_harmonics), not negative.
        f0_hz: (batch, n_frames, 1), Hz.
        sample_rate: Hz.

    Returns:
        (batch, n_frames, n_harmonics); all zeros where no harmonic lies below Nyquist.

    Source: Engel et al. 2020, section 3.1; C / (1e-8 + sum C) as in the assignment.
    """
    audible = strengths * harmonics_below_nyquist(f0_hz, strengths.shape[-1], sample_rate)
    return audible / (DISTRIBUTION_EPSILON + audible.sum(dim=-1, keepdim=True))
