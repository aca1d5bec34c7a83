"""A gated recurrent unit whose weight gradient is one matrix product at the end instead of one a frame.

    r = sigmoid(x Wir + h Whr)     z = sigmoid(x Wiz + h Whz)     n = tanh(x Win + r * (h Whn))
    h = (1 - z) * n + z * h        (biases left out)

The recurrence itself needs the hidden weights frame by frame; everything else is done for all frames at once,
forward and backward.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def run_gru(gru: nn.GRU, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Run a one-layer GRU over frames, the same as calling it, with a backward pass of less memory traffic.

    Args:
        gru: one layer, one direction, batch first.
        inputs: (batch, n_frames, n_inputs).
        hidden: (batch, 1, n_units), the state before the first frame.

    Returns:
        (batch, n_frames, n_units) and the state after the last frame, (batch, 1, n_units).

    Source: Cho et al. 2014, in the variant of torch.nn.GRU.
    """
    if inputs.is_cuda or not torch.is_grad_enabled():  # there the library's own kernels are faster
        outputs, last = gru(inputs, hidden.transpose(0, 1).contiguous())
        return outputs, last.transpose(0, 1)
    weight_in, bias_in = gru.get_parameter("weight_ih_l0"), gru.get_parameter("bias_ih_l0")
    weight, bias = gru.get_parameter("weight_hh_l0"), gru.get_parameter("bias_hh_l0")
    device = inputs.device.type
    matrix_dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    from_inputs = F.linear(inputs, weight_in, bias_in).transpose(0, 1).contiguous()
    with torch.autocast(device, enabled=False):  # the recurrence chooses for itself what may be rounded
        outputs = _Recurrence.apply(from_inputs, hidden[:, 0], weight.to(matrix_dtype), bias)
    return outputs.transpose(0, 1), outputs[-1:].transpose(0, 1)


class _Recurrence(torch.autograd.Function):
    """(n_frames, batch, 3 * n_units) from the inputs, to (n_frames, batch, n_units)."""

    @staticmethod
    def forward(ctx: Any, from_inputs: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        from_inputs = from_inputs.to(hidden.dtype)
        n_frames, batch, n_gates = from_inputs.shape
        n_units = n_gates // 3
        states = hidden.new_empty(n_frames + 1, batch, n_units)
        gates = torch.empty_like(from_inputs)  # r, z and n of every frame
        candidates = hidden.new_empty(n_frames, batch, n_units)  # h Whn + b, before r
        states[0] = hidden
        turned = weight.t().contiguous()
        for frame in range(n_frames):
            from_state = (states[frame].to(weight.dtype) @ turned).to(hidden.dtype).add_(bias)
            reset_update = gates[frame, :, : 2 * n_units]
            torch.add(from_inputs[frame, :, : 2 * n_units], from_state[:, : 2 * n_units], out=reset_update).sigmoid_()
            candidates[frame] = from_state[:, 2 * n_units :]
            reset, update = reset_update.chunk(2, dim=1)
            new = gates[frame, :, 2 * n_units :]
            torch.addcmul(from_inputs[frame, :, 2 * n_units :], reset, candidates[frame], out=new).tanh_()
            torch.lerp(new, states[frame], update, out=states[frame + 1])
        ctx.save_for_backward(states, gates, candidates, weight)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        states, gates, candidates, weight = ctx.saved_tensors
        n_units = states.shape[-1]
        reset, update, new = gates.split(n_units, dim=-1)
        # What does not depend on the gradient from later frames, for all frames at once:
        to_new = (1.0 - update).mul_(1.0 - new.square())
        to_update = (states[:-1] - new).mul_(update).mul_(1.0 - update)
        to_reset = candidates.mul(reset).mul_(1.0 - reset)
        by_inputs = torch.empty_like(gates)
        by_state = torch.empty_like(gates)
        carried = torch.zeros_like(states[0])
        for frame in range(len(gates) - 1, -1, -1):
            arriving = carried.add_(outer[frame])
            d_new = torch.mul(arriving, to_new[frame], out=by_inputs[frame, :, 2 * n_units :])
            torch.mul(d_new, to_reset[frame], out=by_inputs[frame, :, :n_units])
            torch.mul(arriving, to_update[frame], out=by_inputs[frame, :, n_units : 2 * n_units])
            by_state[frame, :, : 2 * n_units] = by_inputs[frame, :, : 2 * n_units]
            torch.mul(d_new, reset[frame], out=by_state[frame, :, 2 * n_units :])
            carried = (by_state[frame].to(weight.dtype) @ weight).to(outer.dtype)
            carried.addcmul_(arriving, update[frame])
        flat, before = by_state.flatten(0, 1), states[:-1].flatten(0, 1)
        by_weight = flat.to(weight.dtype).t() @ before.to(weight.dtype)
        return by_inputs, carried, by_weight, flat.sum(dim=0)
