from __future__ import annotations

from pathlib import Path

import pytest

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.training.settings import resolve_settings, settings_tables

VARIANTS = sorted((Path(__file__).resolve().parents[1] / "benchmarks" / "ablations").glob("*.toml"))


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_every_variant_differs_from_the_preset_in_something_that_exists(path: Path) -> None:
    preset, variant = (
        resolve_settings(settings_tables("fast", config_file=config), FeatureDefinition()) for config in (None, path)
    )
    assert variant != preset
