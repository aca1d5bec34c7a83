"""The rooms an instrument can stand in. A new one is a class here and a line in `ROOMS`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cache, lru_cache
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from luthier.dsp.convolution import fft_convolve
from luthier.errors import ConfigError
from luthier.model.config import RoomConfig
from luthier.units import cents_to_ratio, db_to_amplitude, db_to_power, power_to_db, seconds_to_samples

FREE_TAPS_START = 0.5e-4
"""The assignment's room starts uniform between plus and minus this."""
EARLY_SECONDS = 0.05
"""How long single reflections can be told apart; later ones are a decaying noise."""
FADE_SECONDS = 0.05
"""Over which a response ends that is shorter than the room rings. Octaves are cut out of the taps in a circle, too: what
the first ones leave before themselves lies at the end."""
SLOW_SECONDS = 0.03
"""Of the taps that die away, the first ones, which learn more slowly."""
N_DECAY_BANDS = 8
BAND_EDGES = (0.0, *(2.0**octave for octave in range(1 - N_DECAY_BANDS, 1)))
"""Octaves down from Nyquist, as parts of it."""
START_LEVEL_DB = -50.0
"""Level of the decaying noise before training, per tap, against the direct sound."""
START_T60_SECONDS = 0.4
SHORTEST_T60_SECONDS, LONGEST_T60_SECONDS = 0.05, 5.0
START_LATE_DB = -20.0
"""Energy of the free taps of a room that nothing is known about, against the direct sound."""
SMALLEST_LATE_DB, LARGEST_LATE_DB = -80.0, 20.0
DIRECT_SECONDS = 0.0025
"""Until here it is the direct sound, as in the literature on direct-to-reverberant ratios."""
MUSIC_HZ = (100.0, 4000.0)
AROUND_CENTS, N_BINS_A_HZ = (-10.0, -5.0, 0.0, 5.0, 10.0), 4
"""Where around a partial a room is looked at, and how finely."""
COLOUR_OCTAVES = 0.2
"""Standard deviation of the bands in which the colour of a room is looked at: finer, it is reflections."""
AMPLITUDE_DECAY_60 = math.log(1000.0)
"""60 dB as nats of amplitude."""
NOISE_SEED = 20201
"""Seed of the decaying noise: the same room in every run and on every machine."""


class Room(nn.Module, ABC):
    """A place with an impulse response; what sounds in it is convolved with that.

    Attributes:
        learning_speeds: step size of parameters, by name, as a multiple of everybody else's.
        takes_over: whether it can take over a part of the playing: how loud the dry sound is depends on the notes then.
    """

    learning_speeds: ClassVar[dict[str, float]] = {}
    takes_over: ClassVar[bool] = False

    @abstractmethod
    def impulse_response(self) -> Tensor:
        """(n_taps,); tap 0 is the direct sound."""

    def forward(self, dry: Tensor) -> Tensor:
        """Play (batch, n_samples) in the room; the same shape."""
        return fft_convolve(dry, self.impulse_response())

    def direct_gain(self) -> Tensor:
        """What to multiply the dry sound with so that it is as loud as what is heard in the room: a scalar.

        One where only little is added to the direct sound; the root of the response's energy in rooms of free taps,
        which have no direct sound to go by; the gain for music in rooms that can take over a part of the playing, of
        which `Instrument.dry_gain` knows more.
        """
        return torch.ones(())

    def colour_db(self) -> Tensor | None:
        """By how much this room makes each third of an octave louder than it is known to: (n_bands,), dB.

        The tone of an instrument can hide here: dry recordings sound the same whether the player is dark or the room.
        None where nothing is known, as in rooms of free taps.
        """
        return None


class FreeTapsRoom(Room):
    """The assignment's: every tap is free and goes through tanh."""

    def __init__(self, room: RoomConfig, sample_rate: int) -> None:
        super().__init__()
        n_taps = seconds_to_samples(room.seconds, sample_rate)
        self.taps = nn.Parameter(torch.empty(n_taps).uniform_(-FREE_TAPS_START, FREE_TAPS_START))

    def impulse_response(self) -> Tensor:
        """tanh of the taps: (n_taps,)."""
        return torch.tanh(self.taps)

    def direct_gain(self) -> Tensor:
        """Root of the response's energy: a scalar."""
        return self.impulse_response().square().sum().sqrt()


class FreeTapsDirectRoom(Room):
    """magenta's: free taps, but the direct sound is always one."""

    def __init__(self, room: RoomConfig, sample_rate: int) -> None:
        super().__init__()
        n_taps = seconds_to_samples(room.seconds, sample_rate)
        self.taps = nn.Parameter(torch.empty(n_taps).normal_(0.0, 1e-6))

    def impulse_response(self) -> Tensor:
        """One, then the taps after the first: (n_taps,)."""
        return torch.cat([torch.ones_like(self.taps[:1]), self.taps[1:]])


