from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from luthier.model.rounding import FEWEST_INPUTS, Linear, linear

N_INPUTS, N_OUTPUTS = 64, 48


@pytest.fixture
def weight() -> Tensor:
    return torch.randn(N_OUTPUTS, N_INPUTS, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def bias() -> Tensor:
    return torch.linspace(-1.0, 1.0, N_OUTPUTS)


def nearly_equal_frames() -> Tensor:
    """(2, 50, 64): frames that differ by a few parts in a thousand, as behind an f0 in Hz."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(N_INPUTS, generator=generator)
    return common * (1.0 + 0.002 * torch.randn(2, 50, N_INPUTS, generator=generator))


def under_autocast(call: Callable[[], Tensor]) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return call()


def difference_error(output: Tensor, exact: Tensor) -> float:
    """RMS error of what differs between frames, relative to that."""
    deviation, wanted = output - output.mean(dim=(0, 1)), exact - exact.mean(dim=(0, 1))
    return float((deviation - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())


def test_without_autocast_it_is_the_exact_product(weight: Tensor, bias: Tensor) -> None:
    inputs = nearly_equal_frames()
    assert torch.equal(linear(inputs, weight, bias), F.linear(inputs, weight, bias))


def test_large_products_and_their_gradients_are_exact() -> None:
    leaves = [torch.randn(shape, requires_grad=True) for shape in ((4, 100, 128), (96, 128), (96,))]
    outputs = linear(*leaves), F.linear(*leaves)
    for found, wanted in zip(*(torch.autograd.grad(one.square().sum(), leaves) for one in outputs), strict=True):
        torch.testing.assert_close(found, wanted, atol=2e-2, rtol=1e-4)  # of sums of 400 rows


def test_under_autocast_small_differences_between_frames_survive(weight: Tensor, bias: Tensor) -> None:
    inputs = nearly_equal_frames()
    exact = F.linear(inputs, weight, bias)
    ours = under_autocast(lambda: linear(inputs, weight, bias))
    plainly_rounded = under_autocast(lambda: F.linear(inputs, weight, bias)).float()
    assert ours.dtype == torch.float32
    assert difference_error(ours, exact) < 0.006 < 0.3 < difference_error(plainly_rounded, exact)


def test_under_autocast_the_gradients_keep_their_differences_too(weight: Tensor, bias: Tensor) -> None:
    inputs = nearly_equal_frames().requires_grad_()
    leaves = (inputs, weight.requires_grad_(), bias.requires_grad_())
    slopes = torch.randn(2, 50, N_OUTPUTS, generator=torch.Generator().manual_seed(2))
    slopes = slopes - slopes.mean(dim=(0, 1))  # so that the common part does not drown the weight's gradient
    exact = torch.autograd.grad((F.linear(*leaves) * slopes).sum(), leaves)
    ours = torch.autograd.grad((under_autocast(lambda: linear(*leaves)) * slopes).sum(), leaves)
    for found, wanted in zip(ours[:2], exact[:2], strict=True):
        assert float((found - wanted).norm() / wanted.norm()) < 0.006
    torch.testing.assert_close(ours[2], exact[2])


def test_a_product_of_few_inputs_stays_exact(bias: Tensor) -> None:
    inputs, weight = torch.rand(3, 10, 1) * 600.0 + 200.0, torch.rand(N_OUTPUTS, 1)
    assert FEWEST_INPUTS > 1
    assert torch.equal(under_autocast(lambda: linear(inputs, weight, bias)), F.linear(inputs, weight, bias))


def test_the_layer_keeps_the_names_and_the_shape_of_torchs() -> None:
    ours, theirs = Linear(20, 3), nn.Linear(20, 3)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert under_autocast(lambda: ours(torch.zeros(4, 5, 20))).shape == (4, 5, 3)
