"""Which of two instruments is closer to the recordings, passage by passage."""

from __future__ import annotations

from typing import NamedTuple

from luthier.evaluation.intervals import student_interval
from luthier.evaluation.metrics import FRAMED_METRICS
from luthier.evaluation.scores import Evaluation


class Difference(NamedTuple):
    """What one metric says of two instruments.

    Attributes:
        metric: its name; lower is better.
        mean: of the second instrument's scores less the first's, over passages.
        low, high: 95 % interval of that mean, Student's; NaN for a single passage.
        n_better: passages in which the second is better.
        n_passages: in all.
    """

    metric: str
    mean: float
    low: float
    high: float
    n_better: int
    n_passages: int

    @property
    def interval(self) -> str:
        """Its ends; empty for a single passage."""
        return f"{self.low:+.3g} to {self.high:+.3g}" if self.n_passages > 1 else ""

    def words(self, first: str, second: str) -> str:
        """Which of the two is better, as far as the passages tell; by the names that they go by."""
        if self.n_passages < 2:
            return "too few passages to say"
        if self.low <= 0.0 <= self.high:
            return "not told apart by these passages"
        return f"{second if self.mean < 0.0 else first} is better"


def compare(first: Evaluation, second: Evaluation) -> list[Difference]:
    """Take the differences of two instruments on the same passages: pairs tell more than two means.

    Args:
        first: what the other is compared with.
        second: scored on the same part of the same dataset.

    Returns:
        One for each metric that has frames of reference; those that no passage has a value for are left out.

    Raises:
        ValueError: the passages are not the same number.
    """
    found = []
    for metric in FRAMED_METRICS:
        pairs = [
            (one.scores[metric], other.scores[metric]) for one, other in zip(first.clips, second.clips, strict=True)
        ]
        differences = [other - one for one, other in pairs if one is not None and other is not None]
        if not differences:
            continue
        low, high = student_interval(differences)
        mean = sum(differences) / len(differences)
        found.append(Difference(metric, mean, low, high, sum(each < 0 for each in differences), len(differences)))
    return found
