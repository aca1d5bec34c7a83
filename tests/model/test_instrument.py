from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dsp.blocks import BLOCK_FRAMES, cut
from luthier.dsp.signals import Controls, Features
from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance
from luthier.errors import ShapeError
from luthier.model.instrument import Instrument, white_noise
from luthier.model.presets import instrument_config, preset_names, preset_tables
from luthier.units import octaves_to_hz
from model.small import constant_features, joined, random_features, small_instrument


def noise(n_samples: int, batch: int = 1, seed: int = 0) -> Tensor:
    return white_noise(batch, n_samples, torch.Generator().manual_seed(seed))


def preset(name: str) -> Instrument:
    return Instrument(instrument_config(preset_tables(name)["instrument"]))


def nasty_features(n_frames: int) -> Features:
    """Silence at the floor, no pitch, a pitch above Nyquist, and something ordinary."""
    cases = ((440.0, -80.0), (0.0, -20.0), (9000.0, -20.0), (440.0, -20.0))
    return joined(*(constant_features(f0_hz, loudness_db, n_frames) for f0_hz, loudness_db in cases), dim=0)


def nasty_targets(n_samples: int) -> Tensor:
    """Silence, DC, a full-scale square wave, a tone."""
    time = torch.arange(n_samples)
    square = torch.where(time % 40 < 20, 1.0, -1.0)
    return torch.stack([torch.zeros(n_samples), torch.ones(n_samples), square, torch.sin(time / 5)])


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("seconds", [0.1, None], ids=["0.1 s", "one frame"])
def test_training_stays_finite_for_nasty_clips(name: str, seconds: float | None) -> None:
    instrument = preset(name)
    hop = instrument.config.hop_length
    n_frames = 1 if seconds is None else -(-int(16000 * seconds) // hop)
    audio = instrument(nasty_features(n_frames), noise(n_frames * hop, batch=4))
    lengths = (audio.shape[1], 1)
    distances = [
        multi_scale_distance(audio[:, :length], nasty_targets(length), s) for length in lengths for s in SCALES
    ]
    torch.cat(distances).sum().backward()
    assert torch.isfinite(audio).all()
    assert all(torch.isfinite(distance).all() for distance in distances)
    gradients = {key: value.grad for key, value in instrument.named_parameters()}
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients.values())
    assert all(gradients[key].abs().max() > 0 for key in ("decoder.head.weight", "decoder.gru.weight_ih_l0"))


SCALES = (SpectralScales(), SpectralScales.relative())


@pytest.mark.parametrize("name", preset_names())
def test_what_a_clip_sounds_like_does_not_depend_on_its_batch(name: str) -> None:
    instrument = preset(name).eval()  # dropout is for learning
    hop = instrument.config.hop_length
    features, hiss = nasty_features(3), noise(3 * hop, batch=4)
    with torch.no_grad():
        batch = instrument(features, hiss)
        alone = instrument(features.map(lambda value: value[3:]), hiss[3:])
    assert (batch[3:] - alone).abs().max() < 1e-5
    assert alone.abs().max() > 0


def test_no_pitch_and_pitch_above_nyquist_leave_only_noise() -> None:
    instrument = small_instrument(room={"kind": "none"})
    for f0_hz in (0.0, 8000.0, 9000.0):
        stems = instrument.stems(instrument.controls(constant_features(f0_hz, -20.0, 5)), noise(800))
        assert stems["harmonic"].abs().max() == 0
        assert stems["filtered_noise"].abs().max() > 0


def test_the_path_is_features_controls_dry_room() -> None:
    instrument, features, hiss = small_instrument(), random_features(12, 2), noise(12 * 160, 2)
    with torch.no_grad():
        controls = instrument.controls(features)
        assert torch.equal(instrument.room(instrument.dry(controls, hiss)), instrument(features, hiss))
        stems = instrument.stems(controls, hiss)
        assert torch.equal(stems["harmonic"] + stems["filtered_noise"], instrument.dry(controls, hiss))
    assert torch.equal(controls.f0_hz, features.f0_hz)
    assert (controls.amplitude > 0).all()
    assert torch.allclose(controls.harmonic_distribution.sum(-1), torch.ones(2, 12), atol=1e-5)


