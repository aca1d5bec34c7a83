from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from luthier.errors import RangeError, ShapeError
from luthier.inference.additive import ControlCurves, additive, diary_curves
from reference import difference_db, harmonic_tone


def scaled(raw: np.ndarray) -> np.ndarray:
    return 2 * (1 / (1 + np.exp(-raw))) ** math.log(10) + 1e-7


def slow_additive(curves: ControlCurves) -> np.ndarray:
    f0_hz, amplitude, harmonics = (curve.double().numpy() for curve in curves)
    strengths = scaled(harmonics) * (f0_hz[:, None] * np.arange(1, harmonics.shape[1] + 1) < 8000)
    distribution = strengths / (strengths.sum(axis=1, keepdims=True) + 1e-8)
    return harmonic_tone(f0_hz, scaled(amplitude)[:, None] * distribution, 16000, 64)


def test_the_diarys_sound_is_what_its_formula_says() -> None:
    audio = additive(diary_curves())
    assert audio.shape == (1, 64000)
    assert difference_db(audio[0], slow_additive(diary_curves())) < -100


def test_the_diarys_sound_is_440_hz_and_falls() -> None:
    audio = additive(diary_curves())[0].numpy()
    spectrum = np.abs(np.fft.rfft(audio[:16000] * np.hanning(16000)))
    assert int(np.argmax(spectrum)) == 440
    others = [int(np.argmax(spectrum[440 * k - 200 : 440 * k + 200])) + 440 * k - 200 for k in range(2, 18)]
    assert others == [440 * k for k in range(2, 18)]  # 18 would lie at 7920 Hz, near the window's end
    level_db = 20 * np.log10(audio.reshape(10, -1).std(axis=1))
    assert (np.diff(level_db) < 0).all()
    assert level_db[0] - level_db[-1] > 25


def test_its_curves_are_those_of_the_diary() -> None:
    curves = diary_curves()
    assert curves.f0_hz.tolist() == [440.0] * 1000
    assert (curves.amplitude[0], curves.amplitude[-1]) == (1.0, -3.0)
    assert curves.harmonics.shape == (1000, 20)
    assert curves.harmonics[500, [0, -1]].tolist() == [1.0, -1.0]


def test_another_pitch_and_number_of_harmonics() -> None:
    assert diary_curves(220.0, 5).harmonics.shape == (1000, 5)
    with pytest.raises(RangeError, match="positive pitch"):
        diary_curves(0.0)
    with pytest.raises(RangeError, match="at least one"):
        diary_curves(440.0, 0)


def test_curves_that_do_not_fit_are_refused() -> None:
    curves = diary_curves()
    for wrong in (
        curves._replace(f0_hz=curves.f0_hz[:-1]),
        ControlCurves(*(curve[:0] for curve in curves)),
        curves._replace(harmonics=curves.amplitude),
    ):
        with pytest.raises(ShapeError, match="expected one common length"):
            additive(wrong)
    with pytest.raises(RangeError, match="NaN"):
        additive(curves._replace(amplitude=torch.full((1000,), math.nan)))
    with pytest.raises(RangeError, match="expected less than 8000 Hz"):
        additive(diary_curves(9000.0))
