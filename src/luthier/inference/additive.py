"""The additive synthesiser as an ordinary synthesiser: control curves in, audio out, no network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.rendering import render_harmonic
from luthier.dsp.scaling import modified_sigmoid, normalise_harmonics
from luthier.dsp.signals import Controls
from luthier.errors import RangeError, ShapeError

DIARY_FRAMES, DIARY_HARMONICS, DIARY_HOP, DIARY_RATE, DIARY_HZ = 1000, 20, 64, 16000, 440.0


class ControlCurves(NamedTuple):
    """What an additive synthesiser is told, before any scaling.

    Attributes:
        f0_hz: (n_frames,), Hz.
        amplitude: (n_frames,), any real numbers; scaled by `modified_sigmoid`.
        harmonics: (n_frames, n_harmonics), any real numbers; scaled, then normalised.
    """

    f0_hz: Tensor
    amplitude: Tensor
    harmonics: Tensor


def diary_curves(f0_hz: float = DIARY_HZ, n_harmonics: int = DIARY_HARMONICS) -> ControlCurves:
    """The demonstration of the clarinet diary: a falling amplitude over falling harmonics.

    1,000 frames; amplitude from 1 to -3 over time, harmonics from 1 to -1 over their number.

    Raises:
        RangeError: the frequency is not positive, or there is no harmonic.
    """
    if f0_hz <= 0 or n_harmonics < 1:
        raise RangeError(f"f0 {f0_hz} Hz with {n_harmonics} harmonics: expected a positive pitch and at least one.")
    return ControlCurves(
        torch.full((DIARY_FRAMES,), f0_hz),
        torch.linspace(1.0, -3.0, DIARY_FRAMES),
        torch.linspace(1.0, -1.0, n_harmonics).expand(DIARY_FRAMES, -1),
    )


def additive(curves: ControlCurves, *, sample_rate: int = DIARY_RATE, hop_length: int = DIARY_HOP) -> Tensor:
    """Play control curves.

    Args:
        curves: see `ControlCurves`.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.

    Returns:
        (1, n_frames * hop_length).

    Raises:
        ShapeError: the curves differ in length or are empty.
        RangeError: a value is not finite, a pitch is not positive, or no harmonic lies below half the sample rate.
    """
    lengths = {len(curve) for curve in curves}
    if len(lengths) != 1 or 0 in lengths or curves.harmonics.ndim != 2:
        raise ShapeError(f"curves have {sorted(lengths)} frames: expected one common length of at least 1.")
    if not all(torch.isfinite(curve).all() for curve in curves):
        raise RangeError("a control curve holds NaN or infinite values: expected finite numbers.")
    if float(curves.f0_hz.min()) <= 0:
        raise RangeError(
            f"f0 of {float(curves.f0_hz.min()):g} Hz: expected a pitch above 0 Hz in every frame. Silence is a low amplitude."
        )
    if float(curves.f0_hz.min()) >= sample_rate / 2:
        raise RangeError(
            f"f0 of {float(curves.f0_hz.min()):g} Hz: expected less than {sample_rate / 2:g} Hz, half the sample rate."
        )
    f0_hz = curves.f0_hz.view(1, -1, 1)
    distribution = normalise_harmonics(modified_sigmoid(curves.harmonics).unsqueeze(0), f0_hz, sample_rate)
    amplitude = modified_sigmoid(curves.amplitude).view(1, -1, 1)
    controls = Controls(f0_hz, amplitude, distribution, torch.zeros(1, len(curves.f0_hz), 2))
    return render_harmonic(controls, sample_rate=sample_rate, hop_length=hop_length)
