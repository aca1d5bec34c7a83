"""magenta's loss against loops; the multi-scale distance itself is tested in tests/dsp."""

import pytest
import torch
from torch import Tensor

from luthier.dsp.spectral_distance import MSS_WINDOWS, multi_scale_distance
from luthier.training.config import SpectralWeights, TrainingConfig
from luthier.training.losses import build_loss, spectral_loss

OFF = {"magnitude": 0.0, "log_magnitude": 0.0}


def loop_magnitudes(clip: Tensor, window: int) -> Tensor:
    """One frame after the other, from the definition: (n_frames, n_bins)."""
    hop = window // 4
    shape = torch.hann_window(window, dtype=clip.dtype)
    padded = torch.cat([clip, torch.zeros(window, dtype=clip.dtype)])
    frames = [padded[start : start + window] * shape for start in range(0, len(clip), hop)]
    return torch.stack([torch.fft.rfft(frame).abs() for frame in frames])


def loop_loss(output: Tensor, target: Tensor, term: str) -> Tensor:
    total = torch.zeros((), dtype=output.dtype)
    for window in MSS_WINDOWS:
        pair = [torch.stack([loop_magnitudes(clip, window) for clip in clips]) for clips in (output, target)]
        if term == "log_magnitude":
            pair = [torch.log(torch.clamp(value, min=1e-5)) for value in pair]
        if term == "delta_time":
            pair = [value[:, 1:] - value[:, :-1] for value in pair]
        if term == "delta_frequency":
            pair = [value[:, :, 1:] - value[:, :, :-1] for value in pair]
        if term == "cumulative_frequency":
            pair = [torch.cumsum(value, dim=2) for value in pair]
        total = total + (pair[0] - pair[1]).abs().mean()
    return total


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, 3001, generator=generator, dtype=torch.float64) * 0.1 for _ in range(2))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "term", ["magnitude", "log_magnitude", "delta_time", "delta_frequency", "cumulative_frequency"]
)
def test_each_term_equals_its_definition(pair: tuple[Tensor, Tensor], term: str) -> None:
    found = spectral_loss(*pair, SpectralWeights(**(OFF | {term: 0.7})), sample_rate=16000)
    torch.testing.assert_close(found, 0.7 * loop_loss(*pair, term))


def test_l2_punishes_large_differences_more(pair: tuple[Tensor, Tensor]) -> None:
    output, target = pair
    one, two = (
        spectral_loss(output, target, SpectralWeights(**OFF | {"magnitude": 1.0}, distance=distance), sample_rate=16000)
        for distance in ("l1", "l2")
    )
    three, four = (
        spectral_loss(
            2 * output, 2 * target, SpectralWeights(**OFF | {"magnitude": 1.0}, distance=distance), sample_rate=16000
        )
        for distance in ("l1", "l2")
    )
    assert float(three / one) == pytest.approx(2.0)
    assert float(four / two) == pytest.approx(4.0)


def test_the_cosine_hears_no_level(pair: tuple[Tensor, Tensor]) -> None:
    output, _ = pair
    weights = SpectralWeights(**OFF | {"magnitude": 1.0}, distance="cosine")
    assert float(spectral_loss(3 * output, output, weights, sample_rate=16000)) == pytest.approx(0.0, abs=1e-12)
    assert float(spectral_loss(*pair, weights, sample_rate=16000)) > 0.1


def test_the_loudness_term_measures_decibels() -> None:
    clip = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0)) * 0.1
    weights = SpectralWeights(**OFF | {"loudness": 1.0})
    louder = spectral_loss(clip * 10 ** (6 / 20), clip, weights, sample_rate=16000)
    assert float(louder) == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize("name", ["mss", "mss_rel", "spectral"])
def test_every_loss_has_finite_gradients_on_silence(name: str) -> None:
    loss = build_loss(TrainingConfig(loss=name, spectral=SpectralWeights(loudness=1.0)), 16000)
    output = torch.zeros(1, 4000, requires_grad=True)
    loss(output, torch.zeros(1, 4000), 0).backward()
    assert output.grad is not None
    assert torch.isfinite(output.grad).all()


def test_the_assignments_loss_is_the_mean_over_the_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    output, target = (torch.randn(3, 5000, generator=generator) for _ in range(2))
    found = build_loss(TrainingConfig(loss="mss"), 16000)(output, target, 0)
    torch.testing.assert_close(found, multi_scale_distance(output, target).mean())


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_scales_in_turn_add_up_to_the_whole(n_groups: int) -> None:
    generator = torch.Generator().manual_seed(0)
    output, target = (torch.randn(2, 5000, generator=generator) for _ in range(2))
    loss = build_loss(TrainingConfig(loss="mss", scales_in_turn=n_groups), 16000)
    steps = [loss(output, target, step) for step in range(n_groups)]
    torch.testing.assert_close(sum(steps) / n_groups, multi_scale_distance(output, target).mean())
    assert len({float(value) for value in steps}) == n_groups


def test_the_loudness_term_counts_decibels_beside_the_spectra() -> None:
    clip = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0)) * 0.1
    louder = clip * 10 ** (6 / 20)
    plain, weighted = (
        build_loss(TrainingConfig(loss="mss", loudness_weight=weight), 16000)(louder, clip, 0) for weight in (0.0, 0.1)
    )
    assert float(weighted - plain) == pytest.approx(0.6, abs=1e-3)


def test_a_broken_output_makes_a_broken_loss_and_no_error() -> None:
    loss = build_loss(TrainingConfig(loudness_weight=0.1), 16000)
    assert torch.isnan(loss(torch.full((1, 4000), torch.nan), torch.zeros(1, 4000), 0))
