"""Make the instruments that come with the package, each from its recipe (a .toml beside this file).

    python instruments/build.py                          all of them
    python instruments/build.py violin                   one of them, in minutes
    python instruments/build.py --presets fast --force   all of one preset, anew

Four commands of luthier's own an instrument: prepare, train, evaluate, transfer (for the preview). What they leave
behind goes to runs/instruments/NAME; the instrument, its card and its preview go into the package. What is there
already is skipped, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from card import card
from packing import add_story, preview
from recipe import Recipe, read_recipe

HERE = Path(__file__).resolve().parent
LUTHIER = [sys.executable, "-c", "from luthier.apps.cli.main import main; main()"]
PHRASE = files("luthier.apps") / "demo_audio" / "voice.flac"
PREVIEW_SECONDS = 7.5
LARGEST_BYTES = 3_000_000


class Places(NamedTuple):
    """Where one instrument is made: a folder for what is left behind, and where it is shipped from."""

    work: Path
    shipped: Path

    @property
    def dataset(self) -> Path:
        return self.work / "dataset"

    @property
    def trained(self) -> Path:
        return self.work / f"{self.work.name}.safetensors"

    @property
    def checkpoint(self) -> Path:
        return self.work / f"{self.work.name}-run" / "last.ckpt"

    @property
    def report(self) -> Path:
        return self.work / "report"

    def ship(self, suffix: str) -> Path:
        return self.shipped / f"{self.work.name}{suffix}"


def main() -> None:
    wanted = parse()
    for name in wanted.names or names():
        recipe = read_recipe(HERE / f"{name}.toml")
        if wanted.presets and recipe.preset not in wanted.presets:
            continue
        if wanted.minutes:
            recipe = recipe._replace(minutes=wanted.minutes)
        places = Places(wanted.work / name, wanted.output)
        if wanted.force:
            shutil.rmtree(places.work, ignore_errors=True)
        elif places.ship(".safetensors").is_file() and not places.work.exists():
            print(f"{name}: there already. --force makes it anew.", flush=True)
            continue
        build(name, recipe, places, wanted.audio)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *names()], help="all of them if absent")
    parser.add_argument("--minutes", type=float, help="of training, instead of the recipe's")
    parser.add_argument("--presets", nargs="+", help="only the recipes of these presets")
    parser.add_argument("--audio", type=Path, default=HERE.parents[1] / "shared" / "audio", help="the recordings")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "instruments", help="traces, checkpoints")
    parser.add_argument("--output", type=Path, default=HERE.parent / "src" / "luthier" / "instruments")
    parser.add_argument("--force", action="store_true", help="begin anew instead of going on")
    return parser.parse_args()


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.toml"))


def build(name: str, recipe: Recipe, places: Places, audio: Path) -> None:
    """Prepare, train, evaluate and ship; what is done already is not done again."""
    places.work.mkdir(parents=True, exist_ok=True)
    if not places.dataset.exists():
        luthier(recipe.prepare(places.dataset), audio)
    if not places.trained.is_file():
        go_on = ["--resume"] if places.checkpoint.is_file() else []
        luthier([*recipe.train(places.dataset, places.trained), *go_on], audio)
    if not places.report.exists():
        luthier(["evaluate", places.trained, places.dataset, "-o", places.report], audio)
    scores = json.loads((places.report / "scores.json").read_text(encoding="utf-8"))
    shipped = places.ship(".safetensors")
    add_story(places.trained, shipped, title=recipe.title, recipe=recipe.commands(name), scores=scores)
    if (size := shipped.stat().st_size) > LARGEST_BYTES:
        sys.exit(f"{shipped}: {size} bytes, expected at most {LARGEST_BYTES}. Choose a smaller preset.")
    sung = places.work / "preview.wav"
    luthier(
        ["transfer", PHRASE, "--to", shipped, "-o", sung, "--until", PREVIEW_SECONDS, "--lufs", -20, "--force"], audio
    )
    preview(sung, places.ship(".ogg"))
    places.ship(".md").write_text(card(name, recipe, shipped, scores), encoding="utf-8")
    print(f"{name}: {shipped}", flush=True)


def luthier(arguments: list[object], audio: Path) -> None:
    """Run one command in the folder of the recordings; it says itself what is wrong."""
    subprocess.run([*LUTHIER, *map(str, arguments)], cwd=audio, check=True)


if __name__ == "__main__":
    main()
