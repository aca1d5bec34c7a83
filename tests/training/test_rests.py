from __future__ import annotations

import pytest
import torch

from luthier.data.synthetic import SyntheticInstrument, decaying_room, synthetic_instrument
from luthier.data.windows import Batch
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.training.rests import free_decays, player_excess_db
from luthier.units import db_to_amplitude


@pytest.fixture(scope="module")
def played() -> SyntheticInstrument:
    response = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=0.8, direct_to_reverberant_db=3.0)
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
    assert float(player_excess_db(played.controls, played.audio, nothing)) == 0.0
