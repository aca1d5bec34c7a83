from __future__ import annotations

import pytest
from pydantic import ValidationError

from luthier.dsp.feature_definition import FeatureDefinition


def test_frame_rate_is_derived() -> None:
    assert FeatureDefinition(sample_rate=44100, hop_length=441).frame_rate == 100.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rate": 7999},
        {"hop_length": 0},
        {"loudness": "loud"},
        {"loudness_n_fft": 1 << 40},
        {"f0_min_hz": 0.0},
        {"f0_max_hz": float("inf")},
        {"loudness_floor_db": float("nan")},
        {"hop": 160},
    ],
    ids=str,
)
def test_impossible_definitions_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        FeatureDefinition.model_validate(wrong)
