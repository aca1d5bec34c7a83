from __future__ import annotations

import pytest
import torch

from luthier.dsp.controls_loudness import LOUDER_DB, controls_loudness_db, with_loudness
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.rendering import render_dry
from luthier.dsp.signals import Controls
from luthier.features.loudness import loudness_db, rms_power_db

DEFINITIONS = [
    FeatureDefinition(loudness_n_fft=1024),
    FeatureDefinition(loudness_n_fft=2048, sample_rate=44100, hop_length=441),
    FeatureDefinition(loudness="rms"),
]


def steady(amplitude: float, noise: float, f0_hz: float = 330.0, n_frames: int = 60) -> Controls:
    frames = torch.ones(1, n_frames, 1)
    distribution = torch.tensor([0.5, 0.2, 0.3, 0.0]).expand(1, n_frames, 4)
    return Controls(f0_hz * frames, amplitude * frames, distribution, torch.full((1, n_frames, 65), noise))


@pytest.mark.parametrize("definition", DEFINITIONS, ids=["64 ms", "128 ms at 44.1 kHz", "rms"])
@pytest.mark.parametrize(("amplitude", "noise"), [(0.3, 0.0), (0.0, 0.02), (0.1, 0.05)])
def test_it_is_the_loudness_that_is_measured_in_what_is_played(
    definition: FeatureDefinition, amplitude: float, noise: float
) -> None:
    controls, rates = steady(amplitude, noise), definition.model_dump(include={"sample_rate", "hop_length"})
    hiss = torch.rand(1, 60 * definition.hop_length, generator=torch.Generator().manual_seed(0)) * 2 - 1
    measure = rms_power_db if definition.loudness == "rms" else loudness_db
    heard = measure(sum(render_dry(controls, hiss, **rates)), n_fft=definition.loudness_n_fft, **rates)[:, 10:50]
    promised = controls_loudness_db(controls, definition)[:, 10:50]
    assert float(10 * torch.log10((10 ** (heard / 10)).mean())) == pytest.approx(float(promised.mean()), abs=0.3)


def test_controls_become_as_loud_as_wanted_and_keep_their_timbre() -> None:
    controls, wanted_db = steady(0.1, 0.05), torch.linspace(-80.0, 0.0, 60).view(1, -1, 1)
    louder = with_loudness(controls, wanted_db, DEFINITIONS[0])
    torch.testing.assert_close(controls_loudness_db(louder, DEFINITIONS[0]), wanted_db, atol=1e-3, rtol=0)
    assert torch.equal(louder.harmonic_distribution, controls.harmonic_distribution)
    ratio = controls.noise_magnitudes / controls.amplitude
    torch.testing.assert_close(louder.noise_magnitudes / louder.amplitude, ratio)


def test_silence_does_not_become_loud_and_sound_can_fall_silent() -> None:
    silence, wanted_db = steady(0.0, 0.0), torch.zeros(1, 60, 1)
    assert not with_loudness(silence, wanted_db, DEFINITIONS[0]).noise_magnitudes.any()
    faint = steady(0.0, 1e-7)
    raised_db = controls_loudness_db(with_loudness(faint, wanted_db, DEFINITIONS[0]), DEFINITIONS[0])
    assert float(raised_db.max()) <= float(controls_loudness_db(faint, DEFINITIONS[0]).max()) + LOUDER_DB + 1e-3
    assert float(with_loudness(steady(0.5, 0.1), wanted_db - 120.0, DEFINITIONS[0]).amplitude.max()) < 1e-6


def test_the_level_of_a_pitch_is_not_learned() -> None:
    controls = steady(0.1, 0.05)
    controls = controls._replace(f0_hz=controls.f0_hz.requires_grad_(), amplitude=controls.amplitude.requires_grad_())
    controls_loudness_db(controls, DEFINITIONS[0]).sum().backward()
    assert controls.f0_hz.grad is None
    assert (controls.amplitude.grad > 0).all()
