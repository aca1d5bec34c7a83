from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from luthier.dsp.harmonic_timbre import HarmonicTimbre, harmonic_timbre, with_timbre
from luthier.dsp.scaling import normalise_harmonics
from luthier.dsp.signals import Controls

N_FRAMES = 40
ALL = HarmonicTimbre(*(torch.tensor(True) for _ in range(3)))
NOTHING = HarmonicTimbre(*(torch.tensor(False) for _ in range(3)))
YES = torch.tensor(True)
WISHES = [ALL, NOTHING, *(NOTHING._replace(**{name: YES}) for name in HarmonicTimbre._fields)]


def tone(
    seed: int, n_harmonics: int = 30, f0_hz: float = 220.0, dtype: torch.dtype = torch.float64, sample_rate: int = 16000
) -> Controls:
    """Harmonics that fall, each frame otherwise."""
    generator = torch.Generator().manual_seed(seed)
    falls = torch.arange(1, n_harmonics + 1) ** -(1.0 + torch.rand(1, N_FRAMES, 1, generator=generator, dtype=dtype))
    strengths = falls * (0.3 + torch.rand(1, N_FRAMES, n_harmonics, generator=generator, dtype=dtype))
    frames = torch.full((1, N_FRAMES, 1), f0_hz, dtype=dtype)
    return Controls(
        frames, 0.2 * torch.ones_like(frames), normalise_harmonics(strengths, frames, sample_rate), frames * 0
    )


def timbre_of(controls: Controls) -> HarmonicTimbre:
    """By the definitions in `Expression`, of what lies below 8 kHz."""
    strengths = (controls.amplitude * controls.harmonic_distribution).detach()
    numbers = torch.arange(1, strengths.shape[-1] + 1)
    strengths = strengths * (controls.f0_hz * numbers <= 8000)
    power, odd = strengths.square(), strengths.square()[..., ::2].sum(-1, keepdim=True)
    total = power.sum(-1, keepdim=True)
    return HarmonicTimbre(
        torch.log2((strengths * numbers).sum(-1, keepdim=True) / strengths.sum(-1, keepdim=True)),
        10 * torch.log10(power[..., :1] / total),
        10 * torch.log10(odd / (total - odd)),
    )


@pytest.mark.parametrize(("n_harmonics", "f0_hz", "sample_rate"), [(30, 220.0, 16000), (80, 1500.0, 44100)])
def test_the_timbre_of_controls_is_that_of_the_definitions(n_harmonics: int, f0_hz: float, sample_rate: int) -> None:
    controls = tone(0, n_harmonics, f0_hz, sample_rate=sample_rate)
    for found, wanted in zip(harmonic_timbre(controls), timbre_of(controls), strict=True):
        torch.testing.assert_close(found, wanted)
    silent = controls._replace(harmonic_distribution=0.0 * controls.harmonic_distribution)
    assert all(torch.isfinite(values).all() for values in harmonic_timbre(silent))


def close(found: Tensor, wanted: Tensor, atol: float) -> bool:
    return bool((found - wanted).abs().max() <= atol)


def test_a_tone_gets_the_timbre_of_another_and_keeps_its_power() -> None:
    played, wanted = tone(0), timbre_of(tone(1))
    changed = with_timbre(played, wanted, ALL)
    for found, value, within in zip(timbre_of(changed), wanted, (2e-3, 1e-6, 1e-6), strict=True):
        assert close(found, value, within)
    powers = [(each.amplitude * each.harmonic_distribution).square().sum(-1) for each in (played, changed)]
    torch.testing.assert_close(*powers)
    torch.testing.assert_close(changed.harmonic_distribution.sum(-1), torch.ones(1, N_FRAMES, dtype=torch.float64))


@pytest.mark.parametrize("name", HarmonicTimbre._fields)
def test_one_wish_alone_is_met(name: str) -> None:
    played, wanted = tone(0), timbre_of(tone(1))
    changed = timbre_of(with_timbre(played, wanted, NOTHING._replace(**{name: torch.tensor(True)})))
    assert close(getattr(changed, name), getattr(wanted, name), 2e-3)
    if name == "brightness_octaves":
        assert close(changed.warmth_db, timbre_of(played).warmth_db, 1e-6)
        assert close(changed.hollowness_db, timbre_of(played).hollowness_db, 1e-6)


def test_warmth_alone_leaves_the_even_harmonics_their_share_unless_it_takes_all() -> None:
    played = tone(0)
    usual = timbre_of(played)
    cooler = timbre_of(
        with_timbre(played, usual._replace(warmth_db=usual.warmth_db - 0.5), NOTHING._replace(warmth_db=YES))
    )
    assert close(cooler.hollowness_db, usual.hollowness_db, 1e-6)


