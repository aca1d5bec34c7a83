"""The multi-scale spectral distance, its gradient worked out on the way forward.

For every window size: mean |S - T| + mean |ln(S + e) - ln(T + e)|, with S the output's and T the target's
magnitudes. Both terms pull a magnitude in the same direction, so that the gradient of a bin is
sign(S - T) * (1 + 1 / (S + e)): one logarithm, one division, no stored graph.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from luthier.dsp.feature_definition import WINDOWS_RATE
from luthier.dsp.kernels import in_parts, kernels
from luthier.dsp.spectra import hann_window, stft
from luthier.errors import ShapeError

MSS_WINDOWS = (64, 128, 256, 512, 1024, 2048)
"""Window sizes in samples at 16 kHz."""
OVERLAP = 4
"""Windows per window length: the hop is a quarter of the window."""
MSS_EPSILON = 1e-7
RELATIVE_EPSILON = 1e-4
"""Part of the target's largest magnitude below which differences stop counting: 80 dB."""
SAMPLES_IN_CACHE = 1 << 16
"""Samples compared at a time on a CPU: their spectra then stay in its cache."""
SMALLEST_MAGNITUDE = 1e-12
"""Below this a bin has no direction, and gets no gradient."""

KERNELS = "luthier.dsp.spectral_kernels"


class SpectralScales(NamedTuple):
    """What is compared: window sizes, and the epsilon inside the logarithms.

    Attributes:
        windows: samples in each window; each a multiple of 4.
        epsilon: added to both magnitudes, absolute.
        relative_epsilon: if positive, the epsilon of each clip and scale is this part of the target's
            largest magnitude there, and never less than `epsilon`.
    """

    windows: tuple[int, ...] = MSS_WINDOWS
    epsilon: float = MSS_EPSILON
    relative_epsilon: float = 0.0

    @classmethod
    def relative(cls, sample_rate: int = WINDOWS_RATE) -> SpectralScales:
        """The scales of `mss_rel`, which is safe on silence, stretched to a sample rate in Hz."""
        return cls(scaled_windows(sample_rate), relative_epsilon=RELATIVE_EPSILON)


