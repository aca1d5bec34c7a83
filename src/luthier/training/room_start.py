"""Giving an untrained instrument the decay times of the room that its recordings were made in."""

from __future__ import annotations

import torch

from luthier.analysis.room_decay import measure_decay_times, quiet_level_db
from luthier.data.dataset import Dataset
from luthier.dsp.signals import Features
from luthier.model.rooms import DecayingRoom, Room


def start_room(room: Room, dataset: Dataset) -> None:
    """Set the decay times of a room that has some to what is heard after notes of the training blocks, if enough is."""
    if not isinstance(room, DecayingRoom):
        return
    windows = [dataset.window(*block) for block in dataset.blocks("train")]
    features = [window.features.without_expression() for window in windows]
    joined = Features(*(torch.cat(values).squeeze(-1) for values in zip(*(each[:3] for each in features), strict=True)))
    t60_seconds = measure_decay_times(
        torch.cat([window.audio for window in windows]),
        joined,
        sample_rate=dataset.definition.sample_rate,
        hop_length=dataset.definition.hop_length,
        edges_hz=room.band_edges_hz(),
    )
    if t60_seconds is not None:
        room.set_t60(t60_seconds)


def training_quiet_db(dataset: Dataset) -> float:
    """`quiet_level_db` of all training blocks."""
    blocks = dataset.blocks("train")
    return quiet_level_db(torch.cat([dataset.window(*block).features.loudness_db.flatten() for block in blocks]))
