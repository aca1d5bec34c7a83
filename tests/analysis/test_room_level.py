from __future__ import annotations

import pytest
import torch

from luthier.analysis.room_decay import Decays, decay_times, find_decays
from luthier.analysis.room_level import late_level_db
from luthier.data.synthetic import decaying_room, synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Features

EDGES_HZ = [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]


def decays_in(t60_seconds: float, direct_to_reverberant_db: float) -> Decays:
    generator = torch.Generator().manual_seed(2)
    room = decaying_room(16000, generator, t60_seconds=t60_seconds, direct_to_reverberant_db=direct_to_reverberant_db)
    played = synthetic_instrument(FeatureDefinition(), room, torch.Generator().manual_seed(1), seconds=90.0)
    features = Features(*(values[0, :, 0] for values in played.features[:3]))
    found = find_decays(played.audio[0], features, sample_rate=16000, hop_length=160, edges_hz=EDGES_HZ)
    assert found is not None
    return found


@pytest.mark.parametrize(("t60_seconds", "direct_to_reverberant_db"), [(0.5, 3.0), (0.5, 10.0), (1.2, 6.0)])
def test_the_level_of_a_known_room_is_found(t60_seconds: float, direct_to_reverberant_db: float) -> None:
    decays = decays_in(t60_seconds, direct_to_reverberant_db)
    found = late_level_db(decays, EDGES_HZ, decay_times(decays, EDGES_HZ))
    assert found == pytest.approx(-direct_to_reverberant_db, abs=1.5)


def test_a_room_louder_than_the_direct_sound_is_found_as_loud() -> None:
    decays = decays_in(1.2, -6.0)
    assert late_level_db(decays, EDGES_HZ, decay_times(decays, EDGES_HZ)) == pytest.approx(0.0, abs=1.5)


def test_a_few_decays_say_nothing() -> None:
    decays = decays_in(0.5, 3.0)
    times = decay_times(decays, EDGES_HZ)
    first = Decays(*(values[:90] for values in decays[:-1]), decays.frame_rate)
    assert late_level_db(first, EDGES_HZ, times) is None
