from __future__ import annotations

import pytest
import torch

from luthier.analysis.room_decay import Decays, decay_times, find_decays
from luthier.analysis.room_level import late_levels_db
from luthier.data.synthetic import decaying_room, synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Features
from luthier.units import db_to_power, power_to_db

EDGES_HZ = [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]


def decays_in(t60_seconds: float, direct_to_reverberant_db: float) -> Decays:
    generator = torch.Generator().manual_seed(2)
    room = decaying_room(16000, generator, t60_seconds=t60_seconds, direct_to_reverberant_db=direct_to_reverberant_db)
    played = synthetic_instrument(FeatureDefinition(), room, torch.Generator().manual_seed(1), seconds=90.0)
    features = Features(*(values[0, :, 0] for values in played.features[:3]))
    found = find_decays(played.audio[0], features, sample_rate=16000, hop_length=160, edges_hz=EDGES_HZ)
    assert found is not None
    return found


def level_db(t60_seconds: float, direct_to_reverberant_db: float) -> float:
    """Of the whole room, against a white direct sound."""
    decays = decays_in(t60_seconds, direct_to_reverberant_db)
    levels_db = late_levels_db(decays, EDGES_HZ, decay_times(decays, EDGES_HZ))
    assert levels_db is not None
    return power_to_db(float((db_to_power(levels_db) * torch.tensor(EDGES_HZ).diff()).sum()) / 8000.0)


@pytest.mark.parametrize(("t60_seconds", "direct_to_reverberant_db"), [(0.5, 3.0), (0.5, 10.0), (1.2, 6.0)])
def test_the_level_of_a_known_room_is_found(t60_seconds: float, direct_to_reverberant_db: float) -> None:
    assert level_db(t60_seconds, direct_to_reverberant_db) == pytest.approx(-direct_to_reverberant_db, abs=3.0)


def test_a_room_louder_than_the_direct_sound_is_found_so_but_nearer_to_what_is_usual() -> None:
    assert 0.0 < level_db(1.2, -6.0) < 6.0


def test_highs_are_softer() -> None:
    decays = decays_in(0.5, 3.0)
    levels_db = late_levels_db(decays, EDGES_HZ, decay_times(decays, EDGES_HZ))
    assert levels_db is not None
    assert levels_db.diff().tolist() == [0.0, -2.0, -2.0, -2.0, -2.0]


def test_a_few_decays_say_nothing() -> None:
    decays = decays_in(0.5, 3.0)
    times = decay_times(decays, EDGES_HZ)
    first = decays._replace(energy=decays.energy[:90], is_free=decays.is_free[:90], is_heard=decays.is_heard[:90])
    assert late_levels_db(first, EDGES_HZ, times) is None
