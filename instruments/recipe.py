"""A recipe: what one instrument is made from, and the commands that make it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FRAMES_PER_SECOND = 100


class Recipe(NamedTuple):
    """What a .toml file says.

    Attributes:
        title: what it is, for lists.
        recordings: files or folders in the folder of recordings.
        licence: of the recordings.
        credit: whom to name.
        preset: what is trained.
        sample_rate: Hz.
        seed: of weights, windows and noise.
        about: what it is good at and what not, for its card.
        minutes: of training; or
        steps: of training, which take a machine as long as they take it.
        refit: whether it learns once more, from validation passages, too, when all is learned.
        settings: what differs from the preset, as for `--set`.
    """

    title: str
    recordings: list[str]
    licence: str
    credit: str
    preset: str
    sample_rate: int
    seed: int
    about: str
    minutes: float = 0.0
    steps: int = 0
    refit: bool = False
    settings: dict[str, object] = {}  # noqa: RUF012  never changed

    def prepare(self, dataset: object) -> list[object]:
        """The command that measures the recordings."""
        rates = ["--sample-rate", self.sample_rate, "--hop-length", self.sample_rate // FRAMES_PER_SECOND]
        credits = ["--credit", self.credit, "--licence", self.licence]
        return ["prepare", *self.recordings, "-o", dataset, "--preset", self.preset, *rates, *credits]

    def train(self, dataset: object, instrument: object) -> list[object]:
        """The command that learns."""
        settings = [word for key, value in self.settings.items() for word in ("--set", f"{key}={_value(value)}")]
        budget = ["--minutes", f"{self.minutes:g}"] if self.minutes else ["--steps", self.steps]
        seed = ["--set", f"seed={self.seed}"]
        refit = ["--refit"] if self.refit else []
        return ["train", dataset, "-o", instrument, "--preset", self.preset, *budget, *refit, *seed, *settings]

    def commands(self, name: str) -> str:
        """All commands, one a line, as one would type them."""
        dataset, instrument = f"{name}-data", f"{name}.safetensors"
        lines = self.prepare(dataset), self.train(dataset, instrument), ["evaluate", instrument, dataset]
        return "\n".join(f"luthier {' '.join(map(_quoted, line))}" for line in lines)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; an unknown or a missing key is an error."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Recipe(**table)._replace(about=" ".join(table["about"].split()))


def _value(value: object) -> object:
    """As `--set` reads it."""
    return str(value).lower() if isinstance(value, bool) else value


def _quoted(word: object) -> str:
    text = str(word)
    return f'"{text}"' if " " in text else text
