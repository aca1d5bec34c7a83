"""The recipes of the instruments in the box: complete, credited, and good for making one from beginning to end."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.model.bundled import bundled_names
from luthier.model.instrument_file import load_instrument

INSTRUMENTS = Path(__file__).resolve().parents[1] / "instruments"
RECIPES = sorted(path.stem for path in INSTRUMENTS.glob("*.toml"))
FREE = {"CC0 1.0"}


def read(name: str):
    return runpy.run_path(str(INSTRUMENTS / "recipe.py"))["read_recipe"](INSTRUMENTS / f"{name}.toml")


def test_every_shipped_instrument_has_a_recipe() -> None:
    assert set(bundled_names()) <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_is_made_from_what(name, repository: Path) -> None:
    recipe = read(name)
    assert recipe.sample_rate == (44100 if name.endswith("-studio") else 16000)
    assert recipe.preset == ("studio" if name.endswith("-studio") else "fast")
    assert (recipe.minutes > 0) != (recipe.steps > 0)
    assert recipe.about
    assert f'--licence "{recipe.licence}"' in recipe.commands(name)
    if recipe.licence not in FREE:
        who = recipe.credit.split(" (")[0]
        assert who in (repository / "NOTICE").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", bundled_names())
def test_a_shipped_instrument_says_what_its_recipe_says(name) -> None:
    summary, recipe = load_instrument(name).summary, read(name)
    assert (summary.title, summary.licence) == (recipe.title, recipe.licence)
    assert summary.credit.startswith(recipe.credit)  # and whoever the start of its network learned from
    assert " ".join(recipe.recordings) in summary.recipe


@pytest.mark.parametrize("name", RECIPES)
def test_the_recordings_of_a_recipe_exist(name, shared_audio: Path) -> None:
    assert all((shared_audio / part).exists() for part in read(name).recordings)


def test_a_key_that_no_recipe_has_is_an_error(tmp_path) -> None:
    text = (INSTRUMENTS / "violin.toml").read_text(encoding="utf-8")
    (tmp_path / "odd.toml").write_text("colour = 'red'\n" + text, encoding="utf-8")
    with pytest.raises(TypeError, match="colour"):
        runpy.run_path(str(INSTRUMENTS / "recipe.py"))["read_recipe"](tmp_path / "odd.toml")


@pytest.mark.slow
def test_one_command_makes_an_instrument_and_not_twice(tmp_path, shared_audio: Path) -> None:
    command = [sys.executable, str(INSTRUMENTS / "build.py"), "bagpipe-chanter", "--minutes", "0.1"]
    command += ["--audio", str(shared_audio), "--work", str(tmp_path / "work"), "--output", str(tmp_path / "box")]
    (tmp_path / "box").mkdir()
    subprocess.run(command, check=True, capture_output=True)
    made = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "box").iterdir()}
    assert set(made) == {f"bagpipe-chanter.{suffix}" for suffix in ("safetensors", "md", "ogg")}
    trained = tmp_path / "work" / "bagpipe-chanter" / "bagpipe-chanter.safetensors"
    before = trained.stat().st_mtime_ns
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "epoch" not in again.stderr  # nothing is trained again
    assert trained.stat().st_mtime_ns == before