def test_where_warmth_and_hollowness_contradict_each_other_warmth_is_met() -> None:
    played = tone(0)
    wanted = timbre_of(played)._replace(
        warmth_db=torch.full((1, N_FRAMES, 1), -1.0), hollowness_db=torch.full((1, N_FRAMES, 1), -10.0)
    )
    changed = timbre_of(with_timbre(played, wanted, ALL._replace(brightness_octaves=torch.tensor(False))))
    assert close(changed.warmth_db, wanted.warmth_db, 1e-6)
    rest = 1.0 - 10**-0.1
    as_low_as_can_be = 10.0 * math.log10((1.0 - 0.99 * rest) / (0.99 * rest))
    assert close(changed.hollowness_db, torch.tensor(as_low_as_can_be), 1e-6)


@pytest.mark.parametrize("f0_hz", [220.0, 1500.0, 4500.0])
def test_above_8_khz_nothing_is_wished(f0_hz: float) -> None:
    """At 44.1 kHz a tone keeps the timbre that it has when that is wished, and all its harmonics."""
    played = tone(0, 80, f0_hz, sample_rate=44100)
    changed = with_timbre(played, timbre_of(played), ALL)
    torch.testing.assert_close(changed.harmonic_distribution, played.harmonic_distribution, rtol=1e-3, atol=1e-6)
    brighter = timbre_of(played)._replace(brightness_octaves=timbre_of(played).brightness_octaves + 0.2)
    if f0_hz == 220.0:
        found = timbre_of(with_timbre(played, brighter, ALL))
        assert close(found.brightness_octaves, brighter.brightness_octaves, 2e-3)


def test_harmonics_within_a_group_keep_their_own_ups_and_downs() -> None:
    played = tone(0)
    strengths = with_timbre(played, timbre_of(tone(1)), ALL).harmonic_distribution / played.harmonic_distribution
    logs = torch.arange(3, 31, 2, dtype=torch.float64).log()
    slopes = strengths[0, :, 2::2].log().diff(dim=-1) / logs.diff()
    assert close(slopes, slopes[:, :1], 1e-6)  # a power of the number, the same for all


def test_frames_without_a_wish_stay_as_they_are() -> None:
    played, wanted = tone(0), timbre_of(tone(1))
    some = torch.arange(N_FRAMES).view(1, -1, 1) % 2 == 0
    changed = with_timbre(played, wanted, HarmonicTimbre(some, some, some))
    assert torch.equal(changed.harmonic_distribution[:, 1::2], played.harmonic_distribution[:, 1::2])
    torch.testing.assert_close(changed.amplitude[:, 1::2], played.amplitude[:, 1::2])
    assert not torch.equal(changed.harmonic_distribution[:, ::2], played.harmonic_distribution[:, ::2])


@pytest.mark.parametrize("is_wish", WISHES, ids=["all", "nothing", *HarmonicTimbre._fields])
@pytest.mark.parametrize(("n_harmonics", "f0_hz"), [(1, 220.0), (2, 220.0), (30, 0.0), (30, 5000.0), (30, 9000.0)])
def test_what_cannot_sound_stays_silent_and_gradients_finite(
    n_harmonics: int, f0_hz: float, is_wish: HarmonicTimbre
) -> None:
    played = tone(0, n_harmonics, f0_hz, torch.float32)
    strengths = played.harmonic_distribution.clone().requires_grad_()
    wishes = HarmonicTimbre(*(torch.zeros(1, N_FRAMES, 1, requires_grad=True) for _ in range(3)))
    changed = with_timbre(played._replace(harmonic_distribution=strengths), wishes, is_wish)
    assert not (changed.harmonic_distribution * (strengths == 0)).any()
    (changed.amplitude.sum() + changed.harmonic_distribution.square().sum()).backward()
    assert all(values.grad is None or torch.isfinite(values.grad).all() for values in (strengths, *wishes))


@pytest.mark.parametrize("extreme", [-1e6, -70.0, 70.0, 1e6])
def test_wishes_out_of_reach_leave_a_tone(extreme: float) -> None:
    wishes = HarmonicTimbre(*(torch.full((1, N_FRAMES, 1), extreme) for _ in range(3)))
    changed = with_timbre(tone(0, dtype=torch.float32), wishes, ALL)
    assert torch.isfinite(changed.harmonic_distribution).all()
    assert torch.isfinite(changed.amplitude).all()
    torch.testing.assert_close(changed.harmonic_distribution.sum(-1), torch.ones(1, N_FRAMES))


def test_gradients_are_those_of_finite_differences() -> None:
    """The tilt's, too: Newton's last step must be as good as the whole search."""
    played, wanted = tone(0, 9), timbre_of(tone(1, 9))

    def shaped(strengths: Tensor, *wishes: Tensor) -> Tensor:
        changed = with_timbre(played._replace(harmonic_distribution=strengths), HarmonicTimbre(*wishes), ALL)
        return changed.amplitude * changed.harmonic_distribution

    inputs = (played.harmonic_distribution[:, :4], *(values[:, :4] for values in wanted))
    played = played._replace(f0_hz=played.f0_hz[:, :4], amplitude=played.amplitude[:, :4])
    assert torch.autograd.gradcheck(
        shaped, [values.clone().requires_grad_() for values in inputs], atol=2e-3, rtol=2e-2
    )
