from __future__ import annotations

import math
import re
from importlib.resources import files
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.melodies import FRAME_RATE, sung, told
from luthier.data.audio_files import load_audio
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import VOICED_PERIODICITY, Features
from luthier.features.extract import extract_features
from luthier.features.long_audio import as_long_audio
from luthier.inference.diagnosis import Trouble, diagnose_fit, diagnose_input
from luthier.inference.harmonic_health import HarmonicHealth
from luthier.inference.note_gate import GateSettings, note_gate
from luthier.inference.wishes import Wishes
from model.small import small_instrument

STATISTICS = small_instrument().statistics  # 200 to 1024 Hz, -50 to -10 dB
RATE, HOP = 16000, 160


def found(measured: Features, fitted: Features | None = None) -> list[Trouble]:
    return diagnose_fit(measured, fitted or measured, note_gate(measured, FRAME_RATE), STATISTICS)


def test_a_melody_in_range_is_no_trouble() -> None:
    assert found(sung(60.0, 64.0, None, 67.0, level_db=-30.0)) == []


def test_a_few_notes_beyond_the_instruments_dynamics_are_no_trouble_and_many_are() -> None:
    soft = sung(60.0, seconds=0.2, level_db=-60.0)
    for seconds, troubles in ((0.8, []), (0.4, ["level"])):
        usual = sung(60.0, seconds=seconds, level_db=-30.0)
        melody = Features(*(torch.cat(both, dim=1) for both in zip(soft[:3], usual[:3], strict=True)))
        assert [trouble.what for trouble in found(melody)] == troubles


@pytest.mark.parametrize(
    ("melody", "what", "words", "option"),
    [
        (sung(60.0, 96.0), "range", "50% of the notes lie above", "Try --semitones -5."),
        (sung(60.0, 40.0), "range", "50% of the notes lie below", "--semitones 5"),
        (sung(60.0, level_db=0.0), "level", "100% of the notes are louder", "Try --loudness with a number"),
        (sung(60.0, level_db=-70.0), "level", "100% of the notes are softer", "Try --loudness with a number"),
        (sung(None, None), "silence", "no pitched sound", "--no-voicing"),
        (sung(60.0, *[None] * 19), "silence", "only 5%", "--from"),
    ],
    ids=["high", "low", "loud", "soft", "nothing", "mostly nothing"],
)
def test_each_trouble_is_said_with_the_option_that_mends_it(
    melody: Features, what: str, words: str, option: str
) -> None:
    (trouble,) = found(melody)
    assert trouble.what == what
    assert words in trouble.sentence
    assert option in trouble.option
    assert str(trouble) == f"{trouble.sentence} {trouble.option}"


def test_what_is_in_force_already_is_no_advice() -> None:
    def advice(melody: Features, **wishes: Any) -> list[str]:
        gate = note_gate(melody, FRAME_RATE)
        return [trouble.option for trouble in diagnose_fit(melody, melody, gate, STATISTICS, Wishes(**wishes))]

    high, loud, unpitched = sung(60.0, 96.0), sung(60.0, level_db=0.0), sung(60.0, None, None, None)
    assert advice(high, octave=1) == ["Try --octave auto, or --semitones -5."]
    assert advice(high, semitones=-5.0) == ["Try --semitones -10."]
    assert advice(loud, loudness="none") == ["Try --loudness auto, or --loudness with a number of dB."]
    assert "--no-voicing" not in " ".join(advice(unpitched, voicing=False))
    assert advice(sung(None, None), voicing=False) == ["Check the recording."]


def test_speech_is_told_from_singing() -> None:
    melody = sung(60.0, 62.0, 64.0, 65.0)
    hissing = melody._replace(periodicity=melody.periodicity.clone())
    hissing.periodicity[0, 100:] = 0.0
    assert [trouble.what for trouble in found(hissing)] == ["voicing"]
    assert "50% of what sounds" in found(hissing)[0].sentence


def test_quiet_notes_that_are_taken_for_rests_are_noticed() -> None:
    melody = sung(60.0, 62.0, level_db=-12.0)
    melody.loudness_db[0, 50:] = -65.0
    troubles = found(melody)
    assert ("level", "Try --gate 60 to hear it.") in [(trouble.what, trouble.option) for trouble in troubles]


def clip(*chords: tuple[float, ...], seconds: float = 1.0) -> Tensor:
    time = torch.arange(int(seconds * RATE), dtype=torch.float64) / RATE
    parts = [
        sum(torch.sin(2 * math.pi * f0_hz * k * time) / k for f0_hz in chord for k in range(1, 7)) for chord in chords
    ]
    return 0.1 * torch.cat(parts).float().unsqueeze(0)


