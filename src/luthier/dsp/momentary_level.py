"""How loud each moment is, found from a loudness that was measured in windows.

level |         .------  each moment
      |    .-´ |
      |  ,´    |         a window of 64 ms around it hears the note 32 ms before
      +--------+-------
               a note begins

A player that is as loud at each moment as a window said begins every note early, and softly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ShapeError
from luthier.units import db_to_power, power_to_db

N_STEPS = 10
"""Measured on 32 transfers: 3 steps bring half and more of what 40 do, 10 nearly all; noise in the loudness grows with them."""
POINTS = 4096
"""In which a window is summed up."""


def momentary_level_db(loudness_db: Tensor, definition: FeatureDefinition) -> Tensor:
    """Find levels of single frames that, seen through the windows of the loudness, look like it.

    Args:
        loudness_db: (batch, n_frames, 1), dB as defined.
        definition: of loudness.

    Returns:
        (batch, n_frames, 1), dB on the same scale: a steady tone is as loud as before, and so is the whole.

    Raises:
        ShapeError: loudness_db is not (batch, n_frames, 1).

    Source: deconvolution of what is positive, Richardson 1972; Lucy 1974.
    """
    if loudness_db.ndim != 3 or loudness_db.shape[-1] != 1:
        raise ShapeError(f"loudness_db has the shape {tuple(loudness_db.shape)}: expected (batch, n_frames, 1).")
    window = _window_in_frames(definition).to(loudness_db.device)[None, None]
    heard = db_to_power(loudness_db.double()).transpose(1, 2)
    moments = heard
    for _ in range(N_STEPS):
        moments = moments * _seen(heard / _seen(moments, window), window)
    return power_to_db(moments.transpose(1, 2)).to(loudness_db)


def _seen(power: Tensor, window: Tensor) -> Tensor:
    around = window.shape[-1] // 2
    return F.conv1d(F.pad(power, (around, around), mode="replicate"), window)


def _window_in_frames(definition: FeatureDefinition) -> Tensor:
    """What each frame's power, which fades linearly into its neighbours', counts in a window: (n_frames,), odd, sum 1."""
    frames = definition.loudness_seconds * definition.frame_rate
    place = (torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS - 0.5
    weights = torch.ones_like(place) if definition.loudness == "rms" else torch.cos(torch.pi * place) ** 4
    around = int(frames / 2) + 1
    distance = (frames * place - torch.arange(-around, around + 1, dtype=torch.float64).unsqueeze(1)).abs()
    shares = ((1.0 - distance).clamp_min(0.0) * weights).sum(dim=1)
    return shares / shares.sum()
