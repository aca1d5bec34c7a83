"""The listening test as one page that opens anywhere: listen, rate blind, download the ratings."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from luthier.atomic import atomic_file
from luthier.errors import RangeError
from luthier.evaluation.embedding import audio_data_uri
from luthier.evaluation.listening_trials import Trial

TEMPLATE = "listening_test.html.j2"
SHUFFLE_SEED = 20150
"""Of the order in which sounds stand in the page's source; listeners' own orders are drawn in the browser."""


def write_listening_test(
    path: str | Path, trials: Sequence[Trial], *, sample_rate: int, credits: Sequence[str] = (), force: bool = False
) -> None:
    """Write a listening test as one self-contained HTML file; it appears whole or not at all.

    Args:
        path: of the page.
        trials: see `luthier.evaluation.listening_trials.listening_trials`.
        sample_rate: of all sounds, Hz.
        credits: whom to name, and the licences of the recordings.
        force: replace what is there.

    Raises:
        OutputError: `path` exists and `force` is not set, or it cannot be written.
        RangeError: there is no trial, or a sound holds NaN.
    """
    with atomic_file(path, force=force) as temporary:
        temporary.write_text(render_listening_test(trials, sample_rate=sample_rate, credits=credits), encoding="utf-8")


def render_listening_test(trials: Sequence[Trial], *, sample_rate: int, credits: Sequence[str] = ()) -> str:
    """The listening test as HTML text; arguments and errors as in `write_listening_test`.

    The protocol is that of ITU-R BS.1534-3 (MUSHRA) with one anchor. What a sound is stands in the page once, as
    base64 text, and no other name, address or order tells it.
    """
    if not trials:
        raise RangeError("a listening test needs at least one trial, found none.")
    generator = np.random.default_rng(SHUFFLE_SEED)
    shuffled = [[trial.sounds[index] for index in generator.permutation(len(trial.sounds))] for trial in trials]
    key = [
        {"name": trial.name, "conditions": [name for name, _ in sounds], "reference": _index(sounds, trial)}
        for trial, sounds in zip(trials, shuffled, strict=True)
    ]
    sounds = [[audio_data_uri(audio, sample_rate) for _, audio in row] for row in shuffled]
    material = {"key": _encoded(key), "sounds": sounds, "id": _fingerprint(sounds)}
    environment = Environment(
        loader=PackageLoader("luthier.evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(TEMPLATE).render(material=material, credits=credits)


def _index(sounds: Sequence[tuple[str, object]], trial: Trial) -> int:
    """Where the reference, the first sound of a trial, went."""
    return next(index for index, sound in enumerate(sounds) if sound is trial.sounds[0])


def _encoded(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode("utf-8")).decode("ascii")


def _fingerprint(sounds: Sequence[Sequence[str]]) -> str:
    """Tells this test's stored progress from that of others."""
    return hashlib.sha256("".join(uri for row in sounds for uri in row).encode("ascii")).hexdigest()[:16]
