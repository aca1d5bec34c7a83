"""What training makes small."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.feature_definition import WINDOWS_RATE
from luthier.dsp.spectra import hann_window
from luthier.dsp.spectral_distance import MSS_WINDOWS, OVERLAP, SpectralScales, multi_scale_distance
from luthier.features.loudness import loudness_db
from luthier.training.config import SpectralWeights, TrainingConfig

SAFE_LOG_MINIMUM = 1e-5
"""Magnitudes below this count as this inside magenta's logarithm."""
LOUDNESS_N_FFT = 2048
LOUDNESS_HOP = 64
SMALLEST_NORM = 1e-8
"""Spectra below this norm have no direction: keeps the cosine finite."""

Distance = Callable[[Tensor, Tensor], Tensor]
"""(output, target), of equal shape, to a scalar."""
Loss = Callable[[Tensor, Tensor, int], Tensor]
"""(output, target, step), the first two (batch, n_samples), to a scalar."""


def build_loss(config: TrainingConfig, sample_rate: int) -> Loss:
    """The loss a configuration asks for; some look at other windows in every step."""
    if config.loss == "spectral":
        return lambda output, target, step: spectral_loss(output, target, config.spectral, sample_rate=sample_rate)
    scales = SpectralScales() if config.loss == "mss" else SpectralScales.relative(sample_rate)
    n_groups = config.scales_in_turn
    # Small and large windows in each group, and as if all were there: the sum over the groups is the whole.
    groups = [scales._replace(windows=scales.windows[start::n_groups]) for start in range(n_groups)]

    def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
        distance = multi_scale_distance(output, target, groups[step % n_groups]).mean()
        if config.loudness_weight and step % n_groups == 0 and torch.isfinite(distance):
            distance = distance + config.loudness_weight * loudness_distance(output, target, sample_rate=sample_rate)
        return n_groups * distance

    return loss


def loudness_distance(output: Tensor, target: Tensor, *, sample_rate: int) -> Tensor:
    """Mean absolute difference in loudness, dB: a scalar.

    Every bin of a spectral distance counts alike, and most hold noise; this is what keeps the level of a note right.

    Args:
        output: (batch, n_samples); gets a gradient.
        target: (batch, n_samples).
        sample_rate: Hz.
    """
    hop_length = max(1, round(LOUDNESS_N_FFT / OVERLAP * sample_rate / WINDOWS_RATE))
    measure = {"sample_rate": sample_rate, "hop_length": hop_length, "n_fft": LOUDNESS_N_FFT}
    return (loudness_db(output, **measure) - loudness_db(target, **measure)).abs().mean()


def spectral_loss(output: Tensor, target: Tensor, weights: SpectralWeights, *, sample_rate: int) -> Tensor:
    """magenta's multi-scale spectral loss with all its terms.

    Args:
        output: (batch, n_samples); gets a gradient.
        target: (batch, n_samples).
        weights: of the terms.
        sample_rate: Hz, for the loudness term.

    Returns:
        A scalar: the sum over six window sizes of the weighted terms.

    Source: Engel et al. 2020, section 4.2.1, and the terms of magenta/ddsp's `SpectralLoss`; spectra without
    centring, padded at the end. The cosine is that of normalised spectra.
    """
    distance = DISTANCES[weights.distance]
    total = output.new_zeros(())
    for window in MSS_WINDOWS:
        total = total + _one_scale(_magnitudes(output, window), _magnitudes(target, window), weights, distance)
    if weights.loudness:
        measure = {"sample_rate": sample_rate, "hop_length": LOUDNESS_HOP, "n_fft": LOUDNESS_N_FFT}
        total = (
            total + weights.loudness * (loudness_db(output, **measure) - loudness_db(target, **measure)).abs().mean()
        )
    return total


def _one_scale(output: Tensor, target: Tensor, weights: SpectralWeights, distance: Distance) -> Tensor:
    terms: list[tuple[float, Callable[[Tensor], Tensor]]] = [
        (weights.magnitude, lambda magnitude: magnitude),
        (weights.delta_time, lambda magnitude: magnitude.diff(dim=1)),
        (weights.delta_frequency, lambda magnitude: magnitude.diff(dim=2)),
        (weights.cumulative_frequency, lambda magnitude: magnitude.cumsum(dim=2)),
        (weights.log_magnitude, lambda magnitude: magnitude.clamp_min(SAFE_LOG_MINIMUM).log()),
    ]
    total = output.new_zeros(())
    for weight, view in terms:
        if weight:
            total = total + weight * distance(view(output), view(target))
    return total


def _magnitudes(audio: Tensor, window: int) -> Tensor:
    """(batch, ceil(n_samples / hop), window // 2 + 1); windows start at every hop, silence after the end."""
    hop_length = window // OVERLAP
    count = -(-audio.shape[-1] // hop_length)
    padded = F.pad(audio, (0, max(0, (count - 1) * hop_length + window - audio.shape[-1])))
    frames = padded.unfold(-1, window, hop_length)[:, :count]
    return torch.fft.rfft(frames * hann_window(window, audio.dtype, audio.device)).abs()


def _l1(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean()


def _l2(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean()


def _cosine(output: Tensor, target: Tensor) -> Tensor:
    return (1.0 - F.cosine_similarity(output, target, dim=-1, eps=SMALLEST_NORM)).mean()


DISTANCES: dict[str, Distance] = {"l1": _l1, "l2": _l2, "cosine": _cosine}
