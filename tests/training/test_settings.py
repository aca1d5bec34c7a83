from pathlib import Path

import pytest

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError, DatasetError
from luthier.model.presets import preset_names
from luthier.training.settings import (
    check_same_instrument,
    refuse_other_features,
    resolve_settings,
    settings_tables,
    write_settings,
)


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_resolves_and_survives_its_own_file(preset: str, tmp_path: Path) -> None:
    tables = settings_tables(preset)
    definition = FeatureDefinition(**tables["instrument"].get("features", {}))
    settings = resolve_settings(tables, definition)
    write_settings(tmp_path / "config.toml", settings)
    again = resolve_settings(settings_tables("fast", config_file=tmp_path / "config.toml"), definition)
    assert again == settings


def test_a_new_budget_takes_the_place_of_the_presets() -> None:
    settings = resolve_settings(
        settings_tables("string-along", overrides={"minutes": 3}), FeatureDefinition(tracker="swift")
    )
    assert (settings.training.minutes, settings.training.epochs) == (3, None)


def test_a_dataset_for_another_preset_is_refused_with_the_command_that_helps() -> None:
    with pytest.raises(DatasetError, match=r"hop_length 160 instead of 64.*--preset solo-instrument"):
        resolve_settings(settings_tables("solo-instrument"), FeatureDefinition())


def test_a_file_that_wants_another_rate_is_told_the_command_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[instrument.features]\nsample_rate = 22050\n")
    tables = settings_tables("fast", config_file=tmp_path / "c.toml")
    with pytest.raises(DatasetError, match=r"instead of 22050.*--preset fast --sample-rate 22050`"):
        resolve_settings(tables, FeatureDefinition())
    # What a preset says of the hop is meant at any rate: prepared without naming it, it would follow from the rate.
    studio = settings_tables("studio", config_file=tmp_path / "c.toml")
    with pytest.raises(DatasetError, match=r"--preset studio --sample-rate 22050 --hop-length 441`"):
        resolve_settings(studio, FeatureDefinition())


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"sample_rate": 44100}, "sample_rate 16000 instead of 44100.*--preset fast --sample-rate 44100`"),
        ({"f0_max_hz": 1500, "tracker": "crepe"}, "f0_max_hz 2000.0 instead.*--f0-max-hz 1500 --tracker crepe`"),
        ({"features.loudness_n_fft": 512}, r"loudness_n_fft 2048 instead of 512\. Leave that out\.$"),
    ],
)
def test_a_wish_for_features_that_the_dataset_has_not_is_refused(wish: dict[str, object], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        refuse_other_features(wish, "fast", FeatureDefinition())
    refuse_other_features({"sample_rate": 16000, "f0_max_hz": 2000, "gru_width": 8}, "fast", FeatureDefinition())


def test_the_default_preset_follows_the_rate_of_the_dataset() -> None:
    high = resolve_settings(settings_tables("fast"), FeatureDefinition(sample_rate=48000, hop_length=480)).instrument
    assert (high.sample_rate, high.n_harmonics, high.n_bands) == (48000, 180, 129)


def test_studio_takes_48_khz_with_as_many_frames_a_second() -> None:
    definition = FeatureDefinition(sample_rate=48000, hop_length=480, loudness_n_fft=1024)
    studio = resolve_settings(settings_tables("studio"), definition).instrument
    assert (studio.sample_rate, studio.hop_length, studio.n_harmonics) == (48000, 480, 160)
    for rate, hop in ((48000, 441), (32000, 320), (16000, 160)):
        with pytest.raises(DatasetError, match="--preset studio"):
            resolve_settings(
                settings_tables("studio"), definition.model_copy(update={"sample_rate": rate, "hop_length": hop})
            )


def test_a_run_cannot_be_resumed_as_another_instrument() -> None:
    definition = FeatureDefinition()
    before = resolve_settings(settings_tables("fast"), definition).instrument
    now = resolve_settings(settings_tables("fast", overrides={"gru_width": 8}), definition).instrument
    with pytest.raises(ConfigError, match="decoder changed"):
        check_same_instrument(before, now)
