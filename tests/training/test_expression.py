from __future__ import annotations

import pytest
import torch

from luthier.data.dataset import Dataset
from luthier.dsp.signals import Features
from luthier.model.config import DecoderConfig
from luthier.model.instrument import Instrument
from luthier.training import module as training_module
from luthier.training.expression import Mixed, mix_expression
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build
from model.small import expressive_features, random_features, small_instrument

EXPRESSIVE = DecoderConfig(inputs=("loudness_z", "brightness_z"), input_width=4, gru_width=6, output_width=7)


@pytest.fixture
def instrument() -> Instrument:
    return small_instrument(decoder=EXPRESSIVE)


def test_the_first_windows_are_predicted_and_the_others_measured(instrument: Instrument) -> None:
    features = expressive_features(9, batch=4, brightness_octaves=1.5)
    mixed = mix_expression(instrument, features, n_predicted=1).features
    assert mixed.brightness_octaves is not None
    assert mixed.is_wish is not None
    assert mixed.is_wish.all(dim=-1).all(dim=-1).tolist() == [False, True, True, True]
    assert not mixed.is_wish[0].any()
    torch.testing.assert_close(mixed.brightness_octaves[:1], instrument.expression(features).brightness_octaves[:1])
    assert torch.equal(mixed.brightness_octaves[1:], torch.full((3, 9, 1), 1.5))


@torch.no_grad()
def test_the_error_counts_deviations_on_pitched_frames_only(instrument: Instrument) -> None:
    off = 3.0 * instrument.statistics.expression_std()[0]
    errors = []
    for periodicity in (1.0, 0.0):
        features = random_features(9)._replace(periodicity=torch.full((1, 9, 1), periodicity))
        exact = instrument.expression(features)
        measured = exact._replace(brightness_octaves=exact.brightness_octaves + off)
        errors.append(float(mix_expression(instrument, features._replace(**measured._asdict()), n_predicted=0).error))
    assert errors == pytest.approx([0.6, 0.0], abs=1e-4)  # three deviations in one of five


def test_an_instrument_without_expression_is_left_alone() -> None:
    instrument, features = small_instrument(), random_features(5)
    mixed = mix_expression(instrument, features, n_predicted=1)
    assert mixed.features is features
    assert float(mixed.error) == 0.0


def test_the_predictor_learns_from_both_its_error_and_the_sound(instrument: Instrument) -> None:
    assert instrument.predictor is not None
    features = expressive_features(9, batch=2)
    mixed = mix_expression(instrument, features, n_predicted=1)
    for learned in (mixed.error, instrument.controls(mixed.features).noise_magnitudes.sum()):
        instrument.zero_grad()
        learned.backward(retain_graph=True)
        assert instrument.predictor.head.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("share", [0.0, 0.125, 0.3, 1.0])
def test_over_the_steps_as_many_windows_are_predicted_as_asked_for(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    counts: list[int] = []

    def counted(instrument: Instrument, features: Features, n_predicted: int) -> Mixed:
        counts.append(n_predicted)
        return mix_expression(instrument, features, n_predicted)

    monkeypatch.setattr(training_module, "mix_expression", counted)
    overrides = {"steps": 8, "start": "", "predicted_windows": share, "window_seconds": 0.5, "batch_size": 4}
    module, batches = build(dataset, resolve_settings(settings_tables("fast", overrides=overrides), dataset.definition))
    for step in range(8):
        module.counter.steps = step
        module.play_share(batches[step])
    assert sum(counts) == int(share * 4 * 8)
    assert max(counts) - min(counts) <= 1
