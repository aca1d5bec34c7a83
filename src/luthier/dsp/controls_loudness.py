"""How loud controls sound, and controls as loud as wanted: without playing a sample.

harmonics: a_k^2 / 2 at k f0 --.
                               +--> x A-weighting, summed --> dB
noise: n(f)^2 / 3 over f ------'
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from luthier.dsp.a_weighting import a_weighting_power
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Controls
from luthier.units import db_to_amplitude, power_to_db

SINE_POWER = 1.0 / 2.0
"""Of a sine whose peak is 1."""
UNIFORM_POWER = 1.0 / 3.0
"""Of white noise, uniform in [-1, 1]."""
HANN_POWER = 3.0 / 8.0
"""Mean square of a periodic Hann window."""
SOFTER_DB, LOUDER_DB = -160.0, 80.0
"""As far as a level can be moved: what is silent does not become loud."""


def controls_loudness_db(controls: Controls, definition: FeatureDefinition) -> Tensor:
    """Say what loudness would be measured if controls were played, dry, and held for a window.

    Args:
        controls: (batch, n_frames, ...) each.
        definition: of loudness: weighted or not, and how long its windows are.

    Returns:
        (batch, n_frames, 1), dB as `loudness_db` or `rms_power_db` measure them, but without their floor. f0 gets no
        gradient.

    Source: Parseval's theorem; the A-weighting as in `a_weighting_power`.
    """
    strengths = controls.amplitude * controls.harmonic_distribution
    tone, noise = SINE_POWER * strengths.square(), UNIFORM_POWER * controls.noise_magnitudes.square()
    if definition.loudness == "rms":
        return power_to_db(tone.sum(dim=-1, keepdim=True) + noise.mean(dim=-1, keepdim=True))
    numbers = torch.arange(1, strengths.shape[-1] + 1).to(strengths)
    bands_hz = torch.linspace(0.0, definition.sample_rate / 2, noise.shape[-1]).to(strengths)
    weighted = (tone * a_weighting_power(controls.f0_hz.detach() * numbers)).sum(dim=-1, keepdim=True)
    weighted = weighted + (noise * a_weighting_power(bands_hz)).mean(dim=-1, keepdim=True)
    # The mean over the bins of a power spectrum is the sum over the window's squared samples.
    return power_to_db(weighted) + 10.0 * math.log10(HANN_POWER * definition.loudness_n_fft)


def with_loudness(controls: Controls, wanted_db: Tensor, definition: FeatureDefinition) -> Controls:
    """Play controls as loud as wanted; their timbre stays.

    Args:
        controls: (batch, n_frames, ...) each.
        wanted_db: (batch, n_frames, 1), dB.
        definition: of loudness.

    Returns:
        Controls whose `controls_loudness_db` is as wanted, unless that is 80 dB louder or 160 dB softer than they were.
    """
    gain_db = wanted_db - controls_loudness_db(controls, definition)
    gain = db_to_amplitude(gain_db.clamp(SOFTER_DB, LOUDER_DB))
    return controls._replace(amplitude=gain * controls.amplitude, noise_magnitudes=gain * controls.noise_magnitudes)
