from __future__ import annotations

import pytest
import torch

from luthier.model.statistics import SMALLEST_STD, Statistics
from model.small import VIOLIN


def test_what_is_set_is_kept_in_buffers() -> None:
    statistics = Statistics()
    statistics.set(VIOLIN)
    assert not list(statistics.parameters())
    for name, value in VIOLIN._asdict().items():
        torch.testing.assert_close(statistics.state_dict()[name], torch.as_tensor(value))


def test_a_feature_without_spread_is_not_divided_by_zero() -> None:
    statistics = Statistics()
    statistics.set(VIOLIN._replace(f0_octaves_std=0.0, loudness_db_std=0.0))
    assert float(statistics.f0_octaves_std) == float(statistics.loudness_db_std) == pytest.approx(SMALLEST_STD)


def test_instruments_do_not_share_their_statistics() -> None:
    one, other = Statistics(), Statistics()
    one.set(VIOLIN)
    assert not torch.equal(one.f0_octaves_quantiles, other.f0_octaves_quantiles)
