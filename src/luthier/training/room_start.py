"""Giving an untrained instrument the reverberation of the room that its recordings were made in."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.analysis.room_decay import Decays, decay_times, find_decays, quiet_level_db
from luthier.analysis.room_level import late_level_db
from luthier.data.dataset import Dataset
from luthier.data.split import Block
from luthier.dsp.signals import Features
from luthier.model.rooms import BAND_EDGES, DecayingTapsRoom, Room
from luthier.training.settings import Settings

MOST_SECONDS = 600.0
"""As much of the training blocks as is listened to, evenly spread: more says the same."""
MOST_FREE = 0.3
"""Where more than this share of the frames falls freely, it is the instrument that rings."""
REVERBERANT_T60_SECONDS = 1.0
"""Shorter decays may be the releases of notes: dry recordings learn better in the short room."""
UNKNOWN_LATE_DB = 0.0
"""Where decays are too few to tell: the rooms that were measured lie between 3 dB below and 10 above the direct sound."""
LOWEST_HZ = 500.0
"""Octaves from here on tell a room from the instrument's own decay."""


class _Heard(NamedTuple):
    decays: Decays
    t60_seconds: Tensor
    quiet_db: float


def settle_room(settings: Settings, dataset: Dataset) -> Settings:
    """Replace the room `auto` by the one that suits the recordings: `decaying_taps` for a reverberant room.

    Taps as long as the room match its colours, but let dry recordings ring.
    """
    room = settings.instrument.room
    if room.kind != "auto":
        return settings
    heard = _listen(dataset)
    rings = heard is not None and _is_reverberant(heard.t60_seconds, dataset.definition.sample_rate)
    settled = room.model_copy(update={"kind": "decaying_taps" if rings else "decaying"})
    return settings._replace(instrument=settings.instrument.model_copy(update={"room": settled}))


def start_room(room: Room, dataset: Dataset) -> float | None:
    """Set how long and how loud a room rings to what is heard after notes of the training blocks, if enough is.

    Returns:
        Where the room was set, the level of the quietest frames of the training blocks, dB: free decays end there.
        None where nothing is known about the room, or it is of another kind.
    """
    if not isinstance(room, DecayingTapsRoom):
        return None
    heard = _listen(dataset)
    if heard is None:
        return None
    late_db = late_level_db(heard.decays, room.band_edges_hz(), heard.t60_seconds)
    room.set_decay(heard.t60_seconds, UNKNOWN_LATE_DB if late_db is None else late_db)
    return heard.quiet_db


def _listen(dataset: Dataset) -> _Heard | None:
    """Find the decays of the training blocks; None where there are too few, or it is the instrument that rings."""
    windows = [dataset.window(*block) for block in _some_blocks(dataset)]
    features = [window.features.without_expression() for window in windows]
    joined = Features(*(torch.cat(values).squeeze(-1) for values in zip(*(each[:3] for each in features), strict=True)))
    edges_hz = [dataset.definition.sample_rate / 2 * edge for edge in BAND_EDGES]
    decays = find_decays(
        torch.cat([window.audio for window in windows]),
        joined,
        sample_rate=dataset.definition.sample_rate,
        hop_length=dataset.definition.hop_length,
        edges_hz=edges_hz,
    )
    if decays is None or decays.is_free.mean() > MOST_FREE:
        return None
    t60_seconds = decay_times(decays, edges_hz)
    return None if t60_seconds is None else _Heard(decays, t60_seconds, quiet_level_db(joined.loudness_db))


def _some_blocks(dataset: Dataset) -> list[Block]:
    """Training blocks of ten minutes in all, evenly spread, or all there are."""
    blocks = dataset.blocks("train")
    seconds = sum(block.n_frames for block in blocks) / dataset.definition.frame_rate
    every = max(1.0, seconds / MOST_SECONDS)
    return [blocks[int(index * every)] for index in range(max(1, int(len(blocks) / every)))]


def _is_reverberant(t60_seconds: Tensor, sample_rate: int) -> bool:
    high = torch.tensor([sample_rate / 2 * edge >= LOWEST_HZ for edge in BAND_EDGES[:-1]])
    return float(t60_seconds[high].median()) >= REVERBERANT_T60_SECONDS
