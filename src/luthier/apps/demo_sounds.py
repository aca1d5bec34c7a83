"""What both demos share: the bundled recordings with their credits, a made-up hall, sounds written by name."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from luthier.data.audio_files import save_audio
from luthier.units import db_to_amplitude, seconds_to_samples

VIOLIN_CREDIT = (
    "John Garner (violin), J. S. Bach, BWV 1002, via Musopen and the Bach Violin Dataset (Dong et al. 2022); "
    "cut, one channel, 16 kHz"
)
VIOLIN_LICENCE = "CC BY 3.0"
VOICE_CREDIT = "Voice: Bittner et al., vocadito (2021), clip 14; cut, 16 kHz. Licence: CC BY 4.0"
PASSAGE_SECONDS = 10.0
HALL_T60_SECONDS = 2.0
HALL_LEVEL_DB = -28.0
"""Level of the first reflections of the hall below its direct sound."""
SEED = 0


def hall_impulse_response(sample_rate: int) -> Tensor:
    """A made-up hall: direct sound, then noise that decays by 60 dB in `HALL_T60_SECONDS`; (n_taps,)."""
    n_taps = seconds_to_samples(HALL_T60_SECONDS, sample_rate)
    noise = torch.randn(n_taps, generator=torch.Generator().manual_seed(SEED))
    decay_db = torch.linspace(0.0, -60.0, n_taps) + HALL_LEVEL_DB
    taps = noise * db_to_amplitude(decay_db)
    taps[0] = 1.0
    return taps


def save_sounds(folder: Path, sounds: dict[str, Tensor], sample_rate: int) -> dict[str, Path]:
    """Write sounds (1, n_samples) as NAME.wav; the answer is where each one is."""
    paths = {name: folder / f"{name}.wav" for name in sounds}
    for name, audio in sounds.items():
        save_audio(paths[name], audio, sample_rate)
    return paths
