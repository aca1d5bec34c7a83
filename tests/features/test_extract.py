from __future__ import annotations

import torch

from features.tones import tone, vibrato
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.features.extract import extract_features
from luthier.features.loudness import loudness_db, rms_power_db
from luthier.features.pitch import track_pitch


def test_every_part_of_the_definition_counts() -> None:
    audio = tone(vibrato(440.0, 0.5))
    definition = FeatureDefinition(
        hop_length=64, tracker="swift", f0_min_hz=100.0, f0_max_hz=1000.0, loudness_n_fft=512, loudness_floor_db=-60.0
    )
    features = extract_features(audio, definition)
    rates = {"sample_rate": 16000, "hop_length": 64}
    pitch = track_pitch(audio, tracker="swift", f0_min_hz=100.0, f0_max_hz=1000.0, **rates)
    torch.testing.assert_close(features.f0_hz, pitch.f0_hz)
    torch.testing.assert_close(features.periodicity, pitch.periodicity)
    torch.testing.assert_close(features.loudness_db, loudness_db(audio, n_fft=512, floor_db=-60.0, **rates))


def test_rms_is_measured_where_the_definition_says_so() -> None:
    audio = tone(vibrato(440.0, 0.2))
    features = extract_features(audio, FeatureDefinition(tracker="swift", loudness="rms"))
    torch.testing.assert_close(features.loudness_db, rms_power_db(audio, sample_rate=16000, hop_length=160))