def heard(audio: Tensor, f0_hz: float) -> list[str]:
    level = torch.full((1, audio.shape[1] // HOP, 1), -20.0)
    features = Features(torch.full_like(level, f0_hz), torch.ones_like(level), level)
    troubles = diagnose_input(as_long_audio(audio), features, sample_rate=RATE, hop_length=HOP)
    return [trouble.what for trouble in troubles]


@pytest.mark.parametrize("below_db", [20.0, 30.0])
def test_steady_noise_in_rests_is_named_with_the_gate_that_mends_it(below_db: float) -> None:
    voice, _ = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"), sample_rate=RATE)
    noise = torch.randn(voice.shape, generator=torch.Generator().manual_seed(0))
    noisy = voice + voice.square().mean().sqrt() * 10 ** (-below_db / 20) * noise
    clean, measured = (extract_features(audio, FeatureDefinition(tracker="swift")) for audio in (voice, noisy))
    assert "noise" not in kinds(clean, GateSettings())
    assert "noise" in kinds(measured, GateSettings())
    (trouble,) = (each for each in found(measured) if each.what == "noise")
    gate_db = float(re.search(r"--gate (\d+)", trouble.option)[1])
    assert gate_db < GateSettings().gate_db
    assert "noise" not in kinds(measured, GateSettings(gate_db=gate_db))
    rests = (clean.periodicity < VOICED_PERIODICITY) & (note_gate(clean, FRAME_RATE).noise < 0.1)
    assert note_gate(measured, FRAME_RATE, GateSettings(gate_db=gate_db)).noise[rests].median() < 0.1


def kinds(measured: Features, settings: GateSettings) -> list[str]:
    gate = note_gate(measured, FRAME_RATE, settings)
    return [trouble.what for trouble in diagnose_fit(measured, measured, gate, STATISTICS)]


def test_two_voices_are_heard_and_one_is_not() -> None:
    assert heard(clip((220.0,), seconds=2.0), 220.0) == []
    assert heard(clip((220.0, 277.2), seconds=2.0), 220.0) == ["polyphony"]


@pytest.mark.parametrize(("below_db", "expected"), [(25.0, ["hum"]), (60.0, [])])
def test_hum_that_may_be_taken_for_notes_is_heard(below_db: float, expected: list[str]) -> None:
    tone = clip((440.0,), seconds=4.0)
    time = torch.arange(tone.shape[1], dtype=torch.float64) / RATE
    hum = sum(torch.sin(2 * math.pi * 50.0 * k * time) / k for k in (1, 2, 3)).float()
    hum *= tone.square().mean().sqrt() / hum.square().mean().sqrt() * 10 ** (-below_db / 20)
    assert heard(tone + hum, 440.0) == expected


@pytest.mark.parametrize(("t60_seconds", "expected"), [(0.4, False), (3.5, True)])
def test_a_long_room_is_heard(t60_seconds: float, expected: bool) -> None:
    time = torch.arange(3 * RATE) / RATE
    noise = torch.randn(len(time)) * 10 ** (-3 * (time - 0.5).clamp_min(0) / t60_seconds)
    audio = torch.cat([noise, noise, noise]).unsqueeze(0) * 0.1
    frames = audio.view(1, -1, HOP).square().mean(-1, keepdim=True)
    level_db = 10 * torch.log10(frames.clamp_min(1e-12))
    playing = (torch.arange(level_db.shape[1]) % 300 < 50).float().view(1, -1, 1)
    features = Features(torch.full_like(level_db, 220.0), playing, level_db)
    troubles = diagnose_input(as_long_audio(audio), features, sample_rate=RATE, hop_length=HOP)
    assert ("reverb" in [trouble.what for trouble in troubles]) == expected


@pytest.mark.parametrize(("noise_amplitude", "expected"), [(0.01, []), (0.13, []), (1.0, ["harmonics"])])
def test_an_instrument_that_answers_with_noise_is_noticed(noise_amplitude: float, expected: list[str]) -> None:
    usual = STATISTICS.quantiles_of("noisiness_db")  # median -25 dB
    health = HarmonicHealth(torch.ones(1, 100, 1), HOP)
    for part in (30, 70):
        tone, noise = torch.full((1, part * HOP), 0.1), noise_amplitude * torch.full((1, part * HOP), 0.1)
        health.hear({"harmonic": tone, "filtered_noise": noise, "room": 100 * tone})
    assert [trouble.what for trouble in health.diagnose(usual, told(), Wishes())] == expected
    assert health.diagnose(usual, told(noisier_db=40.0), Wishes()) == []  # somebody wants it
    assert [trouble.what for trouble in health.diagnose(usual, told(noisier_db=-40.0), Wishes())] == expected


@pytest.mark.parametrize(
    ("expression", "wishes", "advice"),
    [
        ("input", Wishes(loudness="none"), "Try --expression predict, --loudness auto, another --octave."),
        ("predict", Wishes(expression="predict"), "Try another --octave."),
        ("none", Wishes(loudness=-50.0), "Try --loudness auto, another --octave."),
    ],
)
def test_what_is_in_force_is_not_advised_against_noise(expression: str, wishes: Wishes, advice: str) -> None:
    health = HarmonicHealth(torch.ones(1, 100, 1), HOP)
    health.hear({"harmonic": torch.full((1, 100 * HOP), 0.1), "filtered_noise": torch.ones(1, 100 * HOP)})
    (trouble,) = health.diagnose(STATISTICS.quantiles_of("noisiness_db"), told(expression=expression), wishes)
    assert trouble.option == advice


def test_noise_where_the_input_has_no_pitch_is_no_collapse() -> None:
    gain = torch.tensor([1.0] * 20 + [0.0] * 20).view(1, -1, 1)
    tone, noise = torch.ones(1, 40 * HOP), torch.zeros(1, 40 * HOP)
    tone[:, 20 * HOP :], noise[:, 20 * HOP :] = 0.0, 1.0
    health = HarmonicHealth(gain, HOP)
    health.hear({"harmonic": tone, "filtered_noise": noise, "room": tone})
    assert health.diagnose(STATISTICS.quantiles_of("noisiness_db"), told(), Wishes()) == []
