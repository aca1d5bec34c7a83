"""Files of older formats: people's instruments load for ever, and sound as they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from conftest import GOLDEN, SAMPLES
from inference.melodies import told
from luthier.dsp.signals import Features
from luthier.errors import InstrumentFileError
from luthier.inference.harmonic_health import HarmonicHealth
from luthier.inference.player import load_player
from luthier.inference.wishes import Wishes
from luthier.model.bundled import find_instrument
from luthier.model.instrument_file import HEADER_KEY, load_instrument, read_header, save_instrument
from luthier.model.instrument_formats import (
    CONVERTERS,
    EXPRESSION_QUANTILES,
    FORMAT_VERSION,
    Content,
    upgrade,
)

OLD = SAMPLES / "instrument_format_1.safetensors"
"""Made by the first version of all; see the README.md beside it."""


def changed_copy(
    folder: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object], source: Path = OLD
) -> Path:
    header, weights = read_header(source), load_file(source)
    change(header, weights)
    save_file(weights, folder / "old.safetensors", metadata={HEADER_KEY: json.dumps(header)})
    return folder / "old.safetensors"


def play_sample(path: Path) -> np.ndarray:
    """What the old code was made to play: half a second up an octave, the pitch lost at the end."""
    frames = torch.arange(60)
    f0_hz = (330.0 * 2 ** (frames / 60)).reshape(1, -1, 1)
    periodicity = torch.where(frames < 50, 0.95, 0.1).reshape(1, -1, 1)
    loudness_db = (-20.0 + 20.0 * torch.sin(torch.pi * frames / 60)).reshape(1, -1, 1)
    noise = np.random.Generator(np.random.PCG64(1)).uniform(-1, 1, (1, 4800)).astype(np.float32)
    with torch.no_grad():
        instrument = load_instrument(path).instrument
        return instrument(Features(f0_hz, periodicity, loudness_db), torch.from_numpy(noise)).numpy()[0]


def test_taps_that_were_one_tensor_are_the_same_room(tmp_path: Path) -> None:
    loaded = load_instrument("violin")
    save_instrument(tmp_path / "today.safetensors", loaded.instrument, loaded.summary)

    def join_taps(header: dict[str, Any], weights: dict[str, torch.Tensor]) -> None:
        header["format_version"] = 1
        weights["room.taps"] = torch.cat([weights.pop("room.early_taps"), weights["room.taps"]])

    old = load_instrument(changed_copy(tmp_path, join_taps, tmp_path / "today.safetensors")).instrument.room
    assert len(old.early_taps) == 480
    assert torch.equal(old.impulse_response(), loaded.instrument.room.impulse_response())


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.square(found - wanted).mean() / np.square(wanted).mean() + 1e-30))


def test_the_sample_is_what_the_first_version_wrote() -> None:
    assert read_header(OLD)["format_version"] == 1
    assert read_header(OLD)["config"]["decoder"]["activation"] == "leaky_relu"
    assert EXPRESSION_QUANTILES not in load_file(OLD)


def test_an_instrument_of_the_first_version_sounds_as_it_did() -> None:
    wanted = np.load(SAMPLES / "instrument_format_1.npy")
    assert np.abs(wanted).max() > 0.05
    assert error_db(play_sample(OLD), wanted) < -100.0


def test_saved_again_it_is_of_today_s_format_and_sounds_the_same(tmp_path: Path) -> None:
    loaded = load_instrument(OLD)
    path = tmp_path / "new.safetensors"
    save_instrument(path, loaded.instrument, loaded.summary)
    assert read_header(path)["format_version"] == FORMAT_VERSION
    assert "John Garner" in load_instrument(path).summary.credit
    assert np.array_equal(play_sample(path), play_sample(OLD))


def test_it_plays_a_melody() -> None:
    cycles = np.cumsum(np.full(16000, 330.0 / 8000))
    tone = np.sum([np.sin(2 * np.pi * k * cycles) / k for k in range(1, 5)], axis=0).astype(np.float32) / 5
    played = load_player(OLD).transfer(tone, 8000)
    assert played.expression == "none"
    assert float(played.audio.square().mean().sqrt()) > 1e-3


def test_it_is_not_blamed_for_more_noise_than_in_recordings_that_nobody_measured() -> None:
    health = HarmonicHealth(torch.ones(1, 20, 1), 80)
    health.hear({"harmonic": torch.full((1, 1600), 0.01), "filtered_noise": torch.ones(1, 1600)})
    old, violin = (load_instrument(name).instrument.statistics.quantiles_of("noisiness_db") for name in (OLD, "violin"))
    assert health.diagnose(old, told(), Wishes()) == []
    assert health.diagnose(violin, told(), Wishes()) != []


@pytest.mark.parametrize(
    "place", [GOLDEN / "instrument-format-1.safetensors", "tenor-saxophone", "alto-saxophone-studio"]
)
def test_files_of_format_1_that_have_everything_stay_as_they_are(place: Path | str) -> None:
    path = find_instrument(place)
    content = Content(read_header(path), load_file(path))
    header, weights = upgrade(content)
    assert header == content.header | {"format_version": FORMAT_VERSION}
    assert weights.keys() == content.weights.keys()
    assert all(weights[name] is content.weights[name] for name in weights)


def test_there_is_a_converter_for_every_older_version() -> None:
    assert sorted(CONVERTERS) == list(range(1, FORMAT_VERSION))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda header, _: header["config"]["decoder"].update(activation="tanh"), "activation"),
        (lambda header, _: header["config"]["decoder"].update(activation=[]), "activation"),
        (lambda header, _: header["config"].update(decoder="deep"), "decoder"),
        (lambda header, _: header["config"].update(synths={"kind": "harmonic"}), "synths"),
        (lambda header, _: header["config"].update(synths=["harmonic", None]), "synths"),
        (lambda header, _: header.update(config=None), "configuration"),
        (lambda header, _: header.pop("config"), "configuration"),
        (lambda header, _: header.update(format_version=True), "format version True, expected 1 to"),
        (lambda header, _: header.update(format_version=1.0), "format version 1.0, expected 1 to"),
        (lambda header, _: header.pop("format_version"), "format version None, expected 1 to"),
        (lambda _, weights: weights.pop("statistics.loudness_db_mean"), "missing or too many"),
        (lambda _, weights: weights.update({EXPRESSION_QUANTILES: torch.ones(3)}), r"shape \[3\]"),
        (lambda _, weights: weights.update({"predictor.head.bias": torch.ones(5)}), "missing or too many"),
    ],
)
def test_damaged_old_files_are_refused_in_one_line(tmp_path: Path, change: Callable[..., object], says: str) -> None:
    path = changed_copy(tmp_path, change)
    with pytest.raises(InstrumentFileError, match=says) as caught:
        load_instrument(path)
    assert "\n" not in str(caught.value)


def test_who_predicts_expression_must_say_how_it_was_distributed(tmp_path: Path) -> None:
    path = changed_copy(tmp_path, lambda _, weights: weights.pop(EXPRESSION_QUANTILES), find_instrument("violin"))
    with pytest.raises(InstrumentFileError, match=r"expression_quantiles.*missing"):
        load_instrument(path)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_old_file_with_any_header_loads_or_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    header = read_header(OLD)
    table: Any = header
    while True:
        key = data.draw(st.sampled_from(sorted(table)) if isinstance(table, dict) else st.integers(0, len(table) - 1))
        if not (isinstance(table[key], dict | list) and table[key]) or data.draw(st.booleans()):
            break
        table = table[key]
    table[key] = data.draw(st.sampled_from([None, True, 0, -1, 2, 1e308, "", "harmonic", [], {}, [[]], {"a": 1}]))
    path = tmp_path / "old.safetensors"
    save_file(load_file(OLD), path, metadata={HEADER_KEY: json.dumps(header)})
    message = ""
    try:
        load_instrument(path)
    except InstrumentFileError as error:
        message = str(error)
    assert "\n" not in message
