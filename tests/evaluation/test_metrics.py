from __future__ import annotations

import math

import pytest
import torch

from evaluation.sounds import RATE, melody
from luthier.evaluation.metrics import FRAMED_METRICS, MEANINGS, average_scores, framed_scores, score_clip


def test_a_clip_against_itself_is_perfect_in_every_metric() -> None:
    scores = score_clip(melody(), melody(), sample_rate=RATE)
    assert scores.pop("rpa50") == scores.pop("onset_found") == 1
    assert math.isnan(scores.pop("rests_db"))  # there are none
    assert scores.pop("false_pitch") == 0
    assert set(scores.values()) == {0.0}


def test_silence_is_bad_in_every_metric() -> None:
    scores = score_clip(torch.zeros_like(melody()), melody(), sample_rate=RATE)
    assert scores.pop("rpa50") == scores.pop("onset_found") == 0
    del scores["rests_db"], scores["false_pitch"]  # it has neither tone nor pitch
    assert min(scores.values()) > 0.9


def test_every_metric_is_explained() -> None:
    assert set(score_clip(melody(), melody(), sample_rate=RATE)) == set(MEANINGS)
    assert all(text.endswith(".") for text in MEANINGS.values())


def test_framed_scores_are_the_same_numbers() -> None:
    all_of_them = score_clip(0.5 * melody(), melody(), sample_rate=RATE)
    framed = framed_scores(0.5 * melody(), melody(), sample_rate=RATE)
    assert framed == {name: all_of_them[name] for name in FRAMED_METRICS}


def test_means_leave_out_clips_without_a_value() -> None:
    rows = [{"a": 1.0, "b": math.nan}, {"a": 3.0, "b": math.nan}, {"a": math.nan, "b": math.nan}]
    means = average_scores(rows)
    assert means["a"] == pytest.approx(2)
    assert math.isnan(means["b"])
    assert average_scores([]) == {}


def test_one_clip_that_is_an_octave_off_does_not_speak_for_the_others() -> None:
    rows = [{"f0_cents": cents, "onset_ms": late, "lsd_db": late} for cents, late in ((3, 5), (1200, 6), (4, 40))]
    assert average_scores(rows) == {"f0_cents": 4, "onset_ms": 6, "lsd_db": 17}
