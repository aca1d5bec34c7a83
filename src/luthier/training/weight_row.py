"""All weights of an instrument side by side in one tensor, and all gradients in another.

What is done to every weight alike (a step of the optimiser, a sum of gradients, a look for infinite ones, a copy for
another process) is then done once and not sixty times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class WeightRow(NamedTuple):
    """Weights and gradients in the order of their parameters, which are views of these two.

    Gradients are set to zero by writing into them: a gradient that is None is no view any more.

    Attributes:
        weights: (n_weights,).
        gradients: (n_weights,).
    """

    weights: Tensor
    gradients: Tensor

    @classmethod
    def of(cls, parameters: Sequence[nn.Parameter]) -> WeightRow:
        """Put parameters side by side; their values stay, and their gradients are zero."""
        weights = torch.cat([parameter.detach().flatten() for parameter in parameters])
        row = cls(weights, torch.zeros_like(weights))
        row.hold(parameters)
        return row

    def hold(self, parameters: Sequence[nn.Parameter]) -> None:
        """Make parameters and their gradients views of this row, whatever values they had."""
        sizes = [parameter.numel() for parameter in parameters]
        views = self.weights.split(sizes), self.gradients.split(sizes)
        for parameter, weight, gradient in zip(parameters, *views, strict=True):
            parameter.data, parameter.grad = weight.view_as(parameter), gradient.view_as(parameter)

    def parts(self, sizes: Sequence[int]) -> list[nn.Parameter]:
        """Cut the row into neighbouring parameters of these sizes, for an optimiser."""
        parts = [nn.Parameter(part) for part in self.weights.split(list(sizes))]
        for part, gradient in zip(parts, self.gradients.split(list(sizes)), strict=True):
            part.grad = gradient
        return parts
