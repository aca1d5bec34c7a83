"""The harmonic synthesiser: a bank of sines at whole multiples of one gliding fundamental."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.oscillator_bank import oscillator_bank
from luthier.dsp.phase import phase_within_spans, span_phases
from luthier.dsp.scaling import harmonics_below_nyquist
from luthier.dsp.signals import Controls
from luthier.errors import ShapeError
from luthier.units import cycles_to_radians


class HarmonicState(NamedTuple):
    """What one block of the harmonic synthesiser hands to the next.

    Attributes:
        phase_cycles: (batch, 1), float64, phase of the fundamental at the previous frame, in [0, 1).
        previous_f0_hz: (batch, 1, 1), the previous frame's fundamental.
        previous_amplitudes: (batch, 1, n_harmonics), the previous frame's amplitude of each harmonic.
    """

    phase_cycles: Tensor
    previous_f0_hz: Tensor
    previous_amplitudes: Tensor

    @classmethod
    def start(cls, first: Controls, *, sample_rate: int) -> HarmonicState:
        """Stand on the first frame with phase zero, so that the next frame is the second."""
        phase = torch.zeros(len(first.f0_hz), 1, dtype=torch.float64, device=first.f0_hz.device)
        frame = Controls(*(values[:, :1] for values in first))
        return cls(phase, frame.f0_hz, harmonic_amplitudes(frame, sample_rate=sample_rate))


def harmonic_amplitudes(controls: Controls, *, sample_rate: int) -> Tensor:
    """Peak amplitude of each harmonic, zero at and above Nyquist.

    Returns:
        (batch, n_frames, n_harmonics), linear.
    """
    distribution = controls.harmonic_distribution
    audible = harmonics_below_nyquist(controls.f0_hz, distribution.shape[-1], sample_rate)
    return controls.amplitude * distribution * audible


def harmonic_synthesis(
    controls: Controls, state: HarmonicState, *, sample_rate: int, hop_length: int
) -> tuple[Tensor, HarmonicState]:
    """Play sum_k amplitude_k * sin(2 pi k phase), everything gliding linearly between frames.

    A harmonic that crosses Nyquist fades out over the hop in which it does. No gradient flows
    through the phase: `f0_hz` is given, never learned.

    Args:
        controls: the frames after the state's; f0_hz (batch, n_frames, 1),
            harmonic_distribution (batch, n_frames, n_harmonics).
        state: `HarmonicState.start(first frame)` or what the last block returned.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.

    Returns:
        Audio (batch, n_frames * hop_length), leading from the state's frame up to the last
        given one, and the new state.

    Raises:
        ShapeError: the frames of the controls do not have the same count.

    Source: Engel et al. 2020, section 3.1, with linear instead of nearest interpolation.
    """
    if controls.f0_hz.shape[:2] != controls.harmonic_distribution.shape[:2]:
        raise ShapeError(
            f"f0_hz has {tuple(controls.f0_hz.shape[:2])} (batch, frames) and harmonic_distribution "
            f"{tuple(controls.harmonic_distribution.shape[:2])}: expected the same."
        )
    amplitudes = harmonic_amplitudes(controls, sample_rate=sample_rate)
    frame_amplitudes = torch.cat([state.previous_amplitudes, amplitudes], dim=1)  # (batch, n_frames + 1, n_harmonics)
    f0_hz = torch.cat([state.previous_f0_hz, controls.f0_hz], dim=1)[..., 0].detach()
    starts, end = span_phases(f0_hz, state.phase_cycles, sample_rate=sample_rate, hop_length=hop_length)
    cycles = phase_within_spans(
        starts.flatten(),
        f0_hz[:, :-1].flatten(),
        f0_hz[:, 1:].flatten(),
        sample_rate=sample_rate,
        hop_length=hop_length,
    )
    lowest_hz = torch.minimum(f0_hz[:, :-1], f0_hz[:, 1:])
    n_audible = (sample_rate / 2 / lowest_hz.clamp_min(1e-3)).ceil()  # nothing above this number can sound
    audio = oscillator_bank(cycles_to_radians(cycles), frame_amplitudes, n_audible.flatten())
    return audio, HarmonicState(end, controls.f0_hz[:, -1:], amplitudes[:, -1:])
