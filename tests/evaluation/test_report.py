from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path

import pytest
import soundfile
import torch
from matplotlib.image import imread

from evaluation.pages import Page
from evaluation.sounds import RATE, melody, tone
from luthier.errors import OutputError, RangeError
from luthier.evaluation.metrics import MEANINGS
from luthier.evaluation.plots import figure_to_png, spectrogram
from luthier.evaluation.report import Report, ReportExample, ScoreTable, render_report, write_report
from luthier.evaluation.scores import Evaluation


@pytest.fixture
def report(scores: Evaluation) -> Report:
    picture = figure_to_png(spectrogram(melody(), sample_rate=RATE))
    example = ReportExample(
        "A <i>melody</i> & more",
        [("Recording", melody(), RATE), ("Dry", tone(440), 44100)],
        [("Spectrogram", picture)],
        text="Listen to the attacks.",
    )
    return Report(
        title='<script>alert("violin")</script>',
        summary="Two minutes of training.",
        advice=["Record more."],
        examples=[example, ReportExample("Nothing to hear")],
        tables=[ScoreTable("violin", scores)],
        facts=[("preset", "fast")],
        credits=["John Garner, CC BY 3.0 <https://creativecommons.org>"],
    )


def test_the_page_loads_nothing_and_runs_nothing(report: Report) -> None:
    html = render_report(report)
    page = Page(html)
    assert page.loads
    assert all(source.startswith("data:") for source in page.loads)
    assert "@import" not in html
    assert "url(" not in html
    assert not re.search(r"\son\w+=", html)
    assert page.unbalanced == []


def test_every_player_plays_and_every_picture_shows(report: Report) -> None:
    page = Page(render_report(report))
    assert len(page.players) == 2
    for source, expected_rate in zip(page.players, (RATE, 44100), strict=True):
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(source.split(",")[1])))
        assert rate == expected_rate
        assert abs(samples).max() > 0.05
    (image,) = page.images
    assert imread(io.BytesIO(base64.b64decode(image.split(",")[1]))).shape[1] == 990


def test_sounds_that_are_compared_are_turned_down_alike_where_one_would_clip(report: Report) -> None:
    loud, soft = 10.0 * tone(440), 0.5 * tone(440)
    both = ReportExample("Both", [("Loud", loud, RATE), ("Soft", soft, RATE)], text="Listen.")
    page = Page(render_report(report._replace(examples=[both])))
    played = [soundfile.read(io.BytesIO(base64.b64decode(source.split(",")[1])))[0] for source in page.players]
    assert abs(played[0]).max() == pytest.approx(0.999, abs=1e-3)
    assert abs(played[0]).max() / abs(played[1]).max() == pytest.approx(float(loud.max() / soft.max()), rel=1e-3)
    peak_db = 20 * math.log10(float(loud.abs().max()) / 0.999)
    assert f"Listen. All are turned down by {peak_db:.1f} dB" in page.text
    full = ReportExample("Full", [("Full", tone(440) / tone(440).abs().max(), RATE)])
    for quiet in (report, report._replace(examples=[full])):
        assert "turned down" not in Page(render_report(quiet)).text


def test_text_of_others_stays_text(report: Report) -> None:
    html = render_report(report)
    assert "<script" not in html
    assert "<i>" not in html
    assert '<script>alert("violin")</script>' in Page(html).text
    assert "https://creativecommons.org" in Page(html).text


def test_every_metric_is_there_with_its_explanation_and_its_number(report: Report, scores: Evaluation) -> None:
    text = Page(render_report(report)).text
    assert all(name in text and meaning in text for name, meaning in MEANINGS.items())
    assert "Of the time in which the recording has no pitch, the share" in text
    assert "instrument can hardly beat" in " ".join(text.split())
    assert f"{scores.mss_rel.model:.3g}" in text
    assert f"{scores.mss_rel.gap:.3g}" in text
    for sentence in ("Record more.", "Two minutes of training.", "Listen to the attacks.", "fast"):
        assert sentence in text


def test_an_interval_over_one_passage_is_not_shown_as_certainty(report: Report, scores: Evaluation) -> None:
    assert "one passage" in Page(render_report(report)).text
    wide = scores.model_copy(update={"mss_rel": scores.mss_rel.model_copy(update={"low": 1.25, "high": 99.5})})
    assert "1.25 to 99.5" in Page(render_report(report._replace(tables=[ScoreTable("violin", wide)]))).text


def test_scores_that_could_not_be_taken_are_words(report: Report, scores: Evaluation) -> None:
    unpitched = scores.model_copy(update={"f0_cents": None})
    text = Page(render_report(report._replace(tables=[ScoreTable("drum", unpitched)]))).text
    assert "not measurable" in text
    assert "None" not in text


def test_the_pitch_of_the_oracle_stands_beside_the_instruments(report: Report, scores: Evaluation) -> None:
    misheard = scores.model_copy(update={"oracle": scores.oracle | {"f0_octave_errors": 0.0826}})
    assert "0.0826" in Page(render_report(report._replace(tables=[ScoreTable("violin", misheard)]))).text


def test_it_can_be_read_on_a_telephone_and_in_the_dark(report: Report) -> None:
    html = render_report(report)
    assert 'name="viewport" content="width=device-width' in html
    assert "prefers-color-scheme: dark" in html


def test_an_empty_report_is_a_page() -> None:
    page = Page(render_report(Report("violin")))
    assert page.unbalanced == []
    assert "violin" in page.text


def test_the_file_is_whole_or_absent(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "report.html"
    write_report(path, report)
    assert path.read_text(encoding="utf-8") == render_report(report)
    with pytest.raises(OutputError, match="--force"):
        write_report(path, Report("other"))
    write_report(path, Report("other"), force=True)
    assert "other" in path.read_text(encoding="utf-8")
    broken = Report("x", examples=[ReportExample("x", [("x", torch.tensor([math.nan]), RATE)])])
    with pytest.raises(RangeError):
        write_report(tmp_path / "broken.html", broken)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a folder"]
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_each_passage_has_its_scores_the_worst_first(scores: Evaluation) -> None:
    (clip,) = scores.clips
    worse = clip.model_copy(update={"recording": "hard <b>.wav", "scores": clip.scores | {"mss_rel": 99.0}})
    two = scores.model_copy(update={"clips": (clip, worse)})
    text = Page(render_report(Report("violin", tables=[ScoreTable("violin", two)]))).text
    end = clip.start_seconds + clip.seconds
    first, second = (text.index(f"{each.recording}, {clip.start_seconds:.0f} to {end:.0f} s") for each in (worse, clip))
    assert first < second
    assert "99" in text[first:second]
    assert f"{clip.scores['mel_db']:.3g}" in text[second:]


def test_a_gap_has_its_interval_only_over_several_passages(scores: Evaluation) -> None:
    sure = scores.mel_db.model_copy(update={"low": 1.0, "high": 2.0, "gap_low": 0.111, "gap_high": 0.222})
    text = Page(
        render_report(Report("violin", tables=[ScoreTable("violin", scores.model_copy(update={"mel_db": sure}))]))
    ).text
    assert "(0.11 to 0.22)" in text
    assert "1 to 2" in text
    assert "one passage" in text
