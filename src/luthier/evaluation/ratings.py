"""What the listeners of a listening test said: the CSV files that its page makes, put together."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from luthier.errors import RangeError, ShapeError
from luthier.evaluation.intervals import student_interval
from luthier.evaluation.listening_trials import REFERENCE

COLUMNS = ("listener", "seed", "trial", "condition", "rating", "excerpt")
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
    excerpts: dict[str, str] = {}
    for path in paths:
        for rating, excerpt in _read(path):
            if excerpts.setdefault(rating.trial, excerpt) != excerpt:
                raise ShapeError(
                    f"{path}: trial {rating.trial} is {excerpt[:60]!r}, in the files before {excerpts[rating.trial][:60]!r}: "
                    "another test. Give the files of one test only."
                )
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
    """The ratings of a file, and the excerpt of each."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter = ";" if ";" in file.readline() else ","  # as spreadsheets with decimal commas write it
            file.seek(0)
            table = csv.DictReader(file, delimiter=delimiter)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise ShapeError(f"{path}: no column {missing[0]}. Expected a file of the listening test's page.")
            rows = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ShapeError(f"{path}: not a CSV file ({error}). Expected one of the listening test's page.") from error
    for number, row in enumerate(rows, start=2):
        listener, seed, trial, condition, rating, excerpt = (row[name] or "" for name in COLUMNS)
        if rating:  # a test may be left half-way
            yield Rating(listener, seed, trial, condition, _number(path, number, rating)), excerpt


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
