"""Compiled loops give what tensor operations give; without numba those do the work."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from luthier.dsp import oscillator_bank as bank
from luthier.dsp import spectral_distance as distance
from luthier.dsp.kernels import in_parts, kernels
from luthier.dsp.spectral_distance import SpectralScales
from luthier.model import gru as recurrence

BATCH, SPANS, HOP, HARMONICS, UNITS = 3, 7, 50, 24, 12


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def play_sines(amplitudes: Tensor) -> Tensor:
    phase = random(BATCH * SPANS, HOP).double()
    n_audible = torch.full((BATCH * SPANS,), HARMONICS + 1.0)  # more than there are
    return bank.oscillator_bank(phase, amplitudes, n_audible)


def run_recurrence(inputs: Tensor) -> Tensor:
    torch.manual_seed(0)
    gru = nn.GRU(5, UNITS, batch_first=True)
    return recurrence.run_gru(gru, inputs, random(BATCH, 1, UNITS, seed=2))[0]


def compare_spectra(audio: Tensor) -> Tensor:
    silent_start = torch.cat([torch.zeros(BATCH, 3000), random(BATCH, 2000, seed=1)], dim=1)
    return distance.multi_scale_distance(audio, silent_start, SpectralScales.relative())


CASES = {
    "oscillator bank": (bank, play_sines, (BATCH, SPANS + 1, HARMONICS)),
    "recurrence": (recurrence, run_recurrence, (BATCH, 9, 5)),
    "spectral distance": (distance, compare_spectra, (BATCH, 5000)),
}


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(("module", "work", "shape"), CASES.values(), ids=CASES)
def test_compiled_or_not_result_and_gradient_are_the_same(
    module: ModuleType,
    work: Callable[[Tensor], Tensor],
    shape: tuple[int, ...],
    n_threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        for compiled in (True, False):
            ran: list[object] = []

            def run(kernel: Callable[..., None], size: int, *arrays: Tensor, ran: list[object] = ran) -> None:
                ran.append(kernel)
                in_parts(kernel, size, *arrays)

            monkeypatch.setattr(module, "kernels", kernels if compiled else lambda _: None)
            monkeypatch.setattr(module, "in_parts", run)
            given = random(*shape, seed=3).requires_grad_()
            result = work(given)
            result.backward(random(*result.shape, seed=4))
            assert bool(ran) == compiled  # the results may be equal to the last bit
            found.append((result.detach(), given.grad))
    finally:
        torch.set_num_threads(before)
    for ours, plain in zip(*found, strict=True):
        assert float((ours - plain).abs().max()) <= 3e-6 * float(plain.abs().max())


@pytest.mark.parametrize(("work", "shape"), [case[1:] for case in CASES.values()], ids=CASES)
def test_what_is_no_number_stays_none(work: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
    given = random(*shape)
    given.view(-1)[-1] = torch.nan
    given.requires_grad_()
    result = work(given)
    result.sum().backward()
    assert result.isnan().any()
    assert result.isfinite().any()  # of the other clips


def test_a_module_that_cannot_be_imported_is_none() -> None:
    assert kernels("luthier.dsp.no_such_kernels") is None


@pytest.mark.parametrize("n_rows", [0, 1, 2, 7])
def test_every_row_is_done_once(n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    done = torch.zeros(n_rows)

    def count(first: int, last: int, rows: object) -> None:
        rows[first:last] += 1  # type: ignore[index]

    in_parts(count, n_rows, done)
    assert done.tolist() == [1.0] * n_rows
