"""Harmonics as bright, warm and hollow as wanted, otherwise as they were.

a_k --> the fundamental | odd ones | even ones    each gets the power that warmth and hollowness give it,
          a_1             x k^t      x k^t        and t is the tilt that brings the brightness about
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.signals import Controls
from luthier.units import db_to_power, power_to_db

HIGHEST_HZ = 8000.0
"""Harmonics above do not count in an `Expression`, so that instruments of all sample rates mean the same by it."""
NEWTON_STEPS = 3
"""A brightness that can be had is then within about a thousandth of an octave."""
STEEPEST_TILT, LARGEST_STEP, SMALLEST_SLOPE = 3.0, 1.0, 0.05
"""Powers of the harmonic's number, and octaves of brightness for one of them: what is out of reach is not chased."""
COLDEST_DB, WARMEST_DB = -40.0, -0.01
MOST_EVEN = 0.99
"""Of what the fundamental leaves: the odd harmonics never fall silent."""
SMALLEST_POWER = 1e-14


class HarmonicTimbre(NamedTuple):
    """What of an `Expression` is a matter of the harmonics alone.

    Attributes:
        brightness_octaves, warmth_db, hollowness_db: (batch, n_frames, 1), as in `Expression`.
    """

    brightness_octaves: Tensor
    warmth_db: Tensor
    hollowness_db: Tensor


class _Shares(NamedTuple):
    """Of the tone's power: (batch, n_frames, 1) of the fundamental, (batch, n_frames, 2) of the other odd ones and the even."""

    first: Tensor
    groups: Tensor


def harmonic_timbre(controls: Controls) -> HarmonicTimbre:
    """Say what timbre controls have.

    Args:
        controls: (batch, n_frames, ...) each.

    Returns:
        (batch, n_frames, 1) each, of the harmonics up to 8 kHz; where none of them sounds, finite but meaningless.

    Source: the definitions of `Expression`.
    """
    counted = _counted(controls)
    power = counted.square() + SMALLEST_POWER / counted.shape[-1]
    odd, even = (power[..., start::2].sum(dim=-1, keepdim=True) for start in (0, 1))
    numbers = torch.arange(1, counted.shape[-1] + 1).to(counted)
    moment, total = ((counted * weight).sum(dim=-1, keepdim=True) + SMALLEST_POWER for weight in (numbers, 1.0))
    return HarmonicTimbre(
        torch.log2(moment / total), power_to_db(power[..., :1] / (odd + even)), power_to_db(odd) - power_to_db(even)
    )


def with_timbre(controls: Controls, wanted: HarmonicTimbre, is_wish: HarmonicTimbre) -> Controls:
    """Give a tone a timbre, or parts of it.

    Args:
        controls: (batch, n_frames, ...) each.
        wanted: finite, where nothing is wished, too.
        is_wish: bool, of shapes that broadcast to those of `wanted`: what is to be changed. Without a brightness
            nothing is tilted.

    Returns:
        Controls of the same power and pitch. A brightness beyond what a tilt of three powers of the harmonic's number
        makes of these harmonics is only approached; where warmth and hollowness contradict each other, warmth is met.
        Above 8 kHz nothing is wished: harmonics there go with those of their group.
    """
    strengths = controls.harmonic_distribution
    counted = _counted(controls)
    shares = _shares(counted, wanted, is_wish)
    tilt = torch.where(is_wish.brightness_octaves, _tilt(counted, shares, wanted.brightness_octaves), 0.0)
    shaped = _tilted(strengths, counted, shares, tilt)
    shaped = shaped / shaped.sum(dim=-1, keepdim=True).clamp_min(SMALLEST_POWER)
    is_changed = is_wish.brightness_octaves | is_wish.warmth_db | is_wish.hollowness_db
    shaped = torch.where(is_changed & (counted[..., :1] > 0.0), shaped, strengths)
    same_power = (_power(strengths) / _power(shaped)).sqrt()
    return controls._replace(amplitude=same_power * controls.amplitude, harmonic_distribution=shaped)


def _counted(controls: Controls) -> Tensor:
    """(batch, n_frames, n_harmonics), the distribution up to `HIGHEST_HZ`."""
    strengths = controls.harmonic_distribution
    numbers = torch.arange(1, strengths.shape[-1] + 1).to(strengths)
    return strengths * (controls.f0_hz.detach() * numbers <= HIGHEST_HZ)


def _power(strengths: Tensor) -> Tensor:
    return strengths.square().sum(dim=-1, keepdim=True) + SMALLEST_POWER


def _root(power: Tensor) -> Tensor:
    """A square root whose gradient is finite at 0."""
    return (power + SMALLEST_POWER).sqrt()


