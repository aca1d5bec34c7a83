"""What the listeners of a listening test said: the CSV files that its page makes, put together."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from luthier.errors import RangeError, ShapeError

COLUMNS = ("listener", "seed", "trial", "condition", "rating", "reference_below_90_too_often")
"""Those of the page that matter here."""


class Rating(NamedTuple):
    """One sound of one trial, as one listener heard it.

    Attributes:
        listener: as they called themselves.
        seed: of their order of sounds: whoever takes the test again has another.
        trial: number of the excerpt.
        condition: what the sound was.
        rating: 0 to 100.
        is_set_aside: whether the listener rated the hidden reference below 90 in more than 15 % of the trials.
    """

    listener: str
    seed: str
    trial: str
    condition: str
    rating: float
    is_set_aside: bool


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
        ShapeError: a file is not one of the page's.
        RangeError: there is a rating that is no number from 0 to 100, or none at all.
        OSError: a file cannot be read.
    """
    found: dict[tuple[str, ...], Rating] = {}
    for path in paths:
        for rating in _read(path):
            found[rating[:4]] = rating
    if not found:
        raise RangeError("found no ratings. Expected the CSV files that the page of the listening test makes.")
    return list(found.values())


def _read(path: Path) -> Iterable[Rating]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise ShapeError(f"{path}: no column {missing[0]}. Expected a file of the listening test's page.")
            rows = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ShapeError(f"{path}: not a CSV file ({error}). Expected one of the listening test's page.") from error
    for number, row in enumerate(rows, start=2):
        listener, seed, trial, condition, rating, aside = (row[name] or "" for name in COLUMNS)
        if rating:  # a test may be left half-way
            yield Rating(listener, seed, trial, condition, _number(path, number, rating), aside == "true")


def _number(path: Path, row: int, text: str) -> float:
    try:
        number = float(text)
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
    count, mean = len(means), float(np.mean(means))
    if count < 2:
        return ConditionScore(condition, mean, math.nan, math.nan, count)
    half = float(student.ppf(0.975, count - 1)) * float(np.std(means, ddof=1)) / math.sqrt(count)
    return ConditionScore(condition, mean, mean - half, mean + half, count)
