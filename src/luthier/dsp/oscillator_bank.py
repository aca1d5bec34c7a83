"""Summing hundreds of sines without ever keeping them: the inner loop of the harmonic synthesiser.

A span is the stretch of hop_length samples between two frames. All harmonics of a sample follow from
sin and cos of its phase by the addition theorem, doubling the number of known harmonics at every step:

    known 1..m  ->  sin((m + i) p) = sin(m p) cos(i p) + cos(m p) sin(i p)      i = 1..m

Both ends of a span weigh the same sines, so forward and backward are inner products with a
(n_harmonics, hop_length) table that lives in cache for a few spans at a time and is then overwritten.
Training in float32 on a CPU takes compiled loops instead, where numba is installed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from luthier.dsp.kernels import in_parts, kernels

CHUNK_ELEMENTS = {"cpu": 1 << 18, "cuda": 1 << 26}
"""Sines computed at a time: on a CPU what its second-level cache holds, on a GPU what keeps it busy."""

KERNELS = "luthier.dsp.oscillator_kernels"


def oscillator_bank(phase: Tensor, frame_amplitudes: Tensor, n_audible: Tensor) -> Tensor:
    """Sum sines of whole multiples of a phase, their amplitudes gliding from frame to frame.

    Args:
        phase: (batch * n_spans, hop_length), radians, float64; gets no gradient.
        frame_amplitudes: (batch, n_spans + 1, n_harmonics), amplitudes at the ends of the spans.
        n_audible: (batch * n_spans,), the highest harmonic number that may sound in each span.

    Returns:
        (batch, n_spans * hop_length), the dtype of the amplitudes.

    Source: Engel et al. 2020, eq. 1-3, for the sum; the addition theorem, recomputation in the
    backward pass and the work in order of the number of audible harmonics are ours.
    """
    trains_on_cpu = frame_amplitudes.requires_grad and torch.is_grad_enabled() and frame_amplitudes.device.type == "cpu"
    if trains_on_cpu and frame_amplitudes.dtype == torch.float32 and kernels(KERNELS):
        return _CompiledBank.apply(phase, frame_amplitudes, n_audible)
    return _OscillatorBank.apply(phase, frame_amplitudes, n_audible)


class _CompiledBank(torch.autograd.Function):
    """Rows in their own order: compiled loops take each as far as its own harmonics reach."""

    @staticmethod
    def forward(ctx: Any, phase: Tensor, frame_amplitudes: Tensor, n_audible: Tensor) -> Tensor:
        sine, cosine = phase.sin().float(), phase.cos().float()
        counts = n_audible.clamp(1, frame_amplitudes.shape[-1]).long()
        audio = torch.empty_like(sine)
        in_parts(kernels(KERNELS).sum_of_sines, len(sine), sine, cosine, frame_amplitudes.contiguous(), counts, audio)
        ctx.save_for_backward(sine, cosine, counts)
        ctx.frames_shape = frame_amplitudes.shape
        return audio.view(len(frame_amplitudes), -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        sine, cosine, counts = ctx.saved_tensors
        ends = sine.new_zeros(len(sine), 2, ctx.frames_shape[-1])
        outer = gradient.reshape(sine.shape).contiguous()
        in_parts(kernels(KERNELS).gradient_of_amplitudes, len(sine), sine, cosine, outer, counts, ends)
        return None, _to_frames(ends, ctx.frames_shape), None


class _OscillatorBank(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, phase: Tensor, frame_amplitudes: Tensor, n_audible: Tensor) -> Tensor:
        order = torch.argsort(n_audible)
        chunks = _chunks(n_audible[order], frame_amplitudes.shape[-1], phase.shape[-1])
        sine, cosine = _ordered_base(phase, order, frame_amplitudes.dtype)
        ends = _span_ends(frame_amplitudes)[order]  # (n_rows, 2, n_harmonics)
        rising, audio = _rising(phase.shape[-1], ends), torch.empty_like(sine)
        for rows, n_harmonics in chunks:
            sines = _harmonics(sine[rows], cosine[rows], n_harmonics)
            both = torch.bmm(ends[rows, :, :n_harmonics], sines.transpose(0, 1))  # (rows, 2, hop)
            torch.lerp(both[:, 0], both[:, 1], rising, out=audio[rows])
        ctx.save_for_backward(sine, cosine, order)
        ctx.chunks, ctx.frames_shape = chunks, frame_amplitudes.shape
        return torch.empty_like(audio).index_copy_(0, order, audio).view(len(frame_amplitudes), -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        sine, cosine, order = ctx.saved_tensors
        outer = gradient.reshape(sine.shape)[order]
        rising = _rising(sine.shape[-1], outer)
        weights = torch.stack([1.0 - rising, rising])  # (2, hop)
        ends = outer.new_zeros(len(outer), 2, ctx.frames_shape[-1])
        for rows, n_used in ctx.chunks:
            sines = _harmonics(sine[rows], cosine[rows], n_used)
            ends[rows, :, :n_used] = torch.bmm(outer[rows].unsqueeze(1) * weights, sines.permute(1, 2, 0))
        return None, _to_frames(torch.empty_like(ends).index_copy_(0, order, ends), ctx.frames_shape), None


def _ordered_base(phase: Tensor, order: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Sine and cosine of the fundamental, in working order, rounded once from double precision."""
    ordered = phase[order]
    return ordered.sin().to(dtype), ordered.cos_().to(dtype)


