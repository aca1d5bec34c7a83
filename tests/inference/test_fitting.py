from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from inference.conftest import NOISY, RATE
from inference.melodies import FRAME_RATE, sung
from luthier.dsp.controls_loudness import controls_loudness_db
from luthier.dsp.harmonic_timbre import harmonic_timbre
from luthier.dsp.signals import Controls, Expression, Features
from luthier.errors import RangeError
from luthier.inference.fitting import fit
from luthier.inference.loudness_fit import is_note
from luthier.inference.morph import MorphWith
from luthier.inference.player import Player
from luthier.inference.rendering import render
from luthier.model.config import DecoderConfig
from luthier.model.instrument_file import TrainingSummary
from luthier.units import hz_to_midi, power_to_db
from model.small import joined, small_instrument

INSTRUMENT = small_instrument(synths=NOISY)
MELODY = sung(60.2, 64.3, None, 67.2, vibrato=0.2, level_db=-30.0)


def middle(features: object, frame: int = 25) -> float:
    return float(hz_to_midi(features.f0_hz[0, frame - 15 : frame + 15].double()).median())  # type: ignore[attr-defined]


def test_cents_auto_brings_the_input_to_a_440() -> None:
    fitted = fit(INSTRUMENT, sung(60.2, 64.2, 67.2), {"cents": "auto"})
    assert fitted.shift_semitones == pytest.approx(-0.2, abs=0.01)
    assert middle(fitted.features) == pytest.approx(60.0, abs=0.02)


def test_shifts_add_up() -> None:
    fitted = fit(INSTRUMENT, MELODY, {"octave": 1, "semitones": 2.0, "cents": -50.0})
    assert fitted.shift_semitones == 13.5


def test_autotune_says_which_key_it_took() -> None:
    assert fit(INSTRUMENT, MELODY, {}).scale is None
    assert fit(INSTRUMENT, MELODY, {"autotune": 1.0}).scale == "chromatic"
    fitted = fit(INSTRUMENT, MELODY, {"autotune": 1.0, "scale": "auto"})
    assert fitted.scale == "C-major"
    assert middle(fitted.features, 75) == pytest.approx(64.0, abs=0.05)


def test_attacks_are_softened_after_loudness_is_fitted() -> None:
    plain, soft = (fit(INSTRUMENT, MELODY, {"attack": seconds}).features.loudness_db for seconds in (0.0, 0.2))
    assert float((soft - plain)[0, 0]) < -20
    assert torch.equal(soft[:, 25:100], plain[:, 25:100])


def test_rough_notes_are_told_as_notes_and_gated_as_they_are() -> None:
    """A vowel with a periodicity of 0.6 is no edge of a note; what has no pitch stays without."""
    rough = MELODY._replace(periodicity=MELODY.periodicity * 0.6)
    told = fit(INSTRUMENT, rough, {}).features.periodicity
    sings = is_note(MELODY)
    assert float(told[sings].min()) == pytest.approx(0.97)
    assert torch.equal(told[~sings], rough.periodicity[~sings])
    assert torch.equal(fit(INSTRUMENT, rough, {}).gate.harmonic, fit(INSTRUMENT, MELODY, {}).gate.harmonic)


@torch.no_grad()
def test_soft_notes_are_told_as_loud_as_known_ones_and_played_as_soft_as_wanted() -> None:
    """The softest a recording has of a note is what is left of it in the room: a network answers that with noise."""
    obedient = small_instrument(synths=NOISY, obeys=("loudness",))
    known_db = float(obedient.statistics.loudness_db_quantiles[10])
    melody = joined(sung(60, None, level_db=-20.0), sung(64, None, level_db=known_db - 9.0), dim=1)
    loud, soft, rest = (slice(frame, frame + 20) for frame in (15, 115, 165))
    for strength in (0.0, 1.0):
        fitted = fit(obedient, melody, {"loudness": "none", "dynamics": strength})
        assert fitted.features.told_loudness_db is not None
        told_db, wanted_db = fitted.features.told_loudness_db[0, :, 0], fitted.features.loudness_db[0, :, 0]
        assert torch.equal(wanted_db, melody.loudness_db[0, :, 0])
        assert torch.equal(told_db[soft], torch.full((20,), known_db))
        assert torch.equal(told_db[loud], wanted_db[loud])
        assert torch.equal(told_db[rest], wanted_db[rest])
        played = fitted.edit(obedient.controls(fitted.features), slice(0, 200))
        heard_db = controls_loudness_db(played, obedient.config.features)[0, :, 0]
        assert float(heard_db[loud].mean() - heard_db[soft].mean()) == pytest.approx(-20.0 - known_db + 9.0, abs=0.2)
    assert fit(INSTRUMENT, melody, {"loudness": "none"}).features.told_loudness_db is None


