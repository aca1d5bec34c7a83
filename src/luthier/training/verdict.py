"""Is a run still learning? Told from its losses alone, in a way that their noise does not fool.

score |\\                          smoothed: running median, as wide as a sixth of the run
      | \\__      ____/  <- last    tolerance: what the noise of the smoothed score may do by itself
      |    \\____/
      |     best
      +------------------> time

diverged      the last is many times what the best possible controls score
early         too few validations to say anything
improving     the best is new, or too lately reached to call what follows a plateau
plateau       the best, but for the tolerance, was reached long ago, and the last is no better than all
over-fitting  the last two are above the best by more than the tolerance, and the training loss fell meanwhile
worsening     the same, and the training loss did not fall
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

FEWEST_VALIDATIONS = 7
"""Below this a part of the run is too short to be told from noise."""
WINDOW_PART = 6
"""One in so many validations is the width of the running median."""
STALLED_PART = 0.4
"""Part of the run without improvement from which on it is a plateau. A budget's learning rate falls most in the
middle of the run, so that the last part, in which it is small, is flat in every run and means nothing."""
N_DEVIATIONS = 3.0
"""Standard deviations that chance does not exceed in practice."""
N_DEVIATIONS_CREEPING = 2.0
"""Fewer: to call a slow improvement a plateau sends people away too early, which is the worse mistake."""
MEDIAN_SPREAD = 1.25
"""Standard deviation of a median over that of a mean of the same samples, normal noise (sqrt(pi / 2))."""
DEVIATION_OVER_MEDIAN = 1.4826
"""Standard deviation of normal noise over the median of its absolute values."""
SMALLEST_CHANGE = 0.002
"""Part of a score below which a change is no news, however steady the curve."""

DIVERGED = 100.0
"""A score so many times the oracle's is no instrument's: a network that begins from chance scores some four times it."""

Course = Literal["diverged", "early", "improving", "plateau", "over-fitting", "worsening"]


class Moment(NamedTuple):
    """One validation.

    Attributes:
        seconds: time spent training until then.
        train_loss: mean since the validation before.
        score: of the validation; lower is better.
        oracle: score of the best possible controls; NaN where it is not known.
    """

    seconds: float
    train_loss: float
    score: float
    oracle: float = math.nan


class Verdict(NamedTuple):
    """How a run is doing.

    Attributes:
        course: in one word.
        turn_seconds: when validation last improved, or, where it grew worse, when it was best; now, where the best of
            all is one of the last two.
        stalled_seconds: time since then.
    """

    course: Course
    turn_seconds: float
    stalled_seconds: float


def judge(moments: Sequence[Moment]) -> Verdict:
    """Tell learning, a plateau and over-fitting from each other.

    Args:
        moments: all validations of a run so far, the oldest first; those that are not finite do not count.

    Returns:
        The verdict; "early" where there are too few validations to say anything.

    Source: running medians (Tukey 1977, Exploratory Data Analysis, chapter 7); the noise is read off second
    differences, in which a slow trend cancels.
    """
    finite = [moment for moment in moments if np.isfinite(moment[:3]).all()]
    if finite and finite[-1].score > DIVERGED * finite[-1].oracle:
        return Verdict("diverged", finite[-1].seconds, 0.0)
    if len(finite) < FEWEST_VALIDATIONS:
        return Verdict("early", moments[-1].seconds, 0.0)
    seconds, losses, scores = (np.array(values) for values in list(zip(*finite, strict=True))[:3])
    smoothed, tolerance = _smooth(scores), _tolerance(scores)
    best = int(smoothed.argmin())
    # At the end the running median may be the mean of two: neither alone is to make a turn.
    if min(smoothed[-1], *scores[-2:]) > smoothed[best] + tolerance:
        smoothed_losses = _smooth(losses)
        is_learning = smoothed_losses[-1] < smoothed_losses[best] - _tolerance(losses)
        return _verdict("over-fitting" if is_learning else "worsening", seconds, best)
    reached = int(np.argmax(smoothed <= smoothed[best] + tolerance))
    is_new_best = scores[-1] < scores[:-1].min() - SMALLEST_CHANGE * np.median(scores)
    if _is_long_ago(seconds, reached) and not is_new_best and not _creeps(scores[reached:]):
        return _verdict("plateau", seconds, reached)
    # A best of long ago in a run that improves was luck: then the smoothed one counts.
    recent = [index for index in (int(scores.argmin()), best) if not _is_long_ago(seconds, index)]
    return _verdict("improving", seconds, recent[0] if recent and recent[0] < len(scores) - 2 else -1)


def _is_long_ago(seconds: np.ndarray, index: int) -> bool:
    return bool(seconds[-1] - seconds[index] >= STALLED_PART * (seconds[-1] - seconds[0]))


def say_verdict(verdict: Verdict, *, is_over: bool) -> str:
    """The verdict in words, and what to do about it; empty where there is nothing to say yet.

    Args:
        verdict: on the run so far.
        is_over: whether its budget is used up; before, the falling learning rate may still help.
    """
    turn, stalled = _minutes(verdict.turn_seconds), _minutes(verdict.stalled_seconds)
    if verdict.course in ("early", "improving"):
        return _say_open(verdict, turn, stalled) if is_over else ""
    unless = "" if is_over else "unless smaller steps towards the end of the budget change that, "
    if verdict.course == "diverged":
        return (
            f"The training has diverged: {unless}a larger budget will not help. The steps are too large; try a lower "
            "--set learning_rate."
        )
    if verdict.course == "plateau":
        rest = "; more and more varied recordings will." if is_over else "."
        return f"Validation has improved by no more than its noise for {stalled}: {unless}more training will not help{rest}"
    if verdict.course == "over-fitting":
        return (
            f"Validation turned upwards after {turn} while the training loss goes on falling: {unless}the recordings "
            "are being learned by heart. The best instrument is kept; more recordings or a smaller preset will help, "
            "more training will not."
        )
    return (
        f"Validation turned upwards after {turn} and the training loss does not fall either: {unless}the steps are "
        "too large. The best instrument is kept; try a lower --set learning_rate."
    )


def _say_open(verdict: Verdict, turn: str, stalled: str) -> str:
    """Of a run that is over without an answer."""
    if verdict.course == "early":
        return "The training was too short to say what this instrument can be: train it longer first."
    if verdict.stalled_seconds == 0.0:
        return "Validation improved until the end: a larger budget may help further."
    return (
        f"Validation was best after {turn} and no better in the {stalled} since, too short a time to call it a "
        "plateau: a larger budget may help a little."
    )


def _verdict(course: Course, seconds: np.ndarray, turn: int) -> Verdict:
    return Verdict(course, float(seconds[turn]), float(seconds[-1] - seconds[turn]))


def _width(count: int) -> int:
    """Validations in a running median: an odd number, three or more."""
    return max(3, count // WINDOW_PART) | 1


def _smooth(values: np.ndarray) -> np.ndarray:
    """Running median; at the ends over as many values as there are, never fewer than half a window."""
    half = _width(len(values)) // 2
    return np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))])


def _creeps(values: np.ndarray) -> bool:
    """Whether a fall too slow for the running median shows between the halves of a stretch: longer medians see more."""
    half = len(values) // 2
    fall = np.median(values[:half]) - np.median(values[-half:])
    return bool(fall > _by_chance(values, half, N_DEVIATIONS_CREEPING))


def _tolerance(values: np.ndarray) -> float:
    """By how much two smoothed values may differ by chance, or without mattering."""
    return _by_chance(values, _width(len(values)), N_DEVIATIONS)


def _by_chance(values: np.ndarray, count: int, n_deviations: float) -> float:
    """By how much two medians of `count` values may differ by chance, or without mattering."""
    bends = np.diff(values, n=2)  # noise of deviation d gives second differences of deviation d * sqrt(1 + 4 + 1)
    deviation = DEVIATION_OVER_MEDIAN * float(np.median(np.abs(bends))) / np.sqrt(6.0)
    of_difference = np.sqrt(2.0) * MEDIAN_SPREAD * deviation / np.sqrt(count)
    return float(max(n_deviations * of_difference, SMALLEST_CHANGE * np.median(np.abs(values))))


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.0f} seconds"
