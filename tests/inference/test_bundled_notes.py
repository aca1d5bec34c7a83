"""Do the instruments of the box play notes as tones where they have hardly heard any: after rests, and ever softer?"""

from __future__ import annotations

import math

import pytest
import torch

from luthier.inference.loudness_fit import is_note
from luthier.inference.player import load_player
from luthier.model.bundled import bundled_names
from luthier.units import octaves_to_hz, power_to_db

NOTE_SECONDS, REST_SECONDS, BEGINNING_SECONDS = 0.4, 0.2, 0.15


@pytest.mark.parametrize("name", bundled_names())
def test_notes_after_rests_begin_as_tones_and_as_loud_as_its_own(name: str) -> None:
    player = load_player(name)
    rate, statistics = player.sample_rate, player.instrument.statistics
    time = torch.arange(round(NOTE_SECONDS * rate)) / rate
    fade = (time / 0.01).clamp_max(1.0) * ((NOTE_SECONDS - time) / 0.03).clamp_max(1.0)
    rest = torch.zeros(round(REST_SECONDS * rate))
    hz = octaves_to_hz(statistics.f0_octaves_quantiles[[30, 50, 40, 60]])
    notes = [fade * sum(torch.sin(2 * math.pi * k * each * time) / k for k in range(1, 9)) for each in hz]
    result = player.transfer(0.1 * torch.cat([part for note in notes for part in (rest, note)]), rate)
    every = len(rest) + len(time)
    beginnings = [
        slice(begin, begin + round(BEGINNING_SECONDS * rate)) for begin in range(len(rest), every * len(notes), every)
    ]
    noise, tone = (
        torch.stack([result.stems[stem][0, beginning].square().mean() for beginning in beginnings])
        for stem in ("filtered_noise", "harmonic")
    )
    assert float(power_to_db(noise / tone).max()) < -10.0
    heard = player.measure(result.audio[0, : every * len(notes)], rate).loudness_db
    sounding = is_note(result.features)[:, : heard.shape[1]]
    usual_db = float(statistics.loudness_db_quantiles.median())
    assert float(heard[:, : sounding.shape[1]][sounding].median()) == pytest.approx(usual_db, abs=6.0)


FADE_DB_PER_SECOND, STEADY_SECONDS, FADING_SECONDS = 25.0, 0.5, 2.0


@pytest.mark.parametrize("name", bundled_names())
def test_a_note_that_fades_by_37_db_stays_a_tone(name: str) -> None:
    """A violin's softest recorded frames are what is left of notes in the room: it played more noise than tone there."""
    player = load_player(name)
    rate = player.sample_rate
    time = torch.arange(round(FADING_SECONDS * rate)) / rate
    level = 0.1 * 10.0 ** (-FADE_DB_PER_SECOND / 20.0 * (time - STEADY_SECONDS).clamp_min(0.0))
    hz = octaves_to_hz(player.instrument.statistics.f0_octaves_quantiles[[10, 30]])
    notes = [level * sum(torch.sin(2 * math.pi * k * each * time) / k for k in range(1, 9)) for each in hz]
    result = player.transfer(torch.cat(notes), rate)
    ends = [round((FADING_SECONDS * number - 0.25) * rate) for number in (1, 2)]
    noise, tone = (
        torch.stack([result.stems[stem][0, end : end + round(0.23 * rate)].square().mean() for end in ends])
        for stem in ("filtered_noise", "harmonic")
    )
    assert float(power_to_db(noise / tone).max()) < -5.0
