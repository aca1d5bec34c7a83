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
from luthier.units import ratio_to_cents, seconds_to_samples

HIGHEST_HZ = 2500.0
PERIODS_IN_WINDOW = 2.0
"""Window length in periods of the lowest pitch: the least that can be compared. Longer windows smear vibrato."""
THRESHOLD = 0.15
"""Normalised difference below which the shortest lag wins (the paper takes 0.1 to 0.15)."""
NEARLY_AS_PERIODIC = 0.7
"""A shorter lag wins as well if it is at least this part as periodic as the best one. In a reverberant room two notes
sound at once and both fit a common subharmonic. On solo violin, of the frames that count, 13 to 21 % differed by an octave
or more from a neural tracker without this and 2 to 3 % with it; 0.60 of all frames count in place of 0.72."""
CONFIDENT = 0.85
"""Frames of the reference that count: confidence 1 - THRESHOLD or more."""
LAG_RATE_HZ = 64000
"""Lags are laid out at least this densely, so that a parabola through three of them errs by less than a cent."""
SILENT_POWER = 1e-10
"""Mean power (-100 dB) of a window below which there is nothing to track."""
FRAMES_AT_ONCE = 512
FRAMES_PER_SECOND = 100
IN_TUNE_CENTS = 50.0
OCTAVE_ERROR_CENTS = 1150.0
"""An octave less a quarter tone: an octave error with a little detuning still counts as one."""


class YinTrack(NamedTuple):
    """What YIN hears.

    Attributes:
        f0_hz: (batch, n_frames), positive everywhere; the lowest pitch looked for where there is silence.
        confidence: (batch, n_frames), 0..1: one minus the normalised difference at the chosen lag.
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
    """

    f0_cents: float
    rpa50: float
    f0_octave_errors: float


def track_yin(
    audio: Tensor, *, sample_rate: int, hop_length: int, f0_min_hz: float = 50.0, f0_max_hz: float | None = None
) -> YinTrack:
    """Follow the pitch of a solo voice, frame t around sample t * hop_length.

    Args:
        audio: (batch, n_samples).
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        f0_min_hz: lowest pitch looked for, Hz.
        f0_max_hz: highest pitch looked for, Hz, at most a quarter of the sample rate; that or 2,500 Hz if absent.

    Raises:
        RangeError: the range of pitches is empty or reaches above a quarter of the sample rate.

    Source: de Cheveigné and Kawahara 2002, YIN, steps 2 to 5. The difference function is taken over the whole
        window symmetrically (McLeod and Wyvill 2005, equation 8), so that frames are centred, its lags are
        interpolated by padding the spectrum, so that high notes are as exact as low ones, and the threshold rises
        with the depth of the deepest dip (McLeod and Wyvill 2005, section 5).
    """
    f0_max_hz = min(HIGHEST_HZ, sample_rate / 4) if f0_max_hz is None else f0_max_hz
    if not 0 < f0_min_hz < f0_max_hz <= sample_rate / 4:
        raise RangeError(
            f"f0_min_hz {f0_min_hz} and f0_max_hz {f0_max_hz}: expected 0 < min < max <= sample_rate / 4 "
            f"({sample_rate / 4:g} Hz)."
        )
    window = seconds_to_samples(PERIODS_IN_WINDOW / f0_min_hz, sample_rate)
    frames = centred_frames(audio, frame_length=window, hop_length=hop_length)
    lags = _Lags.between(f0_min_hz, f0_max_hz, sample_rate)
    parts = [_track_frames(part, lags) for part in frames.flatten(0, 1).split(FRAMES_AT_ONCE)]
    period, confidence = (torch.cat(values).view(frames.shape[:2]) for values in zip(*parts, strict=True))
    f0_hz = (sample_rate / period).clamp(f0_min_hz, f0_max_hz)
    return YinTrack(f0_hz, confidence)


