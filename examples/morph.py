"""From one instrument to another in five steps: python examples/morph.py FOLDER [violin alto-saxophone]."""

import sys
from importlib.resources import files
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import load_audio, save_audio
from luthier.evaluation.plots import figure_to_png, spectrogram
from luthier.inference.morph import MorphWith

folder = Path(sys.argv[1])
first, second = map(luthier.load, sys.argv[2:4] or ("violin", "alto-saxophone"))
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
voice = voice[:, : 3 * sample_rate]
steps = []
for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
    morph = MorphWith(second.instrument, amount)
    steps.append(first.transfer(voice, sample_rate, morph=morph).at_level(lufs=-20).audio)
audio = torch.cat(steps, dim=1)
save_audio(folder / "morph.wav", audio, first.sample_rate, force=True)
(folder / "morph.png").write_bytes(figure_to_png(spectrogram(audio, sample_rate=first.sample_rate)))
print("morph.wav, morph.png: five times the same melody")
