from __future__ import annotations

import pytest
import torch

from luthier.features.crepe_network import CrepeNetwork
from luthier.features.crepe_weights import crepe_network


@pytest.mark.parametrize(("size", "parameters"), [("tiny", 486_552), ("full", 22_239_976)])
def test_the_sizes_are_those_of_the_paper(size: str, parameters: int) -> None:
    with torch.device("meta"):
        network = CrepeNetwork(size)
    assert sum(weight.numel() for weight in network.parameters()) == parameters


def test_level_and_offset_of_a_frame_do_not_matter() -> None:
    frames = torch.randn(3, 1024)
    network = crepe_network("tiny")
    torch.testing.assert_close(network(frames), network(0.01 * frames + 0.5), atol=1e-2, rtol=1e-2)


def test_a_silent_frame_is_finite() -> None:
    assert torch.isfinite(crepe_network("tiny")(torch.zeros(1, 1024))).all()
