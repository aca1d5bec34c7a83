from __future__ import annotations

from pathlib import Path

import pytest

from luthier.errors import ConfigError
from luthier.model.instrument import Instrument
from luthier.model.overrides import merge
from luthier.model.presets import DEFAULT_PRESET, instrument_config, preset_names, preset_tables, read_config_file


def build(preset: str, **changes: object) -> Instrument:
    return Instrument(instrument_config(merge(preset_tables(preset)["instrument"], changes)))


@pytest.mark.parametrize(
    ("preset", "changes", "n_parameters"),
    [
        ("string-along", {}, 4_837_670),
        ("string-along", {"n_harmonics": 50}, 4_812_020),
        ("solo-instrument", {}, 4_849_150),
        ("ddsp-vst", {}, 1_889_278),
        ("tiny", {}, 232_314),
    ],
)
def test_published_models_have_exactly_their_parameters(
    preset: str, changes: dict[str, object], n_parameters: int
) -> None:
    assert build(preset, **changes).n_parameters == n_parameters


def test_the_default_is_small() -> None:
    assert 80_000 < build(DEFAULT_PRESET).n_parameters < 120_000


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_can_be_built_and_says_its_name(preset: str) -> None:
    assert build(preset).config.preset == preset
    assert set(preset_tables(preset)) == {"instrument", "training"}


def test_the_rates_are_those_of_the_originals() -> None:
    rates = {name: build(name).config.features.frame_rate for name in ("string-along", "solo-instrument", "ddsp-vst")}
    assert rates == {"string-along": 100, "solo-instrument": 250, "ddsp-vst": 50}


def test_an_unknown_preset_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'violin' not found.*fast.*string-along"):
        preset_tables("violin")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"n_harmonic": 5}, "instrument.n_harmonic: Extra inputs"),
        ({"decoder": {"gru_width": "wide"}}, "decoder.gru_width: .*found 'wide'"),
        ({"features": {"sample_rate": 10}}, "features.sample_rate: .*greater than or equal to 8000"),
    ],
)
def test_a_wrong_table_is_one_clear_line(table: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        instrument_config(table)
    assert "\n" not in str(caught.value)


def test_a_users_file_has_the_tables_of_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "violin.toml"
    path.write_text("[instrument]\nn_harmonics = 7\n", encoding="utf-8")
    assert read_config_file(path) == {"instrument": {"n_harmonics": 7}}


@pytest.mark.parametrize("content", [b"[model]\n", b"steps = 5\n", b"= 3", b"\xff\xfe", None], ids=str)
def test_other_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "violin.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"violin\.toml"):
        read_config_file(path)
