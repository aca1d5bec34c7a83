"""The check-up's measurements on sounds whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from luthier.analysis.checkup_bandwidth import measure_bandwidth
from luthier.analysis.checkup_duplicates import is_same_take
from luthier.analysis.checkup_hum import measure_hum
from luthier.analysis.checkup_level import measure_level
from luthier.analysis.checkup_material import Material
from luthier.analysis.checkup_noise import measure_noise
from luthier.analysis.checkup_range import judge_range, note_name, note_seconds
from luthier.analysis.checkup_sources import SoundPrint, group_sources
from luthier.analysis.checkup_spectra import measure_spectra
from luthier.analysis.checkup_tuning import common_tuning, mean_tuning
from luthier.analysis.checkup_voices import measure_voices
from luthier.dsp.resampling import resample
from luthier.features.long_audio import LongAudio, as_long_audio
from luthier.features.loudness import loudness_db
from luthier.units import cents_to_ratio, midi_to_hz

RATE = 16000
HOP = 160


def seconds(count: float, sample_rate: int = RATE) -> Tensor:
    return torch.arange(round(count * sample_rate), dtype=torch.float64) / sample_rate


def reed(f0_hz: float, time: Tensor) -> Tensor:
    """A tone with ten harmonics."""
    return sum(torch.sin(2 * math.pi * f0_hz * k * time) / k for k in range(1, 11)).float()


def material(
    audio: Tensor, f0_hz: float | np.ndarray, *, sample_rate: int = RATE, periodicity: float = 1.0
) -> Material:
    """A recording whose pitch is given."""
    hop_length = sample_rate // 100
    level_db = loudness_db(audio[None], sample_rate=sample_rate, hop_length=hop_length).flatten().numpy()
    curves = np.broadcast_to(np.float32(f0_hz), len(level_db)), np.full(len(level_db), periodicity, np.float32)
    return Material(long(audio), sample_rate, hop_length, *curves, level_db)


def long(audio: Tensor) -> LongAudio:
    return as_long_audio(audio[None])


def test_round_peaks_are_not_clipped_and_flat_ones_are_counted_at_any_level() -> None:
    tone = 0.5 * torch.sin(2 * math.pi * 97 * seconds(2)).float()
    assert measure_level(long(tone)).n_clipped == 0
    cut = 0.1 * tone.clamp(-0.3, 0.3)
    level = measure_level(long(cut))
    assert level.n_clipped == pytest.approx(int((cut.abs() == cut.abs().max()).sum()), rel=0.01)
    assert level.peak_db == pytest.approx(20 * math.log10(0.03), abs=0.01)


@pytest.mark.parametrize("where", ["tops only", "before something louder", "under a click"])
def test_flat_tops_are_found_wherever_they_are(where: str) -> None:
    tone = 0.5 * torch.sin(2 * math.pi * 97 * seconds(5)).float()
    cut = {
        "tops only": tone.clamp(max=0.3),
        "before something louder": torch.cat([0.5 * tone.clamp(-0.3, 0.3), tone]),
        "under a click": tone.clamp(-0.3, 0.3).index_fill(0, torch.tensor([40000]), 0.9),
    }[where]
    assert measure_level(long(cut)).clipped_share > 0.1


@pytest.mark.parametrize("n_steps", [60, 127])
def test_sound_of_few_steps_is_not_clipped(n_steps: int) -> None:
    """Eight bits, or a level of -55 dB in sixteen."""
    coarse = (n_steps * reed(220, seconds(3)) / reed(220, seconds(3)).abs().max()).round() / 128
    assert measure_level(long(coarse)).n_clipped == 0


def test_a_constant_offset_is_no_level() -> None:
    tone = 0.1 * torch.sin(2 * math.pi * 100 * seconds(1)).float()
    assert measure_level(long(tone + 0.2)).rms_db == pytest.approx(measure_level(long(tone)).rms_db, abs=0.01)


def test_square_mean_is_the_level() -> None:
    level = measure_level(long(0.5 * torch.sin(2 * math.pi * 100 * seconds(1)).float()))
    assert level.rms_db == pytest.approx(20 * math.log10(0.5) - 3.01, abs=0.02)


def test_noise_under_a_tone_that_never_pauses_is_measured() -> None:
    noise = 10 ** (-50 / 20) * torch.randn(10 * RATE)
    alone = measure_noise(measure_spectra(long(noise), RATE))
    with_tone = measure_noise(measure_spectra(long(0.3 * reed(440, seconds(10)) + noise), RATE))
    # A statistic of 200 windows; the lines of the tone take some bins away from it.
    assert with_tone.noise_db == pytest.approx(alone.noise_db, abs=1.5)
    assert alone.below_sound_db == pytest.approx(0.0, abs=1.0)


def test_mean_spectrum_sums_to_the_mean_square() -> None:
    audio = torch.randn(8 * RATE)
    assert measure_spectra(long(audio), RATE).mean_power.sum() == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_hum_is_found_with_its_level(mains_hz: float) -> None:
    hum = 0.01 * torch.sin(2 * math.pi * mains_hz * seconds(8)).float()
    found = measure_hum(material(0.2 * reed(220, seconds(8)) + hum + 1e-4 * torch.randn(8 * RATE), 220))
    assert found.mains_hz == mains_hz
    assert found.hum_db == pytest.approx(20 * math.log10(0.01) - 3.01, abs=1.0)


def test_loud_hum_that_is_taken_for_a_note_is_hum() -> None:
    """In rests the tracker follows it."""
    is_note = seconds(8) % 2 < 1
    sound = 0.2 * reed(220, seconds(8)) * is_note + 0.05 * torch.sin(2 * math.pi * 50 * seconds(8))
    heard = np.where(is_note[::HOP].numpy(), 220.0, 50.1)
    assert measure_hum(material(sound.float() + 1e-4 * torch.randn(8 * RATE), heard)).mains_hz == 50.0


def test_a_low_note_is_no_hum() -> None:
    low = 0.2 * reed(50.0, seconds(6)) + 1e-4 * torch.randn(6 * RATE)
    assert measure_hum(material(low, 50.0)).mains_hz is None


@pytest.mark.parametrize("cut_hz", [2000, 4000, 5512])
def test_a_spectrum_that_was_cut_ends_at_the_cut(cut_hz: int) -> None:
    audio = 0.1 * torch.randn(1, 6 * RATE)
    cut = resample(resample(audio, RATE, 2 * cut_hz), 2 * cut_hz, RATE)
    rounded = (cut * 32768).round() / 32768
    found = measure_bandwidth(measure_spectra(long(rounded[0]), RATE))
    assert found.is_cut
    assert found.bandwidth_hz == pytest.approx(0.93 * cut_hz, rel=0.1)  # the converter's filter begins a bit below
    assert not measure_bandwidth(measure_spectra(long(audio[0]), RATE)).is_cut


def test_few_harmonics_are_no_cut() -> None:
    dark = 0.3 * reed(300, seconds(6)) + 1e-4 * torch.randn(6 * RATE)
    found = measure_bandwidth(measure_spectra(long(dark), RATE))
    assert (found.is_cut, found.bandwidth_hz) == (False, RATE / 2)


def test_a_fall_with_the_noise_of_a_room_behind_it_is_no_cut() -> None:
    dull = resample(resample(0.05 * torch.randn(1, 6 * RATE), RATE, 8000), 8000, RATE)
    found = measure_bandwidth(measure_spectra(long(dull[0] + 1e-3 * torch.randn(6 * RATE)), RATE))
    assert not found.is_cut


@pytest.mark.parametrize("cents", [-49.0, -30.0, 0.0, 12.5, 49.0])
def test_tuning_is_right_all_around_the_circle(cents: float) -> None:
    midi = np.repeat([55.0, 62.0, 69.0, 76.0], 100) + np.random.default_rng(1).normal(0, 0.05, 400)
    tuning = mean_tuning(midi_to_hz(midi) * cents_to_ratio(cents), 0.01)
    assert tuning.cents is not None
    assert tuning.cents == pytest.approx(cents, abs=2.0)
    assert tuning.a4_hz == pytest.approx(440 * cents_to_ratio(cents), rel=0.002)


def test_single_notes_have_a_tuning_together() -> None:
    notes = [
        mean_tuning(np.full(200, midi_to_hz(midi + cents / 100)), 0.01)
        for midi, cents in ((60, 25), (64, -15), (67, 5))
    ]
    assert common_tuning(notes).cents == pytest.approx(5.0, abs=2.0)


def test_pitches_anywhere_have_no_tuning() -> None:
    assert mean_tuning(midi_to_hz(np.linspace(50, 60, 500)), 0.01).cents is None


def played(**notes: float) -> np.ndarray:
    result = np.zeros(128)
    for note, length in notes.items():
        result[int(note[1:])] = length
    return result


def test_range_names_gaps_and_leaves_mistakes_of_the_tracker_out() -> None:
    scale = {f"n{note}": 5.0 for note in [*range(55, 63), *range(67, 80)]}
    found = judge_range(played(**scale, n98=0.9))
    assert (found.lowest, found.highest, found.gaps, found.thin) == (55, 79, [(63, 66)], [])


def test_range_says_where_hardly_anything_was_played() -> None:
    scale = {f"n{note}": 10.0 for note in range(60, 80)}
    low = {f"n{note}": 0.6 for note in range(55, 60)}
    assert judge_range(played(**scale, **low)).thin == ["low"]
    assert judge_range(np.zeros(128)).lowest is None
    assert (note_name(69), note_name(60), note_name(54)) == ("A4", "C4", "F#3")


def test_notes_are_counted_in_seconds_without_rests() -> None:
    audio = torch.cat([0.2 * reed(440, seconds(1.5)), torch.zeros(RATE)])
    counted = note_seconds(material(audio, 440.0))
    assert counted[69] == pytest.approx(1.5, abs=0.1)  # the window of loudness reaches into the rest
    assert counted.sum() == counted[69]


def test_two_tones_a_sixth_apart_are_two_voices() -> None:
    time = seconds(4)
    both = 0.2 * reed(262, time) + 0.2 * reed(440, time)
    assert measure_voices(material(both, 262.0)).is_polyphonic
    assert measure_voices(material(both, 440.0)).is_polyphonic
    assert not measure_voices(material(0.2 * reed(262, time), 262.0)).is_polyphonic


def test_a_wrong_octave_makes_no_second_voice() -> None:
    tone = 0.2 * reed(262, seconds(4))
    for wrong in (131.0, 524.0, 786.0, 1048.0):
        assert not measure_voices(material(tone, wrong)).is_polyphonic


def test_the_tail_of_the_note_before_is_no_second_voice() -> None:
    """Notes of a third of a second; each goes on ringing, 6 dB weaker, in a room of 1.5 s."""
    pitches = np.array([262.0, 330.0, 294.0, 440.0, 349.0] * 4)
    length = RATE // 3
    audio, time = torch.zeros(length * 20 + RATE), seconds(1)
    for number, f0_hz in enumerate(pitches):
        envelope = torch.where(time < 1 / 3, 1.0, 0.5 * 10 ** (-3 * (time - 1 / 3) / 1.5))
        audio[number * length : number * length + RATE] += 0.1 * reed(f0_hz, time) * envelope.float()
    frames = np.repeat(pitches, 34)[: -(-len(audio) // HOP)]
    f0_hz = np.append(frames, np.full(-(-len(audio) // HOP) - len(frames), pitches[-1]))
    assert not measure_voices(material(audio, f0_hz)).is_polyphonic


def fiddled(seed: int) -> Tensor:
    """Six seconds of a tone played with an unsteady hand."""
    generator = torch.Generator().manual_seed(seed)
    wander = torch.nn.functional.interpolate(torch.randn(1, 1, 30, generator=generator), 6 * RATE, mode="linear")[0, 0]
    sway = torch.nn.functional.interpolate(torch.randn(1, 1, 50, generator=generator), 6 * RATE, mode="linear")[0, 0]
    phase = (220 * cents_to_ratio(2.0 * sway.double())).cumsum(0) / RATE
    return 0.2 * reed(1.0, phase) * 10 ** (wander / 20)


def test_the_same_take_is_known_at_another_level_rate_and_polarity() -> None:
    take = fiddled(1)
    copy = -0.3 * torch.nn.functional.pad(resample(take[None], RATE, 22050)[0], (2000, 0))
    assert is_same_take(material(take, 220.0), material(copy, 220.0, sample_rate=22050))


def test_two_takes_of_one_note_are_two() -> None:
    assert not is_same_take(material(fiddled(1), 220.0), material(fiddled(2), 220.0))
    steady = 0.2 * reed(220, seconds(6)), 0.2 * reed(220.15, seconds(6))
    assert not is_same_take(*(material(tone, 220.0) for tone in steady))


def printed(slope_db: float, *, middle: float = 60.0, phrase: bool = False, t60: float | None = None) -> SoundPrint:
    return SoundPrint(slope_db * np.arange(16.0), middle, phrase, t60)


def test_phrases_from_two_rooms_or_instruments_are_grouped() -> None:
    same = [printed(-1.0, phrase=True, t60=1.0), printed(-1.3, phrase=True, t60=1.5)]
    assert group_sources(same) == [[0, 1]]
    assert group_sources([*same, printed(-3.0, phrase=True, t60=1.0)]) == [[0, 1], [2]]
    assert group_sources([*same, printed(-1.0, phrase=True, t60=4.5)]) == [[0, 1], [2]]


def test_soft_and_loud_notes_are_one_source_where_neighbours_lie_between_them() -> None:
    soft, loud, between = printed(-3.2), printed(-1.0), printed(-2.1, middle=61.0)
    assert group_sources([soft, loud]) == [[0], [1]]
    assert group_sources([soft, loud, between]) == [[0, 1, 2]]


def test_registers_of_one_instrument_are_one_source_and_the_same_note_tells_two() -> None:
    registers = [printed(-1.0, middle=60), printed(-5.0, middle=64), None]
    assert group_sources(registers) == [[0, 1]]
    assert group_sources([*registers, printed(-5.0, middle=60.1)]) == [[0, 1], [3]]
