import pytest
import torch

from luthier.training.precision import has_fast_bfloat16


@pytest.mark.parametrize(("capability", "expected"), [("avx512_bf16", True), ("amx_bf16", True), ("avx2", False)])
def test_it_follows_the_processor(monkeypatch: pytest.MonkeyPatch, capability: str, expected: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True})
    assert has_fast_bfloat16("cpu") is expected


def test_unknown_devices_are_left_alone() -> None:
    assert not has_fast_bfloat16("meta")
