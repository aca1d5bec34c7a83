import math

import pytest
import torch

from luthier.data.windows import Batch
from luthier.dsp.signals import Features
from luthier.model.config import InstrumentConfig
from luthier.model.instrument import Instrument
from luthier.training.finite import is_finite, name_cause


@pytest.fixture
def instrument() -> Instrument:
    return Instrument(InstrumentConfig(n_harmonics=4, n_bands=5))


def make_batch() -> Batch:
    frames = torch.ones(3, 10, 1)
    return Batch(torch.zeros(3, 1600), Features(440 * frames, frames, -20 * frames))


def test_the_window_whose_samples_are_broken_is_named(instrument: Instrument) -> None:
    batch = make_batch()
    batch.audio[2, 100] = math.nan
    assert name_cause(instrument, batch, torch.zeros(3, 1600)) == "audio of window 2 is not finite"


def test_a_broken_feature_is_named(instrument: Instrument) -> None:
    batch = make_batch()
    batch.features.f0_hz[1, 3] = math.inf
    assert name_cause(instrument, batch, torch.zeros(3, 1600)) == "f0_hz of window 1 is not finite"


def test_a_broken_weight_is_named(instrument: Instrument) -> None:
    with torch.no_grad():
        instrument.decoder.head.bias[0] = math.nan
    assert name_cause(instrument, make_batch(), torch.zeros(3, 1600)) == "weight decoder.head.bias is not finite"


def test_gradients_count(instrument: Instrument) -> None:
    loss = instrument(make_batch().features, torch.zeros(3, 1600)).square().mean()
    loss.backward()
    assert is_finite(instrument, loss)
    instrument.decoder.head.bias.grad[0] = math.nan
    assert not is_finite(instrument, loss)
    assert name_cause(instrument, make_batch(), torch.zeros(3, 1600)).startswith("gradient of decoder.head.bias")
    assert not is_finite(instrument, torch.tensor(math.inf))
