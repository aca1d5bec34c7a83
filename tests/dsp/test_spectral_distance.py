from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import reference
from luthier.dsp import spectral_distance
from luthier.dsp.spectral_distance import MSS_EPSILON, MSS_WINDOWS, SpectralScales, multi_scale_distance, scaled_windows
from luthier.errors import ShapeError


def clips(n_samples: int, batch: int = 2) -> tuple[Tensor, Tensor]:
    """Two different tones with noise."""
    time = torch.arange(n_samples, dtype=torch.float64) / 16000
    noise = torch.rand(2, batch, n_samples, dtype=torch.float64) - 0.5
    output, target = (torch.sin(2 * math.pi * f0 * time) + 0.1 * noise[i] for i, f0 in enumerate((440, 500)))
    return output, target


@pytest.mark.parametrize("n_samples", [64000, 16001, 3000, 100, 1])
def test_values_and_gradients_equal_the_obvious_version(n_samples: int) -> None:
    output, target = clips(n_samples)
    ours, slow = output.clone().requires_grad_(), output.clone().requires_grad_()
    weights = torch.tensor([1.0, 0.3])
    distance = multi_scale_distance(ours, target)
    expected = reference.spectral_distance(slow, target, MSS_WINDOWS, MSS_EPSILON)
    assert torch.allclose(distance, expected, rtol=1e-10)
    (distance * weights).sum().backward()
    (expected * weights).sum().backward()
    assert reference.difference_db(ours.grad, slow.grad) < -180


def test_float32_is_as_good_as_needed() -> None:
    output, target = clips(16000)
    single = output.float().requires_grad_()
    double = output.clone().requires_grad_()
    for clip, wanted in ((single, target.float()), (double, target)):
        multi_scale_distance(clip, wanted).sum().backward()
    assert torch.allclose(multi_scale_distance(single, target.float()).double(), multi_scale_distance(double, target))
    # A few bins change the side on which they differ, where |S - T| is nearly zero.
    assert reference.difference_db(single.grad, double.grad) < -25


def test_gradient_is_the_derivative() -> None:
    output, target = (clip[:, :60] for clip in clips(60))
    scales = SpectralScales(windows=(8, 16), epsilon=1e-3)
    leaf = output.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda values: multi_scale_distance(values, target, scales), (leaf,))


def test_equal_clips_are_no_distance_apart_and_pull_nowhere() -> None:
    output, _ = clips(3000)
    leaf = output.clone().requires_grad_()
    distance = multi_scale_distance(leaf, output)
    distance.sum().backward()
    assert distance.tolist() == [0.0, 0.0]
    assert leaf.grad.abs().max() == 0


def test_two_noises_are_six_times_ln_2_apart_in_their_logarithms() -> None:
    """The noise floor of the assignment's loss."""
    noise = torch.rand(2, 1, 64000) * 2 - 1
    distance = multi_scale_distance(1e-4 * noise[0], 1e-4 * noise[1], SpectralScales(epsilon=1e-12))
    assert float(distance) == pytest.approx(6 * math.log(2), rel=0.1)


def test_clips_of_a_batch_are_compared_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    output, target = clips(3000, batch=5)
    monkeypatch.setattr(spectral_distance, "SAMPLES_IN_CACHE", 7000)
    alone = torch.cat([multi_scale_distance(output[i : i + 1], target[i : i + 1]) for i in range(5)])
    assert torch.allclose(multi_scale_distance(output, target), alone)


def test_no_gradient_is_worked_out_or_given_for_the_target() -> None:
    output, target = clips(3000)
    wanted = target.requires_grad_()
    multi_scale_distance(output.requires_grad_(), wanted).sum().backward()
    assert wanted.grad is None
    assert not multi_scale_distance(output.detach(), target.detach()).requires_grad


def nasty(name: str, n_samples: int) -> Tensor:
    time = torch.arange(n_samples)
    return {
        "silence": torch.zeros(n_samples),
        "dc": torch.ones(n_samples),
        "square": torch.where(time % 40 < 20, 1.0, -1.0),
        "impulse": (time == 0).float(),
        "tiny": torch.full((n_samples,), 1e-30),
        "huge": 1e6 * torch.sin(time / 7),
    }[name].unsqueeze(0)


NASTY = ("silence", "dc", "square", "impulse", "tiny", "huge")


@pytest.mark.parametrize("scales", [SpectralScales(), SpectralScales.relative()], ids=["mss", "mss_rel"])
@pytest.mark.parametrize("target", NASTY)
@pytest.mark.parametrize("output", NASTY)
def test_finite_for_nasty_clips(output: str, target: str, scales: SpectralScales) -> None:
    for n_samples in (1600, 1):
        leaf = nasty(output, n_samples).requires_grad_()
        distance = multi_scale_distance(leaf, nasty(target, n_samples), scales)
        distance.sum().backward()
        assert torch.isfinite(distance).all()
        assert torch.isfinite(leaf.grad).all()


def test_the_relative_distance_ignores_what_nobody_hears() -> None:
    """An inaudible difference 120 dB down counts in `mss`, but not in `mss_rel`."""
    target = torch.sin(torch.arange(16000, dtype=torch.float64) / 5).unsqueeze(0)
    other = target + 1e-6 * torch.rand(1, 16000).double()
    absolute, relative = (multi_scale_distance(other, target, s) for s in (SpectralScales(), SpectralScales.relative()))
    assert float(relative) < 0.1 * float(absolute)


@pytest.mark.parametrize(("rate", "smallest"), [(16000, 64), (22050, 96), (24000, 96), (44100, 192), (48000, 192)])
def test_windows_follow_the_sample_rate(rate: int, smallest: int) -> None:
    windows = scaled_windows(rate)
    assert windows == tuple(smallest << index for index in range(6))
    assert SpectralScales.relative(rate).windows == windows


@pytest.mark.parametrize("shape", [(2, 10), (1, 11), (1, 0), (10,)])
def test_clips_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    target = torch.zeros(1, 10) if 0 not in shape and len(shape) == 2 else torch.zeros(shape)
    with pytest.raises(ShapeError, match="expected two equal"):
        multi_scale_distance(torch.zeros(shape), target)
