from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inference.conftest import NOISY
from inference.melodies import sung
from luthier.dsp.controls_loudness import controls_loudness_db
from luthier.dsp.signals import Controls, Features
from luthier.features.loudness import loudness_db
from luthier.inference.level_follow import MOST_DB, follow_level
from luthier.inference.loudness_fit import is_note
from luthier.inference.morph import MorphWith
from luthier.inference.player import Player
from luthier.inference.rendering import RoomChoice, render
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary
from model.small import small_instrument

INSTRUMENT = small_instrument(synths=NOISY)


def swelling() -> Features:
    """Three notes, each 10 dB louder than the one before."""
    notes = [sung(note, level_db=level) for note, level in ((60, -40.0), (64, -30.0), (67, -20.0))]
    return Features(*(torch.cat(values, dim=1) for values in zip(*(each[:3] for each in notes), strict=True)))


def untouched(controls: Controls, frames: slice) -> Controls:
    return controls


def played_db(instrument: Instrument, features: Features, strength: float) -> Tensor:
    """A-weighted level of what is heard, (n_frames,)."""
    follow = follow_level(instrument, features, untouched, strength=strength)
    audio = render(instrument, features, RoomChoice(wet=0.0), edit=follow.apply).audio
    return loudness_db(audio, sample_rate=16000, hop_length=160, n_fft=1024)[0, : features.f0_hz.shape[1], 0]


def test_notes_are_as_far_apart_in_level_as_asked_for() -> None:
    features = swelling()
    middles = [n_frames * features.f0_hz.shape[1] // 6 for n_frames in (1, 3, 5)]
    stubborn = played_db(INSTRUMENT, features, 0.0)[middles]
    following = played_db(INSTRUMENT, features, 1.0)[middles]
    assert float(stubborn[2] - stubborn[0]) < 10.0  # untrained, it hardly knows soft from loud
    assert following.diff().tolist() == pytest.approx([10.0, 10.0], abs=1.0)
    assert float(following[1]) == pytest.approx(float(stubborn[1]), abs=1.0)  # the median stays


def test_strength_zero_changes_nothing_and_one_half_a_part() -> None:
    features = swelling()
    none, half, whole = (follow_level(INSTRUMENT, features, untouched, strength=s).gain_db for s in (0.0, 0.5, 1.0))
    assert not none.any()
    assert torch.allclose(half, whole / 2)
    assert 3.0 < float(whole.abs().max()) <= MOST_DB


@pytest.mark.parametrize(("usual_db", "odd_db", "gain_db"), [(-20.0, -55.0, -35.0), (-55.0, -20.0, MOST_DB)])
def test_notes_may_become_much_softer_but_not_much_louder(usual_db: float, odd_db: float, gain_db: float) -> None:
    """The instrument, untrained, plays all alike."""
    parts = [sung(60, 60, 60, level_db=usual_db), sung(60, level_db=odd_db)]
    features = Features(*(torch.cat(values, dim=1) for values in zip(*(part[:3] for part in parts), strict=True)))
    follow = follow_level(INSTRUMENT, features, untouched)
    assert float(follow.gain_db[0, 175]) == pytest.approx(gain_db, abs=3.0)


@torch.no_grad()
def test_an_instrument_that_obeys_is_exactly_as_loud_as_asked_for_whatever_its_corrections_say() -> None:
    """A pitch that it never heard may be corrected by anything, and by something else in the next frame."""
    wild = small_instrument(synths=NOISY, obeys=("loudness",))
    wild.decoder.head.weight[-1].normal_(std=20.0, generator=torch.Generator().manual_seed(0))
    features = swelling()
    controls, inside = wild.controls(features), is_note(features)
    for start in range(0, features.f0_hz.shape[1], 50):
        inside[:, start : start + 15] = inside[:, start + 35 : start + 50] = False  # steps, which windows would smear
    follow = follow_level(wild, features, untouched)
    everything = slice(0, features.f0_hz.shape[1])
    off_db, left_db = (
        (features.loudness_db - controls_loudness_db(played, wild.config.features))[inside]
        for played in (controls, follow.apply(controls, everything))
    )
    assert float(off_db.amax() - off_db.amin()) > 10.0
    assert float(left_db.amax() - left_db.amin()) < 0.1


def begins_ms(audio: Tensor) -> float:
    """When a note after silence has come within 30 dB of its level, seen through the windows of the loudness."""
    level_db = loudness_db(audio, sample_rate=16000, hop_length=40, n_fft=1024)[0, :, 0]
    return 2.5 * float((level_db > level_db[500] - 30.0).float().argmax())


@torch.no_grad()
def test_notes_of_one_that_obeys_begin_when_the_melodys_do() -> None:
    """What obeys a window's loudness at every moment begins as early as the window does, and is seen through another."""
    time = torch.arange(32000) / 16000
    audio = (torch.sin(2 * torch.pi * 262.0 * time) * (time >= 1.0))[None]
    level_db = loudness_db(audio, sample_rate=16000, hop_length=160, n_fft=1024)
    features = Features(torch.full_like(level_db, 262.0), (level_db > -20.0).float(), level_db)
    obedient = small_instrument(synths=NOISY, obeys=("loudness",))
    follow = follow_level(obedient, features, untouched)
    told, followed = (
        render(obedient, features, RoomChoice(wet=0.0), edit=edit).audio for edit in (untouched, follow.apply)
    )
    assert begins_ms(told) <= begins_ms(audio) - 10.0
    assert begins_ms(followed) == pytest.approx(begins_ms(audio), abs=5.0)


def test_rests_are_left_alone_and_a_clip_of_rests_too() -> None:
    features = sung(60, None, 67)
    gain_db = follow_level(INSTRUMENT, features, untouched).gain_db
    far_from_notes = ~is_note(features)[0, :, 0].float()[None].unfold(1, 21, 1).amax(-1).bool()[0]
    assert far_from_notes.any()
    assert not gain_db[0, 10:-10, 0][far_from_notes].any()
    nothing = features._replace(periodicity=torch.zeros_like(features.periodicity))
    assert not follow_level(INSTRUMENT, nothing, untouched).gain_db.any()


def test_a_second_instrument_in_a_morph_begins_anew_when_it_is_heard() -> None:
    player = Player(INSTRUMENT, TrainingSummary())
    second = MorphWith(small_instrument(9, synths=NOISY), 0.5)
    stubborn, following = (player.fit(swelling(), morph=second, dynamics=strength) for strength in (0.0, 1.0))
    with torch.no_grad():
        controls = INSTRUMENT.controls(following.features)
    everything = slice(0, controls.f0_hz.shape[1])
    played = [fitted.edit(controls, everything) for fitted in (stubborn, following)]
    assert torch.equal(played[0].harmonic_distribution, played[1].harmonic_distribution)
    assert not torch.equal(played[0].amplitude, played[1].amplitude)
