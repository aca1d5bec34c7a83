"""How periodic a window is at every lag, and where it is most: the steps of YIN that look at one window.

1 |--.    .-.   .-.        the normalised difference over the lag: a dip at the period
  |   `. /   `./   `.      and at its multiples, each as deep as the window is periodic
0 |-----*-----*-----*-->
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.units import SEMITONES_PER_OCTAVE

LAG_RATE_HZ = 64000
"""Lags are laid out at least this densely, so that a parabola through three of them errs by less than a cent."""
SILENT_POWER = 1e-10
"""Mean power (-100 dB) of a window below which there is nothing to track."""
N_DIPS = 15
"""Dips of a window that may be its period."""
OCTAVE_COST = 0.1
"""An octave higher is as good as so much deeper: multiples of the period are as deep as itself, and in a reverberant
room two notes that sound at once both fit a common subharmonic."""
NEAR_SEMITONES = 2.0
"""A dip this close to another window's is of the same note."""


class Lags(NamedTuple):
    """The grid of lags: multiples of 1 / density samples up to `longest`, searched from `shortest` on."""

    density: int
    shortest: int
    longest: int

    @classmethod
    def between(cls, f0_min_hz: float, f0_max_hz: float, sample_rate: int) -> Lags:
        """The lags of a range of pitches."""
        density = -(-LAG_RATE_HZ // sample_rate)
        # One step beyond either end, where a parabola needs its neighbours.
        shortest = int(density * sample_rate / f0_max_hz) - 1
        return cls(density, shortest, math.ceil(density * sample_rate / f0_min_hz) + 1)


class Dips(NamedTuple):
    """Lags at which a window resembles itself.

    Attributes:
        period: the lag, samples; the longest one where there is nothing.
        depth: the normalised difference there: 0 for a window that repeats itself exactly, 1 where there is nothing.
    """

    period: Tensor
    depth: Tensor

    @property
    def cost(self) -> Tensor:
        """How little each is worth as the period, see `OCTAVE_COST`."""
        return _cost(self.depth, self.period)


def best_dips(frames: Tensor, lags: Lags) -> Dips:
    """Find the dips that cost least.

    Args:
        frames: (n_frames, n_samples).
        lags: where to look.

    Returns:
        (n_frames, `N_DIPS`) each, fewer where there are fewer lags.
    """
    frames = _centred(frames)
    normalised = _normalised_difference(frames, lags)
    every_cost = torch.where(*_dips_and_cost(normalised, lags), math.inf)
    cost, place = every_cost.topk(min(N_DIPS, every_cost.shape[-1]), largest=False)
    is_missing = cost.isinf() | _is_silent(frames)[:, None]
    offset, depth = _parabola(normalised, lags.shortest + place)
    period = torch.where(is_missing, float(lags.longest), lags.shortest + place + offset) / lags.density
    return Dips(period, torch.where(is_missing, 1.0, depth))


def dip_near(frames: Tensor, lags: Lags, period: Tensor) -> Dips:
    """Find the deepest dip near a period that is known roughly.

    Args:
        frames: (n_frames, n_samples).
        lags: where to look.
        period: (n_frames,), samples.

    Returns:
        (n_frames,) each; where there is no dip within `NEAR_SEMITONES`, the same period and a depth of 1.
    """
    frames = _centred(frames)
    normalised = _normalised_difference(frames, lags)
    is_dip, _ = _dips_and_cost(normalised, lags)
    grid = torch.arange(lags.shortest, lags.longest + 1).to(period) / lags.density
    is_near = (grid / period[:, None]).log2().abs() < NEAR_SEMITONES / SEMITONES_PER_OCTAVE
    inner = normalised[:, lags.shortest : lags.longest + 1]
    deepest, place = torch.where(is_dip & is_near, inner, math.inf).min(-1, keepdim=True)
    is_missing = (deepest.isinf() | _is_silent(frames)[:, None])[:, 0]
    offset, depth = (values[:, 0] for values in _parabola(normalised, lags.shortest + place))
    found = (lags.shortest + place[:, 0] + offset) / lags.density
    return Dips(torch.where(is_missing, period, found), torch.where(is_missing, 1.0, depth))


def _centred(frames: Tensor) -> Tensor:
    return (frames - frames.mean(-1, keepdim=True)).double()


def _is_silent(frames: Tensor) -> Tensor:
    return frames.square().mean(-1) < SILENT_POWER


def _cost(depth: Tensor, period: Tensor) -> Tensor:
    return depth + OCTAVE_COST * period.log2()


def _dips_and_cost(normalised: Tensor, lags: Lags) -> tuple[Tensor, Tensor]:
    """Which lags of the grid from `shortest` to `longest` lie in a dip, and what each would cost."""
    inner = normalised[:, lags.shortest : lags.longest + 1]
    left, right = (normalised[:, lags.shortest + step : lags.longest + 1 + step] for step in (-1, 1))
    grid = torch.arange(lags.shortest, lags.longest + 1).to(normalised)
    return (inner <= left) & (inner <= right), _cost(inner, grid)


def _normalised_difference(frames: Tensor, lags: Lags) -> Tensor:
    """YIN's cumulative mean normalised difference at every lag of the grid; (n_frames, longest + 2)."""
    n_lags = lags.longest + 2
    lag = torch.arange(n_lags, dtype=frames.dtype, device=frames.device) / lags.density  # samples
    overlap = frames.shape[-1] - lag
    difference = (_shared_energy(frames, lag) - 2 * _autocorrelation(frames, lags)) / overlap
    difference = difference.clamp_min(0)
    steps = torch.arange(1, n_lags + 1, dtype=frames.dtype, device=frames.device)
    mean_so_far = difference.cumsum(-1) / steps
    tiny = torch.finfo(torch.float32).tiny  # a constant window has no difference at any lag
    normalised = difference / mean_so_far.clamp_min(tiny)
    normalised[:, 0] = 1
    return normalised


def _autocorrelation(frames: Tensor, lags: Lags) -> Tensor:
    """Sum of x[j] * x[j + lag] inside the window, band-limited between whole lags; (n_frames, longest + 2)."""
    n_fft = 2 ** math.ceil(math.log2(2 * frames.shape[-1]))
    power = torch.fft.rfft(frames, n=n_fft).abs().square()
    power[:, -1] /= 2  # padding splits the Nyquist bin in two
    dense = torch.fft.irfft(power, n=n_fft * lags.density) * lags.density
    return dense[:, : lags.longest + 2]


def _shared_energy(frames: Tensor, lag: Tensor) -> Tensor:
    """Energy of the two pieces that a lag compares: the window without its end plus without its start."""
    energy = frames.square()
    total = energy.sum(-1, keepdim=True)
    # removed[j]: energy of the first j plus the last j samples; between whole lags it grows in a straight line.
    removed = torch.nn.functional.pad((energy + energy.flip(-1)).cumsum(-1), (1, 0))
    whole = lag.long()
    share = lag - whole
    return 2 * total - torch.lerp(removed[:, whole], removed[:, whole + 1], share)


def _parabola(values: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest point of the parabola through values[index - 1 : index + 2]: offset in (-0.5, 0.5), and its value.

    Args:
        values: (n_frames, n_lags).
        index: (n_frames, n_dips).
    """
    left, middle, right = (values.gather(-1, index + step) for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    flat = torch.finfo(torch.float32).tiny  # three equal values: stay in the middle
    offset = torch.where(curvature > flat, 0.5 * (left - right) / curvature.clamp_min(flat), 0.0).clamp(-0.5, 0.5)
    return offset, middle - 0.25 * (left - right) * offset
