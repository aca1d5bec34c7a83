"""What the listeners of a listening test said: the CSV files that its page makes, put together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from luthier.csv_rows import read_csv_rows
from luthier.errors import RangeError, ShapeError
from luthier.evaluation.intervals import student_interval
from luthier.evaluation.listening_trials import REFERENCE

COLUMNS = ("listener", "seed", "trial", "condition", "rating", "test")
"""Those of the page that matter here."""
SCREENING_RATING, SCREENING_SHARE = 90.0, 0.15
"""A sitting in which the hidden reference is rated lower in more than this share of the trials is set aside."""


class Rating(NamedTuple):
    """One sound of one trial, as one listener heard it.

    Attributes:
        listener: as they called themselves.
        seed: of their order of sounds: whoever takes the test again has another.
        trial: number of the excerpt.
        condition: what the sound was.
        rating: 0 to 100.
    """

    listener: str
    seed: str
    trial: str
    condition: str
    rating: float

    @property
    def sitting(self) -> tuple[str, str]:
        """Who listened, and which time."""
        return self.listener, self.seed


class ConditionScore(NamedTuple):
    """How a condition was rated.

    Attributes:
        condition: its name.
        mean: over listeners, each the mean of their trials.
        low, high: interval that holds the mean of all such listeners with 95 % confidence; NaN for a single one.
        n_listeners: who rated it.
    """

    condition: str
    mean: float
    low: float
    high: float
    n_listeners: int


def read_ratings(paths: Iterable[Path]) -> list[Rating]:
    """Read the files that listeners handed in; one that was handed in twice counts once.

    Raises:
        ShapeError: a file is not one of the page's, or of another test than those before it.
        RangeError: there is a rating that is no number from 0 to 100, or none at all, or two files do not agree.
        OSError: a file cannot be read.
    """
    found: dict[tuple[str, ...], Rating] = {}
    first_test = None
    for path in paths:
        for rating, test in _read(path):
            first_test = first_test or test
            if test != first_test:
                raise ShapeError(f"{path}: of another test than the files before it. Give the files of one test only.")
            if found.setdefault(rating[:4], rating) != rating:
                raise RangeError(
                    f"{path}: {rating.listener!r} rates {rating.condition!r} in trial {rating.trial} otherwise than in another "
                    "file of the same sitting. Leave one of them out."
                )
    if not found:
        raise RangeError("found no ratings. Expected the CSV files that the page of the listening test makes.")
    return list(found.values())


def set_aside(ratings: Iterable[Rating]) -> set[tuple[str, str]]:
    """The sittings in which the hidden reference was missed too often: listener and seed.

    Worked out anew from the ratings: spreadsheets write the mark of the page in other words.

    Source: ITU-R BS.1534-3 (2015), 4.1.2.
    """
    heard: dict[tuple[str, str], list[bool]] = {}
    for rating in ratings:
        if rating.condition == REFERENCE:
            heard.setdefault(rating.sitting, []).append(rating.rating < SCREENING_RATING)
    return {sitting for sitting, missed in heard.items() if sum(missed) / len(missed) > SCREENING_SHARE}


def _read(path: Path) -> Iterable[tuple[Rating, str]]:
    """The ratings of a file, and the test that they are of."""
    (_, names), *rows = read_csv_rows(path, expected="one of the listening test's page")[0] or [(1, [])]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ShapeError(f"{path}: no column {missing[0]}. Expected a file of the listening test's page.")
    for number, row in rows:
        cells = dict(zip(names, row, strict=False))
        listener, seed, trial, condition, rating, test = (cells.get(name, "") for name in COLUMNS)
        if rating:  # a test may be left half-way
            yield Rating(listener, seed, trial, condition, _number(path, number, rating)), test


def _number(path: Path, row: int, text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        raise RangeError(f"{path}: row {row}: rating {text[:40]!r}, expected 0 to 100.")
    return number


def score_ratings(ratings: Sequence[Rating]) -> list[ConditionScore]:
    """Mean rating of each condition, the best one first.

    Listeners are what varies: of each the mean of their trials counts, and the interval is Student's over listeners.

    Source: ITU-R BS.1534-3 (2015), 9.1.
    """
    by_condition: dict[str, dict[str, list[float]]] = {}
    for rating in ratings:
        by_condition.setdefault(rating.condition, {}).setdefault(rating.listener, []).append(rating.rating)
    scores = [
        _score(condition, [float(np.mean(own)) for own in listeners.values()])
        for condition, listeners in by_condition.items()
    ]
    return sorted(scores, key=lambda score: -score.mean)


def _score(condition: str, means: list[float]) -> ConditionScore:
    return ConditionScore(condition, float(np.mean(means)), *student_interval(means), len(means))
