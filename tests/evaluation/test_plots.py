from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread

from evaluation.sounds import RATE, melody, tone, white
from luthier.data.synthetic import decaying_room
from luthier.dsp.signals import Controls, Features
from luthier.evaluation.instrument_report import heard
from luthier.evaluation.plots import (
    Heard,
    TrainingCurve,
    controls_plot,
    feature_overlay,
    figure_to_png,
    plot_stft_comparison,
    room_plot,
    spectrogram,
    spectrogram_pair,
    training_plot,
    waveforms,
)

CURVE = TrainingCurve([0, 1, 2], [9.0, 7.0, 6.5], [2], [6.8])


def steady(f0_hz: float, n_frames: int = 100, *, periodicity: float = 1.0) -> Features:
    return Features(*(torch.full((1, n_frames, 1), value) for value in (f0_hz, periodicity, -20.0)))


def titles(figure: Figure) -> list[str]:
    return [title for axis in figure.axes if (title := axis.get_title(loc="left"))]


def test_the_comparison_shows_all_that_is_given_and_nothing_else() -> None:
    reference, output = (Heard(audio, steady(440)) for audio in (tone(440), tone(440)))
    figure = plot_stft_comparison(
        reference, output, sample_rate=RATE, hop_length=160, training=CURVE, impulse_response=torch.ones(10)
    )
    assert titles(figure) == ["Recording", "Instrument", "Pitch", "Loudness", "Training", "Impulse response"]
    bare = plot_stft_comparison(Heard(tone(440)), Heard(tone(440)), sample_rate=RATE, hop_length=160)
    assert titles(bare) == ["Recording", "Instrument"]


def test_both_spectrograms_share_one_colour_scale() -> None:
    figure = spectrogram_pair(tone(440), 0.1 * tone(440), sample_rate=RATE)
    images = [axis.images[0] for axis in figure.axes if axis.images]
    assert [image.get_clim() for image in images] == [(-80, 0), (-80, 0)]
    levels = [float(np.asarray(image.get_array()).max()) for image in images]
    assert levels == pytest.approx([0, -20], abs=0.1)


def test_a_tone_is_drawn_at_its_frequency() -> None:
    figure = spectrogram(tone(1000, n_harmonics=1), sample_rate=RATE)
    (image,) = [axis.images[0] for axis in figure.axes if axis.images]
    _, _, low, high = image.get_extent()
    levels = np.asarray(image.get_array())
    row = levels[:, levels.shape[1] // 2].argmax()
    octaves = low + (high - low) * row / (len(levels) - 1)
    assert 2**octaves == pytest.approx(1000, rel=0.02)


def test_unvoiced_frames_have_no_pitch_line() -> None:
    figure = feature_overlay(steady(440), steady(880, periodicity=0.2), frame_rate=100.0)
    recording, instrument = (np.asarray(line.get_ydata()) for line in figure.axes[0].lines)
    assert recording == pytest.approx(np.log2(440))
    assert np.isnan(instrument).all()


@pytest.mark.parametrize(("lowest", "highest"), [(270, 420), (440, 440), (300, 600), (60, 4000)])
def test_a_pitch_axis_has_numbers_however_narrow_the_melody(lowest: float, highest: float) -> None:
    axis = feature_overlay(steady(lowest), steady(highest), frame_rate=100.0).axes[0]
    ticks, labels = axis.get_yticks(), [label.get_text() for label in axis.get_yticklabels()]
    low, high = axis.get_ylim()
    assert 2 <= len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)
    heard_hz = [float(label.rstrip("k")) * (1000 if label.endswith("k") else 1) for label in labels]
    assert 2**ticks == pytest.approx(heard_hz, rel=1e-3)


def test_the_highest_peak_of_a_long_clip_is_drawn() -> None:
    audio = torch.zeros(1, 50 * RATE)
    audio[0, 123_457] = 0.9
    audio[0, 123_459] = -0.8
    (axis,) = waveforms({"click": audio}, sample_rate=RATE).axes
    drawn = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert (drawn.min(), drawn.max()) == pytest.approx((-0.8, 0.9))


