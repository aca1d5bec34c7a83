"""How long the room of a recording rings, as one number."""

from __future__ import annotations

import torch

from luthier.analysis.checkup_material import Material
from luthier.analysis.room_decay import bands_disagree, decay_times, find_decays
from luthier.dsp.signals import Features

EDGES_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0)
"""Octaves in which instruments sound and rooms are measured."""
MOST_SECONDS = 300
"""Taken from the middle of a longer recording."""


def measure_room(material: Material) -> float | None:
    """T60 in seconds, the median over octaves.

    None where notes never end freely, or where some octaves fall quickly and the others hardly at all: held sounds, no room.
    """
    count = min(len(material.f0_hz), round(MOST_SECONDS / material.seconds_per_frame))
    first = (len(material.f0_hz) - count) // 2
    frames = slice(first, first + count)
    start = first * material.hop_length
    stop = min(start + count * material.hop_length, material.audio.n_samples)
    curves = (
        torch.from_numpy(values[frames]) for values in (material.f0_hz, material.periodicity, material.loudness_db)
    )
    edges_hz = [hz for hz in EDGES_HZ if hz < material.sample_rate / 2]
    decays = find_decays(
        material.audio.read(start, stop)[0],
        Features(*curves),
        sample_rate=material.sample_rate,
        hop_length=material.hop_length,
        edges_hz=edges_hz,
    )
    times = None if decays is None else decay_times(decays, edges_hz)
    return None if decays is None or times is None or bands_disagree(decays) else float(times.median())
