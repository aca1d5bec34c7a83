"""A small synthetic dataset that all training tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from luthier.data.audio_files import save_audio
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.data.synthetic import synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition


@pytest.fixture(scope="session")
def dataset_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen seconds of notes whose controls are known, prepared with the fastest tracker."""
    folder = tmp_path_factory.mktemp("training")
    definition = FeatureDefinition(tracker="swift")
    generator = torch.Generator().manual_seed(0)
    sound = synthetic_instrument(definition, torch.ones(1), generator, seconds=24.0)
    save_audio(folder / "notes.wav", sound.audio, definition.sample_rate)
    prepare([folder / "notes.wav"], folder / "dataset", definition, n_jobs=1, credit="nobody", licence="CC0 1.0")
    return folder / "dataset"


@pytest.fixture(scope="session")
def dataset(dataset_path: Path) -> Dataset:
    return Dataset.open(dataset_path)