def scaled_windows(sample_rate: int) -> tuple[int, ...]:
    """Window sizes that last about as long at this rate as `MSS_WINDOWS` at 16 kHz; fast FFT lengths.

    Returns:
        Samples, each a power of two or three times one: 44,100 Hz -> 192, 384, ..., 6144.
    """
    ratio = sample_rate / WINDOWS_RATE
    factor = min((1, 1.5, 2, 3, 4, 6, 8), key=lambda candidate: abs(candidate - ratio))
    return tuple(int(window * factor) // OVERLAP * OVERLAP for window in MSS_WINDOWS)


def multi_scale_distance(output: Tensor, target: Tensor, scales: SpectralScales | None = None) -> Tensor:
    """How differently two clips sound, phases ignored: 0 for equal spectra, one number for each clip.

    Args:
        output: (batch, n_samples); gets a gradient.
        target: (batch, n_samples); gets none.
        scales: windows and epsilon; the default is the MSS of the assignment.

    Returns:
        (batch,), summed over the scales.

    Raises:
        ShapeError: the shapes differ, or the clips are empty.

    Source: Wang et al. 2019 and Engel et al. 2020, eq. 4, with the sizes and the epsilon of the assignment.
    """
    if output.shape != target.shape or output.ndim != 2 or output.shape[-1] == 0:
        raise ShapeError(
            f"output {tuple(output.shape)} and target {tuple(target.shape)}: expected two equal (batch, n_samples)."
        )
    return _MultiScaleDistance.apply(output, target, scales or SpectralScales())


class _MultiScaleDistance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, target: Tensor, scales: SpectralScales) -> Tensor:
        gradient = torch.zeros_like(output) if output.requires_grad else None
        distance = output.new_empty(len(output))
        n_clips = len(output) if output.is_cuda else max(1, SAMPLES_IN_CACHE // output.shape[-1])
        for start in range(0, len(output), n_clips):
            clips = slice(start, start + n_clips)
            wanted_gradient = None if gradient is None else gradient[clips]
            distance[clips] = _compare(output[clips], target[clips], scales, wanted_gradient)
        ctx.save_for_backward(gradient)
        return distance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outer.unsqueeze(1), None, None


def _compare(output: Tensor, target: Tensor, scales: SpectralScales, gradient: Tensor | None) -> Tensor:
    """Distance of a few clips, (batch,); its derivative is added to `gradient`, if there is one."""
    distance = output.new_zeros(len(output))
    for window in scales.windows:
        spectrum = stft(output, n_fft=window, hop_length=window // OVERLAP)
        wanted = _magnitude(stft(target, n_fft=window, hop_length=window // OVERLAP))
        epsilon = _epsilon(wanted, scales)
        if gradient is None:
            distance += _distance(_magnitude(spectrum), wanted, epsilon)
        else:
            distance += _distance_and_slope(spectrum, wanted, epsilon)
            gradient += _to_samples(spectrum, output.shape[-1])
    return distance


def _magnitude(spectrum: Tensor) -> Tensor:
    """Absolute value, three times as fast as torch's, which guards against overflow at 1e19."""
    return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag).sqrt_()


def _epsilon(wanted: Tensor, scales: SpectralScales) -> Tensor:
    """(batch, 1, 1)."""
    loudest = wanted.amax(dim=(1, 2), keepdim=True)
    return (loudest * scales.relative_epsilon).clamp_min(scales.epsilon)


def _distance(magnitude: Tensor, wanted: Tensor, epsilon: Tensor) -> Tensor:
    linear = (magnitude - wanted).abs_().mean(dim=(1, 2))
    ratio = (magnitude + epsilon).div_(wanted + epsilon)
    return linear + ratio.log_().abs_().mean(dim=(1, 2))


def _distance_and_slope(spectrum: Tensor, wanted: Tensor, epsilon: Tensor) -> Tensor:
    """`_distance`, and the spectrum becomes its derivative by the bins, but for the 1 / n of the mean."""
    if spectrum.dtype == torch.complex64 and spectrum.device.type == "cpu" and kernels(KERNELS):
        distance = wanted.new_empty(len(wanted))
        arrays = torch.view_as_real(spectrum).flatten(2), wanted, epsilon.flatten(), distance
        in_parts(kernels(KERNELS).distance_and_slope, len(wanted), *arrays)
        return distance
    magnitude = _magnitude(spectrum)
    distance = _distance(magnitude, wanted, epsilon)
    pull = (magnitude + epsilon).reciprocal_().add_(1.0).mul_((magnitude - wanted).sign_())
    spectrum.mul_(pull.div_(magnitude.clamp_min_(SMALLEST_MAGNITUDE)))
    return distance


def _to_samples(slope: Tensor, n_samples: int) -> Tensor:
    """What `_distance_and_slope` left, mean taken, as derivative by the samples, (batch, n_samples)."""
    n_fft, n_values = 2 * (slope.shape[-1] - 1), slope.shape[1] * slope.shape[2]
    slope[..., :: slope.shape[-1] - 1] *= 2.0  # every bin between the ends stands for two in the inverse transform
    frames = torch.fft.irfft(slope, n=n_fft, norm="forward")
    frames.mul_(hann_window(n_fft, frames.dtype, frames.device) * (0.5 / n_values))
    return _unreflect(_overlap_add(frames), n_samples, n_fft // 2)


def _overlap_add(frames: Tensor) -> Tensor:
    """(batch, n_frames, n_fft) with a hop of a quarter to (batch, (n_frames + 3) * n_fft / 4)."""
    batch, n_frames, n_fft = frames.shape
    quarters = frames.view(batch, n_frames, OVERLAP, n_fft // OVERLAP)
    total = frames.new_zeros(batch, n_frames + OVERLAP - 1, n_fft // OVERLAP)
    for quarter in range(OVERLAP):
        total[:, quarter : quarter + n_frames] += quarters[:, :, quarter]
    return total.flatten(1)


def _unreflect(padded: Tensor, n_samples: int, n_edge: int) -> Tensor:
    """Give what fell on the mirrored edges back to the samples they mirror: the transpose of the padding."""
    n_filled = max(n_samples, n_edge + 1)
    padded = F.pad(padded, (0, max(0, n_filled + 2 * n_edge - padded.shape[-1])))
    inner = padded[:, n_edge : n_edge + n_filled].clone()
    inner[:, 1 : n_edge + 1] += padded[:, :n_edge].flip(-1)
    inner[:, n_filled - 1 - n_edge : n_filled - 1] += padded[:, n_edge + n_filled : n_filled + 2 * n_edge].flip(-1)
    return inner[:, :n_samples]
