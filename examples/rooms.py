"""A violin without its room, in it, in another's and in a hall for two ears: python examples/rooms.py FOLDER."""

import sys
from importlib.resources import files
from pathlib import Path

import torch

import luthier
from luthier.data.audio_files import audio_writer, load_audio, save_audio
from luthier.evaluation.plots import figure_to_png, room_plot

T60_SECONDS, FIRST_REFLECTIONS_DB = 1.8, -26.0

folder = Path(sys.argv[1])
violin, bagpipe = luthier.load("violin"), luthier.load("bagpipe-chanter")
rate = violin.sample_rate
passage, sample_rate = load_audio(str(files("luthier.apps") / "demo_audio" / "violin.flac"))
passage = passage[:, : 4 * sample_rate]
# A hall: the direct sound, then another decaying noise for each ear.
n_taps = round(T60_SECONDS * rate)
hall = torch.randn(2, n_taps, generator=torch.Generator().manual_seed(0))
hall *= 10 ** ((torch.linspace(0.0, -60.0, n_taps) + FIRST_REFLECTIONS_DB) / 20)
hall[:, 0] = 1.0
places = {
    "dry": {"wet": 0.0},
    "own-room": {},
    "half-of-it": {"wet": 0.5},
    "room-of-the-bagpipe": {"room": bagpipe.room()},
    "hall": {"room": hall},
}
for name, place in places.items():
    audio = violin.resynth(passage, sample_rate, **place).audio
    with audio_writer(folder / f"{name}.wav", rate, n_channels=len(audio), force=True) as writer:
        writer.write(audio)
    print(f"{name}.wav")
save_audio(folder / "clap.wav", violin.room(), rate, force=True)
(folder / "rooms.png").write_bytes(figure_to_png(room_plot(violin.room(), sample_rate=rate)))
print("clap.wav, rooms.png: the violin's room alone")