class DecayingRoom(Room):
    """Our first: the direct sound, free early reflections, then noise bands that die away exponentially.

        |  direct sound: 1
        | |.|, . ,        early: free taps
        |      ~~~~~~~~~~~~~------______      late: noise bands, each with its level and its T60

    Levels and decay times are the parameters, always legal. A spectral distance likes the early part better than the
    player, and does not like the late one, whose noise is not that of the recordings' room: see `DecayingTapsRoom`.

    Source: the statistical model of late reverberation (Moorer 1979; Polack 1988), in bands.
    """

    takes_over: ClassVar[bool] = True
    late_bands: Tensor

    def __init__(self, room: RoomConfig, sample_rate: int) -> None:
        super().__init__()
        n_taps = seconds_to_samples(room.seconds, sample_rate)
        n_early = min(n_taps - 1, seconds_to_samples(EARLY_SECONDS, sample_rate))
        self.sample_rate = sample_rate
        self.early_taps = nn.Parameter(torch.zeros(n_early))
        self.level_db = nn.Parameter(torch.full((N_DECAY_BANDS,), START_LEVEL_DB))
        # On the CPU: on the meta device, where files are checked, a logarithm makes torch import its compiler.
        start = _t60_to_raw(torch.tensor(START_T60_SECONDS, device="cpu"))
        self.t60_raw = nn.Parameter(torch.full((N_DECAY_BANDS,), float(start)))
        self.register_buffer("late_bands", late_noise_bands(n_taps, n_early), persistent=False)

    def t60_seconds(self) -> Tensor:
        """Decay time of each band, low to high: (n_bands,), seconds, always between 0.05 and 5."""
        span = math.log(LONGEST_T60_SECONDS / SHORTEST_T60_SECONDS)
        return SHORTEST_T60_SECONDS * torch.exp(span * torch.sigmoid(self.t60_raw))

    def impulse_response(self) -> Tensor:
        """Direct sound, early and late part: (n_taps,)."""
        n_taps = self.late_bands.shape[-1]
        early = F.pad(self.early_taps, (1, n_taps - 1 - len(self.early_taps)))
        time = torch.arange(n_taps, dtype=self.level_db.dtype, device=self.level_db.device) / self.sample_rate
        decay = torch.exp(-AMPLITUDE_DECAY_60 * time / self.t60_seconds().unsqueeze(1))
        late = (db_to_amplitude(self.level_db).unsqueeze(1) * decay * self.late_bands).sum(dim=0)
        return F.pad(torch.ones_like(early[:1]), (0, n_taps - 1)) + early + late

    def direct_gain(self) -> Tensor:
        """Gain of the response for music: a scalar."""
        return music_gain(self.impulse_response(), self.sample_rate)

    def colour_db(self) -> Tensor:
        """Gains of the whole response; the room of a dry recording has none to speak of: (n_bands,), dB."""
        return third_octave_gains_db(self.impulse_response(), self.sample_rate)


