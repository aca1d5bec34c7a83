"""One row for every public function of `dsp`: how it is called at given sizes, and the shapes it promises.

`test_contracts.py` calls each row at several sizes. A new public function needs a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from luthier.dsp.a_weighting import a_weighting_power
from luthier.dsp.constant_pitch import (
    OVERSAMPLING,
    at_constant_pitch,
    interpolation_gain,
    oversample,
    pitch_around,
    samples_around,
)
from luthier.dsp.controls_loudness import controls_loudness_db, with_loudness
from luthier.dsp.convolution import ConvolutionState, convolve_block, fft_convolve
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import centred_frames, n_frames
from luthier.dsp.harmonic import HarmonicState, harmonic_amplitudes, harmonic_synthesis
from luthier.dsp.harmonic_timbre import HarmonicTimbre, harmonic_timbre, with_timbre
from luthier.dsp.interpolation import following_frames, upsample_linear
from luthier.dsp.momentary_level import momentary_level_db
from luthier.dsp.noise import NoiseState, bands_to_bins, filtered_noise, mel_bands_to_bands, noise_around_start
from luthier.dsp.oscillator_bank import oscillator_bank
from luthier.dsp.phase import phase_within_spans, span_phases
from luthier.dsp.rendering import render_dry, render_harmonic, render_noise
from luthier.dsp.resampling import resample
from luthier.dsp.resonances import gains_at_harmonics
from luthier.dsp.samples import as_samples
from luthier.dsp.scaling import (
    harmonics_below_nyquist,
    inverse_modified_sigmoid,
    modified_sigmoid,
    normalise_harmonics,
)
from luthier.dsp.signals import Controls
from luthier.dsp.spectra import hann_window, stft, stft_magnitude, weighted_power
from luthier.dsp.spectral_distance import multi_scale_distance, scaled_windows
from luthier.dsp.tone_spectrum import n_tone_bins, tone_spectrum, tone_spectrum_gain

RATE = 16000


class Sizes(NamedTuple):
    """The sizes at which every function is called."""

    batch: int
    n_frames: int
    hop_length: int
    n_harmonics: int
    n_bands: int
    n_taps: int

    @property
    def n_samples(self) -> int:
        return self.n_frames * self.hop_length


class Row(NamedTuple):
    """A call and the shapes of what it returns: one for a tensor, nested for a tuple, () for a plain value."""

    function: Callable[..., Any]
    call: Callable[[Sizes], tuple[tuple[Any, ...], dict[str, Any]]]
    shape: Callable[[Sizes], Any]


SIZES = (Sizes(2, 5, 64, 7, 9, 30), Sizes(1, 1, 160, 1, 2, 1), Sizes(3, 4, 50, 20, 65, 700))
"""Several, one frame, and an impulse response longer than the clip."""


def random(*shape: int) -> Tensor:
    return torch.rand(*shape) * 2 - 1


def controls(s: Sizes) -> Controls:
    frames = torch.rand(s.batch, s.n_frames, 1)
    distribution = torch.rand(s.batch, s.n_frames, s.n_harmonics)
    return Controls(
        100 + 400 * frames, frames, distribution / distribution.sum(-1, keepdim=True), magnitudes(s, s.n_frames)
    )


def magnitudes(s: Sizes, count: int) -> Tensor:
    return torch.rand(s.batch, count, s.n_bands)


def noise_state(s: Sizes) -> NoiseState:
    return NoiseState.start(magnitudes(s, 1), random(s.batch, 2 * s.hop_length))


def noise_state_shape(s: Sizes) -> tuple[tuple[int, ...], ...]:
    return (s.batch, 1, s.n_bands), (s.batch, 2 * s.hop_length)


def harmonic_state(s: Sizes) -> HarmonicState:
    return HarmonicState.start(controls(s), sample_rate=RATE)


def harmonic_state_shape(s: Sizes) -> tuple[tuple[int, ...], ...]:
    return (s.batch, 1), (s.batch, 1, 1), (s.batch, 1, s.n_harmonics)


def room(s: Sizes) -> Tensor:
    return random(s.n_taps)


def audio(s: Sizes) -> Tensor:
    return random(s.batch, s.n_samples)


def f0_hz(s: Sizes) -> Tensor:
    return 100 + 400 * torch.rand(s.batch, s.n_frames, 1)


def spans(s: Sizes) -> Tensor:
    """f0 at the ends of n_frames spans."""
    return 100 + 400 * torch.rand(s.batch, s.n_frames + 1)


def timbre(s: Sizes) -> HarmonicTimbre:
    frames = torch.rand(s.batch, s.n_frames, 1)
    return HarmonicTimbre(2 * frames, -10 * frames, 20 * frames)


def controls_shape(s: Sizes) -> tuple[tuple[int, ...], ...]:
    return tuple((s.batch, s.n_frames, size) for size in (1, 1, s.n_harmonics, s.n_bands))


RATES = {"sample_rate": RATE}

ROWS = (
    # a_weighting
    Row(a_weighting_power, lambda s: ((f0_hz(s),), {}), lambda s: (s.batch, s.n_frames, 1)),
    # constant_pitch
    Row(samples_around, lambda s: ((2 * s.n_taps,), {}), lambda s: ()),
    Row(
        pitch_around,
        lambda s: ((f0_hz(s).squeeze(-1),), {"length": 2 * s.hop_length, "hop_length": s.hop_length}),
        lambda s: (s.batch, s.n_frames, 5),
    ),
    Row(interpolation_gain, lambda s: ((torch.rand(s.batch, 3),), {}), lambda s: (s.batch, 3)),
    Row(oversample, lambda s: ((audio(s),), {}), lambda s: (s.batch, s.n_samples * OVERSAMPLING)),
    Row(
        at_constant_pitch,
        lambda s: (
            (
                random(12 * s.hop_length * OVERSAMPLING),
                6 * s.hop_length + torch.arange(s.batch),
                200 + 400 * torch.rand(s.batch, 5),
                100 + 100 * torch.rand(s.batch, 1),
            ),
            {"length": 2 * s.hop_length, "hop_length": s.hop_length},
        ),
        lambda s: ((s.batch, 2 * s.hop_length),) * 2,
    ),
    # controls_loudness
    Row(controls_loudness_db, lambda s: ((controls(s), FeatureDefinition()), {}), lambda s: (s.batch, s.n_frames, 1)),
    Row(with_loudness, lambda s: ((controls(s), -20 - f0_hz(s) / 50, FeatureDefinition()), {}), controls_shape),
    # convolution
    Row(fft_convolve, lambda s: ((audio(s), room(s)), {}), lambda s: (s.batch, s.n_samples)),
    Row(
        convolve_block,
        lambda s: ((audio(s), room(s), ConvolutionState.start(s.batch, room(s))), {}),
        lambda s: ((s.batch, s.n_samples), ((s.batch, s.n_taps - 1),)),
    ),
    # framing
    Row(n_frames, lambda s: ((s.n_samples, s.hop_length), {}), lambda s: ()),
    Row(
        centred_frames,
        lambda s: ((audio(s),), {"frame_length": 128, "hop_length": s.hop_length}),
        lambda s: (s.batch, s.n_frames, 128),
    ),
    # harmonic
    Row(harmonic_amplitudes, lambda s: ((controls(s),), RATES), lambda s: (s.batch, s.n_frames, s.n_harmonics)),
    Row(
        harmonic_synthesis,
        lambda s: ((controls(s), harmonic_state(s)), {**RATES, "hop_length": s.hop_length}),
        lambda s: ((s.batch, s.n_samples), harmonic_state_shape(s)),
    ),
    # harmonic_timbre
    Row(harmonic_timbre, lambda s: ((controls(s),), {}), lambda s: ((s.batch, s.n_frames, 1),) * 3),
    Row(
        with_timbre,
        lambda s: ((controls(s), timbre(s), HarmonicTimbre(*(torch.ones(1, 1, 1, dtype=torch.bool),) * 3)), {}),
        controls_shape,
    ),
    # interpolation
    Row(
        upsample_linear,
        lambda s: ((magnitudes(s, s.n_frames), magnitudes(s, 1)), {"hop_length": s.hop_length}),
        lambda s: (s.batch, s.n_samples, s.n_bands),
    ),
    Row(following_frames, lambda s: ((magnitudes(s, s.n_frames),), {}), lambda s: (s.batch, s.n_frames, s.n_bands)),
    # momentary_level
    Row(momentary_level_db, lambda s: ((f0_hz(s) / -50, FeatureDefinition()), {}), lambda s: (s.batch, s.n_frames, 1)),
    # noise
    Row(
        filtered_noise,
        lambda s: ((magnitudes(s, s.n_frames), audio(s), noise_state(s)), {"hop_length": s.hop_length}),
        lambda s: ((s.batch, s.n_samples), noise_state_shape(s)),
    ),
    Row(
        noise_around_start,
        lambda s: ((audio(s),), {"hop_length": s.hop_length}),
        lambda s: (s.batch, 2 * s.hop_length),
    ),
    Row(
        bands_to_bins,
        lambda s: ((magnitudes(s, s.n_frames),), {"n_bins": s.hop_length + 1}),
        lambda s: (s.batch, s.n_frames, s.hop_length + 1),
    ),
    Row(
        mel_bands_to_bands,
        lambda s: ((magnitudes(s, s.n_frames),), {"n_bands": 33, "sample_rate": RATE}),
        lambda s: (s.batch, s.n_frames, 33),
    ),
    # oscillator_bank
    Row(
        oscillator_bank,
        lambda s: (
            (
                random(s.batch * s.n_frames, s.hop_length).double(),
                torch.rand(s.batch, s.n_frames + 1, s.n_harmonics),
                torch.full((s.batch * s.n_frames,), float(s.n_harmonics)),
            ),
            {},
        ),
        lambda s: (s.batch, s.n_samples),
    ),
    # phase
    Row(
        span_phases,
        lambda s: (
            (spans(s), torch.zeros(s.batch, 1, dtype=torch.float64)),
            {**RATES, "hop_length": s.hop_length},
        ),
        lambda s: ((s.batch, s.n_frames), (s.batch, 1)),
    ),
    Row(
        phase_within_spans,
        lambda s: (
            (torch.rand(s.n_frames, dtype=torch.float64), spans(s)[0, :-1], spans(s)[0, 1:]),
            {**RATES, "hop_length": s.hop_length},
        ),
        lambda s: (s.n_frames, s.hop_length),
    ),
    # rendering
    Row(
        render_harmonic,
        lambda s: ((controls(s),), {**RATES, "hop_length": s.hop_length}),
        lambda s: (s.batch, s.n_samples),
    ),
    Row(
        render_noise,
        lambda s: ((magnitudes(s, s.n_frames), audio(s)), {"hop_length": s.hop_length}),
        lambda s: (s.batch, s.n_samples),
    ),
    Row(
        render_dry,
        lambda s: ((controls(s), audio(s)), {**RATES, "hop_length": s.hop_length}),
        lambda s: ((s.batch, s.n_samples), (s.batch, s.n_samples)),
    ),
    # resampling
    Row(resample, lambda s: ((audio(s), RATE, 24000), {}), lambda s: (s.batch, -(-s.n_samples * 3 // 2))),
    # resonances
    Row(
        gains_at_harmonics,
        lambda s: ((magnitudes(s, s.n_frames), f0_hz(s)), {"n_harmonics": s.n_harmonics, "sample_rate": RATE}),
        lambda s: (s.batch, s.n_frames, s.n_harmonics),
    ),
    # samples
    Row(as_samples, lambda s: ((audio(s),), {}), lambda s: (s.batch, s.n_samples)),
    # scaling
    Row(modified_sigmoid, lambda s: ((random(s.batch, s.n_bands),), {}), lambda s: (s.batch, s.n_bands)),
    Row(
        inverse_modified_sigmoid,
        lambda s: ((torch.rand(s.batch, s.n_bands) + 0.1,), {}),
        lambda s: (s.batch, s.n_bands),
    ),
    Row(
        harmonics_below_nyquist,
        lambda s: ((f0_hz(s), s.n_harmonics, RATE), {}),
        lambda s: (s.batch, s.n_frames, s.n_harmonics),
    ),
    Row(
        normalise_harmonics,
        lambda s: ((torch.rand(s.batch, s.n_frames, s.n_harmonics), f0_hz(s), RATE), {}),
        lambda s: (s.batch, s.n_frames, s.n_harmonics),
    ),
    # spectra
    Row(
        stft,
        lambda s: ((audio(s),), {"n_fft": 64, "hop_length": 16}),
        lambda s: (s.batch, 1 + s.n_samples // 16, 33),
    ),
    Row(
        stft_magnitude,
        lambda s: ((audio(s),), {"n_fft": 64, "hop_length": 16}),
        lambda s: (s.batch, 1 + s.n_samples // 16, 33),
    ),
    Row(
        weighted_power,
        lambda s: ((torch.rand(s.batch, s.n_frames, 13), torch.rand(9)), {}),
        lambda s: (s.batch, s.n_frames),
    ),
    Row(hann_window, lambda s: ((s.hop_length, torch.float32, torch.device("cpu")), {}), lambda s: (s.hop_length,)),
    # spectral_distance
    Row(multi_scale_distance, lambda s: ((audio(s), audio(s)), {}), lambda s: (s.batch,)),
    Row(scaled_windows, lambda s: ((RATE,), {}), lambda s: ((),) * 6),
    # tone_spectrum
    Row(n_tone_bins, lambda s: ((RATE,), {}), lambda s: ()),
    Row(
        tone_spectrum,
        lambda s: ((controls(s), RATE), {}),
        lambda s: (n_tone_bins(RATE),),
    ),
    Row(tone_spectrum_gain, lambda s: ((random(2, s.n_taps), RATE, torch.ones(n_tone_bins(RATE))), {}), lambda s: ()),
)
