"""Instrument files of older formats, brought to today's step by step: people's instruments must load for ever.

A converter takes the header and the weights of its version and gives those of the next. Both are a stranger's: what
is not as expected stays as it is, and is refused with everything else that does not fit together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from luthier.dsp.signals import Expression
from luthier.model.rooms import split_taps
from luthier.model.statistics import Statistics

FORMAT_VERSION = 2
EXPRESSION_QUANTILES = "statistics.expression_quantiles"
NOISIEST_DB = 60.0
"""The largest noisiness that is measured: where nothing is known of an instrument's, it never counts as unusual."""


class Content(NamedTuple):
    """What an instrument file holds.

    Attributes:
        header: parsed JSON.
        weights: by name.
    """

    header: dict[str, Any]
    weights: dict[str, Tensor]


def upgrade(content: Content) -> Content:
    """Bring a file of a known version to `FORMAT_VERSION`, its sound unchanged; today's stay as they are."""
    for version in range(content.header["format_version"], FORMAT_VERSION):
        content = CONVERTERS[version](content)
        content = content._replace(header=content.header | {"format_version": version + 1})
    return content


def _from_1(content: Content) -> Content:
    """Format 1 grew while it was in use: its first files know no expression, mel bands or dropout.

    They name the activation instead, of which there was only one. Taps that die away were one tensor.
    """
    header, weights = content
    config = header.get("config")
    if isinstance(config, dict):
        header = header | {"config": _config_from_1(config)}
        weights = _taps_from_1(config, weights)
    # Who predicts expression was trained when it was measured.
    if EXPRESSION_QUANTILES not in weights and not any(name.startswith("predictor.") for name in weights):
        weights = weights | {EXPRESSION_QUANTILES: _unknown_expression()}
    return Content(header, weights)


def _config_from_1(config: dict[str, Any]) -> dict[str, Any]:
    decoder, synths = config.get("decoder"), config.get("synths")
    if isinstance(decoder, dict):
        passed = {"activation"} if decoder.get("activation") == "leaky_relu" else set()
        decoder = {"dropout": 0.0} | {key: value for key, value in decoder.items() if key not in passed}
        config = config | {"decoder": decoder}
    if isinstance(synths, list):
        config = config | {
            "synths": [{"mel_bands": 0} | synth if isinstance(synth, dict) else synth for synth in synths]
        }
    return config


def _taps_from_1(config: dict[str, Any], weights: dict[str, Tensor]) -> dict[str, Tensor]:
    room, features = config.get("room"), config.get("features")
    sample_rate = features.get("sample_rate") if isinstance(features, dict) else None
    taps = weights.get("room.taps")
    if not isinstance(room, dict) or room.get("kind") != "decaying_taps" or taps is None or taps.ndim != 1:
        return weights
    if not isinstance(sample_rate, int) or not 0 < sample_rate < 1 << 20:  # it will be refused with the config
        return weights
    early, late = split_taps(taps, sample_rate)
    return weights | {"room.early_taps": early, "room.taps": late}


def _unknown_expression() -> Tensor:
    quantiles = Statistics().expression_quantiles.clone()
    quantiles[Expression._fields.index("noisiness_db")] = NOISIEST_DB
    return quantiles


CONVERTERS: dict[int, Callable[[Content], Content]] = {1: _from_1}
"""Version -> what makes the next one of it."""
