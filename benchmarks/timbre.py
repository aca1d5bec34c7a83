"""How far apart two timbres are: the spectral envelopes of their harmonics at equal pitch, in dB.

    python -m benchmarks.timbre [--audio ../shared/audio] [--to violin ...] [--json rows.json]

An average spectrum says as much about which notes are played as about what plays them. Here notes are compared with
notes of the same pitch, and harmonics alone: in four of the five instruments noise lies 31 to 39 dB below them. In the
violin it is 11 dB, in part the echoes of quick notes, which say more of the music than of the timbre.

    audio, pitch ─► harmonics by `luthier.analysis`, without the noise's share
                 ─► each frame's powers divided by their sum; their mean for each bin of 3 semitones
                 ─► dB over log frequency, straight lines between harmonics, 6 points an octave to 5.7 kHz

The distance is the RMS difference over the points, level aside, over the bins by how many frames they hold. Frames
within 20 dB of a clip's loud notes count. Points below a sound's pitch have no value, and a point counts only where all
sounds that are compared have one. What plays another's melody has two pitches, its own and the melody's: both spectra
lie in the bin of its own, so that a bin holds the same notes; frequencies are never shifted (a singer's formants stay
where they are). A bin that a sound lacks, or fills with less than a hundredth of its frames, is taken from its nearest.

Run by itself, the measure is measured: every fifth recording of an instrument and the rest of them; other instruments,
and voices, and the rest.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.data.recordings import collect_recordings
from luthier.dsp.signals import VOICED_PERIODICITY, Features
from luthier.inference.player import Player, load_player
from luthier.model.bundled import bundled_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES = Path(__file__).resolve().parents[1] / "instruments"
AUDIO = RECIPES.parents[1] / "shared" / "audio"
SECONDS = 300
"""Of an instrument's recordings, the same of each: enough for its timbre."""
LOUD_QUANTILE, LOUD_DB = 0.95, 20.0
"""Frames with a pitch count down to this far below the loud ones."""
LOWEST_HZ, BINS_PER_OCTAVE, N_BINS = 40.0, 4, 28
"""Bins of pitch: 3 semitones each, to 5 kHz."""
POINTS_HZ = 80.0 * 2 ** (np.arange(38) / 6)
"""Where envelopes are compared: to 5.7 kHz, so that at 16 kHz any note up to 1.3 kHz has a harmonic above."""
FLOOR_DB = 60.0
"""Harmonics this far below the loudest are masked by it: how much weaker does not matter."""
FEWEST = 0.01
"""Part of the frames below which a bin holds the tracker's mistakes."""
N_BANDS = 65


class Timbre(NamedTuple):
    """Sums over frames, bin by bin, so that clips can be added.

    Attributes:
        n_frames: (N_BINS,).
        octaves: (N_BINS,), pitch above 1 Hz.
        power: (N_BINS, n_harmonics), shares of the frames' power.
    """

    n_frames: Tensor
    octaves: Tensor
    power: Tensor

    def filled(self) -> Tensor:
        """The bins that hold something."""
        return torch.nonzero(self.n_frames > FEWEST * self.n_frames.sum()).flatten()

    def envelope_db(self, wanted_bin: int) -> Tensor:
        """Levels at `POINTS_HZ` in the nearest bin, NaN below the fundamental: (n_points,), dB."""
        bins = self.filled()
        number = bins[(bins - wanted_bin).abs().argmin()]
        f0_hz = 2.0 ** float(self.octaves[number] / self.n_frames[number])
        power = (self.power[number] / self.power[number].max()).clamp_min(10 ** (-FLOOR_DB / 10))
        harmonics_hz = f0_hz * np.arange(1, len(power) + 1)
        levels = np.interp(np.log2(POINTS_HZ), np.log2(harmonics_hz), 10 * power.log10().numpy(), left=np.nan)
        return torch.from_numpy(levels)


N_HARMONICS = int(POINTS_HZ[-1] / LOWEST_HZ) + 1


