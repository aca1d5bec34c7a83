from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inference.conftest import NOISY, RATE, TUNE_HZ, low_voice, middle_of_notes, middle_of_rests
from luthier.dsp.signals import Features
from luthier.errors import InstrumentFileError, LuthierError, RangeError, ShapeError
from luthier.inference.loudness_fit import is_note
from luthier.inference.player import Player, Transfer, load_player
from luthier.model.instrument_file import TrainingSummary, save_instrument
from luthier.units import ratio_to_cents
from model.small import small_instrument


@pytest.fixture(scope="module")
def transferred(player: Player, voice: Tensor) -> Transfer:
    return player.transfer(voice, RATE)


def heard_hz(audio: Tensor) -> float:
    """The strongest frequency of a stretch of audio, between bins by a parabola."""
    samples = audio.double().numpy()
    spectrum = np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n=1 << 16)))
    peak = int(np.argmax(spectrum))
    left, top, right = spectrum[peak - 1 : peak + 2]
    return (peak + 0.5 * (left - right) / (left - 2 * top + right)) * RATE / (1 << 16)


def test_any_type_of_samples_is_the_same_melody(player: Player, voice: Tensor) -> None:
    floats = player.measure(voice, RATE).loudness_db
    integers = (voice[0].numpy() * 2**15).round().clip(-(2**15), 2**15 - 1).astype(np.int16)
    assert torch.allclose(player.measure(integers, RATE).loudness_db, floats, atol=0.5)


def test_stereo_is_told_what_to_do(player: Player) -> None:
    with pytest.raises(ShapeError, match=r"audio\.mean\(axis=1\)"):
        player.clip(np.zeros((100, 2)), RATE)


@pytest.mark.parametrize("rate", [44100.5, math.nan, 0])
def test_a_rate_that_is_none_is_refused(player: Player, voice: Tensor, rate: float) -> None:
    with pytest.raises(RangeError, match="whole number of Hz"):
        player.clip(voice, rate)  # type: ignore[arg-type]


def test_samples_beyond_all_measure_are_refused(player: Player, voice: Tensor) -> None:
    with pytest.raises(RangeError, match="full scale 1"):
        player.clip(1e30 * voice, RATE)


def test_a_room_of_numbers_rings_out_when_it_is_told_to(player: Player, voice: Tensor) -> None:
    room = np.zeros(8000)
    room[[0, 7999]] = 1.0, 0.5
    cut, whole = (player.transfer(voice, RATE, room=room, rings_out=rings_out).audio for rings_out in (False, True))
    assert whole.dtype == torch.float32
    assert whole.shape[1] > cut.shape[1]
    assert torch.equal(whole[:, : cut.shape[1]], cut)


