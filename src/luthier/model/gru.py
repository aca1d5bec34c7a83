"""A gated recurrent unit whose weight gradient is one matrix product at the end instead of one a frame.

    r = sigmoid(x Wir + h Whr)     z = sigmoid(x Wiz + h Whz)     n = tanh(x Win + r * (h Whn))
    h = (1 - z) * n + z * h        (biases left out)

The recurrence itself needs the hidden weights frame by frame; everything else is done for all frames at once,
forward and backward. Small networks on a CPU take compiled loops for it, where numba is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from luthier.dsp.kernels import in_parts, kernels
from luthier.model.products import product, suits_onednn
from luthier.model.rounding import linear

KERNELS = "luthier.model.gru_kernels"
MOST_UNITS = 128
"""Larger networks are worked out faster by the library's matrix products."""


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
    device = inputs.device.type
    if inputs.is_cuda or not torch.is_grad_enabled():  # there the library's own kernels are faster
        with torch.autocast(device, enabled=False):  # they would round whole inputs, see `rounding`
            outputs, last = gru(inputs, hidden.transpose(0, 1).contiguous())
        return outputs, last.transpose(0, 1)
    weight_in, bias_in = gru.get_parameter("weight_ih_l0"), gru.get_parameter("bias_ih_l0")
    weight, bias = gru.get_parameter("weight_hh_l0"), gru.get_parameter("bias_hh_l0")
    matrix_dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    from_inputs = linear(inputs, weight_in, bias_in).transpose(0, 1).contiguous()
    with torch.autocast(device, enabled=False):  # the recurrence chooses for itself what may be rounded
        recurrence = _CompiledRecurrence if _suits_kernels(from_inputs, matrix_dtype) else _Recurrence
        outputs = recurrence.apply(from_inputs, hidden[:, 0], weight.to(matrix_dtype), bias)
    return outputs.transpose(0, 1), outputs[-1:].transpose(0, 1)


def _suits_kernels(from_inputs: Tensor, matrix_dtype: torch.dtype) -> bool:
    n_units = from_inputs.shape[-1] // 3
    is_float32 = from_inputs.dtype == matrix_dtype == torch.float32
    return is_float32 and n_units <= MOST_UNITS and n_units % 4 == 0 and kernels(KERNELS) is not None


