"""A dataset, an instrument that never learned anything, and what they score together."""

from __future__ import annotations

import pytest
import torch

from evaluation.sounds import performance_dataset
from luthier.data.dataset import Dataset
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.scores import Evaluation
from luthier.model.config import DecoderConfig, InstrumentConfig, RoomConfig
from luthier.model.instrument import Instrument


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Twelve seconds of a synthetic performance."""
    return performance_dataset(tmp_path_factory.mktemp("evaluation") / "dataset", FeatureDefinition())


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    """A tiny one with random weights, at the dataset's rates."""
    torch.manual_seed(5)
    decoder = DecoderConfig(input_width=4, gru_width=4, output_width=4, output_depth=1)
    room = RoomConfig(seconds=0.2)
    return Instrument(InstrumentConfig(preset="tiny", n_harmonics=40, decoder=decoder, room=room)).eval()


@pytest.fixture(scope="session")
def scores(instrument: Instrument, dataset: Dataset) -> Evaluation:
    """The tiny instrument, scored."""
    return evaluate(instrument, dataset, seeds=(0, 1))
