"""Transfer, judged: singers and phrases into an instrument.

    python -m benchmarks.transfer violin.safetensors RECORDING-OF-THE-INSTRUMENT VOICE... [--loudness none]

For each voice: how far the melody is off by a tracker that the instrument has never seen, without the room and in it
(where two notes sound at once and the tracker errs by octaves), how quiet the rests are, how
the loudness contours go together, whether a sample step is larger than the controls explain, and whether the average
spectrum is nearer to the instrument's recordings than to the singer's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from luthier.data.audio_files import load_audio
from luthier.dsp.signals import Controls, Features
from luthier.evaluation.pitch import CONFIDENT, IN_TUNE_CENTS, track_yin
from luthier.evaluation.spectral import mel_spectrogram_db
from luthier.features.loudness import loudness_db
from luthier.inference.loudness_fit import is_note
from luthier.inference.note_gate import rest_gain
from luthier.inference.player import Player, Transfer, load_player
from luthier.units import amplitude_to_db, ratio_to_cents, semitones_to_ratio

EDGE_SECONDS = 0.1
"""Rests are judged this far from anything that sounds: a room and a window smear."""


def melody(clip: Tensor, output: Tensor, result: Transfer, features: Features, hop_length: int) -> tuple[float, float]:
    """Median error in cents and share within 50 cents, on notes of which YIN is sure in the input."""
    options = {"sample_rate": result.sample_rate, "hop_length": hop_length}
    sung, heard = track_yin(clip, **options), track_yin(output, **options)
    count = min(sung.f0_hz.shape[1], heard.f0_hz.shape[1])
    sure = (sung.confidence >= CONFIDENT)[:, :count] & is_note(features)[:, :count, 0]
    wanted = sung.f0_hz[:, :count] * semitones_to_ratio(result.shift_semitones)
    cents = ratio_to_cents(heard.f0_hz[:, :count] / wanted)[sure].abs()
    return float(cents.median()), float((cents <= IN_TUNE_CENTS).float().mean())


def contour(clip: Tensor, dry: Tensor, features: Features, rates: dict[str, int]) -> float:
    """Correlation of the loudness of input and output on notes."""
    levels = [loudness_db(audio, **rates)[:, : features.f0_hz.shape[1], 0] for audio in (clip, dry)]
    notes = is_note(features)[..., 0]
    pair = torch.stack([level[notes] for level in levels])
    return float(torch.corrcoef(pair)[0, 1])


def rests_db(dry: Tensor, features: Features, hop_length: int, frame_rate: float) -> float:
    """Loudest frame well inside rests, below the output's loud frames, dB; NaN without rests."""
    width = 2 * round(EDGE_SECONDS * frame_rate) + 1
    sounding = (rest_gain(features) > 1e-3).float().transpose(1, 2)
    is_rest = torch.max_pool1d(sounding, width, stride=1, padding=width // 2).flatten() == 0
    level_db = amplitude_to_db(dry[0].view(-1, hop_length).square().mean(1).sqrt())
    return float(level_db[is_rest].max() - level_db.quantile(0.95)) if bool(is_rest.any()) else math.nan


def step_ratio(result: Transfer, player: Player) -> float:
    """The harmonic part's largest sample step against the largest that its partials can make: above 1 is a click."""
    harmonic = result.stems["harmonic"][0] / float(player.instrument.room.direct_gain())
    hop_length = player.instrument.config.hop_length
    bound = possible_steps(result.controls, player.sample_rate)
    bound = torch.maximum(bound, torch.cat([bound[1:], bound[-1:]])).repeat_interleave(hop_length)
    swing = result.controls.amplitude.flatten().diff().abs() / hop_length
    bound = bound + torch.cat([swing, swing[-1:]]).repeat_interleave(hop_length)
    return float((harmonic.diff().abs() / (bound[:-1] + 1e-5)).max())


def possible_steps(controls: Controls, sample_rate: int) -> Tensor:
    """(n_frames,), the sum of the partials' steepest slopes."""
    n_harmonics = controls.harmonic_distribution.shape[-1]
    numbers = torch.arange(1, n_harmonics + 1)
    slopes = 2 * (math.pi * controls.f0_hz * numbers / sample_rate).sin().abs()
    return (controls.amplitude * controls.harmonic_distribution * slopes).sum(-1).flatten()


def spectrum(audio: Tensor, sample_rate: int) -> Tensor:
    """Average mel spectrum of the loud frames, without its level: dB."""
    bands_db = mel_spectrogram_db(audio, sample_rate=sample_rate)[0]
    bands_db = bands_db if bands_db.shape[0] < bands_db.shape[1] else bands_db.T
    level_db = bands_db.mean(0)
    mean_db = bands_db[:, level_db > level_db.quantile(0.5)].mean(1)
    return mean_db - mean_db.mean()


def judge(player: Player, recording: Tensor, voice: Path, options: dict[str, object]) -> dict[str, object]:
    rate, hop_length = player.sample_rate, player.instrument.config.hop_length
    clip, _ = load_audio(voice, rate)
    features = player.measure(clip, rate)
    start = time.perf_counter()
    result = player.transfer(clip, rate, **options)
    seconds = time.perf_counter() - start
    dry = result.audio[:1] - result.stems["room"][:1]
    cents, within = melody(clip, dry, result, features, hop_length)
    wet_cents, wet_within = melody(clip, result.audio[:1], result, features, hop_length)
    output, own, singer = (spectrum(audio, rate) for audio in (result.audio[:1], recording, clip))
    stems = torch.stack(list(result.stems.values())).sum(0)
    return {
        "voice": voice.stem,
        "shift": result.shift_semitones,
        "cents": round(cents, 1),
        "within_50": round(within, 4),
        "wet_cents": round(wet_cents, 1),
        "wet_within_50": round(wet_within, 4),
        "contour": round(contour(clip, dry, features, {"sample_rate": rate, "hop_length": hop_length}), 3),
        "rests_db": round(rests_db(dry, features, hop_length, rate / hop_length), 1),
        "step_ratio": round(step_ratio(result, player), 3),
        "to_instrument_db": round(float((output - own).square().mean().sqrt()), 1),
        "to_singer_db": round(float((output - singer).square().mean().sqrt()), 1),
        "stems_error": float((stems - result.audio).abs().max()),
        "times_real_time": round(clip.shape[1] / rate / seconds, 1),
        "expression": result.expression,
        "diagnosis": [trouble.what for trouble in result.diagnosis],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instrument", type=Path)
    parser.add_argument("recording", type=Path)
    parser.add_argument("voices", type=Path, nargs="+")
    parser.add_argument("--loudness", default="auto")
    wanted = parser.parse_args()
    player = load_player(wanted.instrument)
    recording, _ = load_audio(wanted.recording, player.sample_rate)
    for voice in wanted.voices:
        json.dump(judge(player, recording, voice, {"loudness": wanted.loudness}), sys.stdout)
        print(flush=True)


if __name__ == "__main__":
    main()
