"""The report on one instrument, or on several side by side, from a dataset that they are scored on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.dsp.signals import Features
from luthier.evaluation.advice import advise, describe, weakest_clip
from luthier.evaluation.comparison import compare
from luthier.evaluation.frames_of_reference import Synthesiser, oracle_controls
from luthier.evaluation.material import Clip, clips_with_sound
from luthier.evaluation.pitch import CONFIDENT, track_yin
from luthier.evaluation.playing import play_controls, play_instrument, play_without_room
from luthier.evaluation.plots import (
    Heard,
    TrainingCurve,
    figure_to_png,
    plot_stft_comparison,
    room_plot,
    training_plot,
)
from luthier.evaluation.report import Report, ReportExample, ScoreTable
from luthier.evaluation.scores import ClipScores, Evaluation
from luthier.features.loudness import loudness_db
from luthier.model.instrument import Instrument

ALL_LEARNED = "Everything below was played from recordings that {who} was trained on: no test of it."
PARTLY_LEARNED = "{share} % of what is scored below is what {who} was trained on: no fair test of it."
ALL_SHARE = 0.995
UNKNOWN = "Whether {who} was trained on what is scored below is not known: its file does not say."
CHOSEN_BY = "Everything below was played from recordings by which the best moment of training was chosen."
OTHER_FILES = (
    "Everything below was played from other files than {who} was trained on; whether they are copies or parts of these "
    "cannot be told."
)
HELD_OUT = "Everything below was played from recordings that were held out from training."
OWN = "expression of its own"
"""How what an instrument makes of pitch and loudness alone is called."""
N_PASSAGES = 3
PASSAGE_SECONDS = 10
"""Long enough for a phrase, short enough to compare from memory."""
SEED = 0


class Entrant(NamedTuple):
    """An instrument that takes part in a report.

    Attributes:
        name: for people.
        instrument: what is heard.
        scores: what `evaluate` found.
        training: its losses, where they are known.
        learned_share: how much of what it is scored on it learned from, see `held_out`; None where it is not known.
        learned_here: whether it learned from other recordings or passages of the same dataset.
        credit: whom to name for it.
        verdict: whether more training would help, in words; empty where it is not known.
    """

    name: str
    instrument: Instrument
    scores: Evaluation
    training: TrainingCurve | None = None
    learned_share: float | None = None
    learned_here: bool = True
    credit: str = ""
    verdict: str = ""


def say_credits(dataset: Dataset, entrants: Sequence[Entrant]) -> list[str]:
    """Whom to name for what is heard: the recordings, and those that the instruments learned from."""
    texts = (dataset.credit, dataset.licence, *(entrant.credit for entrant in entrants))
    return list(dict.fromkeys(text for text in texts if text))


def say_material(entrants: Sequence[Entrant], split: Part) -> str:
    """What instruments are scored on, in a sentence."""
    said = [_say_learned(entrant) for entrant in entrants]
    if not any(said):
        return CHOSEN_BY if split == "validation" else HELD_OUT
    groups = {
        text: [entrant for entrant, own in zip(entrants, said, strict=True) if own == text] for text in said if text
    }
    return " ".join(text.format(who=_who(some, entrants)) for text, some in groups.items())


def say_scores(entrant: Entrant) -> list[str]:
    """What the scores of an instrument mean, and what to do, where they are of material like that it learned from."""
    if _say_learned(entrant) == OTHER_FILES:
        return describe(entrant.scores)
    return advise(entrant.scores, training=entrant.verdict)


def _say_learned(entrant: Entrant) -> str:
    """What has to be said of one instrument, its name left open; nothing where it was held out."""
    share = entrant.learned_share
    if share is None:
        return UNKNOWN
    if share == 0.0:
        return "" if entrant.learned_here else OTHER_FILES
    if share > ALL_SHARE:
        return ALL_LEARNED
    return PARTLY_LEARNED.replace("{share}", "Less than 1" if share < 0.005 else f"{100 * share:.0f}")


def _who(some: Sequence[Entrant], entrants: Sequence[Entrant]) -> str:
    return "the instrument" if len(some) == len(entrants) else " and ".join(entrant.name for entrant in some)


def instrument_report(dataset: Dataset, entrants: Sequence[Entrant], *, split: Part = "test") -> Report:
    """Let instruments play held-out passages and put everything known about them on one page.

    Args:
        dataset: fits all of the instruments.
        entrants: one instrument, or several to compare; the first one's oracle is heard.
        split: part of the dataset that the passages come from.

    Raises:
        DatasetError: that part is silent.
    """
    chosen = _passages(dataset, split, [weakest_clip(entrant.scores) for entrant in entrants])
    with torch.no_grad():
        passages = [_passage(clip, entrants, number) for number, clip in enumerate(chosen, start=1)]
        rooms = [_room(entrant) for entrant in entrants]
    courses = [_course(entrant, entrant.training) for entrant in entrants if entrant.training]
    return Report(
        title=" and ".join(entrant.name for entrant in entrants),
        summary=say_material(entrants, split),
        advice=[_named(entrant, entrants, text) for entrant in entrants for text in say_scores(entrant)],
        examples=[*passages, *rooms, *courses],
        tables=[ScoreTable(entrant.name, entrant.scores) for entrant in entrants],
        comparison=compare(entrants[0].scores, entrants[1].scores) if len(entrants) == 2 else (),
        facts=[fact for entrant in entrants for fact in _facts(entrant)],
        credits=say_credits(dataset, entrants),
    )


def heard(audio: Tensor, *, sample_rate: int, hop_length: int) -> Heard:
    """Measure pitch (where it is sure) and loudness of audio (1, n_samples), for plots, with evaluation's tracker."""
    track = track_yin(audio, sample_rate=sample_rate, hop_length=hop_length)
    is_sure = (track.confidence >= CONFIDENT).float()
    level_db = loudness_db(audio, sample_rate=sample_rate, hop_length=hop_length)
    return Heard(audio, Features(track.f0_hz.unsqueeze(-1), is_sure.unsqueeze(-1), level_db))


