"""Teaching an instrument both ways of playing: with an expression that is given, and with its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.signals import VOICED_PERIODICITY, Expression, Features
from luthier.model.instrument import Instrument


class Mixed(NamedTuple):
    """Features for a step, and how far the predictor is from the recordings.

    Attributes:
        features: (batch, n_frames, 1) each.
        error: mean absolute error of the predictor on pitched frames, in standard deviations: a scalar.
    """

    features: Features
    error: Tensor


def mix_expression(instrument: Instrument, features: Features, n_predicted: int) -> Mixed:
    """Replace the measured expression of the first windows by the predicted one.

    The network then sounds right with both, and the predictor learns from the sound, too. Windows come in random
    order: the first are as good as any.

    Args:
        instrument: with or without a predictor; without one nothing is changed.
        features: (batch, n_frames, 1) each, expression measured.
        n_predicted: windows that are played with predicted expression.
    """
    if instrument.predictor is None:
        return Mixed(features, features.f0_hz.new_zeros(()))
    predicted = instrument.expression(features)
    is_pitched = (features.periodicity >= VOICED_PERIODICITY).to(features.f0_hz.dtype)
    names = Expression._fields
    guess, measured = torch.cat(predicted, dim=-1), torch.cat([getattr(features, name) for name in names], dim=-1)
    distance = (guess - measured).abs() / instrument.statistics.expression_std()
    error = (distance * is_pitched).sum() / is_pitched.sum().clamp_min(1.0) / len(names)
    mixed = torch.cat([guess[:n_predicted], measured[n_predicted:]]).split(1, dim=-1)
    is_measured = (torch.arange(len(guess), device=guess.device) >= n_predicted).view(-1, 1, 1)
    is_wish = is_measured.expand(measured.shape)
    return Mixed(features._replace(**dict(zip(names, mixed, strict=True)), is_wish=is_wish), error)
