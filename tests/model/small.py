"""Instruments small enough to build in a blink, and features to play on them."""

from __future__ import annotations

import torch

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Expression, Features
from luthier.model.config import DecoderConfig, InstrumentConfig, RoomConfig
from luthier.model.instrument import Instrument
from luthier.model.statistics import N_QUANTILES, StatisticsValues

VIOLIN = StatisticsValues(
    f0_octaves_mean=9.0,
    f0_octaves_std=0.5,
    loudness_db_mean=-30.0,
    loudness_db_std=8.0,
    f0_octaves_quantiles=torch.linspace(7.65, 10.0, N_QUANTILES).tolist(),  # 200 Hz to 1024 Hz
    loudness_db_quantiles=torch.linspace(-50.0, -10.0, N_QUANTILES).tolist(),
    expression_quantiles=[
        torch.linspace(low, high, N_QUANTILES).tolist()
        for low, high in ((1.0, 3.0), (-20.0, 0.0), (-5.0, 15.0), (-40.0, -10.0), (0.0, 2.0))
    ],
)
"""Statistics as of a small violin recording."""


def small_config(**changes: object) -> InstrumentConfig:
    small: dict[str, object] = {
        "preset": "small",
        "features": FeatureDefinition(hop_length=160, tracker="swift"),
        "n_harmonics": 5,
        "n_bands": 9,
        "decoder": DecoderConfig(input_width=4, gru_width=6, output_width=7),
        "room": RoomConfig(kind="decaying", seconds=0.1),
    }
    return InstrumentConfig.model_validate(small | changes)


def small_instrument(seed: int = 3, **changes: object) -> Instrument:
    """Untrained, but with statistics and weights that are the same every time."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        instrument = Instrument(small_config(**changes))
    instrument.statistics.set(VIOLIN)
    return instrument.eval()


def constant_features(f0_hz: float, loudness_db: float, n_frames: int, batch: int = 1) -> Features:
    frames = torch.ones(batch, n_frames, 1)
    return Features(f0_hz * frames, frames * float(f0_hz > 0), loudness_db * frames)


def joined(*features: Features, dim: int) -> Features:
    """Several features, none with an expression, one after another along an axis."""
    return Features(*(torch.cat(parts, dim=dim) for parts in zip(*(each[:3] for each in features), strict=True)))


def expressive_features(n_frames: int, batch: int = 1, **expression: float) -> Features:
    """Random features with a constant expression, which is 1 where it is not given."""
    ones = torch.ones(batch, n_frames, 1)
    fields = {name: expression.get(name, 1.0) * ones for name in Expression._fields}
    return random_features(n_frames, batch)._replace(**fields)


def random_features(n_frames: int, batch: int = 1) -> Features:
    draw = torch.rand(3, batch, n_frames, 1)
    return Features(100 + 900 * draw[0], draw[1], -60 + 50 * draw[2])
