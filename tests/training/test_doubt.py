from __future__ import annotations

import torch

from luthier.data.dataset import Dataset
from luthier.training.doubt import doubt_pitch
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build
from luthier.units import hz_to_octaves
from model.small import constant_features, small_instrument


def test_each_clip_is_off_by_an_interval_of_its_own() -> None:
    torch.manual_seed(0)
    features = constant_features(440.0, -20.0, 5, batch=200)
    told = doubt_pitch(features, 1.5)
    semitones = 12.0 * hz_to_octaves(told.f0_hz / features.f0_hz)
    assert torch.allclose(semitones, semitones[:, :1].expand(-1, 5, -1), atol=1e-4)
    assert -1.5 <= semitones.min() < -1.3
    assert 1.3 < semitones.max() <= 1.5
    assert torch.equal(told.loudness_db, features.loudness_db)


def test_what_is_played_keeps_its_pitch() -> None:
    instrument = small_instrument(synths=[{"kind": "harmonic"}])
    right, told = (constant_features(f0_hz, -20.0, 3) for f0_hz in (3000.0, 1000.0))
    controls = instrument.controls(told, right.f0_hz)
    assert torch.equal(controls.f0_hz, right.f0_hz)
    assert (controls.harmonic_distribution[0, 0] > 0).tolist() == [True, True, False, False, False]  # below 8 kHz
    told_only = instrument.controls(told)
    assert torch.allclose(controls.amplitude, told_only.amplitude)


def test_a_step_is_played_with_the_right_pitch_by_a_network_that_is_told_another(dataset: Dataset) -> None:
    told: list[torch.Tensor] = []
    tables = settings_tables("fast", overrides={"steps": 1, "start": "", "pitch_doubt": 2.0})
    module, batches = build(dataset, resolve_settings(tables, dataset.definition))
    instrument, batch = module.instrument, batches[0]
    instrument.decoder.register_forward_pre_hook(lambda _, heard: told.append(heard[0].f0_hz))
    played: list[torch.Tensor] = []
    dry = instrument.dry
    instrument.dry = lambda controls, noise: (played.append(controls.f0_hz), dry(controls, noise))[1]
    module.play_share(batch)
    assert torch.equal(played[0], batch.features.f0_hz)
    assert len(hz_to_octaves(told[0] / played[0])[:, 0].unique()) == len(batch.audio)