def pitch_bins(f0_hz: Tensor, heard: Features) -> Tensor:
    """(n_frames,), the bin of each frame's pitch; -1 where nothing loud with a pitch is heard."""
    level_db, pitched = heard.loudness_db.flatten(), heard.periodicity.flatten() >= VOICED_PERIODICITY
    if not bool(pitched.any()):
        return torch.full_like(pitched, -1, dtype=torch.long)
    is_loud = pitched & (level_db >= level_db[pitched].quantile(LOUD_QUANTILE) - LOUD_DB)
    bins = ((f0_hz.flatten() / LOWEST_HZ).log2() * BINS_PER_OCTAVE).floor().long().clamp(0, N_BINS - 1)
    return torch.where(is_loud, bins, -1)


def measure_timbre(audio: Tensor, f0_hz: Tensor, bins: Tensor, player: Player) -> Timbre:
    """The harmonics of a clip.

    Args:
        audio: (1, n_samples), at the player's rate.
        f0_hz: (1, n_frames, 1), its pitch.
        bins: (n_frames,), where each frame counts; -1 for nowhere.
        player: sample rate and hop.
    """
    counted = bins >= 0
    lowest_hz = float(f0_hz[0, counted].min()) if bool(counted.any()) else POINTS_HZ[-1]
    needed = min(N_HARMONICS, int(POINTS_HZ[-1] / lowest_hz) + 2)
    rates = {"sample_rate": player.sample_rate, "hop_length": player.instrument.config.hop_length}
    shares = analyse(audio, f0_hz, n_harmonics=needed, n_bands=N_BANDS, **rates).harmonic_distribution[0]
    power = torch.zeros(len(bins), N_HARMONICS)
    power[:, :needed] = shares.square() / shares.square().sum(1, keepdim=True).clamp_min(1e-12)
    member = torch.nn.functional.one_hot(bins[counted], N_BINS).float().T  # (N_BINS, n_counted)
    return Timbre(member.sum(1), member @ f0_hz[0, counted, 0].log2(), member @ power[counted])


def distances_db(sound: Timbre, *others: Timbre) -> list[float]:
    """How far each of some sounds is from one, at the frequencies where all have a value."""
    squares = torch.zeros(len(others), dtype=torch.float64)
    bins = sound.filled()
    for number in bins.tolist():
        levels = torch.stack([each.envelope_db(number) for each in (sound, *others)])
        levels = levels[:, levels.isfinite().all(0)]
        levels = levels - levels.mean(1, keepdim=True)
        squares += sound.n_frames[number] * (levels[1:] - levels[0]).square().mean(1)
    distances: list[float] = (squares / sound.n_frames[bins].sum()).sqrt().tolist()
    return distances


def timbre_of(recordings: Sequence[Path], player: Player) -> Timbre:
    """All notes of some recordings, as much of each."""
    longest = SECONDS * player.sample_rate // len(recordings)
    parts = []
    for path in recordings:
        clip = load_audio(path, player.sample_rate)[0][:, :longest]
        heard = player.measure(clip, player.sample_rate)
        parts.append(measure_timbre(clip, heard.f0_hz, pitch_bins(heard.f0_hz, heard), player))
    return Timbre(*(torch.stack(part).sum(0) for part in zip(*parts, strict=True)))


def recordings_of(name: str, audio: Path) -> list[Path]:
    """What a bundled instrument was trained on, by its recipe."""
    recipe = tomllib.loads((RECIPES / f"{name}.toml").read_text(encoding="utf-8"))
    return collect_recordings([audio / part for part in recipe["recordings"]]).recordings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, default=AUDIO)
    parser.add_argument("--to", nargs="+", default=bundled_names(), help="instruments, by name")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    wanted = parser.parse_args()
    rows = []
    for name in wanted.to:
        player, own = load_player(name), recordings_of(name, wanted.audio)
        rest = timbre_of([path for path in own if path not in own[::5]], player)
        others = {other: recordings_of(other, wanted.audio) for other in bundled_names()}
        sounds = {"held out": own[::5]} | {other: found[::5] for other, found in others.items() if found != own}
        sounds |= {path.stem: [path] for path in sorted((wanted.audio / "voice").glob("*.flac"))}
        for sound, recordings in sounds.items():
            (distance,) = distances_db(timbre_of(recordings, player), rest)
            rows.append({"instrument": name, "sound": sound, "distance_db": round(distance, 1)})
            print(f"| {name} | {sound} | {distance:.1f} |", flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
