"""Expression for an instrument: taken over from another sound, or left to the instrument itself."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.signals import Expression, Features
from luthier.errors import RangeError
from luthier.inference.loudness_fit import is_note
from luthier.inference.rendering import BLOCK_FRAMES, cut_frames
from luthier.model.instrument import Instrument
from luthier.model.predictor import Predictor

CHOICES = ("auto", "input", "predict")
LEAST_CORRELATION = 0.3
"""The input's brightness must rise and fall at least this much as the instrument's own would, to be taken over."""
MOST_SLOPE = 1.25
"""Deviations of the input that are played larger than this would be its measuring noise: a steady oboe's brightness was
stretched to that of a violin by 24, and the tone trembled. As in `loudness_fit`."""
FEWEST_FRAMES = 10
"""Frames of notes below which nothing can be said of how they are distributed."""


class FittedExpression(NamedTuple):
    """Features whose expression suits an instrument.

    Attributes:
        features: (1, n_frames, 1) each; nothing of the expression is a wish.
        source: "input" or "predict"; "none" for an instrument without expression.
    """

    features: Features
    source: str


@torch.no_grad()
def fit_expression(
    features: Features, instrument: Instrument, *, choice: str = "auto", offsets: Expression | None = None
) -> FittedExpression:
    """Give features an expression that the instrument understands.

    Taken over from the input, expression is matched quantile by quantile: what is bright for a voice becomes what is
    bright for a violin. Where the input's brightness does not go with what the instrument would do
    at this pitch and loudness (a singer's follows the vowels), it says nothing about the instrument: then it is
    predicted.

    Neither is a wish that an instrument has to obey: matched, it is still another's timbre, which the instrument answers
    as it would.

    Args:
        features: pitch and loudness already fitted to the instrument, expression as measured in the input.
        instrument: what is to play them.
        choice: "input", "predict", or "auto" to decide between them.
        offsets: added to the outcome, octaves and dB: scalars in tensors.

    Raises:
        RangeError: there is no such choice.
    """
    if choice not in CHOICES:
        raise RangeError(f"expression {choice!r}: expected one of {', '.join(CHOICES)}.")
    if instrument.predictor is None:
        return FittedExpression(features.without_expression(), "none")
    predicted = _predicted(features, instrument.predictor, instrument)
    matched = None if choice == "predict" else _matched(features, instrument)
    if matched is None or (choice == "auto" and not _goes_with(matched, predicted, is_note(features))):
        chosen, source = predicted, "predict"
    else:
        chosen, source = matched, "input"
    if offsets is not None:
        chosen = Expression(*(values + offset for values, offset in zip(chosen, offsets, strict=True)))
    is_wish = torch.zeros(1, 1, len(chosen), dtype=torch.bool).expand(-1, features.f0_hz.shape[1], -1)
    return FittedExpression(features._replace(**chosen._asdict(), is_wish=is_wish), source)


def _predicted(features: Features, predictor: Predictor, instrument: Instrument) -> Expression:
    """`Instrument.expression`, at constant memory for any length."""
    whole, hidden = Expression(*(torch.empty_like(features.f0_hz) for _ in Expression._fields)), predictor.start(1)
    for start in range(0, features.f0_hz.shape[1], BLOCK_FRAMES):
        frames = slice(start, start + BLOCK_FRAMES)
        block, hidden = predictor(cut_frames(features, frames), instrument.statistics, hidden)
        for values, part in zip(whole, block, strict=True):
            values[:, frames] = part
    return whole


def _matched(features: Features, instrument: Instrument) -> Expression | None:
    """The input's expression in the instrument's distribution; None where the input has none, or hardly any notes."""
    notes = is_note(features)
    measured = [getattr(features, name) for name in Expression._fields]
    if any(values is None for values in measured) or int(notes.sum()) < FEWEST_FRAMES:
        return None
    named = zip(Expression._fields, measured, strict=True)
    quantiles_of = instrument.statistics.quantiles_of
    return Expression(*(match_quantiles(values, values[notes], quantiles_of(name)) for name, values in named))


def match_quantiles(values: Tensor, population: Tensor, wanted_quantiles: Tensor) -> Tensor:
    """Move values so that the population they come from is distributed as wanted, its spread enlarged by 1.25 at most.

    Args:
        values: any shape.
        population: (n,), what the values are compared with.
        wanted_quantiles: (n_quantiles,), evenly spaced from 0 to 100 %.

    Returns:
        The shape of `values`, within the wanted range; the medians meet.
    """
    grid = torch.linspace(0.0, 1.0, len(wanted_quantiles), dtype=values.dtype)
    own = torch.quantile(population, grid)
    wanted = _not_steeper(own, wanted_quantiles.to(own))
    above = torch.searchsorted(own, values.contiguous()).clamp(1, len(own) - 1)
    low, high = own[above - 1], own[above]
    part = ((values - low) / (high - low).clamp_min(torch.finfo(values.dtype).tiny)).clamp(0.0, 1.0)
    return torch.lerp(wanted[above - 1], wanted[above], part)


def _not_steeper(own: Tensor, wanted: Tensor) -> Tensor:
    """Quantiles that are wanted, as near to it as the largest slope allows, exact at the median."""
    rises = torch.minimum(wanted.diff(), MOST_SLOPE * own.diff())
    climbed = torch.cat([rises.new_zeros(1), rises.cumsum(0)])
    middle = len(own) // 2
    return climbed - climbed[middle] + wanted[middle]


def _goes_with(matched: Expression, predicted: Expression, notes: Tensor) -> bool:
    """Whether the input's brightness rises and falls with the instrument's own."""
    pair = torch.stack([matched.brightness_octaves[notes], predicted.brightness_octaves[notes]])
    return bool(torch.nan_to_num(torch.corrcoef(pair)[0, 1]) >= LEAST_CORRELATION)
