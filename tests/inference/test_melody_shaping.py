from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inference.melodies import FRAME_RATE, sung
from luthier.dsp.signals import Features
from luthier.inference.melody_shaping import autotune, glide, scale_vibrato, soften_attacks
from luthier.inference.notes import find_notes
from luthier.inference.scales import CHROMATIC, scale_classes
from luthier.units import hz_to_midi


def midi(features: Features) -> Tensor:
    return hz_to_midi(features.f0_hz.flatten().double())


def notes_of(features: Features) -> list:
    return find_notes(features, FRAME_RATE)


@pytest.mark.parametrize(("strength", "expected"), [(0.0, 60.3), (0.5, 60.15), (1.0, 60.0)])
def test_autotune_moves_notes_by_its_strength_and_keeps_their_vibrato(strength: float, expected: float) -> None:
    melody = sung(60.3, 63.8, vibrato=0.3, seconds=1.0)
    tuned = midi(autotune(melody, notes_of(melody), FRAME_RATE, strength=strength, classes=CHROMATIC))
    assert float(tuned[20:80].median()) == pytest.approx(expected, abs=0.06)
    shifted = tuned[20:80] - midi(melody)[20:80]
    assert float(shifted.max() - shifted.min()) < 1e-3


def test_autotune_knows_its_scale() -> None:
    melody = sung(61.2, 66.4)
    tuned = midi(autotune(melody, notes_of(melody), FRAME_RATE, strength=1.0, classes=scale_classes("C-major")))
    assert [float(tuned[25]), float(tuned[75])] == pytest.approx([62.0, 67.0], abs=0.02)


def test_corrections_are_no_jumps() -> None:
    melody = sung(60.4, 60.6 - 1e-4)  # one is corrected down, the next up
    tuned = midi(autotune(melody, notes_of(sung(60.4, 62.6)), FRAME_RATE, strength=1.0, classes=CHROMATIC))
    assert float(tuned.diff().abs().max()) < 0.5


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_vibrato_becomes_so_many_times_as_wide(factor: float) -> None:
    melody = sung(60.0, vibrato=0.5, seconds=2.0)
    middle = midi(scale_vibrato(melody, notes_of(melody), FRAME_RATE, vibrato=factor))[50:150]
    assert float(middle.max() - middle.min()) == pytest.approx(factor, abs=0.12)
    assert float(middle.mean()) == pytest.approx(60.0, abs=0.05)


def test_a_vibrato_of_one_changes_nothing() -> None:
    melody = sung(60.0, 64.0, vibrato=0.5)
    changed = scale_vibrato(melody, notes_of(melody), FRAME_RATE, vibrato=1.0)
    assert torch.allclose(changed.f0_hz, melody.f0_hz, rtol=1e-6)


def test_a_glide_takes_its_time_and_leaves_the_rest() -> None:
    melody = sung(60.0, 67.0)
    slid = midi(glide(melody, notes_of(melody), FRAME_RATE, seconds=0.2))
    between = ((slid > 60.1) & (slid < 66.9)).sum()
    assert 5 <= int(between) <= 20
    assert float(slid.diff().max()) < 1.5
    assert torch.allclose(slid[:38], torch.tensor(60.0).double(), atol=1e-4)
    assert torch.allclose(slid[62:], torch.tensor(67.0).double(), atol=1e-4)


def test_a_glide_does_not_cross_a_long_rest() -> None:
    melody = sung(60.0, None, 67.0)
    melody.f0_hz[0, 75:] = melody.f0_hz[0, -1]  # in the middle of the rest
    assert torch.allclose(glide(melody, notes_of(melody), FRAME_RATE, seconds=0.2).f0_hz, melody.f0_hz, rtol=1e-6)


def test_struck_notes_grow_and_legato_notes_do_not() -> None:
    melody = sung(60.0, 62.0, None, 64.0)
    change_db = (soften_attacks(melody, notes_of(melody), FRAME_RATE, seconds=0.2).loudness_db - melody.loudness_db)[0]
    assert float(change_db[0]) < -20
    assert (change_db[:20].diff(dim=0) > 0).all()
    assert float(change_db[20:150].abs().max()) == 0
    assert float(change_db[150]) < -20


@pytest.mark.parametrize("n_frames", [1, 2, 5])
def test_clips_of_a_few_frames_are_shaped_too(n_frames: int) -> None:
    melody = sung(60.3, seconds=n_frames / FRAME_RATE)
    notes = notes_of(melody)
    for shaped in (
        autotune(melody, notes, FRAME_RATE, strength=1.0, classes=CHROMATIC),
        scale_vibrato(melody, notes, FRAME_RATE, vibrato=0.0),
        glide(melody, notes, FRAME_RATE, seconds=0.3),
        soften_attacks(melody, notes, FRAME_RATE, seconds=0.3),
    ):
        assert shaped.f0_hz.shape == melody.f0_hz.shape
        assert torch.isfinite(shaped.f0_hz).all()
