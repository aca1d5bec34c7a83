from __future__ import annotations

import pytest
import torch

from luthier.model.products import FEWEST_OPERATIONS, product, suits_onednn


def matrices(n_rows: int, n_inputs: int, n_columns: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(n_rows, n_inputs, generator=generator)
    return left, torch.randn(n_inputs, n_columns, generator=generator), torch.randn(n_columns, generator=generator)


@pytest.mark.parametrize("sizes", [(200, 128, 96), (8, 64, 192)])
@pytest.mark.parametrize("turned", [False, True], ids=["as it lies", "transposed"])
@pytest.mark.parametrize("biased", [False, True], ids=["no bias", "bias"])
def test_both_libraries_give_the_product(sizes: tuple[int, int, int], turned: bool, biased: bool) -> None:
    left, right, bias = matrices(*sizes)
    left, right = (left.t().contiguous().t(), right.t().contiguous().t()) if turned else (left, right)
    expected = left.double() @ right.double() + (bias.double() if biased else 0.0)
    assert (product(left, right, bias if biased else None) - expected).abs().max() < 1e-4


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")
def test_only_large_products_of_float32_go_to_onednn() -> None:
    left, right, _ = matrices(FEWEST_OPERATIONS // 64 // 64, 64, 64)
    assert suits_onednn(left, right)
    assert not suits_onednn(left[1:], right)
    assert not suits_onednn(left.double(), right.double())
    assert not suits_onednn(left.bfloat16(), right.bfloat16())