class _CompiledRecurrence(torch.autograd.Function):
    """As `_Recurrence`, frame by frame all the way."""

    @staticmethod
    def forward(ctx: Any, from_inputs: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n_frames, batch, _ = from_inputs.shape
        states = hidden.new_empty(n_frames + 1, *hidden.shape)
        states[0] = hidden
        gates, candidates = torch.empty_like(from_inputs), torch.empty_like(states[1:])
        arrays = from_inputs, weight.t().contiguous(), bias, states, gates, candidates
        in_parts(kernels(KERNELS).forward, batch, *arrays)
        ctx.save_for_backward(states, gates, candidates, weight)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        states, gates, candidates, weight = ctx.saved_tensors
        by_state, to_new, carried = torch.empty_like(gates), torch.empty_like(candidates), torch.zeros_like(states[0])
        arrays = states, gates, candidates, weight, outer.contiguous(), by_state, to_new, carried
        in_parts(kernels(KERNELS).backward, len(carried), *arrays)
        flat = by_state.flatten(0, 1)
        by_weight, by_bias = product(flat.t(), states[:-1].flatten(0, 1)), flat.sum(dim=0)
        by_state[..., 2 * to_new.shape[-1] :] = to_new  # the inputs are not multiplied with r
        return by_state, carried, by_weight, by_bias


class _Recurrence(torch.autograd.Function):
    """(n_frames, batch, 3 * n_units) from the inputs, to (n_frames, batch, n_units).

    The loops are all there is to do frame by frame. Views of the frames are made before them: making
    one costs as much as multiplying a small network's numbers.
    """

    @staticmethod
    def forward(ctx: Any, from_inputs: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        from_inputs = from_inputs.to(hidden.dtype)
        n_frames, batch, n_gates = from_inputs.shape
        n_units = n_gates // 3
        states = hidden.new_empty(n_frames + 1, batch, n_units)
        gates = torch.empty_like(from_inputs)  # r, z and n of every frame
        states[0] = hidden
        turned, from_state = weight.t().contiguous(), hidden.new_empty(batch, n_gates)
        to_reset_update, candidate = from_state.split([2 * n_units, n_units], dim=-1)
        for before, after, outside, gate in zip(
            states[:-1].unbind(0),
            states[1:].unbind(0),
            _parts(from_inputs, n_units),
            _parts(gates, n_units),
            strict=True,
        ):
            _affine(before, turned, bias, out=from_state)
            torch.add(outside.reset_update, to_reset_update, out=gate.reset_update).sigmoid_()
            torch.addcmul(outside.new, gate.reset, candidate, out=gate.new).tanh_()
            torch.lerp(gate.new, before, gate.update, out=after)
        ctx.save_for_backward(states, gates, weight, bias)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        states, gates, weight, bias = ctx.saved_tensors
        n_units = states.shape[-1]
        reset, update, new = gates.split(n_units, dim=-1)
        before = states[:-1].flatten(0, 1).to(weight.dtype)
        # What r is multiplied with, again: for all frames at once that costs less than having kept it.
        candidates = product(before, weight[2 * n_units :].t()).to(states.dtype).add_(bias[2 * n_units :])
        # All that does not depend on the gradient from later frames, for all frames at once:
        to_new = (1.0 - update).mul_(1.0 - new.square())
        to_update = (states[:-1] - new).mul_(update).mul_(1.0 - update)
        to_reset = candidates.view_as(new).mul_(reset).mul_(1.0 - reset).mul_(to_new)
        by_state = torch.stack([to_reset, to_update, to_new * reset], dim=2)  # (n_frames, batch, 3, n_units)
        arriving, carried = torch.empty_like(new), torch.zeros_like(states[0])
        multiply = product if suits_onednn(by_state[0].flatten(1), weight) else torch.mm
        # From slopes to gradients, in place: these are the largest tensors of a training step.
        frames = (arriving, arriving.unsqueeze(2), by_state, by_state.flatten(2), outer, update)
        for total, gates_total, slope, flat_slope, given, kept in zip(
            *(_backwards(one) for one in frames), strict=True
        ):
            torch.add(carried, given, out=total)
            slope.mul_(gates_total)
            carried = multiply(flat_slope.to(weight.dtype), weight).to(outer.dtype).addcmul_(total, kept)
        flat = by_state.flatten(2).flatten(0, 1)
        by_weight, by_bias = product(flat.to(weight.dtype).t(), before), flat.sum(dim=0)
        torch.mul(arriving, to_new, out=by_state[:, :, 2])  # the inputs are not multiplied with r
        return by_state.flatten(2), carried, by_weight, by_bias


class _Parts(NamedTuple):
    reset_update: Tensor
    reset: Tensor
    update: Tensor
    new: Tensor


def _parts(gates: Tensor, n_units: int) -> Iterator[_Parts]:
    """Views of (n_frames, batch, 3 * n_units), frame by frame."""
    reset_update, new = gates.split([2 * n_units, n_units], dim=-1)
    reset, update = reset_update.split(n_units, dim=-1)
    return map(_Parts, reset_update.unbind(0), reset.unbind(0), update.unbind(0), new.unbind(0))


def _backwards(frames: Tensor) -> tuple[Tensor, ...]:
    """Views of the frames, the last first."""
    return frames.unbind(0)[::-1]


def _affine(state: Tensor, weight: Tensor, bias: Tensor, *, out: Tensor) -> None:
    """state @ weight + bias; the product in the weight's type, the sum in the state's."""
    if suits_onednn(state, weight):
        out.copy_(product(state, weight, bias))
    elif weight.dtype == state.dtype:
        torch.addmm(bias, state, weight, out=out)
    else:
        out.copy_(state.to(weight.dtype) @ weight).add_(bias)
