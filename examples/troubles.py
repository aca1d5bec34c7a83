"""Five ways to spoil a transfer, and what is said about each: python examples/troubles.py FOLDER [violin]."""

import sys
from importlib.resources import files
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import load_audio, save_audio

folder = Path(sys.argv[1])
player = luthier.load(sys.argv[2] if len(sys.argv) > 2 else "violin")
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
voice = voice[:, : 3 * sample_rate]
breath = 0.05 * torch.randn(voice.shape, generator=torch.Generator().manual_seed(0))
silence = torch.zeros(1, 10 * sample_rate)
attempts = {
    "too-high": (voice, {"octave": 3}),
    "whispered": (breath, {}),
    "hardly-anything": (torch.cat([voice[:, : sample_rate // 2], silence], dim=1), {}),
    "far-too-loud": (voice, {"loudness": 60.0}),
    "well-done": (voice, {}),
}
for name, (audio, wishes) in attempts.items():
    result = player.transfer(audio, sample_rate, **wishes).at_level(lufs=-23)
    save_audio(folder / f"{name}.wav", result.audio[:, : 3 * result.sample_rate], result.sample_rate, force=True)
    print(f"{name}.wav:", "nothing to complain of" if not result.diagnosis else "")
    for trouble in result.diagnosis:
        print("  ", trouble)
