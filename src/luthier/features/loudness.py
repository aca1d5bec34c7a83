"""How loud each frame is: the one definition of loudness, and plain RMS power.

audio ─► windows around t * hop_length ─► power spectrum ─► × A-weighting (as power) ─► mean over bins ─► dB
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from luthier.dsp.a_weighting import a_weighting_power
from luthier.dsp.framing import n_frames
from luthier.dsp.spectra import weighted_power
from luthier.features.audio_checks import check_audio
from luthier.features.clip_frames import FRAMES_AT_ONCE, clip_frames, frame_length_at
from luthier.features.long_audio import LongAudio
from luthier.units import power_to_db


def loudness_db(
    audio: Tensor | LongAudio, *, sample_rate: int, hop_length: int, n_fft: int = 2048, floor_db: float = -80.0
) -> Tensor:
    """Measure how loud audio sounds: A-weighted mean power of the spectrum around each frame, in dB.

    At 16 kHz this is the un-normalised power STFT (periodic Hann window of n_fft samples, centred), times
    10^(A-weighting dB / 10), averaged over the bins, as 10 log10, floored. At another rate the window
    keeps its duration (n_fft / 16000 seconds) and the power is divided by the growth of the window, so that the
    same sound has the same loudness at every rate.

    At the edges the clip is continued by its own mirror image, see `clip_frames`.

    Args:
        audio: (batch, n_samples), any level, or long audio.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        n_fft: window length in samples at 16 kHz.
        floor_db: quietest value returned, dB.

    Returns:
        (batch, n_frames, 1), dB; frame t is centred on sample t * hop_length.

    Raises:
        ShapeError: audio is not (batch, n_samples) or has no samples.
        RangeError: a sample is NaN or infinite, or a rate or hop is not positive.

    Source: Engel et al. 2020 (DDSP), appendix B, with the weighting applied to power and a mean over bins;
    A-weighting: IEC 61672-1:2013, annex E.
    """
    clip = check_audio(audio, sample_rate, hop_length)
    frame_length = frame_length_at(n_fft, sample_rate)
    like = clip.read(0, 0)  # for dtype and device
    window = torch.hann_window(frame_length, dtype=like.dtype, device=like.device)
    # Zero-padding to a fast length leaves the mean over bins as it is: it adds bins between the bins.
    transform_length = 2 * next_fast_len(-(-frame_length // 2), real=True)  # even, as `weighted_power` wants it
    frequencies_hz = torch.arange(transform_length // 2 + 1, dtype=torch.float64) * sample_rate / transform_length
    weights = a_weighting_power(frequencies_hz).to(like) * (n_fft / frame_length / len(frequencies_hz))

    return _level_db(lambda frames: weighted_power(frames * window, weights), clip, frame_length, hop_length, floor_db)


def rms_power_db(
    audio: Tensor | LongAudio, *, sample_rate: int, hop_length: int, n_fft: int = 2048, floor_db: float = -80.0
) -> Tensor:
    """Measure the mean square of the audio around each frame, in dB re 1.

    Edges, window duration and errors as in `loudness_db`; the window is rectangular.

    Args:
        audio: (batch, n_samples), any level, or long audio.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        n_fft: window length in samples at 16 kHz.
        floor_db: quietest value returned, dB.

    Returns:
        (batch, n_frames, 1), dB; a full-scale square wave is 0 dB, a full-scale sine -3 dB.
    """
    clip = check_audio(audio, sample_rate, hop_length)
    frame_length = frame_length_at(n_fft, sample_rate)
    return _level_db(lambda frames: frames.square().mean(-1), clip, frame_length, hop_length, floor_db)


def _level_db(
    power: Callable[[Tensor], Tensor], clip: LongAudio, frame_length: int, hop_length: int, floor_db: float
) -> Tensor:
    """Apply `power` ((..., frame_length) -> (...)) to all frames, a bounded number at a time; floored dB."""
    count = n_frames(clip.n_samples, hop_length)
    like = clip.read(0, 0)
    # Written into one tensor: small pieces kept between the large ones would pin these in memory, an hour by gigabytes.
    levels = like.new_empty(len(like), count)
    for start in range(0, count, FRAMES_AT_ONCE):
        stop = min(start + FRAMES_AT_ONCE, count)
        levels[:, start:stop] = power(clip_frames(clip, start, stop, frame_length=frame_length, hop_length=hop_length))
    return power_to_db(levels).clamp_min(floor_db).unsqueeze(-1)
