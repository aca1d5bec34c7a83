"""The phase of a gliding tone, exact for as long as it sounds."""

from __future__ import annotations

import torch
from torch import Tensor


def span_phases(f0_hz: Tensor, start_cycles: Tensor, *, sample_rate: int, hop_length: int) -> tuple[Tensor, Tensor]:
    """Add up whole spans: the phase at every frame of a tone that glides linearly between frames.

    Args:
        f0_hz: (batch, n_spans + 1), Hz, the frames that bound the spans.
        start_cycles: (batch, 1), float64, the phase at the first frame.
        sample_rate: Hz.
        hop_length: samples in a span.

    Returns:
        The phase at the start of each span, (batch, n_spans), and after the last, (batch, 1);
        float64 cycles in [0, 1).

    Source: the integral of a straight line. Double precision and wrapping keep harmonic 20 exact
    for hours, where a float32 running sum is audibly off within seconds.
    """
    f0_hz = f0_hz.double()
    advances = (f0_hz[:, :-1] + f0_hz[:, 1:]) * (0.5 * hop_length / sample_rate)
    bounds = torch.cat([start_cycles, start_cycles + advances.cumsum(dim=1)], dim=1)
    bounds = bounds - bounds.floor()
    return bounds[:, :-1], bounds[:, -1:]


def phase_within_spans(
    span_cycles: Tensor, start_hz: Tensor, end_hz: Tensor, *, sample_rate: int, hop_length: int
) -> Tensor:
    """Follow the phase through the samples of spans, each gliding linearly from start to end.

    Args:
        span_cycles: (n_spans,), float64 cycles at the first sample of each span.
        start_hz: (n_spans,), Hz at the first sample.
        end_hz: (n_spans,), Hz one sample after the last.
        sample_rate: Hz.
        hop_length: samples in a span.

    Returns:
        (n_spans, hop_length), float64 cycles in [-0.5, 0.5].
    """
    position = torch.arange(hop_length, dtype=torch.float64, device=span_cycles.device)
    start = (start_hz.double() / sample_rate).unsqueeze(1)
    bend = ((end_hz.double() - start_hz.double()) / (2.0 * hop_length * sample_rate)).unsqueeze(1)
    cycles = torch.addcmul(start, bend, position).mul_(position).add_(span_cycles.unsqueeze(1))
    return cycles.sub_(cycles.round())