class DecayingTapsRoom(Room):
    """Ours: the direct sound, then free taps that die away as the room of the recordings does.

        |  direct sound: 1
        |
        |   |,||.,|.,,.,..,...........    taps, noise at first, in octaves: each with its T60

    Which tone is coloured how is learned, tap by tap; the first taps learn more slowly, since they could take on the
    instrument's own colour as well, and the room would be too loud. How long and how loud the room rings is measured
    before (`set_decay`) and not learned: a network plays a reverberation more closely than any room of noise.

    Attributes:
        t60_seconds: decay time of each octave, low to high: (N_DECAY_BANDS,).
        late_db: energy of the taps before they learn, against the direct sound, dB: (1,).

    Source: the statistical model of late reverberation (Moorer 1979; Polack 1988), in bands; free taps, Engel et al. 2020.
    """

    learning_speeds: ClassVar[dict[str, float]] = {"early_taps": 10.0, "taps": 30.0}
    takes_over: ClassVar[bool] = True
    t60_seconds: Tensor
    late_db: Tensor
    bands: Tensor

    def __init__(self, room: RoomConfig, sample_rate: int) -> None:
        super().__init__()
        n_taps = seconds_to_samples(room.seconds, sample_rate)
        self.sample_rate = sample_rate
        early, late = split_taps(_seeded_noise(n_taps), sample_rate)
        self.early_taps, self.taps = nn.Parameter(early), nn.Parameter(late)
        self.register_buffer("t60_seconds", torch.full((N_DECAY_BANDS,), START_T60_SECONDS))
        self.register_buffer("late_db", torch.full((1,), START_LATE_DB))
        self.register_buffer("bands", _octave_masks(n_taps), persistent=False)

    def band_edges_hz(self) -> list[float]:
        """Edges of the bands: N_DECAY_BANDS + 1, 0 Hz to Nyquist."""
        return [self.sample_rate / 2 * edge for edge in BAND_EDGES]

    @torch.no_grad()
    def set_decay(self, t60_seconds: Tensor, late_db: float) -> None:
        """Say how long each band (n_bands,) rings, seconds, and how loud all of it is against the direct sound, dB."""
        self.t60_seconds.copy_(t60_seconds)
        self.late_db.fill_(late_db)

    def impulse_response(self) -> Tensor:
        """Direct sound and taps: (n_taps,)."""
        taps = torch.cat([self.early_taps, self.taps])
        n_taps = len(taps)
        # What a file says is made legal here.
        t60_seconds = self.t60_seconds.clamp(SHORTEST_T60_SECONDS, LONGEST_T60_SECONDS).tolist()
        late_db = float(self.late_db.clamp(SMALLEST_LATE_DB, LARGEST_LATE_DB))
        envelope = _decay_envelope(tuple(t60_seconds), late_db, n_taps, self.sample_rate).to(taps)
        bands = torch.fft.irfft(torch.fft.rfft(taps) * self.bands, n_taps)
        return F.pad(torch.ones_like(taps[:1]), (0, n_taps - 1)) + (envelope * bands).sum(dim=0)

    def direct_gain(self) -> Tensor:
        """Gain of the response for music: a scalar."""
        return music_gain(self.impulse_response(), self.sample_rate)

    def colour_db(self) -> Tensor:
        """Gains of the response, without what reverberation as loud as it was measured to be adds: (n_bands,), dB."""
        known_db = power_to_db(1.0 + db_to_power(self.late_db.clamp(SMALLEST_LATE_DB, LARGEST_LATE_DB)))
        return third_octave_gains_db(self.impulse_response(), self.sample_rate) - known_db


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # made while playing, it must still serve while training
def _decay_envelope(t60_seconds: tuple[float, ...], late_db: float, n_taps: int, sample_rate: int) -> Tensor:
    """What the bands of a `DecayingTapsRoom` are multiplied with: (n_bands, n_taps). Shared: do not write to it."""
    decay_time = torch.tensor(t60_seconds).unsqueeze(1)
    time = torch.arange(n_taps, dtype=torch.float32) / sample_rate
    # An exponential decay from level a has the energy a^2 T60 / (2 ln 1000).
    level = torch.sqrt(db_to_power(torch.tensor(late_db)) * 2.0 * AMPLITUDE_DECAY_60 / (decay_time * sample_rate))
    left = (n_taps - torch.arange(n_taps, dtype=torch.float32)) / seconds_to_samples(FADE_SECONDS, sample_rate)
    fade = torch.sin(0.5 * math.pi * left.clamp_max(1.0)).square()
    return level * torch.exp(-AMPLITUDE_DECAY_60 * time / decay_time) * (time > DIRECT_SECONDS) * fade


