from __future__ import annotations

import numpy as np
import pytest
import torch

from features.tones import steady, tone
from luthier.features import cascade
from luthier.features.cascade import track_cascade
from luthier.features.pitch_grid import hz_to_bins


def asked_steps(monkeypatch: pytest.MonkeyPatch, audio: torch.Tensor) -> int:
    """Steps for which the slower network is asked."""
    counted: list[int] = []
    original = cascade.rate_pitches

    def counting(size: str, audio: torch.Tensor, steps: torch.Tensor) -> np.ndarray:
        counted.append(len(steps))
        return original(size, audio, steps)

    monkeypatch.setattr(cascade, "rate_pitches", counting)
    track_cascade(audio, 50.0, 2000.0)
    return sum(counted)


def test_the_slow_network_is_spared_a_clear_tone_and_asked_about_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_steps(monkeypatch, tone(steady(330.0, 2.0))[0]) < 20
    assert asked_steps(monkeypatch, 0.1 * torch.randn(32000)) > 60


def test_blocks_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = np.concatenate([steady(hz, 0.3) for hz in (220.0, 330.0, 247.0, 660.0)])
    audio = tone(notes, noise=0.02)[0]
    whole = track_cascade(audio, 50.0, 2000.0)
    monkeypatch.setattr(cascade, "STEPS_AT_ONCE", 9)
    pieces = track_cascade(audio, 50.0, 2000.0)
    torch.testing.assert_close(pieces.f0_hz, whole.f0_hz, rtol=1e-4, atol=0)
    torch.testing.assert_close(pieces.periodicity, whole.periodicity, rtol=0, atol=1e-3)


def stubbed(monkeypatch: pytest.MonkeyPatch, opinions_hz: list[float], confidence: float, crepe_hz: float) -> float:
    """The decoded pitch when every listener says always the same."""
    bins = hz_to_bins(np.array([*opinions_hz, crepe_hz]))
    said = iter([np.stack([np.full(40, one), np.full(40, confidence)]) for one in bins[:-1]])
    rated = np.exp(-0.5 * (np.arange(360) - bins[-1]) ** 2).astype(np.float32)
    monkeypatch.setattr(cascade, "_listen", lambda *_: next(said))
    monkeypatch.setattr(cascade, "rate_pitches", lambda _size, _audio, steps: np.tile(rated, (len(steps), 1)))
    return float(track_cascade(torch.zeros(40 * 256), 50.0, 2000.0).f0_hz.median())


def test_crepe_decides_between_listeners_that_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    for crepe_hz in (220.0, 440.0):
        found = stubbed(monkeypatch, [220.0, 440.0], 0.9, crepe_hz)
        assert abs(1200 * np.log2(found / crepe_hz)) < 10


def test_listeners_that_agree_and_are_sure_are_not_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = stubbed(monkeypatch, [330.0, 330.0], 0.95, 165.0)
    assert abs(1200 * np.log2(found / 330.0)) < 10


def test_a_new_note_is_followed_at_once() -> None:
    notes = np.concatenate([steady(220.0, 0.5), steady(587.0, 0.5)])
    f0_hz = track_cascade(tone(notes)[0], 50.0, 2000.0).f0_hz
    cents = 1200 * np.log2(f0_hz.numpy() / notes[np.arange(len(f0_hz)) * 256])
    assert (np.abs(cents) < 50)[2:-2].mean() > 0.95


def heard(monkeypatch: pytest.MonkeyPatch, low: list[tuple[float, float]]) -> torch.Tensor:
    """The pitch line where two listeners are sure of 440 Hz, but for sixteen steps: (Hz, confidence) of each there."""
    n_steps, middle = 1000, slice(500, 516)
    opinions = []
    for hz, confidence in low:
        opinion = np.tile(np.array([[hz_to_bins(np.array(440.0))], [0.9]]), n_steps)
        opinion[0, middle], opinion[1, middle] = hz_to_bins(np.array(hz)), confidence
        opinions.append(opinion)
    told = iter(opinions)
    monkeypatch.setattr(cascade, "_listen", lambda *_: next(told))
    monkeypatch.setattr(cascade, "rate_pitches", lambda _size, _audio, steps: np.zeros((len(steps), 360), np.float32))
    return track_cascade(torch.zeros(n_steps * cascade.STEP_SAMPLES), 50.0, 2000.0).f0_hz[middle]


def test_a_doubtful_octave_outside_the_register_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    opinions = [(110.0, 0.9), (440.0, 0.2)]
    assert (heard(monkeypatch, opinions) > 400.0).all()
    monkeypatch.setattr(cascade, "OUTSIDE_COST", 0.0)
    assert (heard(monkeypatch, opinions) < 120.0).all()


def test_a_rare_low_note_of_which_all_are_sure_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (heard(monkeypatch, [(110.0, 0.9), (110.0, 0.9)]) < 120.0).all()


def test_without_sure_steps_there_is_no_register() -> None:
    assert not cascade.outside_cost(np.full(cascade.FEWEST_SURE_STEPS - 1, 200.0), (40, 359)).any()
