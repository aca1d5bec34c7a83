"""Transfer, judged: every voice and phrase into every instrument that comes with the package.

    python -m benchmarks.transfer [--audio ../shared/audio] [--to violin alto-saxophone] [--json rows.json]
    python -m benchmarks.transfer --to mine.safetensors --recordings MINE.wav --inputs VOICE.wav... [--loudness none]

For each pair: how far the melody is off by a tracker that the instrument has never seen (dry; in the room two notes
sound at once and the tracker errs by octaves), how far notes begin from the input's (dry and, of speech, not judged:
what begins there are mostly consonants), how the loudness contours go together, how quiet the rests are,
whether a sample step is larger than the controls explain, whether the timbre is nearer to that of the instrument's
recordings than to the input's, and whether the stems add up. What misses its criterion has a star.
First each instrument plays notes of a synthetic voice which the inputs hardly have, detached ones and fading ones: whether
they begin or end with noise, and whether they are as loud as the instrument's own. `benchmarks/timbre.py` says how timbres are compared: envelopes of the harmonics at equal pitch, dB. The input's own
distance to the recordings stands beside the output's two: how much there was to gain.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmarks.measuring import machine
from benchmarks.timbre import AUDIO, Timbre, distances_db, measure_timbre, pitch_bins, recordings_of, timbre_of
from torch import Tensor

from luthier.data.audio_files import load_audio
from luthier.dsp.signals import Controls, Features
from luthier.evaluation.onsets import onset_ms
from luthier.evaluation.pitch import CONFIDENT, IN_TUNE_CENTS, track_yin
from luthier.features.loudness import loudness_db
from luthier.inference.loudness_fit import GATE_RANGE_DB, is_note
from luthier.inference.note_gate import rest_gain
from luthier.inference.player import Player, Transfer, load_player
from luthier.model.bundled import bundled_names
from luthier.units import amplitude_to_db, octaves_to_hz, ratio_to_cents, semitones_to_ratio

SPEECH = {"davidbain_xmas", "librispeech_198-209-0000", "sms-tools_speech-female", "sms-tools_speech-male"}
"""Inputs that are spoken."""
ROUNDING = 1e-6
"""As far as the parts may be off the whole, and the dry version off the whole without the room."""
SILENT_DB = -60.0
"""A rest this far below the loud frames is silent."""
EDGE_SECONDS = 0.1
"""Rests are judged this far from anything that sounds: a room and a window smear."""


def melody(
    clip: Tensor, output: Tensor, result: Transfer, features: Features, hop_length: int
) -> tuple[float, float, float]:
    """Median error in cents and share within 50 cents, on notes of which YIN is sure in the input.

    The last number is the share on all loud frames of which YIN is sure, those too that the front end takes for rests.
    """
    options = {"sample_rate": result.sample_rate, "hop_length": hop_length}
    sung, heard = track_yin(clip, **options), track_yin(output, **options)
    count = min(sung.f0_hz.shape[1], heard.f0_hz.shape[1])
    sure = (sung.confidence >= CONFIDENT)[:, :count]
    is_loud = (features.loudness_db > features.loudness_db.amax() - GATE_RANGE_DB)[:, :count, 0]
    wanted = sung.f0_hz[:, :count] * semitones_to_ratio(result.shift_semitones)
    cents = ratio_to_cents(heard.f0_hz[:, :count] / wanted).abs()
    on_notes, on_all = cents[sure & is_note(features)[:, :count, 0]], cents[sure & is_loud]
    within, within_all = (float((some <= IN_TUNE_CENTS).float().mean()) for some in (on_notes, on_all))
    return float(on_notes.median()), within, within_all


def beginnings_ms(clip: Tensor, dry: Tensor, sample_rate: int) -> float:
    """Median distance of the output's onsets from the input's, at equal power, ms, missing ones 50; NaN without any."""
    output = dry[:, : clip.shape[1]]
    level = (clip.square().mean() / output.square().mean().clamp_min(1e-12)).sqrt()
    return float(onset_ms(level * output, clip, sample_rate=sample_rate))


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
    harmonic = result.stems["harmonic"][0] / float(player.instrument.dry_gain())
    hop_length = player.instrument.config.hop_length
    bound = possible_steps(result.controls, player.sample_rate).repeat_interleave(hop_length)
    swing = result.controls.amplitude.flatten().diff().abs() / hop_length
    bound = bound + torch.cat([swing, swing[-1:]]).repeat_interleave(hop_length)
    return float((harmonic.diff().abs() / (bound[:-1] + 1e-5)).max())


def possible_steps(controls: Controls, sample_rate: int) -> Tensor:
    """(n_frames,), the sum of the partials' steepest slopes between a frame and the next."""
    n_harmonics = controls.harmonic_distribution.shape[-1]
    numbers = torch.arange(1, n_harmonics + 1)
    slopes = 2 * (math.pi * controls.f0_hz * numbers / sample_rate).sin().abs()
    # Level and pitch may grow one against the other: each partial at its loudest and at its steepest.
    levels = controls.amplitude * controls.harmonic_distribution
    return (_larger_neighbour(levels) * _larger_neighbour(slopes)).sum(-1).flatten()


