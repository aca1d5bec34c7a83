"""A pitch tracker of evaluation's own, and how far two clips are apart by it.

It shares nothing with the front end that instruments are trained on, so an instrument cannot look good by
repeating that front end's mistakes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.framing import centred_frames
from luthier.errors import RangeError
from luthier.evaluation.pairs import check_pair
from luthier.evaluation.pitch_path import cheapest_path
from luthier.evaluation.yin import Dips, Lags, best_dips, dip_near
from luthier.units import ratio_to_cents, seconds_to_samples

HIGHEST_HZ = 2500.0
PERIODS_IN_WINDOW = 2.0
"""Window length in periods of the lowest pitch: the least that can be compared. Longer windows smear vibrato."""
PERIODS_WHEN_SHARP = 3.0
"""From so many periods on, half a window tells more exactly at which moment a note was how high."""
CONFIDENT = 0.85
"""Frames of the reference that count: so periodic, in the window and in the half of it."""
UNPITCHED = 0.5
"""Less periodic frames have no pitch."""
FRAMES_AT_ONCE = 512
FRAMES_PER_SECOND = 100
IN_TUNE_CENTS = 50.0
OCTAVE_ERROR_CENTS = 1150.0
"""An octave less a quarter tone: an octave error with a little detuning still counts as one."""


class YinTrack(NamedTuple):
    """What YIN hears.

    Attributes:
        f0_hz: (batch, n_frames), positive everywhere; the lowest pitch looked for where there is silence.
        confidence: (batch, n_frames), 0..1: one minus the normalised difference at the chosen lag, the larger one
            of the two windows.
    """

    f0_hz: Tensor
    confidence: Tensor


class PitchErrors(NamedTuple):
    """How far an output's pitch is off, over the frames where the reference is surely pitched.

    Attributes:
        f0_cents: median absolute difference, cents.
        rpa50: share of frames within 50 cents, 0..1 (raw pitch accuracy).
        f0_octave_errors: share of frames off by an octave or more, 0..1.
            All three are NaN where the reference has no such frame.
        false_pitch: share of the frames where the reference surely has no pitch in which the output surely has one,
            0..1; NaN where there is none.
    """

    f0_cents: float
    rpa50: float
    f0_octave_errors: float
    false_pitch: float


def track_yin(
    audio: Tensor, *, sample_rate: int, hop_length: int, f0_min_hz: float = 50.0, f0_max_hz: float | None = None
) -> YinTrack:
    """Follow the pitch of a solo voice, frame t around sample t * hop_length.

    audio ─► long windows: dips of YIN ─► the cheapest path from frame to frame: which note it is
                                      `─► half as long windows: how high exactly, at this moment

    Args:
        audio: (batch, n_samples).
        sample_rate: Hz.
        hop_length: samples from one frame to the next, about 10 ms.
        f0_min_hz: lowest pitch looked for, Hz.
        f0_max_hz: highest pitch looked for, Hz, at most a quarter of the sample rate; that or 2,500 Hz if absent.

    Raises:
        RangeError: the range of pitches is empty or reaches above a quarter of the sample rate.

    Source: de Cheveigné and Kawahara 2002, YIN, steps 2, 3 and 5. The difference function is taken over the whole
        window symmetrically (McLeod and Wyvill 2005, equation 8), so that frames are centred, and its lags are
        interpolated by padding the spectrum, so that high notes are as exact as low ones. In place of the threshold
        (step 4) and the search around (step 6) stand a path as in Boersma 1993 and windows of half the length.
    """
    f0_max_hz = min(HIGHEST_HZ, sample_rate / 4) if f0_max_hz is None else f0_max_hz
    if not 0 < f0_min_hz < f0_max_hz <= sample_rate / 4:
        raise RangeError(
            f"f0_min_hz {f0_min_hz} and f0_max_hz {f0_max_hz}: expected 0 < min < max <= sample_rate / 4 "
            f"({sample_rate / 4:g} Hz)."
        )
    frames, lags = _windows(audio, f0_min_hz, f0_max_hz, sample_rate=sample_rate, hop_length=hop_length)
    note = _follow(frames, lags)
    is_high = note.period * f0_min_hz * PERIODS_WHEN_SHARP <= sample_rate * PERIODS_IN_WINDOW / 2
    if bool(is_high.any()):
        halves = _windows(audio, 2 * f0_min_hz, f0_max_hz, sample_rate=sample_rate, hop_length=hop_length)
        note = _sharpen(note, is_high, *halves)
    f0_hz = (sample_rate / note.period).clamp(f0_min_hz, f0_max_hz)
    return YinTrack(f0_hz.float(), (1 - note.depth).clamp(0, 1).float())


def pitch_errors(
    output: Tensor, reference: Tensor, *, sample_rate: int, wanted: YinTrack | None = None
) -> list[PitchErrors]:
    """Compare the melodies of two clips by YIN, one result for each clip of the batch.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.
        wanted: `melody_of` the reference, where it is known already.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    check_pair(output, reference)
    found = melody_of(output, sample_rate=sample_rate)
    wanted = melody_of(reference, sample_rate=sample_rate) if wanted is None else wanted
    clips = zip(*found, *wanted, strict=True)
    return [_pitch_errors(YinTrack(*clip[:2]), YinTrack(*clip[2:])) for clip in clips]


def melody_of(audio: Tensor, *, sample_rate: int) -> YinTrack:
    """The pitch of audio (batch, n_samples), 100 frames a second."""
    return track_yin(audio, sample_rate=sample_rate, hop_length=sample_rate // FRAMES_PER_SECOND)


def _pitch_errors(found: YinTrack, wanted: YinTrack) -> PitchErrors:
    """Of one clip: (n_frames,) each."""
    counted, without = wanted.confidence >= CONFIDENT, wanted.confidence < UNPITCHED
    false_pitch = float((found.confidence[without] >= CONFIDENT).float().mean())  # NaN where there is a pitch all along
    if not bool(counted.any()):
        return PitchErrors(math.nan, math.nan, math.nan, false_pitch)
    cents = ratio_to_cents(found.f0_hz[counted] / wanted.f0_hz[counted]).abs()
    return PitchErrors(
        f0_cents=float(cents.median()),
        rpa50=float((cents <= IN_TUNE_CENTS).float().mean()),
        f0_octave_errors=float((cents >= OCTAVE_ERROR_CENTS).float().mean()),
        false_pitch=false_pitch,
    )


def _windows(
    audio: Tensor, f0_min_hz: float, f0_max_hz: float, *, sample_rate: int, hop_length: int
) -> tuple[Tensor, Lags]:
    """Windows (batch, n_frames, n_samples) in which pitches from the lowest on can be heard, and their lags."""
    length = seconds_to_samples(PERIODS_IN_WINDOW / f0_min_hz, sample_rate)
    return (
        centred_frames(audio, frame_length=length, hop_length=hop_length),
        Lags.between(f0_min_hz, f0_max_hz, sample_rate),
    )


def _follow(frames: Tensor, lags: Lags) -> Dips:
    """The dips of one melody through each clip; (batch, n_frames) each."""
    parts = [best_dips(part, lags) for part in frames.flatten(0, 1).split(FRAMES_AT_ONCE)]
    every = Dips(*(torch.cat(values).unflatten(0, frames.shape[:2]) for values in zip(*parts, strict=True)))
    clips = zip((-every.period.log2()).cpu().numpy(), every.cost.cpu().numpy(), strict=True)
    path = torch.stack([torch.from_numpy(cheapest_path(*clip)) for clip in clips]).to(frames.device)
    return Dips(*(values.gather(-1, path.unsqueeze(-1)).squeeze(-1) for values in every))


def _sharpen(note: Dips, chosen: Tensor, frames: Tensor, lags: Lags) -> Dips:
    """Read chosen frames of a melody in other windows; a pitch is as sure as in the less periodic of both."""
    windows, periods = (values[chosen].split(FRAMES_AT_ONCE) for values in (frames, note.period))
    parts = [dip_near(window, lags, period) for window, period in zip(windows, periods, strict=True)]
    sharp = Dips(*(torch.cat(values) for values in zip(*parts, strict=True)))
    return Dips(
        note.period.masked_scatter(chosen, sharp.period),
        note.depth.masked_scatter(chosen, torch.maximum(sharp.depth, note.depth[chosen])),
    )
