"""Whether recordings come from one instrument in one room, before one microphone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from luthier.analysis.checkup_material import Material
from luthier.analysis.checkup_spectra import Array, Spectra
from luthier.units import hz_to_midi, power_to_db

LOWEST_HZ, N_BANDS, BANDS_PER_OCTAVE = 200.0, 16, 3
SILENT_POWER = 1e-14
PHRASE_SECONDS, PHRASE_SEMITONES = 20.0, 7.0
"""A recording of this length and range shows the whole instrument; a shorter one only some of its notes."""
PHRASE_DB, NOTE_DB = 4.0, 8.0
"""Takes of one instrument differ by less, on average over bands: phrases by 1 dB, neighbouring notes by up to 7."""
LINKED_SEMITONES, SAME_SEMITONES = 2.0, 0.5
"""Neighbouring notes that sound alike are of one source; only the same note may tell two apart, since registers differ."""
T60_RATIO = 2.5
"""Estimates from takes in one room differ by up to 1.6."""


class SoundPrint(NamedTuple):
    """What tells instruments, rooms and microphones apart.

    Attributes:
        band_db: (N_BANDS,), mean power of third octaves from 200 Hz on, dB.
        middle_midi: median pitch.
        is_phrase: whether it shows the instrument as a whole.
        t60_seconds: of the room, where known.
    """

    band_db: Array
    middle_midi: float
    is_phrase: bool
    t60_seconds: float | None


def sound_print(material: Material, spectra: Spectra, t60_seconds: float | None) -> SoundPrint | None:
    """Describe a recording for comparison; None where it has no pitch."""
    midi = hz_to_midi(material.f0_hz[material.is_pitched].astype(np.float64))
    if len(midi) == 0:
        return None
    low, middle, high = np.quantile(midi, (0.05, 0.5, 0.95))
    is_phrase = len(midi) * material.seconds_per_frame >= PHRASE_SECONDS and high - low >= PHRASE_SEMITONES
    edges_hz = LOWEST_HZ * 2.0 ** (np.arange(N_BANDS + 1) / BANDS_PER_OCTAVE)
    bounds = np.searchsorted(spectra.frequencies_hz, edges_hz)
    power = np.diff(np.concatenate([[0.0], np.cumsum(spectra.mean_power)])[bounds])
    return SoundPrint(power_to_db(power + SILENT_POWER), float(middle), bool(is_phrase), t60_seconds)


def group_sources(prints: Sequence[SoundPrint | None]) -> list[list[int]]:
    """Group recordings that may come from one source.

    Recordings that sound alike are linked, and so are all that are linked through others. Groups are told apart
    only where their members could be compared and did not sound alike.

    Args:
        prints: of each recording; those without are left out.

    Returns:
        Indices of each group, the largest group first; one group where nothing tells them apart.

    Source: single-linkage clustering, cut at the largest difference seen within one source.
    """
    known = {index: one for index, one in enumerate(prints) if one is not None}
    group = {index: index for index in known}
    apart: list[tuple[int, int]] = []
    for one, other in combinations(known, 2):
        alike = _sound_alike(known[one], known[other])
        if alike:
            _join(group, one, other)
        elif alike is False:
            apart.append((one, other))
    separate = {frozenset((group[one], group[other])) for one, other in apart if group[one] != group[other]}
    return _merge_incomparable(group, separate)


def can_compare(prints: Sequence[SoundPrint | None]) -> bool:
    """Whether any two recordings say whether they are of one source."""
    known = [one for one in prints if one is not None]
    return any(_sound_alike(one, other) is not None for one, other in combinations(known, 2))


def _sound_alike(one: SoundPrint, other: SoundPrint) -> bool | None:
    """Whether two recordings may be of one source; None where they cannot be compared."""
    difference_db = one.band_db - other.band_db
    distance_db = float(np.abs(difference_db - np.median(difference_db)).mean())
    if one.is_phrase and other.is_phrase:
        return distance_db < PHRASE_DB and not _rooms_differ(one, other)
    interval = abs(one.middle_midi - other.middle_midi)
    if interval <= LINKED_SEMITONES and distance_db < NOTE_DB:
        return True
    return False if interval <= SAME_SEMITONES else None


def _rooms_differ(one: SoundPrint, other: SoundPrint) -> bool:
    if one.t60_seconds is None or other.t60_seconds is None:
        return False
    shorter, longer = sorted((one.t60_seconds, other.t60_seconds))
    return longer > T60_RATIO * shorter


def _join(group: dict[int, int], one: int, other: int) -> None:
    """Give the members of both groups the same name."""
    old, new = group[other], group[one]
    group.update({index: new for index, name in group.items() if name == old})


def _merge_incomparable(group: dict[int, int], separate: set[frozenset[int]]) -> list[list[int]]:
    """Collect members by group; a group that was never compared with the largest belongs to it."""
    members: dict[int, list[int]] = {}
    for index, name in group.items():
        members.setdefault(name, []).append(index)
    ordered = sorted(members.items(), key=lambda item: (-len(item[1]), item[1]))
    groups: list[list[int]] = []
    for name, indices in ordered:
        if groups and frozenset((ordered[0][0], name)) not in separate:
            groups[0] = sorted(groups[0] + indices)
        else:
            groups.append(indices)
    return groups