def _larger_neighbour(values: Tensor) -> Tensor:
    """(1, n_frames, n), each frame or the next one, whichever is larger."""
    return torch.maximum(values, torch.cat([values[:, 1:], values[:, -1:]], dim=1))


def judge(player: Player, own: Timbre, voice: Path, options: dict[str, Any]) -> dict[str, Any]:
    rate, hop_length = player.sample_rate, player.instrument.config.hop_length
    clip, _ = load_audio(voice, rate)
    features = player.measure(clip, rate)
    start = time.perf_counter()
    result = player.transfer(clip, rate, **options)
    seconds = time.perf_counter() - start
    dry = result.audio[:1] - result.stems["room"][:1]
    cents, within, within_all = melody(clip, dry, result, features, hop_length)
    wet_cents, wet_within, _ = melody(clip, result.audio[:1], result, features, hop_length)
    bins = pitch_bins(result.features.f0_hz, features)
    output = measure_timbre(result.audio[:1], result.features.f0_hz, bins, player)
    singer = measure_timbre(clip, features.f0_hz, bins, player)
    (to_instrument, to_singer), (singer_to_instrument, _) = (
        distances_db(one, own, other) for one, other in ((output, singer), (singer, output))
    )
    stems = torch.stack(list(result.stems.values())).sum(0)
    return {
        "input": voice.stem,
        "shift": result.shift_semitones,
        "cents": round(cents, 1),
        "within_50": round(within, 4),
        "within_50_all": round(within_all, 4),
        "wet_cents": round(wet_cents, 1),
        "wet_within_50": round(wet_within, 4),
        "onset_ms": round(beginnings_ms(clip, dry, rate), 1),
        "contour": round(contour(clip, dry, features, {"sample_rate": rate, "hop_length": hop_length}), 3),
        "rests_db": round(rests_db(dry, features, hop_length, rate / hop_length), 1),
        "step_ratio": round(step_ratio(result, player), 3),
        "to_instrument_db": round(to_instrument, 1),
        "to_singer_db": round(to_singer, 1),
        "singer_to_instrument_db": round(singer_to_instrument, 1),
        "stems_error": float((stems - result.audio).abs().max()),
        "dry_error": float((player.transfer(clip, rate, wet=0.0, **options).audio - dry).abs().max()),
        "times_real_time": round(clip.shape[1] / rate / seconds, 1),
        "expression": result.expression,
        "diagnosis": [trouble.what for trouble in result.diagnosis],
    }


CRITERIA: dict[str, Callable[[dict[str, Any]], bool]] = {
    "cents": lambda row: row["cents"] <= 10.0,
    "within_50": lambda row: row["within_50"] >= 0.97,
    "onset_ms": lambda row: row["input"] in SPEECH or not row["onset_ms"] > 10.0,
    "contour": lambda row: row["contour"] >= 0.9,
    "rests_db": lambda row: not row["rests_db"] > SILENT_DB,  # without rests there is nothing to hear
    "step_ratio": lambda row: row["step_ratio"] <= 1.0,
    "to_instrument_db": lambda row: row["to_instrument_db"] < row["to_singer_db"],
    "stems_error": lambda row: row["stems_error"] <= ROUNDING,
    "dry_error": lambda row: row["dry_error"] <= ROUNDING,
}
"""What each number has to be."""
SHOWN = (
    "instrument",
    "input",
    "shift",
    *list(CRITERIA)[:7],
    "to_singer_db",
    "singer_to_instrument_db",
    "stems_error",
    "dry_error",
    "within_50_all",
    "wet_within_50",
    "diagnosis",
)


