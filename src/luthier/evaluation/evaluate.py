"""How good an instrument is, on material that it never heard, beside its frames of reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.errors import DatasetError, RangeError
from luthier.evaluation.frames_of_reference import (
    MeanTimbre,
    Synthesiser,
    base_controls,
    mean_timbre,
    oracle_controls,
)
from luthier.evaluation.gap import gap
from luthier.evaluation.intervals import bootstrap_interval, gap_interval, student_interval
from luthier.evaluation.material import Clip, clips, clips_with_sound, silent_passages
from luthier.evaluation.metrics import (
    FRAMED_METRICS,
    PITCH_METRICS,
    PLAIN_METRICS,
    average_scores,
    framed_scores,
    score_clip,
)
from luthier.evaluation.pitch import YinTrack, melody_of, pitch_errors
from luthier.evaluation.playing import play_controls, play_instrument
from luthier.evaluation.room import direct_to_reverberant_db, octave_t60_seconds
from luthier.evaluation.scores import ClipScores, Evaluation, FramedScore, Number, RoomSummary, known
from luthier.model.instrument import Instrument
from luthier.units import samples_to_seconds

SEEDS = (0, 1, 2)
TIMBRE_SECONDS = 300.0
"""As much of the training material as the mean timbre is averaged over: more does not move a mean."""


class _ClipResult(NamedTuple):
    """Averages over noise seeds, metric by metric."""

    model: dict[str, float]
    predicted: dict[str, float]
    floor: dict[str, float]
    oracle: dict[str, float]
    base: dict[str, float]


def evaluate(
    instrument: Instrument, dataset: Dataset, *, split: Part = "test", seeds: Sequence[int] = SEEDS
) -> Evaluation:
    """Score an instrument on one part of a dataset.

    Args:
        instrument: at the dataset's sample rate, hop length and loudness.
        dataset: its training part gives the mean timbre of the base.
        split: the part that is scored.
        seeds: of the noise; two or more, so that there is a floor.

    Raises:
        RangeError: fewer than two seeds, or one of them twice.
        DatasetError: the instrument and the dataset do not fit, or the part is silent.
    """
    if len(seeds) < 2 or len(set(seeds)) < len(seeds):
        raise RangeError(f"seeds {tuple(seeds)}: expected two or more, all different, since the floor compares them.")
    check_fit(instrument, dataset)
    synthesiser = Synthesiser.of(instrument.config)
    training = clips(dataset, "train", at_most_seconds=TIMBRE_SECONDS)
    with torch.no_grad():
        timbre = mean_timbre(((clip.audio, clip.features) for clip in training), synthesiser)
        scored, sounding_seconds = clips_with_sound(dataset, split)
        results = [_score(clip, instrument, timbre, synthesiser, seeds) for clip in scored]
    rows = zip(scored, results, sounding_seconds, strict=True)
    passages = tuple(_clip_scores(*row, instrument.config.sample_rate) for row in rows)
    silent = tuple(silent_passages(dataset, split, scored))
    return _summarise(instrument, passages, results, split, seeds).model_copy(update={"silent": silent})


def check_fit(instrument: Instrument, dataset: Dataset, *, name: str = "the instrument") -> None:
    """Refuse a dataset whose features mean something else than those the instrument listens to.

    Args:
        instrument: any.
        dataset: any.
        name: of the instrument, for the message.

    Raises:
        DatasetError: sample rate, hop length or loudness differ.
    """
    wanted, found = instrument.config.features, dataset.definition
    for field in ("sample_rate", "hop_length", "loudness", "loudness_n_fft", "loudness_floor_db"):
        if getattr(wanted, field) != getattr(found, field):
            raise DatasetError(
                f"{dataset.path}: {field} is {getattr(found, field)}, {name} expects {getattr(wanted, field)}. "
                "Prepare the recordings again to fit the instrument."
            )


def _score(
    clip: Clip, instrument: Instrument, timbre: MeanTimbre, synthesiser: Synthesiser, seeds: Sequence[int]
) -> _ClipResult:
    rate, hop_length = synthesiser.sample_rate, synthesiser.hop_length
    oracle = oracle_controls(clip.audio, clip.features, synthesiser)
    base = base_controls(clip.features, timbre, synthesiser)
    models = [play_instrument(instrument, clip.features, seed=seed) for seed in seeds]
    own = clip.features.without_expression()
    predicted = [play_instrument(instrument, own, seed=seed) for seed in seeds if instrument.predictor]
    oracles = [play_controls(oracle, sample_rate=rate, hop_length=hop_length, seed=seed) for seed in seeds]
    bases = [play_controls(base, sample_rate=rate, hop_length=hop_length, seed=seed) for seed in seeds]
    wanted = melody_of(clip.audio, sample_rate=rate)
    pairs = zip(oracles, [*oracles[1:], oracles[0]], strict=True)
    return _ClipResult(
        model=average_scores([score_clip(audio, clip.audio, sample_rate=rate, wanted=wanted) for audio in models]),
        predicted=average_scores(
            [score_clip(audio, clip.audio, sample_rate=rate, wanted=wanted) for audio in predicted]
        ),
        floor=average_scores([framed_scores(one, other, sample_rate=rate) for one, other in pairs]),
        oracle=_score_oracle(oracles, clip, rate, wanted),
        base=average_scores([framed_scores(audio, clip.audio, sample_rate=rate) for audio in bases]),
    )


def _score_oracle(oracles: Sequence[Tensor], clip: Clip, sample_rate: int, wanted: YinTrack) -> dict[str, float]:
    """What the metrics with frames say of it, and those of the pitch, in which one noise is like another."""
    framed = average_scores([framed_scores(audio, clip.audio, sample_rate=sample_rate) for audio in oracles])
    (pitch,) = pitch_errors(oracles[0], clip.audio, sample_rate=sample_rate, wanted=wanted)
    return framed | pitch._asdict()


def _summarise(
    instrument: Instrument,
    passages: tuple[ClipScores, ...],
    results: list[_ClipResult],
    split: Part,
    seeds: Sequence[int],
) -> Evaluation:
    averages = average_scores([result.model for result in results])
    framed = {name: _framed_score(name, results) for name in FRAMED_METRICS}
    plain = {name: known(averages[name]) for name in (*PLAIN_METRICS, *PITCH_METRICS)}
    own = average_scores([result.predicted for result in results])
    oracle = average_scores([result.oracle for result in results])
    rate = instrument.config.sample_rate
    response = instrument.room.impulse_response().detach().cpu()
    room = {
        "t60_seconds": octave_t60_seconds(response, rate),
        "direct_to_reverberant_db": direct_to_reverberant_db(response, rate),
    }
    fields: dict[str, Any] = {**framed, **plain}
    return Evaluation(
        preset=instrument.config.preset,
        split=split,
        seeds=tuple(seeds),
        room=RoomSummary(**{name: known(value) for name, value in room.items()}),
        predicted={name: known(own[name]) for name in plain if own},
        oracle={name: known(oracle[name]) for name in PITCH_METRICS},
        clips=passages,
        **fields,
    )


def _framed_score(name: str, results: list[_ClipResult]) -> FramedScore:
    columns = {
        column: [scores[name] for scores in (getattr(result, column) for result in results) if scores]
        for column in _ClipResult._fields
    }
    means = {column: sum(values) / len(values) for column, values in columns.items() if values}
    (low, high), (drawn_low, drawn_high) = student_interval(columns["model"]), bootstrap_interval(columns["model"])
    found: dict[str, Number] = {"low": known(low), "high": known(high)}
    found |= {"bootstrap_low": drawn_low, "bootstrap_high": drawn_high}
    for column, prefix in (("model", ""), ("predicted", "predicted_")):
        if column in means:
            found[f"{prefix}gap"] = known(gap(means[column], oracle=means["oracle"], base=means["base"]))
            low, high = gap_interval(columns[column], oracles=columns["oracle"], bases=columns["base"])
            found |= {f"{prefix}gap_low": known(low), f"{prefix}gap_high": known(high)}
    if len(results) == 1:  # one passage says nothing about others
        found |= {name: None for name in found if name.endswith(("low", "high"))}
    return FramedScore(**means, **found)


def _clip_scores(clip: Clip, result: _ClipResult, sounding_seconds: float, sample_rate: int) -> ClipScores:
    return ClipScores(
        recording=clip.name,
        start_seconds=clip.start_seconds,
        seconds=samples_to_seconds(clip.audio.shape[-1], sample_rate),
        sounding_seconds=sounding_seconds,
        scores=_known(result.model),
        **{column: _known(scores) for column, scores in result._asdict().items() if column != "model"},
    )


def _known(scores: dict[str, float]) -> dict[str, Number]:
    return {name: known(value) for name, value in scores.items()}
