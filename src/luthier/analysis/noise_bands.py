"""How loud the noise is in each band, frame by frame: read in the valleys between the harmonics.

power  |   ▲       ▲       ▲      harmonics and their skirts are left out,
       |...▲.......▲.......▲...   the dots are averaged (as logarithms)
       +------------------------> frequency

Twice: as the audio is, and with the pitch of each window made constant. Vibrato fills the valleys of the one; a note
that rings on under the next, whose pitch is not that of the frame, those of the other. Whichever has less noise in it counts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from luthier.analysis.windows import WindowRule, cut_windows, stretches, window_lengths
from luthier.dsp.constant_pitch import at_constant_pitch, oversample, pitch_around, samples_around

WINDOWS = WindowRule(periods=8.0, shortest_seconds=0.048, longest_seconds=0.16)
"""Blackman windows of eight periods: their skirts end before the valley's middle, 58 dB down."""

SKIRT_BINS = 3.0
"""Half width of a Blackman window's main lobe, in bins of the window's own resolution."""

LARGEST_SKIRT = 0.4
"""Never more than this part of the distance between harmonics is left out on either side."""

BINS_PER_BAND = 8
"""At least this many spectrum bins lie between the middles of neighbouring bands."""

SMALLEST_POWER = 1e-16
"""Floor inside the logarithm, -160 dB."""

LOG_MEAN_TO_LEVEL = 0.22
"""Nats from the mean log magnitude to the log level. For stationary Gaussian noise it would be half of Euler's
constant, 0.289; real noise is spread wider, and 0.6 dB less lowers the spectral distance of resynthesised violin
(benchmarks/pitch_accuracy.py prints it)."""

UNIFORM_NOISE_POWER = 1.0 / 3.0
"""Variance of the noise in [-1, 1] to which the gains apply."""


def measure_noise_bands(audio: Tensor, f0_hz: Tensor, *, sample_rate: int, hop_length: int, n_bands: int) -> Tensor:
    """Measure the noise beside the harmonics as gains of uniform noise.

    Args:
        audio: (batch, n_samples).
        f0_hz: (batch, n_frames, 1), Hz, positive.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        n_bands: bands spaced evenly from 0 Hz to Nyquist, both included; at least 2.

    Returns:
        (batch, n_frames, n_bands), linear gains for noise in [-1, 1]; -160 dB in silence.

    Source: the stochastic part of Serra & Smith 1990 (SMS), but read in the valleys instead of in a residual,
    which keeps what a fit leaves of modulated harmonics out of the noise.
    """
    rows = [
        _measure_clip(clip, pitch, sample_rate, hop_length, n_bands)
        for clip, pitch in zip(audio, f0_hz.squeeze(-1), strict=True)
    ]
    return torch.stack(rows)


def _measure_clip(clip: Tensor, f0_hz: Tensor, sample_rate: int, hop_length: int, n_bands: int) -> Tensor:
    gains = clip.new_zeros(len(f0_hz), n_bands)
    lengths = window_lengths(f0_hz, WINDOWS, sample_rate)
    longest = int(lengths.max())
    for stretch, first, groups in stretches(clip, lengths, hop_length, samples_around(longest) + longest):
        fine = oversample(stretch.double().unsqueeze(0))[0].to(clip.dtype)
        for length, frames in groups:
            reader = _Reader(clip, fine, first, f0_hz, length, hop_length, sample_rate, n_bands)
            level = reader.level(frames)
            # Where a clip is cut in a note, so is the window, and its skirts fill the valleys: one that is whole has less.
            whole = reader.whole(frames)
            is_cut = whole != frames
            if is_cut.any():
                level[is_cut] = torch.minimum(level[is_cut], reader.level(whole[is_cut]))
            gains[frames] = torch.exp(0.5 * level + LOG_MEAN_TO_LEVEL)
    return gains


