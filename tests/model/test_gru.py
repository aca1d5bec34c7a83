import pytest
import torch
from torch import Tensor, nn

from luthier.model.gru import run_gru
from luthier.model.products import suits_onednn


@pytest.fixture
def gru() -> nn.GRU:
    return nn.GRU(6, 5, batch_first=True).double()


def make_inputs(*, requires_grad: bool = False) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(  # type: ignore[return-value]
        torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_(requires_grad)
        for shape in ((3, 7, 6), (3, 1, 5))
    )


def test_it_equals_the_librarys_forward_and_backward(gru: nn.GRU) -> None:
    inputs, hidden = make_inputs(requires_grad=True)
    results = []
    for outputs, last in (run_gru(gru, inputs, hidden), gru(inputs, hidden.transpose(0, 1))):
        total = (outputs * torch.linspace(-1, 1, outputs.numel(), dtype=torch.float64).view_as(outputs)).sum()
        gradients = torch.autograd.grad(total + last.square().sum(), [inputs, hidden, *gru.parameters()])
        results.append((outputs, *gradients))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-13, rtol=0)


def test_it_equals_the_librarys_where_products_are_large() -> None:
    gru = nn.GRU(256, 512, batch_first=True)
    inputs, hidden = torch.randn(8, 4, 256, requires_grad=True), torch.randn(8, 1, 512, requires_grad=True)
    assert suits_onednn(hidden[:, 0], gru.weight_hh_l0.t()) == torch.backends.mkldnn.is_available()
    leaves = [inputs, hidden, *gru.parameters()]
    ours, theirs = (
        torch.autograd.grad(outputs.square().sum(), leaves)
        for outputs, _ in (run_gru(gru, inputs, hidden), gru(inputs, hidden.transpose(0, 1)))
    )
    for found, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, wanted, atol=2e-4, rtol=1e-4)


def test_its_gradient_is_right(gru: nn.GRU) -> None:
    inputs, hidden = make_inputs(requires_grad=True)
    assert torch.autograd.gradcheck(lambda *tensors: run_gru(gru, *tensors), (inputs, hidden))


def test_without_gradients_it_gives_the_same(gru: nn.GRU) -> None:
    inputs, hidden = make_inputs()
    with torch.no_grad():
        without = run_gru(gru, inputs, hidden)
    for one, two in zip(without, run_gru(gru, inputs, hidden), strict=True):
        torch.testing.assert_close(one, two, atol=1e-13, rtol=0)


def test_rounded_matrices_change_little_and_give_gradients_in_full() -> None:
    gru = nn.GRU(6, 5, batch_first=True)
    inputs, hidden = (value.float() for value in make_inputs())
    exact, _ = run_gru(gru, inputs, hidden)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = run_gru(gru, inputs, hidden)
    rounded.sum().backward()
    assert rounded.dtype == torch.float32
    assert 0 < float((rounded - exact).detach().abs().max()) < 0.02  # eight bits of mantissa, seven frames
    assert gru.weight_hh_l0.grad is not None
    assert gru.weight_hh_l0.grad.dtype == torch.float32
