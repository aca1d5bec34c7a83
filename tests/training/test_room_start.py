from __future__ import annotations

from pathlib import Path

import pytest
import torch

from luthier.data.audio_files import save_audio
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.data.synthetic import decaying_room, synthetic_instrument, write_plucked_strings
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.evaluation.room import room_scores
from luthier.model.config import RoomConfig
from luthier.model.rooms import Room, build_room
from luthier.training import room_start
from luthier.training.room_start import settle_room, start_room
from luthier.training.settings import Settings, resolve_settings, settings_tables


def untrained(kind: str) -> Room:
    return build_room(RoomConfig(kind=kind, seconds=1.5), 16000)


@pytest.fixture(scope="module")
def reverberant(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("room")
    definition = FeatureDefinition(tracker="swift")
    response = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=1.0, direct_to_reverberant_db=6.0)
    sound = synthetic_instrument(definition, response, torch.Generator().manual_seed(1), seconds=60.0)
    save_audio(folder / "notes.wav", sound.audio, definition.sample_rate)
    prepare([folder / "notes.wav"], folder / "dataset", definition, n_jobs=1, credit="nobody", licence="CC0 1.0")
    return Dataset.open(folder / "dataset")


def test_a_room_starts_as_long_and_as_loud_as_that_of_the_recordings(reverberant: Dataset) -> None:
    room = untrained("decaying_taps")
    quiet_db = start_room(room, reverberant)
    t60_seconds, direct_to_reverberant_db = room_scores(room.impulse_response().detach(), 16000)
    assert t60_seconds == pytest.approx(1.0, rel=0.1)
    assert direct_to_reverberant_db == pytest.approx(6.0, abs=1.5)
    levels_db = torch.cat([reverberant.window(*block).features.loudness_db for block in reverberant.blocks("train")])
    assert quiet_db is not None
    assert float((levels_db > quiet_db).float().mean()) == pytest.approx(0.99, abs=0.01)


def test_strings_that_ring_themselves_are_no_room(tmp_path: Path) -> None:
    files = write_plucked_strings(tmp_path / "notes", semitones=range(-8, 8, 2), seconds=2.0)
    prepare(files, tmp_path / "dataset", FeatureDefinition(tracker="swift"), n_jobs=1)
    assert is_left_alone("decaying_taps", Dataset.open(tmp_path / "dataset"))


def test_recordings_that_never_fall_freely_leave_the_room_as_it_is(dataset: Dataset) -> None:
    assert is_left_alone("decaying_taps", dataset)


@pytest.mark.parametrize("kind", ["decaying", "free_taps", "none"])
def test_other_rooms_are_left_alone(reverberant: Dataset, kind: str) -> None:
    assert is_left_alone(kind, reverberant)


def settings(dataset: Dataset, kind: str) -> Settings:
    return resolve_settings(settings_tables("fast", overrides={"room.kind": kind}), dataset.definition)


def test_the_room_auto_follows_the_recordings(
    reverberant: Dataset, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settle_room(settings(dataset, "auto"), dataset).instrument.room.kind == "decaying"
    for seconds, kind in ((0.8, "decaying_taps"), (1.2, "decaying")):  # the recordings ring for 1 s
        monkeypatch.setattr(room_start, "REVERBERANT_T60_SECONDS", seconds)
        settled = settle_room(settings(reverberant, "auto"), reverberant)
        assert settled.instrument.room.kind == kind
        assert settled.instrument.room.seconds == 1.0


def test_a_room_that_was_asked_for_is_taken(reverberant: Dataset) -> None:
    chosen = settings(reverberant, "free_taps")
    assert settle_room(chosen, reverberant) == chosen


def test_ten_minutes_of_blocks_are_listened_to(reverberant: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = reverberant.blocks("train")
    assert len(blocks) == 2  # of 24 and 16.5 s
    assert room_start._some_blocks(reverberant) == blocks
    monkeypatch.setattr(room_start, "MOST_SECONDS", 20.0)
    some = room_start._some_blocks(reverberant)
    assert 0 < len(some) < len(blocks)
    assert set(some) < set(blocks)


def is_left_alone(kind: str, dataset: Dataset) -> bool:
    room = untrained(kind)
    before = room.impulse_response().detach().clone()
    return start_room(room, dataset) is None and torch.equal(room.impulse_response(), before)
