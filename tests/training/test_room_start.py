from __future__ import annotations

import pytest
import torch

from luthier.data.audio_files import save_audio
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.data.synthetic import decaying_room, synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.model.config import RoomConfig
from luthier.model.rooms import DecayingRoom, Room, build_room
from luthier.training.room_start import start_room, training_quiet_db


def untrained(kind: str) -> Room:
    return build_room(RoomConfig(kind=kind, seconds=1.0), 16000)


@pytest.fixture(scope="module")
def reverberant(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("room")
    definition = FeatureDefinition(tracker="swift")
    response = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=1.0, direct_to_reverberant_db=3.0)
    sound = synthetic_instrument(definition, response, torch.Generator().manual_seed(1), seconds=60.0)
    save_audio(folder / "notes.wav", sound.audio, definition.sample_rate)
    prepare([folder / "notes.wav"], folder / "dataset", definition, n_jobs=1, credit="nobody", licence="CC0 1.0")
    return Dataset.open(folder / "dataset")


def test_a_room_starts_with_the_decay_of_the_recordings(reverberant: Dataset) -> None:
    room = untrained("decaying")
    assert isinstance(room, DecayingRoom)
    start_room(room, reverberant)
    assert float(room.t60_seconds().detach()[3:].median()) == pytest.approx(1.0, rel=0.15)


def test_recordings_without_a_room_leave_the_decay_short_or_as_it_is(dataset: Dataset) -> None:
    room = untrained("decaying")
    assert isinstance(room, DecayingRoom)
    start_room(room, dataset)
    assert float(room.t60_seconds().detach().median()) <= 0.41


def test_a_room_without_decay_times_is_left_alone(dataset: Dataset) -> None:
    room = untrained("free_taps")
    before = room.impulse_response().detach().clone()
    start_room(room, dataset)
    assert torch.equal(room.impulse_response(), before)


def test_the_quiet_level_is_below_almost_all_of_the_material(reverberant: Dataset) -> None:
    quiet_db = training_quiet_db(reverberant)
    levels_db = torch.cat([reverberant.window(*block).features.loudness_db for block in reverberant.blocks("train")])
    assert float((levels_db > quiet_db).float().mean()) == pytest.approx(0.99, abs=0.01)
