"""Turn recordings of an instrument into an instrument that you can play.

    import luthier

    violin = luthier.load("violin.safetensors")
    result = violin.transfer(audio, sample_rate)

The names below are looked up when they are first used: importing this package is instant and does nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luthier.analysis.controls import analyse as analyse
    from luthier.data.prepare import prepare as prepare
    from luthier.errors import LuthierError as LuthierError
    from luthier.features.extract import extract_features as extract_features
    from luthier.inference.player import load_player as load
    from luthier.training.run import train as train

__version__ = "0.1.0"

_DEFINED_IN = {
    "LuthierError": ("luthier.errors", "LuthierError"),
    "analyse": ("luthier.analysis.controls", "analyse"),
    "extract_features": ("luthier.features.extract", "extract_features"),
    "load": ("luthier.inference.player", "load_player"),
    "prepare": ("luthier.data.prepare", "prepare"),
    "train": ("luthier.training.run", "train"),
}
"""Public name -> the module that defines it, and its name there."""

__all__ = ["LuthierError", "__version__", "analyse", "extract_features", "load", "prepare", "train"]


def __getattr__(name: str) -> object:
    if name not in _DEFINED_IN:
        raise AttributeError(f"module 'luthier' has no attribute {name!r}")
    module, attribute = _DEFINED_IN[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
