import math

import pytest
import torch

from luthier.data.windows import Batch, Origin
from luthier.dsp.signals import Controls, Features
from luthier.model.config import InstrumentConfig
from luthier.model.instrument import Instrument
from luthier.training.finite import Error, is_finite, name_cause


@pytest.fixture
def instrument() -> Instrument:
    return Instrument(InstrumentConfig(n_harmonics=4, n_bands=5))


def error_of(instrument: Instrument) -> Error:
    return lambda batch, noise: (instrument(batch.features, noise) - batch.audio).square().mean()


def cause(instrument: Instrument, batch: Batch) -> str:
    return name_cause(instrument, batch, torch.zeros(3, 1600), error_of(instrument))


def make_batch() -> Batch:
    frames = torch.ones(3, 10, 1)
    return Batch(torch.zeros(3, 1600), Features(440 * frames, frames, -20 * frames))


def test_the_window_whose_samples_are_broken_is_named(instrument: Instrument) -> None:
    batch = make_batch()
    batch.audio[2, 100] = math.nan
    assert cause(instrument, batch) == "audio of window 2 is not finite"


def test_a_broken_feature_is_named(instrument: Instrument) -> None:
    batch = make_batch()
    batch.features.f0_hz[1, 3] = math.inf
    assert cause(instrument, batch) == "f0_hz of window 1 is not finite"


def test_a_broken_weight_is_named(instrument: Instrument) -> None:
    with torch.no_grad():
        instrument.decoder.head.bias[0] = math.nan
    assert cause(instrument, make_batch()) == "weight decoder.head.bias is not finite"


def from_recordings(batch: Batch) -> Batch:
    """Windows of a tenth of a second."""
    return batch._replace(origins=(Origin("a.wav", 0.0), Origin("b 2.flac", 12.4), Origin("c.wav", 3.0)))


def test_a_broken_sample_is_named_with_its_recording_and_its_place_in_it(instrument: Instrument) -> None:
    batch = from_recordings(make_batch())
    batch.audio[1, 800] = math.nan
    assert cause(instrument, batch) == "audio of b 2.flac at 12.45 s is not finite"


def test_a_control_that_breaks_is_named_with_its_recording(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = instrument.controls

    def broken(features: Features) -> Controls:
        controls = honest(features)
        controls.amplitude[2, 7] = math.inf
        return controls

    monkeypatch.setattr(instrument, "controls", broken)
    assert cause(instrument, from_recordings(make_batch())) == "amplitude of c.wav at 3.07 s is not finite"


def test_a_gradient_that_breaks_is_traced_to_the_one_window_that_breaks_it(instrument: Instrument) -> None:
    batch = from_recordings(make_batch())
    batch.audio[[0, 2]] = 1.0

    def error(some: Batch, noise: torch.Tensor) -> torch.Tensor:
        # A root is finite at 0, its slope is not.
        return (instrument.decoder.head.bias.square().sum() * some.audio[:, 0]).sqrt().sum()

    error(batch, torch.zeros(3, 1600)).backward()
    found = name_cause(instrument, batch, torch.zeros(3, 1600), error)
    assert found == "gradient of decoder.head.bias is not finite, from b 2.flac, 12.40 to 12.50 s"


def test_gradients_count(instrument: Instrument) -> None:
    loss = instrument(make_batch().features, torch.zeros(3, 1600)).square().mean()
    loss.backward()
    gradients = torch.cat([parameter.grad.flatten() for parameter in instrument.parameters()])
    assert is_finite(loss, gradients)
    assert not is_finite(torch.tensor(math.inf), gradients)
    for bad in (math.nan, math.inf):
        gradients[3] = bad
        assert not is_finite(loss, gradients)
    instrument.decoder.head.bias.grad[0] = math.nan
    assert cause(instrument, make_batch()).startswith("gradient of decoder.head.bias")
