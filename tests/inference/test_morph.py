from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from inference.conftest import NOISY
from luthier.dsp.signals import Controls, Features
from luthier.errors import ConfigError, RangeError
from luthier.inference.morph import Morph, MorphWith, check_morph
from luthier.model.instrument import Instrument
from model.small import random_features, small_instrument


def pair() -> tuple[Instrument, Instrument]:
    return small_instrument(1, synths=NOISY), small_instrument(2, synths=NOISY)


def morphed(amount: float, features: Features, *bounds: int) -> Controls:
    """What is played, in blocks between the bounds."""
    first, second = pair()
    morph = Morph(MorphWith(second, amount), features)
    with torch.no_grad():
        whole = first.controls(features)
    blocks = [slice(a, b) for a, b in pairwise(bounds)]
    parts = [morph(Controls(*(values[:, block] for values in whole)), block) for block in blocks]
    return Controls(*(torch.cat(values, dim=1) for values in zip(*parts, strict=True)))


@pytest.mark.parametrize(("amount", "index"), [(0.0, 0), (1.0, 1)])
def test_the_ends_are_the_two_instruments(amount: float, index: int) -> None:
    features = random_features(30)
    with torch.no_grad():
        alone = pair()[index].controls(features)
    for found, expected in zip(morphed(amount, features, 0, 30), alone, strict=True):
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-5)  # the floor of -120 dB


def test_halfway_each_harmonic_has_the_mean_level() -> None:
    features = random_features(30)
    low, middle, high = (morphed(amount, features, 0, 30) for amount in (0.0, 0.5, 1.0))
    levels = [(c.amplitude * c.harmonic_distribution).clamp_min(1e-6).log() for c in (low, middle, high)]
    assert torch.allclose(levels[1], (levels[0] + levels[2]) / 2, atol=1e-3)
    assert not torch.allclose(levels[0], levels[2], atol=0.1)


def test_blocks_are_the_same_as_at_once() -> None:
    features = random_features(30)
    for found, expected in zip(morphed(0.3, features, 0, 1, 8, 30), morphed(0.3, features, 0, 30), strict=True):
        assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_amounts_are_shares(amount: float) -> None:
    with pytest.raises(RangeError, match="morph_amount"):
        Morph(MorphWith(pair()[1], amount), random_features(5))


def test_instruments_that_do_not_match_are_named() -> None:
    with pytest.raises(ConfigError, match=r"n_harmonics 7, the first 5"):
        check_morph(small_instrument(), small_instrument(n_harmonics=7))
    check_morph(*pair())