@torch.no_grad()
def test_in_a_morph_each_instrument_is_softened_by_what_it_is_told_louder() -> None:
    first, second = (small_instrument(seed, synths=NOISY, obeys=("loudness",)) for seed in (3, 4))
    second.statistics.loudness_db_quantiles += 20.0
    known_db = float(first.statistics.loudness_db_quantiles[10])
    melody = joined(sung(60, level_db=-20.0), sung(64, level_db=known_db - 9.0), dim=1)
    for amount in (0.0, 1.0):
        morph = MorphWith(second, amount)
        fitted = fit(first, melody, {"loudness": "none", "dynamics": 0.0, "morph": morph})
        assert fitted.morph is not None
        assert fitted.morph.features.told_loudness_db is not None
        assert float(fitted.morph.features.told_loudness_db[0, 75]) == pytest.approx(known_db + 20.0)
        played = fitted.edit(first.controls(fitted.features), slice(0, 100))
        heard_db = controls_loudness_db(played, first.config.features)[0, :, 0]
        assert float(heard_db[25] - heard_db[75]) == pytest.approx(-20.0 - known_db + 9.0, abs=0.5)


def test_what_a_transfer_followed_is_what_was_wanted() -> None:
    """Curves, notes and reports are about what is heard, not about what a network is told to make it sound."""
    player = Player(small_instrument(synths=NOISY, obeys=("loudness",)), TrainingSummary())
    time = torch.arange(2 * RATE) / RATE
    audio = 10.0 ** (-time) * sum(0.2 / k * torch.sin(2 * math.pi * 330.0 * k * time) for k in range(1, 6))
    measured = player.measure(audio, RATE)
    level_db = float(player.instrument.statistics.loudness_db_quantiles[10] - measured.loudness_db[0, 50])
    result = player.transfer(audio, RATE, loudness=level_db)
    assert result.features.told_loudness_db is not None
    assert float((result.features.told_loudness_db - result.features.loudness_db).max()) > 10.0
    assert result.loudness_shift_db == pytest.approx(level_db, abs=0.01)


def test_without_voicing_the_pitch_is_played_everywhere() -> None:
    breathy = MELODY._replace(periodicity=torch.zeros_like(MELODY.periodicity))
    assert float(fit(INSTRUMENT, breathy, {}).gate.harmonic.max()) == 0
    fitted = fit(INSTRUMENT, breathy, {"voicing": False})
    assert float(fitted.gate.harmonic[0, 25]) == 1
    assert float(fitted.features.periodicity.min()) == 1
    assert float(fitted.gate.harmonic[0, 125]) < 2e-3  # still a rest


def test_noise_that_stands_for_a_moment_of_pitch_is_raised_to_its_loudness() -> None:
    """Too short for a note: its harmonics are silenced, so that noise alone is heard."""
    consonant = sung(64.0, level_db=-30.0)
    periodicity = torch.zeros_like(consonant.periodicity)
    periodicity[0, 24:26] = 0.9
    parts = (sung(60.0, 62.0, level_db=-30.0), consonant._replace(periodicity=periodicity))
    melody = Features(*(torch.cat(values, dim=1) for values in zip(*(part[:3] for part in parts), strict=True)))
    silenced, played = (fit(INSTRUMENT, melody, {"voicing": each, "balance_db": 40.0}) for each in (True, False))
    assert float(silenced.gate.harmonic[0, 124]) == 0.0
    assert float(silenced.level.gain_db[0, 124]) > float(played.level.gain_db[0, 124]) + 10.0
    assert torch.allclose(silenced.level.gain_db[:, :80], played.level.gain_db[:, :80], atol=1.0)


def test_gate_and_quiet_level_are_as_told() -> None:
    gate = fit(INSTRUMENT, MELODY, {"quiet_db": 20.0}).gate.noise
    assert float(gate[0, 125]) == pytest.approx(0.1)
    assert float(fit(INSTRUMENT, MELODY, {"gate_db": 70.0}).gate.noise.min()) == 1.0


def test_a_fitted_melody_sounds_the_same_as_often_as_it_is_played() -> None:
    fitted = fit(INSTRUMENT, MELODY, {"morph": MorphWith(small_instrument(9), 0.5), "dynamics": 0.0})
    first, second = (render(INSTRUMENT, fitted.features, edit=fitted.edit).audio for _ in range(2))
    assert torch.equal(first, second)


def test_a_note_that_no_sample_rate_can_hold_is_silent() -> None:
    fitted = fit(INSTRUMENT, sung(48.0, 60.0, level_db=-20.0), {"octave": 4, "semitones": 12.0})
    beyond = fitted.features.f0_hz >= RATE / 2
    assert 0.3 < float(beyond.float().mean()) < 0.7
    assert float(fitted.gate.noise[beyond].max()) == float(fitted.gate.harmonic[beyond].max()) == 0.0
    assert float(fitted.gate.noise[~beyond].max()) == 1.0


