from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from luthier.errors import ConfigError
from luthier.model.config import RoomConfig
from luthier.model.rooms import (
    N_DECAY_BANDS,
    ROOMS,
    DecayingRoom,
    DecayingTapsRoom,
    build_room,
    late_noise_bands,
    music_gain,
    third_octave_gains_db,
)

RATE = 16000


def room(kind: str, seconds: float = 0.5) -> torch.nn.Module:
    return build_room(RoomConfig(kind=kind, seconds=seconds), RATE)


def test_free_taps_start_uniform_and_small() -> None:
    taps = room("free_taps", 1.0).taps.detach()
    assert taps.shape == (16000,)
    assert taps.abs().max() <= 0.5e-4
    # The standard deviation of a uniform distribution is its width over the root of 12.
    assert float(taps.std()) == pytest.approx(1e-4 / math.sqrt(12), rel=0.05)
    assert float(taps.mean()) == pytest.approx(0, abs=2e-6)


def test_free_taps_go_through_tanh() -> None:
    free = room("free_taps")
    with torch.no_grad():
        free.taps[0], free.taps[1] = 100.0, 0.5
    assert free.impulse_response()[:2].tolist() == pytest.approx([1.0, math.tanh(0.5)])


def test_free_taps_with_direct_sound_pass_it_unchanged() -> None:
    free = room("free_taps_direct", 3.0)
    assert free.taps.shape == (48000,)
    with torch.no_grad():
        free.taps.fill_(0.25)
    assert free.impulse_response()[:3].tolist() == [1.0, 0.25, 0.25]


def test_no_room_changes_nothing() -> None:
    audio = torch.rand(2, 50)
    assert torch.equal(room("none")(audio), audio)
    assert room("none").impulse_response().tolist() == [1.0]


@pytest.mark.parametrize("kind", ROOMS)
def test_a_clap_in_a_room_is_its_impulse_response(kind: str) -> None:
    place = room(kind)
    clap = torch.zeros(1, 8000)
    clap[0, 0] = 1.0
    response = place.impulse_response()
    assert (place(clap)[0, : len(response)] - response).abs().max() < 1e-6
    assert place(clap).shape == (1, 8000)


@pytest.mark.parametrize("kind", [kind for kind in ROOMS if kind != "none"])
def test_every_room_can_learn(kind: str) -> None:
    place = room(kind, 0.2)
    audio = torch.rand(1, 4000) - 0.5
    place(audio).square().sum().backward()
    for name, parameter in place.named_parameters():
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.abs().sum() > 0, name


class TestDecayingRoom:
    def test_starts_with_the_direct_sound_and_the_decay_it_says(self) -> None:
        place = room("decaying")
        assert isinstance(place, DecayingRoom)
        response = place.impulse_response().detach()
        assert response[0] == 1.0
        assert place.t60_seconds().tolist() == pytest.approx([0.4] * N_DECAY_BANDS)
        assert float(response[1:].abs().max()) < 0.05

    def test_decays_by_60_db_in_its_t60(self) -> None:
        response = room("decaying", 1.0).impulse_response().detach().double().numpy()
        level_db = 10 * np.log10(np.mean(response[1600:12800].reshape(-1, 800) ** 2, axis=1))  # 50 ms each
        slope = np.polyfit(np.arange(len(level_db)) * 0.05, level_db, 1)[0]
        assert slope == pytest.approx(-60 / 0.4, rel=0.05)

    @pytest.mark.parametrize("raw", [-1000.0, 0.0, 1000.0])
    def test_any_parameter_is_a_legal_decay(self, raw: float) -> None:
        place = room("decaying")
        with torch.no_grad():
            place.t60_raw.fill_(raw)
        assert ((place.t60_seconds() >= 0.05) & (place.t60_seconds() <= 5.0001)).all()
        assert torch.isfinite(place.impulse_response()).all()

    def test_bands_sum_to_white_noise_after_the_fade(self) -> None:
        bands = late_noise_bands(16000, 800)
        assert bands.shape == (N_DECAY_BANDS, 16000)
        assert bands[:, :400].abs().max() == 0
        assert float(bands.sum(dim=0)[800:].std()) == pytest.approx(1, rel=0.03)
        power = np.abs(np.fft.rfft(bands[:, 800:].numpy())) ** 2
        centres = (power * np.arange(power.shape[1])).sum(axis=1) / power.sum(axis=1)
        assert (np.diff(centres) > 0).all()

    def test_a_room_first_built_under_inference_mode_can_be_trained_afterwards(self) -> None:
        with torch.inference_mode():
            room("decaying", 0.0633)  # a length that no other test uses
        place = room("decaying", 0.0633)
        place(torch.rand(1, 500)).square().sum().backward()
        assert place.level_db.grad.abs().sum() > 0

    def test_the_shortest_room_can_be_built(self) -> None:
        assert room("decaying", 0.001).impulse_response().shape == (16,)


