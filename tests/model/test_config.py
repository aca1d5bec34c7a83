from __future__ import annotations

import pytest
from pydantic import ValidationError

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.model.config import InstrumentConfig
from model.small import small_config


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("n_harmonics", 0),
        ("n_harmonics", 10**9),
        ("n_bands", 1),
        ("synths", []),
        ("synths", [{"kind": "harmonic"}] * 2),
        ("room", {"seconds": 11.0}),
        ("room", {"seconds": 1e-9}),
        ("room", {"seconds": float("nan")}),
        ("decoder", {"gru_width": 1 << 20}),
        ("decoder", {"inputs": ["loudness_z"] * 10}),
        ("decoder", {"depth": 3}),
        ("decoder", {"input_width": "wide"}),
        ("reverb", {}),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_by_name(key: str, wrong: object) -> None:
    with pytest.raises(ValidationError, match=key):
        InstrumentConfig.model_validate({key: wrong})


def test_a_config_cannot_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        small_config().n_harmonics = 6


def test_what_is_written_is_read_again() -> None:
    config = small_config()
    assert InstrumentConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("as_table", [True, False])
def test_counts_that_are_left_out_follow_from_the_sample_rate(as_table: bool) -> None:
    features = FeatureDefinition(sample_rate=44100)
    config = InstrumentConfig.model_validate({"features": features.model_dump() if as_table else features})
    assert (config.n_harmonics, config.n_bands) == (165, 129)
    assert InstrumentConfig(features=features, n_harmonics=30).n_harmonics == 30
    assert (InstrumentConfig().n_harmonics, InstrumentConfig().n_bands) == (60, 65)
