from __future__ import annotations

import pytest
import torch

from luthier.data.synthetic import SyntheticInstrument, synthetic_instrument
from luthier.data.windows import Batch
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.model.config import RoomConfig
from luthier.model.rooms import DecayingRoom
from luthier.training.rests import free_decays, player_excess_db, room_error_db
from luthier.units import db_to_amplitude

TRUE_LEVEL_DB = -35.0


def decaying_room(level_db: float) -> DecayingRoom:
    room = DecayingRoom(RoomConfig(kind="decaying", seconds=1.0), 16000)
    room.set_t60(torch.full_like(room.level_db, 0.8))
    with torch.no_grad():
        room.level_db.fill_(level_db)
    return room


@pytest.fixture(scope="module")
def played() -> SyntheticInstrument:
    response = decaying_room(TRUE_LEVEL_DB).impulse_response().detach()
    return synthetic_instrument(FeatureDefinition(), response, torch.Generator().manual_seed(1), seconds=12.0)


@pytest.fixture(scope="module")
def is_free(played: SyntheticInstrument) -> torch.Tensor:
    return free_decays(Batch(played.audio, played.features), frame_rate=100.0, quiet_db=-90.0)


def test_decays_are_found_after_notes_and_not_during_them(played: SyntheticInstrument, is_free: torch.Tensor) -> None:
    is_note = played.controls.amplitude[..., 0] > 0
    n_free = int((is_free & ~is_note).sum())
    assert n_free > 0.3 * int((~is_note).sum())
    # A soft note in the tail of a loud one is not always heard.
    assert int((is_free & is_note).sum()) < 0.1 * n_free


def test_the_true_room_is_better_than_a_softer_and_a_louder_one(
    played: SyntheticInstrument, is_free: torch.Tensor
) -> None:
    errors = [
        room_error_db(decaying_room(TRUE_LEVEL_DB + change_db), played.dry, played.audio, is_free).item()
        for change_db in (0.0, -6.0, 6.0)
    ]
    assert errors[0] < 0.5
    assert errors[0] + 0.5 < errors[1] < errors[2] - 1.0


def test_the_room_learns_its_level_although_the_player_plays_the_tail(
    played: SyntheticInstrument, is_free: torch.Tensor
) -> None:
    room = decaying_room(TRUE_LEVEL_DB - 10.0)
    optimizer = torch.optim.Adam([room.level_db], lr=0.5)
    # The player plays what is heard in the rests; the room is taught as if it did not.
    dry = torch.where(torch.repeat_interleave(is_free, 160, dim=1), played.audio, played.dry)
    for _ in range(40):
        optimizer.zero_grad()
        room_error_db(room, dry, played.audio, is_free).backward()
        optimizer.step()
    assert float(room.level_db.detach()[3:].mean()) == pytest.approx(TRUE_LEVEL_DB, abs=1.5)


def test_only_the_late_part_of_the_room_is_taught(played: SyntheticInstrument, is_free: torch.Tensor) -> None:
    room, dry = decaying_room(-40.0), played.dry.clone().requires_grad_()
    room_error_db(room, dry, played.audio, is_free).backward()
    assert room.level_db.grad is not None
    assert float(room.level_db.grad.abs().min()) > 0
    assert room.early_taps.grad is None
    assert dry.grad is None


def test_a_player_must_be_quiet_in_rests_only(played: SyntheticInstrument, is_free: torch.Tensor) -> None:
    in_rests = is_free & (played.controls.amplitude[..., 0] == 0)
    assert float(player_excess_db(played.controls, played.audio, in_rests)) == 0.0
    droning = played.controls._replace(
        amplitude=torch.full_like(played.controls.amplitude, float(db_to_amplitude(-20.0))).requires_grad_()
    )
    excess = player_excess_db(droning, played.audio, is_free)
    excess.backward()
    assert excess.item() > 10.0
    assert torch.equal(droning.amplitude.grad[..., 0] != 0, is_free)


def test_without_rests_there_is_nothing_to_learn(played: SyntheticInstrument) -> None:
    nothing = torch.zeros(played.controls.amplitude.shape[:2], dtype=torch.bool)
    assert float(room_error_db(decaying_room(-40.0), played.dry, played.audio, nothing)) == 0.0
    assert float(player_excess_db(played.controls, played.audio, nothing)) == 0.0
