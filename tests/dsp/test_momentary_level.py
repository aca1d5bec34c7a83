from __future__ import annotations

import pytest
import torch
from torch import Tensor

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.momentary_level import momentary_level_db
from luthier.errors import ShapeError
from luthier.features.extract import LOUDNESSES
from luthier.units import db_to_power

DEFINITIONS = [
    FeatureDefinition(loudness_n_fft=1024),
    FeatureDefinition(loudness_n_fft=2048),
    FeatureDefinition(loudness="rms", loudness_n_fft=1024),
    FeatureDefinition(sample_rate=44100, hop_length=441, loudness_n_fft=1024),
]


def measured_db(audio: Tensor, definition: FeatureDefinition) -> Tensor:
    return LOUDNESSES[definition.loudness](
        audio,
        sample_rate=definition.sample_rate,
        hop_length=definition.hop_length,
        n_fft=definition.loudness_n_fft,
        floor_db=definition.loudness_floor_db,
    )


def note(definition: FeatureDefinition, *, begins: int, ends: int, n_frames: int = 100) -> Tensor:
    """A sine of 1 kHz that sounds from one frame to another: (1, n_samples)."""
    time = torch.arange(n_frames * definition.hop_length)
    is_on = (time >= begins * definition.hop_length) & (time < ends * definition.hop_length)
    return (torch.sin(2 * torch.pi * 1000.0 / definition.sample_rate * time) * is_on)[None]


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_note_begins_and_ends_where_it_does(definition: FeatureDefinition) -> None:
    level_db = measured_db(note(definition, begins=40, ends=70), definition)
    moments_db = momentary_level_db(level_db, definition)[0, :, 0] - level_db[0, 55, 0]
    heard_early_db = level_db[0, 38, 0] - level_db[0, 55, 0]
    assert heard_early_db > -25.0  # two frames before, the window sees the note
    assert moments_db[38] < heard_early_db - 5.0
    assert moments_db[72] < heard_early_db - 5.0
    assert moments_db[42:69].abs().amax() < 1.5


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_what_is_steady_stays_and_so_does_the_whole(definition: FeatureDefinition) -> None:
    steady = torch.full((2, 50, 1), -20.0)
    assert torch.allclose(momentary_level_db(steady, definition), steady, atol=1e-4)
    level_db = measured_db(note(definition, begins=40, ends=70), definition)
    before, after = (
        db_to_power(values.double()).sum() for values in (level_db, momentary_level_db(level_db, definition))
    )
    assert float(after / before) == pytest.approx(1.0, abs=0.01)


def test_silence_and_single_frames_are_finite() -> None:
    level_db = torch.tensor([-80.0, 40.0, -80.0]).view(1, -1, 1)
    for short in (level_db, level_db[:, :1]):
        assert momentary_level_db(short, FeatureDefinition()).isfinite().all()


def test_another_shape_is_named() -> None:
    with pytest.raises(ShapeError, match=r"\(1, 20\): expected \(batch, n_frames, 1\)"):
        momentary_level_db(torch.zeros(1, 20), FeatureDefinition())
