from __future__ import annotations

import pytest
import torch

from luthier.dsp.harmonic_timbre import HarmonicTimbre, harmonic_timbre
from luthier.dsp.signals import Controls
from luthier.errors import RangeError
from luthier.inference.timbre import Colour
from luthier.units import amplitude_to_db


def controls(n_harmonics: int = 8) -> Controls:
    draw = torch.rand(1, 20, n_harmonics) + 0.1
    share = draw / draw.sum(-1, keepdim=True)
    return Controls(torch.full((1, 20, 1), 220.0), torch.rand(1, 20, 1), share, torch.rand(1, 20, 9))


def levels_db(played: Controls) -> torch.Tensor:
    return amplitude_to_db(played.amplitude * played.harmonic_distribution)


def test_balance_raises_harmonics_against_noise() -> None:
    before = controls()
    after = Colour(balance_db=6.0).apply(before)
    assert torch.allclose(levels_db(after) - levels_db(before), torch.tensor(3.0), atol=1e-4)
    noise_db = amplitude_to_db(after.noise_magnitudes / before.noise_magnitudes)
    assert torch.allclose(noise_db, torch.tensor(-3.0), atol=1e-4)


def test_tilt_is_db_per_octave_and_keeps_the_power() -> None:
    before = controls()
    after = Colour(tilt_db=-4.0).apply(before)
    change_db = levels_db(after) - levels_db(before)
    for low, high in ((1, 2), (2, 4), (4, 8)):
        assert torch.allclose(change_db[..., high - 1] - change_db[..., low - 1], torch.tensor(-4.0), atol=1e-3)
    power = [(c.amplitude * c.harmonic_distribution).square().sum(-1) for c in (before, after)]
    assert torch.allclose(power[1], power[0], rtol=1e-4)


def test_offsets_are_added_to_the_timbre_that_is_played() -> None:
    before = controls()
    offsets = HarmonicTimbre(*map(torch.tensor, (0.1, -1.0, 2.0)))
    after = Colour(offsets=offsets).apply(before)
    own, changed = harmonic_timbre(before), harmonic_timbre(after)
    assert torch.allclose(changed.brightness_octaves - own.brightness_octaves, offsets.brightness_octaves, atol=5e-3)
    assert torch.allclose(changed.hollowness_db - own.hollowness_db, offsets.hollowness_db, atol=5e-3)
    odds_db = [10 * torch.log10(share / (1 - share)) for share in (10 ** (t.warmth_db / 10) for t in (own, changed))]
    assert torch.allclose(odds_db[1] - odds_db[0], offsets.warmth_db, atol=5e-3)
    power = [(c.amplitude * c.harmonic_distribution).square().sum(-1) for c in (before, after)]
    assert torch.allclose(power[1], power[0], rtol=1e-4)


def test_no_warmth_leaves_a_sine() -> None:
    plain = controls()
    warm = Colour(offsets=HarmonicTimbre(*map(torch.tensor, (0.0, 6.0, 0.0)))).apply(plain)
    before, after = (10 ** (harmonic_timbre(each).warmth_db / 10) for each in (plain, warm))
    assert torch.allclose((1 - after) / after, (1 - before) / before / 10**0.6, rtol=1e-2)


def test_a_small_offset_is_a_small_change() -> None:
    before = controls()
    after = Colour(offsets=HarmonicTimbre(*map(torch.tensor, (0.001, 0.0, 0.0)))).apply(before)
    assert (levels_db(after) - levels_db(before)).abs().max() < 0.2


def test_single_harmonics_are_changed_alone() -> None:
    before = controls()
    after = Colour(harmonics_db=(0.0, -12.0, 3.0)).apply(before)
    change_db = (levels_db(after) - levels_db(before))[0, 0]
    assert change_db.tolist() == pytest.approx([0.0, -12.0, 3.0, 0, 0, 0, 0, 0], abs=1e-3)


def test_a_distribution_still_sums_to_one_and_nothing_is_changed_by_default() -> None:
    before = controls()
    after = Colour(3.0, 3.0, (6.0, -60.0)).apply(before)
    assert torch.allclose(after.harmonic_distribution.sum(-1), torch.tensor(1.0), atol=1e-5)
    same = Colour().apply(before)
    assert all(torch.allclose(a, b, rtol=1e-5) for a, b in zip(same, before, strict=True))


def test_silence_stays_silent() -> None:
    silent = controls()._replace(harmonic_distribution=torch.zeros(1, 20, 8))
    assert Colour(6.0, 6.0, (6.0,)).apply(silent).amplitude.abs().max() == 0


def test_more_harmonics_than_there_are_are_refused() -> None:
    with pytest.raises(RangeError, match="has 8"):
        Colour(harmonics_db=(0.0,) * 9).apply(controls())
