"""What an impulse response says about its room: how long it rings, how near the player stands."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.errors import RangeError, ShapeError
from luthier.units import db_to_power, power_to_db, samples_to_seconds, seconds_to_samples

T20_RANGE_DB = (-5.0, -25.0)
"""The stretch of the decay curve that T20 is read from (ISO 3382-1)."""
DIRECT_SECONDS = 0.0025
"""Half width of the direct sound around the strongest tap, as in the literature on direct-to-reverberant ratios."""
OCTAVES_HZ = (250.0, 500.0, 1000.0, 2000.0)
"""Lower edges."""
COMPARED_DOWN_TO_DB = -40.0
"""Decay curves are compared down to here: below, the noise of measured responses and their cut end decide."""


class RoomScores(NamedTuple):
    """A room in two numbers.

    Attributes:
        t60_seconds: time in which the tail falls by 60 dB; 0 without a tail, NaN where it never falls by 25 dB.
        direct_to_reverberant_db: direct sound against everything else, dB.
    """

    t60_seconds: float
    direct_to_reverberant_db: float


def room_scores(impulse_response: Tensor, sample_rate: int) -> RoomScores:
    """T60 and direct-to-reverberant ratio of an impulse response (n_taps,)."""
    return RoomScores(
        t60_seconds(impulse_response, sample_rate), direct_to_reverberant_db(impulse_response, sample_rate)
    )


def decay_curve_db(impulse_response: Tensor) -> Tensor:
    """Energy that is still to come, from the strongest tap on, in dB of the whole.

    Args:
        impulse_response: (n_taps,).

    Returns:
        (n_taps - index of the strongest tap,), starts at 0 and never rises.

    Raises:
        ShapeError: not one axis, or no taps.
        RangeError: the response is silent or not finite.

    Source: Schroeder 1965, backward integration.
    """
    _check(impulse_response)
    energy = impulse_response.detach().double().square()
    energy = energy[int(energy.argmax()) :]
    return _energy_to_come_db(energy)


def t60_seconds(impulse_response: Tensor, sample_rate: int) -> float:
    """Reverberation time: three times the time from -5 to -25 dB on the decay curve of what follows the direct sound.

    Args:
        impulse_response: (n_taps,).
        sample_rate: Hz.

    Returns:
        Seconds; 0 where nothing follows the direct sound, NaN where the response ends before it has fallen by 25 dB.

    Source: ISO 3382-1, T20: least-squares line between -5 and -25 dB. The direct sound is left out, because a near one
        is a step in the curve that says how far the player is, not how long the room rings.
    """
    _check(impulse_response)
    tail = _split_direct(impulse_response, sample_rate)[1].detach().double().square()
    return _t20_seconds(tail, sample_rate) if bool(tail.any()) else 0.0


def _t20_seconds(energy: Tensor, sample_rate: int) -> float:
    """Three times the time that a decay (n_samples,) takes from -5 to -25 dB; NaN where it ends before."""
    high, low = T20_RANGE_DB
    tenth = max(1, len(energy) // 10)
    # The curve of a response that is cut off plunges at its end, as if it had died away there.
    if energy[-tenth:].mean() > energy[:tenth].mean() * float(db_to_power(low)):
        return math.nan
    curve = _energy_to_come_db(energy)
    times = torch.nonzero((curve <= high) & (curve >= low))[:, 0].double()
    if len(times) < 2:
        return math.nan
    levels = curve[times.long()]
    centred = times - times.mean()
    db_per_sample = float((centred * levels).sum() / centred.square().sum())
    return samples_to_seconds(-60.0 / db_per_sample, sample_rate)


def octave_t60_seconds(impulse_response: Tensor, sample_rate: int) -> float:
    """Reverberation time where instruments sound: the median over the octaves from 250 Hz to 4 kHz.

    A learned response says little below its notes, where nothing made it die away.

    Args:
        impulse_response: (n_taps,).
        sample_rate: Hz.

    Returns:
        Seconds; 0 where nothing follows the direct sound, NaN where no octave falls by 25 dB.

    Source: as `t60_seconds`, in octave bands.
    """
    _check(impulse_response)
    tail = _split_direct(impulse_response, sample_rate)[1].detach().double()
    if not bool(tail.any()):
        return 0.0
    n_fft = 2 * len(tail)
    spectrum, hz = torch.fft.rfft(tail, n_fft), torch.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    bands = [
        torch.fft.irfft(spectrum * ((hz >= low_hz) & (hz < 2 * low_hz)), n_fft)[: len(tail)] for low_hz in OCTAVES_HZ
    ]
    found = torch.tensor([_t20_seconds(band.square(), sample_rate) for band in bands if bool(band.any())])
    return float(found.nanmedian()) if len(found) else math.nan


def direct_to_reverberant_db(impulse_response: Tensor, sample_rate: int) -> float:
    """Energy within 2.5 ms of the strongest tap against the energy of all later taps, dB.

    200 dB or more means: no reverberation at all.
    """
    _check(impulse_response)
    direct, tail = (part.detach().double().square().sum() for part in _split_direct(impulse_response, sample_rate))
    return float(power_to_db(direct) - power_to_db(tail))


def tail_peak(impulse_response: Tensor, sample_rate: int) -> float:
    """Largest absolute tap after the direct sound; 0 where nothing follows it."""
    tail = _split_direct(impulse_response, sample_rate)[1].detach()
    return float(tail.abs().max()) if tail.numel() else 0.0


def decay_curve_error_db(impulse_response: Tensor, reference: Tensor) -> float:
    """Mean distance of two decay curves at equal sample rates, where the reference's is above -40 dB.

    A curve that has ended counts as -60 dB.
    """
    curve, wanted = decay_curve_db(impulse_response), decay_curve_db(reference)
    wanted = wanted[wanted >= COMPARED_DOWN_TO_DB]
    ended_db = COMPARED_DOWN_TO_DB - 20.0
    found = torch.full_like(wanted, ended_db)
    length = min(len(curve), len(wanted))
    found[:length] = curve[:length].clamp_min(ended_db)
    return float((found - wanted).abs().mean())


def _energy_to_come_db(energy: Tensor) -> Tensor:
    to_come = energy.flip(-1).cumsum(-1).flip(-1)
    return power_to_db(to_come / to_come[0])


def _split_direct(impulse_response: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """The taps within 2.5 ms of the strongest one, and all later ones."""
    peak, reach = int(impulse_response.abs().argmax()), seconds_to_samples(DIRECT_SECONDS, sample_rate)
    return impulse_response[max(0, peak - reach) : peak + reach + 1], impulse_response[peak + reach + 1 :]


def _check(impulse_response: Tensor) -> None:
    if impulse_response.dim() != 1 or impulse_response.numel() == 0:
        raise ShapeError(f"impulse_response {tuple(impulse_response.shape)}: expected (n_taps,) with taps.")
    if not bool(impulse_response.isfinite().all()) or not bool(impulse_response.any()):
        raise RangeError("impulse_response: expected finite taps that are not all zero.")