class TestTransfer:
    def test_keeps_the_melody_an_octave_higher(self, transferred: Transfer) -> None:
        assert transferred.shift_semitones == 12.0
        for f0_hz, frames in zip(TUNE_HZ, middle_of_notes(), strict=True):
            followed = transferred.features.f0_hz[0, frames, 0]
            assert float(ratio_to_cents(followed / (2 * f0_hz)).abs().max()) < 10

    def test_plays_the_melody_that_it_followed(self, transferred: Transfer) -> None:
        harmonic = transferred.stems["harmonic"][0]
        for f0_hz, frames in zip(TUNE_HZ, middle_of_notes(), strict=True):
            ratio = heard_hz(harmonic[frames.start * 160 : frames.stop * 160]) / (2 * f0_hz)
            assert abs(ratio_to_cents(ratio / round(ratio))) < 15  # any harmonic of the note

    def test_rests_are_silent(self, player: Player, voice: Tensor) -> None:
        audio = player.transfer(voice, RATE, wet=0.0).audio[0]
        loudest = max(float(audio[f.start * 160 : f.stop * 160].std()) for f in middle_of_notes())
        for frames in middle_of_rests():
            rest = float(audio[frames.start * 160 : frames.stop * 160].std())
            assert 20 * math.log10(max(rest, 1e-9) / loudest) < -60

    def test_stems_sum_to_the_audio(self, transferred: Transfer) -> None:
        mix = torch.stack(list(transferred.stems.values())).sum(dim=0)
        assert (mix - transferred.audio).abs().max() < 1e-6
        assert transferred.audio.abs().max() > 1e-3

    def test_loudness_is_fitted_to_the_instruments_median(self, transferred: Transfer) -> None:
        notes = transferred.features.loudness_db[is_note(transferred.features)]
        assert float(notes.median()) == pytest.approx(-30.0, abs=0.01)

    def test_what_fits_is_no_trouble_but_an_instrument_of_noise_is(self, player: Player, voice: Tensor) -> None:
        assert player.fit(player.measure(voice, RATE)).diagnosis == []
        assert [trouble.what for trouble in player.transfer(voice, RATE).diagnosis] == ["harmonics"]

    @pytest.mark.parametrize(
        ("options", "semitones"),
        [({"octave": 0}, 0.0), ({"octave": 2, "semitones": -5.0}, 19.0), ({"semitones": 0.5}, 12.5)],
        ids=str,
    )
    def test_shifts_as_told(self, player: Player, voice: Tensor, options: dict[str, float], semitones: float) -> None:
        result = player.transfer(voice, RATE, **options)
        assert result.shift_semitones == semitones
        middle = result.features.f0_hz[0, middle_of_notes()[0], 0].median()
        assert float(ratio_to_cents(middle / TUNE_HZ[0])) == pytest.approx(100 * semitones, abs=10)

    def test_notes_outside_the_range_are_named(self, player: Player, voice: Tensor) -> None:
        (warning,) = player.fit(player.measure(voice, RATE), octave=0).warnings
        assert warning.startswith("100% of the notes")
        assert "Hz" in warning

    @pytest.mark.parametrize(("loudness", "shift_db"), [("none", 0.0), (-6.5, -6.5), (3, 3.0)])
    def test_loudness_as_told(self, player: Player, voice: Tensor, loudness: str | float, shift_db: float) -> None:
        result = player.transfer(voice, RATE, loudness=loudness)
        assert result.loudness_shift_db == pytest.approx(shift_db, abs=1e-4)
        measured = player.measure(voice, RATE)
        assert torch.allclose(result.features.loudness_db, measured.loudness_db + shift_db)

    def test_loudness_standardised_as_in_the_assignment(self, player: Player, voice: Tensor) -> None:
        level_db = player.transfer(voice, RATE, loudness="standardise").features.loudness_db
        assert (float(level_db.mean()), float(level_db.std(correction=0))) == pytest.approx((-30.0, 8.0), abs=1e-3)

    def test_a_longer_room_of_another_place_rings_into_the_rest(self, player: Player, voice: Tensor) -> None:
        decay = torch.exp(-torch.arange(16000) / 4000) * (torch.rand(16000) - 0.5)
        decay[0] = 1.0
        hall = player.transfer(voice, RATE, room=decay).audio[0]
        rest = middle_of_rests()[0]
        own = player.transfer(voice, RATE).audio[0]
        place = slice(rest.start * 160, rest.stop * 160)
        assert float(hall[place].std()) > 10 * float(own[place].std())

    def test_silence_gives_silence_and_a_warning(self, player: Player) -> None:
        result = player.transfer(torch.zeros(1, RATE), RATE)
        assert "no pitched sound" in result.warnings[0]
        assert result.stems["harmonic"].abs().max() == 0
        assert torch.isfinite(result.audio).all()

    def test_another_rate_in_gives_the_instruments_rate_out(self, player: Player, transferred: Transfer) -> None:
        result = player.transfer(low_voice(44100), 44100)
        assert result.sample_rate == RATE
        assert result.audio.shape == transferred.audio.shape
        for frames in middle_of_notes():
            difference = ratio_to_cents(result.features.f0_hz[0, frames] / transferred.features.f0_hz[0, frames])
            assert float(difference.abs().max()) < 5

    @pytest.mark.parametrize(
        "options",
        [{"octave": "up"}, {"octave": 9}, {"octave": 1.5}, {"loudness": "loud"}, {"loudness": math.nan}, {"wet": 2.0}],
        ids=str,
    )
    def test_options_that_make_no_sense_are_refused(
        self, player: Player, voice: Tensor, options: dict[str, object]
    ) -> None:
        with pytest.raises(RangeError, match=next(iter(options))):
            player.transfer(voice[:, :3200], RATE, **options)


