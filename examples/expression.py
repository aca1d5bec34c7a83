"""The same melody darker, brighter, warmer, noisier: python examples/expression.py FOLDER [violin]."""

import sys
from importlib.resources import files
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import load_audio, save_audio
from luthier.dsp.signals import Expression
from luthier.evaluation.plots import figure_to_png, spectrogram

# brightness and air in octaves, the others in dB
WAYS = {
    "as-it-would": Expression(0.0, 0.0, 0.0, 0.0, 0.0),
    "darker": Expression(-0.6, 0.0, 0.0, 0.0, 0.0),
    "brighter": Expression(0.6, 0.0, 0.0, 0.0, 0.0),
    "warmer": Expression(0.0, 6.0, 0.0, 0.0, 0.0),
    "noisier": Expression(0.0, 0.0, 0.0, 9.0, 0.0),
}

folder = Path(sys.argv[1])
player = luthier.load(sys.argv[2] if len(sys.argv) > 2 else "violin")
voice, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "voice.flac"))
voice = voice[:, : 3 * sample_rate]
played = []
for name, offsets in WAYS.items():
    wanted = Expression(*map(torch.tensor, offsets))
    result = player.transfer(voice, sample_rate, expression="predict", offsets=wanted).at_level(lufs=-20)
    save_audio(folder / f"{name}.wav", result.audio, result.sample_rate, force=True)
    print(f"{name}.wav")
    played.append(result.audio)
picture = spectrogram(torch.cat(played, dim=1), sample_rate=player.sample_rate, title=", ".join(WAYS))
(folder / "expression.png").write_bytes(figure_to_png(picture))