def _passages(dataset: Dataset, split: Part, weakest: Sequence[ClipScores | None]) -> list[Clip]:
    """The beginnings of a few clips, spread over all there are, and of those that the advice names."""
    found, _ = clips_with_sound(dataset, split)
    count = min(N_PASSAGES, len(found))
    definition = dataset.definition
    n_frames = int(PASSAGE_SECONDS * definition.frame_rate)
    spread = {len(found) * index // count for index in range(count)}
    named = {(clip.recording, clip.start_seconds) for clip in weakest if clip is not None}
    chosen = [clip for index, clip in enumerate(found) if index in spread or (clip.name, clip.start_seconds) in named]
    return [
        clip._replace(
            audio=clip.audio[:, : n_frames * definition.hop_length],
            features=clip.features.map(lambda values: values[:, :n_frames]),
        )
        for clip in chosen
    ]


def _passage(clip: Clip, entrants: Sequence[Entrant], number: int) -> ReportExample:
    config = entrants[0].instrument.config
    rate, hop_length = config.sample_rate, config.hop_length
    reference = heard(clip.audio, sample_rate=rate, hop_length=hop_length)
    players, figures = [("Recording", clip.audio, rate)], []
    for entrant in entrants:
        wet = play_instrument(entrant.instrument, clip.features, seed=SEED)
        output = heard(wet, sample_rate=rate, hop_length=hop_length)
        comparison = plot_stft_comparison(reference, output, sample_rate=rate, hop_length=hop_length)
        dry = play_without_room(entrant.instrument, clip.features, seed=SEED)
        players += [(entrant.name, wet, rate), (f"{entrant.name}, without the room", dry, rate)]
        if entrant.instrument.predictor is not None:
            own = play_instrument(entrant.instrument, clip.features.without_expression(), seed=SEED)
            players.append((f"{entrant.name}, {OWN}", own, rate))
        figures.append((f"Recording and {entrant.name}", figure_to_png(comparison)))
    controls = oracle_controls(clip.audio, clip.features, Synthesiser.of(config))
    oracle = play_controls(controls, sample_rate=rate, hop_length=hop_length, seed=SEED)
    players.append(("Oracle: the recording analysed and played back", oracle, rate))
    return ReportExample(f"Passage {number}: {clip.name} from {clip.start_seconds:.0f} s", players, figures)


def _room(entrant: Entrant) -> ReportExample:
    impulse_response = entrant.instrument.room.impulse_response().detach().cpu()
    if len(impulse_response) == 1:
        return ReportExample(f"The room of {entrant.name}", text="This instrument stands in no room.")
    rate = entrant.instrument.config.sample_rate
    loudest = impulse_response.abs().max()
    picture = ("Impulse response and decay curve", figure_to_png(room_plot(impulse_response, sample_rate=rate)))
    return ReportExample(
        f"The room of {entrant.name}",
        [("A clap in the room", impulse_response / loudest, rate)],
        [picture],
        text="What training took for the room; everything else is the instrument.",
    )


def _course(entrant: Entrant, training: TrainingCurve) -> ReportExample:
    picture = ("Loss (mss) by step", figure_to_png(training_plot(training)))
    return ReportExample(f"Training of {entrant.name}", (), [picture], text=entrant.verdict)


def _named(entrant: Entrant, entrants: Sequence[Entrant], sentence: str) -> str:
    return f"{entrant.name}: {sentence}" if len(entrants) > 1 else sentence


def _facts(entrant: Entrant) -> list[tuple[str, str]]:
    config = entrant.instrument.config
    return [
        ("instrument", entrant.name),
        ("preset", config.preset),
        ("parameters", f"{entrant.instrument.n_parameters:,}"),
        ("sample rate", f"{config.sample_rate} Hz, {config.hop_length} samples a frame"),
    ]
