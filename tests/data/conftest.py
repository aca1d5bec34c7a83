"""Datasets whose content is known sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from data.known_material import build_dataset
from luthier.data.dataset import Dataset
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames

MakeDataset = Callable[..., Dataset]


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """`make_dataset(lengths, definition, train)`: a dataset of ramps in a new folder."""

    def make(
        lengths: Sequence[int], definition: FeatureDefinition, train: Sequence[tuple[int, int, int]] | None = None
    ) -> Dataset:
        whole = [(index, 0, n_frames(n, definition.hop_length)) for index, n in enumerate(lengths)]
        return build_dataset(tmp_path / "dataset", lengths, definition, train or whole)

    return make