class _Reader(NamedTuple):
    """Reads the noise in windows of one length, of a clip and of a stretch of it, oversampled, that begins at `first`."""

    clip: Tensor
    fine: Tensor
    first: int
    f0_hz: Tensor
    length: int
    hop_length: int
    sample_rate: int
    n_bands: int

    def whole(self, frames: Tensor) -> Tensor:
        """The nearest frames whose windows lie inside the clip, or else one in its middle."""
        half = self.length // 2
        earliest = -(-half // self.hop_length)
        latest = (len(self.clip) - half) // self.hop_length
        return frames.clamp(earliest, max(earliest, latest)).clamp_max(len(self.f0_hz) - 1)

    def level(self, frames: Tensor) -> Tensor:
        """(n, n_bands) natural log of the power, by the reading that has less of it on the whole.

        The lower one of each band would come out too low: of two readings of a noise, one always is.
        """
        n_fft = next_fast_len(max(self.length, 2 * BINS_PER_BAND * (self.n_bands - 1)), real=True)
        bins = torch.arange(n_fft // 2 + 1, dtype=self.clip.dtype, device=self.clip.device)
        bands = _band_weights(bins / (n_fft / 2), self.n_bands)
        weights = _valley_weights(bins * (self.sample_rate / n_fft), self.f0_hz[frames], self.sample_rate / self.length)
        total = weights @ bands
        plain, constant = (
            _over_skirts((_log_noise_power(*each, n_fft) * weights) @ bands, total) for each in self._windows(frames)
        )
        return torch.where(constant.logsumexp(-1, keepdim=True) < plain.logsumexp(-1, keepdim=True), constant, plain)

    def _windows(self, frames: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """As they are, and at the constant pitch of their frames; with each, where it is inside the clip, 1 or 0."""
        centres = frames * self.hop_length
        sizes = {"length": self.length, "hop_length": self.hop_length}
        around = pitch_around(self.f0_hz.unsqueeze(0), **sizes)[0, frames]
        constant, offsets = at_constant_pitch(
            self.fine, centres - self.first, around, self.f0_hz[frames, None], **sizes
        )
        position = centres.unsqueeze(1) + offsets
        inside = (position > -1) & (position < len(self.clip))
        return cut_windows(self.clip, centres, self.length), (constant, inside.to(constant.dtype))


def _log_noise_power(windows: Tensor, inside: Tensor, n_fft: int) -> Tensor:
    """(n, n_bins) natural log of the power spectrum, 0 for the uniform noise in [-1, 1]."""
    window = inside * torch.blackman_window(windows.shape[1], dtype=windows.dtype, device=windows.device)
    offset = (windows * window).sum(-1, keepdim=True) / window.sum(-1, keepdim=True)  # no noise, and it has skirts
    spectrum = torch.view_as_real(torch.fft.rfft((windows - offset) * window, n=n_fft)).square().sum(-1)
    expected = UNIFORM_NOISE_POWER * window.square().sum(-1, keepdim=True)
    return (spectrum / expected + SMALLEST_POWER).log()


def _valley_weights(frequencies_hz: Tensor, f0_hz: Tensor, resolution_hz: float) -> Tensor:
    """(n, n_bins): 1 in the valleys between the harmonics, 0 on their skirts and at 0 Hz; 1 where there are no valleys."""
    ratio = frequencies_hz / f0_hz.unsqueeze(1)
    distance_hz = (ratio - ratio.round()).abs() * f0_hz.unsqueeze(1)
    skirt_hz = (LARGEST_SKIRT * f0_hz).clamp_max(SKIRT_BINS * resolution_hz).unsqueeze(1)
    is_valley = ((distance_hz > skirt_hz) | (ratio < 0.5)) & (frequencies_hz > 0)
    return (is_valley | ~is_valley.any(dim=1, keepdim=True)).to(frequencies_hz.dtype)


def _over_skirts(sums: Tensor, totals: Tensor) -> Tensor:
    """Means (n, n_bands) from sums and their weights; a band narrow enough to lie in a skirt is between its neighbours."""
    means = sums / totals.clamp_min(torch.finfo(sums.dtype).tiny)
    is_read = totals > 0
    if is_read.all():
        return means
    band, last = torch.arange(means.shape[1], device=means.device).expand_as(means), means.shape[1] - 1
    below = band.where(is_read, -1).cummax(dim=1).values
    above = band.where(is_read, last + 1).flip(1).cummin(dim=1).values.flip(1)
    below, above = below.where(below >= 0, above).clamp_max(last), above.where(above <= last, below).clamp_min(0)
    part = (band - below) / (above - below).clamp_min(1)
    return torch.lerp(means.gather(1, below), means.gather(1, above), part.to(means.dtype))


def _band_weights(position: Tensor, n_bands: int) -> Tensor:
    """(n_bins,) positions 0..1 to (n_bins, n_bands) triangles that overlap by half, as the synthesiser's do."""
    bands = torch.arange(n_bands, dtype=position.dtype, device=position.device)
    return (1.0 - (position.unsqueeze(1) * (n_bands - 1) - bands).abs()).clamp_min(0.0)
