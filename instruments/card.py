"""The model card: what an instrument is, whom to thank, how good it is and how it was made."""

from __future__ import annotations

from pathlib import Path

from packing import FRAMED, PLAIN
from recipe import Recipe

from luthier.analysis.checkup_range import note_name
from luthier.inference.pitch_fit import range_hz
from luthier.inference.player import load_player
from luthier.model.instrument_file import TrainingSummary
from luthier.units import hz_to_midi

PHRASE = "Bittner et al., vocadito (2021), clip 14, CC BY 4.0"


def card(name: str, recipe: Recipe, shipped: Path, scores: dict) -> str:
    """The page, as Markdown."""
    player = load_player(shipped)
    config, summary = player.instrument.config, player.summary
    octaves = player.instrument.statistics.f0_octaves_quantiles
    facts = {
        "preset": f"`{config.preset}`, {player.instrument.n_parameters:,} parameters",
        "sample rate": f"{config.sample_rate} Hz",
        "range": " to ".join(note_name(round(hz_to_midi(hz))) for hz in range_hz(octaves)),
        "recordings": f"{summary.audio_seconds / 60:.1f} minutes: {summary.credit}",
        "licence of the recordings": recipe.licence,
        "training": f"{summary.steps:,} steps{_refit(summary)}{_minutes(recipe, summary)}, seed {recipe.seed}",
        "size": f"{shipped.stat().st_size / 1e6:.2f} MB",
    }
    return "\n".join([
        f"# {recipe.title}",
        "",
        f"    luthier transfer voice.wav --to {name} -o out.wav",
        "",
        recipe.about,
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in facts.items()),
        "",
        f"[{name}.ogg]({name}.ogg): a sung melody ({PHRASE}), played by it.",
        "",
        *_scores(scores),
        "",
        "## How it was made",
        "",
        "In the folder of the recordings; `python instruments/build.py` does it all.",
        "",
        *(f"    {line}" for line in _made(recipe, name, summary)),
        "",
    ])  # fmt: skip


def _refit(summary: TrainingSummary) -> str:
    return " on training and validation passages, after a run that found how many are best" if summary.refit else ""


def _minutes(recipe: Recipe, summary: TrainingSummary) -> str:
    """How long they took, where the recipe gives a time: else it only tells how busy a machine was."""
    return f", {summary.train_seconds / 60:.0f} minutes" if recipe.minutes else ""


def _made(recipe: Recipe, name: str, summary: TrainingSummary) -> list[str]:
    return [*recipe.commands(name).splitlines(), f"# luthier {summary.luthier_version}"]


def _scores(scores: dict) -> list[str]:
    """The scores on the test blocks as a table; what they mean is told by `luthier evaluate`."""
    columns = ("model", "floor", "oracle", "base", "gap", "predicted_gap")
    rows = [f"| {name} | " + " | ".join(_text(scores[name][column]) for column in columns) + " |" for name in FRAMED]
    plain = ", ".join(f"{name} {_text(scores[name])}" for name in PLAIN)
    return [
        "## Scores on passages that it never heard",
        "",
        "Lower is better; floor: another noise, oracle: the recording analysed and played back, base: a constant",
        "timbre. Gap: 0 as good as the oracle, 1 no better than the base; the last column with its own expression.",
        "",
        "| | instrument | floor | oracle | base | gap | own gap |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Pitch by another tracker: {plain}.",
    ]


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
