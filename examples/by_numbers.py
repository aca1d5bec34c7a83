"""A tune written down as numbers, with no recording at all: python examples/by_numbers.py FOLDER [violin]."""

import sys
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import save_audio
from luthier.dsp.signals import Features
from luthier.evaluation.plots import controls_plot, figure_to_png
from luthier.inference.rendering import render
from luthier.units import midi_to_hz

TUNE = ((67, 1), (67, 1), (69, 1), (71, 1), (67, 1), (71, 1), (69, 2))  # MIDI note, beats: Yankee Doodle
SECONDS_A_BEAT, VIBRATO_HZ, VIBRATO_SEMITONES = 0.36, 5.5, 0.2

folder = Path(sys.argv[1])
player = luthier.load(sys.argv[2] if len(sys.argv) > 2 else "violin")
frames_a_second = player.instrument.config.features.frame_rate
loudest_db = float(player.instrument.statistics.loudness_db_quantiles[90])
midi, loudness_db = [], []
for note, beats in TUNE:
    time = torch.arange(round(beats * SECONDS_A_BEAT * frames_a_second)) / frames_a_second
    swell = (torch.pi * time / time[-1]).sin()  # softest at both ends of a note
    midi.append(note + VIBRATO_SEMITONES * swell * (2 * torch.pi * VIBRATO_HZ * time).sin())
    loudness_db.append(loudest_db - 12 * (1 - swell))
f0_hz, level_db = midi_to_hz(torch.cat(midi)), torch.cat(loudness_db)
features = Features(*(values.reshape(1, -1, 1) for values in (f0_hz, torch.ones_like(f0_hz), level_db)))
played = render(player.instrument, features)
save_audio(folder / "tune.wav", played.audio, played.sample_rate, force=True)
hop_length = player.instrument.config.hop_length
picture = controls_plot(played.controls, sample_rate=played.sample_rate, hop_length=hop_length)
(folder / "tune.png").write_bytes(figure_to_png(picture))
print("tune.wav, tune.png: what is played and what the instrument made of it")
