from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from conftest import GOLDEN
from luthier.dsp.signals import Features
from luthier.errors import InstrumentFileError, OutputError
from luthier.model.config import InstrumentConfig
from luthier.model.instrument import Instrument, white_noise
from luthier.model.instrument_file import HEADER_KEY, TrainingSummary, load_instrument, read_header, save_instrument
from model.small import random_features, small_config, small_instrument

SUMMARY = TrainingSummary(licence="CC BY 3.0", credit="John Garner", steps=7, scores={"mss": 5.5})
MANY_TRIALS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "violin.safetensors"
    save_instrument(path, small_instrument(), SUMMARY)
    return path


def refused(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(InstrumentFileError) as caught:
        load_instrument(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    assert len(message) < 600 + len(str(path))
    return message


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], Any]) -> None:
    """Change the header or the weights of an instrument file in place."""
    header, weights = read_header(path), load_file(path)
    change(header, weights)
    save_file(weights, path, metadata={HEADER_KEY: json.dumps(header)})


class TestRoundTrip:
    def test_an_instrument_sounds_the_same_after_saving(self, saved: Path) -> None:
        loaded, features = load_instrument(saved), random_features(20)
        noise = white_noise(1, 3200, torch.Generator().manual_seed(1))
        with torch.no_grad():
            assert torch.equal(loaded.instrument(features, noise), small_instrument()(features, noise))
        assert loaded.summary == SUMMARY
        assert loaded.instrument.config == small_instrument().config

    def test_statistics_travel_with_it(self, saved: Path) -> None:
        assert float(load_instrument(saved).instrument.statistics.loudness_db_mean) == -30.0

    def test_a_score_that_could_not_be_measured_does_not_spoil_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.safetensors"
        save_instrument(path, small_instrument(), TrainingSummary(scores={"mss": math.nan}))
        assert math.isnan(load_instrument(path).summary.scores["mss"])


