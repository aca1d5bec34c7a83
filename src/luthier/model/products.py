"""Products of float32 matrices on the processor, by whichever of torch's two libraries is the faster.

Torch multiplies through MKL, which uses half the vector width of processors of other makers. oneDNN, which torch
brings for its compiled graphs, uses all of it: 2.3 times as fast for the matrices of a decoder. Its calls cost more,
so that small products stay where they are.
"""

from __future__ import annotations

import torch
from torch import Tensor

FEWEST_OPERATIONS = 1 << 21
"""Smaller products than this, counted in multiplications, are over before oneDNN's call has begun."""


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply two matrices and add a bias to every row; gradients do not flow through it.

    Args:
        left: (n_rows, n_inputs).
        right: (n_inputs, n_columns).
        bias: (n_columns,).

    Returns:
        (n_rows, n_columns).
    """
    if suits_onednn(left, right):
        turned: Tensor = torch.ops.mkldnn._linear_pointwise(left, right.t(), bias, "none", [], "")
        return turned
    return torch.mm(left, right) if bias is None else torch.addmm(bias, left, right)


def suits_onednn(left: Tensor, right: Tensor) -> bool:
    """Whether `product` of these two, (n_rows, n_inputs) and (n_inputs, n_columns), is oneDNN's."""
    return (
        left.dtype == right.dtype == torch.float32
        and left.device.type == "cpu"
        and left.numel() * right.shape[1] >= FEWEST_OPERATIONS
        and _HAS_ONEDNN
    )


_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
