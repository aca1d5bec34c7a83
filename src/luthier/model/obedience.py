"""Controls that do what the features ask for, whatever the network says.

    network --> controls --> timbre as wished --> loudness as told --> controls
       `------> corrections ---^--------------------^     for what a definition does not know: the room, the windows

A network that only hears a loudness learns to follow it, with errors that grow where it has heard little. Here the
timbre is its own, the loudness is the input's, and so are brightness, warmth and hollowness where they are a wish.
"""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.dsp.controls_loudness import with_loudness
from luthier.dsp.harmonic_timbre import HarmonicTimbre, with_timbre
from luthier.dsp.signals import Controls, Expression, Features
from luthier.errors import ShapeError
from luthier.model.config import InstrumentConfig

LOUDNESS_CORRECTION_DB = 10.0
"""Of a raw output of 1."""
TIMBRE_CORRECTIONS = {"brightness_octaves": 0.3, "warmth_db": 3.0, "hollowness_db": 3.0}
"""The same."""


class Obedience:
    """What of the features holds of the controls by construction."""

    def __init__(self, config: InstrumentConfig) -> None:
        self.obeys, self.definition = config.obeys, config.features

    @property
    def n_outputs(self) -> int:
        """Raw corrections wanted from the network in each frame."""
        return ("loudness" in self.obeys) + len(HarmonicTimbre._fields) * ("timbre" in self.obeys)

    def apply(self, controls: Controls, raw: Tensor, features: Features, is_wish: Expression | None) -> Controls:
        """Make controls obey.

        Args:
            controls: what the network would play, (batch, n_frames, ...) each.
            raw: corrections, (batch, n_frames, n_outputs).
            features: (batch, n_frames, 1) each, with an expression where the instrument has one.
            is_wish: bool, (batch or 1, n_frames or 1, 1) each: what of the expression somebody asked for; None for
                nothing: the timbre is the network's then.
        """
        if "timbre" in self.obeys and is_wish is not None:
            controls = self._with_timbre(controls, raw[..., -len(HarmonicTimbre._fields) :], features, is_wish)
        if "loudness" in self.obeys:
            wanted_db = features.loudness_db + LOUDNESS_CORRECTION_DB * raw[..., :1]
            controls = with_loudness(controls, wanted_db, self.definition)
        return controls

    def _with_timbre(self, controls: Controls, raw: Tensor, features: Features, is_wish: Expression) -> Controls:
        names = HarmonicTimbre._fields
        corrections = zip(names, raw.split(1, dim=-1), strict=True)
        wanted = HarmonicTimbre(*(getattr(features, n) + TIMBRE_CORRECTIONS[n] * value for n, value in corrections))
        return with_timbre(controls, wanted, HarmonicTimbre(*(getattr(is_wish, name) for name in names)))


def wished_expression(features: Features) -> Expression | None:
    """Which fields of the expression are wishes: bool, shapes that broadcast to the features'; None if there is none.

    Raises:
        ShapeError: `is_wish` is not (batch, n_frames, n_fields of the expression).
    """
    expected = (*features.f0_hz.shape[:-1], len(Expression._fields))
    if features.is_wish is not None and tuple(features.is_wish.shape) != expected:
        raise ShapeError(f"is_wish has the shape {tuple(features.is_wish.shape)}: expected {expected}.")
    is_given = [getattr(features, name) is not None for name in Expression._fields]
    if not any(is_given):
        return None
    is_wish = torch.tensor(is_given, device=features.f0_hz.device).view(1, 1, -1)
    return Expression(*(is_wish if features.is_wish is None else is_wish & features.is_wish).split(1, dim=-1))