def _span_ends(frame_amplitudes: Tensor) -> Tensor:
    """(batch, n_spans + 1, n) to (batch * n_spans, 2, n): the amplitudes at both ends of each span."""
    return torch.stack([frame_amplitudes[:, :-1], frame_amplitudes[:, 1:]], dim=2).flatten(0, 1)


def _to_frames(ends: Tensor, shape: torch.Size) -> Tensor:
    """(batch * n_spans, 2, n) at the ends of spans to (batch, n_spans + 1, n) at the frames, where two spans meet."""
    spans = ends.view(shape[0], shape[1] - 1, 2, shape[2])
    frames = spans.new_zeros(shape)
    frames[:, :-1] += spans[:, :, 0]
    frames[:, 1:] += spans[:, :, 1]
    return frames


def _rising(hop_length: int, like: Tensor) -> Tensor:
    return torch.arange(hop_length, dtype=like.dtype, device=like.device) / hop_length


def _chunks(n_audible: Tensor, n_harmonics: int, hop_length: int) -> list[tuple[slice, int]]:
    """Cut rows sorted by their number of audible harmonics into slices that need about equal space."""
    budget = CHUNK_ELEMENTS.get(n_audible.device.type, CHUNK_ELEMENTS["cuda"])
    counts = n_audible.clamp(1, n_harmonics).to(torch.int64).tolist()
    chunks, start = [], 0
    while start < len(counts):
        rows = max(1, budget // (hop_length * counts[start]))
        rows = max(1, min(rows, budget // (hop_length * counts[min(start + rows, len(counts)) - 1])))
        stop = min(start + rows, len(counts))
        chunks.append((slice(start, stop), counts[stop - 1]))
        start = stop
    return chunks


def _harmonics(sine: Tensor, cosine: Tensor, n_harmonics: int) -> Tensor:
    """(rows, hop) sine and cosine of the fundamental to (n_harmonics, rows, hop) sines."""
    sines = sine.new_empty(n_harmonics, *sine.shape)
    cosines = torch.empty_like(sines[: 1 << max(0, (n_harmonics - 1).bit_length() - 1)])  # all but the last doubling's
    sines[0], cosines[0] = sine, cosine
    known = 1
    while known < n_harmonics:
        more = min(known, n_harmonics - known)
        top_sine, top_cosine = sines[known - 1], cosines[known - 1]
        new = sines[known : known + more]
        torch.mul(cosines[:more], top_sine, out=new).addcmul_(sines[:more], top_cosine)
        n_cosines = min(more, len(cosines) - known)
        if n_cosines > 0:
            new = cosines[known : known + n_cosines]
            torch.mul(cosines[:n_cosines], top_cosine, out=new).addcmul_(sines[:n_cosines], top_sine, value=-1)
        known += more
    return sines
