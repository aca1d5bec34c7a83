"""Weights side by side are the same weights."""

import copy

import torch
from torch import nn

from luthier.training.weight_row import WeightRow


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def loss_of(model: nn.Module) -> torch.Tensor:
    return model(torch.linspace(-1.0, 1.0, 12).view(4, 3)).square().sum()


def test_an_optimiser_of_the_parts_teaches_the_network_itself() -> None:
    ours, plain = network(), network()
    row = WeightRow.of(list(ours.parameters()))
    settings = {"lr": 0.05, "weight_decay": 0.1}
    our_optimiser = torch.optim.AdamW(row.parts([20, 12]), **settings)
    plain_optimiser = torch.optim.AdamW(plain.parameters(), **settings)
    for _ in range(3):
        our_optimiser.zero_grad(set_to_none=False)
        plain_optimiser.zero_grad()
        for model in (ours, plain):
            loss_of(model).backward()
        for gradient, parameter in zip(row.gradients.split([15, 5, 10, 2]), plain.parameters(), strict=True):
            torch.testing.assert_close(gradient, parameter.grad.flatten())
        our_optimiser.step()
        plain_optimiser.step()
    before = network()
    for found, wanted, start in zip(ours.parameters(), plain.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(found, wanted)
        assert not torch.equal(found, start)


def test_parameters_show_what_is_written_into_the_row() -> None:
    model = network()
    values = [parameter.detach().clone() for parameter in model.parameters()]
    row = WeightRow.of(list(model.parameters()))
    assert all(torch.equal(value, parameter) for value, parameter in zip(values, model.parameters(), strict=True))
    copied = copy.deepcopy(model)
    row.weights.zero_()
    assert not any(parameter.any() for parameter in model.parameters())
    assert any(parameter.any() for parameter in copied.parameters())
