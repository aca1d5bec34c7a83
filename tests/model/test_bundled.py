from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from luthier.errors import InstrumentFileError
from luthier.model.bundled import bundled_folder, bundled_names, find_instrument, hint, is_bundled_name
from luthier.model.instrument_file import load_instrument


def test_a_name_is_found_wherever_one_is(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "violin" in bundled_names()
    assert find_instrument("violin") == bundled_folder() / "violin.safetensors"
    assert load_instrument("violin").summary == load_instrument(bundled_folder() / "violin.safetensors").summary


def test_a_file_of_the_same_name_wins(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_instrument("alto-saxophone"), tmp_path / "violin")
    assert not is_bundled_name("violin")
    assert find_instrument("violin") == Path("violin")
    assert load_instrument("violin").summary.title == load_instrument("alto-saxophone").summary.title


def test_a_folder_of_the_same_name_is_not_in_the_way(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "violin").mkdir()
    assert find_instrument("violin").is_file()


@pytest.mark.parametrize("given", ["voilin", "Violin2", "sax", ""])
def test_an_unknown_name_lists_what_there_is(given, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InstrumentFileError) as error:
        find_instrument(given)
    if given:  # an empty name is the current folder
        assert all(name in str(error.value) for name in bundled_names())
    assert "\n" not in str(error.value)


def test_the_nearest_name_is_suggested() -> None:
    names = ["alto-saxophone", "violin"]
    assert hint("voilin", names).startswith("Did you mean violin? There are: alto-saxophone, violin.")
    assert hint("VIOLIN", names).startswith("Did you mean violin?")
    assert hint("sax", names).startswith("Did you mean alto-saxophone?")
    assert hint("theremin", names) == "There are: alto-saxophone, violin."


@pytest.mark.parametrize("given", ["violin.safetensors", "there/violin", "../instruments/violin"])
def test_what_looks_like_a_path_is_one(given, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InstrumentFileError, match="no such file"):
        find_instrument(given)
