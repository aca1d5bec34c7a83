"""Results of a listening test, put together."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from luthier.errors import LuthierError, RangeError, ShapeError
from luthier.evaluation.ratings import read_ratings, score_ratings

HEADER = "listener,experience,trial,excerpt,condition,rating,trial_order,sound_order,seed,seconds"
ASIDE = "reference_below_90_too_often"


def write(
    path: Path, listener: str, seed: int, ratings: dict[str, list[object]], *, is_set_aside: bool = False
) -> Path:
    rows = [
        f"{listener},trained,{trial},take {trial},{condition},{rating},1,1,{seed},9.5,{str(is_set_aside).lower()}"
        for condition, row in ratings.items()
        for trial, rating in enumerate(row, start=1)
    ]
    path.write_text("\n".join([f"{HEADER},{ASIDE}", *rows]))
    return path


def test_listeners_count_alike_and_their_interval_is_students(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "a.csv", "a", 1, {"reference": [100, 98], "violin": [40, 60]}),
        write(tmp_path / "b.csv", "b", 2, {"reference": [95, 97], "violin": [70, 80]}),
        write(tmp_path / "c.csv", "c", 3, {"reference": [100, 100], "violin": [85, ""]}),  # left half-way
    ]
    best, violin = score_ratings(read_ratings(files))
    assert best.condition == "reference"
    assert (violin.condition, violin.n_listeners) == ("violin", 3)
    assert violin.mean == pytest.approx((50 + 75 + 85) / 3)
    half = 4.3027 * math.sqrt((20**2 + 5**2 + 15**2) / 2 / 3)  # Student's t of two degrees of freedom
    assert (violin.low, violin.high) == pytest.approx((violin.mean - half, violin.mean + half), abs=0.01)


def test_what_was_handed_in_twice_counts_once_and_a_second_try_counts_too(tmp_path: Path) -> None:
    once = write(tmp_path / "a.csv", "a", 1, {"violin": [40]})
    again = write(tmp_path / "a (1).csv", "a", 1, {"violin": [40]})
    second = write(tmp_path / "b.csv", "a", 2, {"violin": [60]})
    assert len(read_ratings([once, again])) == 1
    (score,) = score_ratings(read_ratings([once, again, second]))
    assert score[:2] == ("violin", 50.0)
    assert math.isnan(score.low)
    assert score.n_listeners == 1


def test_who_did_not_find_the_reference_is_marked(tmp_path: Path) -> None:
    (rating,) = read_ratings([write(tmp_path / "a.csv", "a", 1, {"reference": [20]}, is_set_aside=True)])
    assert rating.is_set_aside


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("a,b\n1,2", ShapeError, "no column listener"),
        (f"{HEADER},{ASIDE}", RangeError, "found no ratings"),
        (f"{HEADER},{ASIDE}\na,trained,1,x,violin,101,1,1,1,1,false", RangeError, "row 2: rating '101'"),
        (f"{HEADER},{ASIDE}\na,trained,1,x,violin,good,1,1,1,1,false", RangeError, "row 2: rating 'good'"),
    ],
    ids=["another table", "empty", "out of range", "word"],
)
def test_other_files_are_refused(tmp_path: Path, text: str, error: type[LuthierError], words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(error, match=words):
        read_ratings([tmp_path / "a.csv"])