class _Tables(NamedTuple):
    """What depends on the numbers of the harmonics alone.

    Attributes:
        groups: (n_harmonics, 2), 1 where odd but not the fundamental, and where even.
        logs: (n_harmonics,), natural logarithms of their numbers.
        weights: (n_harmonics, 8), the groups times 1, the number, its logarithm, and number times logarithm.
        log_groups: (n_harmonics, 4), the groups times 1 and the logarithm.
    """

    groups: Tensor
    logs: Tensor
    weights: Tensor
    log_groups: Tensor


def _tables(strengths: Tensor) -> _Tables:
    return _tables_of(strengths.shape[-1], strengths.dtype, strengths.device)


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def _tables_of(n_harmonics: int, dtype: torch.dtype, device: torch.device) -> _Tables:
    numbers = torch.arange(1, n_harmonics + 1, dtype=torch.float64).unsqueeze(-1)
    is_even = numbers % 2 == 0
    groups, logs = torch.cat([~is_even & (numbers > 1), is_even], dim=-1).double(), numbers.log()
    weights = torch.cat([groups, groups * numbers, groups * logs, groups * numbers * logs], dim=-1)
    tables = groups, logs.squeeze(-1), weights, torch.cat([groups, groups * logs], dim=-1)
    return _Tables(*(table.to(device, dtype) for table in tables))


def _shares(counted: Tensor, wanted: HarmonicTimbre, is_wish: HarmonicTimbre) -> _Shares:
    own = counted.square() / _power(counted)
    own_even = (own @ _tables(counted).groups)[..., 1:]
    even = torch.where(is_wish.hollowness_db, 1.0 / (1.0 + db_to_power(wanted.hollowness_db)), own_even)
    first = db_to_power(wanted.warmth_db.clamp(COLDEST_DB, WARMEST_DB))
    makes_room = torch.minimum(own[..., :1], 1.0 - even / MOST_EVEN).clamp_min(0.0)
    first = torch.where(is_wish.warmth_db, first, makes_room)
    even = torch.minimum(even, MOST_EVEN * (1.0 - first))
    odd = (1.0 - first - even).clamp_min(0.0)
    return _Shares(first, torch.cat([odd, even], dim=-1))


def _tilted(strengths: Tensor, counted: Tensor, shares: _Shares, tilt: Tensor) -> Tensor:
    """Strengths of a tone of which what counts has the power 1; what is silent stays silent."""
    groups, logs, *_ = _tables(strengths)
    lean = (tilt * logs).exp()
    powers = (counted * lean).square() @ groups
    gains = _root(shares.groups / (powers + SMALLEST_POWER))
    gains = torch.where(powers > 0.0, gains, _power(counted).rsqrt())  # nothing of a group counts: it stays
    others = strengths * lean * (gains @ groups.T)
    return torch.cat([_root(shares.first), others[..., 1:]], dim=-1)


def _tilt(counted: Tensor, shares: _Shares, brightness_octaves: Tensor) -> Tensor:
    """Newton's method; the last step lets gradients through, as the implicit function theorem says they go."""
    tilt = torch.zeros_like(brightness_octaves)
    with torch.no_grad():
        for _ in range(NEWTON_STEPS):
            tilt = _newton_step(counted, shares, brightness_octaves, tilt)
    return _newton_step(counted, shares, brightness_octaves, tilt)


def _newton_step(counted: Tensor, shares: _Shares, brightness_octaves: Tensor, tilt: Tensor) -> Tensor:
    brightness, slope = _brightness(counted, shares, tilt)
    step = (brightness_octaves - brightness) / slope.detach().clamp_min(SMALLEST_SLOPE)
    return (tilt + step.clamp(-LARGEST_STEP, LARGEST_STEP)).clamp(-STEEPEST_TILT, STEEPEST_TILT)


def _brightness(counted: Tensor, shares: _Shares, tilt: Tensor) -> tuple[Tensor, Tensor]:
    """Brightness at a tilt and its derivative, (batch, n_frames, 1) each, from a few sums over the harmonics."""
    tables = _tables(counted)
    leaning = counted * (tilt * tables.logs).exp()
    sums, moments, log_sums, log_moments = (leaning @ tables.weights).split(2, dim=-1)
    powers, log_powers = (leaning.square() @ tables.log_groups).split(2, dim=-1)
    powers = powers + SMALLEST_POWER
    gains, mean_log = _root(shares.groups / powers), log_powers / powers
    first = _root(shares.first)
    total = first + (gains * sums).sum(dim=-1, keepdim=True) + SMALLEST_POWER
    moment = first + (gains * moments).sum(dim=-1, keepdim=True) + SMALLEST_POWER
    slope = (gains * (log_moments - mean_log * moments)).sum(dim=-1, keepdim=True) / moment
    slope = slope - (gains * (log_sums - mean_log * sums)).sum(dim=-1, keepdim=True) / total
    return torch.log2(moment / total), slope / math.log(2.0)