def pitch_errors(output: Tensor, reference: Tensor, *, sample_rate: int) -> list[PitchErrors]:
    """Compare the melodies of two clips by YIN, one result for each clip of the batch.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    check_pair(output, reference)
    options = {"sample_rate": sample_rate, "hop_length": sample_rate // FRAMES_PER_SECOND}
    found, wanted = track_yin(output, **options), track_yin(reference, **options)
    return [
        _pitch_errors(f0_hz, true_f0_hz[confidence >= CONFIDENT], confidence >= CONFIDENT)
        for f0_hz, true_f0_hz, confidence in zip(found.f0_hz, wanted.f0_hz, wanted.confidence, strict=True)
    ]


def _pitch_errors(f0_hz: Tensor, true_f0_hz: Tensor, counted: Tensor) -> PitchErrors:
    if true_f0_hz.numel() == 0:
        return PitchErrors(math.nan, math.nan, math.nan)
    cents = ratio_to_cents(f0_hz[counted] / true_f0_hz).abs()
    return PitchErrors(
        f0_cents=float(cents.median()),
        rpa50=float((cents <= IN_TUNE_CENTS).float().mean()),
        f0_octave_errors=float((cents >= OCTAVE_ERROR_CENTS).float().mean()),
    )


class _Lags(NamedTuple):
    """The grid of lags: multiples of 1 / density samples up to `longest`, searched from `shortest` on."""

    density: int
    shortest: int
    longest: int

    @classmethod
    def between(cls, f0_min_hz: float, f0_max_hz: float, sample_rate: int) -> _Lags:
        density = -(-LAG_RATE_HZ // sample_rate)
        # One step beyond either end, where a parabola needs its neighbours.
        shortest = int(density * sample_rate / f0_max_hz) - 1
        return cls(density, shortest, math.ceil(density * sample_rate / f0_min_hz) + 1)


def _track_frames(frames: Tensor, lags: _Lags) -> tuple[Tensor, Tensor]:
    """Period in samples and confidence of each frame; both (n_frames,)."""
    frames = (frames - frames.mean(-1, keepdim=True)).double()
    normalised = _normalised_difference(frames, lags)
    chosen = _choose_lag(normalised, lags)
    offset, value = _parabola(normalised, chosen)
    is_silent = frames.square().mean(-1) < SILENT_POWER
    period = torch.where(is_silent, float(lags.longest), chosen + offset) / lags.density
    confidence = torch.where(is_silent, 0.0, (1 - value).clamp(0, 1))
    return period.float(), confidence.float()


def _normalised_difference(frames: Tensor, lags: _Lags) -> Tensor:
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


def _autocorrelation(frames: Tensor, lags: _Lags) -> Tensor:
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


def _choose_lag(normalised: Tensor, lags: _Lags) -> Tensor:
    """The shortest lag at a dip that is deep enough, else the deepest dip; (n_frames,) indices."""
    inner = normalised[:, lags.shortest : lags.longest + 1]
    is_dip = (inner <= normalised[:, lags.shortest - 1 : lags.longest]) & (
        inner <= normalised[:, lags.shortest + 1 : lags.longest + 2]
    )
    depth, deepest = torch.where(is_dip, inner, 1.0).min(-1)
    deep_enough = (1 - NEARLY_AS_PERIODIC * (1 - depth)).clamp_min(THRESHOLD)
    is_candidate = is_dip & (inner < deep_enough.unsqueeze(-1))
    return lags.shortest + torch.where(is_candidate.any(-1), is_candidate.int().argmax(-1), deepest)


def _parabola(values: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest point of the parabola through values[index - 1 : index + 2]: offset in (-0.5, 0.5), and its value."""
    left, middle, right = (values.gather(-1, (index + step)[:, None])[:, 0] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    flat = torch.finfo(torch.float32).tiny  # three equal values: stay in the middle
    offset = torch.where(curvature > flat, 0.5 * (left - right) / curvature.clamp_min(flat), 0.0).clamp(-0.5, 0.5)
    return offset, middle - 0.25 * (left - right) * offset
