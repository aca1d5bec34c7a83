"""Not letting the network know exactly which note it plays.

Forty long notes are learned by heart, each by its pitch, and the notes between them come out as some mixture. Who
hears another pitch near the right one every time has to say what holds for the neighbours, too.
"""

from __future__ import annotations

import torch

from luthier.dsp.signals import Features
from luthier.units import semitones_to_ratio


def doubt_pitch(features: Features, semitones: float) -> Features:
    """Move each clip's pitch up or down by an interval of its own, all intervals equally likely.

    Args:
        features: (batch, n_frames, 1) each.
        semitones: farthest from the right pitch; drawn from torch's own generator.
    """
    off = semitones * (2.0 * torch.rand_like(features.f0_hz[:, :1]) - 1.0)
    return features._replace(f0_hz=features.f0_hz * semitones_to_ratio(off))