def test_the_room_plot_tells_its_t60() -> None:
    response = decaying_room(RATE, torch.Generator().manual_seed(1), t60_seconds=0.5)
    figure = room_plot(response, sample_rate=RATE)
    assert "T60 0.5" in titles(figure)[1]


def test_reflections_are_seen_beside_a_strong_direct_sound() -> None:
    response = 0.01 * 10 ** (-3 * torch.arange(RATE) / RATE / 0.5)
    response[0] = 1.0
    low, high = room_plot(response, sample_rate=RATE).axes[0].get_ylim()
    assert -low == high == pytest.approx(0.011, rel=0.05)
    dry = torch.eye(1, 100)[0]
    assert room_plot(dry, sample_rate=RATE).axes[0].get_ylim()[1] >= 1


SILENCE = torch.zeros(1, 4000)
FIGURES: dict[str, Callable[[], Figure]] = {
    "silence": lambda: spectrogram_pair(SILENCE, SILENCE, sample_rate=RATE),
    "one sample": lambda: spectrogram_pair(torch.ones(1), torch.ones(1), sample_rate=RATE),
    "high rate": lambda: spectrogram(white(48000), sample_rate=48000),
    "silent features": lambda: plot_stft_comparison(
        heard(SILENCE, sample_rate=RATE, hop_length=160),
        heard(SILENCE, sample_rate=RATE, hop_length=160),
        sample_rate=RATE,
        hop_length=160,
    ),
    "no room": lambda: room_plot(torch.ones(1), sample_rate=RATE),
    "silent waveform": lambda: waveforms({"a": SILENCE, "b": torch.zeros(1)}, sample_rate=RATE),
    "training without validation": lambda: training_plot(TrainingCurve([0], [1.0])),
    "gradient": lambda: room_plot(torch.ones(10, requires_grad=True), sample_rate=RATE),
}


@pytest.mark.parametrize("build", FIGURES.values(), ids=FIGURES.keys())
def test_unusual_input_is_drawn_without_a_warning(build: Callable[[], Figure]) -> None:
    pixels = imread(io.BytesIO(figure_to_png(build())))
    assert pixels.shape[1] == 990
    assert pixels.std() > 0.01


def test_drawing_leaves_matplotlib_and_the_sound_alone() -> None:
    audio, settings = melody(), dict(mpl.rcParams)
    before = audio.clone()
    figure_to_png(spectrogram_pair(audio, audio, sample_rate=RATE))
    assert torch.equal(audio, before)
    assert dict(mpl.rcParams) == settings


def test_controls_are_drawn_channel_by_channel_in_db() -> None:
    distribution = torch.tensor([0.9, 0.1, 0.0]).expand(1, 50, 3)
    noise = torch.full((1, 50, 5), 0.01)
    controls = Controls(torch.full((1, 50, 1), 440.0), torch.full((1, 50, 1), 0.5), distribution, noise)
    figure = controls_plot(controls, sample_rate=RATE, hop_length=160)
    assert titles(figure) == ["Pitch", "Amplitude", "Harmonics", "Noise bands"]
    harmonics, bands = (
        np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images[:1] and axis.get_title(loc="left")
    )
    assert harmonics.shape == (3, 50)
    assert harmonics[:2, 7] == pytest.approx([20 * np.log10(0.45), 20 * np.log10(0.05)], abs=1e-3)
    assert bands == pytest.approx(np.full((5, 50), -40.0), abs=1e-3)
    (amplitude,) = figure.axes[1].lines
    assert amplitude.get_ydata() == pytest.approx(np.full(50, 20 * np.log10(0.5)), abs=1e-3)


def test_the_training_curve_shows_what_can_be_reached() -> None:
    figure = training_plot(CURVE._replace(oracle=4.9, floor=3.5))
    levels = {line.get_label(): line.get_ydata()[0] for line in figure.axes[0].lines}
    assert (levels["oracle"], levels["floor"]) == (4.9, 3.5)
    assert "oracle" not in {line.get_label() for line in training_plot(CURVE).axes[0].lines}