DETACHED_SEMITONES = (0, 4, 7, 12, 9, 5, 2, 0)
NOTE_SECONDS, REST_SECONDS, BEGINNING_SECONDS = 0.4, 0.2, 0.15
MOST_NOISE_DB, MOST_SOFTER_DB = -10.0, 6.0


def detached_notes(player: Player) -> Tensor:
    """A voice of twelve harmonics in the lower half of an instrument's range, with rests between its notes."""
    rate = player.sample_rate
    lowest_hz = octaves_to_hz(player.instrument.statistics.f0_octaves_quantiles[25])
    time = torch.arange(round(NOTE_SECONDS * rate)) / rate
    fade = (time / 0.01).clamp_max(1.0) * ((NOTE_SECONDS - time) / 0.03).clamp_max(1.0)
    rest = torch.zeros(round(REST_SECONDS * rate))
    parts = [rest]
    for semitones in DETACHED_SEMITONES:
        hz = lowest_hz * semitones_to_ratio(float(semitones))
        partials = [torch.sin(2 * math.pi * k * hz * time) / k for k in range(1, 13) if k * hz < rate / 2]
        parts += [0.1 * fade * torch.stack(partials).sum(0), rest]
    melody = torch.cat(parts)
    return melody + 3e-4 * torch.randn(len(melody), generator=torch.Generator().manual_seed(0))


def judge_detached(player: Player) -> tuple[float, float]:
    """Noise against harmonics in the noisiest beginning of a note, and how much softer its own notes are played, dB."""
    result = player.transfer(detached_notes(player), player.sample_rate)
    every = round((NOTE_SECONDS + REST_SECONDS) * player.sample_rate)
    begins = [round(REST_SECONDS * player.sample_rate) + every * number for number in range(len(DETACHED_SEMITONES))]
    n_samples = round(BEGINNING_SECONDS * player.sample_rate)
    powers = [
        [float(result.stems[stem][0, begin : begin + n_samples].square().mean()) for begin in begins]
        for stem in ("filtered_noise", "harmonic")
    ]
    noisiest = max(noise / max(tone, 1e-12) for noise, tone in zip(*powers, strict=True))
    definition = player.instrument.config.features
    notes = is_note(result.features)
    heard = loudness_db(
        result.audio[:1, : notes.shape[1] * definition.hop_length],
        sample_rate=player.sample_rate,
        hop_length=definition.hop_length,
        n_fft=definition.loudness_n_fft,
    )
    own_db = float(player.instrument.statistics.loudness_db_quantiles.median())
    return 10.0 * math.log10(noisiest), own_db - float(heard[notes].median())


FADES_SECONDS, FADE_DB_PER_SECOND = (0.5, 2.0), 25.0
"""A note is steady, and then fades until its end."""
FADED_SECONDS = (1.74, 1.98)
"""Of the note: 31 to 37 dB into the fade."""
MOST_FADED_NOISE_DB = -5.0
"""Plainly more tone than noise."""


