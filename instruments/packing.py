"""What is put into the package: the instrument with its story, and a few seconds of sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from luthier.model.instrument_file import load_instrument, save_instrument

FRAMED = ("mss", "mss_rel", "mel_db", "loudness_db_l1")
PLAIN = ("f0_cents", "rpa50")
FADE_SECONDS = 0.3


def add_story(trained: Path, shipped: Path, *, title: str, recipe: str, scores: dict) -> None:
    """Write an instrument again with its title, the commands that made it and its scores on the test blocks."""
    loaded = load_instrument(trained)
    found = loaded.summary.scores | test_scores(scores)
    summary = loaded.summary.model_copy(update={"title": title, "recipe": recipe, "scores": found})
    save_instrument(shipped, loaded.instrument, summary, force=True)


def test_scores(scores: dict) -> dict[str, float]:
    """The scores of an evaluation as they stand in an instrument file: by name, without those that could not be taken."""
    named = {f"test_{name}": scores[name]["model"] for name in FRAMED}
    named |= {f"test_{name}_gap": scores[name]["gap"] for name in FRAMED}
    named |= {f"test_{name}_own_gap": scores[name]["predicted_gap"] for name in FRAMED}
    named |= {f"test_{name}": scores[name] for name in PLAIN}
    return {name: value for name, value in named.items() if value is not None}


def preview(sung: Path, target: Path) -> None:
    """Fade a sound out at its end and write it small."""
    audio, sample_rate = soundfile.read(sung, dtype="float32")
    n_fade = round(FADE_SECONDS * sample_rate)
    audio[-n_fade:] *= np.linspace(1.0, 0.0, n_fade, dtype=np.float32)
    soundfile.write(target, audio, sample_rate, format="OGG", subtype="VORBIS")