def split_taps(taps: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Taps (n_taps,) of a `DecayingTapsRoom`, the slow ones of the first 30 ms and the others."""
    n_early = seconds_to_samples(SLOW_SECONDS, sample_rate)
    return taps[:n_early].clone(), taps[n_early:].clone()


def music_gain(impulse_response: Tensor, sample_rate: int) -> Tensor:
    """By how much a room makes music louder, whose power is about the same in every octave.

    Args:
        impulse_response: (n_taps,) or (n_channels, n_taps).
        sample_rate: Hz.

    Returns:
        Root of the mean power gain of all channels and all octaves from 100 Hz to 4 kHz: a scalar.
    """
    n_fft = max(impulse_response.shape[-1], sample_rate)  # bins of 1 Hz or less
    hz = torch.fft.rfftfreq(n_fft, 1.0 / sample_rate, device=impulse_response.device)
    low, high = MUSIC_HZ
    weight = torch.where((hz >= low) & (hz <= high), 1.0 / hz.clamp_min(low), torch.zeros_like(hz))
    power = torch.fft.rfft(impulse_response, n_fft).abs().square()
    return torch.sqrt((weight * power).sum(dim=-1).mean() / weight.sum())


def tone_gain(impulse_response: Tensor, sample_rate: int, hz: Tensor, power: Tensor) -> Tensor:
    """By how much a room makes tones louder, with the vibrato that all notes have a little of.

    Args:
        impulse_response: (n_taps,).
        sample_rate: Hz.
        hz: any shape, of the partials; those above Nyquist count as at it.
        power: the same shape.

    Returns:
        Root of the mean power gain of the partials: a scalar; NaN without power.
    """
    n_fft = N_BINS_A_HZ * max(impulse_response.shape[-1], sample_rate)
    gains = torch.fft.rfft(impulse_response, n_fft).abs().square()
    bins = hz.unsqueeze(-1) * cents_to_ratio(torch.tensor(AROUND_CENTS).to(hz)) * (n_fft / sample_rate)
    around = gains[bins.round().long().clamp(max=len(gains) - 1)].mean(dim=-1)
    return torch.sqrt((power * around).sum() / power.sum())


def third_octave_gains_db(impulse_response: Tensor, sample_rate: int) -> Tensor:
    """By how much a room makes each third of an octave louder, from 100 Hz up.

    Args:
        impulse_response: (n_taps,).
        sample_rate: Hz.

    Returns:
        (n_bands,), dB: 18 at 16 kHz, 23 at 44.1 kHz.
    """
    power = torch.fft.rfft(impulse_response, max(len(impulse_response), sample_rate)).abs().square()
    return power_to_db(_third_octaves(len(power), sample_rate).to(power) @ power)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # made while listening, they must still serve while training
def _third_octaves(n_bins: int, sample_rate: int) -> Tensor:
    """Weights of the bins of a spectrum in its third-octaves, each a mean: (n_bands, n_bins). Shared: do not write to it."""
    hz = torch.linspace(0.0, sample_rate / 2, n_bins)
    n_bands = math.floor(3.0 * math.log2(sample_rate / 2 / MUSIC_HZ[0]))
    centres = MUSIC_HZ[0] * 2.0 ** (torch.arange(n_bands).unsqueeze(1) / 3.0)
    weights = torch.exp(-0.5 * (torch.log2(hz.clamp_min(1.0) / centres) / COLOUR_OCTAVES).square())
    return weights / weights.sum(dim=1, keepdim=True)


def _octave_masks(n_taps: int) -> Tensor:
    """(N_DECAY_BANDS, n_taps // 2 + 1): which bin of a spectrum of n_taps belongs to which band."""
    # On the CPU: on the meta device, where files are checked, a comparison makes torch import its compiler.
    position = torch.linspace(0.0, 1.0, n_taps // 2 + 1, device="cpu")
    edges = (-1.0, *BAND_EDGES[1:])
    return torch.stack([((position > low) & (position <= high)).float() for low, high in pairwise(edges)])


def _seeded_noise(n_taps: int) -> Tensor:
    """White noise of unit variance, always the same: (n_taps,)."""
    noise = np.random.Generator(np.random.PCG64(NOISE_SEED)).standard_normal(n_taps)
    return torch.from_numpy(noise).to(torch.float32)


def _t60_to_raw(seconds: Tensor) -> Tensor:
    span = math.log(LONGEST_T60_SECONDS / SHORTEST_T60_SECONDS)
    return torch.logit(torch.log(seconds / SHORTEST_T60_SECONDS) / span)


@cache
@torch.inference_mode(False)  # made while playing, it must still serve while training
def late_noise_bands(n_taps: int, n_early: int) -> Tensor:
    """White noise split into bands as wide as each other on a logarithmic scale, fading in behind the early part.

    Returns:
        (N_DECAY_BANDS, n_taps); the bands sum to unit-variance noise after the fade. Shared: do not write to it.
    """
    noise = np.random.Generator(np.random.PCG64(NOISE_SEED)).standard_normal(n_taps)
    spectrum = np.fft.rfft(noise)
    position = np.linspace(0.0, 1.0, len(spectrum))
    edges = (-1.0, *BAND_EDGES[1:])
    bands = [
        np.fft.irfft(spectrum * ((position > low) & (position <= high)), n=n_taps) for low, high in pairwise(edges)
    ]
    fade = np.clip((np.arange(n_taps) - n_early / 2) / max(1.0, n_early / 2), 0.0, 1.0)
    return torch.from_numpy(np.stack(bands) * fade).to(torch.float32)


class NoRoom(Room):
    """The sound as it is."""

    def __init__(self, room: RoomConfig, sample_rate: int) -> None:
        super().__init__()

    def impulse_response(self) -> Tensor:
        """A single one: (1,)."""
        return torch.ones(1)

    def forward(self, dry: Tensor) -> Tensor:
        """Return (batch, n_samples) unchanged."""
        return dry


ROOMS: dict[str, type[Room]] = {
    "free_taps": FreeTapsRoom,
    "free_taps_direct": FreeTapsDirectRoom,
    "decaying": DecayingRoom,
    "decaying_taps": DecayingTapsRoom,
    "none": NoRoom,
    "auto": DecayingRoom,  # until the recordings are known: see training/room_start.py
}


def build_room(room: RoomConfig, sample_rate: int) -> Room:
    """Find the class of a room and build it.

    Raises:
        ConfigError: no room has this name.
    """
    if room.kind not in ROOMS:
        raise ConfigError(f"room.kind: found {room.kind!r}, expected one of {', '.join(ROOMS)}.")
    return ROOMS[room.kind](room, sample_rate)