class TestDecayingTapsRoom:
    def place(self, seconds: float = 2.0, *, t60_seconds: float = 0.8, late_db: float = -3.0) -> DecayingTapsRoom:
        place = room("decaying_taps", seconds)
        assert isinstance(place, DecayingTapsRoom)
        place.set_decay(torch.full((N_DECAY_BANDS,), t60_seconds), late_db)
        return place

    @pytest.mark.parametrize("t60_seconds", [0.3, 1.2])
    @pytest.mark.parametrize("late_db", [-12.0, 0.0])
    def test_rings_as_long_and_as_loud_as_it_is_told(self, t60_seconds: float, late_db: float) -> None:
        response = self.place(t60_seconds=t60_seconds, late_db=late_db).impulse_response().detach().double()
        assert response[0] == 1.0
        assert response[1:40].abs().max() == 0  # the direct sound stands alone
        late = response[40:].square()
        # What would sound during the direct sound is left out.
        missing = 1 - 10 ** (-6 * 0.0025 / t60_seconds)
        assert 10 * math.log10(late.sum() / (1 - missing)) == pytest.approx(late_db, abs=0.5)
        level_db = 10 * np.log10(late[: 11 * 800].reshape(-1, 800).mean(dim=1).numpy())  # 50 ms each
        slope = np.polyfit(np.arange(len(level_db)) * 0.05, level_db, 1)[0]
        assert slope == pytest.approx(-60 / t60_seconds, rel=0.06)

    def test_each_octave_has_its_own_decay(self) -> None:
        place = self.place()
        place.set_decay(torch.tensor([2.0] * 7 + [0.2]), -3.0)
        response = place.impulse_response().detach()[8000:] * torch.hann_window(24000)
        power = torch.fft.rfft(response).abs().square()
        half = len(power) // 2
        assert power[half + 100 :].sum() < 1e-6 * power[:half].sum()

    def test_its_taps_learn_and_its_decay_does_not(self) -> None:
        place = self.place(0.2)
        assert set(DecayingTapsRoom.learning_speeds) == dict(place.named_parameters()).keys() == {"early_taps", "taps"}

    @pytest.mark.parametrize("seconds", [0.01, 0.03, 0.5])
    def test_the_taps_of_the_first_30_ms_learn_more_slowly(self, seconds: float) -> None:
        place = self.place(seconds)
        n_early = min(round(0.03 * place.sample_rate), round(seconds * place.sample_rate))
        assert len(place.early_taps) == n_early
        assert len(place.impulse_response()) == round(seconds * place.sample_rate)
        assert place.learning_speeds["early_taps"] < place.learning_speeds["taps"]

    @pytest.mark.parametrize("value", [-1e30, 0.0, 1e30])
    def test_any_number_in_a_file_is_a_legal_decay(self, value: float) -> None:
        place = self.place()
        place.set_decay(torch.full((N_DECAY_BANDS,), value), value)
        assert torch.isfinite(place.impulse_response()).all()

    def test_its_band_edges_are_octaves_up_to_nyquist(self) -> None:
        assert self.place().band_edges_hz() == [0.0, 62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]

    def test_the_shortest_room_can_be_built(self) -> None:
        assert room("decaying_taps", 0.001).impulse_response().shape == (16,)