class TestResynth:
    def test_follows_the_clips_own_pitch_and_loudness(self, player: Player, voice: Tensor) -> None:
        rendering, measured = player.resynth(voice, RATE), player.measure(voice, RATE)
        assert torch.equal(rendering.controls.f0_hz, measured.f0_hz)
        assert torch.equal(rendering.features.loudness_db, measured.loudness_db)
        assert rendering.audio.shape == (1, -(-voice.shape[1] // 160) * 160)

    def test_dry_leaves_the_room_out(self, player: Player, voice: Tensor) -> None:
        assert player.resynth(voice, RATE, wet=0.0).stems["room"].abs().max() == 0
        assert player.resynth(voice, RATE).stems["room"].abs().max() > 0

    @pytest.mark.parametrize("clip", [np.zeros(800), torch.zeros(800), torch.zeros(1, 1)], ids=lambda c: str(c.shape))
    def test_short_clips_of_any_array_type_are_played(self, player: Player, clip: object) -> None:
        assert torch.isfinite(player.resynth(clip, RATE).audio).all()


@pytest.mark.parametrize(
    ("clip", "rate", "error"),
    [
        (torch.zeros(2, 800), RATE, ShapeError),
        (torch.zeros(1, 1, 800), RATE, ShapeError),
        (torch.zeros(0), RATE, ShapeError),
        (torch.full((800,), math.nan), RATE, RangeError),
        (torch.full((800,), math.inf), RATE, RangeError),
        (torch.zeros(800), 0, RangeError),
        (torch.zeros(800), -44100, RangeError),
    ],
    ids=["stereo", "three axes", "empty", "nan", "infinite", "no rate", "negative rate"],
)
def test_audio_that_cannot_be_used_is_refused(
    player: Player, clip: Tensor, rate: int, error: type[LuthierError]
) -> None:
    with pytest.raises(error, match=r"audio|sample_rate"):
        player.resynth(clip, rate)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"loudness_db": torch.zeros(1, 3, 1)}, ShapeError, r"loudness_db has shape \(1, 3, 1\)"),
        ({"f0_hz": torch.zeros(0)}, ShapeError, "f0_hz has shape"),
        ({"f0_hz": torch.full((1, 9, 1), math.nan)}, RangeError, "f0_hz holds NaN"),
        ({"f0_hz": torch.zeros(1, 9, 1)}, RangeError, "a pitch everywhere"),
    ],
    ids=["other length", "other axes", "nan", "no pitch"],
)
def test_features_of_ones_own_that_cannot_be_used_are_refused(
    player: Player, changes: dict[str, Tensor], error: type[LuthierError], words: str
) -> None:
    usual = Features(torch.full((1, 9, 1), TUNE_HZ[0]), torch.ones(1, 9, 1), torch.full((1, 9, 1), -30.0))
    with pytest.raises(error, match=words):
        player.fit(usual._replace(**changes))


def test_the_room_alone_is_the_impulse_response(player: Player) -> None:
    room = player.room()
    assert room.shape == (1600,)
    assert not room.requires_grad
    assert torch.equal(room, player.instrument.room.impulse_response())


@pytest.mark.parametrize("n_channels", [0, 1, 2])
def test_a_melody_is_as_loud_in_any_room_as_without(voice: Tensor, n_channels: int) -> None:
    """However the room answers to just these notes: its own that rings at the second of them, and others that do."""
    ringing = 0.0005 * torch.cos(2 * math.pi * 2 * TUNE_HZ[1] * torch.arange(8000) / RATE)
    ringing[0] += 1.0
    instrument = small_instrument(synths=[{"kind": "harmonic"}], room={"kind": "free_taps_direct", "seconds": 0.5})
    with torch.no_grad():
        instrument.room.taps.copy_(ringing)
    room = ringing.expand(n_channels, -1) if n_channels else None
    heard = Player(instrument, TrainingSummary()).transfer(voice, RATE, room=room, rings_out=True)
    dry = heard.audio - heard.stems["room"]
    assert float(10 * torch.log10(heard.audio.square().mean() / dry.square().mean())) == pytest.approx(0.0, abs=0.5)


def test_a_loaded_instrument_plays_like_the_saved_one(tmp_path: Path, player: Player, voice: Tensor) -> None:
    save_instrument(tmp_path / "a.safetensors", small_instrument(synths=NOISY), TrainingSummary(licence="CC0"))
    loaded = load_player(tmp_path / "a.safetensors")
    assert loaded.summary == player.summary
    assert torch.equal(loaded.resynth(voice, RATE).audio, player.resynth(voice, RATE).audio)


def test_no_file_is_no_instrument(tmp_path: Path) -> None:
    with pytest.raises(InstrumentFileError, match="no such file"):
        load_player(tmp_path / "absent.safetensors")
