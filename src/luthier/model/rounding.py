"""Matrix products in bfloat16 that keep small differences between frames.

Eight bits hold a number to within 0.4 percent. Where the inputs of a layer differ by less than that from frame to
frame, as they do behind an f0 in Hz, rounding them rounds away all that they say. What they have in common needs one
product in full precision, and the differences alone are rounded:

    x W + b = (x - c) W + (c W + b)        c: the mean over batch and frames
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from luthier.model.products import product

FEWEST_INPUTS = 16
"""Products with fewer inputs stay exact: they cost nothing."""


class Linear(nn.Linear):
    """torch.nn.Linear, which under autocast rounds only the inputs' deviations from their mean, and not its output."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return linear(input, self.weight, self.bias)


def linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Multiply with the transposed weight and add the bias; under autocast as `Linear` says.

    Args:
        inputs: (..., n_inputs).
        weight: (n_outputs, n_inputs).
        bias: (n_outputs,).

    Returns:
        (..., n_outputs), of the weight's type.
    """
    device = inputs.device.type
    exact = not torch.is_autocast_enabled(device) or inputs.shape[-1] < FEWEST_INPUTS
    rounded = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):
        if exact and device != "cpu":
            return F.linear(inputs, weight, bias)
        flat = inputs.flatten(0, -2)
        sums: Tensor = _Exact.apply(flat, weight, bias) if exact else _Centred.apply(flat, weight, bias, rounded)
    return sums.unflatten(0, inputs.shape[:-1])


class _Exact(torch.autograd.Function):
    """F.linear with the three products in the faster library."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return product(inputs, weight.t(), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        inputs, weight = ctx.saved_tensors
        by_inputs = product(outer, weight) if ctx.needs_input_grad[0] else None
        return by_inputs, product(outer.t(), inputs), outer.sum(dim=0)


class _Centred(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, rounded: torch.dtype) -> Tensor:
        centre = inputs.mean(dim=0)
        deviations, small_weight = (inputs - centre).to(rounded), weight.to(rounded)
        ctx.save_for_backward(deviations, small_weight, centre)
        return torch.mm(deviations, small_weight.t()).to(weight.dtype).add_(torch.addmv(bias, weight, centre))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        deviations, small_weight, centre = ctx.saved_tensors
        small_outer, by_bias = outer.to(small_weight.dtype), outer.sum(dim=0)
        by_inputs = torch.mm(small_outer, small_weight).to(outer.dtype) if ctx.needs_input_grad[0] else None
        by_weight = torch.mm(small_outer.t(), deviations).to(outer.dtype).addr_(by_bias, centre)
        return by_inputs, by_weight, by_bias, None
