"""The report: one HTML file with players, pictures and scores that opens anywhere and loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from torch import Tensor

from luthier.atomic import atomic_file
from luthier.evaluation.comparison import Difference
from luthier.evaluation.embedding import audio_data_uri, png_data_uri
from luthier.evaluation.metrics import MEANINGS
from luthier.evaluation.scores import Evaluation, FramedScore, Number
from luthier.units import amplitude_to_db

TEMPLATE = "report.html.j2"
HIGHEST_PEAK = 0.999
"""Of what is heard."""
SMALLEST_CHANGE_DB = 0.05
"""Worth a word."""
BY_PASSAGE = ("mss_rel", "mel_db", "loudness_db_l1", "onset_ms", "f0_cents")
"""Scores that are shown of each passage; all are in scores.json."""


class ReportExample(NamedTuple):
    """Sounds and pictures that belong together.

    Attributes:
        title: over them.
        players: label, audio (n_samples,) or (1, n_samples), sample rate in Hz.
        figures: caption, bytes of a PNG file.
        text: what to listen for.
    """

    title: str
    players: Sequence[tuple[str, Tensor, int]] = ()
    figures: Sequence[tuple[str, bytes]] = ()
    text: str = ""


class ScoreTable(NamedTuple):
    """The scores of one instrument, under its name."""

    name: str
    scores: Evaluation


class Report(NamedTuple):
    """Everything on the page, from top to bottom.

    Attributes:
        title: name of the instrument.
        summary: a sentence or two below it.
        advice: what is good, what is not, what to do next; see `luthier.evaluation.advice`.
        examples: what can be heard: passages, transfers, the room, the training curve.
        tables: scores of one instrument, or of several side by side.
        comparison: of two instruments, the second against the first.
        facts: name and value pairs: preset, parameters, training time.
        credits: whom to name, and the licences of the recordings.
    """

    title: str
    summary: str = ""
    advice: Sequence[str] = ()
    examples: Sequence[ReportExample] = ()
    tables: Sequence[ScoreTable] = ()
    comparison: Sequence[Difference] = ()
    facts: Sequence[tuple[str, str]] = ()
    credits: Sequence[str] = ()


class _Row(NamedTuple):
    """One line of a table of scores, as text."""

    name: str
    model: str
    interval: str
    floor: str
    oracle: str
    base: str
    gap: str
    predicted: str
    predicted_gap: str
    meaning: str


class _Passage(NamedTuple):
    """One line of the scores of single passages, as text."""

    name: str
    scores: list[str]


def write_report(path: str | Path, report: Report, *, force: bool = False) -> None:
    """Write the report as one self-contained HTML file; it appears whole or not at all.

    Raises:
        OutputError: `path` exists and `force` is not set, or it cannot be written.
        ShapeError: a sound has more than one channel or no samples.
        RangeError: a sound holds NaN.
    """
    with atomic_file(path, force=force) as temporary:
        temporary.write_text(render_report(report), encoding="utf-8")


def render_report(report: Report) -> str:
    """The report as HTML text; see `write_report` for what it raises."""
    environment = Environment(
        loader=PackageLoader("luthier.evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(audio_data_uri=lambda player: audio_data_uri(*player[1:]), png_data_uri=png_data_uri)
    report = report._replace(examples=[_unclipped(example) for example in report.examples])
    tables = [(table.name, _rows(table.scores), _passages(table.scores)) for table in report.tables]
    return environment.get_template(TEMPLATE).render(report=report, tables=tables, by_passage=BY_PASSAGE)


def _unclipped(example: ReportExample) -> ReportExample:
    """Sounds that belong together, all turned down alike where one of them would clip: they stay comparable."""
    peak = max((float(audio.abs().max()) for _, audio, _ in example.players if audio.numel()), default=0.0)
    if not HIGHEST_PEAK < peak < float("inf"):
        return example
    players = [(label, HIGHEST_PEAK / peak * audio, rate) for label, audio, rate in example.players]
    change_db = float(amplitude_to_db(peak / HIGHEST_PEAK))
    said = f"All are turned down by {change_db:.1f} dB, one of them would have clipped."
    text = f"{example.text} {said}".strip() if change_db >= SMALLEST_CHANGE_DB else example.text
    return example._replace(players=players, text=text)


def _rows(scores: Evaluation) -> list[_Row]:
    framed = [_framed_row(name, score) for name, score in scores.framed.items()]
    own = {name: _text(value) for name, value in scores.predicted.items()}
    oracle = {name: _text(value) for name, value in scores.oracle.items()}
    plain = [
        _Row(name, _text(value), "", "", oracle.get(name, ""), "", "", own.get(name, ""), "", MEANINGS[name])
        for name, value in scores.plain.items()
    ]
    return framed + plain


def _passages(scores: Evaluation) -> list[_Passage]:
    """The worst first: these are to be listened to."""
    ordered = sorted(scores.clips, key=lambda clip: -(clip.scores["mss_rel"] or 0.0))
    return [
        _Passage(
            f"{clip.recording}, {clip.start_seconds:.0f} to {clip.start_seconds + clip.seconds:.0f} s",
            [_text(clip.scores[name]) for name in BY_PASSAGE],
        )
        for clip in ordered
    ]


def _framed_row(name: str, score: FramedScore) -> _Row:
    return _Row(
        name=name,
        model=_text(score.model),
        interval="one passage" if score.low is None else f"{_text(score.low)} to {_text(score.high)}",
        floor=_text(score.floor),
        oracle=_text(score.oracle),
        base=_text(score.base),
        gap=_gap(score.gap, score.gap_low, score.gap_high),
        predicted="" if score.predicted is None else _text(score.predicted),
        predicted_gap=""
        if score.predicted is None
        else _gap(score.predicted_gap, score.predicted_gap_low, score.predicted_gap_high),
        meaning=MEANINGS[name],
    )


def _gap(value: Number, low: Number, high: Number) -> str:
    return _text(value) if low is None or high is None else f"{_text(value)} ({low:.2f} to {high:.2f})"


def _text(value: Number) -> str:
    return "not measurable" if value is None else f"{value:.3g}"
