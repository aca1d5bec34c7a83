from __future__ import annotations

import pytest
import torch
from torch import Tensor

from luthier.dsp.signals import Expression, Features
from luthier.errors import RangeError
from luthier.inference.expression_fit import fit_expression, match_quantiles
from luthier.model.config import DecoderConfig
from luthier.model.instrument import Instrument
from model.small import small_instrument

EXPRESSIVE = DecoderConfig(inputs=("loudness_z", "brightness_z"), input_width=4, gru_width=6, output_width=7)
N_FRAMES = 200


@pytest.fixture
def instrument() -> Instrument:
    """Predicts a brightness that rises with the loudness."""
    return small_instrument(decoder=EXPRESSIVE)


def notes(instrument: Instrument, brightness: Tensor | None = None) -> Features:
    frames = torch.linspace(0, 6, N_FRAMES).view(1, -1, 1)
    features = Features(torch.full_like(frames, 440.0), torch.ones_like(frames), -30.0 + 8.0 * frames.sin())
    own = instrument.expression(features).brightness_octaves if brightness is None else brightness
    others = dict.fromkeys(Expression._fields, torch.linspace(-9, -3, N_FRAMES).view(1, -1, 1))
    return features._replace(**others | {"brightness_octaves": 100.0 * own + 5.0})


@torch.no_grad()
def test_brightness_that_goes_with_the_instruments_own_is_taken_over(instrument: Instrument) -> None:
    features, source = fit_expression(notes(instrument), instrument)
    assert source == "input"
    assert features.brightness_octaves is not None
    wanted = instrument.statistics.quantiles_of("brightness_octaves")
    found = torch.quantile(features.brightness_octaves, torch.linspace(0, 1, 11))
    # 200 frames say quantiles to a few hundredths, and the ends are single frames
    torch.testing.assert_close(found[1:-1], wanted[10:-10:10], atol=0.05, rtol=0)


@torch.no_grad()
def test_brightness_that_says_nothing_about_the_instrument_is_predicted(instrument: Instrument) -> None:
    vowels = torch.randn(1, N_FRAMES, 1, generator=torch.Generator().manual_seed(1))
    measured = notes(instrument, vowels)
    features, source = fit_expression(measured, instrument)
    assert source == "predict"
    assert features.brightness_octaves is not None
    torch.testing.assert_close(features.brightness_octaves, instrument.expression(measured).brightness_octaves)
    assert fit_expression(measured, instrument, choice="input").source == "input"


@torch.no_grad()
@pytest.mark.parametrize("choice", ["input", "predict"])
def test_sliders_are_added_to_the_outcome(instrument: Instrument, choice: str) -> None:
    measured = notes(instrument)
    offsets = Expression(*torch.arange(1.0, 1.0 + len(Expression._fields)))
    plain = fit_expression(measured, instrument, choice=choice).features
    raised = fit_expression(measured, instrument, choice=choice, offsets=offsets).features
    for name, offset in offsets._asdict().items():
        torch.testing.assert_close(getattr(raised, name), getattr(plain, name) + offset)
    assert raised.is_wish is not None
    assert not raised.is_wish.any()


@torch.no_grad()
def test_an_input_without_notes_or_expression_is_left_to_the_instrument(instrument: Instrument) -> None:
    measured = notes(instrument)
    silent = measured._replace(periodicity=torch.zeros(1, N_FRAMES, 1))
    for features in (silent, measured.without_expression()):
        assert fit_expression(features, instrument, choice="input").source == "predict"


def test_an_instrument_without_expression_gets_none() -> None:
    expressive = notes(small_instrument(decoder=EXPRESSIVE))
    features, source = fit_expression(expressive, small_instrument())
    assert source == "none"
    assert features.brightness_octaves is None


def test_an_unknown_choice_is_told_the_known_ones(instrument: Instrument) -> None:
    with pytest.raises(RangeError, match="'loud': expected one of auto, input, predict"):
        fit_expression(notes(instrument), instrument, choice="loud")


def test_matching_keeps_the_order_and_stays_in_range() -> None:
    values = torch.tensor([-5.0, 0.0, 1.0, 9.0, 19.0, 27.0])
    matched = match_quantiles(values, torch.rand(500) * 20.0, torch.linspace(10.0, 20.0, 101))
    assert (matched.diff() >= 0).all()
    assert float(matched[0]) == pytest.approx(10.0, abs=0.2)
    assert float(matched[-1]) == pytest.approx(20.0, abs=0.2)


def test_what_hardly_changes_in_the_input_is_not_made_to_tremble() -> None:
    """The brightness of a steady tone is its measuring noise."""
    steady = 2.0 + 0.01 * torch.randn(1000, generator=torch.Generator().manual_seed(0))
    wanted = torch.linspace(0.0, 1.0, 101)
    matched = match_quantiles(steady, steady, wanted)
    assert float(matched.std() / steady.std()) == pytest.approx(1.25, rel=0.02)
    assert float(matched.median()) == pytest.approx(0.5, abs=0.005)


def test_a_constant_population_is_matched_without_nan() -> None:
    matched = match_quantiles(torch.ones(5), torch.ones(50), torch.linspace(0.0, 1.0, 101))
    assert torch.isfinite(matched).all()


@torch.no_grad()
def test_a_long_clip_is_predicted_piece_by_piece_as_if_at_once(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.inference.expression_fit.BLOCK_FRAMES", 7)
    measured = notes(instrument)
    features, _ = fit_expression(measured, instrument, choice="predict")
    for name, wanted in instrument.expression(measured)._asdict().items():
        torch.testing.assert_close(getattr(features, name), wanted)
