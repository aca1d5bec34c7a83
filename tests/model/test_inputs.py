from __future__ import annotations

import pytest
import torch

from luthier.dsp.signals import Expression, Features
from luthier.errors import ConfigError
from luthier.model.inputs import INPUT_NAMES, n_channels, require_input, scaled_inputs
from luthier.model.statistics import Statistics
from model.small import VIOLIN, constant_features, expressive_features


@pytest.fixture
def statistics() -> Statistics:
    statistics = Statistics()
    statistics.set(VIOLIN)
    return statistics


@pytest.mark.parametrize(
    ("name", "f0_hz", "loudness_db", "expected"),
    [
        ("f0_hz", 440.0, -20.0, 440.0),
        ("f0_midi_unit", 440.0, -20.0, 69 / 127),
        ("f0_octaves_z", 1024.0, -20.0, 2.0),
        ("loudness_z", 440.0, -22.0, 1.0),
        ("loudness_unit", 440.0, -20.0, 0.75),
        ("loudness_unit", 440.0, -80.0, 0.0),
        ("periodicity", 440.0, -20.0, 1.0),
    ],
)
def test_known_values(statistics: Statistics, name: str, f0_hz: float, loudness_db: float, expected: float) -> None:
    scaled = scaled_inputs([name], constant_features(f0_hz, loudness_db, 3), statistics)[0]
    assert scaled.flatten().tolist() == pytest.approx([expected] * 3, abs=1e-6)


def test_waves_tell_notes_apart_and_repeat_with_every_octave(statistics: Statistics) -> None:
    quarter, octave, tone = (
        scaled_inputs(["f0_waves"], constant_features(f0_hz, -20.0, 1), statistics)[0].flatten()
        for f0_hz in (512.0 * 2**0.25, 1024.0 * 2**0.25, 512.0 * 2 ** (0.25 + 1 / 6))
    )
    assert quarter.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0, -1.0, 1.0], abs=1e-5)  # 1/4, 1/2 and 1 of a wave
    torch.testing.assert_close(octave, quarter, atol=1e-5, rtol=0.0)
    assert (tone - quarter).norm() > 1.0


@pytest.mark.parametrize("name", INPUT_NAMES)
def test_every_input_has_as_many_numbers_a_frame_as_it_says(statistics: Statistics, name: str) -> None:
    scaled = scaled_inputs([name], expressive_features(4, batch=2), statistics)[0]
    assert scaled.shape == (2, 4, n_channels(name))


@pytest.mark.parametrize("name", INPUT_NAMES)
def test_every_input_is_finite_where_there_is_no_pitch_and_no_sound(statistics: Statistics, name: str) -> None:
    silence = Features(
        *(torch.tensor([[[value]]]) for value in (0.0, 0.0, -1000.0, *[-1000.0] * len(Expression._fields)))
    )
    assert torch.isfinite(scaled_inputs([name], silence, statistics)[0]).all()


@pytest.mark.parametrize("name", ["f0_octaves_z", "loudness_z"])
def test_no_outlier_is_further_than_ten_deviations(statistics: Statistics, name: str) -> None:
    for extreme in (constant_features(1e30, 1e6, 1), constant_features(0.0, -1e6, 1)):
        assert float(scaled_inputs([name], extreme, statistics)[0].abs()) == 10.0


def test_expression_is_counted_in_deviations_of_the_training_notes_and_limited(statistics: Statistics) -> None:
    values = torch.tensor([[[1.0], [2.0], [1e6]]])
    features = constant_features(440.0, -20.0, 3)._replace(brightness_octaves=values)
    scaled = scaled_inputs(["brightness_z"], features, statistics)[0].flatten().tolist()
    assert scaled[1:] == pytest.approx([0.0, 4.0], abs=1e-5)
    assert -1.8 < scaled[0] < -1.6  # the lower end of an even spread lies the root of three deviations below its middle


def test_an_unknown_input_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'pitch', expected some of .*loudness_z"):
        require_input("pitch")
