from __future__ import annotations

import pytest
import torch
from torch import Tensor

from luthier.dsp.scaling import modified_sigmoid
from luthier.dsp.signals import Controls
from luthier.errors import ConfigError
from luthier.model.config import SynthConfig
from luthier.model.instrument import Instrument
from luthier.model.synths import SYNTHS, State, Synth, build_synth
from model.small import constant_features, random_features, small_config


class Click(Synth):
    """One sample at every frame: the smallest synthesiser."""

    n_outputs = 2

    def controls(self, raw: Tensor, f0_hz: Tensor) -> dict[str, Tensor]:
        return {"amplitude": raw[..., :1].abs()}

    def start(self, first: Controls, noise: Tensor) -> State:
        return (first.amplitude[:, :1],)

    def play(self, following: Controls, noise: Tensor, state: State) -> tuple[Tensor, State]:
        frames = torch.cat([*state, following.amplitude], dim=1)
        clicks = torch.nn.functional.pad(frames[:, :-1], (0, self.config.hop_length - 1))
        return clicks.flatten(1), (frames[:, -1:],)


@pytest.fixture
def click(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SYNTHS, "click", Click)


@pytest.mark.usefixtures("click")
def test_a_new_synthesiser_is_one_class_and_one_line() -> None:
    synths = [{"kind": "filtered_noise"}, {"kind": "click", "gain": 2.0}]
    instrument = Instrument(small_config(synths=synths, room={"kind": "none"}))
    assert instrument.decoder.head.out_features == 9 + 2
    controls = instrument.controls(random_features(4))
    stems = instrument.stems(controls, torch.zeros(1, 4 * 160))
    assert list(stems) == ["filtered_noise", "click"]
    assert torch.equal(stems["click"][0, ::160], 2 * controls.amplitude.flatten())
    audio = instrument(random_features(4), torch.zeros(1, 4 * 160))
    assert int((audio != 0).sum()) == 4


def test_a_synthesiser_left_out_is_silent() -> None:
    instrument = Instrument(small_config(synths=[{"kind": "filtered_noise"}]))
    controls = instrument.controls(random_features(4))
    assert controls.amplitude.abs().max() == 0
    assert controls.harmonic_distribution.shape == (1, 4, 5)
    assert controls.noise_magnitudes.min() > 0


def test_the_initial_bias_lowers_the_untrained_level() -> None:
    raw = torch.zeros(1, 1, 9)
    for bias in (0.0, -5.0):
        synth = build_synth(SynthConfig(kind="filtered_noise", initial_bias=bias), small_config())
        magnitudes = synth.controls(raw, torch.full((1, 1, 1), 440.0))["noise_magnitudes"]
        assert torch.allclose(magnitudes, modified_sigmoid(torch.full((1, 1, 9), bias)))


def test_harmonic_controls_obey_nyquist() -> None:
    synth = build_synth(SynthConfig(kind="harmonic"), small_config())
    features = constant_features(3000.0, -20.0, 2)
    distribution = synth.controls(torch.zeros(1, 2, 6), features.f0_hz)["harmonic_distribution"]
    assert distribution[0, 0].tolist() == pytest.approx([0.5, 0.5, 0, 0, 0], abs=1e-6)


def test_a_resonance_raises_the_harmonics_that_lie_at_it() -> None:
    synth = build_synth(SynthConfig(kind="harmonic", resonances=20), small_config())
    raw = torch.zeros(1, 2, synth.n_outputs)
    f0_hz = torch.tensor([[[500.0], [1000.0]]])
    level = synth.controls(raw, f0_hz)["harmonic_distribution"]
    raw[..., 1 + 5 + 13 : 1 + 5 + 15] = 1.0  # around 2 kHz
    loudest = synth.controls(raw, f0_hz)["harmonic_distribution"].argmax(dim=-1)
    assert level[0, 0].tolist() == pytest.approx([0.2] * 5, abs=1e-6)
    assert loudest.tolist() == [[3, 1]]


def test_an_unknown_synthesiser_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'theremin', expected one of harmonic, filtered_noise"):
        Instrument(small_config(synths=[{"kind": "theremin"}]))