def test_a_room_that_takes_over_the_playing_makes_the_dry_sound_as_much_louder() -> None:
    place = room("decaying")
    assert isinstance(place, DecayingRoom)
    with torch.no_grad():
        place.early_taps[:300] = 0.1 * torch.cos(2 * torch.pi * 330.0 / RATE * torch.arange(1, 301))
    tone = torch.sin(2 * torch.pi * 330.0 / RATE * torch.arange(16000)).unsqueeze(0)
    before_db = 20 * math.log10(float((place(tone).std() / tone.std()).detach()))
    after_db = 20 * math.log10(float((place(tone).std() / (place.direct_gain() * tone).std()).detach()))
    assert before_db > 20
    assert after_db < before_db - 9


def test_the_gain_for_music_is_that_of_its_octaves() -> None:
    assert float(music_gain(torch.tensor([0.5]), RATE)) == pytest.approx(0.5)
    low_pass = torch.full((8,), 0.125)  # 0 dB at the bottom, nothing at 2 and 4 kHz
    assert 0.5 < float(music_gain(low_pass, RATE)) < 0.95


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_gains_of_third_octaves_are_those_of_the_response(sample_rate: int) -> None:
    click = third_octave_gains_db(torch.tensor([0.5]), sample_rate)
    assert len(click) == {16000: 18, 44100: 23}[sample_rate]
    torch.testing.assert_close(click, torch.full_like(click, 20 * math.log10(0.5)))
    echo = third_octave_gains_db(torch.tensor([1.0, 0.9]), sample_rate)  # cos(pi f / rate): less and less up to Nyquist
    assert bool((echo.diff() < 0).all())
    assert float(echo[0]) == pytest.approx(20 * math.log10(1.9), abs=0.01)


@pytest.mark.parametrize("late_db", [0.0, 6.0])
def test_a_measured_reverberation_is_no_colour_and_what_taps_add_is(late_db: float) -> None:
    place = build_room(RoomConfig(kind="decaying_taps", seconds=1.0), RATE)
    assert isinstance(place, DecayingTapsRoom)
    place.set_decay(torch.full((N_DECAY_BANDS,), 0.4), late_db)
    before = place.colour_db().detach()
    assert float(before.mean()) == pytest.approx(0.0, abs=1.5)
    assert float(before.square().mean()) < 6.0  # a noise of a second is white to 2 dB in a third-octave
    with torch.no_grad():
        place.early_taps.copy_(torch.linspace(300.0, 0.0, len(place.early_taps)))  # a low-pass
    coloured = place.colour_db()
    assert float(coloured[:3].detach().mean()) > float(before[:3].mean()) + 10
    coloured.square().mean().backward()
    assert bool(place.early_taps.grad.any())


def test_the_room_of_a_dry_recording_begins_without_colour_and_free_taps_may_have_any() -> None:
    assert float(room("decaying", 1.0).colour_db().detach().abs().max()) < 0.5
    assert all(room(kind).colour_db() is None for kind in ("free_taps", "free_taps_direct", "none"))


@pytest.mark.parametrize("kind", ROOMS)
def test_the_dry_sound_can_be_made_as_loud_as_the_wet(kind: str) -> None:
    place, noise = room(kind), torch.rand(1, 32000) - 0.5
    wet, dry = place(noise)[0, 8000:], place.direct_gain() * noise[0, 8000:]
    level_db = 20 * math.log10(float((wet.std() / dry.std()).detach()))
    # White noise in white taps; where the direct sound passes unchanged the room may only add to it.
    assert -0.5 < level_db < (0.5 if kind.startswith("free") or kind == "none" else 6.0)


def test_an_unknown_room_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'cathedral', expected one of free_taps"):
        room("cathedral")


def test_a_response_that_is_shorter_than_the_room_rings_ends_softly() -> None:
    """Octaves are cut out in a circle: what a strong first tap leaves before itself would tick at the end."""
    room = build_room(RoomConfig(kind="decaying_taps", seconds=1.0), 16000)
    assert isinstance(room, DecayingTapsRoom)
    room.set_decay(torch.full((8,), 4.0), 0.0)
    with torch.no_grad():
        room.early_taps *= 30.0
    response = room.impulse_response().detach().abs()
    assert float(response[-50:].max()) < 1e-2 * float(response[8000:12000].max())
