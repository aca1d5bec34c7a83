from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dsp.blocks import BLOCK_FRAMES, play_in_blocks
from luthier.dsp.phase import phase_within_spans, span_phases
from reference import draw_lines, running_phase


def phases(f0_hz: Tensor, sample_rate: int, hop_length: int) -> Tensor:
    """All phases of one gliding tone, cycles."""
    starts, _ = span_phases(f0_hz, torch.zeros(1, 1).double(), sample_rate=sample_rate, hop_length=hop_length)
    ends = (f0_hz[0, :-1], f0_hz[0, 1:])
    return phase_within_spans(starts[0], *ends, sample_rate=sample_rate, hop_length=hop_length).flatten()


def wrapped(cycles: object) -> np.ndarray:
    """Distance from the nearest whole cycle."""
    values = np.asarray(cycles, dtype=np.float64)
    return np.abs(values - np.round(values))


def test_a_steady_tone_advances_by_its_frequency() -> None:
    cycles = phases(torch.full((1, 11), 441.0), 44100, 100)
    # One hundredth of a cycle a sample.
    assert wrapped(cycles.numpy() - np.arange(1000) / 100).max() < 1e-12


def test_a_gliding_tone_follows_the_integral_of_its_lines() -> None:
    f0_hz = torch.rand(1, 40) * 900 + 30
    expected = running_phase(draw_lines(f0_hz[0].double().numpy(), 64), 16000)[: 39 * 64]
    assert wrapped(phases(f0_hz, 16000, 64).numpy() - expected).max() < 1e-11


def test_phases_stay_within_a_cycle() -> None:
    f0_hz = torch.rand(2, 50) * 4000
    starts, end = span_phases(f0_hz, torch.zeros(2, 1).double(), sample_rate=16000, hop_length=160)
    assert starts.dtype == end.dtype == torch.float64
    assert starts.min() >= 0
    assert starts.max() < 1
    assert phases(f0_hz[:1], 16000, 160).abs().max() <= 0.5


@pytest.mark.parametrize("block", BLOCK_FRAMES)
def test_blocks_hand_the_phase_on(block: int) -> None:
    f0_hz = torch.rand(1, 101) * 900 + 30
    rates = {"sample_rate": 16000, "hop_length": 160}
    start = torch.zeros(1, 1, dtype=torch.float64)
    whole, _ = span_phases(f0_hz, start, **rates)
    blocks = play_in_blocks(
        lambda place, state: span_phases(f0_hz[:, place.start : place.stop + 1], state, **rates), start, 100, block
    )
    assert wrapped(whole - blocks).max() < 1e-11


def test_harmonic_20_is_exact_after_180_seconds_at_48_khz() -> None:
    rate, hop, seconds = 48000, 480, 180
    frames = np.arange(seconds * rate // hop + 1) * hop / rate
    f0_hz = torch.from_numpy(440.123 + 10 * np.sin(2 * math.pi * 0.31 * frames)).float().unsqueeze(0)
    starts, end = span_phases(f0_hz, torch.zeros(1, 1).double(), sample_rate=rate, hop_length=hop)
    assert starts.shape == (1, seconds * rate // hop)
    advances = (f0_hz[0, 1:].double() + f0_hz[0, :-1].double()).numpy().astype(np.longdouble) * hop / (2 * rate)
    error_cycles = 20 * wrapped(float(end[0, 0]) - np.float64(np.sum(advances) % 1.0))
    assert 20 * math.log10(max(2 * math.pi * error_cycles, 1e-30)) < -120