def judge_fading(player: Player) -> tuple[float, float]:
    """Noise against harmonics at the end of notes that fade by 37 dB, dB: least and most of five over the range."""
    rate = player.sample_rate
    time = torch.arange(round(FADES_SECONDS[1] * rate)) / rate
    level = 10.0 ** (-FADE_DB_PER_SECOND / 20.0 * (time - FADES_SECONDS[0]).clamp_min(0.0))
    ends = (time / 0.02).clamp_max(1.0) * ((FADES_SECONDS[1] - time) / 0.02).clamp_max(1.0)
    pause, parts = torch.zeros(round(0.5 * rate)), []
    for hz in octaves_to_hz(player.instrument.statistics.f0_octaves_quantiles[10::20]).tolist():
        partials = [torch.sin(2 * math.pi * k * hz * time) / k for k in range(1, 13) if k * hz < rate / 2]
        parts += [pause, 0.1 * level * ends * torch.stack(partials).sum(0)]
    melody = torch.cat(parts)
    result = player.transfer(melody + 1e-5 * torch.randn(len(melody), generator=torch.Generator().manual_seed(0)), rate)
    begins = range(len(pause), len(melody), len(pause) + len(time))
    faded = [slice(begin + round(FADED_SECONDS[0] * rate), begin + round(FADED_SECONDS[1] * rate)) for begin in begins]
    noise, tone = (
        torch.stack([result.stems[stem][0, piece].square().mean() for piece in faded])
        for stem in ("filtered_noise", "harmonic")
    )
    ratios_db = 10.0 * (noise / tone.clamp_min(1e-12)).log10()
    return float(ratios_db.min()), float(ratios_db.max())


def print_notes(players: dict[str, Player]) -> None:
    """A row for each instrument."""
    print("| single notes on | noisiest beginning, dB | softer than its own, dB | noise where they have faded, dB |")
    print("|---|---|---|---|")
    for name, player in players.items():
        (noise_db, softer_db), (least_db, most_db) = judge_detached(player), judge_fading(player)
        misses = noise_db > MOST_NOISE_DB, softer_db > MOST_SOFTER_DB, most_db > MOST_FADED_NOISE_DB
        cells = f"{noise_db:.1f}", f"{softer_db:.1f}", f"{least_db:.0f} to {most_db:.0f}"
        starred = [f"{cell}{' *' if missed else ''}" for cell, missed in zip(cells, misses, strict=True)]
        print(f"| {name} | {' | '.join(starred)} |", flush=True)


def inputs_in(audio: Path) -> list[Path]:
    return sorted(path for folder in ("voice", "phrases") for path in (audio / folder).glob("*.flac"))


def print_row(row: dict[str, Any]) -> None:
    missed = {name for name, is_met in CRITERIA.items() if not is_met(row)}
    cells = [f"{_text(row[name])}{' *' if name in missed else ''}" for name in SHOWN]
    print(f"| {' | '.join(cells)} |", flush=True)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.1e}" if isinstance(value, float) and 0 < abs(value) < 1e-3 else str(value)


def print_summary(title: str, rows: list[dict[str, Any]]) -> None:
    """How many pairs meet each criterion."""
    met = {name: sum(map(is_met, rows)) for name, is_met in CRITERIA.items()}
    whole = sum(all(is_met(row) for is_met in CRITERIA.values()) for row in rows)
    print(f"\n{title}: {whole} of {len(rows)} pairs meet every criterion; "
          f"by criterion: {', '.join(f'{name} {count}' for name, count in met.items())}")  # fmt: skip


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=AUDIO)
    parser.add_argument("--to", nargs="+", help="instruments, by name or file; all bundled ones if absent")
    parser.add_argument("--recordings", type=Path, nargs="+", help="of an instrument that has no recipe here")
    parser.add_argument("--inputs", type=Path, nargs="+", help="the voices and phrases in --audio if absent")
    parser.add_argument("--loudness", default="auto")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    return parser.parse_args()


def main() -> None:
    wanted = parse()
    inputs = wanted.inputs or inputs_in(wanted.audio)
    rows: list[dict[str, Any]] = []
    players = {name: load_player(name) for name in wanted.to or bundled_names()}
    print(f"{machine()}\n")
    print_notes(players)
    print(f"\n| {' | '.join(SHOWN)} |\n|{'---|' * len(SHOWN)}")
    for name, player in players.items():
        own = timbre_of(wanted.recordings or recordings_of(name, wanted.audio), player)
        for voice in inputs:
            rows.append({"instrument": name, **judge(player, own, voice, {"loudness": wanted.loudness})})
            print_row(rows[-1])
    for title, is_speech in (("singing and phrases", False), ("speech, which is no melody", True)):
        if chosen := [row for row in rows if (row["input"] in SPEECH) == is_speech]:
            print_summary(title, chosen)
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