@pytest.mark.parametrize("block", BLOCK_FRAMES)
def test_controls_in_blocks_equal_controls_at_once(block: int) -> None:
    instrument, features = small_instrument(), random_features(130)
    state, parts = instrument.start(1), []
    with torch.no_grad():
        whole = instrument.controls(features)
        for place in cut(130, block):
            controls, state = instrument.controls_block(features.map(lambda value, place=place: value[:, place]), state)
            parts.append(controls)
    for field, name in zip(zip(*parts, strict=True), Controls._fields, strict=True):
        assert (torch.cat(field, dim=1) - getattr(whole, name)).abs().max() < 1e-5


def test_two_instruments_in_one_process_do_not_touch_each_other() -> None:
    one, other = small_instrument(seed=1), small_instrument(seed=2)
    features, hiss = random_features(5), noise(800)
    with torch.no_grad():
        before = one(features, hiss)
        assert not torch.equal(other(features, hiss), before)
        assert torch.equal(one(features, hiss), before)


def test_gradients_reach_every_weight() -> None:
    instrument = small_instrument()
    instrument(random_features(30), noise(4800)).square().sum().backward()
    silent = [name for name, value in instrument.named_parameters() if value.grad is None or not value.grad.any()]
    assert silent == []


@pytest.mark.parametrize("axes", [(5,), (1, 5), (1, 5, 2)])
def test_features_of_another_shape_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"one common \(batch, n_frames, 1\)"):
        small_instrument().controls(Features(*(torch.ones(axes) for _ in range(3))))
    for name in ("loudness_db", "told_loudness_db"):
        with pytest.raises(ShapeError, match="one common"):
            small_instrument().controls(random_features(5)._replace(**{name: torch.zeros(1, 4, 1)}))


def test_white_noise_is_white_uniform_and_seeded() -> None:
    hiss = noise(100_000)
    assert hiss.abs().max() <= 1
    assert float(hiss.var()) == pytest.approx(1 / 3, rel=0.02)
    assert abs(float((hiss[0, 1:] * hiss[0, :-1]).mean())) < 0.005
    assert torch.equal(hiss, noise(100_000))
    assert not torch.equal(hiss, noise(100_000, seed=1))


@pytest.mark.parametrize(("kind", "strength"), [("decaying", 0.2), ("decaying_taps", 50.0)])
@torch.no_grad()
def test_without_a_room_that_took_over_the_playing_notes_are_as_loud(kind: str, strength: float) -> None:
    """A room that rings at the notes that were recorded, a third apart: no mean over octaves knows that."""
    instrument = small_instrument(room={"kind": kind, "seconds": 0.5}, synths=[{"kind": "harmonic"}])
    octaves = instrument.statistics.f0_octaves_quantiles
    octaves.copy_((3.0 * octaves).round() / 3.0)
    time = torch.arange(1, len(instrument.room.early_taps) + 1) / 16000
    lines = octaves_to_hz(octaves.unique()).unsqueeze(1)
    instrument.room.early_taps.copy_(strength * torch.cos(2 * torch.pi * lines * time).mean(dim=0))
    notes = torch.cat([constant_features(float(hz), -30.0, 100).f0_hz for hz in octaves_to_hz(octaves)[::2]], dim=0)
    features = Features(notes, torch.ones_like(notes), torch.full_like(notes, -30.0))
    noise = torch.rand(len(notes), 16000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    dry = instrument.dry(instrument.controls(features), noise)
    wet = instrument.room(dry)
    off_db = [
        20 * math.log10(float(gain * dry.std() / wet.std()))
        for gain in (instrument.dry_gain(), instrument.room.direct_gain())
    ]
    assert abs(off_db[0]) < 1.0
    assert abs(off_db[1]) > 1.5