def test_notes_beyond_the_second_instrument_of_a_morph_are_said() -> None:
    second = small_instrument(seed=3)
    low = second.statistics.f0_octaves_quantiles - 4.0
    second.statistics.f0_octaves_quantiles.copy_(low)
    usual, beyond = (
        fit(INSTRUMENT, MELODY, {"morph": MorphWith(other, 0.5)}).warnings for other in (INSTRUMENT, second)
    )
    assert not any("second instrument" in line for line in usual)
    assert any(line.startswith("for the second instrument, ") and "above" in line for line in beyond)


def test_the_edit_gates_colours_and_morphs() -> None:
    with torch.no_grad():
        controls = INSTRUMENT.controls(MELODY)
    everything = slice(0, controls.f0_hz.shape[1])
    plain = fit(INSTRUMENT, MELODY, {"dynamics": 0.0}).edit(controls, everything)
    assert float(plain.amplitude[0, 125]) < 1e-4 * float(controls.amplitude[0, 125])
    louder = fit(INSTRUMENT, MELODY, {"balance_db": 12.0, "dynamics": 0.0}).edit(controls, everything)
    assert torch.allclose(louder.amplitude, plain.amplitude * 10 ** (6 / 20), rtol=1e-4)
    second = MorphWith(small_instrument(9, synths=NOISY), 1.0)
    other = fit(INSTRUMENT, MELODY, {"morph": second}).edit(controls, everything)
    assert not torch.allclose(other.harmonic_distribution, plain.harmonic_distribution, atol=1e-3)
    assert float(other.amplitude[0, 125]) < 1e-4 * float(controls.amplitude[0, 125])


@pytest.mark.parametrize(
    "wishes",
    [{"autotune": 1.5}, {"autotune": -1.0}, {"dynamics": 2.0}, {"vibrato": math.nan}, {"glide": -0.1}, {"attack": 60.0},
     {"scale": "H-major"}, {"cents": "some"}, {"cents": math.inf}, {"gate_db": -3.0}, {"quiet_db": math.nan},
     {"balance_db": math.nan}, {"tilt_db": math.inf}, {"harmonics_db": (math.nan,)}, {"semitones": math.nan}],
    ids=str,
)  # fmt: skip
def test_wishes_that_make_no_sense_are_refused(wishes: dict[str, object]) -> None:
    with pytest.raises(RangeError, match=next(iter(wishes)).removesuffix("_db")):
        fit(INSTRUMENT, MELODY, wishes)  # type: ignore[arg-type]


def test_stems_sum_to_the_audio_with_every_wish_and_a_stereo_room(player: Player, voice: Tensor) -> None:
    room = torch.zeros(2, 800)
    room[0, 10], room[1, 14], room[:, 700] = 1.0, -0.8, 0.3
    second = MorphWith(small_instrument(9, synths=NOISY), 0.5)
    result = player.transfer(
        voice, RATE, room=room, autotune=1.0, vibrato=0.0, glide=0.1, attack=0.1, balance_db=6.0, tilt_db=-2.0,
        harmonics_db=(0.0, -6.0), morph=second, gate_db=30.0, quiet_db=50.0,
    ).at_level(lufs=-20.0)  # fmt: skip
    assert result.audio.shape[0] == 2
    assert not torch.allclose(result.audio[0], result.audio[1], atol=1e-3)
    mix = torch.stack(list(result.stems.values())).sum(dim=0)
    assert (mix - result.audio).abs().max() < 1e-6
    assert float(is_note(result.features).float().mean()) > 0.3
    assert player.instrument.config.features.frame_rate == FRAME_RATE


def test_an_expression_that_is_no_number_is_refused() -> None:
    offsets = Expression(*map(torch.tensor, (0.0, math.nan, 0.0, 0.0, 0.0)))
    with pytest.raises(RangeError, match="offset of warmth_db nan"):
        fit(INSTRUMENT, MELODY, {"offsets": offsets})


@pytest.mark.parametrize(
    ("wish", "meant"),
    [("tilt", "did you mean tilt_db"), ("octaves", "did you mean octave"), ("lufs", "at_level"), ("warmth", "offsets")],
)
def test_a_wish_that_there_is_not_is_no_silence(wish: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"'{wish}'.*{meant}"):
        fit(INSTRUMENT, MELODY, {wish: 1.0})  # type: ignore[misc]


