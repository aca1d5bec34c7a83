"""How loud the room of a recording is against its direct sound, read from how far the level falls where notes end.

level |----.             played: the direct sound and the room
      |    :  gap
      |    :--..__       the room alone
      +-------------->

The smaller the gap, the louder the room. A room as loud as the direct sound leaves a gap of 3 dB, one without direct
sound none at all: beyond 0 dB the gap says too little.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects, label
from torch import Tensor

from luthier.analysis.room_decay import POWER_DECAY_60, Array, Decays
from luthier.units import db_to_power, power_to_db

LEVELS_DB = np.arange(-24.0, 0.5)
"""What is tried; the end is as loud a room as can be told from a louder one."""
LOWEST_HZ = 125.0
"""Bands below hold hardly any sound of an instrument."""
SHORTEST_RUN = 8
"""Frames of a decay that count."""
FEWEST_RESTS, FEWEST_RUNS = 8, 16
"""Rests, and decays of a band in them: two rests said -5 dB of one rendering of a recording and 0 of another."""
SLOPES = (0.7, 1.5)
"""A decay counts if it is so many times as steep as the room's: a soft note in the tail of a loud one is not."""
SMALLEST_ENERGY = 1e-20


def late_level_db(decays: Decays, edges_hz: list[float], t60_seconds: Tensor) -> float | None:
    """Estimate the energy of a room's response after the direct sound, against the direct sound.

    The energy of what is played is that of what is heard without what the room still adds; the room adds an exponential
    decay of what was played before. Of all levels that is the room's with which the median decay is as loud as heard.

    Args:
        decays: of a recording.
        edges_hz: n_bands + 1 rising edges, of the same bands.
        t60_seconds: (n_bands,).

    Returns:
        dB, between -24 and 0, the same for all bands: 0 means 0 or more. None with fewer than 8 rests or 16 decays.
    """
    if label(decays.is_rest)[1] < FEWEST_RESTS:
        return None
    rates = POWER_DECAY_60 / t60_seconds.double().numpy() / decays.frame_rate
    tails = _predict(decays, rates)
    bands = [band for band, low_hz in enumerate(edges_hz[:-1]) if low_hz >= LOWEST_HZ]
    excess_db = [row for band in bands for row in _excess_db(decays, tails, band, rates[band])]
    if len(excess_db) < FEWEST_RUNS:
        return None
    return float(np.interp(0.0, np.median(excess_db, axis=0), LEVELS_DB))


def _predict(decays: Decays, rates: Array) -> Array:
    """Energy of the room in every frame, for each level it may have: (n_frames, n_bands, n_levels)."""
    rate = rates[:, None]
    gain = rate * db_to_power(LEVELS_DB)
    # While it plays: dr/dt = gain (heard - r) - rate r. Afterwards: dr/dt = -rate r.
    kept = np.exp(-rate - gain)
    share = gain / (rate + gain) * (1.0 - kept)
    alone = np.exp(-rate)
    tails = np.empty((*decays.energy.shape, len(LEVELS_DB)), np.float32)
    room, heard = np.zeros_like(gain), decays.energy[0]
    for frame, energy in enumerate(decays.energy):
        room = alone * room if decays.is_rest[frame] else kept * room + share * heard[:, None]
        tails[frame], heard = room, energy
    return tails


def _excess_db(decays: Decays, tails: Array, band: int, rate: float) -> list[Array]:
    """By how much the room is predicted too loud, dB: (n_levels,) for each decay of a band."""
    runs, n_runs = label(decays.is_free)
    found = []
    for (run,) in find_objects(runs, n_runs):
        frames = np.flatnonzero(decays.is_heard[run, band]) + run.start
        if len(frames) < SHORTEST_RUN:
            continue
        energy, time = decays.energy[frames, band], frames - frames.mean()
        slope = -float(time @ np.log(energy)) / float(time @ time)
        if SLOPES[0] < slope / rate < SLOPES[1]:
            predicted = tails[frames, band].sum(axis=0) + SMALLEST_ENERGY
            found.append(power_to_db(predicted / energy.sum()))
    return found
