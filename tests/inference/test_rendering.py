from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from inference.conftest import NOISY
from luthier.dsp.signals import Controls
from luthier.errors import RangeError, ShapeError
from luthier.inference import rendering
from luthier.inference.rendering import RoomChoice, normalised_room, render
from luthier.model.rooms import ROOMS, music_gain
from model.small import constant_features, random_features, small_instrument


def total(stems: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(stems.values())).sum(dim=0)


@pytest.mark.parametrize("kind", ROOMS)
@pytest.mark.parametrize("wet", [0.0, 0.3, 1.0])
def test_stems_sum_to_the_audio(kind: str, wet: float) -> None:
    instrument = small_instrument(room={"kind": kind, "seconds": 0.1})
    for room in (None, torch.tensor([0.0, 0.5, 0.2])):
        played = render(instrument, random_features(20), RoomChoice(room, wet))
        assert list(played.stems) == ["harmonic", "filtered_noise", "room"]
        assert (total(played.stems) - played.audio).abs().max() < 1e-6
        assert played.audio.abs().max() > 1e-4


@pytest.mark.parametrize("kind", ROOMS)
def test_wet_one_is_the_instrument_and_wet_nothing_its_dry_stems(kind: str) -> None:
    instrument, features = small_instrument(room={"kind": kind, "seconds": 0.1}), random_features(20)
    noise = torch.rand(1, 3200, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = instrument(features, noise)
    assert (render(instrument, features).audio - expected).abs().max() < 1e-6
    dry = render(instrument, features, RoomChoice(wet=0.0))
    assert dry.stems["room"].abs().max() == 0
    assert (dry.audio - dry.stems["harmonic"] - dry.stems["filtered_noise"]).abs().max() < 1e-6


@pytest.mark.parametrize("kind", ROOMS)
def test_dry_is_about_as_loud_as_wet(kind: str) -> None:
    instrument = small_instrument(room={"kind": kind, "seconds": 0.1}, synths=[{"kind": "filtered_noise"}])
    features = constant_features(440.0, -20.0, 200)
    wet, dry = (render(instrument, features, RoomChoice(wet=amount)).audio[0, 8000:] for amount in (1.0, 0.0))
    assert abs(20 * math.log10(float(wet.std() / dry.std()))) < 3.0


def test_a_room_rings_out_after_the_last_note() -> None:
    """Blocks of one render, joined, are all of the convolution until it has faded by 60 dB; the stems still sum."""
    instrument, features = small_instrument(), random_features(20)
    echo = torch.zeros(4000)
    echo[0], echo[3000], echo[3999] = 1.0, 0.5, 1e-6
    dry = render(instrument, features, RoomChoice(echo, wet=0.0)).audio[0]
    heard = render(instrument, features, RoomChoice(echo, rings_out=True))
    gain = music_gain(normalised_room(echo, 16000), 16000)
    whole = torch.from_numpy(np.convolve((dry / gain).numpy(), echo.numpy()))
    assert heard.audio.shape[1] == pytest.approx(len(dry) + 3000, abs=50)
    assert (heard.audio[0] - whole[: heard.audio.shape[1]]).abs().max() < 1e-5
    assert (total(heard.stems) - heard.audio).abs().max() < 1e-6
    assert render(instrument, features, RoomChoice(wet=0.0, rings_out=True)).audio.shape[1] == len(dry)


def test_another_room_is_heard_instead_of_its_own() -> None:
    instrument, features = small_instrument(), random_features(20)
    echo = torch.zeros(900)
    echo[100], echo[800] = -0.5, -0.25  # recorded with silence before the direct sound, upside down
    dry = render(instrument, features, RoomChoice(wet=0.0)).audio[0]
    heard = render(instrument, features, RoomChoice(echo)).audio[0]
    gain = music_gain(normalised_room(echo, 16000), 16000)  # as loud as in its own room, which adds nothing
    assert 1.05 < float(gain) < 1.2
    assert torch.allclose(gain * heard[:700], dry[:700], atol=1e-6)
    assert torch.allclose(gain * heard[700:], dry[700:] + 0.5 * dry[:-700], atol=1e-6)


def test_a_room_of_free_taps_that_learned_silence_is_silent_and_finite() -> None:
    instrument = small_instrument(room={"kind": "free_taps", "seconds": 0.1})
    with torch.no_grad():
        instrument.room.taps.zero_()
    assert render(instrument, random_features(5)).audio.abs().max() == 0


def test_the_same_call_gives_the_same_samples_and_seeds_differ() -> None:
    instrument, features = small_instrument(), random_features(10)
    first, second, other = (render(instrument, features, seed=seed).audio for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_what_is_played_can_be_used_in_training() -> None:
    played, gain = render(small_instrument(), random_features(10)), torch.ones(1, requires_grad=True)
    (gain * played.audio).square().sum().backward()
    assert gain.grad > 0
    assert not played.audio.requires_grad


def test_controls_can_be_edited_before_they_are_heard() -> None:
    silent = render(
        small_instrument(),
        random_features(10),
        edit=lambda controls, frames: controls._replace(amplitude=controls.amplitude * 0),
    )
    assert silent.stems["harmonic"].abs().max() == 0
    assert silent.controls.amplitude.abs().max() == 0


@pytest.mark.parametrize("block", [3, 7, 64])
@pytest.mark.parametrize("kind", ROOMS)
def test_blocks_are_the_samples_of_the_whole(block: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    instrument = small_instrument(room={"kind": kind, "seconds": 0.1}, synths=NOISY)
    features, gains = random_features(200), torch.rand(1, 200, 1)

    def edit(controls: Controls, frames: slice) -> Controls:
        return controls._replace(amplitude=controls.amplitude * gains[:, frames])

    whole = render(instrument, features, edit=edit)
    monkeypatch.setattr(rendering, "BLOCK_FRAMES", block)
    assert max(b.audio.shape[1] for b in rendering.render_blocks(instrument, features)) <= (block + 1) * 160
    blocks = render(instrument, features, edit=edit)
    assert whole.audio.shape == blocks.audio.shape == (1, 32000)
    for name, stem in {"audio": whole.audio, **whole.stems}.items():
        found = blocks.audio if name == "audio" else blocks.stems[name]
        assert stem.abs().max() > 0 or (name, kind) == ("room", "none")
        # float32 sums in another order
        torch.testing.assert_close(found, stem, rtol=0, atol=1e-5 * float(whole.audio.abs().max()))
    for values, expected in zip(blocks.controls, whole.controls, strict=True):
        torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-5)


def test_the_pitch_played_is_the_pitch_asked_for() -> None:
    audio = render(small_instrument(room={"kind": "none"}), constant_features(440.0, -20.0, 100)).stems["harmonic"][0]
    assert int(np.argmax(np.abs(np.fft.rfft(audio.numpy())[:600]))) == 440


def test_one_frame_is_enough_and_none_is_refused() -> None:
    assert render(small_instrument(), random_features(1)).audio.shape == (1, 160)
    with pytest.raises(ShapeError, match="no frames"):
        render(small_instrument(), random_features(0))


@pytest.mark.parametrize("wet", [-0.1, 1.1, math.nan])
def test_a_wetness_outside_its_range_is_refused(wet: float) -> None:
    with pytest.raises(RangeError, match="wet"):
        render(small_instrument(), random_features(5), RoomChoice(wet=wet))


@pytest.mark.parametrize(
    ("room", "error"),
    [
        (torch.zeros(10), RangeError),
        (torch.tensor([1.0, math.nan]), RangeError),
        (torch.zeros(0), ShapeError),
        (torch.ones(1, 1, 10), ShapeError),
    ],
    ids=["silent", "nan", "empty", "three axes"],
)
def test_rooms_that_are_none_are_refused(room: Tensor, error: type[Exception]) -> None:
    with pytest.raises(error, match="room"):
        normalised_room(room, 16000)


def test_a_stereo_room_is_heard_with_each_ear_as_two_rooms_of_one() -> None:
    instrument, features = small_instrument(), random_features(20)
    ears = torch.zeros(2, 900)
    ears[0, 5], ears[0, 400], ears[1, 8], ears[1, 700] = 1.0, 0.5, -0.7, 0.2
    stereo = render(instrument, features, RoomChoice(ears))
    assert stereo.audio.shape == (2, 3200)
    assert {tuple(stem.shape) for stem in stereo.stems.values()} == {(2, 3200)}
    heard = music_gain(normalised_room(ears, 16000), 16000) * stereo.audio
    left = (
        music_gain(normalised_room(ears[0], 16000), 16000) * render(instrument, features, RoomChoice(ears[0])).audio[0]
    )
    assert torch.allclose(heard[0], left, atol=1e-6)
    dry = render(instrument, features, RoomChoice(wet=0.0)).audio[0]
    expected = torch.zeros_like(dry)
    expected[3:] -= 0.7 * dry[:-3]
    expected[695:] += 0.2 * dry[:-695]
    assert torch.allclose(heard[1], expected, atol=1e-5)


def test_a_room_begins_with_its_direct_sound_not_with_its_strongest_echo() -> None:
    hall = torch.zeros(2000)
    hall[200], hall[900] = 0.5, -0.8  # the echo of a large room is stronger
    assert torch.equal(normalised_room(hall, 16000), hall[200:] / 0.8)
    assert torch.equal(normalised_room(-hall, 16000), hall[200:] / 0.8)  # never inverted: dry and wet are mixed
    noisy = hall + 0.01 * torch.rand(2000, generator=torch.Generator().manual_seed(0))
    assert len(normalised_room(noisy, 16000)) == 1800


@pytest.mark.parametrize("louder", [0, 1])
def test_a_stereo_room_keeps_the_direct_sound_of_both_ears(louder: int) -> None:
    ears = torch.zeros(2, 1000)
    ears[louder, 100], ears[1 - louder, 106] = 0.9, 1.0
    room = normalised_room(ears, 16000)
    assert room.shape == (2, 900)
    assert room[louder, 0] == pytest.approx(0.9)
    assert room[1 - louder, 6] == pytest.approx(1.0)


def test_a_room_whose_direct_sound_rings_before_its_peak_is_mixed_with_the_dry_sound_in_step() -> None:
    ringing = torch.zeros(500)
    ringing[100:106] = torch.tensor([-0.15, 0.12, -0.2, 0.3, 1.0, 0.4])
    room = normalised_room(ringing, 16000)
    assert len(room) == 396
    assert float(room[0]) == 1.0
