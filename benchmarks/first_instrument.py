"""The main job on real recordings, in numbers: prepare, train, evaluate, turn two singers into the violin.

    python benchmarks/first_instrument.py --audio ../shared/audio [--minutes 10] [--preset fast]

Violin: Garner, movements 6 and 8. What the violin plays is heard by YIN, which is not the tracker that drives it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from measuring import machine

from luthier.data.audio_files import load_audio
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.evaluation.evaluate import evaluate
from luthier.evaluation.pitch import track_yin
from luthier.inference.player import Player, load_player
from luthier.training.reports import EpochReport
from luthier.training.run import RunOptions, train
from luthier.units import amplitude_to_db, ratio_to_cents

MOVEMENTS = ("john-garner_bwv1002_mov6.flac", "john-garner_bwv1002_mov8.flac")
VOICES = ("vocadito_14.flac", "sms-tools_singing-female.flac")
HOP_LENGTH = 160
SURE = 0.85


def say_epoch(report: EpochReport) -> None:
    """One line for each validation."""
    scores = report.scores
    print(
        f"{report.seconds:6.0f} s  step {report.step:5d}  train mss {report.train_mss:6.3f}  validation mss "
        f"{scores['mss']:6.3f} (floor {scores['mss_floor']:.2f})  mss_rel {scores['mss_rel']:6.3f}",
        flush=True,
    )


def melody(player: Player, path: Path) -> None:
    """Print how well a sung melody is kept, and how quiet the rests are."""
    sung, rate = load_audio(path, player.sample_rate)
    sung = F.pad(sung, (0, 2 * rate))  # a rest of two seconds: one for the room to die away, one to be silent
    played = player.transfer(sung, rate)
    heard = track_yin(played.audio, sample_rate=rate, hop_length=HOP_LENGTH)
    wanted = track_yin(sung, sample_rate=rate, hop_length=HOP_LENGTH)
    n_frames = min(heard.f0_hz.shape[1], wanted.f0_hz.shape[1])
    sure = (wanted.confidence[:, :n_frames] >= SURE) & (heard.confidence[:, :n_frames] >= SURE)
    cents = ratio_to_cents(heard.f0_hz[:, :n_frames] / wanted.f0_hz[:, :n_frames]) - 100 * played.shift_semitones
    errors = cents[sure].abs()
    print(
        f"{path.name}: shifted {played.shift_semitones:+g} semitones; median error {errors.median():.1f} cents, "
        f"{(errors <= 50).float().mean():.1%} within 50 cents; rest at {rest_level_db(played.audio, rate):.0f} dB"
    )


def rest_level_db(audio: torch.Tensor, sample_rate: int) -> float:
    """Level of the last second, in which the input is silent, below the loudest frame, dB."""
    frames = audio[0].unfold(0, HOP_LENGTH, HOP_LENGTH).square().mean(dim=1).sqrt()
    return float(amplitude_to_db(frames[-sample_rate // HOP_LENGTH :].max() / frames.max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--preset", default="fast")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        recordings = [arguments.audio / "violin_garner" / movement for movement in MOVEMENTS]
        report = prepare(recordings, folder / "dataset")
        seconds = time.perf_counter() - began
        print(
            f"prepared {report.seconds:.0f} s of violin in {seconds:.1f} s: {report.seconds / seconds:.0f} x real time"
        )
        options = RunOptions(on_epoch=say_epoch)
        trained = train(
            folder / "dataset",
            folder / "violin.safetensors",
            preset=arguments.preset,
            options=options,
            minutes=arguments.minutes,
        )
        player, dataset = load_player(trained.output), Dataset.open(folder / "dataset")
        scores = evaluate(player.instrument, dataset)
        for key, value in json.loads(scores.to_json()).items():
            if key in ("mss", "mss_rel", "mel_db", "loudness_db_l1", "f0_cents", "rpa50"):
                print(f"test {key}: {value}")
        for voice in VOICES:
            melody(player, arguments.audio / "voice" / voice)


if __name__ == "__main__":
    main()
