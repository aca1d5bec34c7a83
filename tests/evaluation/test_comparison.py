from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from evaluation.pages import Page
from luthier.apps.cli.evaluate import print_comparison
from luthier.evaluation.comparison import compare
from luthier.evaluation.report import Report, ScoreTable, render_report
from luthier.evaluation.scores import Evaluation


def shifted(scores: Evaluation, *changes: float) -> Evaluation:
    """Passages, each harder than the last, in which all metrics are so much worse."""
    (clip,) = scores.clips
    clips = [
        clip.model_copy(update={"scores": dict.fromkeys(clip.scores, number + change)})
        for number, change in enumerate(changes)
    ]
    return scores.model_copy(update={"clips": tuple(clips)})


@pytest.mark.parametrize(
    ("changes", "mean", "n_better", "words"),
    [
        ((-0.1, -0.2, -0.15, -0.1), -0.1375, 4, "new is better"),
        ((0.1, 0.2, 0.15, 0.1), 0.1375, 0, "old is better"),
        ((0.1, -0.1, 0.1, -0.1), 0.0, 2, "not told apart by these passages"),
        ((-0.1, -0.11), -0.105, 2, "new is better"),
        ((-0.1, -0.4), -0.25, 2, "not told apart by these passages"),  # both better, but of two this says little
        ((-0.1,), -0.1, 1, "too few passages to say"),
    ],
)
def test_pairs_tell_what_the_difficulty_of_passages_hides(
    scores: Evaluation, changes: tuple[float, ...], mean: float, n_better: int, words: str
) -> None:
    first, second = shifted(scores, *[0.0] * len(changes)), shifted(scores, *changes)
    for each in compare(first, second):
        assert each.mean == pytest.approx(mean)
        assert math.isnan(each.low) if len(changes) == 1 else each.low <= each.mean + 1e-9 <= each.high + 2e-9
        assert (each.n_better, each.n_passages, each.words("old", "new")) == (n_better, len(changes), words)


def test_of_one_passage_the_page_shows_no_interval(scores: Evaluation) -> None:
    tables = [ScoreTable("old", shifted(scores, 0.0)), ScoreTable("new", shifted(scores, -0.1))]
    differences = compare(tables[0].scores, tables[1].scores)
    text = Page(render_report(Report("both", tables=tables, comparison=differences))).text
    assert "too few passages to say" in text
    assert "nan" not in text


def test_it_stands_on_the_page_of_two(scores: Evaluation) -> None:
    first, second = shifted(scores, 0.0, 0.0, 0.0, 0.0), shifted(scores, -0.1, -0.2, -0.15, -0.1)
    tables = [ScoreTable("old", first), ScoreTable("new", second)]
    text = Page(render_report(Report("both", tables=tables, comparison=compare(first, second)))).text
    assert "new against old, passage by passage" in text
    assert "new is better" in text
    assert "4 of 4" in text


def test_the_command_line_names_the_better_one(scores: Evaluation, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = shifted(scores, 0.0, 0.0, 0.0, 0.0), shifted(scores, 0.1, 0.2, 0.15, 0.1)
    entrants = [SimpleNamespace(name="old", scores=first), SimpleNamespace(name="new", scores=second)]
    print_comparison(entrants)  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "new against old" in told
    assert "old is better" in told