class TestSaving:
    def test_nothing_is_overwritten_without_force(self, saved: Path) -> None:
        before = saved.read_bytes()
        with pytest.raises(OutputError, match="exists already"):
            save_instrument(saved, small_instrument(seed=9), SUMMARY)
        assert saved.read_bytes() == before
        save_instrument(saved, small_instrument(seed=9), SUMMARY, force=True)
        assert saved.read_bytes() != before

    def test_a_failure_while_writing_leaves_the_old_file(self, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def write_half(path: Path, content: bytes) -> None:
            with path.open("wb") as file:
                file.write(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

        before = saved.read_bytes()
        monkeypatch.setattr(Path, "write_bytes", write_half)
        with pytest.raises(OutputError, match=r"violin\.safetensors: cannot be written \(No space"):
            save_instrument(saved, small_instrument(), SUMMARY, force=True)
        assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]
        assert saved.read_bytes() == before

    @pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
    def test_a_full_disk_is_one_line_and_leaves_nothing(self, tmp_path: Path) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(OutputError, match="cannot be written"):
                save_instrument(tmp_path / "violin.safetensors", small_instrument(), SUMMARY)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert list(tmp_path.iterdir()) == []


class TestForeignFiles:
    @pytest.mark.parametrize(
        "content", [b"", b"RIFF\x00\x00", b"hello, I am text\n" * 50, b"\x00" * 100, b"\xff" * 100]
    )
    def test_files_that_are_something_else(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "violin.safetensors"
        path.write_bytes(content)
        assert "not an instrument file, or damaged" in refused(path)

    def test_no_file_a_folder_and_a_name_that_cannot_be(self, tmp_path: Path) -> None:
        assert "no such file" in refused(tmp_path / "absent.safetensors")
        (tmp_path / "folder.safetensors").mkdir()
        assert "no such file" in refused(tmp_path / "folder.safetensors")
        refused(tmp_path / ("long" * 100))

    def test_safetensors_of_somebody_else(self, tmp_path: Path) -> None:
        path = tmp_path / "other.safetensors"
        save_file({"weight": torch.ones(3)}, path, metadata={"format": "pt"})
        assert "not one of ours" in refused(path)
        save_file({"weight": torch.ones(3)}, path)
        assert "not one of ours" in refused(path)

    @pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.99, -1])
    def test_truncated_files(self, saved: Path, part: float) -> None:
        whole = saved.read_bytes()
        saved.write_bytes(whole[: -1 if part < 0 else int(len(whole) * part)])
        assert "damaged" in refused(saved)

    @pytest.mark.parametrize("text", ["", "{", "nonsense", "[" * 100_000, "9" * 5000, " " * (1 << 21)], ids=len)
    def test_headers_that_are_no_json(self, saved: Path, text: str) -> None:
        save_file(load_file(saved), saved, metadata={HEADER_KEY: text})
        assert "header" in refused(saved)

    def test_a_key_that_occurs_twice(self, saved: Path) -> None:
        text = json.dumps(read_header(saved)).replace("{", '{"format_version": 2,', 1)
        save_file(load_file(saved), saved, metadata={HEADER_KEY: text})
        assert "twice" in refused(saved)

    def test_tables_of_too_many_keys(self, saved: Path) -> None:
        rewrite(saved, lambda header, _: header["config"].update({str(index): 1 for index in range(2000)}))
        assert "keys" in refused(saved)

    @pytest.mark.parametrize("place", ["config", "summary"])
    def test_half_a_character_is_no_text(self, saved: Path, place: str) -> None:
        rewrite(saved, lambda header, _: header[place].update(preset="\ud800", licence="\ud800"))
        assert "not JSON" in refused(saved)

    def test_a_long_header_is_not_even_read(self, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        saved.write_bytes((1 << 20).to_bytes(8, "little") + bytes(1 << 20))
        monkeypatch.setattr("luthier.model.instrument_file.safe_open", lambda *_, **__: pytest.fail("it was read"))
        assert "header of 1048576 bytes" in refused(saved)

    @pytest.mark.parametrize("version", [0, 3, "1", None, True, 2.0, [1] * 1000])
    def test_unknown_versions(self, saved: Path, version: object) -> None:
        rewrite(saved, lambda header, _: header.update(format_version=version))
        assert "format version" in refused(saved)

    @pytest.mark.parametrize("text", ["[]", "null", "3"])
    def test_headers_that_are_no_table(self, saved: Path, text: str) -> None:
        save_file(load_file(saved), saved, metadata={HEADER_KEY: text})
        assert "format version" in refused(saved)


class TestWeights:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda weights: weights.pop("decoder.head.bias"), "missing or too many"),
            (lambda weights: weights.update(extra=torch.ones(3)), "'extra' missing or too many"),
            (lambda weights: weights.update({"two\nlines" * 200: torch.ones(3)}), "missing or too many"),
            (lambda weights: weights.update({"decoder.head.bias": torch.ones(3)}), r"shape \[3\], expected"),
            (lambda weights: weights["decoder.head.bias"].fill_(math.nan), "NaN"),
            (lambda weights: weights["statistics.loudness_db_std"].fill_(0.0), "loudness_db_std is 0, expected more"),
            (lambda weights: weights["statistics.loudness_db_std"].fill_(math.inf), "NaN"),
            (lambda weights: weights.update({"decoder.head.bias": torch.ones(15).double()}), "F64"),
            (lambda weights: weights.update({"decoder.head.bias": torch.ones(15).long()}), "I64"),
            (lambda weights: weights.update({"decoder.head.bias": torch.ones(15).bfloat16()}), "BF16"),
        ],
    )
    def test_weights_that_do_not_fit(self, saved: Path, change: Callable[[dict[str, Any]], Any], says: str) -> None:
        rewrite(saved, lambda _, weights: change(weights))
        with pytest.raises(InstrumentFileError, match=says):
            load_instrument(saved)
        refused(saved)


