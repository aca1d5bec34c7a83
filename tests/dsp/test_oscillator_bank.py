from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from luthier.dsp.oscillator_bank import CHUNK_ELEMENTS, oscillator_bank
from reference import difference_db, draw_lines, sum_of_sines

BATCH, SPANS, HOP = 2, 6, 50


def random_phase(rows: int = BATCH * SPANS, hop_length: int = HOP) -> Tensor:
    return (torch.rand(rows, hop_length, dtype=torch.float64) - 0.5) * 6.28


def all_audible(n_harmonics: int, rows: int = BATCH * SPANS) -> Tensor:
    return torch.full((rows,), float(n_harmonics))


def slow_bank(phase: Tensor, frame_amplitudes: Tensor) -> np.ndarray:
    cycles = phase.view(len(frame_amplitudes), -1).numpy() / (2 * np.pi)
    rows = []
    for clip, frames in zip(cycles, frame_amplitudes.double().numpy(), strict=True):
        lines = np.stack([draw_lines(column, phase.shape[1])[: len(clip)] for column in frames.T], axis=1)
        rows.append(sum_of_sines(clip, lines))
    return np.stack(rows)


@pytest.mark.parametrize("n_harmonics", [1, 2, 3, 7, 8, 33, 100])
def test_equals_a_slow_sum_of_sines(n_harmonics: int) -> None:
    phase, amplitudes = random_phase(), torch.rand(BATCH, SPANS + 1, n_harmonics)
    audio = oscillator_bank(phase, amplitudes, all_audible(n_harmonics))
    assert audio.dtype == torch.float32
    assert difference_db(audio, slow_bank(phase, amplitudes)) < -110


def silence_inaudible(amplitudes: Tensor, n_audible: Tensor) -> Tensor:
    """A harmonic that may be skipped in a span is silent at both ends of it."""
    batch, n_ends, n_harmonics = amplitudes.shape
    audible = torch.arange(1, n_harmonics + 1) <= n_audible.view(batch, n_ends - 1, 1)
    amplitudes = amplitudes.clone()
    amplitudes[:, :-1] *= audible
    amplitudes[:, 1:] *= audible
    return amplitudes


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 70), st.integers(1, 20), st.integers(1, 1 << 12))
def test_skipping_inaudible_harmonics_in_chunks_of_any_size_changes_nothing(
    batch: int, spans: int, hop_length: int, n_harmonics: int, budget: int
) -> None:
    phase = random_phase(batch * spans, hop_length)
    n_audible = torch.randint(1, n_harmonics + 3, (batch * spans,)).float()
    amplitudes = silence_inaudible(torch.rand(batch, spans + 1, n_harmonics) + 0.1, n_audible)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHUNK_ELEMENTS, "cpu", budget)
        audio = oscillator_bank(phase, amplitudes, n_audible)
    assert np.allclose(audio, slow_bank(phase, amplitudes), atol=1e-5)  # float32 sums of up to 20 sines


def test_no_chunk_needs_more_space_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    bank = sys.modules[oscillator_bank.__module__]
    compute = bank._harmonics

    def measured(sine: Tensor, cosine: Tensor, n_harmonics: int) -> Tensor:
        sizes.append(sine.numel() * n_harmonics)
        return compute(sine, cosine, n_harmonics)

    monkeypatch.setattr(bank, "_harmonics", measured)
    n_audible = torch.tensor([1.0, 1.0, 2.0, 3.0, 100.0, 100.0]).repeat(100)
    oscillator_bank(random_phase(600, 160), torch.rand(1, 601, 100), n_audible)
    assert max(sizes) <= CHUNK_ELEMENTS["cpu"]
    assert len(sizes) <= 150  # and yet it works on many spans at a time


def test_gradient_is_the_derivative() -> None:
    phase = random_phase(2 * 3, 11)
    amplitudes = torch.rand(2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: oscillator_bank(phase, values, all_audible(5, 6)), (amplitudes,))


def test_no_gradient_flows_to_the_phase() -> None:
    phase = random_phase().requires_grad_()
    amplitudes = torch.rand(BATCH, SPANS + 1, 5, requires_grad=True)
    oscillator_bank(phase, amplitudes, all_audible(5)).sum().backward()
    assert phase.grad is None
    assert amplitudes.grad.abs().sum() > 0


def test_no_tensor_of_all_harmonics_is_kept_for_the_backward_pass() -> None:
    kept: list[int] = []
    amplitudes = torch.rand(4, 101, 100, requires_grad=True)
    phase = random_phase(400, 160)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()) or tensor, lambda t: t):
        oscillator_bank(phase, amplitudes, all_audible(100, 400)).square().sum().backward()
    # Sine and cosine of the fundamental, the output for the square, and the order: not 100 times a clip.
    assert 0 < sum(kept) < 4 * phase.numel()
