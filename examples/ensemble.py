"""One singer becomes a whole ensemble: python examples/ensemble.py FOLDER."""

import sys
from importlib.resources import files
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import audio_writer, load_audio, save_audio
from luthier.evaluation.plots import figure_to_png, waveforms

# name of an instrument, semitones above the melody, place from 0 (left) to 1 (right)
PARTS = (("violin", 12, 0.2), ("alto-saxophone", 0, 0.5), ("tenor-saxophone", -12, 0.8))

folder = Path(sys.argv[1])
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
voice = voice[:, : 5 * sample_rate]
played, stereo = {"the singer": voice}, torch.zeros(2, voice.shape[1])
for name, semitones, place in PARTS:
    player = luthier.load(name)
    part = player.transfer(voice, sample_rate, octave=0, semitones=semitones, autotune=1.0, scale="auto")
    audio = part.at_level(lufs=-24).audio[:, : voice.shape[1]]
    save_audio(folder / f"{name}.wav", audio, player.sample_rate, force=True)
    print(f"{name}.wav: {semitones:+d} semitones, scale {part.scale}")
    stereo += torch.tensor([[1 - place], [place]]).sqrt() * audio
    played[name] = audio
with audio_writer(folder / "together.wav", sample_rate, n_channels=2, force=True) as writer:
    writer.write(stereo)
(folder / "ensemble.png").write_bytes(figure_to_png(waveforms(played, sample_rate=sample_rate)))
print("together.wav, ensemble.png: all of them")