@pytest.mark.parametrize(
    "wish", [{"tilt_db": 150.0}, {"semitones": 800.0}, {"harmonics_db": [0.0, 1000.0]}, {"loudness": 1000.0}]
)
def test_a_wish_out_of_reach_is_named(wish: dict[str, object]) -> None:
    with pytest.raises(RangeError, match=f"{next(iter(wish))} .*expected a number from -"):
        fit(INSTRUMENT, MELODY, wish)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wish",
    [
        {"autotune": "yes"},
        {"semitones": None},
        {"harmonics_db": ["loud"]},
        {"offsets": 3},
        {"morph": "violin"},
        {"harmonics_db": None},
        {"harmonics_db": 3},
        {"cents": None},
        {"loudness": [1]},
        {"scale": 5},
        {"octave": None},
        {"expression": None},
        {"voicing": "no"},
        {"gate_db": None},
    ],
)
def test_a_wish_of_another_kind_is_named(wish: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(wish))}.*: expected "):
        fit(INSTRUMENT, MELODY, wish)  # type: ignore[arg-type]


def against_the_rest_db(share_db: Tensor) -> Tensor:
    share = 10 ** (share_db / 10)
    return 10 * torch.log10(share / (1 - share))


def _noise_power(controls: Controls) -> Tensor:
    return controls.noise_magnitudes.square().mean(-1)


def _tone_power(controls: Controls) -> Tensor:
    return (controls.amplitude * controls.harmonic_distribution).square().sum(-1)


@pytest.mark.parametrize("obeys", [(), ("loudness", "timbre")], ids=["follows", "obeys"])
@torch.no_grad()
def test_a_slider_moves_an_instrument_that_obeys_by_exactly_as_much(obeys: tuple[str, ...]) -> None:
    inputs = ("loudness_z", "brightness_z", "warmth_z", "hollowness_z")
    decoder = DecoderConfig(inputs=inputs, input_width=4, gru_width=6, output_width=7)
    instrument = small_instrument(decoder=decoder, synths=NOISY, obeys=obeys)
    nothing = Expression(*(torch.zeros(()) for _ in Expression._fields))
    moved, plain = (
        fit(
            instrument,
            MELODY,
            {"offsets": nothing._replace(**dict(zip(("warmth_db", "noisiness_db"), by, strict=True)))},
        )
        for by in (torch.tensor([-1.5, 6.0]), torch.zeros(2))
    )
    everything = slice(0, MELODY.f0_hz.shape[1])
    controls = [each.edit(instrument.controls(each.features), everything) for each in (moved, plain)]
    noisiness_db = [power_to_db(_noise_power(each) / _tone_power(each))[0, 5:20] for each in controls]
    assert torch.allclose(noisiness_db[0] - noisiness_db[1], torch.tensor(6.0), atol=0.01) == bool(obeys)
    played = [harmonic_timbre(each) for each in controls]
    changes_db = (against_the_rest_db(played[0].warmth_db) - against_the_rest_db(played[1].warmth_db))[0, 5:20]
    assert torch.allclose(changes_db, torch.tensor(-1.5), atol=0.02) == bool(obeys)
    told_db = moved.features.warmth_db - plain.features.warmth_db  # type: ignore[operator]
    assert torch.allclose(told_db, torch.tensor(0.0 if obeys else -1.5), atol=1e-5)


@torch.no_grad()
def test_sliders_move_an_instrument_without_expression_and_what_cannot_is_said() -> None:
    plain, moved = (
        fit(INSTRUMENT, MELODY, {"offsets": Expression(*torch.tensor([0.0, -1.5, 0.0, 6.0, by])), **wishes})
        for by, wishes in ((0.0, {}), (1.0, {"expression": "input"}))
    )
    assert [trouble.what for trouble in moved.diagnosis if trouble not in plain.diagnosis] == ["expression"]
    assert "--expression and --air changed nothing" in " ".join(moved.warnings)
    everything = slice(0, MELODY.f0_hz.shape[1])
    own = INSTRUMENT.controls(plain.features)
    played = plain.edit(own, everything)
    noisiness_db = [power_to_db(_noise_power(each) / _tone_power(each))[0, 5:20] for each in (played, own)]
    assert torch.allclose(noisiness_db[0] - noisiness_db[1], torch.tensor(6.0), atol=0.01)
    warmth_db = [against_the_rest_db(harmonic_timbre(each).warmth_db)[0, 5:20] for each in (played, own)]
    assert torch.allclose(warmth_db[0] - warmth_db[1], torch.tensor(-1.5), atol=0.02)


@pytest.mark.parametrize("octave", [np.int64(1), 1.0, 1])
def test_a_whole_number_of_any_type_is_an_octave(octave: int) -> None:
    assert fit(INSTRUMENT, MELODY, {"octave": octave}).shift_semitones == 12.0


def test_rests_that_are_hardly_turned_down_are_no_noise_to_warn_of() -> None:
    melody = sung(60.0, None, 64.0, None, 67.0, None, level_db=-30.0)
    assert fit(INSTRUMENT, melody, {"quiet_db": 0.0}).warnings == fit(INSTRUMENT, melody, {}).warnings