class TestConfigs:
    @pytest.mark.parametrize(
        "change",
        [
            {"n_harmonics": 10**12},
            {"n_harmonics": 6},
            {"n_bands": -1},
            {"unknown": 1},
            {"two\nlines" * 100: 1},
            {"room": {"kind": "cathedral", "seconds": 1.0}},
            {"room": {"kind": "cathedral" * 500, "seconds": 1.0}},
            {"room": {"kind": "free_taps", "seconds": 1e300}},
            {"synths": [{"kind": "theremin"}]},
            {"synths": []},
            {"decoder": {"inputs": ["vibe"]}},
            {"decoder": None},
            {"features": {"sample_rate": 1}},
        ],
        ids=lambda change: next(iter(change))[:12],
    )
    def test_configs_that_are_refused(self, saved: Path, change: dict[str, Any]) -> None:
        rewrite(saved, lambda header, _: header["config"].update(change))
        refused(saved)

    def test_a_summary_of_the_wrong_kind(self, saved: Path) -> None:
        rewrite(saved, lambda header, _: header.update(summary={"steps": "many"}))
        assert "summary" in refused(saved)

    def test_a_small_file_that_asks_for_a_large_instrument_gets_no_memory(
        self, saved: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        built: list[torch.device] = []

        def build(config: InstrumentConfig) -> Instrument:
            built.append(torch.get_default_device())
            return Instrument(config)

        monkeypatch.setattr("luthier.model.instrument_file.Instrument", build)
        rewrite(saved, lambda header, _: header["config"]["decoder"].update(gru_width=1024))
        assert "expected F32 of shape" in refused(saved)
        assert built == [torch.device("meta")]

    def test_the_largest_instrument_that_a_small_file_can_ask_for_fits_into_memory(self) -> None:
        largest = {"gru_width": 1024, "input_width": 1024, "output_width": 1024, "input_depth": 8, "output_depth": 8}
        config = small_config(
            n_harmonics=1024,
            n_bands=2049,
            decoder={"inputs": ["loudness_z"] * 8} | largest,
            features={"sample_rate": 96000},
            room={"kind": "free_taps", "seconds": 10.0},
        )
        with torch.device("meta"):  # counted without being built
            assert 4 * Instrument(config).n_parameters < 600e6
        for key in ("gru_width", "input_width", "output_width", "input_depth", "output_depth"):
            with pytest.raises(ValidationError, match=key):
                small_config(decoder={key: largest[key] + 1})


class TestAnyDamage:
    """Whatever happens to a file: it loads, or it is refused in one line."""

    @MANY_TRIALS
    @given(data=st.data())
    def test_random_bytes_changed(self, tmp_path: Path, data: st.DataObject) -> None:
        path = tmp_path / "violin.safetensors"
        if not path.exists():
            save_instrument(path, small_instrument(), SUMMARY)
            (tmp_path / "whole").write_bytes(path.read_bytes())
        content = bytearray((tmp_path / "whole").read_bytes())
        n_header = 8 + int.from_bytes(content[:8], "little")
        for _ in range(data.draw(st.integers(1, 4))):
            # Nine in ten in the header, where the risk is.
            end = n_header if data.draw(st.integers(0, 9)) else len(content)
            content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        self.load_or_refuse(path)

    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=5,
    )

    @MANY_TRIALS
    @given(data=st.data())
    def test_random_header_entries_replaced(self, tmp_path: Path, data: st.DataObject) -> None:
        path = tmp_path / "violin.safetensors"
        if not (tmp_path / "whole").exists():
            save_instrument(tmp_path / "whole", small_instrument(), SUMMARY)
        whole = read_header(tmp_path / "whole")
        table: Any = whole
        while True:
            key = data.draw(
                st.sampled_from(sorted(table)) if isinstance(table, dict) else st.integers(0, len(table) - 1)
            )
            if not (isinstance(table[key], dict | list) and table[key]) or data.draw(st.booleans()):
                break
            table = table[key]
        table[key] = data.draw(self.anything)
        save_file(load_file(tmp_path / "whole"), path, metadata={HEADER_KEY: json.dumps(whole)})
        self.load_or_refuse(path)

    @staticmethod
    def load_or_refuse(path: Path) -> None:
        message = ""
        try:
            load_instrument(path)
        except InstrumentFileError as error:
            message = str(error)
        assert "\n" not in message


FORMAT_1 = GOLDEN / "instrument-format-1.safetensors"
"""Written once, never again: instruments that people have made must load for ever."""


class TestOldFiles:
    def test_an_instrument_of_format_1_loads_and_sounds_as_it_did(self, golden: Callable[..., None]) -> None:
        loaded = load_instrument(FORMAT_1)
        assert loaded.summary.credit == "nobody"
        assert loaded.instrument.config.preset == "small"
        frames = torch.ones(1, 40, 1)
        glide = Features(220.0 * 2 ** (torch.arange(40) / 40).reshape(1, -1, 1), frames, -30.0 * frames)
        with torch.no_grad():
            audio = loaded.instrument(glide, white_noise(1, 6400, torch.Generator().manual_seed(1)))
        assert audio.abs().max() > 1e-3
        # float32 sums in another order on other machines
        golden("instrument-format-1", {"audio": audio.numpy()}, atol=1e-5)

    def test_its_header_is_of_format_1(self) -> None:
        assert read_header(FORMAT_1)["format_version"] == 1
        assert FORMAT_1.stat().st_size < 60_000
