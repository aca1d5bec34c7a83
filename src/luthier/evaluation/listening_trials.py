"""What is compared in a listening test: the same few seconds as recorded, as played, and as spoiled on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.dsp.signals import Features
from luthier.evaluation.anchor import low_pass_anchor
from luthier.evaluation.frames_of_reference import Synthesiser, oracle_controls
from luthier.evaluation.instrument_report import OWN, Entrant
from luthier.evaluation.material import Clip, clips
from luthier.evaluation.playing import play_controls, play_instrument
from luthier.units import power_to_db, samples_to_seconds, seconds_to_samples

N_TRIALS = 6
"""About a quarter of an hour for one listener."""
EXCERPT_SECONDS, SHORTEST_SECONDS = 8.0, 5.0
"""ITU-R BS.1534-3 advises about ten seconds and no more than twelve."""
QUIETEST_DB = -30.0
"""An excerpt this far below the loudest one is mostly rest: nothing to judge."""
FADE_SECONDS = 0.01
"""At both ends, so that looping does not click."""
HIGHEST_PEAK = 0.999
SEED = 0
REFERENCE, ANCHOR, ORACLE = "reference", "anchor 3.5 kHz", "oracle"


class Trial(NamedTuple):
    """Sounds that are rated side by side.

    Attributes:
        name: of the excerpt.
        sounds: name of the condition and audio (1, n_samples), all equally long; the reference is the first.
    """

    name: str
    sounds: list[tuple[str, Tensor]]


class _Excerpt(NamedTuple):
    clip: Clip
    start: int
    end: int

    @property
    def power(self) -> float:
        return float(self.clip.audio[:, self.start : self.end].square().mean())


def listening_trials(dataset: Dataset, entrants: Sequence[Entrant], *, split: Part = "test") -> list[Trial]:
    """Cut excerpts from held-out passages and let everybody play them.

    Levels stay as they are: an instrument that plays too loud is heard to. Only a trial in which something would
    clip is turned down, all of its sounds alike.

    Args:
        dataset: fits all of the instruments.
        entrants: one instrument or several; the first one's oracle is heard.
        split: part of the dataset that the excerpts come from.

    Raises:
        DatasetError: that part is silent.
    """
    sample_rate = entrants[0].instrument.config.sample_rate
    with torch.no_grad():
        return [_trial(excerpt, entrants) for excerpt in _excerpts(clips(dataset, split), sample_rate)]


def _excerpts(found: Sequence[Clip], sample_rate: int) -> list[_Excerpt]:
    """A few that sound, spread over all there are."""
    cut = [excerpt for clip in found for excerpt in _cut(clip, sample_rate)]
    loudest = max(excerpt.power for excerpt in cut)
    audible = [excerpt for excerpt in cut if excerpt.power > 0 and _level_db(excerpt.power / loudest) >= QUIETEST_DB]
    count = min(N_TRIALS, len(audible))
    return [audible[len(audible) * index // count] for index in range(count)]


def _cut(clip: Clip, sample_rate: int) -> list[_Excerpt]:
    """A clip in excerpts; what is left at its end is one where it is long enough, or all there is."""
    length, shortest = (seconds_to_samples(value, sample_rate) for value in (EXCERPT_SECONDS, SHORTEST_SECONDS))
    n_samples = clip.audio.shape[-1]
    excerpts = [_Excerpt(clip, start, min(start + length, n_samples)) for start in range(0, n_samples, length)]
    return [excerpt for excerpt in excerpts if excerpt.start == 0 or excerpt.end - excerpt.start >= shortest]


def _level_db(power: float) -> float:
    return float(power_to_db(torch.tensor(power)))


def _condition(entrant: Entrant) -> str:
    """The name of an instrument, which may be that of a condition."""
    return f"{entrant.name} (instrument)" if entrant.name in (REFERENCE, ANCHOR, ORACLE) else entrant.name


def _played(entrant: Entrant, features: Features) -> list[tuple[str, Features]]:
    """What an instrument plays: the recording's expression, and without it, which is what a melody from elsewhere gets."""
    name = _condition(entrant)
    own = [] if entrant.instrument.predictor is None else [(f"{name}, {OWN}", features.without_expression())]
    return [(name, features), *own]


def _trial(excerpt: _Excerpt, entrants: Sequence[Entrant]) -> Trial:
    clip, config = excerpt.clip, entrants[0].instrument.config
    rates = {"sample_rate": config.sample_rate, "hop_length": config.hop_length}
    oracle = play_controls(oracle_controls(clip.audio, clip.features, Synthesiser.of(config)), seed=SEED, **rates)
    # Whole clips are played and cut afterwards: an excerpt begins in the middle of the music, as the recording's does.
    whole = [
        (REFERENCE, clip.audio),
        (ANCHOR, low_pass_anchor(clip.audio, sample_rate=config.sample_rate)),
        (ORACLE, oracle),
        *(
            (condition, play_instrument(entrant.instrument, features, seed=SEED))
            for entrant in entrants
            for condition, features in _played(entrant, clip.features)
        ),
    ]
    sounds = [(name, _faded(audio[:, excerpt.start : excerpt.end], config.sample_rate)) for name, audio in whole]
    peak = max(float(audio.abs().max()) for _, audio in sounds)
    gain = min(1.0, HIGHEST_PEAK / peak)
    seconds = clip.start_seconds + samples_to_seconds(excerpt.start, config.sample_rate)
    return Trial(f"{clip.name} from {seconds:.0f} s", [(name, gain * audio) for name, audio in sounds])


def _faded(audio: Tensor, sample_rate: int) -> Tensor:
    count = min(seconds_to_samples(FADE_SECONDS, sample_rate), audio.shape[-1] // 2)
    rise = torch.linspace(0.0, 1.0, count, dtype=audio.dtype)
    envelope = torch.ones(audio.shape[-1], dtype=audio.dtype)
    envelope[:count], envelope[len(envelope) - count :] = rise, rise.flip(0)
    return audio * envelope
