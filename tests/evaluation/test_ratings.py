"""Results of a listening test, put together."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from luthier.errors import LuthierError, RangeError, ShapeError
from luthier.evaluation.ratings import read_ratings, score_ratings, set_aside

HEADER = "test,listener,experience,trial,excerpt,condition,rating,trial_order,sound_order,seed,seconds"
ASIDE = "reference_below_90_too_often"


def write(path: Path, listener: str, seed: int, ratings: dict[str, list[object]], *, test: str = "0a") -> Path:
    rows = [
        f"{test},{listener},trained,{trial},take {trial},{condition},{rating},1,1,{seed},9.5,false"
        for condition, row in ratings.items()
        for trial, rating in enumerate(row, start=1)
    ]
    path.write_text("\n".join([f"{HEADER},{ASIDE}", *rows]), encoding="utf-8")
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


def test_a_sitting_is_set_aside_in_which_the_reference_was_missed_too_often(tmp_path: Path) -> None:
    once_in_eight = [100] * 7 + [89]
    files = [
        write(tmp_path / "a.csv", "a", 1, {"reference": [20], "violin": [99]}),
        write(tmp_path / "a2.csv", "a", 2, {"reference": [90], "violin": [10]}),
        write(tmp_path / "b.csv", "b", 3, {"reference": once_in_eight}),
        write(tmp_path / "c.csv", "c", 4, {"reference": once_in_eight[2:]}),
    ]
    assert set_aside(read_ratings(files)) == {("a", "1"), ("c", "4")}


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-8"), (",", "utf-8")]
)
def test_files_that_a_spreadsheet_saved_are_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = write(tmp_path / "a.csv", "Zoë", 1, {"reference": [97.5], "violin": [40]}).read_text(encoding="utf-8")
    text = text.replace(",", delimiter).replace("false", "FALSE")
    text = text if delimiter == "," else text.replace("97.5", "97,5")
    saved = tmp_path / "saved.csv"
    saved.write_text("sep=;\n" + text if encoding == "cp1252" else text, encoding=encoding)
    assert read_ratings([saved]) == read_ratings([tmp_path / "a.csv"])
    assert {rating.listener for rating in read_ratings([saved])} == {"Zoë"}


def test_files_of_two_tests_are_not_mixed(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{name}.csv", name, 1, {"violin": [40]}, test=name) for name in ("0a", "0b")]
    with pytest.raises(ShapeError, match=r"0b\.csv: of another test"):
        read_ratings(files)


def test_a_file_that_was_changed_is_not_taken_for_the_same(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{rating}.csv", "a", 1, {"violin": [rating]}) for rating in (40, 90)]
    with pytest.raises(RangeError, match="'a' rates 'violin' in trial 1 otherwise"):
        read_ratings(files)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("a,b\n1,2", ShapeError, "no column listener"),
        ("", ShapeError, "no column listener"),
        (f"{HEADER},{ASIDE}", RangeError, "found no ratings"),
        (f"{HEADER},{ASIDE}\n0a,a,trained,1,x,violin,101,1,1,1,1,false", RangeError, "row 2: rating '101'"),
        (f"{HEADER},{ASIDE}\n0a,a,trained,1,x,violin,good,1,1,1,1,false", RangeError, "row 2: rating 'good'"),
    ],
    ids=["another table", "nothing", "empty", "out of range", "word"],
)
def test_other_files_are_refused(tmp_path: Path, text: str, error: type[LuthierError], words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(error, match=words):
        read_ratings([tmp_path / "a.csv"])
