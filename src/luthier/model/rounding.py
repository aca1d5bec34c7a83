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
    if not torch.is_autocast_enabled(device) or inputs.shape[-1] < FEWEST_INPUTS:
        with torch.autocast(device, enabled=False):
            return F.linear(inputs, weight, bias)
    with torch.autocast(device, enabled=False):
        product: Tensor = _Centred.apply(inputs.flatten(0, -2), weight, bias, torch.get_autocast_dtype(device))
    return product.unflatten(0, inputs.shape[:-1])


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
