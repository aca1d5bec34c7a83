"""What is played, taken apart, edited and put together again: python examples/curves.py FOLDER [violin]."""

import sys
from importlib.resources import files
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import load_audio, save_audio
from luthier.export.control_curves import save_controls
from luthier.inference.rendering import render

folder = Path(sys.argv[1])
player = luthier.load(sys.argv[2] if len(sys.argv) > 2 else "violin")
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
sung = player.transfer(voice[:, : 3 * sample_rate], sample_rate)
frame_rate = player.instrument.config.features.frame_rate
save_controls(folder / "curves.csv", sung.controls, frame_rate, force=True)  # for a spreadsheet


def hollow(controls, frames):
    """Leave out every second harmonic and most of the noise: a violin with the tone of a clarinet."""
    odd = controls.harmonic_distribution.clone()
    odd[..., 1::2] *= 0.05
    share = odd / odd.sum(-1, keepdim=True)
    return controls._replace(harmonic_distribution=share, noise_magnitudes=0.2 * controls.noise_magnitudes)


def tape_stop(controls, frames):
    """Let the pitch fall by two octaves until the end."""
    done = torch.arange(frames.start, frames.stop).reshape(1, -1, 1) / sung.features.f0_hz.shape[1]
    return controls._replace(f0_hz=controls.f0_hz * 2 ** (-2 * done**2))


for name, edit in (("as-sung", None), ("hollow", hollow), ("tape-stop", tape_stop)):
    played = render(player.instrument, sung.features, edit=edit)
    save_audio(folder / f"{name}.wav", played.audio, played.sample_rate, force=True)
    print(f"{name}.wav")
print("curves.csv: luthier transfer curves.csv --to violin -o OUT.wav plays it, edited or not")
