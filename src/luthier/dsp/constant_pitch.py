"""Vibrato and glides taken out of a window: it is played slower where the pitch is high and faster where it is low.

    pitch |   .--.              |
          | .'    '.     -->    | --------     every period as long as those in the middle
          +---------> time      +---------> phase

In the spectrum of a window a gliding harmonic fills the valleys beside it, the wider the higher it is. Along the phase
of the fundamental it is a line.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

WIDEST = 2.0 ** (2.0 / 12.0)
"""Pitch more than two semitones away from that of the frame counts as two away: such a leap is another note."""

OVERSAMPLING = 4
"""Cubics are drawn through this many values a sample."""

TRANSITION = 0.02
"""From this part of Nyquist below it to as much above it the filter of the oversampling falls."""

QUIET_SAMPLES = 512
"""Silence after the audio, so that its end does not ring into its beginning."""


def samples_around(length: int) -> int:
    """How many samples on either side of its middle a window of this (even) length may need."""
    return math.ceil(length / 2 * WIDEST) + 2


def pitch_around(f0_hz: Tensor, *, length: int, hop_length: int) -> Tensor:
    """The pitch of the frames around each frame, as far as `at_constant_pitch` needs it.

    Args:
        f0_hz: (batch, n_frames), Hz; beyond the ends the first and the last go on.
        length: samples of window, even.
        hop_length: samples from one frame to the next.

    Returns:
        (batch, n_frames, 2 * n + 1), a view.
    """
    n = math.ceil(samples_around(length) / hop_length)
    return F.pad(f0_hz, (n, n), mode="replicate").unfold(-1, 2 * n + 1, 1)


def oversample(audio: Tensor) -> Tensor:
    """Put values between the samples, (batch, n) to (batch, n * OVERSAMPLING), of audio that is silent around.

    By a raised cosine around Nyquist: a step rings for some hundred samples only (-90 dB after 250). Loud parts leave
    their rounding in silent ones: -130 dB in single precision.
    """
    n = 2 * next_fast_len((audio.shape[-1] + QUIET_SAMPLES + 1) // 2, real=True)
    below = torch.fft.rfft(audio, n=n)
    mirrored = torch.cat([below, below[..., :-1].flip(-1).conj()], dim=-1)
    frequency = torch.arange(n + 1, dtype=audio.dtype, device=audio.device) / n
    fine = torch.fft.irfft(OVERSAMPLING * interpolation_gain(frequency) * mirrored, n=n * OVERSAMPLING)
    return fine[..., : audio.shape[-1] * OVERSAMPLING]


def interpolation_gain(frequency: Tensor) -> Tensor:
    """What `oversample` leaves of a sine: 1, but near Nyquist less, a half at it, and nothing above.

    Args:
        frequency: any shape, in cycles a sample of the audio.

    Returns:
        As frequency.
    """
    return 0.5 - 0.5 * torch.sin(0.5 * torch.pi * ((2.0 * frequency - 1.0) / TRANSITION).clamp(-1.0, 1.0))


def at_constant_pitch(
    fine: Tensor, middles: Tensor, pitch_hz: Tensor, goal_hz: Tensor, *, length: int, hop_length: int
) -> tuple[Tensor, Tensor]:
    """Cut windows around frames, played at the speed at which their pitch stands still.

    Args:
        fine: (n_fine,), audio through `oversample`.
        middles: (n,), the sample of each frame, `samples_around(length)` away from both ends of the audio.
        pitch_hz: (n, n_around), what `pitch_around` gives for these frames, Hz.
        goal_hz: (n, 1), the pitch that each shall have, Hz; not above its frame's.
        length: samples of window.
        hop_length: samples from one frame to the next.

    Returns:
        The windows, (n, length), sample length // 2 of which is the frame's; and where each of their samples lies,
        (n, length), in samples after the frame's.

    Source: resampling along the phase before a transform, as time-warped transform coding does (Edler et al. 2009).
    """
    middle = pitch_hz.shape[1] // 2
    own_hz = pitch_hz[:, middle, None]
    speed = (pitch_hz / own_hz).clamp(1.0 / WIDEST, WIDEST) * (own_hz / goal_hz)
    # How many hops of the window have been played at each frame, and so how slowly time goes on when whole hops have
    # been. Between these, as between frames, it changes along straight lines.
    played = F.pad(0.5 * (speed[:, 1:] + speed[:, :-1]), (1, 0)).cumsum(1)
    hops = torch.arange(speed.shape[1], dtype=fine.dtype, device=fine.device) - middle
    slowness = 1.0 / _on_lines(played - played[:, middle, None], speed, hops)
    offsets = slowness @ _integrals(hops, length, hop_length)
    return _on_cubics(fine, middles, offsets), offsets


def _on_lines(x: Tensor, y: Tensor, at: Tensor) -> Tensor:
    """Lines through (x, y), each (n, n_points), x rising, at (m,): (n, m); beyond the ends as at them."""
    at = at.expand(len(x), -1).contiguous()
    after = torch.searchsorted(x, at).clamp(1, x.shape[1] - 1)
    (x0, x1), (y0, y1) = ((each.gather(1, after - 1), each.gather(1, after)) for each in (x, y))
    return torch.lerp(y0, y1, ((at - x0) / (x1 - x0)).clamp(0.0, 1.0))


def _integrals(hops: Tensor, length: int, hop_length: int) -> Tensor:
    """(n_hops, length): what a value at each hop adds to the integral of the lines, from the middle of a window."""
    sample = torch.arange(length, dtype=hops.dtype, device=hops.device) - length // 2
    ramp = (sample / hop_length - hops.unsqueeze(1)).clamp(-1.0, 1.0)
    area = ramp - 0.5 * ramp * ramp.abs()  # of a triangle as high as 1, two hops wide
    return hop_length * (area - area[:, length // 2, None])


def _on_cubics(fine: Tensor, middles: Tensor, offsets: Tensor) -> Tensor:
    """The audio at middles (n,) plus offsets (n, length): Lagrange's cubics, by Newton's differences."""
    place = offsets * OVERSAMPLING
    left = place.floor()
    x = place - left
    index = left.long() + (middles * OVERSAMPLING - 1).unsqueeze(1)
    a, b, c, d = (fine.take(index + offset) for offset in range(4))
    ab, bc, cd = b - a, c - b, d - c
    return a + (x + 1.0) * (ab + 0.5 * x * (bc - ab + (x - 1.0) / 3.0 * (cd - 2.0 * bc + ab)))
