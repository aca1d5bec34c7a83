from __future__ import annotations

import pytest
import torch

from luthier.dsp.signals import Expression
from luthier.errors import ConfigError
from luthier.model.config import DecoderConfig
from luthier.model.inputs import EXPRESSION_INPUTS, n_channels
from luthier.model.instrument import Instrument
from luthier.model.predictor import Predictor
from luthier.model.statistics import Statistics
from model.small import VIOLIN, constant_features, expressive_features, random_features, small_instrument

EXPRESSIVE = DecoderConfig(inputs=("loudness_z", *EXPRESSION_INPUTS), input_width=4, gru_width=6, output_width=7)


@pytest.fixture
def instrument() -> Instrument:
    return small_instrument(decoder=EXPRESSIVE)


def test_what_is_given_is_played_and_what_is_not_is_predicted(instrument: Instrument) -> None:
    given = expressive_features(20)
    predicted = instrument.expression(given)
    for name in Expression._fields:
        left_out = instrument.controls(given._replace(**{name: None}))
        filled_in = instrument.controls(given._replace(**{name: getattr(predicted, name)}))
        torch.testing.assert_close(left_out, filled_in)
        assert not torch.allclose(left_out.noise_magnitudes, instrument.controls(given).noise_magnitudes)


def test_prediction_does_not_look_at_the_expression_given(instrument: Instrument) -> None:
    torch.manual_seed(0)
    features = expressive_features(20)
    for one, other in zip(
        instrument.expression(features), instrument.expression(features.without_expression()), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("block", [1, 3, 7, 64])
def test_prediction_in_blocks_equals_prediction_at_once(instrument: Instrument, block: int) -> None:
    features = random_features(70)
    whole = instrument.controls(features)
    state, parts = instrument.start(1), []
    for start in range(0, 70, block):
        frames = slice(start, start + block)
        controls, state = instrument.controls_block(features.map(lambda value, frames=frames: value[:, frames]), state)
        parts.append(controls.noise_magnitudes)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole.noise_magnitudes, atol=1e-6, rtol=1e-5)


def test_an_instrument_that_cannot_be_bright_says_so() -> None:
    with pytest.raises(ConfigError, match="pitch and loudness only"):
        small_instrument().expression(random_features(3))


def test_a_predictor_hears_notes_as_finely_as_the_decoder_does() -> None:
    statistics = Statistics()
    statistics.set(VIOLIN)
    coarse, fine = Predictor(("loudness_z",)), Predictor(("loudness_z", "f0_waves"))
    assert fine.gru.input_size == coarse.gru.input_size + n_channels("f0_waves")
    fine.gru.get_parameter("weight_ih_l0").data[:, : coarse.gru.input_size] = 0.0  # deaf to all but the waves
    low, high, octave = (
        fine(constant_features(f0_hz, -20.0, 3), statistics, fine.start(1))[0].warmth_db for f0_hz in (300, 318, 600)
    )
    assert (low - high).abs().min() > 1e-2
    torch.testing.assert_close(octave, low, atol=1e-4, rtol=0.0)


def test_predictions_are_in_physical_units() -> None:
    predictor, statistics = Predictor(), Statistics()
    statistics.set(VIOLIN)
    for parameter in predictor.head.parameters():
        parameter.data.zero_()
    expression, _ = predictor(random_features(4), statistics, predictor.start(1))
    for values, mean in zip(expression, (2.0, -10.0, 5.0, -25.0, 1.0), strict=True):  # of the recordings
        torch.testing.assert_close(values, torch.full((1, 4, 1), mean))
